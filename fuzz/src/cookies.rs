//! The cookies of a `Cookie` header.

/// Names and values as a server reads them (RFC 6265, section 4.2.1).
pub fn cookies(header: &str) -> Vec<(&str, &str)> {
    header
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (trimmed(name), trimmed(value)))
        .collect()
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}
