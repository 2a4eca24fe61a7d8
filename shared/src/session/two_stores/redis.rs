//! A made-up Redis that does what the store of sessions asks for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::session::keys;

#[derive(Clone)]
enum Kept {
    Text(String),
    Hash(BTreeMap<String, String>),
    Sorted(BTreeMap<String, u64>),
}

/// See the module. `now` is in milliseconds.
#[derive(Default)]
pub(super) struct Redis {
    kept: BTreeMap<String, (Kept, Option<u64>)>,
    pub(super) now: u64,
}

impl Redis {
    /// Loses everything.
    pub(super) fn wipe(&mut self) {
        self.kept.clear();
    }

    /// The names of the changes that the database has not got.
    pub(super) fn owed(&self) -> Vec<String> {
        match self.kept.get(keys::OWED_TO_DATABASE) {
            Some((Kept::Hash(fields), _)) => fields.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Answers the body of a call.
    pub(super) fn answer(&mut self, body: &str) -> Value {
        if let Ok(command) = serde_json::from_str::<Vec<String>>(body) {
            return self.run(&command);
        }
        let commands: Vec<Vec<String>> = serde_json::from_str(body).unwrap();
        commands.iter().map(|command| self.run(command)).collect()
    }

    fn run(&mut self, command: &[String]) -> Value {
        let now = self.now;
        self.kept
            .retain(|_, (_, until)| until.is_none_or(|until| now < until));
        let words: Vec<_> = command.iter().map(String::as_str).collect();
        json!({"result": self.obey(&words)})
    }

    fn obey(&mut self, words: &[&str]) -> Value {
        let lives = |seconds: &str| Some(self.now + seconds.parse::<u64>().unwrap() * 1000);
        match words {
            ["GET", key] => self.text(key).map_or(Value::Null, Value::from),
            ["SET", key, value, rest @ ..] => {
                let before = self.text(key);
                if rest.contains(&"NX") && before.is_some() {
                    return Value::Null;
                }
                let until = match rest {
                    ["EX", seconds, ..] => lives(seconds),
                    _ => None,
                };
                self.put(key, Kept::Text((*value).into()), until);
                if rest.contains(&"GET") {
                    return before.map_or(Value::Null, Value::from);
                }
                json!("OK")
            }
            ["DEL", gone @ ..] => {
                let there = gone.iter().filter(|key| self.kept.remove(**key).is_some());
                json!(there.count())
            }
            ["EXISTS", asked @ ..] => {
                json!(
                    asked
                        .iter()
                        .filter(|key| self.kept.contains_key(**key))
                        .count()
                )
            }
            ["EXPIRE", key, seconds, ..] => {
                let until = lives(seconds);
                if let Some((_, kept_until)) = self.kept.get_mut(*key) {
                    *kept_until = until;
                }
                json!(1)
            }
            [name, ..] if name.starts_with('H') => self.obey_of_hashes(words),
            [name, ..] if name.starts_with('Z') => self.obey_of_sorted_sets(words),
            ["EVAL", ..] => self.run_script(words),
            other => panic!("{other:?}"),
        }
    }

    fn obey_of_hashes(&mut self, words: &[&str]) -> Value {
        match words {
            ["HSET", key, name, value] => {
                self.hash(key).insert((*name).into(), (*value).into());
                json!(1)
            }
            ["HDEL", key, names @ ..] => {
                let hash = self.hash(key);
                for name in names {
                    hash.remove(*name);
                }
                json!(1)
            }
            ["HMGET", key, names @ ..] => {
                let hash = self.hash(key);
                json!(names.iter().map(|name| hash.get(*name)).collect::<Vec<_>>())
            }
            ["HEXISTS", key, name] => json!(u8::from(self.hash(key).contains_key(*name))),
            ["HLEN", key] => json!(self.hash(key).len()),
            ["HGETALL", key] => json!(flat(self.hash(key))),
            ["HRANDFIELD", key, count, "WITHVALUES"] => {
                let mut flat = flat(self.hash(key));
                flat.truncate(2 * count.parse::<usize>().unwrap());
                json!(flat)
            }
            other => panic!("{other:?}"),
        }
    }

    fn obey_of_sorted_sets(&mut self, words: &[&str]) -> Value {
        match words {
            ["ZADD", key, rest @ ..] => {
                let [score, member] = rest[rest.len() - 2..] else {
                    panic!("{words:?}")
                };
                self.sorted(key)
                    .insert(member.into(), score.parse().unwrap());
                json!(1)
            }
            ["ZREM", key, member] => json!(u8::from(self.sorted(key).remove(*member).is_some())),
            ["ZRANGE", key, "0", "-1"] => json!(self.sorted(key).keys().collect::<Vec<_>>()),
            ["ZREVRANGE", key, "0", "-1", "WITHSCORES"] => {
                let scored = self.sorted(key).iter();
                json!(
                    scored
                        .flat_map(|(member, score)| [member.clone(), score.to_string()])
                        .collect::<Vec<_>>()
                )
            }
            ["ZREMRANGEBYSCORE", key, "-inf", most] => {
                let most = most.parse::<u64>().unwrap();
                self.sorted(key).retain(|_, score| *score > most);
                json!(0)
            }
            other => panic!("{other:?}"),
        }
    }

    /// The scripts, told apart by how many keys they take.
    fn run_script(&mut self, words: &[&str]) -> Value {
        match words {
            ["EVAL", _, "1", session, old, new] => {
                let record = self.text(session).unwrap();
                self.obey(&["SET", session, &record.replace(old, new), "EX", "3600"]);
                json!(1)
            }
            [
                "EVAL",
                _,
                "4",
                session,
                owner,
                list,
                active,
                lives_for,
                _,
                score,
                id,
            ] => {
                let record = self.text(session);
                if record.is_some() {
                    self.obey(&["EXPIRE", session, lives_for]);
                    self.obey(&["EXPIRE", owner, "7200"]);
                    self.obey(&["ZADD", active, score, id]);
                    self.obey(&["ZADD", list, score, id]);
                }
                record.map_or(Value::Null, Value::from)
            }
            [
                "EVAL",
                _,
                "7",
                session,
                owner,
                list,
                ended,
                all_ended,
                owed,
                active,
                record,
                lives_for,
                user,
                user_lives,
                score,
                id,
                end,
            ] => {
                if self.kept.contains_key(*ended)
                    || self.kept.contains_key(*all_ended)
                    || self.hash(owed).contains_key(*end)
                {
                    return json!(0);
                }
                self.obey(&["SET", session, record, "EX", lives_for, "NX"]);
                self.obey(&["SET", owner, user, "EX", user_lives]);
                self.obey(&["ZADD", active, score, id]);
                self.obey(&["ZADD", list, score, id])
            }
            other => panic!("{other:?}"),
        }
    }

    fn put(&mut self, key: &str, kept: Kept, until: Option<u64>) {
        self.kept.insert(key.to_owned(), (kept, until));
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.kept.get(key) {
            Some((Kept::Text(text), _)) => Some(text.clone()),
            _ => None,
        }
    }

    fn hash(&mut self, key: &str) -> &mut BTreeMap<String, String> {
        let empty = || (Kept::Hash(BTreeMap::new()), None);
        match self.kept.entry(key.to_owned()).or_insert_with(empty) {
            (Kept::Hash(hash), _) => hash,
            _ => panic!("{key} is no hash"),
        }
    }

    fn sorted(&mut self, key: &str) -> &mut BTreeMap<String, u64> {
        let empty = || (Kept::Sorted(BTreeMap::new()), None);
        match self.kept.entry(key.to_owned()).or_insert_with(empty) {
            (Kept::Sorted(sorted), _) => sorted,
            _ => panic!("{key} is no sorted set"),
        }
    }
}

fn flat(hash: &BTreeMap<String, String>) -> Vec<String> {
    hash.iter()
        .flat_map(|(name, value)| [name.clone(), value.clone()])
        .collect()
}
