//! A made-up world around the worker: Supabase answers what a test says, and Redis keeps what it
//! is given.

mod redis;

use core::{cell::RefCell, time::Duration};
use std::{collections::BTreeMap, rc::Rc};

use authflow_shared::{
    config::variables,
    host::{
        CallError, HttpAnswer, HttpCall,
        fake::{Breakage, FakeHost},
    },
    timestamp::Timestamp,
};
use base64ct::{Base64UrlUnpadded, Encoding};
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::{
    app,
    config::Config,
    form,
    request::{Body, Request},
    response::Response,
};

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const USER_ID: &str = "5f6b7c8d-0000-4000-8000-000000000001";

/// What Supabase answers to a path: a status and a body.
type Supabase = BTreeMap<&'static str, (u16, Value)>;

/// See the module.
pub(crate) struct World {
    pub(crate) host: FakeHost,
    pub(crate) config: Rc<Config>,
    supabase: Rc<RefCell<Supabase>>,
    redis: Rc<RefCell<BTreeMap<String, String>>>,
    meanwhile: Meanwhile,
}

/// What comes into Redis when Supabase is asked for a path, or goes: a key and its value, if it has one.
type Meanwhile = Rc<RefCell<Option<(&'static str, String, Option<String>)>>>;

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// A world with changed variables.
    pub(crate) fn with(changes: &[(&str, &str)]) -> Self {
        let supabase = Rc::new(RefCell::new(Supabase::new()));
        let redis = Rc::new(RefCell::new(BTreeMap::new()));
        let (answers, keys) = (supabase.clone(), redis.clone());
        let meanwhile = Meanwhile::default();
        let happens = meanwhile.clone();
        let host = FakeHost::new(NOW, move |call| {
            match call.url.strip_prefix("https://supabase.test/auth/v1") {
                Some(path) => {
                    let happens = happens.borrow_mut().take_if(|(when, ..)| *when == path);
                    if let Some((_, key, value)) = happens {
                        let mut keys = keys.borrow_mut();
                        keys.remove(&key);
                        keys.extend(value.map(|value| (key, value)));
                    }
                    Ok(answer_of(&answers.borrow(), call.method, path))
                }
                None if call.url.starts_with("https://hook.test") => Ok(HttpAnswer {
                    status: 204,
                    body: String::new(),
                }),
                None => match call.url.strip_prefix("https://supabase.test/rest/v1/rpc/") {
                    Some(function) => Ok(call_function(&answers.borrow(), function)),
                    None => Ok(redis::obey(&mut keys.borrow_mut(), call)),
                },
            }
        });
        Self {
            host,
            config: Rc::new(config_with(changes)),
            supabase,
            redis,
            meanwhile,
        }
    }

    /// Puts `value` into Redis under `key` the next time that Supabase is asked for `path`.
    pub(crate) fn put_while_asked(&self, path: &'static str, key: &str, value: &str) {
        *self.meanwhile.borrow_mut() = Some((path, key.to_owned(), Some(value.to_owned())));
    }

    /// Takes `key` out of Redis the next time that Supabase is asked for `path`.
    pub(crate) fn forget_while_asked(&self, path: &'static str, key: &str) {
        *self.meanwhile.borrow_mut() = Some((path, key.to_owned(), None));
    }

    /// From now on Supabase answers `status` and `body` under `path`, whatever is asked; `path` may begin with
    /// the one method that is meant.
    pub(crate) fn supabase(self, path: &'static str, status: u16, body: Value) -> Self {
        self.supabase.borrow_mut().insert(path, (status, body));
        self
    }

    /// Supabase refuses with `code` under `path`.
    pub(crate) fn supabase_refuses(self, path: &'static str, code: &str) -> Self {
        self.supabase(path, 400, json!({"code": code, "message": "x"}))
    }

    /// The answer to `request`; what was left for afterwards has not run yet.
    pub(crate) fn answer(&self, request: &Request) -> Answer {
        let response = block_on(app::answer(&self.host, Some(&self.config), request));
        Answer::of(&response)
    }

    /// Runs what was left for after the answer.
    pub(crate) fn run_tasks(&self) {
        while let Some(task) = self.host.next_task() {
            block_on(task);
        }
    }

    /// The paths that Supabase was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        let calls = self.host.calls();
        let paths = calls.iter().map(|call| call.url.as_str());
        paths
            .filter_map(|url| url.strip_prefix("https://supabase.test/auth/v1"))
            .map(str::to_owned)
            .collect()
    }

    /// How often Redis was asked.
    pub(crate) fn redis_calls(&self) -> usize {
        let calls = self.host.calls();
        let is_redis = |call: &&HttpCall| call.url.starts_with("http://redis.test");
        calls.iter().filter(is_redis).count()
    }

    /// What Redis holds under `key`.
    pub(crate) fn redis(&self, key: &str) -> Option<String> {
        self.redis.borrow().get(key).cloned()
    }

    /// Takes `key` out of Redis.
    pub(crate) fn forget(&self, key: &str) {
        self.redis.borrow_mut().remove(key);
    }

    /// Puts `value` into Redis under `key`.
    pub(crate) fn put(&self, key: &str, value: &str) {
        let mut keys = self.redis.borrow_mut();
        keys.insert(key.to_owned(), value.to_owned());
    }

    /// How often a session was renewed in Redis.
    pub(crate) fn renewals(&self) -> usize {
        self.redis(redis::RENEWALS).map_or(0, |each| each.len())
    }

    /// Everything in Redis as one text.
    pub(crate) fn dump(&self) -> String {
        format!("{:?}", self.redis.borrow())
    }

    /// From now on the database answers `status` and `body` where `function` is called.
    pub(crate) fn database(self, function: &'static str, status: u16, body: Value) -> Self {
        self.supabase(function, status, body)
    }

    /// Lets `calls` calls pass and breaks the next.
    pub(crate) fn break_after(&self, calls: usize, breakage: Breakage) {
        for _ in 0..calls {
            self.host.pass_next();
        }
        self.host.break_next(breakage);
    }

    /// The last log line of a request.
    pub(crate) fn logged(&self) -> Value {
        let lines = self.host.lines();
        let lines = lines
            .iter()
            .rev()
            .map(|line| serde_json::from_str(line).unwrap());
        let mut requests = lines.filter(|line: &Value| line["msg"] == "request");
        requests.next().unwrap()
    }

    /// Signs Ada in and returns her session token.
    pub(crate) fn signed_in(&self) -> String {
        let path = "/token?grant_type=password";
        let before = self.supabase.borrow().get(path).cloned();
        self.supabase.borrow_mut().insert(path, (200, session()));
        let body = json!({"email": "ada@example.test", "password": "p"}).to_string();
        let answer = self.answer(&post("/api/v1/simple_auth/signin", &body));
        if let Some(before) = before {
            self.supabase.borrow_mut().insert(path, before);
        }
        answer.json()["session_token"].as_str().unwrap().to_owned()
    }

    /// How long everything has taken so far.
    pub(crate) fn elapsed(&self) -> Duration {
        use authflow_shared::host::Clock;
        Duration::from_millis(self.host.now().since(NOW))
    }
}

