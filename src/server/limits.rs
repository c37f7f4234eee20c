//! How much the server takes, and how long it waits, before it says no.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const MIB: usize = 1024 * 1024;

/// Limits and deadlines, with defaults that fit an API server as the only caller.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest body, in bytes. The API server takes 3 MiB per object; a review holds two, and some.
    pub body: usize,
    /// Bodies held in memory at a time, in bytes; beyond it requests are shed.
    pub body_memory: usize,
    /// Connections open at a time; more wait unaccepted.
    pub connections: usize,
    /// Requests between their head and their answer; beyond it they are shed. Three API servers at their default
    /// of 200 mutating requests in flight stay below.
    pub in_flight: usize,
    /// HTTP/2 streams per connection.
    pub streams: u32,
    /// Size of the head of a request, in bytes.
    pub head: usize,
    /// From connecting to the end of the TLS handshake.
    pub handshake: Duration,
    /// From the handshake to the first request.
    pub first_request: Duration,
    /// From the first byte of a request's head to its last.
    pub head_read: Duration,
    /// From a request's head to the end of its body.
    pub body_read: Duration,
    /// A kept-alive HTTP/1.1 connection without a request. Longer than the 90 s after which a Go client closes its
    /// own side: when we close first, a request already on its way is lost.
    pub idle: Duration,
    /// An HTTP/2 ping is sent after this long without a frame, and answered within [`Limits::ping_timeout`].
    pub ping: Duration,
    pub ping_timeout: Duration,
    /// After this long, give or take a tenth, a connection is asked to end, so that callers spread over replicas.
    pub age: Duration,
    /// Allowed to a review whose caller names no `?timeout=`.
    pub review: Duration,
    /// The most that `?timeout=` can ask for.
    pub longest_review: Duration,
    /// Reviews up to this many bytes are decided where they are read, larger ones aside, under their deadline.
    /// Nothing stops one decided in place, so what takes longer than a moment must be larger than this.
    pub inline: usize,
    /// Large reviews decided at a time.
    pub large_at_once: usize,
    /// Largest scan report that is handed in, in bytes.
    pub report: usize,
    /// Scan reports held in memory at a time, in bytes: apart from reviews, which they must never push out.
    pub report_memory: usize,
    /// Scan reports that are being handed in at a time, and how many of them are read and written at a time.
    pub reports: usize,
    pub reports_at_once: usize,
    /// From the head of a scan report to its end, and again until it is stored.
    pub report_time: Duration,
    /// Between losing readiness and closing the door: callers learn of it only after a while.
    pub drain_delay: Duration,
    /// What is still in flight this long after the door closed is cut.
    pub drain: Duration,
    /// How often the certificate files are looked at.
    pub certificate_check: Duration,
    /// Connections to the admin port.
    pub admin_connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            body: 7 * MIB,
            body_memory: 256 * MIB,
            connections: 4096,
            in_flight: 1024,
            streams: 250,
            head: 64 * 1024,
            handshake: seconds(5),
            first_request: seconds(10),
            head_read: seconds(10),
            body_read: seconds(10),
            idle: seconds(180),
            ping: seconds(30),
            ping_timeout: seconds(10),
            age: seconds(600),
            review: seconds(3),
            longest_review: seconds(30),
            inline: 256 * 1024,
            large_at_once: 32,
            report: 16 * MIB,
            report_memory: 64 * MIB,
            reports: 8,
            reports_at_once: 2,
            report_time: seconds(30),
            drain_delay: seconds(2),
            drain: seconds(25),
            certificate_check: seconds(5),
            admin_connections: 64,
        }
    }
}

impl Limits {
    /// How often a connection looks at its own deadlines.
    pub(super) fn tick(&self) -> Duration {
        let shortest = self.first_request.min(self.head_read).min(self.idle).min(self.age);
        (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }
}

/// An amount in use that may not pass its limit. Never waits.
pub(super) struct Gauge {
    used: Arc<AtomicUsize>,
    limit: usize,
}

/// A share of a [`Gauge`], given back when dropped.
pub(super) struct Share {
    used: Arc<AtomicUsize>,
    limit: usize,
    amount: usize,
}

impl Gauge {
    pub(super) fn new(limit: usize) -> Self {
        Self { used: Arc::default(), limit }
    }

    /// Takes `amount`, unless that would pass the limit.
    pub(super) fn take(&self, amount: usize) -> Option<Share> {
        let mut share = Share { used: Arc::clone(&self.used), limit: self.limit, amount: 0 };
        share.grow(amount).then_some(share)
    }
}

impl Share {
    /// Takes `more` on top, unless that would pass the limit.
    pub(super) fn grow(&mut self, more: usize) -> bool {
        let used = self.used.fetch_add(more, Ordering::Relaxed);
        if used.saturating_add(more) > self.limit {
            self.used.fetch_sub(more, Ordering::Relaxed);
            return false;
        }
        self.amount += more;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.used.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_gives_up_to_its_limit_and_takes_back_what_is_dropped() {
        let gauge = Gauge::new(3);
        let mut share = gauge.take(2).unwrap();
        assert!(gauge.take(2).is_none());
        assert!(share.grow(1));
        assert!(!share.grow(1));
        drop(share);
        assert!(gauge.take(3).is_some());
    }
}
