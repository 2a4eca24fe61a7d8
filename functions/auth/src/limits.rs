//! How often somebody may try: by account, so that no password is guessed from many addresses, and
//! by address, so that not many accounts are tried from one.
//!
//! An account is its address in its one spelling, and it is counted whether it exists or not. What
//! is over a limit is refused before Supabase is asked; a session that somebody has is not touched.

use core::time::Duration;

use authflow_shared::{
    config::Reader,
    hex,
    host::Host,
    rate_limit::{Counter, Quota},
    redis::{Command, Reply, Unavailable},
};
use sha2::{Digest, Sha256};

use crate::{exchange::Exchange, failure::Failure};

/// What is counted, each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    SignIn,
    SignUp,
    Forgot,
    Resend,
    /// The code of a second factor.
    Code,
}

/// Every kind.
pub(crate) const ALL: [Attempt; 5] = [
    Attempt::SignIn,
    Attempt::SignUp,
    Attempt::Forgot,
    Attempt::Resend,
    Attempt::Code,
];

/// The limits of one kind of attempt; none where it is off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    account: Option<Quota>,
    address: Option<Quota>,
}

/// The limits of all kinds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    sign_in: Limit,
    sign_up: Limit,
    forgot: Limit,
    resend: Limit,
    code: Limit,
    /// How much longer the first of the patient refusals takes.
    first_delay: Duration,
}

/// From this attempt on at one account, a refusal takes longer than the one before.
const PATIENT: u64 = 4;
/// What none exceeds.
const LONGEST_DELAY: Duration = Duration::from_secs(4);

impl Limits {
    /// Reads `SIGNIN_LIMIT_ACCOUNT` and the others, as in `10/900`: requests in so many seconds;
    /// and `SIGNIN_DELAY_MS`.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            sign_in: Limit {
                account: quota(reader, "SIGNIN_LIMIT_ACCOUNT", (10, 900)),
                address: quota(reader, "SIGNIN_LIMIT_ADDRESS", (60, 300)),
            },
            sign_up: Limit {
                account: quota(reader, "SIGNUP_LIMIT_ACCOUNT", (3, 900)),
                address: quota(reader, "SIGNUP_LIMIT_ADDRESS", (20, 3600)),
            },
            forgot: Limit {
                account: quota(reader, "FORGOT_LIMIT_ACCOUNT", (3, 900)),
                address: quota(reader, "FORGOT_LIMIT_ADDRESS", (20, 3600)),
            },
            resend: Limit {
                account: quota(reader, "RESEND_LIMIT_ACCOUNT", (3, 900)),
                address: quota(reader, "RESEND_LIMIT_ADDRESS", (20, 3600)),
            },
            code: Limit {
                account: quota(reader, "CODE_LIMIT_ACCOUNT", (10, 900)),
                address: quota(reader, "CODE_LIMIT_ADDRESS", (60, 300)),
            },
            first_delay: Duration::from_millis(reader.number("SIGNIN_DELAY_MS", 250, 0..=4000)),
        }
    }

    fn of(&self, attempt: Attempt) -> Limit {
        match attempt {
            Attempt::SignIn => self.sign_in,
            Attempt::SignUp => self.sign_up,
            Attempt::Forgot => self.forgot,
            Attempt::Resend => self.resend,
            Attempt::Code => self.code,
        }
    }
}

fn quota(reader: &mut Reader<'_>, name: &'static str, default: (u64, u64)) -> Option<Quota> {
    let (requests, seconds) = match reader.optional(name) {
        None => default,
        Some("0") => return None,
        Some(text) => {
            let numbers = text.split_once('/').and_then(|(requests, seconds)| {
                let requests = requests
                    .parse()
                    .ok()
                    .filter(|count| (1..=1_000_000).contains(count))?;
                let seconds = seconds
                    .parse()
                    .ok()
                    .filter(|count| (1..=86_400).contains(count))?;
                Some((requests, seconds))
            });
            numbers.unwrap_or_else(|| {
                let problem = "must be requests/seconds as in 10/900, with up to 86400 seconds, or 0 for no limit";
                reader.fault(name, problem);
                default
            })
        }
    };
    Some(Quota {
        requests,
        window: Duration::from_secs(seconds),
    })
}

impl Attempt {
    const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "signin",
            Self::SignUp => "signup",
            Self::Forgot => "forgot",
            Self::Resend => "resend",
            Self::Code => "code",
        }
    }

    /// What the counter of `account` is called: Redis need not know its address.
    pub(crate) fn account_key(self, account: &str) -> String {
        let account = hex::encode(&Sha256::digest(account));
        format!("{}:account:{account}", self.as_str())
    }

    fn refused(self, wait: Duration) -> Failure {
        match self {
            Self::SignIn | Self::Code => Failure::too_many_attempts(wait),
            Self::SignUp | Self::Forgot | Self::Resend => Failure::rate_limited(wait),
        }
    }
}

