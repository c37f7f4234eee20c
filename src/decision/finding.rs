//! A violation seen under a policy, and the one line that a person reads about it.

use std::{borrow::Cow, sync::Arc};

use crate::{
    check::{Check, Violation},
    policy::{ControlPolicy, Mode},
};

/// A violation seen under a policy.
#[derive(Clone, Debug)]
pub struct Finding {
    pub check: &'static Check,
    /// The mode in force when it was found.
    pub mode: Mode,
    pub policy: Arc<ControlPolicy>,
    pub violation: Violation,
    pub state: State,
}

/// Whether a finding counts against the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    New,
    /// The old object, or the owner's template, had it already: reported, never denied.
    PreExisting,
    /// Permitted by the exemption of this name: recorded only.
    Exempted(String),
}

impl State {
    /// What [`State::id`] can say.
    pub const IDS: [&'static str; 3] = ["new", "pre-existing", "exempted"];

    pub const fn id(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::PreExisting => "pre-existing",
            Self::Exempted(_) => "exempted",
        }
    }
}

impl Finding {
    /// Whether it denies its request.
    pub fn denies(&self) -> bool {
        self.mode == Mode::Enforce && self.state == State::New
    }

    /// Whether the requester is told without being denied.
    pub fn warns(&self) -> bool {
        match self.state {
            State::New => self.mode == Mode::Warn,
            State::PreExisting => self.mode >= Mode::Warn,
            State::Exempted(_) => false,
        }
    }

    /// What is wrong where, without a full stop: `spec.hostPID is true`.
    pub fn message(&self) -> String {
        let violation = &self.violation;
        printable(&format!("{} {}", violation.place.path, violation.what)).into_owned()
    }

    /// What to change.
    pub fn fix(&self) -> Cow<'_, str> {
        self.violation.fix.as_deref().map_or(Cow::Borrowed(self.check.fix), printable)
    }

    /// The whole finding in one line: criterion, check, message, fix.
    pub fn line(&self) -> String {
        format!("{} {}: {}. {}", self.check.criterion, self.check.id, self.message(), self.fix())
    }
}

/// Text of a user's made safe for one line of a terminal, a log or an HTTP header: control characters, line
/// separators, bidirectional and invisible ones appear escaped.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) || !text.chars().any(misleads) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if misleads(character) {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn escapes_what_would_mislead_a_reader() {
        assert_eq!(printable("a\nb\u{202e}c\u{9b}d\u{2028}"), "a\\u{a}b\\u{202e}c\\u{9b}d\\u{2028}");
        assert_eq!(printable("größe 中文 ✓"), "größe 中文 ✓");
    }
}
