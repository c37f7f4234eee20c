//! What scanners said about images, by digest.

/// Scans by manifest digest.
#[derive(Clone, Debug, Default)]
pub struct ImageEvidence {}
