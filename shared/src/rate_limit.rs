//! Limits that slide: so many requests in so long a time.
//!
//! Two counters stand for the past: the present window's, and the one's before, which counts the
//! less the longer it is gone, as if its requests had come evenly. So no burst of twice the limit
//! fits around the change of a window, and no list of moments is kept. A refused request does not
//! count: whoever waits gets in.
//!
//! The same rule runs in an isolate's memory ([`Window`]) and, where a limit must be exact over
//! all isolates, in Redis ([`Counter`]), as one command that can share a round trip.

use core::time::Duration;

use crate::{
    host::Host,
    redis::{Command, Redis, Reply, Script, Unavailable},
    session::keys,
    timestamp::{Timestamp, millis},
};

/// So many requests in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The requests, at least 1.
    pub requests: u64,
    /// The time, at least a second.
    pub window: Duration,
}

/// What a limit says of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the request is within the limit. Only then was it counted.
    pub allowed: bool,
    /// Requests that would still pass now.
    pub remaining: u64,
    /// The time until one more passes; until the window changes where some would pass now.
    pub reset: Duration,
}

/// The past of one key, as far as a limit needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    index: u64,
    previous: u64,
    current: u64,
}

/// A limit that Redis counts.
#[derive(Clone, Copy, Debug)]
pub struct Counter;

/// Counts one request where the limit allows it, by the rule of [`Quota::verdict`]. Takes this
/// window's key and the one's before, then the limit, the milliseconds left of this window, and
/// those of a whole one. Gives whether it counted, and both counts as they were before.
const SCRIPT: Script = Script::new(
    r#"
local current = tonumber(redis.call("GET", KEYS[1]) or "0")
local previous = tonumber(redis.call("GET", KEYS[2]) or "0")
if math.floor(previous * ARGV[2] / ARGV[3]) + current >= tonumber(ARGV[1]) then
  return {0, previous, current}
end
redis.call("INCR", KEYS[1])
redis.call("PEXPIRE", KEYS[1], 2 * ARGV[3])
return {1, previous, current}
"#,
    "88b950f3c7bf034a7cddcf4bfee11f46620f0879",
);

// === impl Quota ===

impl Quota {
    fn window_millis(self) -> u64 {
        millis(self.window).max(1)
    }

    /// The number of the window that `now` is in, and the milliseconds left of it.
    fn place(self, now: Timestamp) -> (u64, u64) {
        let window = self.window_millis();
        let index = now.millis() / window;
        (index, window - now.millis() % window)
    }

    /// What the limit says of one more request, after `previous` requests in the window before
    /// and `current` in this one, of which `left` milliseconds are to come.
    fn verdict(self, previous: u64, current: u64, left: u64) -> Verdict {
        let window = self.window_millis();
        let used = current.saturating_add(previous.saturating_mul(left) / window);
        let free = self.requests.saturating_sub(used);
        let room = self.requests.saturating_sub(current);
        let reset = match (free, room) {
            (0, 0) => left.saturating_add(1),
            // The window before must come to count for less than this one has room for.
            (0, room) => {
                let enough = room.saturating_mul(window).saturating_sub(1) / previous.max(1);
                left.saturating_sub(enough)
            }
            _ => left,
        };
        Verdict {
            allowed: free > 0,
            remaining: free.saturating_sub(1),
            reset: Duration::from_millis(reset.max(1)),
        }
    }
}

// === impl Window ===

impl Window {
    /// Counts one request, if `quota` allows it.
    pub fn take(&mut self, quota: Quota, now: Timestamp) -> Verdict {
        let (index, left) = quota.place(now);
        if index != self.index {
            let follows = index == self.index.saturating_add(1);
            self.previous = if follows { self.current } else { 0 };
            (self.index, self.current) = (index, 0);
        }
        let verdict = quota.verdict(self.previous, self.current, left);
        if verdict.allowed {
            self.current = self.current.saturating_add(1);
        }
        verdict
    }

