//! All sessions of a user: to look at, and to end at once.
//!
//! Ending all takes two steps, because the list must be read before its members can be deleted. A
//! session that somebody opens between the two would escape, so the first step also leaves a mark:
//! `sessions_ended:{user_id}`, the moment. Whoever creates a session reads the mark in the same
//! transaction, and takes the session back if it was asked for before that moment. The second step
//! looks at the list again, for what took the place of a member meanwhile.

use super::{
    SessionId, SessionRecord, SessionStore,
    change::Change,
    devices::DeviceEntry,
    keys,
    store::{SessionLookup, read_session},
};
use crate::{
    host::Host,
    redis::{Command, Lookup, Reply, Unavailable, lookup, texts},
    timestamp::Timestamp,
};

/// Seconds that the mark stays: longer than any sign-in takes.
pub(super) const MARK_SECONDS: u64 = 300;
/// How often the list is looked at again: each time somebody must have raised a session in between.
const MOST_ROUNDS: u32 = 5;

/// A session of a user's, as its owner sees it.
#[derive(Clone, Debug)]
pub struct OwnSession {
    /// Its id.
    pub id: SessionId,
    /// What Redis holds of it.
    pub record: std::rc::Rc<SessionRecord>,
    /// The moment at which it ends if it is not used any more.
    pub idle_until: Timestamp,
    /// The device that it belongs to, if that is still known.
    pub device: Option<DeviceEntry>,
}

impl<H: Host> SessionStore<H> {
    /// The sessions of a user that are alive, the one that lives longest first.
    ///
    /// # Errors
    /// [`Unavailable`] if any of them could not be read.
    pub async fn list(
        &self,
        user_id: &str,
        now: Timestamp,
    ) -> Result<Vec<OwnSession>, Unavailable> {
        // (1) Which there are, and the devices.
        let reads = [
            Command::new("ZREVRANGE")
                .arg(keys::user_sessions(user_id))
                .arg("0")
                .arg("-1")
                .arg("WITHSCORES"),
            Command::new("HGETALL").arg(keys::device(user_id)),
        ];
        let mut replies = self.redis().pipeline(&reads).await?.into_iter();
        let members = texts(replies.next())?;
        let devices = texts(replies.next())?;

        // (2) Each of them. A member may outlive its session.
        let members: Vec<_> = pairs(&members)
            .filter_map(|(id, score)| Some((SessionId::parse(id)?, score.parse().ok()?)))
            .collect();
        if members.is_empty() {
            return Ok(Vec::new());
        }
        let reads: Vec<_> = members
            .iter()
            .map(|(id, _)| Command::new("GET").arg(keys::session(id)))
            .collect();
        let replies = self.redis().pipeline(&reads).await?;
        let mut sessions = Vec::new();
        for ((id, idle_until), reply) in members.into_iter().zip(replies) {
            match read_session(lookup(reply), now) {
                SessionLookup::Found(record) if record.user_id == user_id => {
                    let of_device = |(known, _): &(&str, &str)| *known == record.device_fingerprint;
                    let entry = pairs(&devices).find(of_device);
                    sessions.push(OwnSession {
                        id,
                        idle_until: Timestamp::from_seconds(idle_until),
                        device: entry.and_then(|(_, json)| DeviceEntry::read(json)),
                        record,
                    });
                }
                SessionLookup::Found(_) | SessionLookup::Absent => {}
                SessionLookup::Unavailable(reason) => return Err(reason),
            }
        }
        Ok(sessions)
    }

