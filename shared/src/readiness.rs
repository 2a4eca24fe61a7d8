//! What `/health` answers: whether a worker lives and, when asked with `ready`, whether what it needs does.
//!
//! What was found is kept for a second and told to all who ask in it, and whoever comes while somebody
//! finds it out waits for that: so no number of probes costs a dependency more than one call a second.

use core::{
    cell::{Cell, RefCell},
    time::Duration,
};

use crate::{
    config::Reader,
    host::Host,
    json::{Object, Writer},
    timestamp::Timestamp,
};

/// For how long what was found is told.
const KEPT: Duration = Duration::from_secs(1);
/// How long one waits for who is finding it out. Its client may have left.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often one looks meanwhile.
const LOOK: Duration = Duration::from_millis(20);

/// How a dependency is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Whether it answers.
    pub is_well: bool,
    /// Whether the worker can do its work without it. An outage of another is everybody's then.
    pub is_spare: bool,
    /// How long that took, in milliseconds.
    pub latency_ms: u64,
}

/// What is known of this isolate's dependencies.
#[derive(Debug, Default)]
pub struct Readiness {
    found: RefCell<Option<(Timestamp, Vec<Check>)>>,
    /// Until when somebody is finding it out.
    asked_until: Cell<Timestamp>,
    /// Which upload this is, where the platform tells: several may answer side by side.
    version_id: Option<String>,
}

/// An answer in JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// 200, or 503.
    pub status: u16,
    /// In one word: `ok`, `degraded` or `unavailable`.
    pub word: &'static str,
    /// The body.
    pub body: String,
}

impl Readiness {
    /// Of a worker with the variables of `reader`: `CF_VERSION_METADATA` is what Cloudflare tells of an upload.
    pub fn read(reader: &Reader<'_>) -> Self {
        let metadata = reader
            .optional("CF_VERSION_METADATA")
            .and_then(Object::parse);
        Self {
            version_id: metadata.and_then(|mut metadata| metadata.text("id")),
            ..Self::default()
        }
    }

    /// What `checks` come to; without any, that the worker lives.
    pub fn health(&self, checks: &[Check]) -> Health {
        Health::of(checks, self.version_id.as_deref())
    }

    /// How all dependencies are: as was found of late, or as `ask` finds.
    pub async fn checks<H: Host>(
        &self,
        host: &H,
        ask: impl Future<Output = Vec<Check>>,
    ) -> Vec<Check> {
        loop {
            if let Some((at, checks)) = &*self.found.borrow()
                && host.now() < at.after(KEPT)
            {
                return checks.clone();
            }
            if self.asked_until.get() <= host.now() {
                break;
            }
            host.sleep(LOOK).await;
        }
        self.asked_until.set(host.now().after(PATIENCE));
        let checks = ask.await;
        self.found.replace(Some((host.now(), checks.clone())));
        self.asked_until.set(Timestamp::default());
        checks
    }
}

impl Health {
    fn of(checks: &[Check], version_id: Option<&str>) -> Self {
        let is = |is_spare| {
            checks
                .iter()
                .any(|it| !it.is_well && it.is_spare == is_spare)
        };
        let (status, word) = match (is(false), is(true)) {
            (true, _) => (503, "unavailable"),
            (false, true) => (200, "degraded"),
            (false, false) => (200, "ok"),
        };
        let told = checks.iter().fold(Writer::object(), |told, check| {
            let word = if check.is_well { "ok" } else { "unavailable" };
            let check_told = Writer::object()
                .text("status", word)
                .number("latency_ms", check.latency_ms);
            told.json(check.name, &check_told.end())
        });
        let body = Writer::object()
            .text("status", word)
            .text("version", env!("CARGO_PKG_VERSION"))
            .maybe_text("version_id", version_id)
            .json("checks", &told.end())
            .end();
        Self { status, word, body }
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::host::{Clock, fake::FakeHost};

    const fn check(name: &'static str, is_well: bool, is_spare: bool) -> Check {
        Check {
            name,
            is_well,
            is_spare,
            latency_ms: 7,
        }
    }

    #[test]
    fn what_was_found_is_told_for_a_second() {
        let (host, readiness, asked) =
            (FakeHost::answering(""), Readiness::default(), Cell::new(0));
        let ask = || {
            block_on(readiness.checks(&host, async {
                asked.set(asked.get() + 1);
                vec![check("redis", true, false)]
            }))
        };
        for _ in 0..100 {
            assert_eq!(ask().len(), 1);
        }
        host.advance(Duration::from_millis(999));
        ask();
        assert_eq!(asked.get(), 1);
        host.advance(Duration::from_millis(1));
        ask();
        assert_eq!(asked.get(), 2);
    }

    #[test]
    fn whoever_comes_meanwhile_waits_but_not_for_ever() {
        let (host, readiness) = (FakeHost::answering(""), Readiness::default());
        readiness.asked_until.set(host.now().after(PATIENCE));
        let found = block_on(readiness.checks(&host, async { vec![] }));
        assert_eq!(found, []);
        assert_eq!(host.slept().iter().sum::<Duration>(), PATIENCE);
    }

    #[test]
    fn a_dependency_that_is_needed_makes_it_unavailable_and_a_spare_one_degraded() {
        let of = |checks: &[Check]| {
            let health = Readiness::default().health(checks);
            (health.status, health.word)
        };
        assert_eq!(of(&[]), (200, "ok"));
        let (redis, database) = (check("redis", true, false), check("database", true, true));
        assert_eq!(of(&[redis, database]), (200, "ok"));
        let no_database = check("database", false, true);
        assert_eq!(of(&[redis, no_database]), (200, "degraded"));
        assert_eq!(
            of(&[check("redis", false, false), no_database]),
            (503, "unavailable")
        );
        let body = Readiness::default().health(&[redis, no_database]).body;
        assert!(body.ends_with(r#""checks":{"redis":{"status":"ok","latency_ms":7},"database":{"status":"unavailable","latency_ms":7}}}"#), "{body}");
    }

    #[test]
    fn an_upload_is_told_by_the_id_that_the_platform_gives_it() {
        let body = |metadata: &str| {
            let variables = [("CF_VERSION_METADATA".to_owned(), metadata.to_owned())];
            let variables = variables.into_iter().collect();
            Readiness::read(&Reader::new(&variables)).health(&[]).body
        };
        let told = body(r#"{"id":"dc8dcd28","tag":"","timestamp":"2026-11-26T02:00:00Z"}"#);
        assert!(told.contains(r#""version_id":"dc8dcd28""#), "{told}");
        for metadata in ["", "dc8dcd28", "[]", r#"{"id":7}"#] {
            let told = body(metadata);
            assert!(!told.contains("version_id"), "{told}");
        }
    }
}