    /// The requests that it holds, of both windows.
    pub fn count(&self) -> u64 {
        self.previous.saturating_add(self.current)
    }

    /// Whether nothing of it matters any more at `now`.
    pub fn is_stale(&self, quota: Quota, now: Timestamp) -> bool {
        let (index, _) = quota.place(now);
        index > self.index.saturating_add(1)
    }
}

// === impl Counter ===

impl Counter {
    /// The command that counts one request of `key`; `whole` sends the script's text, for a server
    /// that does not know it yet.
    pub fn command(key: &str, quota: Quota, now: Timestamp, whole: bool) -> Command {
        let (index, left) = quota.place(now);
        let before = index.saturating_sub(1);
        let command = if whole {
            Command::new("EVAL").arg(SCRIPT.text())
        } else {
            Command::new("EVALSHA").arg(SCRIPT.sha1())
        };
        command
            .arg("2")
            .arg(keys::limit(key, index))
            .arg(keys::limit(key, before))
            .arg(quota.requests)
            .arg(left)
            .arg(quota.window_millis())
    }

    /// Counts one request of `key`, in one round trip, or in two where the server has forgotten the
    /// script.
    ///
    /// # Errors
    /// [`Unavailable`] if it is not certain that Redis counted.
    pub async fn count<H: Host>(
        redis: &Redis<H>,
        key: &str,
        quota: Quota,
        now: Timestamp,
    ) -> Result<Verdict, Unavailable> {
        let mut reply = redis
            .command(&Self::command(key, quota, now, false))
            .await?;
        if reply.is_error("NOSCRIPT") {
            reply = redis.command(&Self::command(key, quota, now, true)).await?;
        }
        Self::verdict(&reply, quota, now)
    }

    /// The keys of the windows of `key` that there can be: this one, the one before, and one that does not
    /// count any more and is about to run out.
    pub fn keys(key: &str, quota: Quota, now: Timestamp) -> [String; 3] {
        let (index, _) = quota.place(now);
        [0, 1, 2].map(|before| keys::limit(key, index.saturating_sub(before)))
    }

