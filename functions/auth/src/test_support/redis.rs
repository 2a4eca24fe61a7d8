//! A made-up Redis that does what the worker asks of it.

use std::collections::BTreeMap;

use authflow_shared::host::{HttpAnswer, HttpCall};
use serde_json::{Value, json};

/// Under which it is kept how often a session was renewed, a letter each.
pub(crate) const RENEWALS: &str = "renewals";

/// Redis, as far as strings go; everything else is OK and forgotten.
pub(super) fn obey(keys: &mut BTreeMap<String, String>, call: &HttpCall) -> HttpAnswer {
    let body = call.body.as_deref().unwrap_or_default();
    let reply = if call.url == "http://redis.test" {
        run(keys, &serde_json::from_str::<Vec<String>>(body).unwrap())
    } else {
        let commands: Vec<Vec<String>> = serde_json::from_str(body).unwrap();
        commands.iter().map(|command| run(keys, command)).collect()
    };
    HttpAnswer {
        status: 200,
        body: reply.to_string(),
    }
}

fn run(keys: &mut BTreeMap<String, String>, command: &[String]) -> Value {
    let words: Vec<_> = command.iter().map(String::as_str).collect();
    match &words[..] {
        ["PING"] => json!({"result": "PONG"}),
        ["GET", key] => json!({"result": keys.get(*key)}),
        ["SET", key, value, "EX", _] => {
            keys.insert((*key).to_owned(), (*value).to_owned());
            json!({"result": "OK"})
        }
        ["SET", key, value, "XX", "KEEPTTL"] => match keys.get_mut(*key) {
            Some(kept) => {
                (*value).clone_into(kept);
                json!({"result": "OK"})
            }
            None => json!({"result": null}),
        },
        // A claim that is given up.
        ["EVAL", _, "1", claimed, owner] => {
            let is_ours = keys.get(*claimed).is_some_and(|kept| kept == owner);
            if is_ours {
                keys.remove(*claimed);
            }
            json!({"result": u8::from(is_ours)})
        }
        // A session that is renewed, if it is alive; how often is counted.
        ["EVAL", _, "4", session, ..] => {
            let record = keys.get(*session).cloned();
            if record.is_some() {
                let renewals = keys.entry(RENEWALS.to_owned()).or_default();
                renewals.push('x');
            }
            json!({"result": record})
        }
        // Tokens that are swapped.
        ["EVAL", _, "1", session, old, new] => {
            if let Some(kept) = keys.get_mut(*session) {
                *kept = kept.replace(old, new);
            }
            json!({"result": 1})
        }
        // A profile that is kept.
        ["EVAL", _, "2", profile, _, value, _, _] => {
            keys.insert((*profile).to_owned(), (*value).to_owned());
            json!({"result": 1})
        }
        ["EVAL", script, _, rest @ ..] if script.contains("sealed") => {
            json!({"result": stored(keys, rest)})
        }
        [name, ..] if name.starts_with('H') => of_hashes(keys, &words),
        ["SET", key, value, "NX", "EX", _] => {
            if keys.contains_key(*key) {
                return json!({"result": null});
            }
            keys.insert((*key).to_owned(), (*value).to_owned());
            json!({"result": "OK"})
        }
        ["EXISTS", key] => json!({"result": u8::from(keys.contains_key(*key))}),
        ["GETDEL", key] => json!({"result": keys.remove(*key)}),
        // What was counted is added up, and read.
        ["EVALSHA", _, "2", "metrics:{auth}", ..] => json!({"result": 1}),
        ["ZCOUNT", ..] => json!({"result": 3}),
        // A limit: the attempts at a key so far are kept as its value.
        ["EVALSHA", _, "2", current, _, limit, ..] => {
            let count = keys.get(*current).map_or(0, |count| count.parse().unwrap());
            let allowed = count < limit.parse::<u64>().unwrap();
            if allowed {
                keys.insert((*current).to_owned(), (count + 1).to_string());
            }
            json!({"result": [u8::from(allowed), 0, count]})
        }
        ["ZADD", key, _, member] => {
            let members = keys.entry((*key).to_owned()).or_default();
            *members = format!("{members} {member}");
            json!({"result": 1})
        }
        ["ZREM", key, gone] => {
            if let Some(members) = keys.get_mut(*key) {
                *members = members.replace(gone, "").trim().to_owned();
            }
            keys.retain(|name, members| name != key || !members.is_empty());
            json!({"result": 1})
        }
        ["ZRANGE", key, "0", "-1"] => {
            let members = keys.get(*key).map(String::as_str).unwrap_or_default();
            json!({"result": members.split_whitespace().collect::<Vec<_>>()})
        }
        ["ZREVRANGE", key, "0", "-1", "WITHSCORES"] => {
            let members = keys.get(*key).map(String::as_str).unwrap_or_default();
            let scored = members.split_whitespace().flat_map(|id| [id, "1800003600"]);
            json!({"result": scored.collect::<Vec<_>>()})
        }
        ["DEL", gone @ ..] => {
            // With a hash go its fields.
            let name = |key: &str| key.split('\n').next().unwrap_or_default().to_owned();
            keys.retain(|key, _| !gone.contains(&name(key).as_str()));
            json!({"result": gone.len()})
        }
        _ => json!({"result": 1}),
    }
}

/// Commands of hashes; a field of one is a key of its own here.
fn of_hashes(keys: &mut BTreeMap<String, String>, words: &[&str]) -> Value {
    match words {
        ["HGETALL", "metrics:{auth}"] => json!({"result": []}),
        ["HSET", key, field, value] => {
            keys.insert(format!("{key}\n{field}"), (*value).to_owned());
            json!({"result": 1})
        }
        ["HMGET", key, fields @ ..] => {
            let value = |field| keys.get(&format!("{key}\n{field}"));
            json!({"result": fields.iter().map(value).collect::<Vec<_>>()})
        }
        ["HGETALL", key] => {
            let start = format!("{key}\n");
            let fields = keys
                .iter()
                .filter_map(|(name, value)| Some([name.strip_prefix(&start)?, value]));
            json!({"result": fields.flatten().collect::<Vec<_>>()})
        }
        ["HRANDFIELD", key, ..] => {
            let start = format!("{key}\n");
            let fields = keys
                .iter()
                .filter_map(|(name, value)| Some([name.strip_prefix(&start)?, value]));
            json!({"result": fields.flatten().collect::<Vec<_>>()})
        }
        ["HDEL", key, fields @ ..] => {
            for field in fields {
                keys.remove(&format!("{key}\n{field}"));
            }
            json!({"result": fields.len()})
        }
        _ => json!({"result": 1}),
    }
}

/// All that is stored of a user, as the script of `authflow_shared::session` tells it.
fn stored(keys: &BTreeMap<String, String>, names: &[&str]) -> String {
    let [list, device, texts @ ..] = names else {
        panic!("{names:?}");
    };
    let members = keys.get(*list).map(String::as_str).unwrap_or_default();
    let sessions = members.split_whitespace().map(|id| format!("session:{id}"));
    let texts: Vec<_> = texts
        .iter()
        .map(|key| (*key).to_owned())
        .chain(sessions)
        .collect();
    let fields = format!("{device}\n");
    let mut told = serde_json::Map::new();
    for (name, text) in keys {
        if texts.contains(name) || name.starts_with(&fields) {
            let mut value = serde_json::from_str(text).unwrap_or(json!(text));
            if name.starts_with("session:") {
                value["supabase"] = "sealed".into();
            }
            told.insert(name.replace('\n', " "), value);
        }
    }
    Value::Object(told).to_string()
}
