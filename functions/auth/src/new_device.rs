//! Tells the owner of an account that somebody signed in from a device that nobody has seen before.
//!
//! The worker sends no mail itself: where `NEW_DEVICE_HOOK_URL` is set, it calls that address with
//! what a mail needs, signed as <https://www.standardwebhooks.com> says, so that any mail service
//! can be behind it.

use authflow_shared::{
    host::{CallError, Host, HttpCall, NoRandomness},
    json::Object,
    secret::Secret,
    session::SessionRecord,
    timestamp::Timestamp,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use core::time::Duration;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{exchange::Exchange, one_time, pages::account};

/// The time until the hook must have answered.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where to, and the key under which it is signed.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) url: String,
    key: HookKey,
}

/// A key that cannot be printed.
#[derive(Clone)]
struct HookKey(Hmac<Sha256>);

impl core::fmt::Debug for HookKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HookKey")
    }
}

impl Hook {
    /// The hook at `url` whose secret is `whsec_` and 24 to 64 bytes in base64.
    pub(crate) fn new(url: String, secret: &Secret) -> Option<Self> {
        let bytes = STANDARD
            .decode(secret.expose().strip_prefix("whsec_")?)
            .ok()?;
        if !(24..=64).contains(&bytes.len()) {
            return None;
        }
        let key = HookKey(Hmac::new_from_slice(&bytes).ok()?);
        Some(Self { url, key })
    }

    /// The call that delivers `body` as the message `id`.
    fn call(&self, id: &str, now: Timestamp, body: String) -> HttpCall {
        let timestamp = now.seconds().to_string();
        let signed = [id, &timestamp, &body].join(".");
        let mac = self.key.0.clone().chain_update(signed).finalize();
        let signature = STANDARD.encode(mac.into_bytes());
        HttpCall {
            method: "POST",
            url: self.url.clone(),
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("webhook-id", id.to_owned()),
                ("webhook-timestamp", timestamp),
                ("webhook-signature", format!("v1,{signature}")),
            ],
            body: Some(body),
            timeout: TIMEOUT,
        }
    }
}

/// Records it, and calls the hook after the answer.
pub(crate) fn tell<H: Host>(exchange: &Exchange<'_, H>, record: &SessionRecord) {
    exchange.audit("new_device", &record.user_id, None);
    let Some(hook) = exchange.config.new_device_hook.clone() else {
        return;
    };
    let now = exchange.host.now();
    let device = exchange.device_entry();
    let account = format!("{}{}", exchange.config.common.auth_url, account::PATH);
    let data = Object::new()
        .with("user_id", record.user_id.as_str())
        .with("email", record.email.as_str())
        .with(
            "device",
            Object::new()
                .with("label", device.label)
                .with("ip_hint", device.ip_hint),
        )
        .with("account_url", account);
    let body = Object::new()
        .with("type", "device.new")
        .with("timestamp", now.to_string())
        .with("data", data)
        .to_json();
    let host = exchange.host.clone();
    exchange.afterwards("new_device_hook_failed", async move {
        let id = one_time::random_name(&host).map_err(|_| format!("{NoRandomness:?}"))?;
        let call = hook.call(id.expose(), now, body);
        match host.call(call).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(format!("status {}", answer.status)),
            Err(error) => Err(CallError::as_str(error).to_owned()),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{USER_ID, World, config_faults, post, session};

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn a_call_is_signed_as_the_standard_says() {
        // The example of the Standard Webhooks specification's libraries.
        let hook = Hook::new("https://hook.test".into(), &Secret::new(SECRET)).unwrap();
        let now = Timestamp::from_seconds(1_614_265_330);
        let call = hook.call(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            now,
            r#"{"test": 2432232314}"#.to_owned(),
        );
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned();
        assert!(
            call.headers.contains(&("webhook-signature", signature)),
            "{:?}",
            call.headers
        );
    }

    #[test]
    fn a_secret_is_long_enough_and_marked_as_one() {
        for bad in [
            "",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8G",
            "whsec_?",
        ] {
            let hook = Hook::new("https://hook.test".into(), &Secret::new(bad));
            assert!(hook.is_none(), "{bad}");
        }
    }

    const HOOK: [(&str, &str); 2] = [
        ("NEW_DEVICE_HOOK_URL", "https://hook.test/mail"),
        ("NEW_DEVICE_HOOK_SECRET", SECRET),
    ];

    /// What the hook is told after sign-ins from `addresses`, and the audit events.
    fn told(addresses: &[&str]) -> (Vec<HttpCall>, Vec<String>) {
        let world = World::with(&HOOK).supabase("/token", 200, session());
        for address in addresses {
            let ada = r#"{"email":"ada@example.test","password":"p"}"#;
            let request = post("/api/v1/simple_auth/signin", ada).with("cf-connecting-ip", address);
            assert_eq!(world.answer(&request).status, 200);
        }
        world.run_tasks();
        let mut calls = world.host.calls();
        calls.retain(|call| call.url.starts_with("https://hook.test"));
        let events = world.host.lines().into_iter();
        (
            calls,
            events
                .filter(|line| line.contains("\"event\":\"new_device\""))
                .collect(),
        )
    }

    #[test]
    fn a_device_is_told_of_once() {
        let (calls, events) = told(&["192.0.2.1", "192.0.2.1"]);
        assert_eq!((calls.len(), events.len()), (1, 1));
        let body = Object::parse(calls[0].body.as_deref().unwrap())
            .unwrap()
            .to_json();
        assert_eq!(
            body,
            r#"{"data":{"account_url":"https://app.test/auth/account","device":{"ip_hint":"192.0.2.0/24","label":"Firefox on Linux"},"email":"ada@example.test","user_id":"5f6b7c8d-0000-4000-8000-000000000001"},"timestamp":"2027-01-15T08:00:00.000Z","type":"device.new"}"#
        );
        let event = &events[0];
        assert!(
            event.contains(USER_ID) && !event.contains("ada@"),
            "{event}"
        );
        assert_eq!(told(&["192.0.2.1", "198.51.100.7"]).0.len(), 2);
    }

    #[test]
    fn the_device_of_a_sign_up_is_nobody_elses() {
        let world = World::with(&HOOK).supabase("/verify", 200, session());
        let link = r#"{"token_hash":"abc","type":"signup"}"#;
        let answer = world.answer(&post("/api/v1/simple_auth/verify-email", link));
        assert_eq!(answer.status, 200);
        world.run_tasks();
        assert!(
            !world
                .host
                .calls()
                .iter()
                .any(|call| call.url.starts_with("https://hook.test"))
        );
    }

    #[test]
    fn a_hook_is_called_at_the_address_as_it_is_written() {
        let address = "https://hook.test/mail/?key=1";
        let world = World::with(&[("NEW_DEVICE_HOOK_URL", address), HOOK[1]]);
        world.signed_in();
        world.run_tasks();
        assert!(world.host.calls().iter().any(|call| call.url == address));
    }

    #[test]
    fn a_hook_needs_both_its_settings() {
        assert_eq!(config_faults(&HOOK), [""; 0]);
        assert_eq!(config_faults(&HOOK[..1]), ["NEW_DEVICE_HOOK_SECRET"]);
        let short = [HOOK[0], ("NEW_DEVICE_HOOK_SECRET", "whsec_c2hvcnQ=")];
        assert_eq!(config_faults(&short), ["NEW_DEVICE_HOOK_SECRET"]);
        let odd = [("NEW_DEVICE_HOOK_URL", "mail"), HOOK[1]];
        assert_eq!(config_faults(&odd), ["NEW_DEVICE_HOOK_URL"]);
    }
}