    /// Reads the reply to [`Counter::command`] of the same moment.
    ///
    /// # Errors
    /// [`Unavailable`] if Redis did not count.
    pub fn verdict(reply: &Reply, quota: Quota, now: Timestamp) -> Result<Verdict, Unavailable> {
        let Reply::Array(items) = reply else {
            return Err(match reply {
                Reply::Error(_) => Unavailable::Refused,
                _ => Unavailable::Unreadable,
            });
        };
        let [
            Reply::Integer(counted),
            Reply::Integer(previous),
            Reply::Integer(current),
        ] = items[..]
        else {
            return Err(Unavailable::Unreadable);
        };
        let count = |number| u64::try_from(number).map_err(|_| Unavailable::Unreadable);
        let (_, left) = quota.place(now);
        let verdict = quota.verdict(count(previous)?, count(current)?, left);
        Ok(Verdict {
            allowed: counted == 1,
            ..verdict
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redis::script::tests::is_named_well;

    const QUOTA: Quota = Quota {
        requests: 10,
        window: Duration::from_mins(1),
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    #[test]
    fn the_limit_passes_and_one_more_does_not() {
        let mut window = Window::default();
        for remaining in (0..10).rev() {
            let verdict = window.take(QUOTA, at(0));
            assert!(verdict.allowed);
            assert_eq!(verdict.remaining, remaining);
        }
        let refused = window.take(QUOTA, at(20));
        assert!(!refused.allowed);
        assert_eq!(refused.reset, Duration::from_millis(40_001));
    }

    #[test]
    fn no_burst_of_twice_the_limit_fits_around_the_change_of_a_window() {
        let mut window = Window::default();
        let mut take = |seconds| window.take(QUOTA, at(seconds)).allowed;
        assert!((0..10).all(|_| take(59)));
        assert!(!take(60), "the ten of a second ago count in full");
        assert!(take(66) && !take(66), "a tenth of the window later, one");
        assert!(
            (0..9).all(|_| take(179)),
            "all but the one of the window before"
        );
    }

    #[test]
    fn a_refused_request_does_not_count() {
        let mut window = Window::default();
        for _ in 0..1000 {
            window.take(QUOTA, at(0));
        }
        assert!(window.take(QUOTA, at(66)).allowed);
    }

    #[test]
    fn what_is_two_windows_old_is_forgotten() {
        let mut window = Window::default();
        window.take(QUOTA, at(0));
        assert!(!window.is_stale(QUOTA, at(119)));
        assert!(window.is_stale(QUOTA, at(120)));
        assert_eq!(window.take(QUOTA, at(120)).remaining, 9);
    }

    #[test]
    fn the_script_has_the_name_that_redis_gives_it() {
        assert!(is_named_well(&SCRIPT));
    }

    #[test]
    fn redis_is_asked_with_both_windows_in_one_command() {
        let key = "app:192.0.2.1";
        let command = |whole| Counter::command(key, QUOTA, at(15), whole).to_json();
        let index = at(15).millis() / 60_000;
        let rest = format!(
            r#""2","limit:{{{key}}}:{index}","limit:{{{key}}}:{}","10","45000","60000"]"#,
            index - 1
        );
        let sha1 = SCRIPT.sha1();
        assert_eq!(command(false), format!(r#"["EVALSHA","{sha1}",{rest}"#));
        assert!(command(true).starts_with(r#"["EVAL","\nlocal "#));
    }

    #[test]
    fn only_a_reply_of_the_script_is_a_verdict() {
        let verdict = |reply: &Reply| Counter::verdict(reply, QUOTA, at(0));
        let integers = |numbers: [i64; 3]| Reply::Array(numbers.map(Reply::Integer).to_vec());
        let counted = verdict(&integers([1, 0, 3])).unwrap();
        assert!(counted.allowed);
        assert_eq!(counted.remaining, 6);
        assert!(!verdict(&integers([0, 0, 10])).unwrap().allowed);
        for (reply, reason) in [
            (Reply::Error("NOSCRIPT x".into()), Unavailable::Refused),
            (Reply::Nil, Unavailable::Unreadable),
            (Reply::Array(Vec::new()), Unavailable::Unreadable),
            (integers([1, -1, 0]), Unavailable::Unreadable),
        ] {
            assert_eq!(verdict(&reply), Err(reason), "{reply:?}");
        }
    }

    proptest! {
        #[test]
        fn whoever_waits_as_told_gets_in(
            requests in 1u64..50,
            seconds in 1u64..600,
            pauses in proptest::collection::vec(0u64..5_000, 1..300),
        ) {
            let quota = Quota { requests, window: Duration::from_secs(seconds) };
            let (mut window, mut now) = (Window::default(), at(0));
            for pause in pauses {
                now = now.after(Duration::from_millis(pause));
                let verdict = window.take(quota, now);
                if !verdict.allowed {
                    let mut waited = window;
                    prop_assert!(waited.take(quota, now.after(verdict.reset)).allowed);
                }
            }
        }

        #[test]
        fn no_half_of_a_window_holds_more_than_one_and_a_half_times_the_limit(
            requests in 1u64..20,
            moments in proptest::collection::vec(0u64..4_000, 1..400),
        ) {
            let quota = Quota { requests, window: Duration::from_secs(1) };
            let mut moments = moments;
            moments.sort_unstable();
            let mut window = Window::default();
            let passed: Vec<u64> = moments
                .into_iter()
                .filter(|millis| {
                    window.take(quota, at(0).after(Duration::from_millis(*millis))).allowed
                })
                .collect();
            for start in &passed {
                let held = |length| {
                    let moments = *start..start + length;
                    passed.iter().filter(|moment| moments.contains(moment)).count() as u64
                };
                prop_assert!(held(500) <= requests + requests.div_ceil(2) + 1);
                prop_assert!(held(1000) <= 2 * requests);
            }
        }
    }
}
