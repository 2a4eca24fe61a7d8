//! The account at a glance.

use askama::Template;
use authflow_shared::{
    host::Host,
    json::Value,
    supabase::{Factor, User},
};

use crate::{
    api::sessions,
    delete_account,
    exchange::Exchange,
    failure::Failure,
    form,
    pages::{
        texts::Texts,
        trouble::Trouble,
        view::{Page, View},
    },
    response::Response,
    signed_in::{self, SignedIn},
};

#[derive(Template)]
#[template(path = "account.html")]
struct Overview<'a> {
    t: &'static Texts,
    /// What was just done; may be empty.
    done: &'static str,
    trouble: &'a Trouble,
    /// Headings, and what stands below each.
    sections: [(&'static str, Vec<Row<'a>>); 2],
    devices: Vec<Device>,
    may_delete: bool,
}

/// Something that can be changed.
struct Row<'a> {
    label: &'static str,
    value: &'a str,
    /// What is not yet as it was asked for.
    pending: Option<String>,
    /// Where it is changed.
    path: &'static str,
}

/// A session of the person's.
struct Device {
    id: String,
    name: String,
    ip_hint: String,
    /// When it was used last, in words.
    seen: String,
    is_current: bool,
}

impl Page for Overview<'_> {
    fn title(&self) -> &str {
        self.t.account_title()
    }

    fn is_wide(&self) -> bool {
        true
    }
}

pub(super) async fn show<H: Host>(exchange: &Exchange<'_, H>) -> Result<Response, Failure> {
    let signed_in = signed_in::require(exchange).await?;
    let view = View::of(exchange);
    let t = view.texts();
    let devices = devices(exchange, &signed_in, t).await?;
    // Without Supabase, sessions can still be looked at, and ended.
    let (user, trouble) = match user(exchange, &signed_in).await {
        Ok(user) => (Some(user), Trouble::none().clone()),
        Err(failure) if failure.problem.status == 503 => (None, Trouble::of_failure(&failure, t)),
        Err(failure) => return Err(failure),
    };
    let word = form::field(&exchange.request.query, "done").unwrap_or_default();
    let page = Overview {
        t,
        done: sentence(t, &word),
        trouble: &trouble,
        sections: sections(t, user.as_ref(), &signed_in.record.email),
        devices,
        may_delete: delete_account::is_offered(exchange.config),
    };
    let response = view.shown(&page, "account");
    Ok(response
        .of_user(signed_in.user_id())
        .of_session(&signed_in.id))
}

/// What there is to change; less of it where Supabase cannot be asked.
fn sections<'a>(
    t: &'static Texts,
    user: Option<&'a User>,
    known_email: &'a str,
) -> [(&'static str, Vec<Row<'a>>); 2] {
    let row = |label, value, path| Row {
        label,
        value,
        pending: None,
        path,
    };
    let mut profile = Vec::new();
    let mut security = vec![row(t.password_label(), "", "/auth/account/password")];
    let mut email = row(t.email_label(), known_email, "/auth/account/email");
    if let Some(user) = user {
        let name = match name(user) {
            "" => t.account_no_name(),
            name => name,
        };
        profile.push(row(t.account_name(), name, "/auth/account/name"));
        email.value = &user.email;
        let new_email = user.new_email.as_deref();
        email.pending = new_email.map(|new| t.account_pending().replace("{}", new));
        let state = if user.factors.iter().any(Factor::is_verified) {
            t.account_factor_on()
        } else {
            t.account_factor_off()
        };
        security.push(row(t.factor_label(), state, "/auth/account/second-factor"));
    }
    profile.push(email);
    [
        (t.account_profile(), profile),
        (t.account_security(), security),
    ]
}

/// The user as Supabase knows them now.
async fn user<H: Host>(exchange: &Exchange<'_, H>, signed_in: &SignedIn) -> Result<User, Failure> {
    let tokens = signed_in::tokens(exchange, signed_in).await?;
    signed_in::user(exchange, signed_in, &tokens.access_token).await
}

/// What a user calls themselves; empty if they do not.
pub(super) fn name(user: &User) -> &str {
    let name = user.user_metadata.get("name").and_then(Value::as_str);
    name.unwrap_or_default()
}

/// What a word in the address says; nothing for one that somebody else wrote.
fn sentence(t: &Texts, word: &str) -> &'static str {
    match word {
        "name" => t.done_name(),
        "email" => t.done_email(),
        "password" => t.done_password(),
        "session" => t.done_session(),
        "sessions" => t.done_sessions(),
        _ => "",
    }
}

/// Where the person is signed in; here comes first.
async fn devices<H: Host>(
    exchange: &Exchange<'_, H>,
    signed_in: &SignedIn,
    t: &Texts,
) -> Result<Vec<Device>, Failure> {
    let now = exchange.host.now().seconds();
    let mut devices = Vec::new();
    for session in sessions::of_user(exchange, signed_in.user_id()).await? {
        let seconds = now.saturating_sub(sessions::last_seen(exchange, &session));
        let is_current = session.id == signed_in.id;
        let entry = session.device.unwrap_or_default();
        let device = Device {
            id: session.id.as_str().to_owned(),
            name: device_name(t, &entry.label),
            ip_hint: entry.ip_hint,
            seen: ago(t, seconds),
            is_current,
        };
        devices.insert(if is_current { 0 } else { devices.len() }, device);
    }
    Ok(devices)
}

/// A label of `device_label`, in the reader's language.
pub(in crate::pages) fn device_name(t: &Texts, label: &str) -> String {
    match label.split_once(" on ") {
        Some((browser, system)) => {
            let browser = match browser {
                "Unknown browser" => t.device_unknown_browser(),
                known => known,
            };
            t.device_on()
                .replace("{browser}", browser)
                .replace("{system}", system)
        }
        None if matches!(label, "" | "Unknown device") => t.device_unknown().to_owned(),
        None => label.to_owned(),
    }
}

/// How long ago something was, as exactly as it is known: ten minutes are now.
fn ago(t: &Texts, seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    if seconds <= 10 * MINUTE {
        return t.session_now().to_owned();
    }
    let (text, count) = if seconds < HOUR {
        (t.session_minutes(), seconds / MINUTE)
    } else if seconds < DAY {
        (t.session_hours(), seconds / HOUR)
    } else {
        (t.session_days(), seconds / DAY)
    };
    text.replace("{}", &count.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::texts::LANGUAGES;

    #[test]
    fn a_device_has_a_name_in_each_language() {
        let names = |label| LANGUAGES.map(|language| device_name(language.texts, label));
        assert_eq!(
            names("Firefox on Linux"),
            ["Firefox on Linux", "Firefox auf Linux"]
        );
        assert_eq!(
            names("Unknown browser on Windows"),
            [
                "Unknown browser on Windows",
                "Unbekannter Browser auf Windows"
            ]
        );
        assert_eq!(names("curl"), ["curl", "curl"]);
        assert_eq!(names(""), ["Unknown device", "Unbekanntes Gerät"]);
    }

    #[test]
    fn the_past_is_told_in_words() {
        let past = |seconds| ago(LANGUAGES[0].texts, seconds);
        assert_eq!(past(0), past(600));
        assert_eq!(past(601), "used 10 min ago");
        assert_eq!(past(3599), "used 59 min ago");
        assert_eq!(past(3600), "used 1 h ago");
        assert_eq!(past(3 * 86_400), "used 3 d ago");
    }
}
