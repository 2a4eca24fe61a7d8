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
    /// Reads the files, or says which of them is wrong.
    pub(crate) fn new(files: &TlsFiles) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        match &files.authority {
            None => roots = public_roots(),
            Some(path) => {
                for certificate in certificates(path)? {
                    roots
                        .add(certificate)
                        .map_err(|error| unusable(path, &error))?;
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
                    .map_err(|error| unusable(key_path, &error))?;
                builder
                    .with_client_auth_cert(certificates(certificate)?, key)
                    .map_err(|error| unusable(key_path, &error))?
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

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable(path, &error))?;
    if certificates.is_empty() {
        return Err(unusable(path, &"there is no certificate in it"));
    }
    Ok(certificates)
}

fn unusable(path: &Path, error: &impl ToString) -> String {
    format!("{}: {}", path.display(), error.to_string())
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
            assert!(Tls::new(&files).unwrap_err().starts_with(path));
        }
    }

    #[test]
    fn without_files_the_public_authorities_count() {
        assert!(Tls::new(&TlsFiles::default()).is_ok());
        assert!(public_roots().len() > 50);
    }
}
