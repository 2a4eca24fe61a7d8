//! What the pages say, in every language.
//!
//! The list below names each text; each language is a file that gives every name its text, and
//! does not compile if one is missing. `TEXTS` can replace a text by its name. A text of a page
//! that no page uses does not compile either.

mod de;
mod en;

use super::language::Language;

/// The languages that there are.
pub(super) static LANGUAGES: [Language; 2] = [
    Language {
        tag: "en",
        texts: &en::TEXTS,
    },
    Language {
        tag: "de",
        texts: &de::TEXTS,
    },
];

macro_rules! texts {
    (pages { $($page:ident,)* } errors { $($error:ident,)* }) => {
        /// Every name, in the order of the texts.
        const NAMES: [&str; [$(stringify!($page),)* $(stringify!($error),)*].len()] =
            [$(stringify!($page),)* $(stringify!($error),)*];

        /// The texts as the file of a language writes them.
        struct Written {
            $($page: &'static str,)*
            $($error: &'static str,)*
        }

        impl Written {
            const fn texts(self) -> Texts {
                Texts([$(self.$page,)* $(self.$error,)*])
            }
        }

        #[allow(non_camel_case_types, reason = "they are the names of the texts")]
        enum Index { $($page,)* }

        impl Texts {
            $(pub(super) fn $page(&self) -> &'static str { self.at(Index::$page as usize) })*
        }
    };
}

texts! {
    pages {
        // What several pages have.
        email_label,
        password_label,
        new_password_label,
        new_password_hint,
        error_title_prefix,
        errors_title,
        try_again,

        signin_title,
        signin_button,
        signin_no_account,
        signin_session_expired,
        signin_session_invalid,
        signin_device_mismatch,
        signin_password_changed,
        signin_account_deleted,
        signin_unavailable,

        forgot_title,
        forgot_text,
        forgot_button,
        forgot_sent,

        reset_title,
        reset_code_text,
        reset_button,
        reset_incomplete,
        reset_again,
        factor_label,
        code_label,

        oauth_or,
        oauth_button,
        oauth_leaving,

        signup_title,
        signup_button,
        signup_have_account,

        sent_title,
        sent_text,
        sent_known,
        sent_again,

        resend_title,
        resend_text,
        resend_button,

        confirm_title,
        confirm_text,
        confirm_button,
        confirm_incomplete,
        confirm_again,

        confirm_change_text,
        confirm_change_button,
        confirm_other_title,
        confirm_other_text,

        account_title,
        account_profile,
        account_name,
        account_no_name,
        account_pending,
        account_change,
        account_security,
        account_factor_on,
        account_factor_off,
        account_sessions,
        account_save,
        account_back,
        account_name_title,
        account_email_title,
        account_email_text,
        account_new_email,
        account_password_title,
        account_password_text,
        account_delete_title,
        account_delete_text,
        account_delete_button,
        current_password_label,
        session_current,
        session_end,
        session_end_others,
        session_now,
        session_minutes,
        session_hours,
        session_days,
        device_on,
        device_unknown_browser,
        device_unknown,
        done_name,
        done_email,
        done_password,
        done_session,
        done_sessions,

        signout_title,
        signout_text,
        signout_button,

        admin_title,
        admin_search_label,
        admin_search_button,
        admin_found,
        admin_nobody,
        admin_more,
        admin_status,
        admin_open,
        admin_locked,
        admin_unconfirmed,
        admin_role,
        admin_new_role,
        admin_role_hint,
        admin_role_button,
        admin_created,
        admin_last_sign_in,
        admin_id,
        admin_sessions,
        admin_no_sessions,
        admin_last_seen,
        admin_end_button,
        admin_end_all_button,
        admin_own,
        admin_access,
        admin_lock_text,
        admin_lock_button,
        admin_unlock_text,
        admin_unlock_button,
        admin_forgive_button,
        admin_delete_title,
        admin_delete_text,
        admin_delete_button,
        admin_done_session,
        admin_done_sessions,
        admin_done_lock,
        admin_done_unlock,
        admin_done_role,
        admin_done_delete,
        second_factor_title,
        code_app_text,
        code_phone_text,
        code_sent,
        code_button,
        code_send,
        code_send_again,
        code_instead,
        factor_app,
        factor_phone,

        step_up_title,
        step_up_none,
        step_up_enroll,

        factors_title,
        factors_text,
        factors_none,
        factors_remove,
        factors_app_title,
        factors_app_text,
        factors_app_button,
        factors_phone_title,
        factors_phone_label,
        factors_phone_hint,
        factors_phone_button,
        factors_enrolled,
        factors_removed,

        enroll_title,
        enroll_app_text,
        enroll_qr,
        enroll_secret,
        enroll_again,

        not_found_title,
        failed_title,
    }
    // `error_` and a problem's code, or what it says instead; `field_` and a field's name and its
    // error's code. An empty text stands for what the JSON API says, in English.
    errors {
        error_ambiguous_request,
        error_malformed_form,
        error_cross_site,
        error_not_found,
        error_method_not_allowed,
        error_payload_too_large,
        error_unsupported_media_type,
        error_validation_failed,
        error_config_invalid,
        error_internal_error,
        error_no_session,
        error_signup_disabled,
        error_mfa_expired,
        error_same_password,
        error_forbidden,
        error_not_configured,
        error_step_up_required,
        error_reauthentication_required,
        error_own_account,
        error_admin_unavailable,
        error_session_ended,
        error_oauth_expired,
        error_oauth_other_browser,
        error_provider_denied,
        error_provider_email_missing,
        error_provider_email_unverified,
        error_provider_unavailable,
        error_weak_password,
        error_store_unavailable,
        error_overloaded,
        error_invalid_credentials,
        error_email_not_confirmed,
        error_user_banned,
        error_link_expired,
        error_rate_limited,
        error_too_many_attempts,
        error_identity_unavailable,
        error_before_account_change,
        error_after_account_change,
        error_after_password_change,
        error_after_email_change,
        error_after_deletion,
        error_before_code_was_judged,
        error_after_factor_removal,

        field_email_missing,
        field_email_malformed,
        field_email_refused,
        field_email_same,
        field_name_missing,
        field_name_too_long,
        field_data_too_large,
        field_password_missing,
        field_password_too_long,
        field_password_length,
        field_password_characters,
        field_password_pwned,
        field_password_same,
        field_current_password_missing,
        field_current_password_incorrect,
        field_email_part_needed,
        field_role_missing,
        field_role_malformed,
        field_code_missing,
        field_code_malformed,
        field_code_incorrect,
        field_factor_id_unknown,
        field_challenge_id_missing,
        field_phone_missing,
        field_phone_malformed,
        field_phone_taken,
        field_type_too_many,
        field_type_not_offered,
    }
}

/// All texts of one language.
#[derive(Clone, Debug)]
pub(super) struct Texts([&'static str; NAMES.len()]);

impl Texts {
    fn at(&self, index: usize) -> &'static str {
        self.0.get(index).copied().unwrap_or_default()
    }

    /// The text called `name`, unless there is none.
    fn named(&self, name: &str) -> Option<&'static str> {
        let index = NAMES.iter().position(|known| *known == name)?;
        Some(self.at(index)).filter(|text| !text.is_empty())
    }

    /// What a failure with this text says, where it is not what the API says.
    pub(super) fn error(&self, text: &str) -> Option<&'static str> {
        self.named(&format!("error_{text}"))
    }

    /// What the error `code` of `field` says, where it is not what the API says.
    pub(super) fn field_error(&self, field: &str, code: &str) -> Option<&'static str> {
        self.named(&format!("field_{field}_{code}"))
    }

    /// Says `text` under `name` from now on; whether there is such a name.
    pub(super) fn replace(&mut self, name: &str, text: &str) -> bool {
        let index = NAMES.iter().position(|known| *known == name);
        let place = index.and_then(|index| self.0.get_mut(index));
        if let Some(place) = place {
            // Never freed, like all texts.
            *place = text.to_owned().leak();
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_text() {
        for Language { texts, .. } in &LANGUAGES {
            for (index, name) in NAMES.iter().enumerate() {
                assert_eq!(texts.named(name).unwrap_or_default(), texts.0[index]);
            }
            assert_eq!(texts.named("signin_title"), Some(texts.signin_title()));
            assert_eq!(texts.named("signin"), None);
        }
    }

    #[test]
    fn only_english_errors_are_left_to_the_api() {
        for Language { tag, texts } in &LANGUAGES {
            for (name, text) in NAMES.iter().zip(texts.0) {
                let is_error = name.starts_with("error_") || name.starts_with("field_");
                let may_be_empty = *tag == "en" && is_error;
                assert!(may_be_empty || !text.is_empty(), "{tag}: {name}");
            }
        }
    }

    #[test]
    fn every_failure_has_a_text() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/failure");
        let files = std::fs::read_dir(folder).unwrap();
        let files = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        let source: String = files.collect();
        let mut known = 0;
        for made in ["Self::new(", "self.saying("] {
            for made in source.split(made).skip(1) {
                let text = made.split('"').nth(1).unwrap();
                // Only programs send JSON.
                if text != "malformed_json" {
                    let name = format!("error_{text}");
                    assert!(NAMES.contains(&name.as_str()), "{name}");
                    known += 1;
                }
            }
        }
        assert_eq!(source.matches(".saying(").count(), 7);
        assert!(known > 15, "the source is read wrongly");
    }

    #[test]
    fn a_text_can_be_replaced_by_its_name() {
        let mut texts = en::TEXTS.clone();
        assert!(texts.replace("signin_title", "Hello"));
        assert_eq!(texts.signin_title(), "Hello");
        assert!(!texts.replace("signin.title", "Hello"));
        assert_eq!(en::TEXTS.signin_title(), "Sign in");
    }
}
