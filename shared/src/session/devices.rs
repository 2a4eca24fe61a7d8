//! The devices that a user signed in from: which are kept.

use super::of_user::DeviceEntry;

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
