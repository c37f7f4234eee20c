//! Recognises a finding again: in another run, on another line, in a file of another shape, in the cluster.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{Context, SHA256};

/// SHA-256 over the check, the object and what is wrong where in it, by merge keys. Findings that share it are twins:
/// they are told apart by their number alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The way it is made, as SARIF and baselines name it. Another way is another name.
    pub const SCHEME: &str = "soc2gate/v1";

    /// The fingerprint over these parts, in their order.
    pub fn of(parts: [&str; 5]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            // With its length, or text could move from one part to the next unseen.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Self(bytes)
    }

    /// Its beginning, which tells apart what one process meets.
    pub fn short(&self) -> u64 {
        self.0.iter().take(8).fold(0, |short, byte| short << 8 | u64::from(*byte))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Fingerprint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = "is no fingerprint: write the file again with `--write-baseline`";
        if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(error);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| error)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| error)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_moves_from_one_part_to_the_next_makes_another_fingerprint() {
        let one = Fingerprint::of(["check", "Pod", "a", "bc", "x"]);
        assert_ne!(one, Fingerprint::of(["check", "Pod", "ab", "c", "x"]));
        assert_eq!(one, Fingerprint::of(["check", "Pod", "a", "bc", "x"]));
    }

    #[test]
    fn is_read_as_it_is_written_and_nothing_else() {
        let one = Fingerprint::of(["a", "b", "c", "d", "e"]);
        assert_eq!(one.to_string().parse(), Ok(one));
        for text in ["", "ab", &"A".repeat(64), &"é".repeat(32), &"+1".repeat(32)] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}