    /// Ends every session of a user but `kept`, and those that are being opened right now. Gives the moment at which
    /// somebody did so before, if that is not long ago.
    ///
    /// # Errors
    /// [`Unavailable`] if it is not certain that they are gone. Asking again is safe.
    pub async fn end_all(
        &self,
        user_id: &str,
        kept: Option<&SessionId>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Unavailable> {
        let change = Change::ended_all(user_id, kept, now);
        // Whatever the breaker says: others may read Redis again already, where this isolate does not.
        let store = self.past_breaker();
        let ended = store.end_all_in_redis(user_id, kept, now, &change).await;
        self.settle_end(ended, change).await
    }

    async fn end_all_in_redis(
        &self,
        user_id: &str,
        kept: Option<&SessionId>,
        now: Timestamp,
        change: &Change,
    ) -> Result<Option<Timestamp>, Unavailable> {
        let sessions_key = keys::user_sessions(user_id);
        // (1) From here on nothing that began before is kept.
        let mut marked = vec![
            Command::new("SET")
                .arg(keys::sessions_ended(user_id))
                .arg(now.millis())
                .arg("EX")
                .arg(MARK_SECONDS)
                .arg("GET"),
            Command::new("ZRANGE").arg(&sessions_key).arg("0").arg("-1"),
        ];
        marked.extend(self.keep_commands(Some(change)));
        let mut replies = self.redis().transaction(&marked).await?.into_iter();
        let before = match replies.next() {
            Some(Reply::Text(millis)) => millis.parse().ok().map(Timestamp::from_millis),
            _ => None,
        };
        let mut members = texts(replies.next())?;

        // (2) All or nothing, until there is no other.
        for _ in 0..MOST_ROUNDS {
            let ended = members
                .iter()
                .filter_map(|id| SessionId::parse(id))
                .filter(|id| Some(id) != kept);
            let mut writes = vec![Command::new("DEL").arg(keys::user_profile(user_id))];
            for id in ended {
                let owner = Some(Lookup::Found(user_id.to_owned()));
                writes.extend(self.end_commands(&id, owner));
            }
            writes.push(Command::new("ZRANGE").arg(&sessions_key).arg("0").arg("-1"));
            let mut replies = self.redis().transaction(&writes).await?;
            members = texts(replies.pop())?;
            let is_other = |id: &String| SessionId::parse(id).is_some_and(|id| Some(&id) != kept);
            if !members.iter().any(is_other) {
                return Ok(before);
            }
        }
        Err(Unavailable::Refused)
    }

    /// Whether `id` is a session of this user, as far as that is still known.
    ///
    /// # Errors
    /// [`Unavailable`] if nobody knows.
    pub async fn owns(
        &self,
        user_id: &str,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        if let Lookup::Found(owner) = self.redis().get(&keys::user_id(id)).await {
            return Ok(owner == user_id);
        }
        // One that Redis lost, or cannot tell of.
        match self.find(id, now).await.0 {
            SessionLookup::Found(record) => Ok(record.user_id == user_id),
            SessionLookup::Absent => Ok(false),
            SessionLookup::Unavailable(reason) => Err(reason),
        }
    }

    /// Takes the profile of a user out of Redis, because it has changed.
    ///
    /// # Errors
    /// [`Unavailable`] if Redis may still hold it.
    pub async fn forget_profile(&self, user_id: &str) -> Result<(), Unavailable> {
        self.forget(keys::user_profile(user_id)).await
    }

    async fn forget(&self, key: String) -> Result<(), Unavailable> {
        let command = Command::new("DEL").arg(key);
        match self.redis().command(&command).await? {
            Reply::Error(_) => Err(Unavailable::Refused),
            _ => Ok(()),
        }
    }
}

/// A flat list of names and values, two by two.
fn pairs(list: &[String]) -> impl Iterator<Item = (&str, &str)> {
    let (pairs, _) = list.as_chunks::<2>();
    pairs
        .iter()
        .map(|[name, value]| (name.as_str(), value.as_str()))
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        host::{
            CallError, HttpAnswer,
            fake::{Breakage, FakeHost},
        },
        session::{
            create::{NewSession, NotCreated, tests::new_session},
            store::tests::{NOW, id, store},
        },
    };

    const USER: &str = "5f6b7c8d-0000-4000-8000-000000000001";

