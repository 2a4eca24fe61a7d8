//! The protocol: requests in HTTP become commands, and replies become answers.
//!
//! Known: `POST /`, commands in the path, `/pipeline`, `/multi-exec`, `Upstash-Encoding: base64`,
//! `Upstash-Response-Format: resp2`, sync tokens, scripts with `allow-key-locking`. Not known: the
//! event streams `/subscribe`, `/psubscribe` and `/monitor`, read-only tokens, and Upstash's own
//! limit on keys.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use redis::Value;
use tokio::time::timeout;

use crate::{
    command::Command,
    forbidden,
    memory::{self, Held, Memory, Shape},
    redis::Pool,
    refusal::{OVERLOADED, Refusal, refuse},
    reply::{self, Format, Outcome},
    scripts::{Prepared, Scripts},
    tokens::Tokens,
};

const SYNC_TOKEN: &str = "upstash-sync-token";

/// What the protocol leaves to whoever runs it.
#[derive(Debug)]
pub struct Options {
    /// Who may use it.
    pub tokens: Tokens,
    /// The largest body of a request.
    pub max_body: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
}

/// The most commands of a request. AuthFlow sends fewer than fifty.
const MAX_COMMANDS: usize = 10_000;

/// How a request is answered, and from which memory.
#[derive(Clone, Copy)]
struct Ask<'a> {
    format: Format,
    memory: Option<&'a Memory>,
}

struct Bridge {
    redis: Arc<Pool>,
    options: Options,
    scripts: Scripts,
    answers: AtomicU64,
}

/// The bridge's routes.
pub fn router(redis: Arc<Pool>, options: Options) -> Router {
    let bridge = Bridge {
        redis,
        options,
        scripts: Scripts::default(),
        answers: AtomicU64::new(0),
    };
    Router::new().fallback(answer).with_state(Arc::new(bridge))
}

async fn answer(State(bridge): State<Arc<Bridge>>, request: Request) -> Response {
    let mut response = match bridge.handle(request).await {
        Ok(response) => response,
        Err((status, text)) => reply::error(status, &text),
    };
    let number = bridge.answers.fetch_add(1, Ordering::Relaxed);
    // Opaque to clients, and every answer of one server is in sync with every other.
    if let Ok(token) = HeaderValue::try_from(format!("bridge-{number}")) {
        response.headers_mut().insert(SYNC_TOKEN, token);
    }
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(
            header::ALLOW,
            HeaderValue::from_static("GET, HEAD, POST, PUT"),
        );
    }
    response
}

impl Bridge {
    async fn handle(&self, request: Request) -> Result<Response, Refusal> {
        let (parts, body) = request.into_parts();
        if !self.options.tokens.allow(&parts) {
            return Err(refuse(
                StatusCode::UNAUTHORIZED,
                "WRONGPASS invalid or missing auth token",
            ));
        }
        let with_body = match parts.method {
            Method::POST | Method::PUT => true,
            Method::GET | Method::HEAD => false,
            _ => {
                return Err(refuse(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "ERR method not allowed",
                ));
            }
        };
        let format = Format::of(&parts.headers)?;
        let memory = parts.extensions.get::<Memory>();
        let body = if with_body {
            let limit = self.options.max_body;
            timeout(self.options.body_timeout, to_bytes(body, limit))
                .await
                .map_err(|_| {
                    refuse(
                        StatusCode::REQUEST_TIMEOUT,
                        "ERR the body did not arrive in time",
                    )
                })?
                .map_err(|_| too_large(&parts, limit))?
        } else {
            Vec::new().into()
        };
        // What costs memory is known before anything is made of the body, and the body is let go of before Redis is
        // asked.
        let (path, query) = (parts.uri.path(), parts.uri.query());
        let shape = match path {
            "/" => Shape::of_json(&body, false),
            "/pipeline" | "/multi-exec" => Shape::of_json(&body, true),
            path => Shape::of_path(path, query),
        };
        if shape.commands > MAX_COMMANDS {
            return Err(too_many(shape.commands));
        }
        let _held = hold(memory, |memory| memory.take_for(shape))?;
        let ask = Ask { format, memory };
        match path {
            "/" if with_body => {
                let command = Command::from_json(&body)?;
                drop(body);
                self.single(command, ask).await
            }
            "/pipeline" if with_body => {
                let commands = Command::many_from_json(&body)?;
                drop(body);
                self.pipeline(commands, ask).await
            }
            "/multi-exec" if with_body => {
                let commands = Command::many_from_json(&body)?;
                drop(body);
                self.multi_exec(commands, ask).await
            }
            "/pipeline" | "/multi-exec" => Err(refuse(
                StatusCode::METHOD_NOT_ALLOWED,
                "ERR method not allowed",
            )),
            path => {
                let command = Command::from_path(path, &body, query)?;
                drop(body);
                self.single(command, ask).await
            }
        }
    }

