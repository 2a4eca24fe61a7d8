//! Bounds what one reply of Redis may hold in memory.
//!
//! The `redis` crate reads a reply as a whole, however large it is. This reads along and breaks the
//! connection off before that is too much.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The largest reply that is read at all; from 10 MB on nobody gets to see it (`refuse.rs`).
const MAX_REPLY: u64 = 64 * 1024 * 1024;

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
}

impl<S> Guard<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            meter: Meter::default(),
        }
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
        self.size <= MAX_REPLY
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
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
    fn replies_of_every_kind_pass_however_many_they_are() {
        let replies = b"+OK\r\n:1\r\n$-1\r\n*-1\r\n*0\r\n-ERR no\r\n$5\r\na\r\n*9\r\n*2\r\n*1\r\n$1\r\nx\r\n:2\r\n";
        assert!(passes(&replies.repeat(1000)));
        let mut meter = Meter::default();
        let large = [
            b"$30000000\r\n".as_slice(),
            &vec![b'x'; 30_000_000],
            b"\r\n",
        ]
        .concat();
        assert!((0..10).all(|_| meter.pass(&large)));
    }

    #[test]
    fn what_is_too_large_is_seen_when_it_is_announced() {
        for reply in [
            "$67108865\r\n",
            "*2000000\r\n",
            "*18446744073709551615\r\n",
            "*2\r\n$40000000\r\n",
        ] {
            let mut meter = Meter::default();
            let passed = meter.pass(reply.as_bytes());
            assert_eq!(passed, reply.starts_with("*2\r"), "{reply}");
        }
        let mut meter = Meter::default();
        let half = [
            b"$40000000\r\n".as_slice(),
            &vec![b'x'; 40_000_000],
            b"\r\n",
        ]
        .concat();
        assert!(meter.pass(b"*2\r\n") && meter.pass(&half) && !meter.pass(b"$40000000\r\n"));
    }

    #[test]
    fn what_is_no_reply_does_not_pass() {
        for reply in ["$x\r\n", "*\r\n"] {
            assert!(!passes(reply.as_bytes()), "{reply}");
        }
        assert!(!passes(&vec![b'+'; MAX_LINE + 1]));
    }
}
