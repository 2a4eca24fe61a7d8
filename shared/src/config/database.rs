//! What both workers are told of the database.

use core::time::Duration;
use std::rc::Rc;

use super::{Common, Reader};
use crate::{
    secret::Secret,
    session::{database::Settings, debts::Debts},
};

/// Reads `SUPABASE_SERVICE_ROLE_KEY`, `DATABASE_FALLBACK` and `DATABASE_TIMEOUT_MS`, for the project at
/// `url`. `None` where sessions are kept in Redis alone, because there is no key or because that is
/// asked for.
pub fn read(
    reader: &mut Reader<'_>,
    common: Option<&Common>,
    url: Option<&str>,
) -> Option<Rc<Settings>> {
    let is_on = reader.number("DATABASE_FALLBACK", 1, 0..=1) == 1;
    let timeout = reader.number("DATABASE_TIMEOUT_MS", 1000, 50..=10_000);
    let key = reader.word("SUPABASE_SERVICE_ROLE_KEY")?;
    let (common, url) = (common?, url?);
    is_on.then(|| {
        Rc::new(Settings {
            url: url.to_owned(),
            key: Secret::new(key),
            timeout: Duration::from_millis(timeout),
            dependency: common.dependency("database"),
            debts: Debts::default(),
        })
    })
}
