//! The way of a request, from the event to the answer and its log line.

use core::pin::Pin;
use std::rc::Rc;

use authflow_shared::{
    config::Variables,
    host::Host,
    log::{CONFIG_INVALID, Level, Line, Log, REQUEST},
    redacted::redacted,
    session::Presented,
    telemetry::End,
};

use crate::{
    api,
    config::{Config, SERVICE},
    csrf,
    endpoint::{self, Action, Endpoint, Found},
    exchange::{Exchange, Ids},
    failure::Failure,
    pages,
    request::Request,
    response::Response,
};

/// The answer of an endpoint. In a box, so that the way of a request is not a function of all endpoints' code.
type Answer<'a> = Pin<Box<dyn Future<Output = Result<Response, Failure>> + 'a>>;

/// The most of a client's own request id that is logged.
const CLIENT_REQUEST_ID: usize = 128;

/// Reads the configuration, or logs every fault.
pub fn load(variables: &Variables, host: &impl Log) -> Option<Config> {
    let faults = match Config::read(variables) {
        Ok(config) => return Some(config),
        Err(faults) => faults,
    };
    for fault in faults {
        Line::new(Level::Error, SERVICE, CONFIG_INVALID)
            .field("variable", fault.name)
            .field("problem", fault.problem.as_str())
            .emit(host, Level::Error);
    }
    None
}

/// Answers `request`; without a configuration, always with `config_invalid`.
pub async fn answer<H: Host>(host: &H, config: Option<&Rc<Config>>, request: &Request) -> Response {
    let telemetry = config.map(|config| &config.common.telemetry);
    let ids = Ids::begin(host, request, telemetry.cloned());
    let found = endpoint::find(&request.path);
    let response = match config {
        Some(config) => match handle(host, config, request, &ids, found).await {
            Ok(response) => response,
            Err(failure) if endpoint::is_page(&request.path) => {
                pages::failed(failure, config, request)
            }
            Err(failure) => failure.into_problem(ids.request_id.as_str()),
        },
        None => Failure::config_invalid().into_problem(ids.request_id.as_str()),
    };
    let threshold = config.map_or(Level::Info, |config| config.common.log_level);
    log(host, threshold, request, &ids, found, &response);
    if let Some(config) = config {
        count(host, config, request, &ids, found, &response);
    }
    finish(response, request, &ids)
}

/// Counts the request, and sees to it that what was counted goes out.
fn count<H: Host>(
    host: &H,
    config: &Rc<Config>,
    request: &Request,
    ids: &Ids,
    found: Option<Found<'_>>,
    response: &Response,
) {
    let (common, outcome) = (&config.common, response.note.outcome);
    let (route, method, status) = (found.map(|it| it.name), &request.method, response.status);
    let millis = host.now().since(ids.started);
    common.telemetry.request(route, method, status, millis);
    let end = End {
        started: ids.started,
        method,
        route,
        status,
        outcome,
        path: Some(&ids.path),
    };
    ids.context.finish(&end, host.now());
    common.telemetry.plan_flush(host, &common.exports);
}

/// Refuses `request` because the isolate has no room for it; nothing of it is looked at.
pub fn overloaded<H: Host>(host: &H, config: Option<&Config>, request: &Request) -> Response {
    let ids = Ids::begin(host, request, None);
    if let Some(config) = config {
        let telemetry = &config.common.telemetry;
        telemetry.request(None, &request.method, 503, 0);
    }
    let response = Failure::overloaded().into_problem(ids.request_id.as_str());
    log(host, Level::Info, request, &ids, None, &response);
    finish(response, request, &ids)
}

