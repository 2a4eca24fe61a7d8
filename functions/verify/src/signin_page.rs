//! The sign-in page of the auth worker while that does not answer.
//!
//! A browser is sent to the auth worker only while that is known to answer. It is asked for
//! [`signin_page::PATH`], and what it gives is kept, to be shown when it gives nothing. Neither the
//! question nor the page has anything of a client's, but for one of a few languages.

use core::time::Duration;
use std::rc::Rc;

use authflow_shared::{
    config::{Common, Reader},
    host::{
        HttpAnswer,
        gateway::{KeepOrder, PageOrder},
    },
    redirect::Origin,
    signin_page::{self, AGAIN, LANGUAGES, SECONDS},
    timestamp::{Timestamp, millis},
};

/// The time that the auth worker has to answer.
const TIMEOUT: Duration = Duration::from_secs(1);
/// For how long it then counts as answering.
const GOOD_FOR: Duration = Duration::from_secs(10);
/// For how long it then counts as away.
const BAD_FOR: Duration = Duration::from_secs(5);
/// Seconds after which a person is to try again: longer than [`BAD_FOR`], so that it is asked anew
/// then, and long enough to have the page read aloud.
pub(crate) const AGAIN_IN: &str = "10";
/// A page is kept for a week, if the cache has room for it.
const KEPT_FOR: &str = "max-age=604800";

/// The header that is kept with the page.
const REPORT: [&str; 1] = ["content-security-policy"];

/// Where the page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    url: String,
    /// `AUTH_BINDING`; empty where `AUTH_URL` leads to the auth worker.
    binding: Rc<str>,
}

/// A language that the page is asked for in; [`Language::DEFAULT`] is the auth worker's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Language(&'static str);

/// What is known of the auth worker, by the language that it was asked for: it may have been asked
/// in one and not in another.
#[derive(Debug, Default)]
pub(crate) struct Checks([Check; LANGUAGES.len() + 1]);

/// What is known, and until when.
#[derive(Clone, Copy, Debug)]
struct Check {
    answers: bool,
    until: Timestamp,
}

/// A page, with what of its headers is shown with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kept<'a> {
    policy: &'a str,
    /// What stands before and behind the address of its link.
    parts: (&'a str, &'a str),
}

// === impl Source ===

impl Source {
    /// Reads `AUTH_BINDING`; `None` where nobody can be asked.
    ///
    /// Cloudflare sends what a worker asks of its own zone past all workers. What answers there
    /// tells nothing, so only a binding leads to an auth worker of the same zone.
    pub fn read(reader: &mut Reader<'_>, common: Option<&Common>) -> Option<Self> {
        let binding = reader.word("AUTH_BINDING");
        let common = common?;
        let is_apart = !share_zone(&common.auth_url, &common.targets.base);
        (binding.is_some() || is_apart).then(|| Self {
            url: format!("{}{}", common.auth_url, signin_page::PATH),
            binding: binding.unwrap_or_default().into(),
        })
    }

    /// The name of the binding that leads to the auth worker; empty where none does.
    pub fn binding(&self) -> &str {
        &self.binding
    }

    /// What to ask, at this place in a trace.
    pub(crate) fn order(&self, language: Language, traceparent: String) -> PageOrder {
        PageOrder {
            url: self.url.clone(),
            binding: self.binding.clone(),
            language: language.0,
            traceparent,
            report: &REPORT,
            timeout: TIMEOUT,
        }
    }

    /// Under which address a page is kept.
    pub(crate) fn key(&self, language: Language) -> String {
        format!("{}?{}", self.url, language.0)
    }

    /// How `text` is kept.
    pub(crate) fn keep(&self, language: Language, text: String) -> KeepOrder {
        KeepOrder {
            key: self.key(language),
            cache_control: KEPT_FOR,
            text,
        }
    }
}

