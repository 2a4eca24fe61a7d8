//! The companions of a developer's machine, in one program: Redis over HTTP, Supabase and a demo
//! origin.
//!
//! Each listens on loopback alone and knows `/faults` and `/counters`. Nothing here is fit for
//! production.

mod bridge;
mod control;
mod counters;
mod faults;
mod half;
mod origin;
mod serve;
mod settings;
mod supabase;

use std::{
    io::{self, Write as _},
    pin::pin,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use futures_util::future::OptionFuture;
use serde_json::json;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{oneshot, watch},
};

use crate::{
    control::{control, method_and_path},
    counters::Counters,
    serve::Listener,
    settings::{Order, Settings},
};

/// How long Redis may take to answer at the start.
const REDIS_PATIENCE: Duration = Duration::from_secs(10);

// The keys of a developer's machine: public knowledge, worth nothing anywhere else.
const ANON_KEY: &str = "local-anon";
const SERVICE_KEY: &str = "local-service";
const JWT_SECRET: &str = "local-jwt-secret-of-at-least-32-characters";

/// What the Supabase stand-in has beside the real service's paths; no fault stops a test there.
const SUPABASE_KNOBS: [&str; 5] = [
    "/clock",
    "/config",
    "/outbox",
    "/provider/authorize",
    "/reset",
];

#[tokio::main]
async fn main() -> ExitCode {
    // An argument or variable that is no text cannot be one of ours.
    let arguments = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned());
    let variable = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
    let outcome = match settings::read(arguments, variable) {
        Ok(Order::Help) => say(&settings::help()),
        Ok(Order::Start(settings)) => run(*settings).await,
        Err(text) => Err(text),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("authflow-local: {text}");
            ExitCode::FAILURE
        }
    }
}

async fn run(settings: Settings) -> Result<(), String> {
    let mut end = pin!(end(settings.stop_with_stdin)?);
    let bridge_listener = Listener::bind("the bridge", settings.bridge_port).await?;
    let supabase_listener = Listener::bind("Supabase", settings.supabase_port).await?;
    let origin_listener = Listener::bind("the origin", settings.origin_port).await?;
    let ready = json!({
        "ready": true,
        "bridge": bridge_listener.url(),
        "supabase": supabase_listener.url(),
        "origin": origin_listener.url(),
    });

    let counters = Arc::new(Counters::with_commands());
    let redis = Arc::new(bridge::pool(&settings.redis, Arc::clone(&counters))?);
    tokio::select! {
        ready = redis.wait(REDIS_PATIENCE) => ready.map_err(|problem| {
            format!("{problem}. Start one there (redis-server --port …) or name another with --redis-url.")
        })?,
        () = &mut end => return Ok(()),
    }

    let bridge = bridge::router(redis, &settings.token);
    let bridge = control(bridge, counters, |parts| {
        Some(authflow_bridge::kind(parts.uri.path()).to_owned())
    });
    let supabase = supabase::router(supabase::Settings {
        url: supabase_listener.url(),
        site_url: settings.site_url,
        gateway_url: settings.gateway_url,
        anon_key: ANON_KEY.to_owned(),
        service_key: SERVICE_KEY.to_owned(),
        jwt_secret: JWT_SECRET.to_owned(),
        autoconfirm: false,
        postgres: settings.postgres,
    });
    let supabase = control(supabase, Arc::default(), |parts| {
        let knob = SUPABASE_KNOBS.contains(&parts.uri.path());
        // `/auth/v1/token` and `/rest/v1/table` differ in their third segment, functions in the fourth.
        let depth = if parts.uri.path().starts_with("/rest/v1/rpc/") {
            4
        } else {
            3
        };
        (!knob).then(|| method_and_path(parts, depth))
    });
    let origin = control(origin::router(), Arc::default(), |parts| {
        Some(method_and_path(parts, 1))
    });

    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(async {
        tokio::join!(
            bridge_listener.serve(bridge, stopped.clone()),
            supabase_listener.serve(supabase, stopped.clone()),
            origin_listener.serve(origin, stopped),
        );
    });
    say(&format!("{ready}\n"))?;
    end.await;
    let _ = stop.send(true);
    serving.await.map_err(|error| error.to_string())
}

/// Ends when the program should: a signal came, or standard input ended where that counts.
fn end(stop_with_stdin: bool) -> Result<impl Future<Output = ()>, String> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let stdin = stop_with_stdin.then(stdin_ended);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            Some(_) = OptionFuture::from(stdin) => {}
        }
    })
}

/// Receives an error once standard input has ended.
fn stdin_ended() -> oneshot::Receiver<()> {
    let (ended, receiver) = oneshot::channel();
    // A thread of its own: a read of standard input cannot be given up, and tokio would wait for
    // it.
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        drop(ended);
    });
    receiver
}

fn say(text: &str) -> Result<(), String> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| format!("standard output: {error}"))
}
