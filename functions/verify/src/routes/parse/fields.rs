//! The fields of what is written, taken one by one; every fault is told.
//!
//! A field that nobody took is a fault: it could be a misspelt demand, and the route would be open
//! to more people than its writer believes.

use authflow_shared::json::{Object, Value};

/// See the module.
pub(in crate::routes) struct Fields<'a> {
    object: Object,
    /// What stands before the name in a fault, as `cors.`.
    prefix: &'static str,
    fault: &'a mut dyn FnMut(String),
}

impl<'a> Fields<'a> {
    /// The fields of an object; `None`, and a fault, if `value` is none.
    pub(in crate::routes) fn of(
        value: Value,
        prefix: &'static str,
        fault: &'a mut dyn FnMut(String),
    ) -> Option<Self> {
        let Value::Object(map) = value else {
            let name = prefix.trim_end_matches('.');
            fault(format!("{}must be an object", label(name)));
            return None;
        };
        // What was to stand there, perhaps from a variable that was not set, could be a demand.
        for name in map
            .iter()
            .filter(|(_, value)| value.is_null())
            .map(|(name, _)| name)
        {
            fault(format!(
                "`{prefix}{name}` is null; give it a value or leave it out"
            ));
        }
        let object = Object::from_value(Value::Object(map))?;
        Some(Self {
            object,
            prefix,
            fault,
        })
    }

    /// Tells what is wrong.
    pub(in crate::routes) fn fault(&mut self, problem: impl Into<String>) {
        (self.fault)(problem.into());
    }

    /// Where faults are told.
    pub(super) fn faults(&mut self) -> &mut dyn FnMut(String) {
        self.fault
    }

    /// Tells if there is no `name`.
    pub(super) fn require(&mut self, name: &str) {
        if !self.object.has(name) {
            self.fault(format!("missing field `{name}`"));
        }
    }

    /// The value, whatever it is.
    pub(in crate::routes) fn value(&mut self, name: &str) -> Option<Value> {
        self.object.take(name).filter(|value| !value.is_null())
    }

    /// A text.
    pub(in crate::routes) fn text(&mut self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text),
            _ => self.wrong(name, "a text"),
        }
    }

    /// One of `known`, as its place.
    pub(in crate::routes) fn choice(&mut self, name: &str, known: &[&str]) -> Option<usize> {
        let text = self.text(name)?;
        let place = known.iter().position(|one| *one == text);
        if place.is_none() {
            self.wrong::<()>(name, &format!("one of {}, not {text}", known.join(", ")));
        }
        place
    }

    /// `true` or `false`.
    pub(in crate::routes) fn flag(&mut self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Bool(flag) => Some(flag),
            _ => self.wrong(name, "true or false"),
        }
    }

    /// A whole number, not below zero.
    pub(in crate::routes) fn number(&mut self, name: &str) -> Option<u64> {
        match self.value(name)?.as_u64() {
            Some(number) => Some(number),
            None => self.wrong(name, "a whole number"),
        }
    }

    /// A list of texts.
    pub(in crate::routes) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let value = self.value(name)?;
        match texts(value) {
            Some(texts) => Some(texts),
            None => self.wrong(name, "a list of texts"),
        }
    }

    /// Ends the reading.
    pub(in crate::routes) fn finish(self) {
        for (name, value) in self.object.into_map() {
            if !value.is_null() {
                (self.fault)(format!(
                    "unknown field `{}{name}`; see docs/CONFIGURATION.md",
                    self.prefix
                ));
            }
        }
    }

    fn wrong<T>(&mut self, name: &str, expected: &str) -> Option<T> {
        let prefix = self.prefix;
        self.fault(format!("`{prefix}{name}` must be {expected}"));
        None
    }
}

/// The texts of a list; `None` if it is none, or holds anything else.
fn texts(value: Value) -> Option<Vec<String>> {
    let Value::Array(items) = value else {
        return None;
    };
    let text = |item| match item {
        Value::String(text) => Some(text),
        _ => None,
    };
    items.into_iter().map(text).collect()
}

fn label(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("`{name}` ")
    }
}
