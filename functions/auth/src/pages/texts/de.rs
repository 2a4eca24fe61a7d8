//! German.

use super::{Texts, Written};

pub(super) static TEXTS: Texts = Written {
    email_label: "E-Mail-Adresse",
    password_label: "Passwort",
    new_password_label: "Neues Passwort",
    new_password_hint: "Gut sind einige Wörter, die nichts miteinander zu tun haben.",
    error_title_prefix: "Fehler",
    errors_title: "Bitte korrigieren Sie:",
    try_again: "Noch einmal versuchen",

    signin_title: "Anmelden",
    signin_button: "Anmelden",
    signin_no_account: "Noch kein Konto?",
    signin_session_expired: "Sie wurden abgemeldet. Bitte melden Sie sich wieder an.",
    signin_session_invalid: "Ihre Sitzung war nicht lesbar. Bitte melden Sie sich wieder an.",
    signin_device_mismatch: "Ihr Browser oder Netz hat sich geändert. Bitte melden Sie sich zur \
                             Sicherheit wieder an.",
    signin_password_changed: "Ihr Passwort wurde geändert. Melden Sie sich mit dem neuen an.",
    signin_account_deleted: "Ihr Konto wurde gelöscht.",
    signin_unavailable: "Die Anmeldung ist nicht verfügbar. Versuchen Sie es in {} Sekunden noch einmal.",

    forgot_title: "Passwort vergessen?",
    forgot_text: "Geben Sie Ihre Adresse ein, und wir senden Ihnen einen Link zu einer Seite, auf der Sie ein neues \
                  Passwort wählen.",
    forgot_button: "Mail senden",
    forgot_sent: "Falls es zu dieser Adresse ein Konto gibt, ist eine Mail mit einem Link dorthin unterwegs. Folgen \
                  Sie dem Link, um ein neues Passwort zu wählen.",

    reset_title: "Neues Passwort wählen",
    reset_code_text: "Ihr Konto hat einen zweiten Faktor: Geben Sie dessen Code ein und noch einmal Ihr neues \
                      Passwort.",
    reset_button: "Passwort speichern",
    reset_incomplete: "Der Link ist unvollständig. Öffnen Sie ihn genau so, wie er in der Mail steht, oder fordern \
                       Sie einen neuen an.",
    reset_again: "Neue Mail senden",
    factor_label: "Zweiter Faktor",
    code_label: "Code",

    oauth_or: "oder",
    oauth_button: "Weiter mit",
    oauth_leaving: "Zum Anmelden kommen Sie jetzt auf eine andere Seite. Falls nichts geschieht, drücken Sie \
                    den Knopf.",

    signup_title: "Konto anlegen",
    signup_button: "Konto anlegen",
    signup_have_account: "Schon ein Konto?",

    sent_title: "Prüfen Sie Ihr Postfach",
    sent_text: "Falls diese Adresse noch bestätigt werden muss, ist eine Mail mit einem Link \
                unterwegs. Folgen Sie dem Link.",
    sent_known: "Falls es zu dieser Adresse schon ein Konto gibt, kommt keine Mail: Melden Sie sich \
                 einfach an.",
    sent_again: "Keine Mail? Noch einmal senden",

    resend_title: "Mail noch einmal senden",
    resend_text: "Sehen Sie zuerst im Spam-Ordner nach. Eine neue Mail macht den Link der letzten \
                  ungültig.",
    resend_button: "Senden",

    confirm_title: "Adresse bestätigen",
    confirm_text: "Noch ein Schritt: Mit dem Knopf bestätigen Sie Ihre E-Mail-Adresse und melden \
                   sich an.",
    confirm_button: "Bestätigen und anmelden",
    confirm_incomplete: "Der Link ist unvollständig. Öffnen Sie ihn genau so, wie er in der Mail \
                         steht.",
    confirm_again: "Neue Mail senden",

    confirm_change_text: "Noch ein Schritt: Mit dem Knopf bestätigen Sie die Änderung Ihrer E-Mail-Adresse.",
    confirm_change_button: "Änderung bestätigen",
    confirm_other_title: "Noch ein Link",
    confirm_other_text: "Diese Adresse ist bestätigt. Folgen Sie jetzt dem Link in der Mail an Ihre andere Adresse: \
                         Erst dann ändert sich die Adresse.",

    account_title: "Konto",
    account_profile: "Profil",
    account_name: "Name",
    account_no_name: "Nicht angegeben",
    account_pending: "{} ist noch nicht bestätigt. Folgen Sie den Links in beiden Mails, an die alte und an die neue \
                      Adresse.",
    account_change: "Ändern",
    account_security: "Anmeldung",
    account_factor_on: "An",
    account_factor_off: "Aus",
    account_sessions: "Sitzungen und Geräte",
    account_save: "Speichern",
    account_back: "Zurück zum Konto",
    account_name_title: "Namen ändern",
    account_email_title: "E-Mail-Adresse ändern",
    account_email_text: "Eine Mail geht an Ihre aktuelle Adresse und eine an die neue. Die Adresse ändert sich, sobald \
                         Sie den Links in beiden gefolgt sind.",
    account_new_email: "Neue E-Mail-Adresse",
    account_password_title: "Passwort ändern",
    account_password_text: "Alle anderen Sitzungen enden damit.",
    account_delete_title: "Konto löschen",
    account_delete_text: "Damit wird Ihr Konto endgültig gelöscht, und Sie werden überall abgemeldet. Das lässt sich nicht \
                          rückgängig machen.",
    account_delete_button: "Endgültig löschen",
    current_password_label: "Aktuelles Passwort",
    session_current: "Dieses Gerät",
    session_end: "Beenden",
    session_end_others: "Alle anderen beenden",
    session_now: "gerade aktiv",
    session_minutes: "vor {} Minuten aktiv",
    session_hours: "vor {} Stunden aktiv",
    session_days: "vor {} Tagen aktiv",
    device_on: "{browser} auf {system}",
    device_unknown_browser: "Unbekannter Browser",
    device_unknown: "Unbekanntes Gerät",
    done_name: "Ihr Name wurde geändert.",
    done_email: "Falls sich diese Adresse verwenden lässt, sind zwei Mails unterwegs: eine an Ihre aktuelle Adresse und \
                 eine an die neue. Folgen Sie den Links in beiden.",
    done_password: "Ihr Passwort wurde geändert. Alle anderen Sitzungen wurden beendet.",
    done_session: "Die Sitzung wurde beendet.",
    done_sessions: "Alle anderen Sitzungen wurden beendet.",

    signout_title: "Abmelden",
    signout_text: "Ihre Sitzung auf diesem Gerät endet. Andere Sitzungen bleiben bestehen.",
    signout_button: "Abmelden",

    admin_title: "Konten",
    admin_search_label: "Teil einer E-Mail-Adresse",
    admin_search_button: "Suchen",
    admin_found: "Gefunden",
    admin_nobody: "Kein Konto hat eine solche Adresse.",
    admin_more: "Vielleicht gibt es noch mehr. Geben Sie mehr von der Adresse ein.",
    admin_status: "Status",
    admin_open: "aktiv",
    admin_locked: "gesperrt",
    admin_unconfirmed: "Adresse nicht bestätigt",
    admin_role: "Rolle",
    admin_new_role: "Neue Rolle",
    admin_role_hint: "Alle Sitzungen dieses Kontos enden, damit die neue Rolle sofort gilt.",
    admin_role_button: "Rolle ändern",
    admin_created: "Angelegt",
    admin_last_sign_in: "Letzte Anmeldung",
    admin_id: "Konto-ID",
    admin_sessions: "Sitzungen",
    admin_no_sessions: "Mit diesem Konto ist niemand angemeldet.",
    admin_last_seen: "Zuletzt aktiv",
    admin_end_button: "Beenden",
    admin_end_all_button: "Alle Sitzungen beenden",
    admin_own: "Das ist Ihr eigenes Konto: Ändern, sperren oder löschen kann es nur jemand anderes aus der Verwaltung.",
    admin_access: "Zugang",
    admin_lock_text: "Ein gesperrtes Konto kann sich nicht anmelden, und alle seine Sitzungen enden.",
    admin_lock_button: "Konto sperren",
    admin_unlock_text: "Lässt die Anmeldung sofort wieder zu, auch nach zu vielen Versuchen.",
    admin_unlock_button: "Konto entsperren",
    admin_forgive_button: "Fehlversuche zurücksetzen",
    admin_delete_title: "Konto löschen",
    admin_delete_text: "Das Konto ist dann endgültig weg, und alle seine Sitzungen enden. Das lässt sich nicht rückgängig machen.",
    admin_delete_button: "Endgültig löschen",
    admin_done_session: "Die Sitzung ist beendet.",
    admin_done_sessions: "Alle Sitzungen sind beendet.",
    admin_done_lock: "Das Konto ist gesperrt, und alle seine Sitzungen sind beendet.",
    admin_done_unlock: "Das Konto kann sich wieder anmelden.",
    admin_done_role: "Die Rolle ist geändert, und alle Sitzungen sind beendet.",
    admin_done_delete: "Das Konto ist gelöscht.",
    second_factor_title: "Zweiter Faktor",
    code_app_text: "Geben Sie den Code ein, den Ihre Authenticator-App zeigt.",
    code_phone_text: "Wir senden Ihnen einen Code aufs Telefon.",
    code_sent: "Ein Code ist unterwegs zu Ihrem Telefon. Geben Sie ihn hier ein.",
    code_button: "Bestätigen",
    code_send: "Code senden",
    code_send_again: "Neuen Code senden",
    code_instead: "Stattdessen:",
    factor_app: "Authenticator-App",
    factor_phone: "Telefon",

    step_up_title: "Bestätigen Sie, dass Sie es sind",
    step_up_none: "Was Sie öffnen möchten, verlangt einen zweiten Faktor, und Ihr Konto hat noch keinen.",
    step_up_enroll: "Zweiten Faktor hinzufügen",

    factors_title: "Zweite Faktoren",
    factors_text: "Wer Ihr Passwort erfährt, kann sich ohne Ihren zweiten Faktor nicht anmelden.",
    factors_none: "Sie haben noch keinen.",
    factors_remove: "Entfernen",
    factors_app_title: "Authenticator-App hinzufügen",
    factors_app_text: "Eine App auf Ihrem Telefon oder Rechner zeigt jede halbe Minute einen neuen Code.",
    factors_app_button: "App hinzufügen",
    factors_phone_title: "Telefon hinzufügen",
    factors_phone_label: "Telefonnummer",
    factors_phone_hint: "Mit Landesvorwahl, zum Beispiel +49 30 901820.",
    factors_phone_button: "Telefon hinzufügen",
    factors_enrolled: "Ihr zweiter Faktor ist eingerichtet. Beim Anmelden werden Sie danach gefragt.",
    factors_removed: "Der zweite Faktor ist entfernt.",

    enroll_title: "Zweiten Faktor hinzufügen",
    enroll_app_text: "Scannen Sie dieses Bild mit Ihrer Authenticator-App.",
    enroll_qr: "QR-Code für Ihre Authenticator-App",
    enroll_secret: "Oder geben Sie diesen Schlüssel in die App ein:",
    enroll_again: "Von vorn beginnen",

    not_found_title: "Nicht gefunden",
    failed_title: "Das hat nicht geklappt",

    error_ambiguous_request: "Ihr Browser hat zwei Sitzungen zugleich gesendet. Löschen Sie die \
                              Cookies dieser Seite und melden Sie sich wieder an.",
    error_malformed_form: "Das Formular war nicht lesbar. Bitte öffnen Sie die Seite noch einmal.",
    error_cross_site: "Das Formular kam von einer anderen Website. Öffnen Sie die Seite hier und \
                       senden Sie es noch einmal.",
    error_not_found: "Hier ist nichts.",
    error_method_not_allowed: "So lässt sich diese Adresse nicht aufrufen.",
    error_payload_too_large: "Das war mehr, als diese Seite annimmt. Bitte senden Sie weniger.",
    error_unsupported_media_type: "Das war kein Formular. Bitte öffnen Sie die Seite noch einmal.",
    error_validation_failed: "Etwas fehlt oder stimmt nicht. Bitte öffnen Sie die Seite noch \
                              einmal.",
    error_config_invalid: "Der Dienst ist nicht richtig eingerichtet. Sein Log nennt jeden Fehler.",
    error_internal_error: "Bei uns ist etwas schiefgegangen. Bitte versuchen Sie es noch einmal.",
    error_no_session: "Melden Sie sich zuerst an.",
    error_signup_disabled: "Hier lassen sich keine neuen Konten anlegen.",
    error_mfa_expired: "Das hat zu lange gedauert oder ist schon geschehen. Bitte melden Sie sich noch einmal an.",
    error_same_password: "Das neue Passwort ist das alte. Bitte wählen Sie ein anderes.",
    error_forbidden: "Ihr Konto darf das nicht.",
    error_not_configured: "Das bietet diese Seite nicht an. Wenden Sie sich an ihren Betreiber.",
    error_step_up_required: "Bestätigen Sie sich zuerst mit Ihrem zweiten Faktor.",
    error_reauthentication_required: "Ihre Anmeldung liegt zu lange zurück, um das Passwort zu ändern. Melden Sie sich ab und wieder an, oder lassen Sie sich eine Mail für ein vergessenes Passwort schicken.",
    error_own_account: "Das ist Ihr eigenes Konto. Bitten Sie jemand anderen aus der Verwaltung.",
    error_admin_unavailable: "Für die Verwaltung fehlt SUPABASE_SERVICE_ROLE_KEY in den Einstellungen.",
    error_session_ended: "Alle Sitzungen dieses Kontos wurden gerade beendet. Bitte melden Sie sich noch einmal an.",
    error_oauth_expired: "Diese Anmeldung hat zu lange gedauert oder wurde schon benutzt. Bitte melden Sie sich \
                          noch einmal an.",
    error_oauth_other_browser: "Diese Anmeldung wurde in einem anderen Browser begonnen. Bitte melden Sie sich \
                                in diesem noch einmal an.",
    error_provider_denied: "Die Anmeldung wurde auf der anderen Seite abgebrochen oder abgelehnt.",
    error_provider_email_missing: "Die andere Seite nennt uns keine E-Mail-Adresse von Ihnen. Erlauben Sie es \
                                   ihr, oder melden Sie sich anders an.",
    error_provider_email_unverified: "Ihre E-Mail-Adresse ist auf der anderen Seite nicht bestätigt. Bestätigen \
                                      Sie sie dort oder durch die Mail, die vielleicht gerade gekommen \
                                      ist, und melden Sie sich noch einmal an.",
    error_provider_unavailable: "Die Anmeldung über die andere Seite funktioniert zurzeit nicht. Bitte \
                                 versuchen Sie es noch einmal, oder melden Sie sich anders an.",
    error_weak_password: "Bitte wählen Sie ein anderes Passwort.",
    error_overloaded: "Zurzeit kommen zu viele Anfragen auf einmal. Bitte versuchen Sie es gleich noch einmal.",
    error_store_unavailable: "Der Anmeldedienst ist zurzeit nicht erreichbar. Bitte versuchen Sie es noch einmal.",
    error_invalid_credentials: "E-Mail-Adresse oder Passwort ist falsch.",
    error_email_not_confirmed: "Bestätigen Sie zuerst Ihre E-Mail-Adresse: Folgen Sie dem Link in \
                                der Mail, die wir Ihnen gesendet haben.",
    error_user_banned: "Dieses Konto ist gesperrt. Wenden Sie sich an den Betreiber dieser Seite.",
    error_link_expired: "Der Link ist abgelaufen oder wurde schon benutzt. Fordern Sie einen neuen \
                         an.",
    error_rate_limited: "Zu viele Anfragen. Bitte warten Sie, bevor Sie es noch einmal versuchen.",
    error_too_many_attempts: "Zu viele Versuche. Bitte warten Sie, bevor Sie es noch einmal versuchen.",
    error_identity_unavailable: "Der Anmeldedienst ist zurzeit nicht erreichbar. Bitte versuchen Sie es noch einmal.",
    error_before_account_change: "Ob das Konto geändert wurde, ist nicht sicher. Seine Sitzungen wurden beendet. \
                                  Bitte versuchen Sie es noch einmal.",
    error_after_account_change: "Das Konto wurde geändert, aber eine Sitzung, die währenddessen begann, kann noch \
                                 offen oder etwas von einem gelöschten Konto noch gespeichert sein. Bitte wiederholen \
                                 Sie den Schritt.",
    error_after_password_change: "Ihr Passwort wurde geändert, aber andere Sitzungen können noch offen sein. Melden \
                                  Sie sich mit dem neuen an und beenden Sie sie.",
    error_after_email_change: "Ihre Adresse wurde geändert, aber unter der alten können noch Sitzungen offen sein. \
                               Melden Sie sich an und beenden Sie sie.",
    error_after_deletion: "Ihr Konto wurde gelöscht, aber eine Sitzung, die in diesem Augenblick begann, kann bis zu \
                           ihrem Ablauf offen bleiben.",
    error_before_code_was_judged: "Ob der Code angenommen wurde, ist nicht sicher. Bitte warten Sie auf den nächsten.",
    error_after_factor_removal: "Der zweite Faktor ist entfernt, aber eine Sitzung, die er währenddessen bestätigt hat, \
                                 kann noch als bestätigt gelten. Beenden Sie die anderen Sitzungen.",

    field_email_missing: "Geben Sie Ihre E-Mail-Adresse ein.",
    field_email_malformed: "Das ist keine E-Mail-Adresse. Eine sieht so aus: name@example.com.",
    field_email_refused: "An diese Adresse lässt sich keine Mail senden. Nehmen Sie eine andere.",
    field_email_same: "Das ist schon Ihre Adresse.",
    field_name_missing: "Geben Sie Ihren Namen ein.",
    field_name_too_long: "Der Name ist länger als 100 Zeichen.",
    field_data_too_large: "Das ist mehr, als in ein Profil passt. Bitte geben Sie weniger an.",
    field_password_missing: "Geben Sie ein Passwort ein.",
    field_password_too_long: "Das Passwort ist zu lang. Wählen Sie ein kürzeres.",
    field_password_length: "Das Passwort ist zu kurz.",
    field_password_characters: "Das Passwort braucht mehr Arten von Zeichen: große und kleine \
                                Buchstaben, Ziffern, Sonderzeichen.",
    field_password_pwned: "Das Passwort ist durch ein Datenleck einer anderen Website bekannt geworden. \
                           Wählen Sie eines, das Sie nirgends sonst benutzen.",
    field_password_same: "Das neue Passwort ist das alte. Bitte wählen Sie ein anderes.",
    field_current_password_missing: "Geben Sie Ihr aktuelles Passwort ein.",
    field_current_password_incorrect: "Das ist nicht Ihr aktuelles Passwort. Falls Sie noch keines haben: Über \
                                       „Passwort vergessen?“ legen Sie eines fest.",
    field_email_part_needed: "Geben Sie mindestens drei Zeichen einer E-Mail-Adresse ein.",
    field_role_missing: "Geben Sie den Namen einer Rolle ein.",
    field_role_malformed: "Eine Rolle hat bis zu 64 Buchstaben ohne Umlaute, Ziffern und _ - . :",
    field_code_missing: "Dieses Konto hat einen zweiten Faktor. Geben Sie dessen Code ein.",
    field_code_malformed: "Der Code hat sechs bis zehn Ziffern.",
    field_code_incorrect: "Der Code ist falsch oder wurde schon benutzt. Warten Sie auf den nächsten.",
    field_factor_id_unknown: "Ihr Konto hat keinen solchen zweiten Faktor.",
    field_challenge_id_missing: "Lassen Sie zuerst einen Code senden, und geben Sie ihn dann ein.",
    field_phone_missing: "Geben Sie Ihre Telefonnummer ein.",
    field_phone_malformed: "Das ist keine Telefonnummer mit Landesvorwahl. Eine sieht so aus: +49 30 901820.",
    field_phone_taken: "Dieses Telefon ist schon einer Ihrer zweiten Faktoren.",
    field_type_too_many: "Es sind zu viele zweite Faktoren. Entfernen Sie zuerst einen.",
    field_type_not_offered: "Zweite Faktoren dieser Art gibt es hier nicht.",
}
.texts();
