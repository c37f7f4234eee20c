//! Watches the objects of one of the gate's kinds for as long as the gate runs, whatever becomes of the API server.

use std::time::Duration;

use futures::{Stream, StreamExt};
use kube::{
    Api, Client,
    core::ApiResource,
    runtime::watcher::{self, Config, Event, InitialListStrategy, watcher},
};

use crate::cluster::{
    Raw,
    failure::{FIRST_PAUSE, LONGEST_LIST, LONGEST_PAUSE, is_undefined, jittered, refuses_streaming, text},
};

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

/// An installation defines the kinds and starts the gate in whichever order.
const PAUSE_UNDEFINED: Duration = Duration::from_secs(3);
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
        if end.as_ref().is_some_and(is_undefined) {
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
