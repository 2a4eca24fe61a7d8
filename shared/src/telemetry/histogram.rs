//! How long things took, as Prometheus counts it: how many took at most so long.

/// The bounds, in milliseconds, and as Prometheus' `le` in seconds. In the order of their names, too,
/// so that what is sorted by name stands in the order that the text format asks for.
const BOUNDS: [(u64, &str); 10] = [
    (5, "0.005"),
    (10, "0.01"),
    (25, "0.025"),
    (50, "0.05"),
    (100, "0.1"),
    (250, "0.25"),
    (500, "0.5"),
    (1000, "1"),
    (2500, "2.5"),
    (5000, "5"),
];
/// The bound of what has none. It sorts behind the numbers, which Prometheus' own `+Inf` would not.
pub(super) const NO_BOUND: &str = "Inf";

/// A series, and by how much it grew.
pub(super) type Growth = (String, u64);

/// How many numbers a histogram is kept in: one for each bound, one for what is above, and the sum.
pub(super) const PARTS: usize = BOUNDS.len() + 2;

/// Counts one that took `millis` in `parts`.
pub(super) fn observe(parts: &mut [u64], millis: u64) {
    let place = BOUNDS
        .iter()
        .take_while(|(bound, _)| *bound < millis)
        .count();
    for (part, by) in [(place, 1), (PARTS - 1, millis)] {
        if let Some(part) = parts.get_mut(part) {
            *part = part.saturating_add(by);
        }
    }
}

/// Adds the series that `parts` of the histogram `name{labels}` are: those of its buckets, each of which holds
/// what is in those before it, its count and its sum.
pub(super) fn unfold(histogram: &str, parts: &[u64], growth: &mut Vec<Growth>) {
    let (name, labels) = histogram.split_once('{').unwrap_or_default();
    let labels = labels.trim_end_matches('}');
    let bounds = BOUNDS.iter().map(|(_, bound)| *bound).chain([NO_BOUND]);
    let mut up_to = 0_u64;
    for (bound, part) in bounds.zip(parts) {
        up_to = up_to.saturating_add(*part);
        let bucket = [name, "_bucket{", labels, ",le=\"", bound, "\"}"];
        growth.push((bucket.concat(), up_to));
    }
    let sum = parts.last().copied().unwrap_or_default();
    for (end, value) in [("_count{", up_to), ("_sum{", sum)] {
        growth.push(([name, end, labels, "}"].concat(), value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_holds_all_that_took_no_longer() {
        let mut parts = vec![0; PARTS];
        for took in [0, 5, 6, 5000, 5001] {
            observe(&mut parts, took);
        }
        let mut growth = Vec::new();
        unfold("took{a=\"b\"}", &parts, &mut growth);
        let counts: Vec<_> = growth.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5, 5, 10012]);
    }

    #[test]
    fn the_bounds_are_in_order_by_number_and_by_name() {
        assert!(BOUNDS.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1));
        assert!(BOUNDS.iter().all(|(_, name)| *name < NO_BOUND));
    }
}