/// Decides what a request is for and whether it may, then hands it to its endpoint.
async fn handle<H: Host>(
    host: &H,
    config: &Rc<Config>,
    request: &Request,
    ids: &Ids,
    found: Option<Found<'_>>,
) -> Result<Response, Failure> {
    // (1) A request that presents two sessions has none, whatever it is for: whoever reads the
    // one and whoever reads the other would disagree on who asks.
    let presented = Presented::read(request.header("cookie"), request.header("authorization"));
    let token = match presented {
        Presented::Ambiguous => return Err(Failure::ambiguous_request()),
        Presented::Nothing => None,
        Presented::Token { token, .. } => Some(token),
    };

    // (2) Where to.
    let found = found.ok_or_else(Failure::not_found)?;
    // Whoever may not read it learns nothing, not even that it is there.
    if found.endpoint == Endpoint::Metrics && !api::metrics::may_read(config, request) {
        return Err(Failure::not_found());
    }
    if !found.takes(&request.method) {
        return Err(Failure::method_not_allowed(found.allow));
    }
    let action = match found.endpoint {
        Endpoint::Health => return Ok(api::health::handle(host, config, request).await),
        Endpoint::Metrics => return Ok(api::metrics::handle(host, config).await),
        Endpoint::SignInUnavailable => return Ok(pages::unavailable::handle(config, request)),
        Endpoint::On(action) => action,
    };

    // (3) From where: neither another site, nor an unknown address.
    csrf::check(request, config).map_err(|_| Failure::cross_site())?;
    let source = &config.common.client_ip;
    let client_ip = source
        .read(request.header(&source.header))
        .ok_or_else(Failure::no_client_address)?;

    // (4) A token whose MAC is wrong is as good as none: Redis is not asked.
    let session = token.and_then(|token| config.common.token_keys.open(token.expose()).ok());
    let exchange = Exchange::new(host, config, request, ids, client_ip, session);
    let answer: Answer<'_> = match action {
        Action::SignUp => Box::pin(api::signup::handle(&exchange)),
        Action::SignIn => Box::pin(api::signin::handle(&exchange)),
        Action::LogOut => Box::pin(api::logout::handle(&exchange)),
        Action::VerifyEmail => Box::pin(api::verify_email::handle(&exchange)),
        Action::ResendVerification => Box::pin(api::resend_verification::handle(&exchange)),
        Action::ForgotPassword => Box::pin(api::forgot_password::handle(&exchange)),
        Action::ResetPassword => Box::pin(api::reset_password::handle(&exchange)),
        Action::Sessions => Box::pin(api::sessions::list(&exchange)),
        Action::EndSession => Box::pin(api::sessions::end(&exchange, found.parameter)),
        Action::SendCode => Box::pin(api::mfa::challenge(&exchange)),
        Action::VerifyCode => Box::pin(api::mfa::verify(&exchange)),
        Action::StepUp => Box::pin(api::mfa::step_up(&exchange)),
        Action::Factors => Box::pin(api::factors::handle(&exchange)),
        Action::VerifyFactor => Box::pin(api::factors::verify(&exchange, found.parameter)),
        Action::RemoveFactor => Box::pin(api::factors::remove(&exchange, found.parameter)),
        Action::AdminUsers
        | Action::AdminUser
        | Action::AdminData
        | Action::AdminAddress
        | Action::AdminSessions
        | Action::AdminSession
        | Action::AdminLock
        | Action::AdminUnlock
        | Action::AdminRole => Box::pin(api::admin::handle(&exchange, found)),
        Action::Me if request.method == "PATCH" => Box::pin(api::update_me::handle(&exchange)),
        Action::Me => Box::pin(api::me::handle(&exchange)),
        Action::ChangeEmail => Box::pin(api::change_email::handle(&exchange)),
        Action::DeleteAccount => Box::pin(api::delete_account::handle(&exchange)),
        Action::StartPage => return Ok(pages::start(&exchange)),
        Action::SignInPage => Box::pin(pages::signin::handle(&exchange)),
        Action::SignUpPage => Box::pin(pages::signup::handle(&exchange)),
        Action::ResendPage => Box::pin(pages::resend::handle(&exchange)),
        Action::ConfirmPage => Box::pin(pages::confirm::handle(&exchange)),
        Action::ForgotPage => Box::pin(pages::forgot::handle(&exchange)),
        Action::ResetPage => Box::pin(pages::reset::handle(&exchange)),
        Action::Account(own) => Box::pin(pages::account::handle(&exchange, own)),
        Action::SignOutPage => Box::pin(pages::signout::handle(&exchange)),
        Action::BeginOauth => Box::pin(pages::oauth::begin(&exchange, found.parameter)),
        Action::OauthCallback => Box::pin(pages::oauth::callback(&exchange)),
        Action::AdminPage | Action::AdminUserPage | Action::AdminDeed | Action::AdminEndSession => {
            Box::pin(pages::admin::handle(&exchange, found))
        }
        Action::SecondFactorPage => Box::pin(pages::second_factor::handle(&exchange)),
        Action::StepUpPage => Box::pin(pages::step_up::handle(&exchange)),
        Action::FactorsPage => Box::pin(pages::factors::handle(&exchange)),
    };
    let answer = answer.await;
    let note = answer
        .as_ref()
        .map_or_else(Failure::note, |it| it.note.clone());
    exchange.audit_entry(found, action, &note);
    exchange.store().settle_behind();
    answer
}

