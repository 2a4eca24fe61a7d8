//! A gateway over a made-up Redis, which holds one session, and a made-up origin.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use authflow_shared::{
    client_ip::ClientIp,
    config::variables,
    fingerprint::Device,
    host::{HttpAnswer, fake::FakeHost, origin::OriginHead},
    session::{SessionId, SessionRecord, keys},
    signin_page::{AGAIN, SECONDS},
    timestamp::Timestamp,
};
use authflow_verify::{config::Config, exchange, gateway::Gateway, outcome::Outcome, relay::Relay};
use futures_executor::block_on;
use serde_json::json;

pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
pub(crate) const IP: (&str, &str) = ("cf-connecting-ip", "192.0.2.1");
pub(crate) const AGENT: (&str, &str) = ("user-agent", "Firefox");
pub(crate) const USER: &str = "5f6b7c8d-0000-4000-8000-000000000001";
pub(crate) const ID: &str = "f47ac10b-58cc-4372-a567-0e02b2c3d479";

/// The status of the made-up origin, which the gateway itself never has.
pub(crate) const FORWARDED: u16 = 299;

/// A Redis that holds texts.
pub(crate) type Redis = Rc<RefCell<BTreeMap<String, String>>>;

/// A gateway with a Redis that holds one session.
pub(crate) struct World {
    pub(crate) host: FakeHost,
    gateway: Rc<Gateway>,
    pub(crate) redis: Redis,
    pub(crate) token: String,
    /// What the origin's answers say.
    pub(crate) origin_headers: RefCell<Vec<(String, String)>>,
}

/// What a client sees.
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Seen {
    /// The header `name`, whose lines are joined as the runtime does it.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let lines: Vec<_> = self
            .headers
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    pub(crate) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert!(
            body["detail"].as_str().unwrap().len() > 10,
            "says what to do"
        );
        assert_eq!(body["request_id"], self.header("x-request-id").unwrap());
        body["code"].as_str().unwrap().to_owned()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(changes: &[(&str, &str)]) -> Self {
        Self::over(Rc::default(), changes)
    }

    /// An isolate over a Redis that others use, too. The session is written anew.
    pub(crate) fn over(redis: Redis, changes: &[(&str, &str)]) -> Self {
        let mut variables = variables();
        for (name, value) in changes {
            variables.insert((*name).to_owned(), (*value).to_owned());
        }
        let config = Config::read(&variables).unwrap();
        let id = SessionId::parse(ID).unwrap();
        let device = Device {
            ip: ClientIp::parse(IP.1).unwrap(),
            user_agent: Some(AGENT.1),
            language: None,
            platform: None,
            mobile: None,
        };
        let mut record = SessionRecord::example(NOW);
        record.device_fingerprint = config.common.fingerprinter.of(&device);
        record.factors = config.common.fingerprinter.factors_of(&device);
        let token = config.common.token_keys.sign(&id).expose().to_owned();
        let json = record.to_json();
        redis.borrow_mut().insert(keys::session(&id), json);
        let store = redis.clone();
        let host = FakeHost::new(NOW, move |call| {
            let body = call.body.as_deref().unwrap();
            let mut redis = store.borrow_mut();
            let replies = if let Ok(command) = serde_json::from_str::<Vec<String>>(body) {
                run(&mut redis, &command)
            } else {
                let commands: Vec<Vec<String>> = serde_json::from_str(body).unwrap();
                commands
                    .iter()
                    .map(|command| run(&mut redis, command))
                    .collect()
            };
            Ok(HttpAnswer {
                status: 200,
                body: replies.to_string(),
            })
        });
        host.set_page(Ok(page()));
        host.set_origin(Ok(OriginHead {
            status: FORWARDED,
            ..OriginHead::default()
        }));
        Self {
            gateway: Rc::new(Gateway::new(config, &host)),
            host,
            redis,
            token,
            origin_headers: RefCell::default(),
        }
    }

    pub(crate) fn send(&self, method: &str, target: &str, headers: &[(&str, &str)]) -> Seen {
        let has_body = headers
            .iter()
            .any(|(name, _)| matches!(*name, "content-length" | "transfer-encoding"));
        let url = format!("https://app.test{target}");
        let mut text = format!("{method}\n{url}\n{}", u8::from(has_body));
        for (name, value) in headers {
            text.extend(["\n", name, "\n", value]);
        }
        let outcome = block_on(exchange::handle(
            self.gateway.clone(),
            self.host.clone(),
            text,
        ));
        match outcome {
            Outcome::Respond(answer) => Seen {
                status: answer.status,
                headers: owned(answer.headers),
                body: answer.body,
            },
            Outcome::Relay(relay) => self.relayed(relay),
        }
    }

    /// What the driver makes of the origin's answer.
    fn relayed(&self, relay: Relay) -> Seen {
        let mut headers = self.origin_headers.borrow().clone();
        headers.retain(|(name, _)| !relay.remove.contains(&name.as_str()));
        for (name, value) in relay.set {
            headers.retain(|(known, _)| known != name);
            headers.push((name.to_owned(), value));
        }
        headers.extend(owned(relay.add));
        Seen {
            status: relay.status,
            headers,
            body: String::new(),
        }
    }

    /// A GET with the session's cookie from its own device.
    pub(crate) fn visit(&self, target: &str) -> Seen {
        self.send("GET", target, &[IP, AGENT, ("cookie", &self.cookie())])
    }

    /// Does what was left for after the responses.
    pub(crate) fn run_tasks(&self) {
        while let Some(task) = self.host.next_task() {
            block_on(task);
        }
    }

    pub(crate) fn cookie(&self) -> String {
        format!("__Host-authflow={}", self.token)
    }

    pub(crate) fn redis_calls(&self) -> usize {
        self.host.calls().len()
    }

    pub(crate) fn log(&self) -> serde_json::Value {
        serde_json::from_str(self.host.lines().last().unwrap()).unwrap()
    }
}

