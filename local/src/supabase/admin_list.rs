//! `GET /admin/users`: the users, page by page.

use std::cmp::Reverse;

use axum::{
    Json,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{bearer, call::Call, error::AuthError, redirect, state::State, user::User};

/// How many users a page has that does not say.
const PER_PAGE: usize = 50;

/// Answers a page of the users that `filter` names, newest first unless `sort` says otherwise.
pub(super) fn list(state: &mut State, call: &Call) -> Result<Response, AuthError> {
    bearer::admin(state, call)?;
    let page = number(call, "page", 1)?;
    let per_page = number(call, "per_page", PER_PAGE)?;
    let oldest_first = oldest_first(call)?;
    if per_page == 0 {
        return Err(AuthError::lost());
    }
    let filter = call.query("filter").unwrap_or_default();
    let mut users: Vec<_> = state
        .users
        .values()
        .filter(|user| is_named(user, filter))
        .collect();
    users.sort_by_key(|user| Reverse(user.created_at));
    if oldest_first {
        users.reverse();
    }
    let skipped = page.saturating_sub(1).saturating_mul(per_page);
    let shown = users.iter().skip(skipped).take(per_page);
    let shown: Vec<_> = shown.map(|user| user.to_list_json()).collect();
    let count = users.len();
    let headers = [
        (header::LINK, links(call, page, count.div_ceil(per_page))),
        (
            header::HeaderName::from_static("x-total-count"),
            count.to_string(),
        ),
    ];
    let body = json!({"users": shown, "aud": "authenticated"});
    Ok((headers, Json(body)).into_response())
}

/// Addresses are in lower case and compared as they are; names in any case.
fn is_named(user: &User, filter: &str) -> bool {
    let name = user.user_metadata.get("full_name");
    let name = name.and_then(|name| name.as_str()).unwrap_or_default();
    user.email.contains(filter) || name.to_lowercase().contains(&filter.to_lowercase())
}

fn number(call: &Call, name: &str, default: usize) -> Result<usize, AuthError> {
    match call.query(name) {
        None | Some("") => Ok(default),
        Some(text) => text.parse().map_err(|_| {
            AuthError::validation(format!(
                "Bad Pagination Parameters: strconv.ParseUint: parsing \"{text}\": invalid syntax"
            ))
        }),
    }
}

fn oldest_first(call: &Call) -> Result<bool, AuthError> {
    let sort = call.query("sort").unwrap_or_default();
    let (field, direction) = sort.split_once(' ').unwrap_or((sort, "desc"));
    if !["", "created_at"].contains(&field) {
        let message = format!("Bad Sort Parameters: bad field for sort '{field}'");
        return Err(AuthError::validation(message));
    }
    match direction {
        "asc" => Ok(true),
        "desc" => Ok(false),
        _ => Err(AuthError::validation(format!(
            "Bad Sort Parameters: bad direction for sort '{direction}', only 'asc' and 'desc' allowed"
        ))),
    }
}

/// The `Link` header: the next page, if there is one, and the last.
fn links(call: &Call, page: usize, last: usize) -> String {
    let link = |number: usize, relation: &str| {
        let mut fields = call.query.clone();
        fields.retain(|(name, _)| name != "page");
        fields.push(("page".to_owned(), number.to_string()));
        let query = redirect::encode_fields(&fields);
        format!("</admin/users?{query}>; rel=\"{relation}\"")
    };
    let last_link = link(last, "last");
    if page < last {
        format!("{}, {last_link}", link(page + 1, "next"))
    } else {
        last_link
    }
}
