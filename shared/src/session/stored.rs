//! All that both stores hold of a person: to hand it out, and to forget it.
//!
//! What one store keeps for the other is told first. So what is read is all there is, and nothing that
//! is forgotten comes back by a change that was late: both stores keep, for a while, that the user's
//! sessions have ended.

use core::pin::Pin;

use super::{
    SessionStore,
    database::{Database, Fault},
    keys,
};
use crate::{
    host::Host,
    json::{Object, Value},
    log::Level,
    redis::{Command, Reply, Unavailable},
    timestamp::Timestamp,
};

/// Gives what lies under a user's keys, as one object in JSON, each value by its key. Takes the keys of the
/// list of sessions and of the devices, and any others that are texts. What stands in a session for Supabase's
/// tokens is not told.
const SCRIPT: &str = r#"
local all = {}
local function put(key, value)
  if not value then return end
  local ok, read = pcall(cjson.decode, value)
  if not ok then
    value = cjson.encode(value)
  elseif type(read) == "table" and read.supabase then
    read.supabase = "sealed"
    value = cjson.encode(read)
  end
  all[#all + 1] = cjson.encode(key) .. ":" .. value
end
for _, id in ipairs(redis.call("ZRANGE", KEYS[1], 0, -1)) do
  put("session:" .. id, redis.call("GET", "session:" .. id))
  put("user_id:" .. id, redis.call("GET", "user_id:" .. id))
end
local devices = redis.call("HGETALL", KEYS[2])
for i = 1, #devices, 2 do put(KEYS[2] .. " " .. devices[i], devices[i + 1]) end
for i = 3, #KEYS do put(KEYS[i], redis.call("GET", KEYS[i])) end
return "{" .. table.concat(all, ",") .. "}"
"#;

/// What Redis answered, and the database: null where there is none.
pub type Answers = (Reply, Value);

/// Answers that are on their way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Answers, Unavailable>> + 'a>>;

impl<H: Host> SessionStore<H> {
    /// What both stores hold of a user, or under an address, without what opens anything; of the other there
    /// is an empty text. `counters` are further keys in Redis, whose part is JSON.
    ///
    /// # Errors
    /// [`Unavailable`] if a part of it could not be read.
    pub fn stored(&self, user_id: &str, address: &str, counters: &[String]) -> Answering<'_> {
        let keys = [
            keys::user_sessions(user_id),
            keys::device(user_id),
            keys::user_profile(user_id),
            keys::sessions_ended(user_id),
        ];
        let read = Command::new("EVAL")
            .arg(SCRIPT)
            .arg(keys.len() + counters.len());
        let read = keys.iter().chain(counters).fold(read, Command::arg);
        let whose = Object::new().with("of_user", user_id);
        self.ask_both(read, "authflow_stored", whose.with("address", address))
    }

    /// Forgets a user whose sessions have all ended.
    ///
    /// # Errors
    /// [`Unavailable`] if a store may still hold something. Asking again is safe.
    pub fn forget_user(&self, user_id: &str, now: Timestamp) -> Answering<'_> {
        let forget = Command::new("DEL")
            .arg(keys::device(user_id))
            .arg(keys::user_profile(user_id));
        let whom = Object::new().with("of_user", user_id);
        self.ask_both(forget, "authflow_forget", whom.with("at", now.millis()))
    }

    /// Asks both stores, once neither owes the other anything.
    fn ask_both(
        &self,
        command: Command,
        function: &'static str,
        arguments: Object,
    ) -> Answering<'_> {
        Box::pin(async move {
            let store = self.past_breaker();
            let database = self.database.as_ref().map(Database::past_breaker);
            if let Some(database) = &database {
                let told = store.tell_redis(database).await;
                told.map_err(|_| Unavailable::Lost)?;
                store.settle_database(database).await?;
            }
            let reply = store.redis().command(&command).await?;
            if let Reply::Error(_) = reply {
                return Err(Unavailable::Refused);
            }
            let Some(database) = &database else {
                return Ok((reply, Value::Null));
            };
            match database.call(function, &arguments.to_json()).await {
                Ok(value) => Ok((reply, value)),
                Err(fault) => {
                    if fault == Fault::Unusable {
                        store.tell(Level::Error, "database_unusable");
                    }
                    Err(Unavailable::Lost)
                }
            }
        })
    }
}
