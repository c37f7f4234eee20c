//! Leaving so that no answer is lost: readiness first, then the door, then what is in flight.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{Left, Shared};

/// Where the server is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Serving,
    /// Not ready any more, still accepting: those who call have yet to hear of it.
    Leaving,
    /// The door is closed; what is in flight is finished.
    Closing,
    /// What is left is cut.
    Gone,
}

pub(super) struct Phases(watch::Sender<Stage>);

/// The stage as others see it.
#[derive(Clone)]
pub(super) struct Phase(watch::Receiver<Stage>);

impl Phases {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Stage::Serving))
    }

    pub(super) fn watch(&self) -> Phase {
        Phase(self.0.subscribe())
    }

    fn enter(&self, stage: Stage) {
        self.0.send_replace(stage);
    }
}

impl Phase {
    pub(super) fn now(&self) -> Stage {
        *self.0.borrow()
    }

    /// Waits for the next stage after `seen`.
    pub(super) async fn after(&mut self, seen: Stage) -> Stage {
        // The sender gone means that the server is.
        self.0.wait_for(|stage| *stage > seen).await.map_or(Stage::Gone, |stage| *stage)
    }

    /// Waits until `stage` is reached.
    pub(super) async fn reaches(&mut self, stage: Stage) {
        let _gone = self.0.wait_for(|now| *now >= stage).await.is_err();
    }
}

/// Takes the server through every stage.
pub(super) async fn leave(phases: &Phases, shared: &Shared, accepting: JoinHandle<()>) -> Left {
    tracing::info!("leaving: not ready any more");
    phases.enter(Stage::Leaving);
    sleep(shared.limits.drain_delay).await;
    phases.enter(Stage::Closing);
    let _panicked = accepting.await.is_err();
    // Every permit back means that every connection has ended.
    let all = u32::try_from(shared.limits.connections).unwrap_or(u32::MAX);
    let drained = timeout(shared.limits.drain, shared.connections.acquire_many(all)).await.is_ok();
    let open = shared.limits.connections.saturating_sub(shared.connections.available_permits());
    phases.enter(Stage::Gone);
    if drained {
        tracing::info!("left: every request in flight was answered");
        return Left::Drained;
    }
    tracing::warn!(connections = open, "left with connections still open after the drain deadline");
    Left::Cut(open)
}

/// Completes at SIGTERM or SIGINT; both are caught from the moment this returns.
///
/// # Errors
/// When the process cannot catch signals.
pub fn termination() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
