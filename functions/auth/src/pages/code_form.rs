//! The form that asks for the code of a second factor.
//!
//! It is about one factor at a time. A phone has its code sent by a button first; another button
//! for each other factor shows the form for that one.

use askama::{Template, filters::HtmlSafe};
use authflow_shared::host::Host;

use super::{field::Field, next::Next, texts::Texts, trouble::Trouble};
use crate::{
    exchange::Exchange,
    failure::Failure,
    fields::Fields,
    second_factor::{self, Choice, Given, Unraised},
};

/// See the module. It is `{{ form }}` in the template of its page.
#[derive(Template)]
#[template(path = "code_form.html")]
pub(super) struct CodeForm<'a> {
    t: &'a Texts,
    /// The page that it is sent to.
    action: &'static str,
    /// What names the sign-in that waits; empty for somebody who is signed in.
    mfa_token: &'a str,
    /// What an app was given; empty where it is not being enrolled.
    uri: &'a str,
    next: &'a Next,
    factor: &'a Choice,
    others: Vec<&'a Choice>,
    /// Empty before a code was sent.
    challenge_id: &'a str,
    code: Field<'a>,
}

// Its own template has escaped it.
impl HtmlSafe for CodeForm<'_> {}

impl<'a> CodeForm<'a> {
    /// The form on the page at `action`; none if there is no factor.
    pub(super) fn new(
        t: &'a Texts,
        action: &'static str,
        next: &'a Next,
        factors: &'a [Choice],
        asked: &'a Asked,
        trouble: &'a Trouble,
    ) -> Option<Self> {
        let named = factors.iter().find(|factor| factor.id == asked.factor_id);
        let at_hand = || factors.iter().find(|factor| !factor.is_phone());
        let factor = named.or_else(at_hand).or(factors.first())?;
        let others = factors.iter().filter(|other| other.id != factor.id);
        Some(Self {
            others: others.collect(),
            ..Self::of(t, action, next, factor, asked, trouble)
        })
    }

    /// The form for one factor and no other.
    pub(super) fn of(
        t: &'a Texts,
        action: &'static str,
        next: &'a Next,
        factor: &'a Choice,
        asked: &'a Asked,
        trouble: &'a Trouble,
    ) -> Self {
        Self {
            t,
            action,
            mfa_token: "",
            uri: "",
            next,
            factor,
            others: Vec::new(),
            challenge_id: &asked.challenge_id,
            code: Field::code(t, trouble),
        }
    }

    /// For the sign-in that `mfa_token` names.
    #[must_use]
    pub(super) fn mfa_token(self, mfa_token: &'a str) -> Self {
        Self { mfa_token, ..self }
    }

    /// For an app that was given `uri` and shows it again.
    #[must_use]
    pub(super) fn uri(self, uri: &'a str) -> Self {
        Self { uri, ..self }
    }

    /// Whether a code has to be sent before it can be entered.
    fn is_waiting(&self) -> bool {
        self.factor.is_phone() && self.challenge_id.is_empty()
    }
}

/// What the form asks for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Empty for whichever is at hand.
    pub(super) factor_id: String,
    /// Empty before a code was sent.
    pub(super) challenge_id: String,
    /// Whether that has just been done.
    pub(super) is_sent: bool,
    /// What was wrong.
    pub(super) failure: Option<Failure>,
}

impl Asked {
    /// A code of `factor_id` has been sent.
    pub(super) fn sent(factor_id: &str, challenge_id: String) -> Self {
        Self {
            factor_id: factor_id.to_owned(),
            challenge_id,
            is_sent: true,
            failure: None,
        }
    }

    /// The code was not taken.
    pub(super) fn again(given: &Given, failure: Failure) -> Self {
        Self {
            factor_id: given.factor_id.clone(),
            challenge_id: given.challenge_id.clone().unwrap_or_default(),
            is_sent: false,
            failure: Some(failure),
        }
    }
}

/// Does what the button that sent the form says: gives the code that was entered, or what the form
/// asks for next.
pub(super) async fn press<H: Host>(
    exchange: &Exchange<'_, H>,
    mut fields: Fields,
    unraised: &Unraised,
) -> Result<Given, Asked> {
    if fields.has("use") {
        return Err(Asked {
            factor_id: fields.sent("use").to_owned(),
            ..Asked::default()
        });
    }
    let factor_id = fields.sent("factor_id").to_owned();
    let challenge_id = fields.sent("challenge_id").to_owned();
    let asked = if fields.has("send") {
        match second_factor::send_code(exchange, unraised, &factor_id).await {
            Ok(challenge_id) => return Err(Asked::sent(&factor_id, challenge_id)),
            Err(failure) => Err(failure),
        }
    } else {
        let given = fields.code();
        fields.finish(given)
    };
    asked.map_err(|failure| Asked {
        factor_id,
        challenge_id,
        is_sent: false,
        failure: Some(failure),
    })
}

impl Texts {
    /// What a person knows a factor by.
    pub(super) fn factor<'a>(&self, factor: &'a Choice) -> &'a str {
        match factor.name.as_str() {
            "" if factor.is_phone() => self.factor_phone(),
            "" => self.factor_app(),
            name => name,
        }
    }
}
