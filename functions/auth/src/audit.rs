//! What this worker tells the [audit](authflow_shared::audit).

use authflow_shared::{audit::Event, fingerprint::Factor, host::Host, session::SessionId};

use crate::{
    endpoint::{Action, Found},
    exchange::Exchange,
    response::Note,
    signed_in::SignedIn,
};

impl<H: Host> Exchange<'_, H> {
    /// Records that `event` happened to the account `user_id`; `actor` did it, where that is
    /// somebody else.
    pub(crate) fn audit(&self, event: &'static str, user_id: &str, actor: Option<&str>) {
        self.tell(&Event {
            event,
            user_id: Some(user_id),
            actor,
            ..Event::default()
        });
    }

    /// Records that the session `id` of `user_id` was ended, by its owner or by `actor`.
    pub(crate) fn audit_end(
        &self,
        event: &'static str,
        user_id: &str,
        id: &SessionId,
        actor: Option<&str>,
    ) {
        self.tell(&Event {
            event,
            user_id: Some(user_id),
            session: Some(&id.log_name()),
            actor,
            ..Event::default()
        });
    }

    /// Records, as the gateway does, that the device of `signed_in` differs in `factor`.
    pub(crate) fn audit_drift(&self, factor: Factor, signed_in: &SignedIn) {
        self.tell(&Event {
            event: "device_drift",
            user_id: Some(signed_in.user_id()),
            session: Some(&signed_in.id.log_name()),
            detail: Some(("drift", factor.as_str())),
            ..Event::default()
        });
    }

    /// Records and counts what came of a way to sign in or up: `result`, by `note` if it was answered.
    pub(crate) fn audit_entry(&self, found: Found<'_>, action: Action, note: &Note) {
        let Some(event) = entry(action, &self.request.method) else {
            return;
        };
        // The first of two links to another address lets nobody in, nor does asking for a code.
        let asks_for_code = action == Action::SecondFactorPage && note.outcome == "mfa_required";
        if asks_for_code || note.outcome == "other_address_to_confirm" {
            return;
        }
        let has_session = note.session.is_some();
        let noted = self.user_id.borrow();
        // Where addresses need no confirmation, a sign-up signs in.
        if event == SIGN_IN || event == SIGN_UP && has_session {
            self.config.common.telemetry.sign_in(note.outcome);
        }
        self.tell(&Event {
            event,
            result: Some(note.outcome),
            route: Some(found.name),
            user_id: note.user_id.as_deref().or(noted.as_deref()),
            account: self.account.borrow().as_deref(),
            session: note.session.as_deref(),
            new_device: has_session.then(|| self.new_device.get()),
            ..Event::default()
        });
    }

    /// Notes that the request is about the account of `email`, for the audit.
    pub(crate) fn note_account(&self, email: &str) {
        let fingerprinter = &self.config.common.fingerprinter;
        self.account
            .replace(Some(fingerprinter.account_name(email)));
    }

    /// Notes whose account the request is about, for the audit.
    pub(crate) fn note_user(&self, user_id: &str) {
        self.user_id.replace(Some(user_id.to_owned()));
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        event.tell(self.host, self.client_ip, &self.config.common.telemetry);
    }
}

const SIGN_IN: &str = "sign_in";
const SIGN_UP: &str = "sign_up";
const STEP_UP: &str = "step_up";

