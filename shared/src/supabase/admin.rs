//! What whoever runs the site does with its users, with the key that may do everything.

use super::{
    auth::{AuthClient, UNREADABLE, object, query_value},
    error::AuthError,
    session::User,
};
use crate::{host::Host, json::Object};

/// How long a locked user stays locked: until unlocked. Supabase knows no other "for ever".
const FOR_EVER: &str = "876000h";

/// What changes of a user.
#[derive(Clone, Debug)]
pub enum AdminChange<'a> {
    /// Whether the user may sign in.
    Locked(bool),
    /// The role, in `app_metadata`. Supabase's own `role` is the database's, and stays.
    Role(&'a str),
}

impl<H: Host> AuthClient<H> {
    /// The users whose address holds `text`, newest first: those on the page with the number `page`, from 1 on,
    /// of which each has `count`.
    ///
    /// # Errors
    /// [`AuthError`] if there is no list.
    pub async fn find_users(
        &self,
        text: &str,
        page: &str,
        count: u8,
    ) -> Result<Vec<User>, AuthError> {
        let path = format!(
            "/admin/users?page={page}&per_page={count}&filter={}",
            query_value(text)
        );
        let answer = self.call_as_admin("GET", &path, None).await?;
        let list = object(&answer)?.list("users").ok_or(UNREADABLE)?;
        let read = |value| Object::from_value(value).and_then(User::read);
        list.into_iter()
            .map(read)
            .collect::<Option<_>>()
            .ok_or(UNREADABLE)
    }

    /// The user `id`; `None` if there is none.
    ///
    /// # Errors
    /// [`AuthError`] if nobody knows.
    pub async fn find_user(&self, id: &str) -> Result<Option<User>, AuthError> {
        let described = self.describe_user(id).await?;
        let read = |text: String| User::parse(&text).ok_or(UNREADABLE);
        described.map(read).transpose()
    }

    /// All that is said of the user `id`, in JSON; `None` if there is none.
    ///
    /// # Errors
    /// [`AuthError`] if nobody knows.
    pub async fn describe_user(&self, id: &str) -> Result<Option<String>, AuthError> {
        let path = format!("/admin/users/{id}");
        match self.call_as_admin("GET", &path, None).await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(AuthError::UserNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Changes the user `id`.
    ///
    /// # Errors
    /// [`AuthError`] if it is not certain that it has changed.
    pub async fn change_as_admin(
        &self,
        id: &str,
        change: AdminChange<'_>,
    ) -> Result<User, AuthError> {
        let body = match change {
            AdminChange::Locked(true) => Object::new().with("ban_duration", FOR_EVER),
            AdminChange::Locked(false) => Object::new().with("ban_duration", "none"),
            AdminChange::Role(role) => {
                Object::new().with("app_metadata", Object::new().with("role", role))
            }
        };
        let path = format!("/admin/users/{id}");
        let answer = self
            .call_as_admin("PUT", &path, Some(body.to_json()))
            .await?;
        User::read(object(&answer)?).ok_or(UNREADABLE)
    }

    /// Deletes the user `id`. One that is gone is no error.
    ///
    /// # Errors
    /// [`AuthError`] if it is not certain that the user is gone.
    pub async fn delete_user(&self, id: &str) -> Result<(), AuthError> {
        let path = format!("/admin/users/{id}");
        match self.call_as_admin("DELETE", &path, None).await {
            Ok(_) | Err(AuthError::UserNotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::*;
    use crate::supabase::auth::tests::{USER, answering, client};

    const ID: &str = "5f6b7c8d-0000-4000-8000-000000000001";

    #[test]
    fn without_its_key_nothing_is_asked() {
        let host = answering(200, USER);
        let result = block_on(client(&host, "anon").find_user(ID));
        assert_eq!(result, Err(AuthError::Rejected("no_admin_key".into())));
        assert!(host.calls().is_empty());
    }

    #[test]
    fn a_legacy_key_is_a_bearer_token_too_and_a_new_one_is_not() {
        for (key, is_bearer) in [("service.role.jwt", true), ("sb_secret_x", false)] {
            let host = answering(200, USER);
            let client = client(&host, "anon").with_admin_key(key);
            block_on(client.find_user(ID)).unwrap();
            let headers = &host.calls()[0].headers;
            assert!(headers.contains(&("apikey", key.to_owned())));
            let bearer = ("authorization", format!("Bearer {key}"));
            assert_eq!(headers.contains(&bearer), is_bearer, "{key}");
        }
    }

    #[test]
    fn nobody_and_nobody_knows_are_two_things() {
        let find = |status, body| {
            block_on(
                client(&answering(status, body), "anon")
                    .with_admin_key("k")
                    .find_user(ID),
            )
        };
        assert_eq!(find(404, r#"{"code":"user_not_found"}"#), Ok(None));
        assert!(find(500, "").is_err());
        assert!(find(403, r#"{"code":"bad_jwt"}"#).is_err());
        assert!(find(200, USER).unwrap().is_some());
    }

    #[test]
    fn a_search_is_one_query_field() {
        let host = answering(
            200,
            &format!(r#"{{"users":[{USER}],"aud":"authenticated"}}"#),
        );
        let client = client(&host, "anon").with_admin_key("k");
        assert_eq!(
            block_on(client.find_users("a&page=9", "2", 20))
                .unwrap()
                .len(),
            1
        );
        let url = "/admin/users?page=2&per_page=20&filter=a%26page%3D9";
        assert!(host.calls()[0].url.ends_with(url));
    }

    #[test]
    fn each_change_is_its_own() {
        for (change, body) in [
            (AdminChange::Locked(true), r#"{"ban_duration":"876000h"}"#),
            (AdminChange::Locked(false), r#"{"ban_duration":"none"}"#),
            (
                AdminChange::Role("admin"),
                r#"{"app_metadata":{"role":"admin"}}"#,
            ),
        ] {
            let host = answering(200, USER);
            let client = client(&host, "anon").with_admin_key("k");
            block_on(client.change_as_admin(ID, change)).unwrap();
            assert_eq!(host.calls()[0].body.as_deref(), Some(body));
        }
    }
}