/// Whether both seem to be of one zone of Cloudflare: whether their hosts end in the same two
/// labels, and the same port, which only a developer's machine has.
fn share_zone(one: &Origin, other: &Origin) -> bool {
    let is_edge = |byte| matches!(byte, b'.' | b'/');
    let mut labels = 0;
    for (one, other) in one.as_str().bytes().rev().zip(other.as_str().bytes().rev()) {
        if is_edge(one) && is_edge(other) {
            labels += 1;
        } else if one != other {
            break;
        }
    }
    labels >= 2
}

// === impl Language ===

impl Language {
    const DEFAULT: Self = Self("");

    /// The first of ours in `accept_language`, where browsers name first what they want most.
    pub(crate) fn of(accept_language: Option<&str>) -> Self {
        let mut named = accept_language
            .unwrap_or_default()
            .split([',', ' ', '-', ';']);
        let found = named.find_map(|name| LANGUAGES.iter().find(|tag| **tag == name));
        found.map_or(Self::DEFAULT, |tag| Self(tag))
    }
}

// === impl Checks ===

impl Checks {
    /// Whether the auth worker answers; `None` where it is to be asked, and then told of by
    /// [`Checks::learn`].
    ///
    /// Until then, whoever else comes hears what was known before: one asks for all.
    pub(crate) fn known(&mut self, language: Language, now: Timestamp) -> Option<bool> {
        let check = self.of(language)?;
        // A clock that goes back makes nothing last longer.
        if (1..=millis(GOOD_FOR)).contains(&check.until.since(now)) {
            return Some(check.answers);
        }
        check.until = now.after(TIMEOUT);
        None
    }

    /// Notes whether it answered.
    pub(crate) fn learn(&mut self, language: Language, answers: bool, now: Timestamp) {
        let time = if answers { GOOD_FOR } else { BAD_FOR };
        if let Some(check) = self.of(language) {
            *check = Check {
                answers,
                until: now.after(time),
            };
        }
    }

    fn of(&mut self, language: Language) -> Option<&mut Check> {
        let index = LANGUAGES.iter().position(|tag| *tag == language.0);
        self.0.get_mut(index.map_or(0, |index| index + 1))
    }
}

impl Default for Check {
    /// Nothing is known; it is taken to answer, as it nearly always does.
    fn default() -> Self {
        Self {
            answers: true,
            until: Timestamp::default(),
        }
    }
}

// === impl Kept ===

impl<'a> Kept<'a> {
    /// The page in what the auth worker gave, or the cache; `None` if it is no page of ours.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (policy, page) = text.split_once('\n')?;
        let parts = cut(page, AGAIN).filter(|_| !policy.is_empty())?;
        Some(Self { policy, parts })
    }

    /// Whether `answer` has it.
    pub(crate) fn is_in(answer: &HttpAnswer) -> bool {
        answer.status == 200 && Kept::parse(&answer.body).is_some()
    }

    /// What it may do: what its own policy allows, and under our origin no script whatever that
    /// says. Of two policies, both hold.
    pub(crate) fn policy(&self) -> String {
        [self.policy, ", script-src 'none'"].concat()
    }

    /// The page for whoever asked for anything: its link leads to where it is shown, so that
    /// nothing of a request stands in it.
    pub(crate) fn filled(&self) -> String {
        let (start, end) = self.parts;
        let (start, rest) = cut(start, SECONDS).unwrap_or((start, ""));
        let seconds = if rest.is_empty() { "" } else { AGAIN_IN };
        [start, seconds, rest, "href=\"\"", end].concat()
    }
}

/// What stands before and behind `mark` in `text`. Searching for a text as the standard library
/// does would be more code than all else here.
fn cut<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let mut windows = text.as_bytes().windows(mark.len());
    let start = windows.position(|window| window == mark.as_bytes())?;
    let before = text.get(..start)?;
    let after = text.get(start + mark.len()..)?;
    Some((before, after))
}

