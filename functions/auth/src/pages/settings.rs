//! What the pages are configured with.

use authflow_shared::config::{Common, Reader};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{brand::Brand, language::Languages};

/// The style of every page, but for the brand's colours.
const STYLE: &str = include_str!("../../templates/style.css");

/// See the module.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(super) languages: Languages,
    pub(super) brand: Brand,
    /// Whether phones are offered as second factors, by the API too.
    pub(crate) offers_phones: bool,
    /// What stands in `<style>`, and so is what the policy's hash is of. It stands in the page
    /// itself, so that a page is whole wherever it is shown.
    pub(super) style: String,
    /// `Content-Security-Policy`.
    pub(super) policy: String,
}

impl Settings {
    /// Reads everything; `None` after a fault.
    pub(crate) fn read(reader: &mut Reader<'_>, common: Option<&Common>) -> Option<Self> {
        let languages = Languages::read(reader);
        let brand = Brand::read(reader, common);
        let offers_phones = reader.number("PHONE_FACTORS", 0, 0..=1) == 1;
        let (languages, brand) = languages.zip(brand)?;
        let style = format!("{STYLE}{}", brand.style());
        let policy = policy(&style, brand.has_logo_file(), common?);
        Some(Self {
            languages,
            brand,
            offers_phones,
            style,
            policy,
        })
    }

    /// What the site is called.
    pub(crate) fn brand_name(&self) -> &str {
        &self.brand.name
    }
}

/// Nothing runs, and nothing is loaded but a logo of our own host. After a sign-in the form leads
/// on to an application, and Chromium applies `form-action` to that redirect too.
fn policy(style: &str, has_logo_file: bool, common: &Common) -> String {
    let mut policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; img-src data:{}; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self'",
        STANDARD.encode(Sha256::digest(style)),
        if has_logo_file { " 'self'" } else { "" },
    );
    let mut origins: Vec<_> = common.targets.allowed.iter().collect();
    origins.dedup();
    for origin in origins {
        policy.push(' ');
        policy.push_str(origin.as_str());
    }
    policy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{World, get};

    /// What a page allows, and its style.
    fn page(variables: &[(&str, &str)]) -> (String, String) {
        let answer = World::with(variables).answer(&get("/auth/signin"));
        let policy = answer.header("content-security-policy").unwrap().to_owned();
        let body = answer.body.unwrap();
        assert!(!body.contains("<script") && !body.contains(" style="));
        let (_, style) = body.split_once("<style>").unwrap();
        (policy, style.split_once("</style>").unwrap().0.to_owned())
    }

    #[test]
    fn a_page_holds_its_style_and_nothing_else_may_run() {
        let (policy, style) = page(&[]);
        let hash = STANDARD.encode(Sha256::digest(&style));
        assert!(style.starts_with(STYLE));
        insta::assert_snapshot!(policy.replace(&hash, "[hash]"), @"default-src 'none'; style-src 'sha256-[hash]'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'self' https://app.test");
    }

    #[test]
    fn the_brand_is_in_the_style_that_is_allowed() {
        let logo = ("BRAND_LOGO_URL", "/public/logo.svg");
        let (policy, style) = page(&[("BRAND_COLOR", "#c00"), logo]);
        assert!(style.contains("--accent:#cc0000;"));
        assert!(policy.contains(&STANDARD.encode(Sha256::digest(&style))));
        assert!(policy.contains("img-src data: 'self';"));
    }
}
