//! Follows all objects of one resource as they change, for as long as the resource is served.

use std::{collections::HashSet, time::Duration};

use futures::StreamExt;
use kube::runtime::watcher::{Config, Error, Event, watcher};
use tokio::sync::watch;

use super::{Raw, Resource, is_absent, raw::Told};

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

/// After a failure the next attempt waits at least this long, doubled up to [`LONGEST_PAUSE`] as failures follow.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
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
    let (mut streams, mut pause) = (true, SHORTEST_PAUSE);
    loop {
        let config = Config::default().timeout(WATCH_SECONDS);
        let config = if streams { config.streaming_lists() } else { config.page_size(500) };
        let mut events = std::pin::pin!(watcher(resource.everywhere::<O>(&client), config));
        let mut listing: HashSet<Key> = HashSet::new();
        let failure = loop {
            let event = tokio::select! {
                event = events.next() => event,
                changed = again.changed() => match changed {
                    Ok(()) => break None,
                    Err(_) => return,
                },
            };
            match event {
                Some(Ok(event)) => {
                    if matches!(event, Event::InitDone) {
                        pause = SHORTEST_PAUSE;
                    }
                    take(event, &mut known, &mut listing, &mut tell);
                }
                Some(Err(error)) => break Some(error),
                None => break None,
            }
        };
        // Told already, and perhaps gone before the next listing.
        known.extend(listing);
        let Some(error) = failure else { continue };
        if is_gone(&error) {
            known.iter().for_each(|(namespace, name)| tell(News::Gone(namespace, name)));
            return;
        }
        let reason = reason(&error);
        // Servers before 1.34 do not know such lists, or were told not to.
        if streams && is_refused(&error) {
            streams = false;
            continue;
        }
        tell(if is_forbidden(&error) { News::Forbidden(&reason) } else { News::Lost(&reason) });
        tokio::time::sleep(jittered(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
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

/// Whether the API server does not serve the resource any more.
fn is_gone(error: &Error) -> bool {
    match error {
        Error::InitialListFailed(error) | Error::WatchStartFailed(error) => is_absent(error),
        _ => false,
    }
}

/// Whether the API server takes the question for wrong, whoever asks.
fn is_refused(error: &Error) -> bool {
    match error {
        Error::WatchStartFailed(kube::Error::Api(status)) | Error::WatchError(status) => {
            matches!(status.code, 400 | 422)
        }
        _ => false,
    }
}

fn is_forbidden(error: &Error) -> bool {
    matches!(
        error,
        Error::InitialListFailed(kube::Error::Api(status)) | Error::WatchStartFailed(kube::Error::Api(status))
            if status.code == 403
    )
}

/// In the API server's own words where it has any.
fn reason(error: &Error) -> String {
    match error {
        Error::InitialListFailed(kube::Error::Api(status))
        | Error::WatchStartFailed(kube::Error::Api(status))
        | Error::WatchFailed(kube::Error::Api(status))
        | Error::WatchError(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// Up to half as long again, so that replicas and resources do not all ask at once.
fn jittered(pause: Duration) -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    pause + pause / 2 * (now.subsec_micros() % 1000) / 1000
}