/// What a well auth worker answers that is asked for its page.
pub(crate) fn page() -> HttpAnswer {
    HttpAnswer {
        status: 200,
        body: format!("default-src 'none'\n<p>{SECONDS}</p>\n<a {AGAIN}>again</a>\n"),
    }
}

fn owned(headers: Vec<(&'static str, String)>) -> Vec<(String, String)> {
    headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What a Redis that holds texts answers; a script counts under its first key.
fn run(redis: &mut BTreeMap<String, String>, command: &[String]) -> serde_json::Value {
    match command[0].as_str() {
        "GET" => json!({ "result": redis.get(&command[1]) }),
        "PING" => json!({ "result": "PONG" }),
        // A session is bound to another device.
        "EVAL" if command[1].contains("KEEPTTL") => {
            let session = redis.get(&command[3]);
            let Some(session) = session.filter(|text| text.contains(&command[5])) else {
                return json!({ "result": 0 });
            };
            let session = session.replace(&command[5], &command[6]);
            redis.insert(command[3].clone(), session);
            json!({ "result": 1 })
        }
        // A session is renewed.
        "EVAL" if command[2] == "4" => json!({ "result": redis.get(&command[3]) }),
        // What was counted is added up.
        "EVALSHA" if command[3].starts_with("metrics:") => json!({ "result": 1 }),
        "HGETALL" => json!({ "result": [] }),
        "ZCOUNT" => json!({ "result": 3 }),
        "EVALSHA" if !redis.contains_key(SCRIPT) => json!({ "error": "NOSCRIPT none" }),
        "EVAL" | "EVALSHA" => {
            redis.insert(SCRIPT.to_owned(), String::new());
            let limit: u64 = command[5].parse().unwrap();
            let count = redis
                .entry(command[3].clone())
                .or_insert_with(|| "0".into());
            let before: u64 = count.parse().unwrap();
            let counted = before < limit;
            *count = (before + u64::from(counted)).to_string();
            json!({ "result": [u64::from(counted), 0, before] })
        }
        _ => json!({ "result": 1 }),
    }
}

/// Stands for the script in the server's cache.
const SCRIPT: &str = "script";
