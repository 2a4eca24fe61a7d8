//! The id that follows a request through every system: W3C Trace Context, level 1.

use std::rc::Rc;

use crate::{
    hex,
    host::{NoRandomness, Random},
};

/// The trace a request belongs to and our place in it. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    traceparent: Rc<str>,
    /// Whether the client's trace goes on; its `tracestate` means something then alone.
    pub continued: bool,
}

impl Trace {
    /// Goes on with the trace that `traceparent` names, or begins one where there is none or an
    /// invalid one.
    ///
    /// # Errors
    /// [`NoRandomness`] if no new id could be made.
    pub fn enter(traceparent: Option<&str>, source: &impl Random) -> Result<Self, NoRandomness> {
        let (mut span_id, mut trace_id) = ([0; 8], [0; 16]);
        source.fill(&mut span_id)?;
        source.fill(&mut trace_id)?;
        let theirs = traceparent.and_then(parse);
        let mut text = String::with_capacity(55);
        text.push_str("00-");
        match theirs {
            Some((trace_id, _)) => text.push_str(trace_id),
            None => hex::push(&mut text, &trace_id),
        }
        text.push('-');
        hex::push(&mut text, &span_id);
        let is_sampled = theirs.is_none_or(|(_, sampled)| sampled);
        text.push_str(if is_sampled { "-01" } else { "-00" });
        Ok(Self {
            traceparent: text.into(),
            continued: theirs.is_some(),
        })
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        self.traceparent.split('-').nth(1).unwrap_or_default()
    }

    /// The header for whomever we call.
    pub fn traceparent(&self) -> &str {
        &self.traceparent
    }
}

/// The trace id and the sampled flag of a valid version 00 header.
fn parse(header: &str) -> Option<(&str, bool)> {
    let mut parts = header.split('-');
    let fields = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let [version, trace_id, parent_id, flags] = fields;
    let well_formed = parts.next().is_none()
        && version == "00"
        && is_hex(trace_id, 32)
        && is_hex(parent_id, 16)
        && is_hex(flags, 2)
        && trace_id.bytes().any(|byte| byte != b'0')
        && parent_id.bytes().any(|byte| byte != b'0');
    let flags = u8::from_str_radix(flags, 16).ok()?;
    well_formed.then_some((trace_id, flags & 1 == 1))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn enter(header: Option<&str>) -> String {
        Trace::enter(header, &FakeHost::answering(""))
            .unwrap()
            .traceparent()
            .to_owned()
    }

    #[test]
    fn a_valid_trace_goes_on_under_a_new_span() {
        assert_eq!(
            enter(Some(GIVEN)),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0001020304050607-01"
        );
        assert!(enter(Some(&GIVEN.replace("-01", "-00"))).ends_with("-00"));
    }

    #[test]
    fn an_invalid_or_missing_trace_is_replaced() {
        let fresh = "00-08090a0b0c0d0e0f1011121314151617-0001020304050607-01";
        assert_eq!(enter(None), fresh);
        for invalid in [
            "",
            &GIVEN.to_uppercase(),
            &GIVEN.replace("00-4", "01-4"),
            &GIVEN.replace("-01", "-01-extra"),
            &GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GIVEN.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GIVEN.replace('b', "é"),
        ] {
            assert_eq!(enter(Some(invalid)), fresh, "{invalid}");
        }
    }
}
