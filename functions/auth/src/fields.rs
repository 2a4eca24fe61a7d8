//! The fields of a request: JSON of a program, or the form of a page. Every fault is collected.

use core::fmt;

use authflow_shared::{
    json::{self, Map, Value},
    problem::FieldError,
    secret::Secret,
    supabase::is_uuid,
};

use crate::{
    email::Email,
    failure::Failure,
    form,
    request::{Body, Request},
    second_factor::Given,
    user_data,
};

/// What bcrypt, behind Supabase, hashes of a password; it would ignore or refuse more.
const LONGEST_PASSWORD: usize = 72;

/// What was sent, and what is wrong with it.
///
/// Each reader returns `None` after it recorded what is wrong; [`Fields::finish`] tells it all.
#[derive(Default)]
pub(crate) struct Fields {
    values: Map,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads a JSON body.
    pub(crate) fn from_json(request: &Request) -> Result<Self, Failure> {
        let body = body(request, "application/json").map_err(|fault| match fault {
            BodyFault::Unreadable => Failure::malformed_json(),
            BodyFault::Refused(failure) => *failure,
        })?;
        match json::parse(body) {
            Ok(Value::Object(values)) => Ok(Self::new(values)),
            Ok(_) => Err(Failure::of_field(
                "body",
                "not_an_object",
                "Send a JSON object.",
            )),
            Err(_) => Err(Failure::malformed_json()),
        }
    }

    /// Reads a JSON body that may be missing.
    pub(crate) fn from_optional_json(request: &Request) -> Result<Self, Failure> {
        match &request.body {
            Body::Text(text) if text.is_empty() => Ok(Self::new(Map::new())),
            _ => Self::from_json(request),
        }
    }

    /// Reads the form that a page sent. Of a field given twice, the last counts, as in JSON.
    pub(crate) fn from_form(request: &Request) -> Result<Self, Failure> {
        let media_type = "application/x-www-form-urlencoded";
        let body = body(request, media_type).map_err(|fault| match fault {
            BodyFault::Unreadable => Failure::malformed_form(),
            BodyFault::Refused(failure) => *failure,
        })?;
        Self::from_encoded(body)
    }

    /// Reads the query of an address.
    pub(crate) fn from_query(request: &Request) -> Result<Self, Failure> {
        Self::from_encoded(&request.query)
    }

    fn from_encoded(text: &str) -> Result<Self, Failure> {
        // Not collected: that would bring a sort into the worker.
        let mut values = Map::new();
        for (name, value) in form::parse(text).ok_or_else(Failure::malformed_form)? {
            values.insert(name, Value::String(value));
        }
        Ok(Self::new(values))
    }

    fn new(values: Map) -> Self {
        Self {
            values,
            errors: Vec::new(),
        }
    }

