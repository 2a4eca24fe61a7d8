//! JSON is read as `serde_json` reads it, and a field that stands twice is found.
#![no_main]

use authflow_shared::json::{Value, parse, parse_unique};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let read = parse(text);
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(expected) => {
            let written = read.as_ref().map(Value::to_json).expect("JSON");
            assert_eq!(
                serde_json::from_str(&written).ok(),
                Some(expected),
                "{written}"
            );
        }
        // We keep a number's digits, however many.
        Err(error) if error.to_string().starts_with("number out of range") => {}
        Err(_) => assert!(read.is_err()),
    }
    match (read, parse_unique(text)) {
        (Ok(read), Ok(unique)) => assert_eq!(read, unique),
        (Ok(_), Err(malformed)) => assert!(malformed.to_string().contains("stands twice")),
        (Err(_), unique) => assert!(unique.is_err()),
    }
});
