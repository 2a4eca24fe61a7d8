//! The hash of each factor by itself, which tells the one that drifted.

use super::Factor;
use crate::json::{Object, Writer, scan::Scan};

/// The hashes of a device's factors; those not chosen are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactorHashes {
    /// Of [`Factor::Ip`].
    pub ip: Option<String>,
    /// Of [`Factor::UserAgent`].
    pub user_agent: Option<String>,
    /// Of [`Factor::Language`].
    pub language: Option<String>,
    /// Of [`Factor::ClientHints`].
    pub client_hints: Option<String>,
}

impl FactorHashes {
    /// As they are stored.
    pub(crate) fn to_json(&self) -> String {
        let add =
            |json: Writer, (factor, hash): (Factor, _)| json.maybe_text(factor.as_str(), hash);
        self.each().into_iter().fold(Writer::object(), add).end()
    }

    /// Each by its factor, in the order of [`Factor::ALL`].
    pub(super) fn each(&self) -> [(Factor, Option<&str>); 4] {
        [
            (Factor::Ip, self.ip.as_deref()),
            (Factor::UserAgent, self.user_agent.as_deref()),
            (Factor::Language, self.language.as_deref()),
            (Factor::ClientHints, self.client_hints.as_deref()),
        ]
    }

    /// Reads them where they are spelled as we write them.
    pub(crate) fn scan(stored: &mut Scan<'_>) -> Self {
        let mut next = |factor: Factor| stored.maybe_text(factor.as_str()).map(str::to_owned);
        Self {
            ip: next(Factor::Ip),
            user_agent: next(Factor::UserAgent),
            language: next(Factor::Language),
            client_hints: next(Factor::ClientHints),
        }
    }

    /// Reads them as they were stored.
    pub(crate) fn read(mut stored: Object) -> Self {
        Self {
            ip: stored.text(Factor::Ip.as_str()),
            user_agent: stored.text(Factor::UserAgent.as_str()),
            language: stored.text(Factor::Language.as_str()),
            client_hints: stored.text(Factor::ClientHints.as_str()),
        }
    }
}
