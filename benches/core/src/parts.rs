//! The two pure functions that everything else stands on.

use std::rc::Rc;

use authflow_shared::{fingerprint::Likeness, session::store::SessionLookup};
use authflow_verify::{
    canonical::CanonicalRequest,
    decide::{Credential, decide},
    facts::Facts,
    routes::Policy,
};
use divan::Bencher;

use crate::gateway::{MOMENT, PROTECTED, facts, record, token};

#[divan::bench]
fn canonical_request(bencher: Bencher<'_, '_>) {
    let text = facts(PROTECTED, Some(&token()));
    let facts = Facts::parse(&text).expect("facts that are whole");
    bencher.bench(|| CanonicalRequest::parse(&facts));
}

#[divan::bench]
fn decision(bencher: Bencher<'_, '_>) {
    let policy = Policy::Session {
        roles: vec!["authenticated".into()],
        second_factor: false,
    };
    let credential = Credential::Session {
        lookup: SessionLookup::Found(Rc::new(record())),
        device: Likeness::Same,
    };
    bencher
        .with_inputs(|| credential.clone())
        .bench_local_values(|credential| decide(&policy, credential, MOMENT));
}
