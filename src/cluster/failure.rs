//! Why the API server gave no answer, in its own words where it has any, and when to ask again.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use kube::{Error, runtime::watcher};

/// How long after a failure the first attempt is made, and the longest that any is waited for.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(500);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A list for which nothing comes for this long will not come.
pub(super) const LONGEST_LIST: Duration = Duration::from_secs(20);

/// Whether the API server has no such object, or does not serve the resource.
pub(super) fn is_absent(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 404)
}

/// Whether somebody else was there first: the object exists already, or is not the one that was read.
pub(super) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 409)
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
/// keep it switched off; above an older etcd they say so as an error of their own (500).
pub(super) fn refuses_streaming(error: &watcher::Error) -> bool {
    code(error).is_some_and(|code| matches!(code, 400 | 422 | 500))
}

/// Whether the gate's account may not ask.
pub(super) fn is_forbidden(error: &watcher::Error) -> bool {
    code(error) == Some(403)
}

fn code(error: &watcher::Error) -> Option<u16> {
    match (source(error), error) {
        (Some(Error::Api(status)), _) => Some(status.code),
        (None, watcher::Error::WatchError(status)) => Some(status.code),
        _ => None,
    }
}

/// Whether the API server does not serve the resource.
pub(super) fn is_undefined(error: &watcher::Error) -> bool {
    source(error).is_some_and(is_absent)
}

/// What the API server said, or what kept it from saying anything.
pub(super) fn text(error: &watcher::Error) -> String {
    match (source(error), error) {
        (None, watcher::Error::WatchError(status)) => status.message.clone(),
        (Some(error), _) => reason(error),
        _ => error.to_string(),
    }
}

/// The same of a single request.
pub(crate) fn reason(error: &Error) -> String {
    if let Error::Api(status) = error {
        return status.message.clone();
    }
    // The innermost cause says what happened: `Connection refused`.
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

/// Between half of a pause and all of it, so that replicas do not come back in step.
pub(super) fn jittered(pause: Duration) -> Duration {
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
        for (code, streams, defined) in [
            (422, false, true),
            (400, false, true),
            (500, false, true),
            (404, true, false),
            (403, true, true),
        ] {
            assert_eq!(refuses_streaming(&refused(code)), !streams, "{code}");
            assert_eq!(is_undefined(&refused(code)), !defined, "{code}");
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
