//! How the gateway notices that nobody can sign in.

use authflow_verify::signin_page::Source;

use super::Warning;
use crate::{setup::Setup, target::Target, variables::Worker};

const NAME: &str = "AUTH_BINDING";

/// A gateway that cannot ask the auth worker, and sends people there whether it answers or not.
pub(super) fn not_noticed(setup: &Setup) -> Vec<Warning> {
    let gateway = setup
        .gateway()
        .filter(|config| config.signin_page.is_none());
    gateway
        .map(|_| {
            let problem = format!(
                "is missing: GATEWAY_URL and AUTH_URL seem to be of one zone, where Cloudflare \
                 leads no worker to another by its address, so that people are sent to sign in \
                 while the auth worker is away; add {}, and `AUTH_BINDING = \"AUTH\"`",
                service(setup, "AUTH")
            );
            Warning::new(NAME, problem)
        })
        .into_iter()
        .collect()
}

/// A binding that `wrangler.toml` does not have: the auth worker would count as away for ever.
pub(super) fn binding_leads_nowhere(setup: &Setup) -> Vec<Warning> {
    let source = setup
        .gateway()
        .and_then(|config| config.signin_page.as_ref());
    let bound = source.map(Source::binding).unwrap_or_default();
    let is_known = setup
        .environment
        .services
        .iter()
        .any(|known| known == bound);
    if bound.is_empty() || is_known {
        return Vec::new();
    }
    let problem = format!(
        "no service of wrangler.toml is bound as {bound}, so that nobody is sent to sign in: the \
         auth worker seems to be away; add {}",
        service(setup, bound)
    );
    vec![Warning::new(NAME, problem)]
}

/// What leads to the auth worker of the same stage.
fn service(setup: &Setup, binding: &str) -> String {
    let Target { stage, .. } = setup.environment.target;
    let name = |worker| Target { worker, stage }.name();
    let (verify, auth) = (name(Worker::Verify), name(Worker::Auth));
    format!(
        "`[[env.{verify}.services]]` with `binding = \"{binding}\"` and `service = \"authflow-{auth}\"`"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        test_support::{verify, warns, worker},
        variables::Worker,
    };

    const ELSEWHERE: (&str, &str) = ("AUTH_URL", "https://auth.test");

    #[test]
    fn warns_where_an_outage_would_not_be_noticed() {
        warns(&not_noticed(&verify(&[])), &["AUTH_BINDING|authflow-auth"]);
        let sibling = verify(&[("AUTH_URL", "https://auth.app.test")]);
        warns(&not_noticed(&sibling), &["AUTH_BINDING|one zone"]);
        warns(&not_noticed(&verify(&[ELSEWHERE])), &[]);
        warns(&not_noticed(&verify(&[("AUTH_BINDING", "AUTH")])), &[]);
        warns(&not_noticed(&worker(Worker::Auth, &[], "")), &[]);
    }

    #[test]
    fn warns_of_a_binding_that_leads_nowhere() {
        let bound = |toml| binding_leads_nowhere(&worker(Worker::Verify, &[(NAME, "AUTH")], toml));
        warns(&bound(""), &["AUTH_BINDING|bound as AUTH"]);
        let service = "[[env.verify.services]]\nbinding = 'AUTH'\nservice = 'authflow-auth'";
        warns(&bound(service), &[]);
        warns(&binding_leads_nowhere(&verify(&[])), &[]);
        warns(&binding_leads_nowhere(&verify(&[ELSEWHERE])), &[]);
    }
}
