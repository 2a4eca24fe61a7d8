//! An environment for tests: time moves when told, and calls fail when told.

use core::{cell::RefCell, pin::Pin, time::Duration};
use std::{
    collections::{BTreeMap, VecDeque},
    rc::Rc,
};

use super::{
    Background, CallError, Clock, HttpAnswer, HttpCall, HttpClient, InRequest, LogSink,
    NoRandomness, Random, Recorder, Sleeper,
    gateway::{AdmitOrder, KeepOrder, PageCache, PageOrder, PlatformLimiter, SignOrder, Signer},
    origin::{ForwardPlan, OriginClient, OriginHead},
};
use crate::{audit::DataPoint, telemetry::Context, timestamp::Timestamp};

/// What a [`FakeHost`] does with a call.
type Responder = Box<dyn FnMut(&HttpCall) -> Result<HttpAnswer, CallError>>;

/// How a call fails: before the other side saw it, or after it took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// The other side never sees the call.
    Before(CallError),
    /// The other side does what was asked, but its answer is lost.
    After(CallError),
}

/// A made-up environment; clones share it.
#[derive(Clone)]
pub struct FakeHost(Rc<RefCell<World>>);

struct World {
    now: Timestamp,
    next_random: u8,
    responder: Responder,
    breakages: VecDeque<Option<Breakage>>,
    calls: Vec<HttpCall>,
    origin: Result<OriginHead, CallError>,
    origin_failures: VecDeque<CallError>,
    plans: Vec<ForwardPlan>,
    signed: Vec<String>,
    signs: bool,
    admits: Result<bool, CallError>,
    asked_limiter: Vec<AdmitOrder>,
    page: Result<HttpAnswer, CallError>,
    asked_pages: Vec<PageOrder>,
    kept: BTreeMap<String, String>,
    slept: Vec<Duration>,
    lines: Vec<String>,
    points: Vec<DataPoint>,
    context: Option<Rc<Context>>,
    tasks: VecDeque<Pin<Box<dyn Future<Output = ()>>>>,
}

impl core::fmt::Debug for FakeHost {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FakeHost")
    }
}

impl FakeHost {
    /// An environment at `now` whose calls are answered by `responder`.
    pub fn new(
        now: Timestamp,
        responder: impl FnMut(&HttpCall) -> Result<HttpAnswer, CallError> + 'static,
    ) -> Self {
        Self(Rc::new(RefCell::new(World {
            now,
            next_random: 0,
            responder: Box::new(responder),
            breakages: VecDeque::new(),
            calls: Vec::new(),
            origin: Ok(OriginHead {
                status: 200,
                ..OriginHead::default()
            }),
            origin_failures: VecDeque::new(),
            plans: Vec::new(),
            signed: Vec::new(),
            signs: true,
            admits: Ok(true),
            asked_limiter: Vec::new(),
            page: Err(CallError::Connection),
            asked_pages: Vec::new(),
            kept: BTreeMap::new(),
            slept: Vec::new(),
            lines: Vec::new(),
            points: Vec::new(),
            context: None,
            tasks: VecDeque::new(),
        })))
    }

    /// An environment in which every call is answered 200 with `body`.
    pub fn answering(body: &str) -> Self {
        let body = body.to_owned();
        Self::new(Timestamp::from_seconds(1_800_000_000), move |_| {
            Ok(HttpAnswer {
                status: 200,
                body: body.clone(),
            })
        })
    }

    /// Moves time forward.
    pub fn advance(&self, duration: Duration) {
        let mut world = self.0.borrow_mut();
        world.now = world.now.after(duration);
    }

    /// Sets the clock forward, or back, by so many milliseconds.
    pub fn step(&self, millis: i64) {
        let mut world = self.0.borrow_mut();
        world.now = Timestamp::from_millis(world.now.millis().saturating_add_signed(millis));
    }

    /// Lets every call to come succeed.
    pub fn mend(&self) {
        self.0.borrow_mut().breakages.clear();
    }

    /// Makes the next call fail, or the one after those already spoken of.
    pub fn break_next(&self, breakage: Breakage) {
        self.0.borrow_mut().breakages.push_back(Some(breakage));
    }

    /// Lets the next call pass, so that [`FakeHost::break_next`] means the one after it.
    pub fn pass_next(&self) {
        self.0.borrow_mut().breakages.push_back(None);
    }

    /// Forgets the calls, requests and lines of before.
    pub fn forget(&self) {
        let mut world = self.0.borrow_mut();
        world.calls.clear();
        world.plans.clear();
        world.lines.clear();
    }

    /// The calls the other side saw, oldest first.
    pub fn calls(&self) -> Vec<HttpCall> {
        self.0.borrow().calls.clone()
    }

    /// What the origin answers from now on; at first 200.
    pub fn set_origin(&self, head: Result<OriginHead, CallError>) {
        self.0.borrow_mut().origin = head;
    }

    /// Makes the next request to an origin fail, or the one after those already spoken of.
    pub fn break_origin(&self, error: CallError) {
        self.0.borrow_mut().origin_failures.push_back(error);
    }

