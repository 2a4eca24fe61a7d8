//! A message to the driver, read as the driver reads it.

use std::str::Split;

use serde_json::{Map, Value, json};

/// The message as a tree.
pub(crate) fn read(message: &str) -> Value {
    let mut lines = Lines(message.split('\n'));
    let mut tree = json!({ "log": lines.list() });
    loop {
        let action = lines.next();
        tree[action] = match action {
            "then" => {
                lines.next();
                assert_eq!(lines.next(), "ask");
                lines.ask()
            }
            "ask" => lines.ask(),
            "respond" => json!({
                "status": lines.number(),
                "headers": lines.headers(),
                "body": lines.rest(),
            }),
            "relay" => json!({
                "drop_cookie": lines.next(),
                "remove": lines.list(),
                "set": lines.headers(),
                "add": lines.headers(),
            }),
            "finished" | "lost" => json!(true),
            other => panic!("{other:?} is no action: {message}"),
        };
        if action != "then" {
            assert_eq!(lines.rest(), "", "nothing is left of {message}");
            return tree;
        }
    }
}

struct Lines<'a>(Split<'a, char>);

impl<'a> Lines<'a> {
    fn next(&mut self) -> &'a str {
        self.0.next().expect("another line")
    }

    fn number(&mut self) -> u64 {
        self.next().parse().unwrap()
    }

    fn list(&mut self) -> Vec<&'a str> {
        (0..self.number()).map(|_| self.next()).collect()
    }

    fn headers(&mut self) -> Vec<[&'a str; 2]> {
        (0..self.number())
            .map(|_| [self.next(), self.next()])
            .collect()
    }

    fn rest(&mut self) -> String {
        self.0.by_ref().collect::<Vec<_>>().join("\n")
    }

    fn ask(&mut self) -> Value {
        let mut ask = Map::new();
        ask.insert("id".into(), self.number().into());
        ask.insert("timeout_ms".into(), self.number().into());
        let effect = self.next();
        let order = match effect {
            "call" => json!({
                "method": self.next(),
                "url": self.next(),
                "headers": self.headers(),
                "body": self.next(),
            }),
            "forward" => json!({
                "url": self.next(),
                "cache": self.next(),
                "has_body": self.number() == 1,
                "body_limit": self.next(),
                "report": self.list(),
                "remove": self.list(),
                "set": self.headers(),
            }),
            "sign" => json!({ "data": self.next(), "jwk": self.next() }),
            "admit" => json!({ "limiter": self.next(), "key": self.next() }),
            "page" => json!({
                "binding": self.next(),
                "url": self.next(),
                "language": self.next(),
                "traceparent": self.next(),
                "report": self.list(),
            }),
            "keep" => json!({
                "url": self.next(),
                "cache_control": self.next(),
                "text": self.list(),
            }),
            "recall" => json!({ "url": self.next() }),
            "record" => json!({
                "dataset": self.next(),
                "index": self.next(),
                "texts": self.list(),
            }),
            "sleep" => json!({}),
            other => panic!("{other:?} is no effect"),
        };
        ask.insert(effect.into(), order);
        ask.into()
    }
}
