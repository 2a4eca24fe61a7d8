//! The devices that a user signed in from: what is kept of them, and of which.

use crate::layout;

/// A device somebody signed in from. Times are Unix seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceEntry {
    /// A name the person recognises.
    pub label: String,
    /// The first sign-in.
    pub first_seen: u64,
    /// The last sign-in.
    pub last_seen: u64,
    /// The client's network, not its whole address.
    pub ip_hint: String,
    /// `User-Agent`, cut to a length.
    pub user_agent: String,
}

impl DeviceEntry {
    /// Reads an entry; what it lacks is empty.
    pub fn read(json: &str) -> Option<Self> {
        let mut entry = layout::read(json)?;
        Some(Self {
            first_seen: entry.number("first_seen")?,
            last_seen: entry.number("last_seen")?,
            label: entry.text("label")?,
            ip_hint: entry.text("ip_hint").unwrap_or_default(),
            user_agent: entry.text("user_agent").unwrap_or_default(),
        })
    }

    /// The entry as Redis keeps it.
    pub fn to_json(&self) -> String {
        layout::record()
            .text("label", &self.label)
            .number("first_seen", self.first_seen)
            .number("last_seen", self.last_seen)
            .text("ip_hint", &self.ip_hint)
            .text("user_agent", &self.user_agent)
            .end()
    }
}

/// The most that are kept of one user; the list is read whole.
pub(super) const MOST: u64 = 50;

/// Those of `devices`, a flat list of fingerprints and entries, that make room for one more: whichever was seen
/// the longest ago, and what cannot be read.
pub(super) fn oldest(devices: &[String]) -> Vec<&str> {
    let (pairs, _) = devices.as_chunks::<2>();
    let mut seen: Vec<_> = pairs
        .iter()
        .map(|[fingerprint, json]| {
            let last_seen = DeviceEntry::read(json).map_or(0, |entry| entry.last_seen);
            (last_seen, fingerprint.as_str())
        })
        .collect();
    seen.sort_unstable();
    let kept = usize::try_from(MOST - 1).unwrap_or(usize::MAX);
    seen.truncate(seen.len().saturating_sub(kept));
    seen.into_iter()
        .map(|(_, fingerprint)| fingerprint)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(count: u64) -> Vec<String> {
        let entry = |last_seen| DeviceEntry {
            last_seen,
            ..DeviceEntry::default()
        };
        (0..count)
            .flat_map(|number| [format!("device-{number}"), entry(100 - number).to_json()])
            .collect()
    }

    #[test]
    fn who_was_seen_longest_ago_makes_room() {
        assert!(oldest(&devices(MOST - 1)).is_empty());
        assert_eq!(oldest(&devices(MOST)), ["device-49"]);
        assert_eq!(oldest(&devices(MOST + 1)), ["device-50", "device-49"]);
    }

    #[test]
    fn what_cannot_be_read_goes_first() {
        let mut list = devices(MOST);
        list[1] = "odd".into();
        assert_eq!(oldest(&list), ["device-0"]);
    }
}
