//! E-mail addresses.

/// The longest address that mail can carry (RFC 5321, section 4.5.3.1.3, less the brackets).
const LONGEST: usize = 254;

/// An address in its one spelling: trimmed, in lower case.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Email(String);

impl Email {
    /// Reads an address; `None` if mail could not be sent to it.
    ///
    /// Narrower than the standard (no quotes, no comments, ASCII alone) and no wider than
    /// Supabase, which would refuse the others in its own words.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (local, domain) = text.split_once('@')?;
        let is_local =
            |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
        let well_formed = text.len() <= LONGEST
            && !local.is_empty()
            && local.bytes().all(is_local)
            && domain.split('.').all(is_label);
        well_formed.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The address.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address is personal: no log shows it.
impl core::fmt::Debug for Email {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("[e-mail address]")
    }
}

/// A label of a host name (RFC 1123, section 2.1).
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether Supabase means by `code` that it takes no such address: what else it could mean has been checked before.
pub(crate) fn is_refusal(code: &str) -> bool {
    matches!(
        code,
        "validation_failed" | "email_address_invalid" | "email_address_not_authorized"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn test(text: &str, expected: Option<&str>) {
        let email = Email::parse(text);
        assert_eq!(email.as_ref().map(Email::as_str), expected, "{text}");
    }

    #[test]
    fn an_address_has_one_spelling() {
        test(
            " Ada.Lovelace@Example.TEST\n",
            Some("ada.lovelace@example.test"),
        );
        test("ada+news@example.test", Some("ada+news@example.test"));
        test("a@b", Some("a@b"));
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.test",
            "a@b@c",
            "a b@example.test",
            "a@exa mple.test",
            "a@example..test",
            "a@.test",
            "a@example.test.",
            "a@-b.test",
            "a@b-.test",
            "\"a\"@example.test",
            "a@[192.0.2.1]",
            "ada@exämple.test",
            "a\u{0}@example.test",
            "a@b\r\nBcc: c@d",
            "<ada@example.test>",
            "ada@example.test,eve@example.test",
        ] {
            test(text, None);
        }
    }

    #[test]
    fn an_address_has_at_most_254_characters() {
        let domain = ["d".repeat(63), "d".repeat(63), "d".repeat(63)].join(".");
        let longest = format!("{}@{domain}", "l".repeat(254 - 1 - domain.len()));
        assert!(Email::parse(&longest).is_some());
        assert!(Email::parse(&format!("l{longest}")).is_none());
    }

    #[test]
    fn nothing_prints_an_address() {
        assert!(!format!("{:?}", Email::parse("ada@example.test")).contains("ada"));
    }

    proptest! {
        #[test]
        fn what_is_read_is_read_the_same_again(text in "[ A-Za-z0-9.@+\u{e9}-]{0,30}") {
            if let Some(email) = Email::parse(&text) {
                prop_assert_eq!(email.as_str().matches('@').count(), 1);
                prop_assert_eq!(Email::parse(email.as_str()), Some(email));
            }
        }
    }
}
