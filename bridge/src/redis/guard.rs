//! Bounds what the replies of Redis on one connection may hold in memory.
//!
//! The `redis` crate reads a reply as a whole, however large it is, and keeps those to a pipeline until
//! the last is there. This reads along. It breaks the connection off before one reply is too much, and
//! reads no further while too much waits to be taken: so a pipeline whose replies are too much together
//! is late.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The largest reply that is read at all; from 10 MB on nobody gets to see it (`forbidden.rs`).
const MAX_REPLY: u64 = 32 * 1024 * 1024;

/// How much may wait to be taken before no more is read: twice the largest reply that anybody gets to see.
const MAX_UNTAKEN: u64 = 20 * 1024 * 1024;

/// What an element costs in memory whatever it holds.
const ELEMENT: u64 = 64;

/// The longest line that tells a length or an error.
const MAX_LINE: usize = 64 * 1024;

/// A stream of replies, each of them bounded.
#[derive(Debug)]
pub(super) struct Guard<S> {
    stream: S,
    meter: Meter,
}

/// The replies that have come and that nobody has taken yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Untaken(Arc<Mutex<Sizes>>);

#[derive(Debug, Default)]
struct Sizes {
    each: VecDeque<u64>,
    all: u64,
    /// Whoever would read on.
    reader: Option<Waker>,
}

impl Untaken {
    /// Whoever asked has as many replies as they asked for. Batches may end in another order; once all have
    /// ended, the sum is right.
    pub(super) fn take(&self, count: usize) {
        let mut sizes = self.lock();
        let count = count.min(sizes.each.len());
        let taken: u64 = sizes.each.drain(..count).sum();
        sizes.all -= taken;
        if let Some(reader) = sizes.reader.take() {
            reader.wake();
        }
    }

    /// Those to what was asked before anybody could ask.
    pub(super) fn clear(&self) {
        self.take(usize::MAX);
    }

    fn add(&self, size: u64) {
        let mut sizes = self.lock();
        sizes.each.push_back(size);
        sizes.all += size;
    }

    /// Whether too much waits; if so, `reader` is woken once some of it is taken.
    fn is_full(&self, reader: &Waker) -> bool {
        let mut sizes = self.lock();
        let is_full = sizes.all > MAX_UNTAKEN;
        if is_full {
            sizes.reader = Some(reader.clone());
        }
        is_full
    }

    fn lock(&self) -> MutexGuard<'_, Sizes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a reply has come.
#[derive(Debug, Default)]
struct Meter {
    /// Elements still to come, for a reply that has begun.
    open: u64,
    /// What it holds so far, or has announced.
    size: u64,
    /// Bytes of a string, and its line's end, that are not looked into.
    skip: u64,
    line: Vec<u8>,
    untaken: Untaken,
}

impl<S> Guard<S> {
    pub(super) fn new(stream: S, untaken: Untaken) -> Self {
        let meter = Meter {
            untaken,
            ..Meter::default()
        };
        Self { stream, meter }
    }
}

impl Meter {
    /// Reads along; false if a reply is too large, or is none.
    fn pass(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped =
                    usize::try_from(self.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
                bytes = bytes.get(skipped..).unwrap_or_default();
                self.skip -= skipped as u64;
                continue;
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(bytes.len(), |end| end + 1);
            let (line, rest) = bytes.split_at_checked(taken).unwrap_or((bytes, &[]));
            self.line.extend_from_slice(line);
            bytes = rest;
            if self.line.len() > MAX_LINE {
                return false;
            }
            if end.is_some() && !self.element() {
                return false;
            }
        }
        true
    }

    /// A line is complete: an element of a reply begins, and may be all of it.
    fn element(&mut self) -> bool {
        let line = std::mem::take(&mut self.line);
        if self.open == 0 {
            self.open = 1;
            self.size = 0;
        }
        self.open -= 1;
        self.size += ELEMENT + line.len() as u64;
        let Some((kind, rest)) = line.split_first() else {
            return false;
        };
        // Nothing, which is -1, holds nothing.
        let announced = || {
            let text = std::str::from_utf8(rest).ok()?.trim_end();
            text.parse::<i64>()
                .ok()
                .map(|number| u64::try_from(number).ok())
        };
        match kind {
            b'$' => match announced() {
                Some(Some(length)) => {
                    self.size = self.size.saturating_add(length);
                    self.skip = length.saturating_add(2);
                }
                Some(None) => {}
                None => return false,
            },
            b'*' => match announced() {
                Some(count) => {
                    let count = count.unwrap_or(0);
                    self.open = self.open.saturating_add(count);
                    // Room for all of them may be made at once.
                    self.size = self.size.saturating_add(count.saturating_mul(ELEMENT));
                }
                None => return false,
            },
            _ => {}
        }
        let fits = self.size <= MAX_REPLY;
        if fits && self.open == 0 {
            self.untaken.add(self.size);
        }
        fits
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.meter.untaken.is_full(context.waker()) {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        if self.meter.pass(new) {
            Poll::Ready(Ok(()))
        } else {
            Poll::Ready(Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a reply of Redis was too large to be read",
            )))
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(replies: &[u8]) -> bool {
        let mut whole = Meter::default();
        let mut pieces = Meter::default();
        let verdict = whole.pass(replies);
        // However it is cut, the verdict is the same.
        assert_eq!(replies.chunks(1).all(|piece| pieces.pass(piece)), verdict);
        verdict
    }

    #[test]
    fn while_too_much_waits_no_more_is_read_and_who_takes_it_wakes_the_reader() {
        let mut meter = Meter::default();
        let untaken = meter.untaken.clone();
        let reader = Waker::noop();
        let large = [
            b"$11000000\r\n".as_slice(),
            &vec![b'x'; 11_000_000],
            b"\r\n",
        ]
        .concat();
        assert!(meter.pass(&large) && !untaken.is_full(reader));
        assert!(meter.pass(&large) && untaken.is_full(reader));
        untaken.take(1);
        assert!(untaken.lock().reader.is_none() && !untaken.is_full(reader));
        assert!(meter.pass(&large) && untaken.is_full(reader));
        untaken.clear();
        assert_eq!(untaken.lock().all, 0);
    }

    #[test]
    fn replies_of_every_kind_pass_however_many_they_are() {
        let replies = b"+OK\r\n:1\r\n$-1\r\n*-1\r\n*0\r\n-ERR no\r\n$5\r\na\r\n*9\r\n*2\r\n*1\r\n$1\r\nx\r\n:2\r\n";
        assert!(passes(&replies.repeat(1000)));
    }

    #[test]
    fn what_is_too_large_is_seen_when_it_is_announced() {
        for reply in [
            "$33554433\r\n",
            "*1000000\r\n",
            "*18446744073709551615\r\n",
            "*2\r\n$20000000\r\n",
        ] {
            let mut meter = Meter::default();
            let passed = meter.pass(reply.as_bytes());
            assert_eq!(passed, reply.starts_with("*2\r"), "{reply}");
        }
        let mut meter = Meter::default();
        let half = [
            b"$20000000\r\n".as_slice(),
            &vec![b'x'; 20_000_000],
            b"\r\n",
        ]
        .concat();
        assert!(meter.pass(b"*2\r\n") && meter.pass(&half) && !meter.pass(b"$20000000\r\n"));
    }

    #[test]
    fn what_is_no_reply_does_not_pass() {
        for reply in ["$x\r\n", "*\r\n"] {
            assert!(!passes(reply.as_bytes()), "{reply}");
        }
        assert!(!passes(&vec![b'+'; MAX_LINE + 1]));
    }
}
