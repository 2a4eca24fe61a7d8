//! Redis over HTTP, as Upstash speaks it.
//!
//! The client keeps three things apart that decide whether somebody stays signed in: a value was
//! *found*, it is *absent*, or nobody knows, because Redis is *unavailable*. A wrong token, an
//! answer that cannot be read, and a command that Redis refuses all count as unavailable: none of
//! them says that a session has ended.

mod reply;
pub(crate) mod script;

use core::time::Duration;
use std::rc::Rc;

pub use self::{reply::Reply, script::Script};
use crate::{
    dependency::{Answered, Dependency, Manner},
    host::{CallError, Host, HttpCall},
    json::{self, Value, write},
    secret::Secret,
};

/// Where Redis is and how long to wait for it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The base URL, without a slash at the end.
    pub url: String,
    /// The bearer token.
    pub token: Secret,
    /// The time until a whole answer must have arrived, tries and all.
    pub timeout: Duration,
    /// What this isolate knows of it.
    pub dependency: Rc<Dependency>,
}

/// A command and its arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct Command(Vec<String>);

/// What a look-up of one key came to.
#[derive(Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The value.
    Found(String),
    /// Redis says that there is none. Only this may end a session.
    Absent,
    /// Nobody knows.
    Unavailable(Unavailable),
}

/// Why Redis could not be asked, or did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The call had no answer.
    Call(CallError),
    /// The token was refused.
    Unauthorized,
    /// The answer was not one of the protocol's.
    Unreadable,
    /// A command failed.
    Refused,
    /// It lost what it held, and nobody else knows.
    Lost,
}

/// A client; a clone shares its settings.
#[derive(Clone, Debug)]
pub struct Redis<H> {
    host: H,
    settings: Rc<Settings>,
    is_past_breaker: bool,
}

// === impl Command ===

impl Command {
    /// The command `name` without arguments.
    pub fn new(name: &str) -> Self {
        Self(vec![name.to_owned()])
    }

    /// Adds one argument.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "`&impl ToString` would not take a literal"
    )]
    pub fn arg(mut self, argument: impl ToString) -> Self {
        self.0.push(argument.to_string());
        self
    }

    /// The command as the protocol has it: a list of texts.
    pub fn to_json(&self) -> String {
        let mut json = String::new();
        for argument in &self.0 {
            json.push(if json.is_empty() { '[' } else { ',' });
            write::write_text(argument, &mut json);
        }
        json.push(']');
        json
    }
}

impl core::fmt::Debug for Command {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.0.first().map_or("", String::as_str))
    }
}

impl core::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Found(_) => f.write_str("Found"),
            Self::Absent => f.write_str("Absent"),
            Self::Unavailable(reason) => write!(f, "Unavailable({reason:?})"),
        }
    }
}

// === impl Unavailable ===

impl Unavailable {
    /// The word for log lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call(error) => error.as_str(),
            Self::Unauthorized => "unauthorized",
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
            Self::Lost => "lost",
        }
    }
}

// === impl Redis ===

impl<H: Host> Redis<H> {
    /// A client that makes its calls through `host`.
    pub fn new(host: H, settings: Rc<Settings>) -> Self {
        Self {
            host,
            settings,
            is_past_breaker: false,
        }
    }

    /// The same, which asks whatever the breaker says.
    #[must_use]
    pub fn past_breaker(&self) -> Self {
        Self {
            host: self.host.clone(),
            settings: self.settings.clone(),
            is_past_breaker: true,
        }
    }

    /// The environment.
    pub const fn host(&self) -> &H {
        &self.host
    }

    /// What this isolate knows of Redis.
    pub fn dependency(&self) -> &Dependency {
        &self.settings.dependency
    }

    /// Runs one command.
    ///
    /// # Errors
    /// [`Unavailable`] if there is no reply. A command that failed is [`Reply::Error`].
    pub async fn command(&self, command: &Command) -> Result<Reply, Unavailable> {
        self.send(command, Manner::Once).await
    }

    /// Looks up the string at `key`. Asks again if that fails, because it changes nothing.
    pub async fn get(&self, key: &str) -> Lookup {
        let command = Command::new("GET").arg(key);
        match self.send(&command, Manner::Idempotent).await {
            Ok(reply) => lookup(reply),
            Err(unavailable) => Lookup::Unavailable(unavailable),
        }
    }

    async fn send(&self, command: &Command, manner: Manner) -> Result<Reply, Unavailable> {
        let answered = self.post("", command.to_json(), manner).await?;
        let reply = Reply::read(&answered.answer.body);
        answered.judge(&self.host, reply.is_some());
        reply.ok_or(Unavailable::Unreadable)
    }

    /// Runs `commands` in order, not atomically; each has its own reply, which may be an error.
    ///
    /// # Errors
    /// [`Unavailable`] if there is not exactly one reply to each.
    pub async fn pipeline(&self, commands: &[Command]) -> Result<Vec<Reply>, Unavailable> {
        self.list("/pipeline", commands).await
    }

