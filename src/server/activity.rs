//! What a connection has been doing, so that one that does nothing can be told from one that works.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Times are milliseconds since the connection was made.
pub(super) struct Activity {
    made: Instant,
    in_progress: AtomicUsize,
    seen_request: AtomicBool,
    /// When bytes began to come in while no request was in progress, plus one; zero for not at all.
    head_since: AtomicU64,
    /// When the last request ended.
    quiet_since: AtomicU64,
    retired: AtomicBool,
}

/// A request in progress.
pub(super) struct InProgress<'a>(&'a Activity);

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            made: Instant::now(),
            in_progress: AtomicUsize::new(0),
            seen_request: AtomicBool::new(false),
            head_since: AtomicU64::new(0),
            quiet_since: AtomicU64::new(0),
            retired: AtomicBool::new(false),
        }
    }

    /// The head of a request is complete.
    pub(super) fn begin(&self) -> InProgress<'_> {
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        self.seen_request.store(true, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        InProgress(self)
    }

    /// From now on answers ask the caller to take a new connection.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    pub(super) fn retired(&self) -> bool {
        self.retired.load(Ordering::Relaxed)
    }

    pub(super) fn age(&self) -> Duration {
        self.made.elapsed()
    }

    pub(super) fn seen_request(&self) -> bool {
        self.seen_request.load(Ordering::Relaxed)
    }

    /// How long a head has been coming in.
    pub(super) fn head_for(&self) -> Duration {
        match self.head_since.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            since => self.age().saturating_sub(Duration::from_millis(since - 1)),
        }
    }

    /// How long there has been no request.
    pub(super) fn quiet_for(&self) -> Duration {
        if self.in_progress.load(Ordering::Relaxed) > 0 {
            return Duration::ZERO;
        }
        self.age().saturating_sub(Duration::from_millis(self.quiet_since.load(Ordering::Relaxed)))
    }

    fn bytes_came(&self) {
        if self.in_progress.load(Ordering::Relaxed) == 0 && self.head_since.load(Ordering::Relaxed) == 0 {
            self.head_since.store(self.millis() + 1, Ordering::Relaxed);
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.age().as_millis()).unwrap_or(u64::MAX - 1)
    }
}

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.quiet_since.store(self.0.millis(), Ordering::Relaxed);
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream that notes when bytes come in.
pub(super) struct Noted<S> {
    stream: S,
    activity: Arc<Activity>,
}

impl<S> Noted<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        if into.filled().len() > before {
            self.activity.bytes_came();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, from)
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
