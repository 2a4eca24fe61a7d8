//! A made-up database that does what the functions of `supabase/migrations` do, as far as it is asked here.
//! `tests/database` holds those to the same rules.

use std::collections::BTreeMap;

use serde_json::{Value, json};

struct Row {
    user_id: Option<String>,
    record: Option<Value>,
    asked_at: u64,
    expires_at: u64,
    idle_until: u64,
    known_since: u64,
    saved_at: u64,
    ended_at: Option<u64>,
}

#[derive(Default)]
struct Mark {
    ended_at: u64,
    kept: Option<String>,
}

/// See the module. `now` is in milliseconds.
#[derive(Default)]
pub(super) struct Database {
    rows: BTreeMap<String, Row>,
    marks: BTreeMap<String, Mark>,
    owed: BTreeMap<u64, Value>,
    numbers: u64,
    renewed_away_at: Option<u64>,
    pub(super) now: u64,
}

impl Database {
    /// How many changes Redis has missed.
    pub(super) fn owes(&self) -> usize {
        self.owed.len()
    }

    /// The hashes of the sessions that are alive.
    pub(super) fn alive(&self) -> Vec<&str> {
        let rows = self.rows.iter();
        rows.filter(|(_, row)| row.ended_at.is_none())
            .map(|(hash, _)| hash.as_str())
            .collect()
    }

    /// Answers a call of the function at the end of `url`.
    pub(super) fn answer(&mut self, url: &str, body: &str) -> Value {
        let arguments: Value = serde_json::from_str(body).unwrap();
        match url.rsplit('/').next().unwrap() {
            "authflow_find" => self.find(arguments["hash"].as_str().unwrap()),
            "authflow_apply" => {
                for change in arguments["changes"].as_array().unwrap() {
                    self.apply(change, arguments["owed"].as_bool().unwrap());
                }
                Value::Null
            }
            "authflow_owed" => {
                let most = usize::try_from(arguments["most"].as_u64().unwrap()).unwrap();
                let changes = self.owed.iter().take(most);
                let changes: Vec<_> = changes
                    .map(|(seq, change)| json!({"seq": seq, "change": change}))
                    .collect();
                json!({"changes": changes, "renewed_away_at": self.renewed_away_at})
            }
            "authflow_settled" => {
                for seq in arguments["seqs"].as_array().unwrap() {
                    self.owed.remove(&seq.as_u64().unwrap());
                }
                Value::Null
            }
            _ => Value::Null,
        }
    }

    fn find(&self, hash: &str) -> Value {
        self.rows.get(hash).map_or(Value::Null, |row| {
            json!({
                "record": row.record.as_ref().filter(|_| row.ended_at.is_none()),
                "expires_at": row.expires_at, "idle_until": row.idle_until,
                "known_since": row.known_since, "ended_at": row.ended_at,
            })
        })
    }

    fn apply(&mut self, change: &Value, owed: bool) {
        let text = |name: &str| change[name].as_str().map(str::to_owned);
        let number = |name: &str| change[name].as_u64().unwrap();
        let kind = change["kind"].as_str().unwrap();
        match kind {
            "saved" => {
                let record = change["record"].clone();
                let user_id = record["user_id"].as_str().unwrap().to_owned();
                let mark = self.marks.get(&user_id);
                let hash = text("hash").unwrap();
                let ended_at = mark
                    .filter(|mark| {
                        mark.ended_at >= number("asked_at") && mark.kept.as_ref() != Some(&hash)
                    })
                    .map(|mark| mark.ended_at);
                let new = Row {
                    user_id: Some(user_id),
                    asked_at: number("asked_at"),
                    expires_at: record["expires_at"].as_u64().unwrap() * 1000,
                    record: Some(record).filter(|_| ended_at.is_none()),
                    idle_until: number("idle_until"),
                    known_since: number("saved_at"),
                    saved_at: number("saved_at"),
                    ended_at,
                };
                match self.rows.get_mut(&hash) {
                    None => drop(self.rows.insert(hash, new)),
                    Some(row) if row.ended_at.is_none() && row.saved_at <= new.saved_at => {
                        row.record = new.record;
                        row.saved_at = new.saved_at;
                        row.idle_until = row.idle_until.max(new.idle_until);
                    }
                    Some(_) => {}
                }
            }
            "renewed" => {
                if let Some(row) = self.rows.get_mut(&text("hash").unwrap()) {
                    let until = number("idle_until").min(row.expires_at);
                    row.idle_until = row.idle_until.max(until);
                }
                if owed {
                    self.renewed_away_at = Some(self.now);
                }
            }
            "restored" => {
                if let Some(row) = self.rows.get_mut(&text("hash").unwrap()) {
                    row.known_since = row.known_since.max(number("at"));
                }
            }
            "ended" => {
                let at = number("at");
                let row = self.rows.entry(text("hash").unwrap()).or_insert(Row {
                    user_id: None,
                    record: None,
                    asked_at: at,
                    expires_at: at + 604_800_000,
                    idle_until: at,
                    known_since: at,
                    saved_at: at,
                    ended_at: None,
                });
                row.ended_at.get_or_insert(at);
                row.record = None;
            }
            "ended_all" => {
                let (user_id, kept, at) = (text("user_id"), text("kept"), number("at"));
                for (hash, row) in &mut self.rows {
                    if row.user_id == user_id && row.asked_at <= at && Some(hash) != kept.as_ref() {
                        row.ended_at.get_or_insert(at);
                        row.record = None;
                    }
                }
                let mark = self.marks.entry(user_id.unwrap()).or_default();
                if at >= mark.ended_at {
                    *mark = Mark { ended_at: at, kept };
                }
            }
            other => panic!("{other}"),
        }
        if owed && kind.starts_with("ended") {
            self.numbers += 1;
            self.owed.insert(self.numbers, change.clone());
        }
    }
}
