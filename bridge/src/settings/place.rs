//! Where Redis is, by one URL or by its Sentinels, and whom to believe there.

use std::{io, path::PathBuf};

use super::{
    Reader,
    variable::{
        REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE, REDIS_URL, SENTINEL_DATABASE,
        SENTINEL_MASTER, SENTINEL_TLS, SENTINELS,
    },
};
use crate::redis::{Address, Target, Tls, TlsFiles};

impl<V: Fn(&str) -> Option<String>, F: Fn(&str) -> io::Result<String>> Reader<V, F> {
    /// What to ask for Redis, the database's number, and TLS.
    pub(super) fn place(&mut self) -> Option<(Target, i64, Option<Tls>)> {
        let (target, database, is_encrypted) = match (
            self.given(&REDIS_URL),
            self.given(&SENTINELS),
        ) {
            (Some(_), Some(_)) => {
                self.fault(
                    &REDIS_URL,
                    "and REDIS_SENTINELS are both set; leave one out",
                );
                return None;
            }
            (None, None) => {
                self.fault(&REDIS_URL, "is missing, and so is REDIS_SENTINELS; say where Redis is, as redis://host:6379/0");
                return None;
            }
            (Some(url), None) => match parse_url(&url) {
                Ok((address, database, is_encrypted)) => {
                    (Target::Server(address), database, is_encrypted)
                }
                Err(problem) => {
                    self.fault(&REDIS_URL, &problem);
                    return None;
                }
            },
            (None, Some(list)) => self.sentinels(&list)?,
        };
        let path = |variable| self.given(variable).map(PathBuf::from);
        let (certificate, key) = (path(&REDIS_CERT_FILE), path(&REDIS_KEY_FILE));
        let authority = path(&REDIS_CA_FILE);
        if !is_encrypted {
            if authority.is_some() || certificate.is_some() || key.is_some() {
                let problem = "or REDIS_CERT_FILE or REDIS_KEY_FILE is set, but TLS is not asked for; write rediss:// or set REDIS_SENTINEL_TLS=1";
                self.fault(&REDIS_CA_FILE, problem);
                return None;
            }
            return Some((target, database, None));
        }
        let own = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                self.fault(
                    &REDIS_CERT_FILE,
                    "and REDIS_KEY_FILE go together; set both or none",
                );
                return None;
            }
        };
        match Tls::new(&TlsFiles { authority, own }) {
            Ok(tls) => Some((target, database, Some(tls))),
            Err(problem) => {
                self.faults.push(problem);
                None
            }
        }
    }

    fn sentinels(&mut self, list: &str) -> Option<(Target, i64, bool)> {
        let addresses: Result<Vec<Address>, _> = list
            .split(',')
            .map(|address| address.trim().parse())
            .collect();
        let Ok(addresses) = addresses else {
            self.fault(
                &SENTINELS,
                "must be host:port, several by commas, without redis://, user or password",
            );
            return None;
        };
        let Some(master) = self.given(&SENTINEL_MASTER) else {
            self.fault(
                &SENTINEL_MASTER,
                "is missing: the name in the Sentinels' `sentinel monitor NAME …`",
            );
            return None;
        };
        let is_encrypted = self.number(&SENTINEL_TLS, 0, 1)? == 1;
        let database = self.number(&SENTINEL_DATABASE, 0, 65_535)?;
        let target = Target::Sentinels { addresses, master };
        Some((target, i64::try_from(database).ok()?, is_encrypted))
    }
}

/// The address, the database's number, and whether TLS is asked for. What is wrong is told without the URL,
/// which may hold a password.
fn parse_url(url: &str) -> Result<(Address, i64, bool), String> {
    const FORM: &str = "must be redis://host:6379/0, or rediss:// for TLS";
    let (scheme, rest) = url.split_once("://").ok_or(FORM)?;
    let is_encrypted = match scheme {
        "redis" => false,
        "rediss" => true,
        _ => return Err(FORM.to_owned()),
    };
    if rest.contains('@') {
        return Err(
            "holds a user or a password; put them into REDIS_USERNAME and REDIS_PASSWORD, so that they are in no log"
                .to_owned(),
        );
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.contains(']'));
    let authority = if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:6379")
    };
    let address = authority.parse().map_err(|_| FORM.to_owned())?;
    let database = match path {
        "" => 0,
        path => path.parse::<u16>().map_err(|_| FORM.to_owned())?,
    };
    Ok((address, database.into(), is_encrypted))
}
