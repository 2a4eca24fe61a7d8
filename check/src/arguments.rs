//! What the program is told.

use crate::target::Target;

/// What the caller asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Show what can be said.
    Help,
    /// Check.
    Check(Arguments),
}

/// See `help.txt`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) config: String,
    pub(crate) vars: Vec<String>,
    /// `None` for all that the file has.
    pub(crate) targets: Option<Vec<Target>>,
    pub(crate) strict: bool,
    pub(crate) json: bool,
}

/// Reads the arguments, without the program's name.
pub(crate) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Order, String> {
    let mut read = Arguments {
        config: "wrangler.toml".to_owned(),
        vars: Vec::new(),
        targets: None,
        strict: false,
        json: false,
    };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        let mut value = || {
            attached
                .clone()
                .or_else(|| arguments.next())
                .ok_or_else(|| format!("{name} needs a value; --help shows which"))
        };
        match name {
            "-h" | "--help" => return Ok(Order::Help),
            "--config" => read.config = value()?,
            "--vars" => read.vars.push(value()?),
            "--env" => read.targets = Some(targets(&value()?)?),
            "--strict" if attached.is_none() => read.strict = true,
            "--json" if attached.is_none() => read.json = true,
            _ => {
                return Err(format!(
                    "unknown argument {argument}; --help shows what there is"
                ));
            }
        }
    }
    Ok(Order::Check(read))
}

fn targets(name: &str) -> Result<Vec<Target>, String> {
    Target::named(name).ok_or_else(|| {
        format!(
            "--env is production or staging, or one worker: verify or auth, verify-staging or \
             auth-staging; not {name}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(line: &str) -> Result<Order, String> {
        read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn all_of_wrangler_toml_is_checked_unless_told_otherwise() {
        let Ok(Order::Check(arguments)) = reads("") else {
            panic!("no order");
        };
        assert_eq!(arguments.config, "wrangler.toml");
        assert_eq!(arguments.targets, None);
        assert!(!arguments.strict && !arguments.json);
    }

    #[test]
    fn a_value_stands_behind_its_name_or_is_attached() {
        for line in [
            "--config a.toml --vars b --vars c=d --env auth --strict --json",
            "--config=a.toml --vars=b --vars=c=d --env=auth --json --strict",
        ] {
            let expected = Arguments {
                config: "a.toml".to_owned(),
                vars: vec!["b".to_owned(), "c=d".to_owned()],
                targets: Target::named("auth"),
                strict: true,
                json: true,
            };
            assert_eq!(reads(line), Ok(Order::Check(expected)), "{line}");
        }
        assert_eq!(reads("--json --help"), Ok(Order::Help));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (line, named) in [
            ("--confg x", "--confg"),
            ("wrangler.toml", "wrangler.toml"),
            ("--vars", "--vars"),
            ("--env prod", "prod"),
            ("--json=yes", "--json=yes"),
        ] {
            let error = reads(line).unwrap_err();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