    /// Runs `commands` as one transaction (MULTI, EXEC): all or nothing.
    ///
    /// # Errors
    /// [`Unavailable`] if the transaction was discarded, if any command in it failed, or if there
    /// is no answer; in the last case it may have taken effect.
    pub async fn transaction(&self, commands: &[Command]) -> Result<Vec<Reply>, Unavailable> {
        let replies = self.list("/multi-exec", commands).await?;
        if replies.iter().any(|reply| matches!(reply, Reply::Error(_))) {
            return Err(Unavailable::Refused);
        }
        Ok(replies)
    }

    /// Runs a script by its name, or by its text where the server does not know it yet.
    ///
    /// # Errors
    /// [`Unavailable`] if there is no reply. A script that failed is [`Reply::Error`].
    pub async fn eval(
        &self,
        script: &Script,
        keys: &[&str],
        arguments: &[&str],
    ) -> Result<Reply, Unavailable> {
        let command = |name: &str, script: &str| {
            let start = Command::new(name).arg(script).arg(keys.len());
            keys.iter().chain(arguments).fold(start, Command::arg)
        };
        let reply = self.command(&command("EVALSHA", script.sha1())).await?;
        if reply.is_error("NOSCRIPT") {
            return self.command(&command("EVAL", script.text())).await;
        }
        Ok(reply)
    }

    async fn list(&self, path: &str, commands: &[Command]) -> Result<Vec<Reply>, Unavailable> {
        let answered = self.post(path, list(commands), Manner::Once).await?;
        let replies = replies(&answered.answer.body, commands.len());
        answered.judge(&self.host, replies != Err(Unavailable::Unreadable));
        replies
    }

    async fn post(
        &self,
        path: &str,
        body: String,
        manner: Manner,
    ) -> Result<Answered, Unavailable> {
        let settings = &self.settings;
        let call = HttpCall {
            method: "POST",
            url: format!("{}{path}", settings.url),
            headers: vec![
                (
                    "authorization",
                    format!("Bearer {}", settings.token.expose()),
                ),
                ("content-type", "application/json".to_owned()),
            ],
            body: Some(body),
            timeout: settings.timeout,
        };
        let manner = if self.is_past_breaker {
            Manner::PastBreaker
        } else {
            manner
        };
        // Command errors come as 400 or inside a 200; the body tells in both cases.
        let is_bad = |status| !matches!(status, 200 | 400);
        let answered = settings.dependency.call(&self.host, call, manner, is_bad);
        let answered = answered.await.map_err(Unavailable::Call)?;
        match answered.answer.status {
            401 => Err(Unavailable::Unauthorized),
            200 | 400 => Ok(answered),
            _ => Err(Unavailable::Unreadable),
        }
    }
}

fn list(commands: &[Command]) -> String {
    write::list(commands.iter().map(Command::to_json))
}

/// Reads the reply to a look-up of a string.
pub fn lookup(reply: Reply) -> Lookup {
    match reply {
        Reply::Text(text) => Lookup::Found(text),
        Reply::Nil => Lookup::Absent,
        Reply::Error(_) => Lookup::Unavailable(Unavailable::Refused),
        Reply::Integer(_) | Reply::Array(_) => Lookup::Unavailable(Unavailable::Unreadable),
    }
}

/// Reads the reply to a command that gives a list of texts.
///
/// # Errors
/// [`Unavailable`] if there is none, or it holds anything else.
pub(crate) fn texts(reply: Option<Reply>) -> Result<Vec<String>, Unavailable> {
    match reply {
        Some(Reply::Array(items)) => items
            .into_iter()
            .map(|item| match item {
                Reply::Text(text) => Ok(text),
                // A score, which some servers send as a number.
                Reply::Integer(number) => Ok(number.to_string()),
                _ => Err(Unavailable::Unreadable),
            })
            .collect(),
        Some(Reply::Error(_)) => Err(Unavailable::Refused),
        _ => Err(Unavailable::Unreadable),
    }
}

