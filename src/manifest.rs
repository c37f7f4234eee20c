//! Turns YAML or JSON text into documents that still know their lines, so that every refusal and finding can
//! name the place to mend.
//!
//! Text is read the way the Kubernetes API server reads it (`sigs.k8s.io/yaml`, which is YAML 1.1 as `yaml.v2`
//! understands it): a reader that takes `privileged: yes` for text would let a privileged container pass. Where
//! readers are known to disagree (duplicate keys, a merge key below the key it overrides) the text is refused.

mod closest;
mod decode;
mod json;
mod lookup;
mod node;
mod objects;
mod scalar;
mod unusable;
mod yaml;

use std::sync::Arc;

use serde::Deserialize;

pub use closest::closest;
pub use node::{Key, Node, Place, Value};
pub use objects::{Content, open};
pub use unusable::Unusable;

/// How deep lists and maps may be nested, in any text we read.
pub const DEPTH_LIMIT: usize = 128;

/// The largest text we read, in bytes.
pub const TEXT_LIMIT: usize = 64 << 20;

/// How many values one text may hold. A value costs about 40 bytes, however little text it takes.
const NODE_LIMIT: usize = 4_000_000;

/// One document of a manifest file, never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The name of the file it was read from, as the person gave it.
    pub file: Arc<str>,
    /// What the document says.
    pub root: Node,
}

/// Reads all documents of a text; empty ones are dropped.
///
/// Text that begins with `{` or `[` is JSON, one document after the other. When it is no JSON after all it is
/// read as YAML, whose flow style begins the same way.
///
/// # Errors
/// [`Unusable`] at the first place that cannot be read without doubt.
pub fn parse(file: &str, text: &str) -> Result<Vec<Document>, Unusable> {
    let refuse = |refusal: Refusal| refusal.in_file(file);
    if text.len() > TEXT_LIMIT {
        let message =
            format!("the text is larger than {} MiB: split it into several files", TEXT_LIMIT >> 20);
        return Err(refuse(Refusal::content(Place::START, message)));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let roots = if text.trim_start().starts_with(['{', '[']) {
        json::read(text).or_else(|refusal| match refusal.cause {
            // The JSON reader's words are the better ones when neither can read it.
            Cause::Syntax => yaml::read(text).map_err(|_| refusal),
            Cause::Content => Err(refusal),
        })
    } else {
        yaml::read(text)
    };
    let file: Arc<str> = file.into();
    let filled = roots.map_err(refuse)?.into_iter().filter(|root| root.value != Value::Null);
    Ok(filled.map(|root| Document { file: file.clone(), root }).collect())
}

impl Document {
    /// The document as a typed value. The strings of `T` may borrow from the document.
    ///
    /// # Errors
    /// [`Unusable`] at the value, key or map that does not fit `T`.
    pub fn decode<'de, T: Deserialize<'de>>(&'de self) -> Result<T, Unusable> {
        T::deserialize(&self.root).map_err(|unfit| Unusable { file: self.file.to_string(), ..unfit })
    }

    /// Where a field stands: the place of its key or list entry, or of the nearest ancestor that exists.
    ///
    /// The path reads `spec.containers[0].image`; a key with dots or slashes may be put in brackets:
    /// `metadata.annotations[example.com/owner]`.
    pub fn place(&self, path: &str) -> Place {
        lookup::place(&self.root, path)
    }

    /// The path of what stands at a place, `spec.checks[0].mode`; of the root it is empty.
    pub fn field(&self, place: Place) -> String {
        lookup::field(&self.root, place).unwrap_or_default()
    }

    /// A refusal of this document at a place in it.
    pub fn unusable(&self, place: Place, message: impl Into<String>) -> Unusable {
        Unusable {
            file: self.file.to_string(),
            line: place.line,
            column: place.column,
            message: message.into(),
        }
    }

    /// The document as compact JSON.
    pub fn to_json_text(&self) -> String {
        // Keys are strings and numbers are finite, so that there is nothing JSON could refuse.
        serde_json::to_string(&self.root).unwrap_or_default()
    }
}

/// Why a reader stopped, before the file's name is known to it.
#[derive(Debug)]
struct Refusal {
    cause: Cause,
    place: Place,
    message: String,
}

/// Whether the other reader may have a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The text is not in this language.
    Syntax,
    /// The text is understood, and says what no reader may accept.
    Content,
}

impl Refusal {
    fn syntax(place: Place, message: impl Into<String>) -> Self {
        Self { cause: Cause::Syntax, place, message: message.into() }
    }

    fn content(place: Place, message: impl Into<String>) -> Self {
        Self { cause: Cause::Content, place, message: message.into() }
    }

    fn too_deep(place: Place) -> Self {
        Self::content(place, format!("nested deeper than {DEPTH_LIMIT} levels: flatten the document"))
    }

    fn too_many(place: Place) -> Self {
        Self::content(place, format!("more than {NODE_LIMIT} values: split the text into several files"))
    }

    fn in_file(self, file: &str) -> Unusable {
        let Self { place, message, .. } = self;
        Unusable { file: file.to_owned(), line: place.line, column: place.column, message }
    }
}

#[cfg(test)]
mod tests;
