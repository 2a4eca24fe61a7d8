//! Variables of a worker, and those that both must have alike.

use super::Warning;
use crate::{
    describe::authority,
    setup::Setup,
    variables::{VARIABLES, Variable},
};

/// Origins cannot tell the gateway from others.
pub(super) fn no_assertion(setup: &Setup) -> Vec<Warning> {
    let missing = setup.gateway().is_some() && !setup.given.contains_key("ASSERTION_KEYS");
    missing
        .then(|| {
            Warning::new(
                "ASSERTION_KEYS",
                "is not given, and without it origins cannot tell the gateway from anybody else \
                 who reaches them; make a key with `scripts/assertion-key` and set it as a secret; if \
                 it is set, name a file that holds it by --vars",
            )
        })
        .into_iter()
        .collect()
}

/// The gateway answers under every host that leads to it.
pub(super) fn no_public_hosts(setup: &Setup) -> Vec<Warning> {
    let Some(config) = setup.gateway() else {
        return Vec::new();
    };
    let missing = !setup.given.contains_key("PUBLIC_HOSTS");
    missing
        .then(|| {
            let host = authority(config.common.targets.base.as_str());
            Warning::new(
                "PUBLIC_HOSTS",
                format!(
                    "is not set, so that the gateway answers under every host that leads to it \
                     and tells origins that one; set it to {host}"
                ),
            )
        })
        .into_iter()
        .collect()
}

/// An outage of Redis would be an outage of everything behind the gateway.
pub(super) fn no_second_store(setup: &Setup) -> Vec<Warning> {
    if setup.gateway().is_none() {
        return Vec::new();
    }
    let is_off = setup
        .given
        .get("DATABASE_FALLBACK")
        .is_some_and(|value| value == "0");
    let (name, problem) = if is_off {
        let problem = "is 0: while Redis is away nobody gets in; leave it out to keep sessions in \
                       the database, too";
        ("DATABASE_FALLBACK", problem)
    } else if setup.given.contains_key("SUPABASE_SERVICE_ROLE_KEY") {
        return Vec::new();
    } else if setup.given.contains_key("SUPABASE_URL") {
        let problem = "is not given, and without it nobody gets in while Redis is away; set it as a secret, \
                       and apply supabase/migrations; if it is set, name a file that holds it by --vars";
        ("SUPABASE_SERVICE_ROLE_KEY", problem)
    } else {
        let problem = "is not set: while Redis is away nobody gets in; set it, and the secret \
                       SUPABASE_SERVICE_ROLE_KEY, and apply supabase/migrations";
        ("SUPABASE_URL", problem)
    };
    vec![Warning::new(name, problem)]
}

/// Everybody who comes to `GATEWAY_URL` would get 421.
pub(super) fn public_hosts_without_our_own(setup: &Setup) -> Vec<Warning> {
    let Some(config) = setup.gateway() else {
        return Vec::new();
    };
    let host = authority(config.common.targets.base.as_str());
    let is_ours = |known: &String| known == host;
    let is_missing = !config.public_hosts.is_empty() && !config.public_hosts.iter().any(is_ours);
    let is_given = setup.faults.iter().all(|fault| fault.name != "GATEWAY_URL");
    (is_missing && is_given)
        .then(|| {
            Warning::new(
                "PUBLIC_HOSTS",
                format!("lacks {host} of GATEWAY_URL, where everybody would get 421; add it"),
            )
        })
        .into_iter()
        .collect()
}

/// For a developer's machine.
pub(super) fn client_ip_fallback(setup: &Setup) -> Vec<Warning> {
    let fallback = setup.common().and_then(|common| common.client_ip.fallback);
    fallback
        .map(|_| {
            Warning::new(
                "CLIENT_IP_FALLBACK",
                "is for a developer's machine: whoever comes without an address is taken for one \
                 and the same client, for limits and devices alike; remove it",
            )
        })
        .into_iter()
        .collect()
}

/// Fewest characters of a token that nobody guesses.
const TOKEN_LENGTH: usize = 16;

/// A token that could be guessed: nobody counts who tries.
pub(super) fn short_metrics_token(setup: &Setup) -> Vec<Warning> {
    let token = setup.given.get("METRICS_TOKEN");
    let is_short = token.is_some_and(|token| (1..TOKEN_LENGTH).contains(&token.trim().len()));
    let problem =
        "could be guessed, and nobody counts who tries; make one with `openssl rand -base64 32`";
    let warning = is_short.then(|| Warning::new("METRICS_TOKEN", problem));
    warning.into_iter().collect()
}

/// A header that a client might set.
pub(super) fn client_ip_header(setup: &Setup) -> Vec<Warning> {
    let header = setup.common().map(|common| &common.client_ip.header);
    header
        .filter(|header| *header != "cf-connecting-ip")
        .map(|header| {
            Warning::new(
                "CLIENT_IP_HEADER",
                format!(
                    "is {header}, which on Cloudflare every client can set, and be at any address; \
                     remove it, unless your own load balancer sets it and lets no client do so"
                ),
            )
        })
        .into_iter()
        .collect()
}

/// Names that nobody reads: a demand that was misspelt would be overlooked.
pub(super) fn unknown(setup: &Setup) -> Vec<Warning> {
    let names = setup.given.keys();
    names
        .filter(|name| Variable::named(name).is_none())
        .map(|name| {
            let problem = "is read by neither worker; mend its name or remove it";
            Warning::new(name.as_str(), problem)
        })
        .collect()
}

