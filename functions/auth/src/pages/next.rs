//! Where a person goes on to once they are signed in, carried from page to page as `next`.

use askama::{Template, filters::HtmlSafe};
use authflow_shared::{host::Host, redirect::Targets};

use crate::{config::Config, endpoint, exchange::Exchange, fields::Fields, form, request::Request};

/// A `next` that has been accepted; none if there was none, or one that leads astray. It is
/// `{{ next }}` in the forms that carry it on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Template)]
#[template(path = "next.html")]
pub(super) struct Next(Option<String>);

// Its own template has escaped it.
impl HtmlSafe for Next {}

impl Next {
    /// Nowhere in particular.
    pub(super) const NONE: Self = Self(None);

    /// From the address of a page.
    pub(super) fn from_query<H: Host>(exchange: &Exchange<'_, H>) -> Self {
        let next = form::field(&exchange.request.query, "next").unwrap_or_default();
        Self::read(exchange, &next)
    }

    /// The page of ours at `path`.
    pub(super) fn own_page(config: &Config, path: &str) -> Self {
        let common = &config.common;
        Self(common.targets.accept(&format!("{}{path}", common.auth_url)))
    }

    /// Back to the page that `request` is for. A form is not sent again: its page comes again,
    /// which is at the same address or above it.
    pub(super) fn back(config: &Config, request: &Request) -> Self {
        if request.method != "POST" {
            let Request { path, query, .. } = request;
            let joint = if query.is_empty() { "" } else { "?" };
            return Self::own_page(config, &[path, joint, query].concat());
        }
        let mut path = request.path.as_str();
        while !endpoint::find(path).is_some_and(|found| found.takes("GET")) {
            match path.rsplit_once('/') {
                Some((above, _)) => path = above,
                None => return Self::NONE,
            }
        }
        Self::own_page(config, path)
    }

    /// From a form, or from the address that it was sent to. It went out checked, but anybody can send a form.
    pub(super) fn from_fields<H: Host>(exchange: &Exchange<'_, H>, fields: &Fields) -> Self {
        match fields.sent("next") {
            "" => Self::from_query(exchange),
            next => Self::read(exchange, next),
        }
    }

    /// From wherever it was.
    pub(super) fn read<H: Host>(exchange: &Exchange<'_, H>, next: &str) -> Self {
        Self(exchange.config.common.targets.accept(next))
    }

    /// The text that [`Next::read`] reads.
    pub(super) fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Whether there is none.
    pub(super) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Where the person goes on to.
    pub(super) fn target(&self, targets: &Targets) -> String {
        targets.resolve(self.0.as_deref().unwrap_or("/"))
    }

    /// A link to the page at `path`, from another one.
    pub(super) fn link(&self, path: &'static str) -> String {
        match &self.0 {
            Some(next) => format!("{path}?next={}", form::encode(next)),
            None => path.to_owned(),
        }
    }

    /// The `Location` of the page at `path`.
    pub(super) fn page(&self, config: &Config, path: &'static str) -> String {
        format!("{}{}", config.common.auth_url, self.link(path))
    }

    /// The same with one more field, as in `sent=1`.
    pub(super) fn page_with(&self, config: &Config, path: &'static str, field: &str) -> String {
        let page = self.page(config, path);
        let separator = if page.contains('?') { '&' } else { '?' };
        format!("{page}{separator}{field}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{config_with, get, post_form};

    fn next(text: &str) -> Next {
        Next(config_with(&[]).common.targets.accept(text))
    }

    #[test]
    fn goes_with_every_link() {
        let link = next("/app?a=b&c=d#e").link("/auth/signup");
        let encoded = "https%3A%2F%2Fapp.test%2Fapp%3Fa%3Db%26c%3Dd%23e";
        assert_eq!(link, format!("/auth/signup?next={encoded}"));
        let back = form::field(link.split_once('?').unwrap().1, "next").unwrap();
        assert_eq!(next(&back), next("/app?a=b&c=d#e"));
    }

    #[test]
    fn leads_back_to_a_page_that_can_be_looked_at() {
        for (request, page) in [
            (get("/auth/admin"), "/auth/admin"),
            (
                get("/auth/admin").query("email=a%40b"),
                "/auth/admin?email=a%40b",
            ),
            (post_form("/auth/account/email", &[]), "/auth/account/email"),
            (
                post_form("/auth/account/sessions/end", &[]),
                "/auth/account",
            ),
            (
                post_form("/auth/admin/users/1/lock", &[]),
                "/auth/admin/users/1",
            ),
            (
                post_form("/auth/admin/users/1/sessions/2", &[]),
                "/auth/admin/users/1",
            ),
        ] {
            assert_eq!(
                Next::back(&config_with(&[]), &request),
                next(page),
                "{page}"
            );
        }
        let nowhere = post_form("/nowhere", &[]);
        assert_eq!(Next::back(&config_with(&[]), &nowhere), Next::NONE);
    }

    #[test]
    fn what_leads_astray_is_forgotten() {
        for text in [
            "",
            "//evil.test",
            "https://evil.test/",
            "javascript:alert(1)",
        ] {
            let config = config_with(&[]);
            assert_eq!(next(text).link("/auth/signup"), "/auth/signup", "{text}");
            assert_eq!(
                next(text).target(&config.common.targets),
                "https://app.test/"
            );
        }
    }
}