    async fn single(&self, command: Command, ask: Ask<'_>) -> Result<Response, Refusal> {
        let prepared = self
            .prepare(command)
            .map_err(|text| refuse(status_of(&text), text))?;
        let (replies, _held) = self.run(std::slice::from_ref(&prepared), ask).await?;
        let outcome = replies
            .into_iter()
            .next()
            .map_or(Outcome::Value(Value::Nil), |value| {
                outcome(&prepared, value)
            });
        Ok(reply::single(&outcome, ask.format))
    }

    async fn pipeline(&self, commands: Vec<Command>, ask: Ask<'_>) -> Result<Response, Refusal> {
        let prepared: Vec<Result<Prepared, String>> = commands
            .into_iter()
            .map(|command| self.prepare(command))
            .collect();
        let good: Vec<&Prepared> = prepared.iter().flatten().collect();
        let (replies, _held) = self.run(&good, ask).await?;
        let mut replies = replies.into_iter();
        let outcomes = prepared.iter().map(|prepared| match prepared {
            Ok(prepared) => outcome(prepared, replies.next().unwrap_or(Value::Nil)),
            Err(text) => Outcome::Error(text.clone()),
        });
        Ok(reply::many(outcomes, ask.format))
    }

    /// One contiguous MULTI..EXEC: on a shared connection nothing can come between.
    async fn multi_exec(&self, commands: Vec<Command>, ask: Ask<'_>) -> Result<Response, Refusal> {
        if ask.format == Format::Resp2 {
            return Err(refuse(
                StatusCode::BAD_REQUEST,
                "ERR resp2 response format is not supported for multi-exec",
            ));
        }
        let discarded = |text: String| refuse(StatusCode::BAD_REQUEST, text);
        let prepared = commands
            .into_iter()
            .map(|command| self.prepare(command))
            .collect::<Result<Vec<_>, _>>()
            .map_err(discarded)?;
        let (multi, exec) = (Prepared::plain("MULTI"), Prepared::plain("EXEC"));
        let batch: Vec<&Prepared> = std::iter::once(&multi)
            .chain(&prepared)
            .chain(std::iter::once(&exec))
            .collect();
        let (mut replies, _held) = self.run(&batch, ask).await?;
        match replies.pop() {
            Some(Value::Array(values)) => Ok(reply::many(
                prepared
                    .iter()
                    .zip(values)
                    .map(|(prepared, value)| outcome(prepared, value)),
                ask.format,
            )),
            // Discarded as a whole: the first command that could not be queued says why.
            last => {
                let first = replies
                    .into_iter()
                    .chain(last)
                    .find_map(|reply| match reply {
                        Value::ServerError(error) => Some(reply::error_text(&error)),
                        _ => None,
                    });
                Err(discarded(first.unwrap_or_else(|| {
                    "EXECABORT Transaction discarded.".to_owned()
                })))
            }
        }
    }

    /// Counts a command and makes it fit for Redis, or says why it may not go there.
    fn prepare(&self, command: Command) -> Result<Prepared, String> {
        self.redis.tell(&command);
        forbidden::check(&command)?;
        Ok(self.scripts.prepare(command))
    }

    /// The replies, and the memory that they and the answer take.
    async fn run<P: AsRef<Command>>(
        &self,
        commands: &[P],
        ask: Ask<'_>,
    ) -> Result<(Vec<Value>, Option<Held>), Refusal> {
        let replies = self.redis.run(commands).await.map_err(|failure| {
            refuse(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("ERR Redis is unreachable: {failure}"),
            )
        })?;
        let held = hold(ask.memory, |memory| memory.take(memory::cost(&replies)))?;
        Ok((replies, held))
    }
}

/// A part of the memory, where it is counted at all.
fn hold(
    memory: Option<&Memory>,
    take: impl FnOnce(&Memory) -> Option<Held>,
) -> Result<Option<Held>, Refusal> {
    let overloaded = || refuse(StatusCode::SERVICE_UNAVAILABLE, OVERLOADED);
    memory
        .map(|memory| take(memory).ok_or_else(overloaded))
        .transpose()
}

fn outcome(prepared: &Prepared, value: Value) -> Outcome {
    forbidden::check_size(Outcome::from(prepared.restore(value)))
}

/// A refused command is a bad request, and one that is too large has a status of its own.
fn status_of(text: &str) -> StatusCode {
    if text.starts_with(forbidden::TOO_LARGE) {
        StatusCode::PAYLOAD_TOO_LARGE
    } else {
        StatusCode::BAD_REQUEST
    }
}

fn too_large(parts: &Parts, limit: usize) -> Refusal {
    let length = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    refuse(
        StatusCode::PAYLOAD_TOO_LARGE,
        forbidden::too_large(limit, length.unwrap_or(limit + 1)),
    )
}

fn too_many(commands: usize) -> Refusal {
    refuse(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!(
            "ERR max number of commands exceeded. Limit: {MAX_COMMANDS}, Actual: {commands}. Send them in several requests"
        ),
    )
}
