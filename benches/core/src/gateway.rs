//! A gateway with one application behind it, and a person who is signed in.

use authflow_shared::{
    client_ip::ClientIp,
    config::parse_variables,
    fingerprint::Device,
    session::{
        SessionId, SessionRecord,
        record::{Identity, SealedTokens},
    },
    timestamp::Timestamp,
};
use authflow_verify::config::Config;
use serde_json::{Value, json};

/// The moment at which everything happens, in milliseconds.
pub(crate) const NOW: f64 = 1_800_000_000_000.0;
/// The same moment.
pub(crate) const MOMENT: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// A path that asks for a session.
pub(crate) const PROTECTED: &str = "/app/hello?bench=1";
/// One that does not.
pub(crate) const PUBLIC: &str = "/public/hello?bench=1";

const SESSION: &str = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
/// Chromium's, behind Cloudflare, on a page of the application.
const HEADERS: [(&str, &str); 15] = [
    (
        "accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    ),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
    ("cf-connecting-ip", "203.0.113.7"),
    ("host", "app.example.com"),
    ("priority", "u=0, i"),
    ("referer", "https://app.example.com/app/"),
    ("sec-ch-ua", r#""Chromium";v="140", "Not=A?Brand";v="24""#),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", r#""Linux""#),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    ("upgrade-insecure-requests", "1"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ),
];

/// The gateway's variables, with `others` beside those that it needs.
pub(crate) fn variables(others: &[(&str, &str)]) -> String {
    let needed = json!({
        "UPSTASH_REDIS_REST_URL": "http://redis.test",
        "UPSTASH_REDIS_REST_TOKEN": "token",
        "SESSION_SECRET": "session-secret-of-thirty-two-chars",
        "FINGERPRINT_SECRET": "finger-secret-of-thirty-two-chars",
        "GATEWAY_URL": "https://app.example.com",
        "AUTH_URL": "https://app.example.com",
        // All requests come from one address, at one moment.
        "GATEWAY_LIMIT": "1000000",
        "ROUTES": r#"[{"id":"app","path":"/app/*","upstream":"http://origin.test"},
            {"id":"public","path":"/public/*","upstream":"http://origin.test","access":"public"}]"#,
    });
    let others = others
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
    let needed = needed.as_object().cloned().unwrap_or_default();
    Value::Object(needed.into_iter().chain(others).collect()).to_string()
}

/// What the driver tells of a request for `target`, with this token in its cookie.
pub(crate) fn facts(target: &str, token: Option<&str>) -> String {
    let own = token.map_or_else(String::new, |token| format!("__Host-authflow={token}; "));
    let cookie = format!("theme=dark; {own}_ga=GA1.1.1226484353.1782990000");
    let head = format!("GET\nhttps://app.example.com{target}\n0");
    let headers = HEADERS.into_iter().chain([("cookie", cookie.as_str())]);
    headers.fold(head, |text, (name, value)| {
        format!("{text}\n{name}\n{value}")
    })
}

/// The token of the person's session.
pub(crate) fn token() -> String {
    let id = SessionId::parse(SESSION).expect("a UUID");
    config().common.token_keys.sign(&id).expose().to_owned()
}

/// A token of the right shape whose MAC is another's.
pub(crate) fn forged_token() -> String {
    format!("{SESSION}.{}", "A".repeat(22))
}

/// The session as the auth worker would have written it, from the device of [`facts`].
pub(crate) fn record() -> SessionRecord {
    let identity = Identity {
        user_id: "5f6b7c8d-0000-4000-8000-000000000001".into(),
        email: "ada@example.test".into(),
        role: "authenticated".into(),
        aal: "aal1".into(),
    };
    // As long as Supabase's tokens are once they are encrypted.
    let tokens = SealedTokens {
        access_token: "g".repeat(1_200),
        refresh_token: "g".repeat(120),
    };
    let header = |wanted| {
        let found = HEADERS.into_iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value)
    };
    let ip = header("cf-connecting-ip").and_then(ClientIp::parse);
    let device = Device::of(ip.expect("an address"), header);
    let fingerprinter = config().common.fingerprinter;
    let (whole, factors) = (fingerprinter.of(&device), fingerprinter.factors_of(&device));
    SessionRecord::new(identity, MOMENT, 86_400, whole, factors, tokens)
}

fn config() -> Config {
    Config::read(&parse_variables(&variables(&[]))).expect("a configuration without faults")
}
