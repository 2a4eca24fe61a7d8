//! The environment of one future: each wait goes out as an [`Effect`].

use core::{
    cell::{Cell, RefCell},
    fmt,
    future::poll_fn,
    pin::Pin,
    task::Poll,
    time::Duration,
};
use std::rc::Rc;

use super::{Effect, EffectResult, pool};
use crate::{
    audit::DataPoint,
    host::{
        Background, CallError, Clock, HttpAnswer, HttpCall, HttpClient, InRequest, LogSink,
        NoRandomness, Random, Recorder, Sleeper,
        gateway::{
            AdmitOrder, KeepOrder, PageCache, PageOrder, PlatformLimiter, SignOrder, Signer,
        },
        origin::{ForwardPlan, OriginClient, OriginHead},
    },
    telemetry::Context,
    timestamp::Timestamp,
};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// The environment of one future.
#[derive(Clone)]
pub struct EffectHost(Rc<Mailbox>);

#[derive(Default)]
struct Mailbox {
    now: Cell<Timestamp>,
    asked: RefCell<Option<Effect>>,
    result: RefCell<Option<EffectResult>>,
    context: RefCell<Option<Rc<Context>>>,
    log: RefCell<Vec<String>>,
    background: RefCell<Vec<BoxFuture<()>>>,
}

impl fmt::Debug for EffectHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EffectHost")
    }
}

impl EffectHost {
    pub(super) fn new(now: Timestamp) -> Self {
        let mailbox = Mailbox::default();
        mailbox.now.set(now);
        Self(Rc::new(mailbox))
    }

    /// Goes on at `now` with what came of the effect that was asked for.
    pub(super) fn answer(&self, now: Timestamp, result: EffectResult) {
        self.0.now.set(now);
        self.0.result.replace(Some(result));
    }

    /// The effect that is asked for, if one is.
    pub(super) fn take_asked(&self) -> Option<Effect> {
        self.0.asked.take()
    }

    /// The log lines written since they were last taken.
    pub(super) fn take_log(&self) -> Vec<String> {
        self.0.log.take()
    }

    /// Performs what is answered like a call.
    async fn answered(&self, effect: Effect) -> Result<HttpAnswer, CallError> {
        match self.perform(effect).await {
            EffectResult::Answer(answer) => answer,
            _ => Err(CallError::Connection),
        }
    }

    async fn perform(&self, effect: Effect) -> EffectResult {
        self.0.asked.replace(Some(effect));
        poll_fn(|_| match self.0.result.take() {
            Some(result) => Poll::Ready(result),
            None => Poll::Pending,
        })
        .await
    }

    /// All background tasks as one, which runs them in the order they were left.
    pub(super) fn take_background(&self) -> Option<BoxFuture<()>> {
        let tasks = self.0.background.take();
        if tasks.is_empty() {
            return None;
        }
        Some(Box::pin(async move {
            for task in tasks {
                task.await;
            }
        }))
    }
}

impl Clock for EffectHost {
    fn now(&self) -> Timestamp {
        self.0.now.get()
    }
}

impl Random for EffectHost {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        pool::fill(bytes)
    }
}

// A result of another kind than was asked for is a fault of the driver; it counts as no answer.

impl HttpClient for EffectHost {
    async fn call(&self, call: HttpCall) -> Result<HttpAnswer, CallError> {
        self.answered(Effect::Call(call)).await
    }
}

impl OriginClient for EffectHost {
    async fn forward(&self, plan: ForwardPlan) -> Result<OriginHead, CallError> {
        match self.perform(Effect::Forward(plan)).await {
            EffectResult::Head(head) => head,
            _ => Err(CallError::Connection),
        }
    }
}

impl Signer for EffectHost {
    async fn sign(&self, order: SignOrder) -> Result<String, CallError> {
        match self.perform(Effect::Sign(order)).await {
            EffectResult::Signature(signature) => signature,
            _ => Err(CallError::Connection),
        }
    }
}

impl PlatformLimiter for EffectHost {
    async fn admit(&self, order: AdmitOrder) -> Result<bool, CallError> {
        match self.perform(Effect::Admit(order)).await {
            EffectResult::Admitted(admitted) => admitted,
            _ => Err(CallError::Connection),
        }
    }
}

impl PageCache for EffectHost {
    async fn page(&self, order: PageOrder) -> Result<HttpAnswer, CallError> {
        self.answered(Effect::Page(order)).await
    }

    async fn keep(&self, order: KeepOrder) {
        self.perform(Effect::Keep(order)).await;
    }

    async fn recall(&self, key: String) -> Option<String> {
        let answer = self.answered(Effect::Recall(key)).await.ok()?;
        (answer.status == 200).then_some(answer.body)
    }
}

impl Sleeper for EffectHost {
    async fn sleep(&self, duration: Duration) {
        self.perform(Effect::Sleep(duration)).await;
    }
}

impl LogSink for EffectHost {
    fn emit(&self, line: String) {
        self.0.log.borrow_mut().push(line);
    }
}

impl InRequest for EffectHost {
    fn enter(&self, context: Rc<Context>) {
        self.0.context.replace(Some(context));
    }

    fn leave(&self) {
        self.0.context.take();
    }

    fn context(&self) -> Option<Rc<Context>> {
        self.0.context.borrow().clone()
    }
}

impl Recorder for EffectHost {
    async fn record(&self, point: DataPoint) -> bool {
        self.answered(Effect::Record(point)).await.is_ok()
    }
}

impl Background for EffectHost {
    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.0.background.borrow_mut().push(Box::pin(task));
    }
}
