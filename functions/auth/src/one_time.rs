//! Things that are used once: the step that waits for a code, the session of a reset link, the
//! state of a sign-in at another provider.
//!
//! Each lives in Redis under the hash of a name that only its owner knows, sealed, for minutes.
//! Taking it is one command, so that of many who try at once exactly one gets it.

use authflow_shared::{
    hex,
    host::Host,
    json::Object,
    layout,
    redis::{Command, Lookup, Reply, Unavailable, lookup},
    secret::Secret,
};
use base64ct::{Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256};

use crate::{exchange::Exchange, failure::Failure};

/// A kind of thing: its name in Redis, and the seconds it lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    name: &'static str,
    seconds: u64,
}

/// A sign-in that waits for the code of a second factor.
pub(crate) const SECOND_FACTOR: Kind = Kind::new("second_factor", 600);
/// The recovery session of a reset link.
pub(crate) const RESET: Kind = Kind::new("reset", 600);
/// A reset link that is being used at this moment, at least so long.
pub(crate) const RESET_IN_USE: Kind = Kind::new("reset_in_use", 30);
/// A code of a second factor that has been tried. Supabase takes one for three steps of 30
/// seconds; this is longer.
pub(crate) const TRIED_CODE: Kind = Kind::new("tried_code", 300);
/// A sign-in at another provider.
pub(crate) const OAUTH: Kind = Kind::new("oauth", 600);

impl Kind {
    const fn new(name: &'static str, seconds: u64) -> Self {
        Self { name, seconds }
    }

    /// The seconds it lives.
    pub(crate) const fn seconds(self) -> u64 {
        self.seconds
    }

    /// The same, but it lives for `seconds` if that is longer.
    pub(crate) fn at_least(self, seconds: u64) -> Self {
        Self {
            seconds: self.seconds.max(seconds),
            ..self
        }
    }

    /// The key of the thing called `name`. Whoever reads Redis does not learn the name.
    fn key(self, name: &str) -> String {
        format!("{}:{}", self.name, hex::encode(&Sha256::digest(name)))
    }
}

/// A name that is ours until its time is over.
#[derive(Debug)]
pub(crate) struct Claim {
    key: String,
    /// What tells it from somebody else's, who claimed the name after our time was over.
    owner: Secret,
}

/// Deletes a key if its value is the one that is named.
const GIVE_UP: &str =
    r#"return redis.call("GET", KEYS[1]) == ARGV[1] and redis.call("DEL", KEYS[1]) or 0"#;

/// A name that nobody can guess: 256 bits in base64url.
pub(crate) fn random_name<H: Host>(host: &H) -> Result<Secret, Failure> {
    let mut bytes = [0; 32];
    host.fill(&mut bytes)
        .map_err(|_| Failure::no_randomness())?;
    Ok(Secret::new(Base64UrlUnpadded::encode_string(&bytes)))
}

impl<H: Host> Exchange<'_, H> {
    /// Keeps `value` under `name`, for the time of its kind from now on.
    pub(crate) async fn keep(&self, kind: Kind, name: &str, value: &Object) -> Result<(), Failure> {
        let command = self.set(kind, name, value).arg("EX").arg(kind.seconds);
        if self.is_set(&command).await? {
            return Ok(());
        }
        Err(Failure::store_unavailable(Unavailable::Refused))
    }

    /// Keeps `value` in place of what is kept under `name`, for what is left of its time; gives whether
    /// anything is left.
    pub(crate) async fn keep_on(
        &self,
        kind: Kind,
        name: &str,
        value: &Object,
    ) -> Result<bool, Failure> {
        let command = self.set(kind, name, value).arg("XX").arg("KEEPTTL");
        self.is_set(&command).await
    }

    fn set(&self, kind: Kind, name: &str, value: &Object) -> Command {
        let value = Secret::new(layout::write(value.clone()));
        let sealed = self.config.fernet.seal(&value, self.host.now());
        Command::new("SET").arg(kind.key(name)).arg(sealed)
    }

    /// Whether a `SET` whose condition may not hold has set something.
    async fn is_set(&self, command: &Command) -> Result<bool, Failure> {
        match self.redis().command(command).await {
            Ok(Reply::Text(_)) => Ok(true),
            Ok(Reply::Nil) => Ok(false),
            Ok(_) => Err(Failure::store_unavailable(Unavailable::Refused)),
            Err(reason) => Err(Failure::store_unavailable(reason)),
        }
    }

    /// What is kept under `name`; it stays.
    pub(crate) async fn look_at(&self, kind: Kind, name: &str) -> Result<Option<Object>, Failure> {
        let command = Command::new("GET").arg(kind.key(name));
        self.opened(self.redis().command(&command).await)
    }

    /// What is kept under `name`; nobody else gets it.
    pub(crate) async fn take(&self, kind: Kind, name: &str) -> Result<Option<Object>, Failure> {
        let command = Command::new("GETDEL").arg(kind.key(name));
        self.opened(self.redis().command(&command).await)
    }

    /// Claims `name` for whoever asks first; nothing if that is not us.
    pub(crate) async fn claim(&self, kind: Kind, name: &str) -> Result<Option<Claim>, Failure> {
        let claim = Claim {
            key: kind.key(name),
            owner: random_name(self.host)?,
        };
        let command = Command::new("SET")
            .arg(&claim.key)
            .arg(claim.owner.expose())
            .arg("NX")
            .arg("EX")
            .arg(kind.seconds);
        Ok(self.is_set(&command).await?.then_some(claim))
    }

    /// Gives a claim up, unless it is over and the name is somebody else's by now.
    pub(crate) async fn give_up(&self, claim: &Claim) -> Result<(), Failure> {
        let command = Command::new("EVAL")
            .arg(GIVE_UP)
            .arg("1")
            .arg(&claim.key)
            .arg(claim.owner.expose());
        match self.redis().command(&command).await {
            Ok(Reply::Integer(_)) => Ok(()),
            Ok(_) => Err(Failure::store_unavailable(Unavailable::Refused)),
            Err(reason) => Err(Failure::store_unavailable(reason)),
        }
    }

    /// Forgets what was kept under `name`.
    pub(crate) async fn forget(&self, kind: Kind, name: &str) -> Result<(), Failure> {
        let command = Command::new("DEL").arg(kind.key(name));
        let released = self.redis().command(&command).await;
        released.map(drop).map_err(Failure::store_unavailable)
    }

    /// A value that no key opens is as good as none.
    fn opened(&self, reply: Result<Reply, Unavailable>) -> Result<Option<Object>, Failure> {
        match reply.map_or_else(Lookup::Unavailable, lookup) {
            Lookup::Found(sealed) => {
                let value = self.config.fernet.open(&sealed, self.host.now());
                Ok(value.and_then(|value| layout::read(value.expose())))
            }
            Lookup::Absent => Ok(None),
            Lookup::Unavailable(reason) => Err(Failure::store_unavailable(reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_holds_the_name() {
        let key = RESET.key("token-of-a-mail");
        assert!(key.starts_with("reset:") && !key.contains("token"), "{key}");
        assert_ne!(RESET.key("a"), RESET.key("b"));
        assert_ne!(RESET.key("a"), OAUTH.key("a"));
    }
}