/// An answer in a form that is easy to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<String>,
}

impl Answer {
    pub(crate) fn of(response: &Response) -> Self {
        Self {
            status: response.status,
            headers: response.headers.clone(),
            body: response.body.clone(),
        }
    }

    /// The value of a header, which is there once at the most.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| *known == name);
        let value = values.next();
        assert!(values.next().is_none(), "{name} twice");
        value.map(|(_, value)| value.as_str())
    }

    /// Every cookie that is set, with its attributes.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        let headers = self.headers.iter();
        let cookies = headers.filter(|(name, _)| *name == "set-cookie");
        cookies.map(|(_, value)| value.as_str()).collect()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.body.as_deref().unwrap_or_default()).unwrap()
    }

    /// The code of a problem.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        self.json()["code"].as_str().unwrap().to_owned()
    }

    /// What a page shows.
    #[track_caller]
    pub(crate) fn main(&self) -> &str {
        assert_eq!(
            self.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        let body = self.body.as_deref().unwrap_or_default();
        let (_, main) = body.split_once("<main>").unwrap();
        main.split_once("</main>").unwrap().0
    }

    /// Status and body, without what differs each time.
    pub(crate) fn shown(&self) -> String {
        let mut body = self.body.clone().unwrap_or_default();
        if let Some(id) = self.header("x-request-id") {
            body = body.replace(id, "[request_id]");
        }
        format!("{} {body}", self.status)
    }
}

/// A user as Supabase describes one.
pub(crate) fn user() -> Value {
    json!({
        "id": USER_ID, "aud": "authenticated", "role": "authenticated", "email": "ada@example.test",
        "email_confirmed_at": "2026-11-23T09:00:00Z", "created_at": "2026-11-23T08:00:00Z", "phone": "",
        "app_metadata": {"provider": "email"}, "user_metadata": {"name": "Ada"}, "identities": [],
    })
}

/// The ids of factors, of which the first is an app and the second a phone.
pub(crate) const APP: &str = "aaaaaaaa-0000-4000-8000-000000000001";
pub(crate) const PHONE: &str = "bbbbbbbb-0000-4000-8000-000000000002";

