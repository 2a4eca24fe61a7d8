//! A client's connection with an end to every wait.
//!
//! Whoever sends a head drop by drop, takes no answer, or asks nothing more is not waited for. The body of
//! a request has a limit of its own (`router.rs`).

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// How long each wait may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// Until a request begins to arrive; longer than clients keep connections they do not use.
    pub(crate) idle: Duration,
    /// From its first byte until its head is complete.
    pub(crate) head: Duration,
    /// Until the client takes more of an answer.
    pub(crate) write: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(75),
            head: Duration::from_secs(10),
            write: Duration::from_secs(10),
        }
    }
}

/// Whether a request is being answered: then nothing is expected of its client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Busy(Arc<AtomicBool>);

impl Busy {
    pub(crate) fn set(&self, is_busy: bool) {
        self.0.store(is_busy, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The connection.
#[derive(Debug)]
pub(crate) struct Patient<S> {
    stream: S,
    waits: Waits,
    busy: Busy,
    /// When the head that is arriving must be complete.
    head: Option<Instant>,
    reading: Alarm,
    writing: Alarm,
}

#[derive(Debug, Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Whether the time is over, which is `limit` from the first call on, or since it was cleared.
    fn is_over(&mut self, limit: impl FnOnce() -> Instant, context: &mut Context<'_>) -> bool {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(limit())));
        sleep.as_mut().poll(context).is_ready()
    }

    fn clear(&mut self) {
        self.0 = None;
    }
}

impl<S> Patient<S> {
    pub(crate) fn new(stream: S, waits: Waits, busy: Busy) -> Self {
        Self {
            stream,
            waits,
            busy,
            head: None,
            reading: Alarm::default(),
            writing: Alarm::default(),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let is_busy = this.busy.get();
        if is_busy {
            this.head = None;
        }
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Pending if is_busy => {
                this.reading.clear();
                Poll::Pending
            }
            Poll::Pending => {
                let limit = this.head;
                let idle = this.waits.idle;
                let limit = || limit.unwrap_or_else(|| Instant::now() + idle);
                if this.reading.is_over(limit, context) {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                Poll::Pending
            }
            ready @ Poll::Ready(_) => {
                this.reading.clear();
                if !is_busy && this.head.is_none() {
                    this.head = Some(Instant::now() + this.waits.head);
                }
                ready
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Patient<S> {
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.writing.clear();
            return result;
        }
        let limit = self.waits.write;
        if self.writing.is_over(|| Instant::now() + limit, context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.written(context, result)
    }

    /// Without this, what is sent would be copied, and the copies would count nowhere.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.written(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.written(context, result)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const WAITS: Waits = Waits {
        idle: Duration::from_millis(200),
        head: Duration::from_millis(100),
        write: Duration::from_millis(100),
    };

    /// How long a wait took until it was given up.
    async fn gives_up<T: std::fmt::Debug>(wait: impl Future<Output = io::Result<T>>) -> Duration {
        let started = Instant::now();
        assert_eq!(wait.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_nothing_is_not_waited_for() {
        let (_client, stream) = duplex(64);
        let mut patient = Patient::new(stream, WAITS, Busy::default());
        assert!(gives_up(patient.read_u8()).await >= WAITS.idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_drop_by_drop_is_given_up_however_often_a_drop_comes() {
        let (mut client, stream) = duplex(64);
        let mut patient = Patient::new(stream, WAITS, Busy::default());
        tokio::spawn(async move {
            while client.write_u8(b'x').await.is_ok() {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        });
        let wait = gives_up(async {
            loop {
                patient.read_u8().await?;
                if false {
                    break Ok(());
                }
            }
        });
        let took = wait.await;
        assert!(took >= WAITS.head && took < WAITS.idle, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_expected_while_a_request_is_answered() {
        let (mut client, stream) = duplex(64);
        let busy = Busy::default();
        let mut patient = Patient::new(stream, WAITS, busy.clone());
        client.write_u8(b'x').await.unwrap();
        patient.read_u8().await.unwrap();
        busy.set(true);
        let waited = tokio::time::timeout(WAITS.idle * 10, patient.read_u8()).await;
        assert!(waited.is_err());
        // The next request has its whole time again.
        busy.set(false);
        assert!(gives_up(patient.read_u8()).await >= WAITS.idle);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_no_answer_is_not_waited_for() {
        let (_client, stream) = duplex(4);
        let mut patient = Patient::new(stream, WAITS, Busy::default());
        assert!(gives_up(patient.write_all(b"more than fits")).await >= WAITS.write);
    }
}
