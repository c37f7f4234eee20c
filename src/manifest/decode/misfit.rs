//! The words for a value that does not fit, and how they find their place.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use crate::manifest::closest::closest;
use crate::manifest::node::Place;
use crate::manifest::unusable::Unusable;

/// Gives an error the place of the node at hand, unless one further in has done so.
pub(super) trait At {
    fn at(self, place: Place) -> Self;
}

impl<T> At for Result<T, Unusable> {
    fn at(self, place: Place) -> Self {
        self.map_err(|error| match error.line {
            0 => Unusable { line: place.line, column: place.column, ..error },
            _ => error,
        })
    }
}

impl Error for Unusable {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { file: String::new(), line: 0, column: 0, message: message.to_string() }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = plain_words(expected);
        let scalar = matches!(
            found,
            Unexpected::Bool(_) | Unexpected::Signed(_) | Unexpected::Unsigned(_) | Unexpected::Float(_)
        );
        let fix = if scalar && expected.contains("string") { ": put it in quotes" } else { "" };
        Self::custom(format_args!("expected {expected}, found {}{fix}", kind(found)))
    }

    /// The value itself is not shown: it may be a secret, and its place is told.
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!(
            "expected {}, found another value ({})",
            plain_words(expected),
            kind(found)
        ))
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(unknown("value", found, expected))
    }

    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(unknown("field", found, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom(format_args!("field `{field}` is missing: add it"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::custom(format_args!("field `{field}` is given twice: keep one of the two"))
    }
}

fn unknown(what: &str, found: &str, known: &[&'static str]) -> String {
    let shown: String = found.escape_debug().take(64).collect();
    let guess = match closest(found, known.iter().copied()) {
        Some(guess) => format!("did you mean `{guess}`? "),
        None => String::new(),
    };
    match known {
        [] => format!("unknown {what} `{shown}`: none is known here, remove it"),
        _ => format!("unknown {what} `{shown}`: {guess}known: {}", Listed(known)),
    }
}

/// Words in backticks, for "one of".
pub(super) struct Listed<'a>(pub(super) &'a [&'static str]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}`{word}`")?;
        }
        Ok(())
    }
}

/// What serde's derived code expects, without the words of this program's language.
fn plain_words(expected: &dyn Expected) -> String {
    let words = expected.to_string();
    match words.as_str() {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" => format!("an integer ({words})"),
        "f32" | "f64" => "a number".to_owned(),
        "a borrowed string" => "a string".to_owned(),
        "a sequence" => "a list".to_owned(),
        "unit" => "nothing".to_owned(),
        _ if words.starts_with("struct ") => "a map".to_owned(),
        _ => words,
    }
}

/// What a person would call the kind of value that was found.
fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Signed(_) | Unexpected::Unsigned(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a map",
        _ => "something else",
    }
}