/// Ada with both factors, of which the verified are `verified`.
pub(crate) fn user_with_factors(verified: &[&str]) -> Value {
    let factor = |id: &str, kind: &str| {
        let is_verified = verified.contains(&id);
        let status = if is_verified {
            "verified"
        } else {
            "unverified"
        };
        json!({"id": id, "factor_type": kind, "status": status, "friendly_name": format!("my {kind}")})
    };
    let mut user = user();
    user["factors"] = json!([factor(APP, "totp"), factor(PHONE, "phone")]);
    user
}

/// A session as Supabase describes one.
pub(crate) fn session() -> Value {
    session_of(&user())
}

pub(crate) fn session_of(user: &Value) -> Value {
    session_at("aal1", user)
}

/// A session that Supabase has at the level `aal`.
pub(crate) fn session_at(aal: &str, user: &Value) -> Value {
    let claims = Base64UrlUnpadded::encode_string(
        json!({"aal": aal, "exp": 1_800_003_600})
            .to_string()
            .as_bytes(),
    );
    json!({
        "access_token": format!("SUPABASE.{claims}.ACCESS"), "refresh_token": "SUPABASEREFRESH",
        "token_type": "bearer", "expires_in": 3600, "weak_password": null, "user": user,
    })
}

pub(crate) fn config_with(changes: &[(&str, &str)]) -> Config {
    let mut variables = variables();
    // Off, so that a test sees the calls of what it is about; `limits` has tests of its own.
    for kind in ["SIGNIN", "SIGNUP", "FORGOT", "RESEND", "CODE"] {
        for by in ["ACCOUNT", "ADDRESS"] {
            variables.insert(format!("{kind}_LIMIT_{by}"), "0".to_owned());
        }
    }
    // Off for the same reason; what happens to it is tested in `authflow_shared::session`.
    variables.insert("DATABASE_FALLBACK".to_owned(), "0".to_owned());
    for (name, value) in changes {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    Config::read(&variables).unwrap()
}

/// The variables that are wrong after `changes`.
pub(crate) fn config_faults(changes: &[(&str, &str)]) -> Vec<String> {
    let mut variables = variables();
    for (name, value) in changes {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    let faults = Config::read(&variables).err().unwrap_or_default();
    faults.iter().map(|fault| fault.name.to_owned()).collect()
}

pub(crate) fn get(path: &str) -> Request {
    request("GET", path, "")
}

/// JSON, as a program sends it.
pub(crate) fn post(path: &str, body: &str) -> Request {
    request("POST", path, body).with("content-type", "application/json")
}

/// A form, as a browser sends it.
pub(crate) fn post_form(path: &str, fields: &[(&str, &str)]) -> Request {
    let fields = fields.iter();
    let fields = fields.map(|(name, value)| format!("{name}={}", form::encode(value)));
    let body = fields.collect::<Vec<_>>().join("&");
    request("POST", path, &body)
        .with("content-type", "application/x-www-form-urlencoded")
        .with("sec-fetch-site", "same-origin")
        .with("origin", "https://app.test")
}

fn request(method: &str, path: &str, body: &str) -> Request {
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: String::new(),
        headers: Vec::new(),
        body: Body::Text(body.to_owned()),
    };
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    request
        .with("cf-connecting-ip", "192.0.2.1")
        .with("user-agent", firefox)
}

impl Request {
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    /// The session cookie with `token`.
    pub(crate) fn cookie(self, token: &str) -> Self {
        self.with("cookie", &format!("__Host-authflow={token}"))
    }
}

fn answer_of(answers: &Supabase, method: &str, path: &str) -> HttpAnswer {
    let known = |known: &&&str| path == **known || path.starts_with(&format!("{known}?"));
    let of_any_query = || answers.keys().find(known).map(|found| &answers[found]);
    let of_method = answers.get(format!("{method} {path}").as_str());
    let found = of_method
        .or_else(|| answers.get(path))
        .or_else(of_any_query);
    let (status, body) = found.cloned().unwrap_or((404, Value::Null));
    HttpAnswer {
        status,
        body: body.to_string(),
    }
}

/// The database: what a test says of a function, or that nothing is owed or known.
fn call_function(answers: &Supabase, function: &str) -> HttpAnswer {
    let owed = json!({"changes": [], "renewed_away_at": null});
    let usual = if function == "authflow_owed" {
        owed
    } else {
        Value::Null
    };
    let found = answers.get(function).cloned();
    let (status, body) = found.unwrap_or((200, usual));
    HttpAnswer {
        status,
        body: body.to_string(),
    }
}

/// Both ways for a call to be lost for good: what is late is not asked for again.
pub(crate) const LOST: [Breakage; 2] = [
    Breakage::Before(CallError::Timeout),
    Breakage::After(CallError::Timeout),
];