    /// The text of `name` as it was sent, to show it again. Nothing is recorded.
    pub(crate) fn sent(&self, name: &str) -> &str {
        self.values
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The field `email`.
    pub(crate) fn email(&mut self) -> Option<Email> {
        let email = Email::parse(self.text("email", "Enter your e-mail address.")?);
        if email.is_none() {
            let detail = "This is not an e-mail address. It looks like name@example.com.";
            self.fault("email", "malformed", detail);
        }
        email
    }

    /// The field `password`, of an account that exists.
    pub(crate) fn password(&mut self) -> Option<Secret> {
        self.text("password", "Enter your password.")
            .map(Secret::new)
    }

    /// The field `current_password`, of somebody who is signed in.
    pub(crate) fn current_password(&mut self) -> Option<Secret> {
        self.text("current_password", "Enter your current password.")
            .map(Secret::new)
    }

    /// The field `password`, of an account that is to be made.
    pub(crate) fn new_password(&mut self) -> Option<Secret> {
        let password = Secret::new(self.text("password", "Choose a password.")?);
        if password.expose().len() > LONGEST_PASSWORD {
            let detail = "The password is over 72 bytes long. Choose a shorter one.";
            self.fault("password", "too_long", detail);
            return None;
        }
        Some(password)
    }

    /// The fields `factor_id`, `code`, and `challenge_id` where one was sent.
    pub(crate) fn code(&mut self) -> Option<Given> {
        let factor_id = self.factor_id();
        self.code_of(factor_id)
    }

    /// The field `factor_id`.
    pub(crate) fn factor_id(&mut self) -> Option<String> {
        self.uuid("factor_id", "Send the id of the factor.")
    }

    /// The fields `code`, and `challenge_id` where one was sent, for the factor `factor_id`.
    pub(crate) fn code_of(&mut self, factor_id: Option<String>) -> Option<Given> {
        let challenge_id = if self.has("challenge_id") {
            self.uuid("challenge_id", "Send the id of the challenge.")
                .map(Some)
        } else {
            Some(None)
        };
        let code = self.text("code", "Enter the code.").map(|code| {
            // People type codes in groups, as apps show them.
            code.chars()
                .filter(|digit| !digit.is_whitespace())
                .collect::<String>()
        });
        if code.as_deref().is_some_and(|code| !is_code(code)) {
            self.fault("code", "malformed", "The code has six to ten digits.");
            return None;
        }
        Some(Given {
            factor_id: factor_id?,
            challenge_id: challenge_id?,
            code: Secret::new(code?),
        })
    }

    /// The UUID in the field `name`.
    pub(crate) fn uuid(&mut self, name: &'static str, missing: &str) -> Option<String> {
        let text = self.text(name, missing)?.to_ascii_lowercase();
        if is_uuid(&text) {
            return Some(text);
        }
        self.fault(name, "malformed", "Send a UUID.");
        None
    }

    /// Whether there is something in the field `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values
            .get(name)
            .is_some_and(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// The text of `name`, which must be there; `missing` says what to do where it is not.
    pub(crate) fn text(&mut self, name: &'static str, missing: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(Value::String(text)) if !text.is_empty() => {}
            None | Some(Value::Null | Value::String(_)) => {
                self.fault(name, "missing", missing);
                return None;
            }
            Some(_) => {
                self.fault(name, "malformed", "Send a string.");
                return None;
            }
        }
        self.values.get(name).and_then(Value::as_str)
    }

    /// The object `name`, which Supabase can keep; an empty one if it is not there.
    pub(crate) fn object(&mut self, name: &'static str) -> Option<Map> {
        match self.values.get_mut(name).map(Value::take) {
            Some(Value::Object(object)) if user_data::can_be_kept(&object) => Some(object),
            Some(Value::Object(_)) => {
                let detail = "It holds a NUL character, or a number of more than 300 digits.";
                self.fault(name, "malformed", detail);
                None
            }
            None | Some(Value::Null) => Some(Map::new()),
            Some(_) => {
                self.fault(name, "malformed", "Send an object.");
                None
            }
        }
    }

    /// One of `words` in the field `name`, or `default` if it is not there.
    pub(crate) fn choice<'w>(
        &mut self,
        name: &'static str,
        words: &[&'w str],
        default: Option<&'w str>,
    ) -> Option<&'w str> {
        let given = match (self.values.get(name), default) {
            (None | Some(Value::Null), Some(default)) => return Some(default),
            (None | Some(Value::Null), None) => {
                let detail = format!("Send one of: {}.", words.join(", "));
                self.fault(name, "missing", &detail);
                return None;
            }
            (Some(given), _) => given.as_str().unwrap_or_default(),
        };
        let chosen = words.iter().find(|word| **word == given).copied();
        if chosen.is_none() {
            let detail = format!("Must be one of: {}.", words.join(", "));
            self.fault(name, "unknown_value", &detail);
        }
        chosen
    }

    /// Records that something is wrong with `field`.
    pub(crate) fn fault(&mut self, field: &'static str, code: &'static str, detail: &str) {
        self.errors.push(FieldError {
            field,
            code,
            detail: detail.to_owned(),
        });
    }

    /// The value, if nothing was wrong.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Failure> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(Failure::validation_failed(self.errors)),
        }
    }
}

/// The names alone: a value may be a password.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