/// Reads one reply to each of `count` commands. A discarded transaction is a single error instead.
fn replies(body: &str, count: usize) -> Result<Vec<Reply>, Unavailable> {
    match json::parse(body) {
        Ok(Value::Array(each)) if each.len() == count => each
            .into_iter()
            .map(Reply::from_envelope)
            .collect::<Option<_>>()
            .ok_or(Unavailable::Unreadable),
        Ok(whole @ Value::Object(_)) => match Reply::from_envelope(whole) {
            Some(Reply::Error(_)) => Err(Unavailable::Refused),
            _ => Err(Unavailable::Unreadable),
        },
        _ => Err(Unavailable::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::{
        host::{
            HttpAnswer,
            fake::{Breakage, FakeHost},
        },
        timestamp::Timestamp,
    };

    fn client(host: &FakeHost) -> Redis<FakeHost> {
        let settings = Settings {
            url: "http://redis.test".into(),
            token: Secret::new("token"),
            timeout: Duration::from_millis(300),
            dependency: Dependency::example("redis"),
        };
        Redis::new(host.clone(), Rc::new(settings))
    }

    fn answering(status: u16, body: &'static str) -> FakeHost {
        FakeHost::new(Timestamp::default(), move |_| {
            Ok(HttpAnswer {
                status,
                body: body.to_owned(),
            })
        })
    }

    #[track_caller]
    fn get(status: u16, body: &'static str) -> Lookup {
        block_on(client(&answering(status, body)).get("key"))
    }

    #[test]
    fn a_command_is_one_authorised_call_with_a_timeout() {
        let host = answering(200, r#"{"result":"OK"}"#);
        let command = Command::new("SET").arg("k\"").arg("v").arg("EX").arg(60);
        block_on(client(&host).command(&command)).unwrap();
        let [call] = &host.calls()[..] else {
            panic!("not one call")
        };
        assert_eq!(call.url, "http://redis.test");
        assert_eq!(
            call.headers[0],
            ("authorization", "Bearer token".to_owned())
        );
        assert_eq!(call.body.as_deref(), Some(r#"["SET","k\"","v","EX","60"]"#));
        assert_eq!(call.timeout, Duration::from_millis(300));
    }

    #[test]
    fn found_absent_and_unavailable_are_kept_apart() {
        assert!(get(200, r#"{"result":"v"}"#) == Lookup::Found("v".into()));
        assert!(get(200, r#"{"result":null}"#) == Lookup::Absent);
        let unavailable = |status, body| match get(status, body) {
            Lookup::Unavailable(reason) => reason,
            _ => panic!("{status} {body}"),
        };
        assert_eq!(
            unavailable(401, r#"{"error":"WRONGPASS"}"#),
            Unavailable::Unauthorized
        );
        assert_eq!(
            unavailable(400, r#"{"error":"WRONGTYPE"}"#),
            Unavailable::Refused
        );
        assert_eq!(unavailable(200, r#"{"error":"ERR"}"#), Unavailable::Refused);
        assert_eq!(unavailable(200, "<html>"), Unavailable::Unreadable);
        assert_eq!(unavailable(200, r#"{"result":1}"#), Unavailable::Unreadable);
        assert_eq!(
            unavailable(500, r#"{"result":null}"#),
            Unavailable::Unreadable
        );
        assert_eq!(
            unavailable(302, r#"{"result":null}"#),
            Unavailable::Unreadable
        );
    }

    #[test]
    fn a_lost_answer_is_unavailable() {
        let host = answering(200, r#"{"result":null}"#);
        host.break_next(Breakage::Before(CallError::Timeout));
        let lookup = block_on(client(&host).get("key"));
        assert!(lookup == Lookup::Unavailable(Unavailable::Call(CallError::Timeout)));
    }

    #[test]
    fn a_pipeline_has_one_reply_for_each_command() {
        let commands = [Command::new("GET").arg("a"), Command::new("INCR").arg("b")];
        let host = answering(200, r#"[{"result":null},{"error":"ERR not an integer"}]"#);
        let replies = block_on(client(&host).pipeline(&commands)).unwrap();
        assert_eq!(replies[0], Reply::Nil);
        assert!(replies[1].is_error("ERR"));
        assert_eq!(host.calls()[0].url, "http://redis.test/pipeline");
        for body in [r#"[{"result":null}]"#, r#"{"result":null}"#, "[1,2]"] {
            let result = block_on(client(&answering(200, body)).pipeline(&commands));
            assert_eq!(result, Err(Unavailable::Unreadable), "{body}");
        }
    }

    #[test]
    fn a_transaction_that_did_not_wholly_succeed_is_an_error() {
        let commands = [
            Command::new("SET").arg("a").arg(1),
            Command::new("DEL").arg("b"),
        ];
        for (status, body) in [
            (400, r#"{"error":"EXECABORT Transaction discarded"}"#),
            (200, r#"[{"result":"OK"},{"error":"WRONGTYPE"}]"#),
        ] {
            let result = block_on(client(&answering(status, body)).transaction(&commands));
            assert_eq!(result, Err(Unavailable::Refused), "{body}");
        }
        let host = answering(200, r#"[{"result":"OK"},{"result":1}]"#);
        assert_eq!(
            block_on(client(&host).transaction(&commands))
                .unwrap()
                .len(),
            2
        );
        assert_eq!(host.calls()[0].url, "http://redis.test/multi-exec");
    }

    #[test]
    fn a_script_the_server_does_not_know_is_sent_whole() {
        let script = Script::new("return 1", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
        let host = FakeHost::new(Timestamp::default(), |call| {
            let known = call.body.as_deref().unwrap_or("").contains("\"EVAL\"");
            let body = if known {
                r#"{"result":1}"#
            } else {
                r#"{"error":"NOSCRIPT x"}"#
            };
            Ok(HttpAnswer {
                status: 200,
                body: body.to_owned(),
            })
        });
        let reply = block_on(client(&host).eval(&script, &["k"], &["a", "b"])).unwrap();
        assert_eq!(reply, Reply::Integer(1));
        let bodies: Vec<_> = host
            .calls()
            .into_iter()
            .filter_map(|call| call.body)
            .collect();
        assert_eq!(
            bodies,
            [
                format!(r#"["EVALSHA","{}","1","k","a","b"]"#, script.sha1()),
                r#"["EVAL","return 1","1","k","a","b"]"#.to_owned(),
            ]
        );
    }
}