impl<H: Host> Exchange<'_, H> {
    /// Counts an attempt at `account`, an address in its one spelling or a user's id, and gives how
    /// much longer than others its refusal is to take.
    ///
    /// # Errors
    /// The refusal, if there were too many; `store_unavailable` if nobody could count: what is not
    /// counted is not tried.
    pub(crate) async fn count(&self, attempt: Attempt, account: &str) -> Result<Duration, Failure> {
        // (1) The address first: whoever is over its limit must not use up that of an account.
        self.count_address(attempt).await?;
        // (2) The account.
        let Some(quota) = self.config.limits.of(attempt).account else {
            return Ok(Duration::ZERO);
        };
        let left = self
            .count_one(attempt, &attempt.account_key(account), quota)
            .await?;
        let attempts = quota.requests.saturating_sub(left);
        Ok(delay(attempts, self.config.limits.first_delay))
    }

    /// Forgets the attempts at any of `accounts` so far.
    ///
    /// # Errors
    /// `store_unavailable` if they may still count.
    pub(crate) async fn forget_attempts(
        &self,
        attempts: &[Attempt],
        accounts: &[String],
    ) -> Result<(), Failure> {
        let counters = self.counters(attempts, accounts);
        if counters.is_empty() {
            return Ok(());
        }
        let forget = counters.iter().fold(Command::new("DEL"), Command::arg);
        let reason = match self.redis().command(&forget).await {
            Ok(Reply::Integer(_)) => return Ok(()),
            Ok(_) => Unavailable::Refused,
            Err(reason) => reason,
        };
        Err(Failure::store_unavailable(reason))
    }

    /// The keys under which attempts at any of `accounts` are counted.
    pub(crate) fn counters(&self, attempts: &[Attempt], accounts: &[String]) -> Vec<String> {
        let mut keys = Vec::new();
        for &attempt in attempts {
            if let Some(quota) = self.config.limits.of(attempt).account {
                for account in accounts {
                    let key = attempt.account_key(account);
                    keys.extend(Counter::keys(&key, quota, self.host.now()));
                }
            }
        }
        keys
    }

    /// Counts an attempt that is at no account, or not yet.
    ///
    /// # Errors
    /// As [`Exchange::count`].
    pub(crate) async fn count_address(&self, attempt: Attempt) -> Result<(), Failure> {
        let Some(quota) = self.config.limits.of(attempt).address else {
            return Ok(());
        };
        let key = format!("{}:address:{}", attempt.as_str(), self.client_ip.network());
        self.count_one(attempt, &key, quota).await.map(drop)
    }

    async fn count_one(&self, attempt: Attempt, key: &str, quota: Quota) -> Result<u64, Failure> {
        let verdict = Counter::count(self.redis(), key, quota, self.host.now()).await;
        let verdict = verdict.map_err(Failure::store_unavailable)?;
        if verdict.allowed {
            Ok(verdict.remaining)
        } else {
            Err(attempt.refused(verdict.reset))
        }
    }
}

/// What the refusal of the attempt number `attempts` takes longer.
fn delay(attempts: u64, first: Duration) -> Duration {
    let Some(doublings) = attempts.checked_sub(PATIENT) else {
        return Duration::ZERO;
    };
    let factor = 1_u32 << doublings.min(10);
    first.saturating_mul(factor).min(LONGEST_DELAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{email::Email, test_support::config_faults};

    #[test]
    fn a_delay_grows_and_has_an_end() {
        let millis: Vec<_> = (1..=10)
            .map(|attempts| delay(attempts, Duration::from_millis(250)).as_millis())
            .collect();
        assert_eq!(millis, [0, 0, 0, 250, 500, 1000, 2000, 4000, 4000, 4000]);
        assert_eq!(delay(u64::MAX, Duration::from_millis(250)), LONGEST_DELAY);
        assert_eq!(delay(u64::MAX, Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_limit_is_requests_in_seconds() {
        for good in ["10/900", "0", "1/1", "1000000/86400"] {
            assert_eq!(
                config_faults(&[("SIGNIN_LIMIT_ACCOUNT", good)]),
                [""; 0],
                "{good}"
            );
        }
        for bad in [
            "10", "10/0", "0/900", "-1/9", "10/86401", "ten/900", "10/900/1", "10/15m",
        ] {
            for name in ["SIGNIN_LIMIT_ACCOUNT", "FORGOT_LIMIT_ADDRESS"] {
                assert_eq!(config_faults(&[(name, bad)]), [name], "{bad}");
            }
        }
    }

    #[test]
    fn an_account_is_counted_by_its_one_spelling_and_not_by_name() {
        let key = |text| Attempt::SignIn.account_key(Email::parse(text).unwrap().as_str());
        assert_eq!(key(" Ada@Example.test"), key("ada@example.test"));
        assert_ne!(key("ada@example.test"), key("ada+1@example.test"));
        assert!(!key("ada@example.test").contains("ada"));
    }
}