fn is_code(text: &str) -> bool {
    (6..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

enum BodyFault {
    Unreadable,
    Refused(Box<Failure>),
}

/// The body, if it calls itself `media_type`; parameters such as a charset do not matter.
fn body<'a>(request: &'a Request, media_type: &str) -> Result<&'a str, BodyFault> {
    let refused = |failure| Err(BodyFault::Refused(Box::new(failure)));
    // (1) The size first: nobody has read what is too large.
    if matches!(request.body, Body::TooLarge) {
        return refused(Failure::payload_too_large());
    }
    // (2) The type, before anything is made of the bytes.
    let given = request.header("content-type").unwrap_or_default();
    let given = given.split(';').next().unwrap_or_default().trim();
    if !given.eq_ignore_ascii_case(media_type) {
        return refused(Failure::unsupported_media_type(media_type));
    }
    // (3) The text.
    match &request.body {
        Body::Text(text) => Ok(text),
        _ => Err(BodyFault::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_support::{post, post_form};

    #[track_caller]
    fn code(request: &Request) -> &'static str {
        Fields::from_json(request).unwrap_err().problem.code
    }

    #[test]
    fn a_body_must_be_a_json_object_and_say_so() {
        assert_eq!(code(&post("/x", "{")), "malformed_json");
        assert_eq!(code(&post("/x", "")), "malformed_json");
        assert_eq!(code(&post("/x", "{}{}")), "malformed_json");
        assert_eq!(code(&post("/x", &"[".repeat(10_000))), "malformed_json");
        assert_eq!(code(&post("/x", "[]")), "validation_failed");
        assert_eq!(code(&post("/x", "null")), "validation_failed");
        assert_eq!(code(&post_form("/x", &[])), "unsupported_media_type");
        let typed = |value| post("/x", "{}").with("content-type", value);
        assert!(Fields::from_json(&typed("Application/JSON; charset=utf-8")).is_ok());
        assert_eq!(code(&typed("text/json")), "unsupported_media_type");
        assert_eq!(
            code(&typed("application/json-patch+json")),
            "unsupported_media_type"
        );
    }

    #[test]
    fn what_is_too_large_is_refused_whatever_it_calls_itself() {
        let request = Request {
            body: Body::TooLarge,
            ..post_form("/x", &[])
        };
        assert_eq!(code(&request), "payload_too_large");
        let request = Request {
            body: Body::Unreadable,
            ..post("/x", "")
        };
        assert_eq!(code(&request), "malformed_json");
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let body = r#"{"email":"ada","password":7,"data":[],"type":"sms","other":1}"#;
        let mut fields = Fields::from_json(&post("/x", body)).unwrap();
        assert!(fields.email().is_none());
        assert!(fields.new_password().is_none());
        assert!(fields.object("data").is_none());
        assert!(fields.choice("type", &["signup", "email"], None).is_none());
        assert!(fields.text("token_hash", "Send it.").is_none());
        let errors = fields.finish(Some(())).unwrap_err().problem.errors.clone();
        let errors: Vec<_> = errors
            .iter()
            .map(|error| (error.field, error.code))
            .collect();
        let expected = [
            ("email", "malformed"),
            ("password", "malformed"),
            ("data", "malformed"),
            ("type", "unknown_value"),
            ("token_hash", "missing"),
        ];
        assert_eq!(errors, expected);
    }

    #[test]
    fn null_and_an_empty_text_count_as_missing() {
        for body in ["{}", r#"{"password":null}"#, r#"{"password":""}"#] {
            let mut fields = Fields::from_json(&post("/x", body)).unwrap();
            assert!(fields.password().is_none());
            assert_eq!(fields.errors[0].code, "missing", "{body}");
        }
    }

    #[test]
    fn a_new_password_fits_into_what_is_hashed() {
        let password = |password: &str| {
            let body = serde_json::json!({ "password": password }).to_string();
            let mut fields = Fields::from_json(&post("/x", &body)).unwrap();
            fields.new_password().is_some()
        };
        assert!(password(&"x".repeat(72)));
        assert!(!password(&"x".repeat(73)));
        // 37 characters, but 74 bytes.
        assert!(!password(&"é".repeat(37)));
    }

    #[test]
    fn a_password_keeps_every_character() {
        let fields = [("password", " a b+c%\u{e9}\" ")];
        let mut fields = Fields::from_form(&post_form("/x", &fields)).unwrap();
        assert_eq!(fields.password().unwrap().expose(), " a b+c%\u{e9}\" ");
    }

    proptest! {
        #[test]
        fn no_json_is_too_odd(body in "[\\[\\]{}\",:a-e0-9.null-]{0,40}") {
            if let Ok(mut fields) = Fields::from_json(&post("/x", &body)) {
                fields.email();
                fields.object("data");
                fields.choice("type", &["a"], Some("a"));
                let _ = fields.finish(Some(()));
            }
        }
    }
}
