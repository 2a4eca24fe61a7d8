//! What a future may ask of the outside, and what comes of it.

use core::time::Duration;

use crate::audit::DataPoint;
use crate::host::{
    CallError, HttpAnswer, HttpCall,
    gateway::{AdmitOrder, KeepOrder, PageOrder, SignOrder},
    origin::{ForwardPlan, OriginHead},
};

/// The longest that what the platform does by itself may take.
const PLATFORM_LIMIT: Duration = Duration::from_secs(1);

/// Something that only the outside can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make a small HTTP call; the result is [`EffectResult::Answer`].
    Call(HttpCall),
    /// Send the request to its origin; the result is [`EffectResult::Head`].
    Forward(ForwardPlan),
    /// Sign; the result is [`EffectResult::Signature`].
    Sign(SignOrder),
    /// Ask a rate limiter of the platform; the result is [`EffectResult::Admitted`].
    Admit(AdmitOrder),
    /// Ask for a page; the result is [`EffectResult::Answer`].
    Page(PageOrder),
    /// Keep a text; the result is an [`EffectResult::Answer`] without meaning.
    Keep(KeepOrder),
    /// Recall what is kept under an address; the result is [`EffectResult::Answer`], 200 if there
    /// is something.
    Recall(String),
    /// Hand on a data point; the result is an [`EffectResult::Answer`] without meaning.
    Record(DataPoint),
    /// Wait; the result is [`EffectResult::Slept`].
    Sleep(Duration),
}

impl Effect {
    /// The kind.
    pub(super) const fn awaited(&self) -> Awaited {
        match self {
            Self::Call(_) | Self::Page(_) | Self::Keep(_) | Self::Recall(_) | Self::Record(_) => {
                Awaited::Call
            }
            Self::Forward(_) => Awaited::Forward,
            Self::Sign(_) => Awaited::Sign,
            Self::Admit(_) => Awaited::Admit,
            Self::Sleep(_) => Awaited::Sleep,
        }
    }

    /// The longest the effect can take.
    pub const fn limit(&self) -> Duration {
        match self {
            Self::Call(call) => call.timeout,
            Self::Forward(plan) => plan.timeout,
            Self::Page(order) => order.timeout,
            Self::Sign(_) | Self::Admit(_) | Self::Keep(_) | Self::Recall(_) | Self::Record(_) => {
                PLATFORM_LIMIT
            }
            Self::Sleep(duration) => *duration,
        }
    }
}

/// What came of an [`Effect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EffectResult {
    /// Of [`Effect::Call`], and of what is answered alike.
    Answer(Result<HttpAnswer, CallError>),
    /// Of [`Effect::Forward`].
    Head(Result<OriginHead, CallError>),
    /// Of [`Effect::Sign`].
    Signature(Result<String, CallError>),
    /// Of [`Effect::Admit`].
    Admitted(Result<bool, CallError>),
    /// Of [`Effect::Sleep`].
    Slept,
}

/// The kind of an [`Effect`], and so of the [`EffectResult`] that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// [`Effect::Call`], [`Effect::Page`], [`Effect::Keep`], [`Effect::Recall`] or [`Effect::Record`].
    Call,
    /// [`Effect::Forward`].
    Forward,
    /// [`Effect::Sign`].
    Sign,
    /// [`Effect::Admit`].
    Admit,
    /// [`Effect::Sleep`].
    Sleep,
}
