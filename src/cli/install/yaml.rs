//! Objects as YAML, which kubectl reads as they are meant.

use std::io;

use serde_json::Value;

/// One object, as a document without its marker.
pub(super) fn text(object: &Value) -> io::Result<String> {
    let mut text = serde_saphyr::to_string(object).map_err(io::Error::other)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest;

    #[test]
    fn what_is_written_is_read_back_as_it_was() {
        for value in [
            "yes",
            "on",
            "off",
            "null",
            "~",
            "1.0",
            "0440",
            "1e3",
            "0x1f",
            "2027-01-31",
            "12:30:45",
            "",
            " ",
            "a: b",
            "- a",
            "# no comment",
            "a #b",
            "'",
            "\"",
            "*",
            "&a",
            "!x",
            "%",
            "@",
            "`",
            "{}",
            "[]",
            "a\nb\n",
            "\tx",
            "é",
            "|",
            ">",
            "=",
            "<<",
            "y",
            "N",
            "-",
            "--- a",
            "system:serviceaccount:gate:soc2gate",
            "!(a && \"b\" in c)",
        ] {
            let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": value}, "list": [value, [value]]});
            let text = text(&object).unwrap();
            let documents = manifest::parse("written", &text).unwrap();
            let back: Value = serde_json::from_str(&documents[0].to_json_text()).unwrap();
            assert_eq!(back, object, "{text}");
        }
    }
}
