//! One test for each rule.

use core::time::Duration;

use super::*;
use crate::routes::{By, Policy};

/// The only fault of a route with the field `extra`.
#[track_caller]
fn rejects(extra: &str, expected: &str) {
    let mut fields = vec![
        ("id", r#""r""#.to_owned()),
        ("path", r#""/app/*""#.to_owned()),
        ("upstream", r#""http://o.test""#.to_owned()),
    ];
    for field in extra.split(" & ") {
        let (name, value) = field.split_once('=').unwrap();
        fields.retain(|(known, _)| *known != name);
        fields.push((name, value.to_owned()));
    }
    let json: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    let faults = parse(&format!("[{{{}}}]", json.join(","))).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains(expected), "{faults:?}");
}

/// The route of an entry with `fields` beside its id and path.
fn only(fields: &str) -> Route {
    let json = format!(r#"[{{"id":"a","path":"/a",{fields}}}]"#);
    parse(&json).unwrap().routes().first().unwrap().clone()
}

#[test]
fn a_route_is_protected_unless_it_says_public() {
    let route = only(r#""upstream":"https://o.test/base/""#);
    assert_eq!(
        route.policy,
        Policy::Session {
            roles: Vec::new(),
            second_factor: false
        }
    );
    assert_eq!(route.upstreams[0].base, "https://o.test/base");
    assert_eq!(route.upstreams[0].origin.as_str(), "https://o.test");
    assert_eq!(route.timeout, Duration::from_secs(30));
}

#[test]
fn rejects_what_is_no_list_of_routes() {
    for json in ["", "{}", "[1]", "null", "[]"] {
        assert_eq!(parse(json).unwrap_err().len(), 1, "{json}");
    }
}

#[test]
fn rejects_a_route_without_a_name_a_path_or_an_origin() {
    let faults = parse("[{}]").unwrap_err();
    assert_eq!(
        faults,
        [
            "route number 1: missing field `id`",
            "route number 1: missing field `path`",
            "route number 1: missing field `upstream`",
        ]
    );
}

#[test]
fn rejects_a_field_of_another_type() {
    for field in [
        "id=1",
        "path=[]",
        "methods=\"GET\"",
        "methods=[1]",
        "roles=true",
        "aal=2",
    ] {
        rejects(field, "must be");
    }
    for field in [
        "strip_prefix=1",
        "timeout_ms=\"1\"",
        "max_body_bytes=-1",
        "max_body_bytes=1.5",
    ] {
        rejects(field, "must be");
    }
}

#[test]
fn rejects_a_field_that_stands_twice() {
    for twice in [
        r#""access":"session","access":"public""#,
        r#""roles":["admin"],"r\u006fles":["user"]"#,
        r#""cors":{"origins":["https://a.test"],"origins":["https://b.test"]}"#,
    ] {
        let json = format!(r#"[{{"id":"a","path":"/a","upstream":"http://o.test",{twice}}}]"#);
        let faults = parse(&json).unwrap_err();
        assert!(faults[0].contains("stands twice"), "{faults:?}");
    }
}

#[test]
fn rejects_a_field_that_is_null() {
    for field in [
        "roles=null",
        "aal=null",
        "cors=null",
        "rate_limit=null",
        "role=null",
    ] {
        rejects(field, "is null");
    }
    rejects(
        r#"cors={"origins":["https://a.test"],"credentials":null}"#,
        "`cors.credentials` is null",
    );
}

#[test]
fn rejects_a_field_it_does_not_know() {
    rejects(r#"role=["admin"]"#, "unknown field `role`");
}

#[test]
fn rejects_an_access_it_does_not_know() {
    rejects(r#"access="open""#, "session, public, not open");
}

#[test]
fn rejects_a_path_that_no_request_could_have() {
    for path in [
        "app", "", "/a*", "/a//b", "/a/../b", "/a;b", "/a%2fb", "/%61", "/a/*/b", "//*",
    ] {
        rejects(&format!("path=\"{path}\""), "`path`");
    }
}

#[test]
fn rejects_the_gateways_own_paths() {
    for path in [
        "/auth/*",
        "/auth",
        "/health",
        "/metrics",
        "/auth/x",
        "/.well-known/authflow/*",
    ] {
        rejects(&format!("path=\"{path}\""), "own");
    }
}

#[test]
fn rejects_an_upstream_that_is_no_base_url() {
    for url in [
        "o.test",
        "ftp://o.test",
        "http://o.test?x",
        "http://o.test/a#b",
        "http://u@o.test",
        "http://o.test/a/../b",
    ] {
        rejects(&format!("upstream=\"{url}\""), "`upstream`");
    }
}

#[test]
fn no_fault_repeats_a_password() {
    let json = r#"[{"id":"a","path":"/a","upstream":"https://u:hunter2@o.test"}]"#;
    let faults = parse(json).unwrap_err();
    assert!(
        faults[0].contains("password") && !faults[0].contains("hunter2"),
        "{faults:?}"
    );
}

#[test]
fn rejects_an_exact_path_that_would_ask_for_less_with_a_slash() {
    let below = |exact: &str, prefix: &str| {
        parse(&format!(
            r#"[{{"id":"a","path":"/x/admin","upstream":"http://o.test",{exact}}},
                {{"id":"b","path":"/x/*","upstream":"http://o.test",{prefix}}}]"#
        ))
    };
    let (anybody, admin) = (r#""strip_prefix":false"#, r#""roles":["admin"]"#);
    assert!(below(admin, anybody).unwrap_err()[0].contains("write /x/admin/*"));
    assert!(below(r#""aal":"aal2""#, anybody).is_err());
    assert!(below(admin, r#""roles":["admin","user"]"#).is_err());
    assert!(below(anybody, admin).is_ok());
    assert!(below(r#""roles":["admin","user"]"#, admin).is_ok());
    assert!(below(r#""access":"public""#, admin).is_ok());
}

#[test]
fn rejects_methods_that_are_no_methods() {
    rejects(r#"methods=["get"]"#, "`methods`");
    rejects(r#"methods=[""]"#, "`methods`");
    rejects("methods=[]", "leave it out");
}

#[test]
fn rejects_an_empty_role_or_no_roles() {
    rejects(r#"roles=["admin",""]"#, "empty name");
    rejects("roles=[]", "leave it out");
}

#[test]
fn rejects_demands_on_a_public_route() {
    rejects(r#"access="public" & roles=["admin"]"#, "public");
    rejects(r#"access="public" & aal="aal2""#, "public");
}

#[test]
fn rejects_an_assurance_level_it_does_not_know() {
    rejects(r#"aal="aal3""#, "aal1, aal2, not aal3");
}

#[test]
fn rejects_a_timeout_out_of_range() {
    rejects("timeout_ms=0", "`timeout_ms`");
    rejects("timeout_ms=600001", "`timeout_ms`");
}

#[test]
fn rejects_an_id_that_is_no_word() {
    rejects(r#"id="""#, "`id`");
    rejects(r#"id="a b""#, "`id`");
    rejects(r#"id="a:b""#, "`id`");
    rejects(r#"id="{a}""#, "`id`");
}

#[test]
fn rejects_a_protected_path_that_would_be_public_with_a_slash() {
    let routes = |path: &str| {
        parse(&format!(
            r#"[{{"id":"a","path":"{path}","upstream":"http://o.test"}},
                {{"id":"b","path":"/x/*","upstream":"http://o.test","access":"public"}}]"#
        ))
    };
    let faults = routes("/x/admin").unwrap_err();
    assert!(faults[0].contains("write /x/admin/*"), "{faults:?}");
    assert!(routes("/x/admin/*").is_ok());
    assert!(routes("/y").is_ok());
}

#[test]
fn rejects_an_id_or_a_path_that_stands_twice() {
    let faults = parse(
        r#"[{"id":"a","path":"/a","upstream":"http://o.test"},
            {"id":"a","path":"/a","upstream":"http://o.test"}]"#,
    )
    .unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
}

#[test]
fn rejects_upstreams_that_are_none_or_twice_the_same() {
    rejects("upstream=[]", "`upstream`");
    rejects("upstream=1", "`upstream`");
    rejects(r#"upstream=["http://o.test","http://o.test/"]"#, "twice");
    rejects(r#"upstream=["http://o.test","o2.test"]"#, "o2.test");
    let route = only(r#""upstream":["http://a.test","http://b.test:8080/x"]"#);
    assert_eq!(route.upstreams.len(), 2);
}

#[test]
fn rejects_an_escape_that_no_route_may_allow() {
    for escape in ["%00", "%0a", "%61", "%2", "/"] {
        rejects(&format!("allow_encoded=[\"{escape}\"]"), "`allow_encoded`");
    }
}

#[test]
fn rejects_allow_encoded_on_a_public_route() {
    rejects(r#"access="public" & allow_encoded=["%2f"]"#, "public");
}

#[test]
fn rejects_keeping_a_header_that_the_gateway_sets_or_that_passes_anyway() {
    for name in [
        "X-User-Id",
        "X-AuthFlow-Anything",
        "Connection",
        "X_Original_URL",
    ] {
        rejects(&format!("keep_headers=[\"{name}\"]"), "`keep_headers`");
    }
    rejects(r#"keep_headers=["accept"]"#, "passes anyway");
    let route = only(r#""upstream":"http://o.test","keep_headers":["X-Original-URL"]"#);
    assert_eq!(route.keep_headers, ["x-original-url"]);
}

#[test]
fn rejects_cors_for_every_origin_with_credentials() {
    rejects(
        r#"cors={"origins":["*"],"credentials":true}"#,
        "every origin",
    );
    rejects(r#"cors=["*","https://a.test"]"#, "alone");
    rejects("cors=[]", "must name origins");
}

#[test]
fn rejects_an_origin_in_another_spelling_than_a_browsers() {
    for origin in [
        "a.test",
        "https://a.test/",
        "https://A.test",
        "null",
        "https://a.test:443",
    ] {
        rejects(&format!("cors=[\"{origin}\"]"), "no browser");
    }
}

#[test]
fn rejects_cors_that_is_no_such_thing() {
    rejects("cors=true", "`cors`");
    rejects(
        r#"cors={"origins":["https://a.test"],"origin":[]}"#,
        "unknown field `cors.origin`",
    );
    rejects(
        r#"cors={"origins":["https://a.test"],"headers":["a b"]}"#,
        "no name",
    );
}

#[test]
fn rejects_a_rate_limit_out_of_range() {
    for limit in [
        r#"{"requests":0,"seconds":60}"#,
        r#"{"requests":1,"seconds":0}"#,
    ] {
        rejects(&format!("rate_limit={limit}"), "`rate_limit`");
    }
    rejects("rate_limit=5", "`rate_limit`");
    rejects(
        r#"rate_limit={"requests":1,"seconds":1,"per":"x"}"#,
        "unknown field `rate_limit.per`",
    );
}

#[test]
fn rejects_a_limit_by_session_on_a_public_route() {
    rejects(
        r#"access="public" & rate_limit={"requests":1,"seconds":1,"by":"session"}"#,
        "no sessions",
    );
}

#[test]
fn rejects_a_limit_that_is_exact_and_has_a_binding() {
    rejects(
        r#"rate_limit={"requests":1,"seconds":1,"exact":true,"binding":"L"}"#,
        "either",
    );
    for binding in ["", "A B", "A\\nB"] {
        rejects(
            &format!(r#"rate_limit={{"requests":1,"seconds":1,"binding":"{binding}"}}"#),
            "name of a limiter",
        );
    }
}

#[test]
fn a_limit_counts_sessions_where_there_are_some() {
    let by = |access: &str| {
        let limit = r#""rate_limit":{"requests":1,"seconds":60}"#;
        let route = only(&format!(
            r#""upstream":"http://o.test","access":"{access}",{limit}"#
        ));
        route.rate_limit.as_ref().unwrap().by
    };
    assert_eq!(by("session"), By::Session);
    assert_eq!(by("public"), By::Address);
}
