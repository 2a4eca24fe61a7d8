//! Whether an answer is the one that was asked for.

use crate::job::Expect;

/// What is wrong with an answer, if anything.
pub(crate) fn fault(expect: &Expect, status: u16, body: &[u8]) -> Option<String> {
    if status != expect.status {
        let start = body.get(..body.len().min(200)).unwrap_or_default();
        let start = String::from_utf8_lossy(start);
        return Some(format!("{status} in place of {}: {start}", expect.status));
    }
    let missing = expect
        .body
        .iter()
        .find(|text| !holds(body, text.as_bytes()))?;
    Some(format!("the body does not hold {missing}"))
}

fn holds(body: &[u8], text: &[u8]) -> bool {
    let Some(first) = text.first() else {
        return true;
    };
    let mut rest = body;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        let (_, found) = rest.split_at(at);
        if found.starts_with(text) {
            return true;
        }
        rest = found.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_an_answer_of_the_origin_from_others() {
        let expect = Expect {
            status: 200,
            body: vec![r#""query":"bench=7""#.into()],
        };
        assert_eq!(fault(&expect, 200, br#"{"query":"bench=7"}"#), None);
        assert!(fault(&expect, 503, br#"{"query":"bench=7"}"#).is_some());
        assert!(fault(&expect, 200, br#"{"query":"bench=8"}"#).is_some());
        assert!(fault(&expect, 200, b"").is_some());
    }
}
