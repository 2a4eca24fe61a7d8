//! What a browser gets that would be sent to an auth worker that does not answer.

use authflow_shared::host::gateway::{GatewayHost, PageCache};

use super::Exchange;
use crate::{
    answer::{Answer, Client},
    outcome::Outcome,
    problems,
    request_log::LogEntry,
    signin_page::{AGAIN_IN, Kept, Language, Source},
};

impl<H: GatewayHost> Exchange<'_, H> {
    /// `redirect`, which leads to the auth worker; or what is shown in its place where that worker
    /// does not answer. A program is told where to sign in whether anybody is there or not.
    ///
    /// Whatever there is of a cookie stays: the reason for signing in is still the same afterwards.
    pub(super) async fn unless_away(&self, redirect: Outcome, entry: &mut LogEntry) -> Outcome {
        let Some(source) = &self.gateway.config.signin_page else {
            return redirect;
        };
        if self.client != Client::Browser {
            return redirect;
        }
        let language = Language::of(self.facts.header("accept-language"));
        if self.sign_in_answers(source, language, entry).await {
            return redirect;
        }
        let kept = self.host.recall(source.key(language)).await;
        let problem = problems::auth_unavailable();
        entry.outcome = problem.code;
        let id = self.request_id.as_str();
        let answer = match kept.as_deref().and_then(Kept::parse) {
            Some(kept) => Answer::html(&problem, kept.filled(), &kept.policy(), id),
            None => Answer::problem(&problem, self.client, id),
        };
        let mut outcome = Outcome::from(answer);
        outcome.set("retry-after", AGAIN_IN);
        // What was sent is perhaps still in a form behind this page.
        if matches!(self.facts.method, "GET" | "HEAD") {
            outcome.set("refresh", AGAIN_IN);
        }
        outcome
    }

    /// Whether the auth worker answers, as far as is known; it is asked now and then.
    async fn sign_in_answers(
        &self,
        source: &Source,
        language: Language,
        entry: &mut LogEntry,
    ) -> bool {
        let checks = &self.gateway.signin_checks;
        let known = checks.borrow_mut().known(language, self.host.now());
        if let Some(answers) = known {
            return answers;
        }
        let call = self.context.call(&"auth".into(), self.host);
        let traceparent = call.as_ref().map(|call| call.traceparent().to_owned());
        let order = source.order(language, traceparent.unwrap_or_default());
        let page = self.host.page(order).await;
        let status = page.as_ref().ok().map(|answer| answer.status);
        let error = page.as_ref().err().map(|error| error.as_str());
        self.context.called(call, status, error, self.host);
        entry.detail = match page {
            Ok(answer) if Kept::is_in(&answer) => {
                let (host, order) = (self.host.clone(), source.keep(language, answer.body));
                self.host
                    .spawn(async move { PageCache::keep(&host, order).await });
                None
            }
            Ok(_) => Some("the auth worker did not give the page"),
            Err(error) => Some(error.as_str()),
        };
        let answers = entry.detail.is_none();
        let now = self.host.now();
        checks.borrow_mut().learn(language, answers, now);
        answers
    }
}
