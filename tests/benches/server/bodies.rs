//! Reviews that a real API server sent, in the sizes that matter.

use std::fmt;

use hyper::body::Bytes;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Pod,
    Deployment,
    Update,
}

pub(crate) const SIZES: [Size; 3] = [Size::Pod, Size::Deployment, Size::Update];

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reviews/", $name))
    };
}

impl Size {
    /// The body, which every server must allow.
    pub(crate) fn body(self) -> Bytes {
        match self {
            Self::Pod => compact(recorded!("044-CREATE-Pod-good-pod.json")),
            // As recorded, with its indentation: on the wire it is half as long.
            Self::Deployment => Bytes::from_static(recorded!("010-CREATE-Deployment-checkout.json")),
            // The new object and the old one.
            Self::Update => compact(recorded!("047-UPDATE-Deployment-checkout.json")),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Pod => "Pod",
            Self::Deployment => "Deployment, indented",
            Self::Update => "Deployment update",
        };
        write!(to, "{kind}, {:.1} kB", self.body().len() as f64 / 1000.0)
    }
}

/// Without the white space between its tokens, as the API server sends it.
fn compact(json: &[u8]) -> Bytes {
    let (mut inside, mut escaped) = (false, false);
    let stays = |byte: &&u8| {
        let quote = **byte == b'"' && !escaped;
        escaped = inside && **byte == b'\\' && !escaped;
        inside ^= quote;
        inside || !byte.is_ascii_whitespace()
    };
    json.iter().filter(stays).copied().collect()
}
