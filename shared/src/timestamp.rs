//! A moment in time, as the workers count it.

use core::{fmt, time::Duration};

/// Milliseconds since the Unix epoch.
///
/// Comes from [`host::Clock`](crate::host::Clock) alone. `Display` is RFC 3339 in UTC with
/// milliseconds, as in `2026-11-23T09:05:00.120Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From whole seconds since the epoch.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Milliseconds from `earlier` to this moment; zero if the clock went backwards.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// As `Display` shows it. Each log line has one, so it is spelled without the formatter.
    pub fn to_rfc_3339(self) -> String {
        let seconds = i64::try_from(self.seconds()).unwrap_or(i64::MAX);
        let utc = time::OffsetDateTime::from_unix_timestamp(seconds)
            .unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
        let year = u64::try_from(utc.year()).unwrap_or_default();
        let fields = [
            (year, 4, "-"),
            (u8::from(utc.month()).into(), 2, "-"),
            (utc.day().into(), 2, "T"),
            (utc.hour().into(), 2, ":"),
            (utc.minute().into(), 2, ":"),
            (utc.second().into(), 2, "."),
            (self.0 % 1000, 3, "Z"),
        ];
        let mut text = String::with_capacity(24);
        for (number, digits, end) in fields {
            push_digits(&mut text, number, digits);
            text.push_str(end);
        }
        text
    }

    /// This moment and `duration` later.
    #[must_use]
    pub const fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

/// The milliseconds of `duration`, without the 128 bits of [`Duration::as_millis`].
pub const fn millis(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1000)
        .saturating_add(duration.subsec_millis() as u64)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc_3339())
    }
}

/// Adds the last `count` decimal digits of `number`.
fn push_digits(text: &mut String, number: u64, count: u32) {
    for place in (0..count).rev() {
        let digit = number / 10_u64.pow(place) % 10;
        text.extend(u8::try_from(digit).map(|digit| char::from(b'0' + digit)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_rfc_3339() {
        let moment = Timestamp::from_millis(1_795_424_700_120);
        assert_eq!(moment.to_string(), "2026-11-23T09:05:00.120Z");
        assert_eq!(
            Timestamp::from_seconds(0).to_string(),
            "1970-01-01T00:00:00.000Z"
        );
    }

    #[test]
    fn an_absurd_moment_neither_panics_nor_wraps() {
        let late = Timestamp::from_millis(u64::MAX);
        assert_eq!(late.after(Duration::MAX), late);
        assert!(late.to_string().starts_with("1970"));
        assert_eq!(Timestamp::from_millis(1).since(late), 0);
    }
}
