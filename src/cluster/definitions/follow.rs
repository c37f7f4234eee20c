//! Watches the objects of one of the gate's kinds for as long as the gate runs, whatever becomes of the API server.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use futures::{Stream, StreamExt};
use kube::{
    Api, Client, Error,
    core::ApiResource,
    runtime::watcher::{self, Config, Event, InitialListStrategy, watcher},
};

use crate::cluster::{Raw, is_absent};

/// What a watch tells.
#[derive(Debug)]
pub enum Told {
    /// Changes, in their order.
    Changes(Vec<Event<Raw>>),
    /// The API server does not know the kind: its definition is not installed.
    NotDefined,
    /// The API server cannot be heard; with what it said. Everything known stays as it is.
    Unheard(String),
}

/// How long after a failure the first attempt is made, and the longest that any is waited for.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// An installation defines the kinds and starts the gate in whichever order.
const PAUSE_UNDEFINED: Duration = Duration::from_secs(3);
/// A first list for which nothing comes for this long will not come.
const LONGEST_LIST: Duration = Duration::from_secs(20);
/// Changes that came at once are told at once.
const AT_ONCE: usize = 500;

/// Tells everything about the objects of a kind; does not return.
///
/// After a failure it begins with a list again, so that whoever is told knows when it is over.
pub async fn follow(client: Client, kind: ApiResource, mut tell: impl FnMut(Told)) {
    let api: Api<Raw> = Api::all_with(client, &kind);
    let mut strategy = InitialListStrategy::StreamingList;
    let mut pause = FIRST_PAUSE;
    loop {
        let config = Config { initial_list_strategy: strategy.clone(), ..Config::default() };
        let was_listed = &mut false;
        let end = until_failure(watcher(api.clone(), config), was_listed, &mut tell).await;
        if *was_listed {
            pause = FIRST_PAUSE;
        }
        let is_streaming = strategy == InitialListStrategy::StreamingList;
        if is_streaming && !*was_listed && end.as_ref().is_none_or(refuses_streaming) {
            tracing::debug!(kind = %kind.kind, "the API server streams no lists: it is asked for them");
            strategy = InitialListStrategy::ListWatch;
            continue;
        }
        if end.as_ref().is_some_and(undefined) {
            tell(Told::NotDefined);
            tokio::time::sleep(PAUSE_UNDEFINED).await;
            continue;
        }
        tell(Told::Unheard(end.as_ref().map_or_else(|| "it does not answer".to_owned(), text)));
        tokio::time::sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Tells of changes until the watch fails; without an error if not even the first list came in time.
async fn until_failure(
    events: impl Stream<Item = watcher::Result<Event<Raw>>>,
    was_listed: &mut bool,
    tell: &mut impl FnMut(Told),
) -> Option<watcher::Error> {
    let mut events = std::pin::pin!(events.ready_chunks(AT_ONCE));
    loop {
        let next = if *was_listed {
            events.next().await
        } else {
            tokio::time::timeout(LONGEST_LIST, events.next()).await.ok()?
        };
        let mut changes = Vec::new();
        let mut failure = None;
        for event in next? {
            match event {
                Ok(event) => {
                    *was_listed |= matches!(event, Event::InitDone);
                    changes.push(event);
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        if !changes.is_empty() {
            tell(Told::Changes(changes));
        }
        if failure.is_some() {
            return failure;
        }
    }
}

fn source(error: &watcher::Error) -> Option<&Error> {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => Some(error),
        watcher::Error::WatchError(_) | watcher::Error::NoResourceVersion => None,
    }
}

/// Whether a watch is refused for what it asks of the first list: older API servers know no `sendInitialEvents`, or
/// keep it switched off.
fn refuses_streaming(error: &watcher::Error) -> bool {
    matches!(source(error), Some(Error::Api(status)) if matches!(status.code, 400 | 422))
}

fn undefined(error: &watcher::Error) -> bool {
    source(error).is_some_and(is_absent)
}

/// What the API server said, or what kept it from saying anything.
fn text(error: &watcher::Error) -> String {
    match (source(error), error) {
        (Some(Error::Api(status)), _) => status.message.clone(),
        (None, watcher::Error::WatchError(status)) => status.message.clone(),
        (Some(error), _) => {
            // The innermost cause says what happened: `Connection refused`.
            let mut innermost: &dyn std::error::Error = error;
            while let Some(cause) = innermost.source() {
                innermost = cause;
            }
            innermost.to_string()
        }
        _ => error.to_string(),
    }
}

/// Between half of a pause and all of it, so that replicas do not come back in step.
fn jittered(pause: Duration) -> Duration {
    // Every state is seeded anew by the operating system.
    let share = RandomState::new().build_hasher().finish() % 1_000;
    let thousandth = u32::try_from(500 + share / 2).unwrap_or(1_000);
    pause * thousandth / 1_000
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    fn refused(code: u16) -> watcher::Error {
        watcher::Error::WatchStartFailed(Error::Api(Status { code, ..Status::failure("no", "No") }.boxed()))
    }

    #[test]
    fn a_list_that_cannot_be_streamed_is_told_from_a_kind_that_is_not_there() {
        for (code, streams, defined) in
            [(422, false, true), (400, false, true), (404, true, false), (403, true, true)]
        {
            assert_eq!(refuses_streaming(&refused(code)), !streams, "{code}");
            assert_eq!(undefined(&refused(code)), !defined, "{code}");
            assert_eq!(text(&refused(code)), "no");
        }
    }

    #[test]
    fn a_pause_is_never_longer_than_it_should_be() {
        for _ in 0..100 {
            let pause = jittered(LONGEST_PAUSE);
            assert!(pause <= LONGEST_PAUSE && pause >= LONGEST_PAUSE / 2, "{pause:?}");
        }
    }
}