/// What both workers read and do not have alike.
pub(super) fn differing(first: &Setup, second: &Setup) -> Vec<Warning> {
    let differs = |known: &Variable| {
        let (one, other) = (first.given.get(known.name), second.given.get(known.name));
        let is_certain = !known.is_secret || (one.is_some() && other.is_some());
        is_certain && one.map(|text| text.trim()) != other.map(|text| text.trim())
    };
    VARIABLES
        .iter()
        .copied()
        .filter(|known| known.is_read_by_both() && !known.may_differ)
        .filter(differs)
        .map(|known| {
            let (one, other) = (first.worker.name(), second.worker.name());
            Warning::new(
                known.name,
                format!(
                    "is not the same as in {one}: what {other} makes, {one} would not take; give \
                     both the same"
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        test_support::{verify, warns, worker},
        variables::Worker,
    };

    fn auth(changes: &[(&str, &str)]) -> Setup {
        worker(Worker::Auth, changes, "")
    }

    #[test]
    fn warns_of_missing_assertion_keys() {
        warns(&no_assertion(&verify(&[])), &["ASSERTION_KEYS|origins"]);
        warns(&no_assertion(&verify(&[("ASSERTION_KEYS", "x")])), &[]);
        warns(&no_assertion(&auth(&[])), &[]);
    }

    #[test]
    fn warns_of_missing_public_hosts() {
        warns(
            &no_public_hosts(&verify(&[])),
            &["PUBLIC_HOSTS|set it to app.test"],
        );
        warns(
            &no_public_hosts(&verify(&[("PUBLIC_HOSTS", "app.test")])),
            &[],
        );
        warns(&no_public_hosts(&auth(&[])), &[]);
    }

    #[test]
    fn warns_of_sessions_that_are_in_redis_alone() {
        let with = |name, value| no_second_store(&verify(&[(name, value)]));
        warns(
            &with("SUPABASE_URL", ""),
            &["SUPABASE_URL|supabase/migrations"],
        );
        warns(&with("DATABASE_FALLBACK", "0"), &["DATABASE_FALLBACK|is 0"]);
        let key = ("SUPABASE_SERVICE_ROLE_KEY", "k");
        warns(&no_second_store(&verify(&[key])), &[]);
        warns(
            &no_second_store(&verify(&[])),
            &["SUPABASE_SERVICE_ROLE_KEY|--vars"],
        );
    }

    #[test]
    fn warns_of_public_hosts_that_lack_the_gateways() {
        let with = |hosts: &str| {
            let setup = verify(&[
                ("PUBLIC_HOSTS", hosts),
                ("GATEWAY_URL", "https://app.test:444"),
            ]);
            public_hosts_without_our_own(&setup)
        };
        warns(&with("app.test"), &["lacks app.test:444"]);
        warns(&with("b.test,APP.test:444"), &[]);
        warns(&public_hosts_without_our_own(&verify(&[])), &[]);
    }

    #[test]
    fn warns_of_a_fallback_address() {
        let setup = verify(&[("CLIENT_IP_FALLBACK", "127.0.0.1")]);
        warns(
            &client_ip_fallback(&setup),
            &["CLIENT_IP_FALLBACK|remove it"],
        );
        warns(&client_ip_fallback(&verify(&[])), &[]);
    }

    #[test]
    fn warns_of_a_token_for_metrics_that_could_be_guessed() {
        let with = |token| short_metrics_token(&verify(&[("METRICS_TOKEN", token)]));
        warns(&with("prometheus"), &["METRICS_TOKEN|openssl"]);
        warns(&with("a-token-of-sixteen"), &[]);
        warns(&with(""), &[]);
    }

    #[test]
    fn warns_of_another_header_for_the_address() {
        let with = |header| client_ip_header(&auth(&[("CLIENT_IP_HEADER", header)]));
        warns(&with("X-Real-IP"), &["CLIENT_IP_HEADER|is x-real-ip"]);
        warns(&with("CF-Connecting-IP"), &[]);
        warns(&with(""), &[]);
    }

    #[test]
    fn warns_of_a_name_that_nobody_reads() {
        warns(
            &unknown(&verify(&[("PUBLIC_HOST", "a.test")])),
            &["PUBLIC_HOST: is read by neither"],
        );
        // A file may hold the variables of both.
        warns(&unknown(&verify(&[("LANGUAGES", "en")])), &[]);
    }

    #[test]
    fn warns_of_what_the_workers_do_not_have_alike() {
        let with = |name, value| differing(&verify(&[]), &auth(&[(name, value)]));
        warns(
            &with("SESSION_TTL_SECONDS", "900"),
            &["SESSION_TTL_SECONDS|as in verify"],
        );
        warns(&with("GATEWAY_URL", "https://b.test"), &["GATEWAY_URL"]);
        let secret = "another-secret-of-thirty-two-chars";
        warns(&with("SESSION_SECRET", secret), &["SESSION_SECRET"]);
        warns(&with("SESSION_SECRET", ""), &[]);
        warns(&with("LOG_LEVEL", "debug"), &[]);
        warns(&with("SUPABASE_URL", "https://b.test"), &["SUPABASE_URL"]);
        warns(&with("LANGUAGES", "de"), &[]);
    }
}
