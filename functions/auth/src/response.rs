//! What is answered, and what the log will say of it.

use core::{
    fmt,
    ops::{Deref, DerefMut},
};

use authflow_shared::{json::Object, log::Level, session::SessionId};

/// An answer. It is a pointer, because nearly every function passes one on.
#[derive(Clone, Debug)]
pub struct Response(Box<Parts>);

/// What an answer is made of.
#[derive(Clone)]
pub struct Parts {
    /// The status code.
    pub status: u16,
    /// Names and values; `Set-Cookie` may be there more than once.
    pub headers: Vec<(&'static str, String)>,
    /// The body, if the status has one.
    pub body: Option<String>,
    pub(crate) note: Note,
}

/// Without the body and what the headers say: a session's token may be in either.
impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("status", &self.status)
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}

/// What the log says of a request beside the plain facts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Note {
    /// What came of it, in snake case; a failure's is its code.
    pub(crate) outcome: &'static str,
    /// Why, in words that a client must not see.
    pub(crate) cause: Option<String>,
    /// Whose request it was.
    pub(crate) user_id: Option<String>,
    /// The session, by its name in logs.
    pub(crate) session: Option<String>,
}

impl Deref for Response {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl DerefMut for Response {
    fn deref_mut(&mut self) -> &mut Parts {
        &mut self.0
    }
}

impl Response {
    /// An answer without a body.
    pub(crate) fn empty(status: u16, outcome: &'static str) -> Self {
        Self(Box::new(Parts {
            status,
            headers: Vec::new(),
            body: None,
            note: Note {
                outcome,
                ..Note::default()
            },
        }))
    }

    /// An answer with `body` of the media type `content_type`.
    pub(crate) fn text(
        status: u16,
        outcome: &'static str,
        content_type: &'static str,
        body: String,
    ) -> Self {
        let mut response = Self::empty(status, outcome).header("content-type", content_type);
        response.body = Some(body);
        response
    }

    /// An answer in JSON.
    pub(crate) fn json(status: u16, outcome: &'static str, object: &Object) -> Self {
        Self::text(status, outcome, "application/json", object.to_json())
    }

    /// Sends a browser on to `location` with GET.
    ///
    /// `location` is made by [`Targets`](authflow_shared::redirect::Targets), or is one of our own
    /// pages; nobody else makes one.
    pub(crate) fn see_other(location: String, outcome: &'static str) -> Self {
        Self::empty(303, outcome).header("location", location)
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn header(self, name: &'static str, value: impl Into<String>) -> Self {
        self.with(name, value.into())
    }

    #[inline(never)]
    fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says in the log whose request it was.
    #[must_use]
    pub(crate) fn of_user(mut self, user_id: &str) -> Self {
        self.note.user_id = Some(user_id.to_owned());
        self
    }

    /// Says in the log which session it was about.
    #[must_use]
    pub(crate) fn of_session(mut self, id: &SessionId) -> Self {
        self.note.session = Some(id.log_name());
        self
    }

    /// Says in the log why it came to this.
    #[must_use]
    pub(crate) fn because(mut self, cause: Option<String>) -> Self {
        self.note.cause = cause;
        self
    }

    /// How much its log line matters.
    pub(crate) fn level(&self) -> Level {
        Level::of_status(self.status)
    }
}
