//! TLS to Redis.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// An encrypted stream.
pub(crate) type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

/// Whom to believe, and who we are.
#[derive(Clone)]
pub struct Tls(TlsConnector);

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tls")
    }
}

/// The settings that name the files.
const AUTHORITY: &str = "REDIS_CA_FILE";
const CERTIFICATE: &str = "REDIS_CERT_FILE";
const KEY: &str = "REDIS_KEY_FILE";

/// The files with what is not public.
#[derive(Debug, Default)]
pub(crate) struct TlsFiles {
    /// The authority that signed the server's certificate; without it, those that browsers trust.
    pub(crate) authority: Option<PathBuf>,
    /// Our own certificate and its key, where the server asks for one.
    pub(crate) own: Option<(PathBuf, PathBuf)>,
}

/// The authorities that browsers trust, so that no image needs a list of its own.
pub(crate) fn public_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

impl Tls {
    /// Reads the files, or says which of them is wrong: by the setting's name, because what was given for a path
    /// may be the key itself.
    pub(crate) fn new(files: &TlsFiles) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        match &files.authority {
            None => roots = public_roots(),
            Some(path) => {
                for certificate in certificates(AUTHORITY, path)? {
                    roots
                        .add(certificate)
                        .map_err(|error| unusable(AUTHORITY, &error))?;
                }
            }
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        let config = match &files.own {
            None => builder.with_no_client_auth(),
            Some((certificate, key_path)) => {
                let key = PrivateKeyDer::from_pem_file(key_path)
                    .map_err(|error| unusable(KEY, &error))?;
                builder
                    .with_client_auth_cert(certificates(CERTIFICATE, certificate)?, key)
                    .map_err(|error| unusable(KEY, &error))?
            }
        };
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Speaks TLS over `stream`, if who is there proves to be `host`.
    pub(crate) async fn connect(&self, host: &str, stream: TcpStream) -> Result<TlsStream, String> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("{host} is no name that a certificate can have"))?;
        let stream = self.0.connect(name, stream).await;
        stream.map_err(|error| format!("TLS: {error}"))
    }
}

fn certificates(name: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(name, &error))?;
    if certificates.is_empty() {
        return Err(unusable(name, &"there is no certificate in it"));
    }
    Ok(certificates)
}

fn unusable(name: &str, error: &impl ToString) -> String {
    format!("{name}: the file cannot be used: {}", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_holds_no_certificate_is_named() {
        for path in ["/nowhere/ca.pem", "Cargo.toml"] {
            let files = TlsFiles {
                authority: Some(path.into()),
                own: None,
            };
            let problem = Tls::new(&files).unwrap_err();
            assert!(problem.starts_with("REDIS_CA_FILE: ") && !problem.contains(path));
        }
    }

    #[test]
    fn without_files_the_public_authorities_count() {
        assert!(Tls::new(&TlsFiles::default()).is_ok());
        assert!(public_roots().len() > 50);
    }
}
