//! A page with a sentence, a form and links, or some of these: what most pages are.

use askama::Template;

use super::{field::Field, next::Next, signin, texts::Texts, trouble::Trouble, view::Page};
use crate::second_factor::Choice;

/// See the module.
#[derive(Template)]
#[template(path = "plain_form.html")]
pub(super) struct PlainForm<'a> {
    pub(super) t: &'static Texts,
    pub(super) title: &'static str,
    pub(super) trouble: &'a Trouble,
    /// What stands above the form; may be empty.
    pub(super) text: &'a str,
    /// Where the form is sent to; without it there is no form.
    pub(super) action: Option<&'a str>,
    pub(super) next: &'a Next,
    /// Names and values that are sent unseen.
    pub(super) hidden: Vec<(&'a str, &'a str)>,
    pub(super) fields: Vec<Field<'a>>,
    /// The second factors of which one has to be given.
    pub(super) factors: &'a [Choice],
    pub(super) button: &'static str,
    /// Whether the button does what cannot be undone.
    pub(super) is_danger: bool,
    /// Addresses and texts.
    pub(super) links: Vec<(String, &'static str)>,
}

impl<'a> PlainForm<'a> {
    /// A page with nothing on it yet.
    pub(super) fn new(
        t: &'static Texts,
        title: &'static str,
        next: &'a Next,
        trouble: &'a Trouble,
    ) -> Self {
        Self {
            t,
            title,
            trouble,
            text: "",
            action: None,
            next,
            hidden: Vec::new(),
            fields: Vec::new(),
            factors: &[],
            button: "",
            is_danger: false,
            links: Vec::new(),
        }
    }
}

/// What a form says that asks for an address, to send a mail to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct MailForm {
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) button: &'static str,
}

impl MailForm {
    /// The page, with the address that was typed before.
    pub(super) fn page<'a>(
        self,
        t: &'static Texts,
        next: &'a Next,
        email: &'a str,
        trouble: &'a Trouble,
    ) -> PlainForm<'a> {
        PlainForm {
            text: self.text,
            action: Some(self.path),
            fields: vec![Field::email(t, email, trouble)],
            button: self.button,
            links: vec![(next.link(signin::PATH), t.signin_title())],
            ..PlainForm::new(t, self.title, next, trouble)
        }
    }
}

impl Page for PlainForm<'_> {
    fn title(&self) -> &str {
        self.title
    }
}
