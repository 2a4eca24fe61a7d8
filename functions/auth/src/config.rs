//! What this worker is configured with.

use core::time::Duration;
use std::rc::Rc;

use authflow_shared::{
    config::{self, Common, Fault, Reader, Variables},
    fernet::FernetKeys,
    readiness::Readiness,
    secret::Secret,
    session::database,
    supabase::auth::Settings,
};

use crate::{
    limits::Limits,
    new_device::Hook,
    oauth::{self, Provider},
    pages,
};

/// The service's name in log lines.
pub(crate) const SERVICE: &str = "auth";

/// See the module.
#[derive(Debug)]
pub struct Config {
    /// What the gateway is configured with too.
    pub common: Common,
    /// `SUPABASE_URL`, `SUPABASE_ANON_KEY`, `SUPABASE_SERVICE_ROLE_KEY`, `SUPABASE_TIMEOUT_MS`.
    pub supabase: Rc<Settings>,
    /// Where sessions are kept a second time: `DATABASE_FALLBACK`, `DATABASE_TIMEOUT_MS`.
    pub database: Option<Rc<database::Settings>>,
    /// `FERNET_KEYS`: what encrypts Supabase's tokens at rest.
    pub fernet: FernetKeys,
    /// `ANSWER_FLOOR_MS`: answers that would tell by their time whether an account exists take at
    /// least this long. It should be more than Supabase takes to check a password and send a mail.
    pub answer_floor: Duration,
    /// `SIGNIN_LIMIT_ACCOUNT` and the others.
    pub limits: Limits,
    /// `ADMIN_AAL`: whether every admin needs a second factor, not only who has one.
    pub(crate) admins_need_second_factor: bool,
    /// `OAUTH_PROVIDERS`: where else people can sign in.
    pub(crate) oauth_providers: Vec<Provider>,
    /// `NEW_DEVICE_HOOK_URL` and `NEW_DEVICE_HOOK_SECRET`.
    pub(crate) new_device_hook: Option<Hook>,
    /// `LANGUAGES`, `TEXTS`, `BRAND_NAME`, `BRAND_LOGO_URL`, `BRAND_COLOR`, `PHONE_FACTORS`.
    pub(crate) pages: Box<pages::Settings>,
    /// How what this isolate needs was of late.
    pub(crate) readiness: Readiness,
}

impl Config {
    /// Reads everything.
    ///
    /// # Errors
    /// Every fault.
    pub fn read(variables: &Variables) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(variables);
        let common = Common::read(&mut reader, SERVICE);
        let supabase = supabase(&mut reader, common.as_ref());
        let url = supabase.as_ref().map(|supabase| supabase.url.as_str());
        let database = config::database::read(&mut reader, common.as_ref(), url);
        let fernet = fernet_keys(&mut reader);
        let floor = reader.number("ANSWER_FLOOR_MS", 800, 0..=10_000);
        let limits = Limits::read(&mut reader);
        let admins_need_second_factor = match reader.optional("ADMIN_AAL") {
            None | Some("aal1") => false,
            Some("aal2") => true,
            Some(_) => {
                reader.fault("ADMIN_AAL", "must be aal1 or aal2");
                true
            }
        };
        let oauth_providers = oauth::read_providers(&mut reader);
        let new_device_hook = new_device_hook(&mut reader);
        let pages = pages::Settings::read(&mut reader, common.as_ref());
        let config = match (common, supabase, fernet, pages) {
            (Some(common), Some(supabase), Some(fernet), Some(pages)) => Some(Self {
                common,
                supabase: Rc::new(supabase),
                database,
                fernet,
                answer_floor: Duration::from_millis(floor),
                limits,
                admins_need_second_factor,
                oauth_providers,
                new_device_hook,
                pages: Box::new(pages),
                readiness: Readiness::read(&reader),
            }),
            _ => None,
        };
        reader.finish(config)
    }
}

fn supabase(reader: &mut Reader<'_>, common: Option<&Common>) -> Option<Settings> {
    let url = reader.base_url("SUPABASE_URL");
    let key = reader.token("SUPABASE_ANON_KEY");
    let admin_key = reader
        .optional("SUPABASE_SERVICE_ROLE_KEY")
        .map(Secret::new);
    let timeout = reader.number("SUPABASE_TIMEOUT_MS", 5000, 100..=30_000);
    Some(Settings {
        url: url?,
        key: key?,
        admin_key,
        timeout: Duration::from_millis(timeout),
        dependency: common?.dependency("supabase"),
    })
}

fn new_device_hook(reader: &mut Reader<'_>) -> Option<Hook> {
    reader.optional("NEW_DEVICE_HOOK_URL")?;
    let url = reader.url("NEW_DEVICE_HOOK_URL");
    let secret = reader.token("NEW_DEVICE_HOOK_SECRET");
    let hook = Hook::new(url?.to_owned(), &secret?);
    if hook.is_none() {
        reader.fault(
            "NEW_DEVICE_HOOK_SECRET",
            "must be whsec_ and 24 to 64 bytes in base64; make one with \
             `echo whsec_$(openssl rand -base64 32)`",
        );
    }
    hook
}

fn fernet_keys(reader: &mut Reader<'_>) -> Option<FernetKeys> {
    let (first, mut keys) = reader.secrets("FERNET_KEYS")?;
    keys.insert(0, first);
    let prepared = FernetKeys::new(&keys);
    if prepared.is_none() {
        reader.fault(
            "FERNET_KEYS",
            "has a key that is not 32 bytes in base64url; make one with \
             `openssl rand -base64 32 | tr +/ -_`",
        );
    }
    prepared
}

#[cfg(test)]
mod tests {
    use authflow_shared::config::variables;

    use super::*;

    #[track_caller]
    fn names_as_faulty(name: &str, value: &str) {
        let mut variables = variables();
        variables.insert(name.to_owned(), value.to_owned());
        let faults = Config::read(&variables).err().unwrap_or_default();
        let names: Vec<_> = faults.iter().map(|fault| fault.name).collect();
        assert_eq!(names, [name], "{name}={value}");
    }

    #[test]
    fn the_defaults_need_no_more_than_the_required_variables() {
        let config = Config::read(&variables()).unwrap();
        assert_eq!(config.supabase.timeout, Duration::from_secs(5));
        assert_eq!(config.answer_floor, Duration::from_millis(800));
    }

    #[test]
    fn each_bad_value_is_named() {
        names_as_faulty("SUPABASE_URL", "supabase.test");
        names_as_faulty("SUPABASE_ANON_KEY", "");
        names_as_faulty("SUPABASE_TIMEOUT_MS", "0");
        names_as_faulty("FERNET_KEYS", "");
        names_as_faulty("FERNET_KEYS", "x");
        names_as_faulty("FERNET_KEYS", &"x".repeat(44));
        names_as_faulty("ANSWER_FLOOR_MS", "soon");
        names_as_faulty("ADMIN_AAL", "aal3");
        names_as_faulty("OAUTH_PROVIDERS", "facebook");
        names_as_faulty("LANGUAGES", "tlh");
        names_as_faulty("TEXTS", "{\"en\": {\"no_such_text\": \"\"}}");
        names_as_faulty("BRAND_NAME", "a\nb");
        names_as_faulty("BRAND_LOGO_URL", "https://cdn.test/logo.png");
        names_as_faulty("BRAND_COLOR", "blue");
        names_as_faulty("PHONE_FACTORS", "yes");
        names_as_faulty("SESSION_SECRET", "short");
    }
}
