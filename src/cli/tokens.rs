//! The file of tokens by which scan reports are handed in: `name sha256:<hex of the token>`, a line each.

use aws_lc_rs::{
    constant_time,
    digest::{SHA256, digest},
};

/// Who may hand in, by the hash of the token: several lines of one name let a token be changed without a gap.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    lines: Vec<(String, String)>,
}

impl Tokens {
    /// Reads every line that can be used, and tells of the others, so that a slip of the pen brings no withdrawn token
    /// back.
    pub(super) fn read(text: &str) -> (Self, Vec<String>) {
        let (mut lines, mut problems) = (Vec::new(), Vec::new());
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let words = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let hex = words.1.trim().strip_prefix("sha256:").unwrap_or_default();
            let is_hash = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if is_hash && is_name(words.0) {
                lines.push((words.0.to_owned(), hex.to_owned()));
            } else {
                problems.push(format!("line {}: write `name sha256:<hex of the token>`", number + 1));
            }
        }
        (Self { lines }, problems)
    }

    /// Whose token it is. It takes as long whichever line fits.
    pub(super) fn owner(&self, token: &str) -> Option<&str> {
        let hash = hash(token);
        let mut owner = None;
        for (name, known) in &self.lines {
            let is_same = constant_time::verify_slices_are_equal(known.as_bytes(), hash.as_bytes()).is_ok();
            owner = if is_same { Some(name.as_str()) } else { owner };
        }
        owner
    }
}

/// Whether a line can begin with it.
pub(super) fn is_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// What a line holds in place of the token.
pub(super) fn hash(token: &str) -> String {
    digest(&SHA256, token.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
