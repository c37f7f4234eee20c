//! Leaves `managedFields` out of a body before it is parsed: half of a real review, and nobody reads it.

use std::borrow::Cow;

use memchr::{memchr_iter, memchr2_iter, memmem};

const KEY: &[u8] = b"\"managedFields\"";

/// The body with every list under a key `managedFields` emptied. What it held is not even checked for being JSON.
///
/// The key is told from text that looks like it by what stands before: inside a string the quote would be escaped,
/// and after `{` or `,` it can only open a key. So what remains means the same, or is as malformed as before.
pub(super) fn slim(body: &[u8]) -> Cow<'_, [u8]> {
    let mut kept: Vec<u8> = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = body.get(at..).and_then(|rest| memmem::find(rest, KEY)) {
        let key = at + found;
        at = key + KEY.len();
        let Some(open) = list_after(body, key) else { continue };
        // A list without an end is looked for once, or a hostile body would be read again for each of its keys.
        let Some(length) = body.get(open..).and_then(length_of_list) else { break };
        let close = open + length;
        if let Some(before) = body.get(copied..=open) {
            if copied == 0 {
                kept.reserve(body.len() - (close - open));
            }
            kept.extend_from_slice(before);
            copied = close;
            at = close;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(body);
    }
    kept.extend_from_slice(body.get(copied..).unwrap_or_default());
    Cow::Owned(kept)
}

/// Where the list under the key at `key` opens, if it is a key and holds a list.
fn list_after(body: &[u8], key: usize) -> Option<usize> {
    let is_space = |b: &&u8| matches!(**b, b' ' | b'\n' | b'\r' | b'\t');
    let before = body.get(..key)?.iter().rev().find(|b| !is_space(b))?;
    if !matches!(before, b'{' | b',') {
        return None;
    }
    let skip = |from: usize| Some(from + body.get(from..)?.iter().take_while(is_space).count());
    let colon = skip(key + KEY.len())?;
    let open = skip(colon + 1)?;
    (body.get(colon) == Some(&b':') && body.get(open) == Some(&b'[')).then_some(open)
}

/// How far the closing bracket of a list is from its opening one, which is the first byte.
///
/// Brackets are rare here and quotes are counted with vector instructions: a bracket behind an odd number of quotes
/// stands in a string. An escaped backslash, which would need a closer look, ends the attempt.
fn length_of_list(text: &[u8]) -> Option<usize> {
    let (mut depth, mut quotes, mut counted) = (0_usize, 0_usize, 0_usize);
    for at in memchr2_iter(b'[', b']', text) {
        let piece = text.get(counted..at)?;
        if memmem::find(piece, b"\\\\").is_some() {
            return None;
        }
        quotes += memchr_iter(b'"', piece).count() - memmem::find_iter(piece, b"\\\"").count();
        counted = at;
        if quotes % 2 == 1 {
            continue;
        }
        if text.get(at) == Some(&b'[') {
            depth += 1;
        } else {
            depth -= 1;
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::slim;

    fn slimmed(body: &str) -> String {
        String::from_utf8(slim(body.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn empties_the_list_and_nothing_else() {
        assert_eq!(
            slimmed(r#"{"managedFields":[{"a":"]"},["\"]"]],"b":1}"#),
            r#"{"managedFields":[],"b":1}"#
        );
        assert_eq!(
            slimmed("{\"a\": 1,\n \"managedFields\" : [ 1 ]}"),
            "{\"a\": 1,\n \"managedFields\" : []}"
        );
        assert_eq!(
            slimmed(r#"{"x":{"managedFields":[1]},"y":{"managedFields":[2]}}"#),
            r#"{"x":{"managedFields":[]},"y":{"managedFields":[]}}"#
        );
    }

    #[test]
    fn leaves_text_that_only_looks_like_it() {
        for body in [
            r#"{"a":"\"managedFields\":[1]"}"#,
            r#"{"a":", \"managedFields\":[1]"}"#,
            r#"{"a":["managedFields",[1]]}"#,
            r#"{"managedFields":{"a":[1]}}"#,
            r#"{"managedFields":[1"#,
            r#"{"managedFields":["\\",1]}"#,
            "",
        ] {
            assert_eq!(slimmed(body), body);
        }
    }

    #[test]
    fn unended_lists_are_read_once() {
        // Quadratic work would take minutes here.
        let body = "{\"managedFields\":[".repeat(200_000);
        assert_eq!(slimmed(&body), body);
    }

    proptest! {
        #[test]
        fn any_document_means_the_same_without_them(
            texts in proptest::collection::vec("[\\[\\]{}\\\\\",:a ]{0,12}|\"managedFields\":\\[", 4)
        ) {
            let managed = json!([{"f": texts[0]}, [texts[1]], {texts[2].as_str(): [1]}]);
            let full = json!({"a": texts[3], "managedFields": managed, "b": {texts[1].as_str(): texts[2]}, "c": texts});
            let read: Value = serde_json::from_slice(&slim(full.to_string().as_bytes())).unwrap();
            let mut bare = full.clone();
            if read["managedFields"] == json!([]) {
                bare["managedFields"] = json!([]);
            }
            prop_assert_eq!(read, bare);
        }
    }
}