/// Which event a request for `action` is that came to its end, if it is a way in.
fn entry(action: Action, method: &str) -> Option<&'static str> {
    match action {
        Action::SignIn | Action::VerifyEmail | Action::VerifyCode | Action::OauthCallback => {
            Some(SIGN_IN)
        }
        Action::SignInPage | Action::ConfirmPage | Action::SecondFactorPage if method == "POST" => {
            Some(SIGN_IN)
        }
        Action::StepUp => Some(STEP_UP),
        Action::StepUpPage if method == "POST" => Some(STEP_UP),
        Action::SignUp => Some(SIGN_UP),
        Action::SignUpPage if method == "POST" => Some(SIGN_UP),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::test_support::{USER_ID, World, get, post, post_form, session};

    const SIGN_IN: &str = "/api/v1/simple_auth/signin";
    const ADA: &str = r#"{"email":"Ada@example.test","password":"correct horse"}"#;

    /// The events of `world` so far.
    fn events(world: &World) -> Vec<Value> {
        let lines = world.host.lines().into_iter();
        let lines = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
        lines.filter(|line| line["msg"] == "audit").collect()
    }

    fn name(world: &World) -> String {
        world
            .config
            .common
            .fingerprinter
            .account_name("ada@example.test")
    }

    fn last(world: &World) -> Value {
        events(world).pop().unwrap()
    }

    #[test]
    fn a_sign_in_is_recorded_with_who_where_and_whether_the_device_is_new() {
        let world = World::new().supabase("/token", 200, session());
        for new_device in [true, false] {
            let answer = world.answer(&post(SIGN_IN, ADA));
            let event = last(&world);
            assert_eq!(event["event"], "sign_in");
            assert_eq!(
                (&event["result"], &event["route"]),
                (&json!("signed_in"), &json!("signin"))
            );
            assert_eq!(event["user_id"], USER_ID);
            assert_eq!(event["account"], name(&world));
            assert_eq!(event["session"].as_str().unwrap().len(), 8);
            assert_eq!(event["new_device"], new_device);
            assert_eq!(event["request_id"].as_str(), answer.header("x-request-id"));
        }
    }

    #[test]
    fn a_refused_sign_in_is_recorded_with_its_reason_by_the_api_and_by_the_page() {
        let world = World::new().supabase_refuses("/token", "invalid_credentials");
        world.answer(&post(SIGN_IN, ADA));
        world.answer(&post_form(
            "/auth/signin",
            &[("email", "ada@example.test"), ("password", "x")],
        ));
        let events = events(&world);
        let told: Vec<_> = events
            .iter()
            .map(|event| {
                (
                    event["result"].as_str().unwrap(),
                    event["route"].as_str().unwrap(),
                )
            })
            .collect();
        let result = "invalid_credentials";
        assert_eq!(told, [(result, "signin"), (result, "signin_page")]);
        assert!(events.iter().all(|event| event["account"] == name(&world)));
        assert!(events.iter().all(|event| event.get("user_id").is_none()));
    }

    #[test]
    fn a_look_at_a_page_is_no_attempt() {
        let world = World::new();
        for path in ["/auth/signin", "/auth/signup", "/auth/confirm", "/health"] {
            world.answer(&get(path));
        }
        assert_eq!(events(&world), [] as [Value; 0]);
    }

    #[test]
    fn a_sign_up_and_a_sign_out_are_recorded() {
        let world = World::new().supabase("/signup", 200, json!({"id": USER_ID}));
        world.answer(&post("/api/v1/simple_auth/signup", ADA));
        let event = last(&world);
        assert_eq!(event["event"], "sign_up");
        assert_eq!(event["account"], name(&world));
        let world = World::new().supabase("/token", 200, session());
        let token = world.signed_in();
        world.answer(&post("/api/v1/simple_auth/logout", "").cookie(&token));
        let event = last(&world);
        assert_eq!(
            (&event["event"], &event["user_id"]),
            (&json!("sign_out"), &json!(USER_ID))
        );
        assert_eq!(event["session"].as_str().unwrap().len(), 8);
    }

    #[test]
    fn attempts_to_sign_in_are_counted_by_what_came_of_them() {
        let world = World::with(&[("METRICS_TOKEN", "t")]).supabase("/token", 200, session());
        world.answer(&post(SIGN_IN, ADA));
        let world = world.supabase_refuses("/token", "invalid_credentials");
        world.answer(&post(SIGN_IN, ADA));
        world.answer(&post(SIGN_IN, ADA));
        world.run_tasks();
        let bodies = world.host.calls().into_iter().filter_map(|call| call.body);
        let batch: Vec<_> = bodies
            .filter(|body| body.contains("metrics:{auth}"))
            .collect();
        let [batch] = &batch[..] else {
            panic!("{batch:?}")
        };
        for counted in [
            r#""authflow_signins_total{result=\"signed_in\"}","1""#,
            r#""authflow_signins_total{result=\"invalid_credentials\"}","2""#,
            r#""authflow_requests_total{service=\"auth\",route=\"signin\",method=\"POST\",status=\"401\"}","2""#,
            r#""authflow_dependency_requests_total{dependency=\"supabase\",result=\"ok\"}","3""#,
        ] {
            assert!(batch.contains(counted), "{counted} in {batch}");
        }
    }

    #[test]
    fn only_who_has_the_token_may_read_what_is_counted() {
        let world = World::with(&[("METRICS_TOKEN", "t")]);
        for path in ["/metrics", "/api/v1/simple_auth/metrics"] {
            assert_eq!(world.answer(&get(path)).code(), "not_found");
            let wrong = get(path).with("authorization", "Bearer x");
            assert_eq!(world.answer(&wrong).code(), "not_found");
            assert_eq!(world.answer(&post(path, "")).code(), "not_found");
            let answer = world.answer(&get(path).with("authorization", "bearer t"));
            assert_eq!(answer.status, 200, "{path}");
            let page = answer.body.as_ref().unwrap();
            assert!(
                page.contains("authflow_build_info{service=\"auth\""),
                "{page}"
            );
        }
        let unset = World::new();
        let asked = get("/metrics").with("authorization", "Bearer ");
        assert_eq!(unset.answer(&asked).code(), "not_found");
    }
}
