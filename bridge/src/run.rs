//! The program: its commands, and the service put together.

use std::{
    fs,
    io::{self, Write as _},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use axum::{Router, middleware::from_fn_with_state, routing::get};
use tokio::{net::TcpListener, sync::Mutex};

use crate::{
    client::{self, Destination},
    drain::Drain,
    health::{self, Probes},
    limits::{Limits, limit},
    log::{Level, Log},
    metrics::Metrics,
    redis::Pool,
    router::{Options, router},
    serve::{Server, Signals},
    settings::{self, Settings},
    watch::Watch,
};

/// How long the body of a request may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many connections there may be for each request on its way: most are idle.
const CONNECTIONS_PER_REQUEST: usize = 4;

/// The fewest connections that are allowed.
const MIN_CONNECTIONS: usize = 1000;

const USAGE: &str = "\
authflow-bridge                            Redis over HTTP (the REST protocol of Upstash)
authflow-bridge check URL                  exits with 0 if URL answers 2xx within 2 s, else with 1
authflow-bridge call URL --every SECONDS   POSTs to URL now and every so often, until a signal comes
authflow-bridge --help | --version

The bridge is told everything by its environment:

";

/// What the arguments ask for.
#[derive(Debug)]
enum Order {
    Serve,
    Check(Destination),
    Call(Destination, Duration),
    Say(String),
}

/// How it ended badly.
enum End {
    /// What it was told is wrong, and no other try would go better.
    Refused(String),
    Failed(String),
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Does what the arguments and the environment ask for.
pub async fn run() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let outcome = match parse(&arguments) {
        Ok(Order::Say(text)) => io::stdout().write_all(text.as_bytes()).map_err(End::from),
        Ok(Order::Check(destination)) => client::check(&destination).await.map_err(End::Failed),
        Ok(Order::Call(destination, every)) => call(&destination, every).await,
        Ok(Order::Serve) => serve().await,
        Err(problem) => Err(End::Refused(problem)),
    };
    let (code, problem) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(End::Failed(problem)) => (1, problem),
        Err(End::Refused(problem)) => (2, problem),
    };
    for line in problem.lines() {
        let _ = writeln!(io::stderr(), "authflow-bridge: {line}");
    }
    ExitCode::from(code)
}

fn parse(arguments: &[String]) -> Result<Order, String> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [] => Ok(Order::Serve),
        ["-h" | "--help"] => Ok(Order::Say(format!("{USAGE}{}", settings::help()))),
        ["-V" | "--version"] => Ok(Order::Say(format!(
            "authflow-bridge {}\n",
            env!("CARGO_PKG_VERSION")
        ))),
        ["check", url] => Ok(Order::Check(Destination::parse(url)?)),
        ["call", url, "--every", seconds] | ["call", "--every", seconds, url] => {
            let every = seconds.parse().ok().filter(|seconds| *seconds > 0);
            let every =
                every.ok_or_else(|| format!("--every {seconds} is no number of seconds"))?;
            Ok(Order::Call(
                Destination::parse(url)?,
                Duration::from_secs(every),
            ))
        }
        ["check" | "call", ..] => {
            Err("the arguments are not complete; --help shows them".to_owned())
        }
        [unknown, ..] => Err(format!(
            "unknown argument {unknown}; --help shows what there is"
        )),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

async fn call(destination: &Destination, every: Duration) -> Result<(), End> {
    let level = variable("LOG_LEVEL").filter(|level| !level.is_empty());
    let least = level.map_or(Ok(Level::Info), |level| level.parse());
    let log = Log {
        least: least.map_err(|problem| End::Refused(format!("LOG_LEVEL: {problem}")))?,
    };
    client::call(destination, every, &mut Signals::new()?, log).await;
    Ok(())
}

async fn serve() -> Result<(), End> {
    let settings = settings::read(variable, |path| fs::read_to_string(path));
    let settings = settings.map_err(End::Refused)?;
    let log = Log {
        least: settings.level,
    };
    let mut signals = Signals::new()?;
    let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
        End::Refused(format!(
            "BRIDGE_LISTEN: {} cannot be listened on: {error}",
            settings.listen
        ))
    })?;
    log.write(
        Level::Info,
        "started",
        &[
            ("version", env!("CARGO_PKG_VERSION").into()),
            ("listen", listener.local_addr()?.to_string().into()),
            ("redis", settings.pool.target.to_string().into()),
        ],
    );
    let budget = settings.drain;
    let max_connections = (settings.max_in_flight * CONNECTIONS_PER_REQUEST).max(MIN_CONNECTIONS);
    let metrics = Metrics::new().map_err(|error| End::Failed(error.to_string()))?;
    let metrics = Arc::new(metrics);
    let drain = Arc::new(Drain::default());
    let watch = Arc::new(Watch::new(Arc::clone(&metrics), log));
    let (redis, router) = assemble(settings, &metrics, &drain, watch, log);
    let server = Server {
        listener,
        router,
        drain,
        metrics,
        max_connections,
        budget,
    };
    let stopping = || {
        log.write(
            Level::Info,
            "draining",
            &[("seconds", budget.as_secs().into())],
        );
    };
    let cut = tokio::select! {
        cut = server.run(&mut signals, stopping) => cut,
        unfit = redis.unfit() => return Err(End::Refused(unfit.text().to_owned())),
    };
    log.write(Level::Info, "stopped", &[("cut", cut.into())]);
    if cut > 0 {
        let problem = format!("{cut} requests had no answer yet when it had to stop");
        return Err(End::Failed(problem));
    }
    Ok(())
}

fn assemble(
    settings: Settings,
    metrics: &Arc<Metrics>,
    drain: &Arc<Drain>,
    watch: Arc<Watch>,
    log: Log,
) -> (Arc<Pool>, Router) {
    let redis = Arc::new(Pool::new(settings.pool, watch));
    let limits = Limits::new(
        settings.max_in_flight,
        settings.max_body,
        Arc::clone(metrics),
        Arc::clone(drain),
        log,
    );
    let options = Options {
        tokens: settings.tokens,
        max_body: settings.max_body,
        body_timeout: BODY_TIMEOUT,
    };
    let protocol =
        router(Arc::clone(&redis), options).layer(from_fn_with_state(Arc::new(limits), limit));
    let probes = Probes {
        redis: Arc::clone(&redis),
        drain: Arc::clone(drain),
        metrics: Arc::clone(metrics),
        metrics_token: settings.metrics_token,
        found: Mutex::new(None),
    };
    let router = Router::new()
        .route("/health", get(health::health))
        .route("/metrics", get(health::metrics))
        .with_state(Arc::new(probes))
        .fallback_service(protocol);
    (redis, router)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(arguments: &[&str]) -> Result<Order, String> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        parse(&arguments)
    }

    #[test]
    fn knows_its_commands_and_nothing_else() {
        assert!(matches!(order(&[]), Ok(Order::Serve)));
        assert!(
            matches!(order(&["--help"]), Ok(Order::Say(text)) if text.contains("BRIDGE_TOKEN"))
        );
        assert!(matches!(
            order(&["check", "http://a/"]),
            Ok(Order::Check(_))
        ));
        let called = order(&["call", "http://a/", "--every", "60"]);
        assert!(matches!(called, Ok(Order::Call(_, every)) if every == Duration::from_mins(1)));
        for wrong in [
            &["serve"][..],
            &["check"],
            &["call", "http://a/"],
            &["call", "http://a/", "--every", "0"],
            &["--token", "x"],
        ] {
            assert!(order(wrong).is_err(), "{wrong:?}");
        }
    }
}