    /// A Redis that answers each request with the next of `answers`.
    fn redis(answers: &[Value]) -> FakeHost {
        let mut answers = std::collections::VecDeque::from(answers.to_vec());
        FakeHost::new(NOW, move |_| {
            let results = answers.pop_front().unwrap_or(json!([null]));
            let list = results.as_array().unwrap().iter();
            let body: Value = list.map(|result| json!({"result": result})).collect();
            let body = body.to_string();
            Ok(HttpAnswer { status: 200, body })
        })
    }

    fn bodies(host: &FakeHost) -> Vec<String> {
        let calls = host.calls().into_iter();
        calls.filter_map(|call| call.body).collect()
    }

    fn example(now: Timestamp) -> String {
        SessionRecord::example(now).to_json()
    }

    #[test]
    fn all_end_but_the_one_that_is_kept_and_the_mark_comes_first() {
        let (one, two) = (id(1), id(2));
        let host = redis(&[
            json!(["OK", [one.as_str(), two.as_str(), "odd"]]),
            json!([1, 1, 1, 1, [two.as_str(), "odd"]]),
        ]);
        block_on(store(&host).end_all(USER, Some(&two), NOW)).unwrap();
        let bodies = bodies(&host);
        let mark = format!(r#"["SET","sessions_ended:{USER}","1800000000000","EX","300","GET"]"#);
        assert!(bodies[0].contains(&mark), "{}", bodies[0]);
        assert!(bodies[1].contains(r#"["DEL","session:00000000-0000-4000-8000-000000000001""#));
        assert!(bodies[1].contains(&format!("user_profile:{USER}")));
        assert!(!bodies[1].contains(two.as_str()), "{}", bodies[1]);
        assert!(
            host.calls()
                .iter()
                .all(|call| call.url.ends_with("/multi-exec"))
        );
    }

    #[test]
    fn ending_all_is_an_error_whenever_it_is_not_certain() {
        for calls in 0..2 {
            for breakage in [
                Breakage::Before(CallError::Timeout),
                Breakage::After(CallError::Connection),
            ] {
                let host = redis(&[json!([null, [id(1).as_str()]]), json!([1, 1, 1, 1, []])]);
                (0..calls).for_each(|_| host.pass_next());
                host.break_next(breakage);
                assert!(block_on(store(&host).end_all(USER, None, NOW)).is_err());
            }
        }
        let unreadable = redis(&[json!(["OK", "odd"])]);
        assert!(block_on(store(&unreadable).end_all(USER, None, NOW)).is_err());
    }

    #[test]
    fn a_session_asked_for_before_all_were_ended_is_taken_back() {
        let mark = |millis: u64| {
            let mut replies = vec![json!(1); 10];
            replies.push(json!(millis.to_string()));
            let host = redis(&[json!([null, 0]), json!(replies), json!([1, 1, 1, 1, 1])]);
            let (id, record) = (id(1), SessionRecord::example(NOW));
            let created = block_on(store(&host).create(&new_session(&id, &record, None), NOW));
            (created, host)
        };
        let (created, host) = mark(NOW.millis());
        assert_eq!(created, Err(NotCreated::Ended));
        let last = bodies(&host).pop().unwrap();
        assert!(last.contains(r#"["DEL","session:00000000-0000-4000-8000-000000000001""#));
        assert!(mark(NOW.millis() - 1).0.is_ok());
    }

    #[test]
    fn whose_sessions_ended_meanwhile_is_not_given_their_device_back() {
        let (id, record) = (id(1), SessionRecord::example(NOW));
        let mut replies = vec![json!(1); 10];
        replies.push(json!(NOW.millis().to_string()));
        let known = DeviceEntry::default().to_json();
        let host = redis(&[json!([[known], 1]), json!(replies), json!([1, 1, 1, 1, 1])]);
        let created = block_on(store(&host).create(&new_session(&id, &record, None), NOW));
        assert_eq!(created, Err(NotCreated::Ended));
        let forgotten = format!(
            r#"["HDEL","device:{USER}","{}"]"#,
            record.device_fingerprint
        );
        let undone = bodies(&host).pop().unwrap();
        assert!(undone.contains(&forgotten), "{undone}");
    }

    #[test]
    fn what_took_the_place_of_a_member_meanwhile_ends_too() {
        let (one, two) = (id(1), id(2));
        let host = redis(&[
            json!(["1799999999000", [one.as_str()]]),
            json!([1, 1, 1, 1, [two.as_str()]]),
            json!([1, 1, 1, 1, []]),
        ]);
        let before = block_on(store(&host).end_all(USER, None, NOW)).unwrap();
        assert_eq!(before, Some(Timestamp::from_millis(1_799_999_999_000)));
        assert!(
            bodies(&host)[2].contains(r#"["DEL","session:00000000-0000-4000-8000-000000000002""#)
        );
    }

    #[test]
    fn a_session_goes_on_in_another_once_and_not_after_its_end() {
        let create = |was_there: Value, goes_on| {
            let mut replies = if goes_on { vec![was_there] } else { vec![] };
            replies.extend(vec![json!(1); 13]);
            replies.push(Value::Null);
            let host = redis(&[
                json!([null, 0, USER]),
                json!(replies),
                json!([1, 1, 1, 1, 1]),
            ]);
            let (new, old, record) = (id(1), id(2), SessionRecord::example(NOW));
            let session = NewSession {
                goes_on,
                ..new_session(&new, &record, Some(&old))
            };
            let created = block_on(store(&host).create(&session, NOW));
            (created.map(drop), bodies(&host))
        };
        let (created, calls) = create(json!(1), true);
        assert_eq!(created, Ok(()));
        let first = r#"[["EXISTS","session:00000000-0000-4000-8000-000000000002"],["SET""#;
        assert!(calls[1].starts_with(first), "{}", calls[1]);
        for odd in [json!(0), Value::Null, json!("1")] {
            let (created, calls) = create(odd, true);
            assert_eq!(created, Err(NotCreated::Gone));
            assert!(calls[2].contains(r#"["DEL","session:00000000-0000-4000-8000-000000000001""#));
        }
        assert_eq!(create(Value::Null, false).0, Ok(()), "a sign-in needs none");
    }

    #[test]
    fn a_list_shows_live_sessions_of_the_user_and_their_devices() {
        let (one, two, three) = (id(1), id(2), id(3));
        let device = DeviceEntry {
            label: "Firefox on Linux".into(),
            first_seen: 1,
            last_seen: 2,
            ip_hint: "192.0.2.0/24".into(),
            user_agent: "Firefox".into(),
        };
        let record = SessionRecord::example(NOW);
        let mut foreign = record.clone();
        foreign.user_id = "5f6b7c8d-0000-4000-8000-000000000002".into();
        let host = redis(&[
            json!([
                [
                    one.as_str(),
                    "1800003600",
                    two.as_str(),
                    "1800000100",
                    three.as_str(),
                    "1800000050"
                ],
                [record.device_fingerprint, device.to_json()],
            ]),
            json!([example(NOW), null, foreign.to_json()]),
        ]);
        let list = block_on(store(&host).list(USER, NOW)).unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].id, one);
        assert_eq!(list[0].idle_until.seconds(), 1_800_003_600);
        assert_eq!(list[0].device, Some(device));
    }

    #[test]
    fn a_list_that_is_not_whole_is_none() {
        let list = |answers: &[Value]| block_on(store(&redis(answers)).list(USER, NOW));
        assert!(list(&[json!([[], []])]).unwrap().is_empty());
        assert!(list(&[json!([[id(1).as_str(), "1800003600"], []]), json!(["odd"])]).is_err());
        assert!(list(&[json!([null, []])]).is_err());
    }

    #[test]
    fn a_device_is_read_as_it_was_written_before_it_had_an_address() {
        let entry = r#"{"label":"curl","first_seen":1,"last_seen":2}"#;
        assert_eq!(DeviceEntry::read(entry).unwrap().label, "curl");
        assert_eq!(DeviceEntry::read("{}"), None);
    }
}
