//! Code challenges, by which whoever starts a flow is known again at its end.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{error::AuthError, params::Params};

/// What a flow's code is exchanged against.
#[derive(Clone)]
pub(super) struct CodeChallenge {
    text: String,
    is_hash: bool,
}

impl CodeChallenge {
    /// Reads a challenge and its method; neither is fine, too. `strange` is what an unknown method
    /// is answered with.
    pub(super) fn read(
        text: &str,
        method: &str,
        strange: fn() -> AuthError,
    ) -> Result<Option<Self>, AuthError> {
        if text.is_empty() && method.is_empty() {
            return Ok(None);
        }
        if text.is_empty() || method.is_empty() {
            return Err(AuthError::validation(
                "PKCE flow requires code_challenge_method and code_challenge",
            ));
        }
        if !(43..=128).contains(&text.len()) {
            return Err(AuthError::validation(
                "code challenge has to be between 43 and 128 characters",
            ));
        }
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        {
            return Err(AuthError::validation(
                "code challenge can only contain alphanumeric characters, hyphens, periods, \
                 underscores and tildes",
            ));
        }
        let is_hash = match method.to_ascii_lowercase().as_str() {
            "s256" => true,
            "plain" => false,
            _ => return Err(strange()),
        };
        Ok(Some(Self {
            text: text.to_owned(),
            is_hash,
        }))
    }

    /// Whether a verifier is the one that the challenge was made of.
    pub(super) fn is_met_by(&self, verifier: &str) -> bool {
        let given = if self.is_hash {
            URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
        } else {
            verifier.to_owned()
        };
        self.text.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

/// The challenge of a request that will send a mail, if it carries one.
pub(super) fn requested(params: &Params) -> Result<Option<CodeChallenge>, AuthError> {
    let text = params.text("code_challenge")?;
    let method = params.text("code_challenge_method")?;
    CodeChallenge::read(&text, &method, || {
        AuthError::unhandled("Unexpected failure, please check server logs for more information")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn met(text: &str, method: &str, verifier: &str) -> bool {
        let challenge = CodeChallenge::read(text, method, AuthError::lost).unwrap();
        challenge.unwrap().is_met_by(verifier)
    }

    #[test]
    fn a_challenge_is_met_by_its_verifier_alone() {
        // The example of RFC 7636.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(met(challenge, "S256", verifier));
        assert!(!met(challenge, "S256", challenge));
        assert!(met(verifier, "plain", verifier));
        assert!(!met(challenge, "plain", verifier));
    }
}
