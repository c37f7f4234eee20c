//! How often and how many at once a registry is asked, so that nobody is throttled because of us.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};

/// The pace of one registry. A second's worth of requests may come at once.
pub(super) struct Pace {
    places: Semaphore,
    interval: Duration,
    /// When the allowance would be full again.
    full: Mutex<Instant>,
}

impl Pace {
    pub(super) fn new(requests_per_second: u32, concurrent: u32) -> Self {
        let interval =
            Duration::from_secs(1).checked_div(requests_per_second).unwrap_or(Duration::from_secs(1));
        let places = usize::try_from(concurrent).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { places: Semaphore::new(places), interval, full: Mutex::new(Instant::now()) }
    }

    /// Waits for one's turn; it lasts until the permit is dropped. None never comes: nobody closes the semaphore.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let permit = self.places.acquire().await.ok();
        let turn = self.book();
        sleep_until(turn).await;
        permit
    }

    fn book(&self) -> Instant {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        *full = (*full).max(now) + self.interval;
        full.checked_sub(Duration::from_secs(1)).map_or(now, |turn| turn.max(now))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Pace;

    #[test]
    fn spreads_requests_once_a_seconds_worth_is_spent() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let pace = Pace::new(10, 1);
            let begun = Instant::now();
            for _ in 0..12 {
                drop(pace.turn().await);
            }
            assert!(begun.elapsed() >= Duration::from_millis(190), "{:?}", begun.elapsed());
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        });
    }
}