    /// What was signed. The signature of anything is `signature`.
    pub fn signed(&self) -> Vec<String> {
        self.0.borrow().signed.clone()
    }

    /// Lets signing fail from now on.
    pub fn break_signing(&self) {
        self.0.borrow_mut().signs = false;
    }

    /// What the platform's rate limiters say from now on; at first yes.
    pub fn set_admits(&self, admits: Result<bool, CallError>) {
        self.0.borrow_mut().admits = admits;
    }

    /// What the platform's rate limiters were asked.
    pub fn asked_limiter(&self) -> Vec<AdmitOrder> {
        self.0.borrow().asked_limiter.clone()
    }

    /// What the auth worker answers from now on that is asked for a page; at first nothing.
    pub fn set_page(&self, page: Result<HttpAnswer, CallError>) {
        self.0.borrow_mut().page = page;
    }

    /// The pages that the auth worker was asked for.
    pub fn asked_pages(&self) -> Vec<PageOrder> {
        self.0.borrow().asked_pages.clone()
    }

    /// What is kept, by its address.
    pub fn kept(&self) -> BTreeMap<String, String> {
        self.0.borrow().kept.clone()
    }

    /// Keeps other things from now on.
    pub fn set_kept(&self, kept: BTreeMap<String, String>) {
        self.0.borrow_mut().kept = kept;
    }

    /// The requests the origin got.
    pub fn plans(&self) -> Vec<ForwardPlan> {
        self.0.borrow().plans.clone()
    }

    /// The waits so far.
    pub fn slept(&self) -> Vec<Duration> {
        self.0.borrow().slept.clone()
    }

    /// The log lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.borrow().lines.clone()
    }

    /// The data points so far.
    pub fn points(&self) -> Vec<DataPoint> {
        self.0.borrow().points.clone()
    }

    /// Takes the next task that was left for after the response.
    pub fn next_task(&self) -> Option<Pin<Box<dyn Future<Output = ()>>>> {
        self.0.borrow_mut().tasks.pop_front()
    }
}

impl Clock for FakeHost {
    fn now(&self) -> Timestamp {
        self.0.borrow().now
    }
}

impl Random for FakeHost {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        let mut world = self.0.borrow_mut();
        for byte in bytes {
            *byte = world.next_random;
            world.next_random = world.next_random.wrapping_add(1);
        }
        Ok(())
    }
}

impl HttpClient for FakeHost {
    async fn call(&self, call: HttpCall) -> Result<HttpAnswer, CallError> {
        let mut world = self.0.borrow_mut();
        let breakage = world.breakages.pop_front().flatten();
        if let Some(Breakage::Before(error)) = breakage {
            return Err(error);
        }
        let answer = (world.responder)(&call);
        world.calls.push(call);
        match breakage {
            Some(Breakage::After(error)) => Err(error),
            _ => answer,
        }
    }
}

impl OriginClient for FakeHost {
    async fn forward(&self, plan: ForwardPlan) -> Result<OriginHead, CallError> {
        let mut world = self.0.borrow_mut();
        world.plans.push(plan);
        match world.origin_failures.pop_front() {
            Some(error) => Err(error),
            None => world.origin.clone(),
        }
    }
}

impl Signer for FakeHost {
    async fn sign(&self, order: SignOrder) -> Result<String, CallError> {
        let mut world = self.0.borrow_mut();
        world.signed.push(order.data);
        if world.signs {
            Ok("signature".to_owned())
        } else {
            Err(CallError::Connection)
        }
    }
}

impl PlatformLimiter for FakeHost {
    async fn admit(&self, order: AdmitOrder) -> Result<bool, CallError> {
        let mut world = self.0.borrow_mut();
        world.asked_limiter.push(order);
        world.admits
    }
}

impl PageCache for FakeHost {
    async fn page(&self, order: PageOrder) -> Result<HttpAnswer, CallError> {
        let mut world = self.0.borrow_mut();
        world.asked_pages.push(order);
        world.page.clone()
    }

    async fn keep(&self, order: KeepOrder) {
        let KeepOrder { key, text, .. } = order;
        self.0.borrow_mut().kept.insert(key, text);
    }

    async fn recall(&self, key: String) -> Option<String> {
        self.0.borrow().kept.get(&key).cloned()
    }
}

impl Sleeper for FakeHost {
    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
        self.0.borrow_mut().slept.push(duration);
    }
}

impl LogSink for FakeHost {
    fn emit(&self, line: String) {
        self.0.borrow_mut().lines.push(line);
    }
}

impl InRequest for FakeHost {
    fn enter(&self, context: Rc<Context>) {
        self.0.borrow_mut().context = Some(context);
    }

    fn leave(&self) {
        self.0.borrow_mut().context = None;
    }

    fn context(&self) -> Option<Rc<Context>> {
        self.0.borrow().context.clone()
    }
}

impl Recorder for FakeHost {
    async fn record(&self, point: DataPoint) -> bool {
        self.0.borrow_mut().points.push(point);
        true
    }
}

impl Background for FakeHost {
    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().tasks.push_back(Box::pin(task));
    }
}
