//! The server's configuration: which variant of the real server it plays.

use serde::{Deserialize, Serialize};

use super::Settings;

/// The providers that are on without being asked for.
const PROVIDERS: [&str; 7] = [
    "apple", "azure", "discord", "facebook", "github", "gitlab", "google",
];

/// Everything `POST /config` can change; by default a production server that confirms by mail.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of the real server"
)]
pub(super) struct Config {
    /// Ask for an `apikey` as Supabase's gateway does; without it, the bare server answers.
    pub(super) gateway: bool,
    pub(super) anon_key: String,
    pub(super) service_key: String,
    pub(super) jwt_secret: String,
    pub(super) issuer: String,
    /// Where the links of mails lead.
    pub(super) site_url: String,
    /// Origins beside the site's own that `redirect_to` may name.
    pub(super) redirect_origins: Vec<String>,
    pub(super) autoconfirm: bool,
    pub(super) disable_signup: bool,
    pub(super) email_enabled: bool,
    /// Whether a change of address asks both addresses.
    pub(super) secure_email_change: bool,
    pub(super) require_current_password: bool,
    /// Whether a new password takes a code in a session older than a day.
    pub(super) require_reauthentication: bool,
    pub(super) min_password_length: usize,
    /// Sets of characters; a password needs one of each.
    pub(super) password_characters: Vec<String>,
    /// How long a user waits for the next mail of a kind; 0 is off.
    pub(super) mail_interval_seconds: i64,
    /// How many mails the whole server sends in an hour; 0 is no limit.
    pub(super) mails_per_hour: usize,
    /// Mails tell what happened to an account: another password, address or factor.
    pub(super) notifications: bool,
    /// The header that names a client's address, by which its requests are counted; empty is off.
    pub(super) address_header: String,
    /// After how many seconds an address may make one more request of a kind, once it has made 30.
    pub(super) address_request_seconds: u32,
    /// Believe `Sb-Forwarded-For`.
    pub(super) sb_forwarded_for: bool,
    /// The mail server refuses every recipient.
    pub(super) mail_broken: bool,
    /// Whether authenticator apps may be second factors.
    pub(super) mfa_totp: bool,
    /// Whether telephones may be.
    pub(super) mfa_phone: bool,
    /// How long a telephone waits for its next code; 0 is off.
    pub(super) sms_interval_seconds: i64,
    /// The providers that people may sign in at.
    pub(super) providers: Vec<String>,
    /// Where all of them are reached.
    pub(super) provider_url: String,
    /// Whether users may link identities to their account themselves.
    pub(super) manual_linking: bool,
    /// Reuse of an old refresh token ends its family.
    pub(super) refresh_token_rotation: bool,
    pub(super) refresh_reuse_interval_seconds: i64,
    pub(super) single_session: bool,
    /// A session's longest life; 0 is no limit.
    pub(super) session_timebox_seconds: i64,
    /// A session's longest time between two refreshes; 0 is no limit.
    pub(super) session_inactivity_seconds: i64,
}

impl Config {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            gateway: true,
            anon_key: settings.anon_key.clone(),
            service_key: settings.service_key.clone(),
            jwt_secret: settings.jwt_secret.clone(),
            issuer: format!("{}/auth/v1", settings.url),
            site_url: settings.site_url.clone(),
            redirect_origins: vec![settings.gateway_url.clone()],
            autoconfirm: settings.autoconfirm,
            disable_signup: false,
            email_enabled: true,
            secure_email_change: true,
            require_current_password: false,
            require_reauthentication: false,
            min_password_length: 6,
            password_characters: Vec::new(),
            mail_interval_seconds: 0,
            mails_per_hour: 0,
            notifications: false,
            address_header: String::new(),
            address_request_seconds: 10,
            sb_forwarded_for: false,
            mail_broken: false,
            mfa_totp: true,
            mfa_phone: false,
            sms_interval_seconds: 0,
            providers: PROVIDERS.map(str::to_owned).to_vec(),
            provider_url: format!("{}/provider/authorize", settings.url),
            manual_linking: false,
            refresh_token_rotation: true,
            refresh_reuse_interval_seconds: 0,
            single_session: false,
            session_timebox_seconds: 0,
            session_inactivity_seconds: 0,
        }
    }
}
