//! Follows all objects of one resource as they change, for as long as the resource is served.

use std::{collections::HashSet, time::Duration};

use futures::{Stream, StreamExt};
use kube::runtime::watcher::{Config, Error, Event, watcher};
use tokio::sync::watch;

use super::{
    Raw, Resource,
    failure::{
        FIRST_PAUSE, LONGEST_LIST, LONGEST_PAUSE, is_forbidden, is_undefined, jittered, refuses_streaming,
        text,
    },
    raw::Told,
};

/// What becomes known of a resource.
#[derive(Debug)]
pub enum News<'a> {
    /// An object as it is now.
    Is(&'a Raw),
    /// An object that exists no more: namespace (empty if it has none) and name.
    Gone(&'a str, &'a str),
    /// Everything that exists has been told.
    Whole,
    /// Changes are not being told for now; what was told may be out of date.
    Lost(&'a str),
    /// The gate's account may not ask; nothing will be told until somebody gives it the right.
    Forbidden(&'a str),
}

/// A watch is renewed after this many seconds, so that a connection on which nothing comes is noticed.
const WATCH_SECONDS: u32 = 120;

/// Tells everything of `resource` as it changes. Begins anew, telling all that exists, when `again` changes and after
/// every failure. Ends when the resource is no longer served, with everything of it gone.
///
/// `O` is [`Raw`], or [`Bare`](super::Bare) where the metadata says enough.
pub async fn follow<O: Told>(
    client: kube::Client,
    resource: Resource,
    mut again: watch::Receiver<u64>,
    mut tell: impl FnMut(News<'_>) + Send,
) {
    let mut known = HashSet::new();
    // Lists come as a stream of objects where the server can, so that neither side holds them whole.
    let (mut streams, mut pause) = (true, FIRST_PAUSE);
    loop {
        let config = Config::default().timeout(WATCH_SECONDS);
        let config = if streams { config.streaming_lists() } else { config.page_size(500) };
        let events = watcher(resource.everywhere::<O>(&client), config);
        let mut round = Round { listing: HashSet::new(), was_listed: false };
        let end = round.run(events, &mut again, &mut known, &mut tell).await;
        // Told already, and perhaps gone before the next listing.
        known.extend(round.listing.drain());
        if round.was_listed {
            pause = FIRST_PAUSE;
        }
        let reason = match end {
            End::Again => continue,
            End::Unwanted => return,
            // Servers before 1.34 do not know such lists, or were told not to: they refuse, or never come to an end.
            End::Failed(error) if streams && refuses_streaming(&error) => {
                streams = false;
                continue;
            }
            End::Silent if streams && !round.was_listed => {
                streams = false;
                continue;
            }
            End::Failed(error) if is_undefined(&error) => {
                known.iter().for_each(|(namespace, name)| tell(News::Gone(namespace, name)));
                return;
            }
            End::Failed(error) if is_forbidden(&error) => {
                tell(News::Forbidden(&text(&error)));
                None
            }
            End::Failed(error) => Some(text(&error)),
            End::Silent => Some("it does not answer".to_owned()),
        };
        if let Some(reason) = reason {
            tell(News::Lost(&reason));
        }
        tokio::time::sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One watch, from its listing to its end.
struct Round {
    listing: HashSet<Key>,
    was_listed: bool,
}

/// How a watch ended.
enum End {
    Failed(Error),
    /// Nothing came of the listing for too long.
    Silent,
    /// All is to be told anew.
    Again,
    /// Nobody is left who would ask for that.
    Unwanted,
}

impl Round {
    async fn run<O: Told>(
        &mut self,
        events: impl Stream<Item = Result<Event<O>, Error>>,
        again: &mut watch::Receiver<u64>,
        known: &mut HashSet<Key>,
        tell: &mut impl FnMut(News<'_>),
    ) -> End {
        let mut events = std::pin::pin!(events);
        loop {
            let silence = if self.was_listed { Duration::MAX } else { LONGEST_LIST };
            let event = tokio::select! {
                event = tokio::time::timeout(silence, events.next()) => event,
                changed = again.changed() => {
                    return if changed.is_ok() { End::Again } else { End::Unwanted };
                }
            };
            match event {
                Ok(Some(Ok(event))) => {
                    self.was_listed |= matches!(event, Event::InitDone);
                    take(event, known, &mut self.listing, tell);
                }
                Ok(Some(Err(error))) => return End::Failed(error),
                Ok(None) | Err(_) => return End::Silent,
            }
        }
    }
}

/// Namespace and name.
type Key = (String, String);

fn take<O: Told>(
    event: Event<O>,
    known: &mut HashSet<Key>,
    listing: &mut HashSet<Key>,
    tell: &mut impl FnMut(News<'_>),
) {
    let key = |object: &O| (object.as_ref().namespace().to_owned(), object.as_ref().name().to_owned());
    match event {
        Event::Init => known.extend(listing.drain()),
        Event::InitApply(object) => {
            listing.insert(key(&object));
            tell(News::Is(object.as_ref()));
        }
        Event::InitDone => {
            // What went while nobody looked.
            let before = std::mem::replace(known, std::mem::take(listing));
            for (namespace, name) in before.difference(known) {
                tell(News::Gone(namespace, name));
            }
            tell(News::Whole);
        }
        Event::Apply(object) => {
            known.insert(key(&object));
            tell(News::Is(object.as_ref()));
        }
        Event::Delete(object) => {
            let key = key(&object);
            known.remove(&key);
            tell(News::Gone(&key.0, &key.1));
        }
    }
}
