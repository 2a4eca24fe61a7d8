//! The gateway as its driver sees it: `configure`, `start`, `resume`, and the messages between.
//!
//! The same tests run natively and as WebAssembly under Node.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod message;

use authflow_shared::{
    client_ip::ClientIp,
    config::parse_variables,
    fingerprint::Device,
    session::SessionRecord,
    signin_page::{AGAIN, SECONDS},
    timestamp::Timestamp,
};
use authflow_verify::{config::Config, configure, resume, start};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const NOW: f64 = 1_800_000_000_000.0;
const HEADERS: &str = "cf-connecting-ip\n192.0.2.1\nuser-agent\nFirefox";

fn configured(routes: &str) -> Vec<String> {
    configured_with(routes, &[])
}

fn configured_with(routes: &str, others: &[(&str, &str)]) -> Vec<String> {
    let mut variables = variables(routes);
    for (name, value) in others {
        variables[*name] = (*value).into();
    }
    configure(NOW, &variables.to_string())
}

fn variables(routes: &str) -> Value {
    json!({
        "UPSTASH_REDIS_REST_URL": "http://redis.test",
        "UPSTASH_REDIS_REST_TOKEN": "token",
        "SESSION_SECRET": "session-secret-of-thirty-two-chars",
        "FINGERPRINT_SECRET": "finger-secret-of-thirty-two-chars",
        "GATEWAY_URL": "https://app.test",
        "AUTH_URL": "https://auth.test",
        "ROUTES": routes,
    })
}

/// The session of [`cookie`], as Redis holds it, of the device of [`HEADERS`].
fn record() -> String {
    let config = Config::read(&parse_variables(&variables(routes()).to_string())).unwrap();
    let mut record = SessionRecord::example(Timestamp::from_seconds(1_800_000_000));
    let device = Device {
        ip: ClientIp::parse("192.0.2.1").unwrap(),
        user_agent: Some("Firefox"),
        language: None,
        platform: None,
        mobile: None,
    };
    record.device_fingerprint = config.common.fingerprinter.of(&device);
    record.to_json()
}

fn routes() -> &'static str {
    r#"[{"id":"app","path":"/app/*","upstream":"http://origin.test"},
        {"id":"public","path":"/public/*","upstream":"http://origin.test","access":"public"}]"#
}

fn begin(target: &str, extra: &str) -> Value {
    let facts = format!("GET\nhttps://app.test{target}\n0\n{HEADERS}{extra}");
    message::read(&start(NOW, facts))
}

fn go_on(message: &Value, status: i32, text: &str) -> Value {
    let id = u32::try_from(message["ask"]["id"].as_u64().unwrap()).unwrap();
    message::read(&resume(NOW, id, status, text.to_owned()))
}

/// A well-made token, under the secret above: made by
/// `printf %s "$id" | openssl dgst -sha256 -hmac "$secret" -binary | head -c 16 | basenc --base64url`.
fn cookie() -> String {
    "\ncookie\n__Host-authflow=f47ac10b-58cc-4372-a567-0e02b2c3d479.DMsTzgQTSJ-XY-UEWTQ0fQ"
        .to_owned()
}

#[test]
fn a_public_request_is_one_forward_and_one_relay() {
    assert!(configured(routes()).is_empty());
    let message = begin("/public/x", "");
    let forward = &message["ask"]["forward"];
    assert_eq!(forward["url"], "http://origin.test/public/x");
    assert_eq!(message["ask"]["timeout_ms"], 30_000);
    assert_eq!(forward["report"], json!(["cache-control", "set-cookie"]));
    assert_eq!(forward["cache"], "");
    let message = go_on(&message, 200, "");
    assert_eq!(message["relay"]["set"][0][0], "x-request-id");
    assert_eq!(message["log"].as_array().unwrap().len(), 1);
}