#[cfg(test)]
mod tests {
    use authflow_shared::config::variables;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn source(auth_url: &str, binding: &str) -> Option<Source> {
        let mut variables = variables();
        variables.insert("AUTH_URL".into(), auth_url.into());
        variables.insert("AUTH_BINDING".into(), binding.into());
        let mut reader = Reader::new(&variables);
        let common = Common::read(&mut reader, "test");
        Source::read(&mut reader, common.as_ref())
    }

    #[test]
    fn the_auth_worker_is_asked_only_where_something_leads_to_it() {
        let url = |source: Option<Source>| source.map(|source| source.url);
        let elsewhere = source("https://auth.test", "");
        assert_eq!(
            url(elsewhere).as_deref(),
            Some("https://auth.test/auth/signin/unavailable")
        );
        assert_eq!(source("https://app.test", ""), None);
        assert_eq!(source("https://auth.app.test", ""), None);
        assert!(source("http://localhost:8001", "").is_some());
        let bound = source("https://app.test", "AUTH").unwrap();
        let order = bound.order(Language::DEFAULT, String::new());
        assert_eq!((&*order.binding, order.language), ("AUTH", ""));
    }

    #[test]
    fn a_client_chooses_among_a_few_languages() {
        for (header, expected) in [
            (Some("de-AT,de;q=0.9, en;q=0.5"), "de"),
            (Some("fr-CH, en-DE;q=0.1, de;q=0.1"), "en"),
            (Some("fr,*;q=0.1"), ""),
            (Some("xx\"><script>"), ""),
            (None, ""),
        ] {
            assert_eq!(Language::of(header).0, expected, "{header:?}");
        }
    }

    #[test]
    fn one_asks_for_all_and_what_was_answered_holds_for_a_while() {
        let mut checks = Checks::default();
        let at = |seconds| NOW.after(Duration::from_secs(seconds));
        let language = Language("de");
        assert_eq!(checks.known(language, NOW), None);
        assert_eq!(checks.known(language, NOW), Some(true), "one is asking");
        assert_eq!(
            checks.known(Language::DEFAULT, NOW),
            None,
            "of another page"
        );
        checks.learn(language, true, NOW);
        assert_eq!(checks.known(language, at(9)), Some(true));
        assert_eq!(checks.known(language, at(10)), None);
        checks.learn(language, false, at(10));
        assert_eq!(checks.known(language, at(14)), Some(false));
        assert_eq!(checks.known(language, at(15)), None);
        assert_eq!(
            checks.known(language, at(15)),
            Some(false),
            "as far as known"
        );
        assert_eq!(checks.known(language, at(16)), None, "nobody came back");
        checks.learn(language, false, at(100));
        assert_eq!(checks.known(language, at(16)), None, "the clock went back");
    }

    #[test]
    fn a_page_is_ours_with_its_policy_and_its_link_alone() {
        let page = format!("<p>{SECONDS}</p>\n<a {AGAIN}>x</a>");
        let kept = format!("default-src 'none'\n{page}");
        let policy = Kept::parse(&kept).unwrap().policy();
        assert_eq!(policy, "default-src 'none', script-src 'none'");
        for other in [
            "",
            "default-src 'none'\n",
            "default-src 'none'\n<p>welcome</p>",
            &format!("\n{page}"),
            &page.replace('\n', ""),
        ] {
            assert_eq!(Kept::parse(other), None, "{other}");
        }
    }

    #[test]
    fn its_link_leads_to_where_it_is_shown() {
        let filled = |page: String| Kept::parse(&format!("p\n{page}")).unwrap().filled();
        assert_eq!(
            filled(format!("<p>In {SECONDS} s</p>\n<a {AGAIN}>x</a>\n")),
            "<p>In 10 s</p>\n<a href=\"\">x</a>\n"
        );
        assert_eq!(
            filled(format!("<p>Soon</p><a {AGAIN}>x</a>")),
            "<p>Soon</p><a href=\"\">x</a>"
        );
    }
}
