//! Putting refreshed tokens of Supabase's into a session.

use super::{SessionId, SessionStore, keys, record::SealedTokens};
use crate::{
    host::HttpClient,
    redis::{Command, Reply, Unavailable},
};

/// Puts other tokens in the place of those that are known, and nowhere else: whatever else of the
/// session has changed meanwhile stays, and one that has ended is not there. Takes the session's key,
/// then the old tokens and the new.
const SCRIPT: &str = r#"
local session = redis.call("GET", KEYS[1])
local first, last = string.find(session or "", ARGV[1], 1, true)
if not first then return 0 end
session = string.sub(session, 1, first - 1) .. ARGV[2] .. string.sub(session, last + 1)
redis.call("SET", KEYS[1], session, "KEEPTTL")
return 1
"#;

impl<H: HttpClient> SessionStore<H> {
    /// Gives the session `id` the tokens `new` in place of `old`, if it is still alive and has those; how
    /// long it lives stays the same. Where somebody else was faster, theirs are as good.
    ///
    /// # Errors
    /// [`Unavailable`] if it is not certain.
    pub async fn swap_tokens(
        &self,
        id: &SessionId,
        old: &SealedTokens,
        new: &SealedTokens,
    ) -> Result<(), Unavailable> {
        // Asked for once an hour: the text costs less than a name that the server might not know.
        let command = Command::new("EVAL")
            .arg(SCRIPT)
            .arg(1)
            .arg(keys::session(id))
            .arg(old.to_json())
            .arg(new.to_json());
        match self.redis().command(&command).await? {
            Reply::Integer(_) => Ok(()),
            Reply::Error(_) => Err(Unavailable::Refused),
            _ => Err(Unavailable::Unreadable),
        }
    }
}