/// What every answer has.
fn finish(response: Response, request: &Request, ids: &Ids) -> Response {
    let mut response = response
        .header("cache-control", "no-store")
        .header("x-content-type-options", "nosniff")
        .header("x-request-id", ids.request_id.as_str());
    if request.method == "HEAD" {
        response.body = None;
    }
    response
}

fn log<H: Host>(
    host: &H,
    threshold: Level,
    request: &Request,
    ids: &Ids,
    found: Option<Found<'_>>,
    response: &Response,
) {
    let note = &response.note;
    let own_id = request
        .header("x-request-id")
        .filter(|id| id.len() <= CLIENT_REQUEST_ID);
    Line::new(response.level(), SERVICE, REQUEST)
        .field("method", request.method.as_str())
        .field("path", ids.path.as_str())
        .field("status", response.status)
        .field("duration_ms", host.now().since(ids.started))
        .field("outcome", note.outcome)
        .maybe("route", found.map(|found| found.name))
        .maybe("cause", note.cause.as_deref())
        .maybe("user_id", note.user_id.as_deref())
        .maybe("session", note.session.as_deref())
        .maybe("client_request_id", own_id.map(redacted).as_deref())
        .emit(host, threshold);
}

#[cfg(test)]
mod tests {
    use authflow_shared::{config::variables, host::fake::FakeHost, session::SessionId};
    use futures_executor::block_on;
    use serde_json::Value;

    use super::*;
    use crate::{
        request::Body,
        test_support::{USER_ID, World, get, post},
    };

    const ME: &str = "/api/v1/simple_auth/me";
    const SIGN_IN: &str = "/api/v1/simple_auth/signin";

