//! An origin that believes the gateway's assertion, and nothing else, about who asks. Settings:
//! `PORT`; `GATEWAY_URL`, the issuer; `ORIGIN_URL`, this origin as the gateway's route names it,
//! the audience.

use std::{env, error::Error, time::Duration, time::Instant};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};
use tiny_http::{Header, Response, Server};

fn main() -> Result<(), Box<dyn Error>> {
    let setting = |name| env::var(name).ok().filter(|value| !value.is_empty()).ok_or(format!("{name} is not set"));
    let (port, gateway, origin) = (setting("PORT")?, setting("GATEWAY_URL")?, setting("ORIGIN_URL")?);
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_issuer(&[&gateway]);
    rules.set_audience(&[origin]);
    // Otherwise a claim that is missing would pass.
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // Seconds between two clocks.
    rules.leeway = 5;

    let url = format!("{gateway}/.well-known/authflow/jwks.json");
    let (mut keys, mut fetched) = (JwkSet { keys: Vec::new() }, None::<Instant>);
    let mut verify = |assertion: &str| -> Result<Value, Box<dyn Error>> {
        let kid = decode_header(assertion)?.kid.ok_or("it names no key")?;
        // The keys are fetched every ten minutes, and for an unknown one, but never twice within
        // five seconds.
        let older = |seconds| fetched.is_none_or(|at| at.elapsed() > Duration::from_secs(seconds));
        if older(600) || keys.find(&kid).is_none() && older(5) {
            fetched = Some(Instant::now());
            let request = ureq::get(&url).config().timeout_global(Some(Duration::from_secs(5))).build();
            keys = request.call()?.body_mut().read_json()?;
        }
        let key = DecodingKey::from_jwk(keys.find(&kid).ok_or("its key is unknown")?)?;
        let claims: Value = decode(assertion, &key, &rules)?.claims;
        Ok(json!({ "user": claims["sub"], "email": claims["email"], "role": claims["role"] }))
    };

    let kind = Header::from_bytes("Content-Type", "application/json").map_err(|()| "not a header")?;
    let server = Server::http(format!("127.0.0.1:{port}")).map_err(|error| error.to_string())?;
    println!("listening on 127.0.0.1:{port}");
    for request in server.incoming_requests() {
        let header = request.headers().iter().find(|header| header.field.equiv("X-AuthFlow-Assertion"));
        let response = match verify(header.map_or("", |header| header.value.as_str())) {
            Ok(who) => Response::from_string(who.to_string()).with_header(kind.clone()),
            Err(error) => Response::from_string(format!("no valid assertion: {error}\n")).with_status_code(401),
        };
        // Whoever asked may be gone.
        let _ = request.respond(response);
    }
    Ok(())
}
