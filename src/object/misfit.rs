//! Words for JSON that does not decode, without the value that did not fit: it may be a secret in the wrong field.

/// What does not fit and where, from serde's own words: `invalid type: a string, expected a boolean at line 1 ...`.
pub fn misfit(error: &serde_json::Error) -> String {
    let words = error.to_string();
    // serde writes the offending string between these, escaped as Rust writes strings.
    let Some((before, rest)) = words.split_once("string \"") else { return words };
    let Some(end) = rest.rfind("\", expected ") else { return words };
    format!("{before}a string{}", rest.get(end + 1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::misfit;

    #[test]
    fn a_value_that_does_not_fit_is_not_repeated() {
        for text in [r#""hunter2""#, r#""a\", expected b""#, r#""\n string \"x""#, r#"{"a": "hunter2"}"#] {
            let error = serde_json::from_str::<bool>(text).unwrap_err();
            let told = misfit(&error);
            assert!(!told.contains("hunter2") && !told.contains("expected b\\"), "{told}");
            assert!(told.contains("expected a boolean at line"), "{told}");
        }
        let error = serde_json::from_str::<bool>("{").unwrap_err();
        assert_eq!(misfit(&error), error.to_string());
    }
}
