//! The one refusal of input: what cannot be used, where it stands, and what to change.

use std::fmt;

/// Input that cannot be used. Prints as `file:line:column: message`; without a line, as `file: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The file as the person named it, `-` for standard input; empty while it is not known yet.
    pub file: String,
    /// The line, counted from 1; 0 when the place is not known, as for a file that cannot be opened.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
    /// What is wrong and what to change: lower case, no full stop.
    pub message: String,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
        }
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        if !self.file.is_empty() || self.line > 0 {
            f.write_str(" ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Unusable {}
