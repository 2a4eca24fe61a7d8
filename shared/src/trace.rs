//! The id that follows a request through every system: W3C Trace Context, level 1.

use std::rc::Rc;

use crate::{
    hex,
    host::{NoRandomness, Random},
};

/// The flags of a trace that is sampled.
const SAMPLED: &str = "01";

/// The trace a request belongs to and our place in it. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    traceparent: Rc<str>,
    /// The id of the client's place in the trace.
    parent_id: Option<Rc<str>>,
}

impl Trace {
    /// Goes on with the trace that `traceparent` names, or begins one where there is none or an
    /// invalid one. One of `one_in` is sampled, none if that is 0, nor one that its client does not
    /// sample. It is drawn by our place's id, because a client may choose the trace's.
    ///
    /// # Errors
    /// [`NoRandomness`] if no new id could be made.
    pub fn enter(
        traceparent: Option<&str>,
        one_in: u64,
        source: &impl Random,
    ) -> Result<Self, NoRandomness> {
        let (mut span_id, mut fresh) = ([0; 8], [0; 16]);
        source.fill(&mut span_id)?;
        source.fill(&mut fresh)?;
        let theirs = traceparent.and_then(parse);
        let fresh = hex::encode(&fresh);
        let trace_id = theirs.map_or(fresh.as_str(), |(trace_id, ..)| trace_id);
        let drawn = u64::from_le_bytes(span_id).checked_rem(one_in) == Some(0);
        let is_sampled = theirs.is_none_or(|(.., sampled)| sampled) && drawn;
        Ok(Self {
            traceparent: write(trace_id, &span_id, is_sampled),
            parent_id: theirs.map(|(_, parent_id, _)| parent_id.into()),
        })
    }

    /// A place below this one; `None` if no new id could be made.
    pub fn child(&self, source: &impl Random) -> Option<Self> {
        let mut span_id = [0; 8];
        source.fill(&mut span_id).ok()?;
        Some(Self {
            traceparent: write(self.trace_id(), &span_id, self.is_sampled()),
            parent_id: Some(self.span_id().into()),
        })
    }

    /// The trace's id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        self.part(1)
    }

    /// The id of our place: 16 hexadecimal digits.
    pub fn span_id(&self) -> &str {
        self.part(2)
    }

    /// The id of the place above ours, where somebody told it.
    pub fn parent_id(&self) -> Option<&str> {
        self.parent_id.as_deref()
    }

    /// Whether the client's trace goes on; its `tracestate` means something then alone.
    pub const fn is_continued(&self) -> bool {
        self.parent_id.is_some()
    }

    /// Whether whoever keeps traces keeps this one.
    pub fn is_sampled(&self) -> bool {
        self.part(3) == SAMPLED
    }

    /// The header for whomever we call.
    pub fn traceparent(&self) -> &str {
        &self.traceparent
    }

    fn part(&self, number: usize) -> &str {
        self.traceparent.split('-').nth(number).unwrap_or_default()
    }
}

fn write(trace_id: &str, span_id: &[u8], is_sampled: bool) -> Rc<str> {
    let mut text = String::with_capacity(55);
    text.push_str("00-");
    text.push_str(trace_id);
    text.push('-');
    hex::push(&mut text, span_id);
    text.push('-');
    text.push_str(if is_sampled { SAMPLED } else { "00" });
    text.into()
}

/// The trace id, the parent's id and the sampled flag of a valid header. One of a later version may go on behind
/// them (section 3.2.4, "Versioning of traceparent").
fn parse(header: &str) -> Option<(&str, &str, bool)> {
    let mut parts = header.split('-');
    let fields = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let [version, trace_id, parent_id, flags] = fields;
    let well_formed = (version != "00" || parts.next().is_none())
        && is_hex(version, 2)
        && version != "ff"
        && is_hex(trace_id, 32)
        && is_hex(parent_id, 16)
        && is_hex(flags, 2)
        && trace_id.bytes().any(|byte| byte != b'0')
        && parent_id.bytes().any(|byte| byte != b'0');
    let flags = u8::from_str_radix(flags, 16).ok()?;
    well_formed.then_some((trace_id, parent_id, flags & 1 == 1))
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
        Trace::enter(header, 1, &FakeHost::answering(""))
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
        for later in ["-01", "-01-extra", "-01-"] {
            let later = GIVEN.replace("00-4", "cc-4").replace("-01", later);
            assert_eq!(enter(Some(&later)), enter(Some(GIVEN)), "{later}");
        }
    }

    #[test]
    fn an_invalid_or_missing_trace_is_replaced() {
        let fresh = "00-08090a0b0c0d0e0f1011121314151617-0001020304050607-01";
        assert_eq!(enter(None), fresh);
        for invalid in [
            "",
            &GIVEN.to_uppercase(),
            &GIVEN.replace("00-4", "ff-4"),
            &GIVEN.replace("00-4", "0x-4"),
            &GIVEN.replace("-01", "-01-extra"),
            &GIVEN.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GIVEN.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GIVEN.replace('b', "é"),
        ] {
            assert_eq!(enter(Some(invalid)), fresh, "{invalid}");
        }
    }
    #[test]
    fn a_call_has_a_place_of_its_own_below_the_request() {
        let host = FakeHost::answering("");
        let trace = Trace::enter(Some(GIVEN), 1, &host).unwrap();
        let child = trace.child(&host).unwrap();
        assert_eq!(child.trace_id(), trace.trace_id());
        assert_eq!(child.parent_id(), Some(trace.span_id()));
        assert_ne!(child.span_id(), trace.span_id());
        assert_eq!(trace.parent_id(), Some("00f067aa0ba902b7"));
    }

    #[test]
    fn one_in_so_many_is_sampled_whatever_id_a_client_chooses_and_none_that_it_does_not() {
        let sampled = |flags: &str, one_in| {
            let header = format!(
                "00-{}0000000000000000-00f067aa0ba902b7-{flags}",
                "4bf92f3577b34da6"
            );
            let host = FakeHost::answering("");
            let enter = || Trace::enter(Some(&header), one_in, &host).unwrap();
            (0..64).filter(|_| enter().is_sampled()).count()
        };
        assert_eq!((sampled("01", 1), sampled("00", 1)), (64, 0));
        assert_eq!(sampled("01", 0), 0, "0 is none");
        let some = sampled("01", 7);
        assert!((1..32).contains(&some), "{some} of 64");
    }
}