    #[track_caller]
    fn test(request: &Request, status: u16, code: &str) {
        let world = World::new();
        let answer = world.answer(request);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{request:?}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("set-cookie").is_none());
        assert!(!answer.json()["detail"].as_str().unwrap().is_empty());
        let line = world.logged();
        assert_eq!(
            (line["status"].as_u64(), line["outcome"].as_str()),
            (Some(status.into()), Some(code))
        );
        assert_eq!(line["request_id"].as_str(), answer.header("x-request-id"));
        assert!(world.host.calls().is_empty());
    }

    #[test]
    fn whatever_is_wrong_with_a_request_is_said_before_anything_is_asked() {
        test(&get("/nowhere"), 404, "not_found");
        test(&get("/api/v1/simple_auth/"), 404, "not_found");
        test(&get(SIGN_IN), 405, "method_not_allowed");
        test(&post(ME, "{}"), 405, "method_not_allowed");
        test(
            &post(SIGN_IN, "{}").with("sec-fetch-site", "cross-site"),
            403,
            "cross_site",
        );
        test(
            &post(SIGN_IN, "{}").with("origin", "https://evil.test"),
            403,
            "cross_site",
        );
        test(
            &post(SIGN_IN, "{}").with("content-type", "text/plain"),
            415,
            "unsupported_media_type",
        );
        test(
            &Request {
                body: Body::TooLarge,
                ..post(SIGN_IN, "")
            },
            413,
            "payload_too_large",
        );
        test(&post(SIGN_IN, "{"), 400, "malformed_json");
        test(&post(SIGN_IN, "[]"), 422, "validation_failed");
        test(
            &post(SIGN_IN, "{}").with("cf-connecting-ip", "x"),
            500,
            "config_invalid",
        );
    }

    #[test]
    fn a_method_that_is_not_taken_is_told_which_are() {
        let world = World::new();
        for (path, allow) in [
            (SIGN_IN, "POST"),
            (ME, "GET, HEAD, PATCH"),
            ("/auth/signin", "GET, HEAD, POST"),
        ] {
            let mut request = get(path);
            request.method = "DELETE".into();
            assert_eq!(
                world.answer(&request).header("allow"),
                Some(allow),
                "{path}"
            );
        }
    }

    #[test]
    fn two_tokens_are_refused_on_any_route() {
        let world = World::new();
        let (one, two) = (world.signed_in(), world.signed_in());
        let twice = format!("__Host-authflow={one}; __Host-authflow={one}");
        for path in [ME, "/nowhere", "/health"] {
            let request = get(path)
                .cookie(&one)
                .with("authorization", &format!("Bearer {two}"));
            assert_eq!(world.answer(&request).code(), "ambiguous_request", "{path}");
            let request = get(path).with("cookie", &twice);
            assert_eq!(world.answer(&request).code(), "ambiguous_request", "{path}");
        }
    }

    #[test]
    fn a_worker_without_a_configuration_answers_nothing_else() {
        let host = FakeHost::answering("");
        for request in [get("/health"), get("/auth/signin"), post(SIGN_IN, "{}")] {
            let response = block_on(answer::<FakeHost>(&host, None, &request));
            assert_eq!(response.status, 500);
            assert!(response.body.as_ref().unwrap().contains("config_invalid"));
        }
        assert!(host.calls().is_empty());
    }

    #[test]
    fn every_fault_of_the_configuration_is_logged_and_no_value() {
        let host = FakeHost::answering("");
        let mut variables = variables();
        variables.insert("SESSION_SECRET".into(), "hunter2".into());
        variables.remove("SUPABASE_URL");
        assert!(load(&variables, &host).is_none());
        let lines = host.lines();
        let named =
            |line: &String| serde_json::from_str::<Value>(line).unwrap()["variable"].clone();
        let variables: Vec<_> = lines.iter().map(named).collect();
        assert_eq!(variables, ["SESSION_SECRET", "SUPABASE_URL"]);
        assert!(!lines.join("").contains("hunter2"));
    }

    #[test]
    fn a_line_of_the_log_has_every_promised_field() {
        let world = World::new();
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let request = get("/health")
            .query("token=secret")
            .with("traceparent", traceparent)
            .with("x-request-id", "mine");
        let answer = world.answer(&request);
        assert_ne!(answer.header("x-request-id"), Some("mine"));
        let lines = world.host.lines().join("\n");
        let line = lines.replace(answer.header("x-request-id").unwrap(), "[request_id]");
        insta::assert_snapshot!(line, @r#"{"ts":"2027-01-15T08:00:00.000Z","level":"info","msg":"request","service":"auth","method":"GET","path":"/health","status":200,"duration_ms":0,"outcome":"ok","route":"health","client_request_id":"mine","request_id":"[request_id]","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#);
    }

    #[test]
    fn a_line_about_somebody_names_them_and_their_session() {
        let world = World::new();
        let token = world.signed_in();
        let answer = world.answer(&get(ME).cookie(&token));
        let line = world.logged();
        assert_eq!(line["request_id"], answer.header("x-request-id").unwrap());
        assert_eq!(line["user_id"], USER_ID);
        let (id, mac) = token.split_once('.').unwrap();
        let name = SessionId::parse(id).unwrap().log_name();
        assert_eq!(line["session"], name);
        let lines = world.host.lines().join("");
        assert!(!lines.contains(id) && !lines.contains(mac));
    }
}
