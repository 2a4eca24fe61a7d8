//! English.

use super::{Texts, Written};

pub(super) static TEXTS: Texts = Written {
    email_label: "E-mail address",
    password_label: "Password",
    new_password_label: "Choose a password",
    new_password_hint: "A few words that have nothing to do with each other make a good one.",
    error_title_prefix: "Error",
    errors_title: "Please correct this:",

    signin_title: "Sign in",
    signin_button: "Sign in",
    signin_no_account: "No account yet?",
    signin_session_expired: "You have been signed out. Please sign in again.",
    signin_session_invalid: "Your session could not be read. Please sign in again.",
    signin_device_mismatch: "Your browser or network has changed. Please sign in again, to be safe.",
    signin_password_changed: "Your password has been changed. Sign in with the new one.",
    signin_account_deleted: "Your account has been deleted.",

    forgot_title: "Forgot your password?",
    forgot_text: "Enter your address, and a mail with a link comes to it. The link leads to a page where you choose \
                  a new password.",
    forgot_button: "Send the mail",
    forgot_sent: "If there is an account with this address, a mail with a link is on its way to it. Follow the link \
                  to choose a new password.",

    reset_title: "Choose a new password",
    reset_code_text: "Your account has a second factor: enter its code and, once more, your new password.",
    reset_button: "Set the password",
    reset_incomplete: "The link is not complete. Open it exactly as it stands in the mail, or ask for a new one.",
    reset_again: "Send a new mail",
    factor_label: "Second factor",
    code_label: "Code",

    oauth_or: "or",
    oauth_button: "Continue with",
    oauth_leaving: "You are being taken to another site to sign in. If nothing happens, press the button.",

    signup_title: "Sign up",
    signup_button: "Sign up",
    signup_have_account: "Already have an account?",

    sent_title: "Check your mail",
    sent_text: "If this address needs to be confirmed, a mail with a link is on its way to it. \
                Follow the link to go on.",
    sent_known: "If you have an account with this address already, no mail comes: sign in instead.",
    sent_again: "No mail? Send it again",

    resend_title: "Send the mail again",
    resend_text: "Look into your spam folder first. A new mail makes the link of the last one \
                  useless.",
    resend_button: "Send",

    confirm_title: "Confirm your address",
    confirm_text: "One more step: press the button to confirm your e-mail address and sign in.",
    confirm_button: "Confirm and sign in",
    confirm_incomplete: "The link is not complete. Open it exactly as it stands in the mail.",
    confirm_again: "Send a new mail",

    signout_title: "Sign out",
    signout_text: "Your session on this device ends. Others go on.",
    signout_button: "Sign out",

    not_found_title: "Not found",
    failed_title: "That did not work",

    error_ambiguous_request: "Your browser sent two sessions at once. Delete the cookies of this \
                              site, then sign in again.",
    error_malformed_form: "",
    error_cross_site: "The form came from another web site. Open the page here and send it again.",
    error_not_found: "",
    error_method_not_allowed: "",
    error_payload_too_large: "That was more than this page takes. Please send less.",
    error_unsupported_media_type: "",
    error_validation_failed: "Something is missing or is not as it should be. Please open the page \
                              again.",
    error_config_invalid: "",
    error_internal_error: "",
    error_no_session: "",
    error_signup_disabled: "",
    error_mfa_expired: "",
    error_same_password: "",
    error_forbidden: "",
    error_step_up_required: "",
    error_session_ended: "",
    error_oauth_expired: "",
    error_oauth_other_browser: "",
    error_provider_denied: "",
    error_provider_email_missing: "",
    error_provider_email_unverified: "",
    error_provider_unavailable: "",
    error_weak_password: "",
    error_store_unavailable: "",
    error_invalid_credentials: "",
    error_email_not_confirmed: "",
    error_user_banned: "",
    error_link_expired: "",
    error_rate_limited: "",
    error_too_many_attempts: "",
    error_identity_unavailable: "",

    field_email_missing: "",
    field_email_malformed: "",
    field_email_refused: "",
    field_password_missing: "",
    field_password_too_long: "",
    field_password_length: "",
    field_password_characters: "",
    field_password_pwned: "",
    field_password_same: "",
    field_current_password_missing: "",
    field_current_password_incorrect: "",
    field_code_missing: "",
    field_code_malformed: "",
    field_code_incorrect: "",
}
.texts();