#[test]
fn a_session_is_one_call_to_redis_with_its_timeout() {
    configured(routes());
    let message = begin("/app/x", &cookie());
    let call = &message["ask"]["call"];
    assert_eq!(
        call["body"],
        r#"["GET","session:f47ac10b-58cc-4372-a567-0e02b2c3d479"]"#
    );
    assert_eq!(message["ask"]["timeout_ms"], 300);
    let message = go_on(&message, 200, r#"{"result":null}"#);
    assert_eq!(message["respond"]["status"], 401);
}

#[test]
fn a_call_that_failed_or_was_late_is_no_answer() {
    configured(routes());
    for status in [-1, -2, i32::MIN] {
        let mut message = begin("/app/x", &cookie());
        while message.get("ask").is_some() {
            message = go_on(&message, status, "");
        }
        assert_eq!(message["respond"]["status"], 503);
    }
    for (status, expected) in [(-1, 504), (-2, 502), (i32::MAX, 502)] {
        let mut message = begin("/public/x", "");
        while message.get("ask").is_some() {
            message = go_on(&message, status, "");
        }
        assert_eq!(message["respond"]["status"], expected);
    }
}

#[test]
fn what_is_to_be_signed_or_counted_is_said_wholly() {
    let key = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    configured_with(
        routes(),
        &[("ASSERTION_KEYS", key), ("GATEWAY_LIMIT_BINDING", "EDGE")],
    );
    let admit = begin("/app/x", &cookie());
    assert_eq!(
        admit["ask"]["admit"],
        json!({ "limiter": "EDGE", "key": "address:192.0.2.1" })
    );
    let found = json!({ "result": record() }).to_string();
    let sign = go_on(&go_on(&admit, 1, ""), 200, &found);
    assert!(
        sign["ask"]["sign"]["jwk"]
            .as_str()
            .unwrap()
            .contains("jpsQ")
    );
    let forward = go_on(&sign, 0, "c2ln");
    let set = forward["ask"]["forward"]["set"].as_array().unwrap();
    assert_eq!(set.last().unwrap()[0], "x-authflow-assertion");
    let assertion = set.last().unwrap()[1].as_str().unwrap();
    assert_eq!(assertion.rsplit('.').next(), Some("c2ln"));
    let refused = go_on(&begin("/app/x", &cookie()), 0, "");
    assert_eq!(refused["respond"]["status"], 429);
}

#[test]
fn the_page_for_an_outage_is_asked_for_kept_and_recalled() {
    configured(routes());
    let navigation = "\nsec-fetch-mode\nnavigate\naccept-language\nde";
    let url = "https://auth.test/auth/signin/unavailable";
    let text = format!("default-src 'none'\n<p>{SECONDS}</p>\n<a {AGAIN}>x</a>");

    let asks = begin("/app/x", navigation);
    assert_eq!(asks["ask"]["timeout_ms"], 1_000);
    let report = ["content-security-policy"];
    let page = &asks["ask"]["page"];
    let traceparent = page["traceparent"].as_str().unwrap();
    assert_eq!(traceparent.len(), 55);
    assert_eq!(
        *page,
        json!({ "binding": "", "url": url, "language": "de", "traceparent": traceparent, "report": report })
    );
    let sent_on = go_on(&asks, 200, &text);
    assert_eq!(sent_on["respond"]["status"], 302);
    let kept = json!({
        "url": format!("{url}?de"),
        "cache_control": "max-age=604800",
        "text": text.split('\n').collect::<Vec<_>>(),
    });
    assert_eq!(sent_on["then"]["keep"], kept);
    assert_eq!(
        go_on(&json!({ "ask": sent_on["then"] }), 0, "")["finished"],
        true
    );

    configured(routes());
    let recalls = go_on(&begin("/app/x", navigation), -1, "");
    assert_eq!(
        recalls["ask"]["recall"],
        json!({ "url": format!("{url}?de") })
    );
    let shown = go_on(&recalls, 200, &text);
    assert_eq!(shown["respond"]["status"], 503);
    let body = "<p>10</p>\n<a href=\"\">x</a>";
    assert_eq!(shown["respond"]["body"], body);
    let nothing_kept = go_on(&begin("/app/x", navigation), 404, "");
    assert_eq!(nothing_kept["respond"]["status"], 503);
}

#[test]
fn a_result_for_a_request_nobody_knows_is_lost() {
    configured(routes());
    let message = begin("/public/x", "");
    go_on(&message, 200, "");
    assert_eq!(go_on(&message, 200, "")["lost"], true);
}

#[test]
fn each_request_and_its_trace_have_names_of_their_own() {
    configured(routes());
    let name = || begin("/public/x", "")["ask"]["forward"]["set"].to_string();
    assert_ne!(name(), name());
}

#[test]
fn a_faulty_configuration_names_every_fault_and_lets_nobody_through() {
    let faults = configured("[]");
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(
        faults[0].contains("ROUTES") && faults[0].contains(r#""level":"error""#),
        "{faults:?}"
    );
    for target in ["/public/x", "/health", "/app/%2f"] {
        let message = begin(target, "");
        assert_eq!(message["respond"]["status"], 500, "{target}");
        let body = message["respond"]["body"].as_str().unwrap();
        assert!(body.contains(r#""code":"config_invalid""#), "{body}");
        assert_eq!(message["log"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn facts_that_are_cut_off_are_refused() {
    configured(routes());
    for facts in [
        "",
        "GET",
        "GET\nhttps://app.test/public/x\n0\ncf-connecting-ip",
    ] {
        let message = message::read(&start(NOW, facts.to_owned()));
        assert!(
            message["respond"]["status"].as_u64().unwrap() >= 400,
            "{message}"
        );
    }
}

// As wasm all tests share one isolate, which this one fills.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_slow_redis_holds_so_many_requests_and_no_more() {
    configured(routes());
    let asks = (0..950).map(|_| begin("/app/x", &cookie()));
    assert!(
        asks.map(|message| message["ask"].clone())
            .all(|ask| !ask.is_null())
    );
    let message = begin("/app/x", &cookie());
    assert_eq!(message["respond"]["status"], 503);
    let body = message["respond"]["body"].as_str().unwrap();
    assert!(body.contains("store_unavailable"), "{body}");
    assert_eq!(
        begin("/public/x", "")["respond"],
        Value::Null,
        "others go on"
    );
}

// As wasm all tests share one isolate, which this one fills.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn an_isolate_that_is_full_refuses_at_once_until_there_is_room() {
    configured(routes());
    let first = begin("/public/x", "");
    (1..4000).for_each(|_| drop(begin("/public/x", "")));
    let message = begin("/public/x", "");
    assert_eq!(message["respond"]["status"], 503);
    let body = message["respond"]["body"].as_str().unwrap();
    assert!(body.contains("overloaded"), "{body}");
    let headers = message["respond"]["headers"].to_string();
    assert!(headers.contains("retry-after"), "{headers}");
    assert_eq!(message["log"].as_array().unwrap().len(), 1);
    go_on(&first, 200, "");
    assert!(begin("/public/x", "").get("ask").is_some());
}
