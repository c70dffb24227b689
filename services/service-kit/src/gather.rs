//! A connection that sends the answers of many callers together.
//!
//! A call that is answered wakes its connection, and the scheduler runs the connection next, before the other calls whose
//! answers are waiting: each answer then is a packet of its own, and the kernel takes longer over it than the call did.
//! While many calls are under way a connection that is about to write therefore goes behind all that is waiting, once, and
//! takes along what has come meanwhile.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

/// Calls under way from which on answers are likely to come together. Ours.
const MANY: usize = 8;

/// Calls under way in this process.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Counts as a call under way while it lives.
pub struct UnderWay(());

impl UnderWay {
    /// One more.
    pub fn begin() -> UnderWay {
        UNDER_WAY.fetch_add(1, Relaxed);
        UnderWay(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Relaxed);
    }
}

/// A stream whose writes wait for a turn while many calls are under way.
pub struct Gathered<S> {
    stream: S,
    has_waited: bool,
}

impl<S> Gathered<S> {
    /// The same stream.
    pub fn new(stream: S) -> Gathered<S> {
        Gathered { stream, has_waited: false }
    }

    /// Whether to wait for a turn before the next write; once.
    fn waits(&mut self, context: &Context<'_>) -> bool {
        self.has_waited = !self.has_waited && MANY <= UNDER_WAY.load(Relaxed);
        if self.has_waited {
            // Woken while it is polled, a task goes behind all others.
            context.waker().wake_by_ref();
        }
        self.has_waited
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.waits(context) {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.waits(context) {
            return Poll::Pending;
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: Connected> Connected for Gathered<S> {
    type ConnectInfo = S::ConnectInfo;

    fn connect_info(&self) -> S::ConnectInfo {
        self.stream.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn while_many_calls_are_under_way_a_write_goes_behind_the_others_once() {
        let mut stream = Gathered::new(Vec::new());
        let mut context = Context::from_waker(Waker::noop());
        let mut write = |stream: &mut Gathered<Vec<u8>>| Pin::new(stream).poll_write(&mut context, b"x").is_ready();

        let calls: Vec<UnderWay> = (0..MANY).map(|_| UnderWay::begin()).collect();
        assert_eq!([write(&mut stream), write(&mut stream), write(&mut stream)], [false, true, false]);

        drop(calls);
        assert_eq!([write(&mut stream), write(&mut stream)], [true, true]);
        assert_eq!(stream.stream, b"xxx");
    }
}
