//! Reading a request's body within its limits.

use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes, Incoming};
use tokio::time::{timeout, timeout_at};

use super::limits::{Gauge, Share};
use super::reply::Refusal;

/// A whole body, counted for as long as it is held.
pub(super) struct Body {
    pub(super) bytes: Bytes,
    pub(super) share: Share,
}

/// Taken at once for a body that says it is larger; the rest as it comes, since it may never come.
const FIRST_ROOM: usize = 256 * 1024;

/// How much more than the limit is read and thrown away, as a multiple of it, and for how long: a caller that is
/// still writing when the connection closes never reads why.
const PATIENCE: usize = 4;
const PATIENCE_TIME: Duration = Duration::from_secs(1);

/// What bounds the reading of a body.
pub(super) struct Bounds<'a> {
    /// Bytes.
    pub(super) limit: usize,
    pub(super) memory: &'a Gauge,
    pub(super) until: Instant,
    /// The caller waits for "100 Continue" before it sends anything.
    pub(super) waits: bool,
}

/// Reads all of `incoming`, if that is not too much.
pub(super) async fn read(mut incoming: Incoming, bounds: &Bounds<'_>) -> Result<Body, Refusal> {
    let announced = usize::try_from(incoming.size_hint().lower()).unwrap_or(usize::MAX);
    let read = if announced > bounds.limit {
        Err(Refusal::TooLarge { limit: bounds.limit })
    } else {
        let collected = collect(&mut incoming, announced, bounds);
        timeout_at(bounds.until.into(), collected).await.unwrap_or(Err(Refusal::Slow))
    };
    if matches!(read, Err(Refusal::TooLarge { .. })) && !bounds.waits {
        discard(incoming, bounds.limit).await;
    }
    read
}

async fn collect(incoming: &mut Incoming, announced: usize, bounds: &Bounds<'_>) -> Result<Body, Refusal> {
    let mut share = bounds.memory.take(0).ok_or(Refusal::TooMuchMemory)?;
    let mut all = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::Broken)?.into_data() else {
            continue;
        };
        if all.len() + data.len() > bounds.limit {
            return Err(Refusal::TooLarge { limit: bounds.limit });
        }
        if !share.grow(data.len()) {
            return Err(Refusal::TooMuchMemory);
        }
        // A body that comes in one piece is taken as it is.
        if all.is_empty() && data.len() >= announced && incoming.is_end_stream() {
            return Ok(Body { bytes: data, share });
        }
        if all.is_empty() {
            all.reserve(announced.clamp(data.len(), FIRST_ROOM.max(data.len())));
        }
        all.extend_from_slice(&data);
    }
    Ok(Body { bytes: Bytes::from(all), share })
}

/// Reads on for a while without keeping anything.
pub(super) async fn discard(mut incoming: Incoming, limit: usize) {
    let mut patience = limit.saturating_mul(PATIENCE);
    let reading = async {
        while let Some(Ok(frame)) = incoming.frame().await {
            let read = frame.data_ref().map_or(0, Bytes::len);
            if read > patience {
                return;
            }
            patience -= read;
        }
    };
    let _in_time = timeout(PATIENCE_TIME, reading).await.is_ok();
}
