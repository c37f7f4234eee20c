//! Scans all places of one object and finds what only two of them together tell.

use super::{Certainty, Engine, FingerprintKey, Half, Hit, scan::Scan};

/// A scan of one object, place by place. `P` is the caller's word for a place.
#[derive(Debug)]
pub struct Sweep<'e, P> {
    engine: &'e Engine,
    key: Option<&'e FingerprintKey>,
    found: Vec<Found<P>>,
    scratch: Vec<Hit>,
    unread: usize,
    saw_aws_secret: bool,
}

/// A hit and where it is.
#[derive(Clone, Debug)]
pub struct Found<P> {
    pub place: P,
    pub hit: Hit,
}

/// What one object holds.
#[derive(Clone, Debug)]
pub struct Swept<P> {
    pub found: Vec<Found<P>>,
    /// Bytes beyond the cap of a value, not assessed.
    pub unread: usize,
}

impl<'e, P> Sweep<'e, P> {
    #[must_use]
    pub fn new(engine: &'e Engine, key: Option<&'e FingerprintKey>) -> Self {
        Self { engine, key, found: Vec::new(), scratch: Vec::new(), unread: 0, saw_aws_secret: false }
    }

    /// Scans one place. `place` is called for each hit only.
    pub fn read(&mut self, name: Option<&str>, value: &str, mut place: impl FnMut() -> P) {
        let mut scan = Scan::new(self.engine, self.key, &mut self.scratch);
        self.unread += scan.whole(name, value);
        self.saw_aws_secret |= scan.saw_aws_secret;
        self.found.extend(self.scratch.drain(..).map(|hit| Found { place: place(), hit }));
    }

    /// Ends the object: halves that found each other become certain.
    #[must_use]
    pub fn finish(mut self) -> Swept<P> {
        let has_id = self.found.iter().any(|found| found.hit.half == Some(Half::AwsKeyId));
        if has_id && self.saw_aws_secret {
            for Found { hit, .. } in &mut self.found {
                match hit.half {
                    Some(Half::AwsKeyId) => hit.reason = "with its secret in the same object",
                    Some(Half::AwsSecret) => hit.reason = "beside an AWS access key id in the same object",
                    None => continue,
                }
                hit.certainty = Certainty::Certain;
            }
        }
        Swept { found: self.found, unread: self.unread }
    }
}
