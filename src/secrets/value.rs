//! Tells random values from words: what stands behind a secret's name but fits no provider's form.

/// What a value looks like by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueClass {
    /// Hexadecimal, alphanumeric, base64 or any mixture with more entropy than words have.
    Random,
    /// 8 to 19 characters of at least three kinds.
    Dense,
    /// Words, numbers, anything short.
    Plain,
}

/// No secret that anybody issues is longer without a structure of its own.
const LONGEST: usize = 512;

/// The class of a value by length, alphabet and entropy.
pub(super) fn classify(value: &str) -> ValueClass {
    let length = value.len();
    if !(8..=LONGEST).contains(&length) || !value.bytes().all(|b| b.is_ascii_graphic()) {
        return ValueClass::Plain;
    }
    let bits = entropy(value);
    let random = if value.bytes().all(|b| b.is_ascii_hexdigit()) {
        length >= 32 && bits >= 3.0
    } else if length >= 20 && bits >= floor(length) {
        value.bytes().all(is_base64) || (kinds(value) >= 3 && !is_markup(value))
    } else {
        false
    };
    if random && word_share(value) < 0.7 {
        ValueClass::Random
    } else if length < 20 && kinds(value) >= 3 && bits >= 3.0 && !is_an_identifier(value) {
        ValueClass::Dense
    } else {
        ValueClass::Plain
    }
}

/// The entropy to ask for: 20 characters cannot exceed log2 20 = 4.3 bit, 40 of base64 hardly stay under 4.5.
fn floor(length: usize) -> f64 {
    if length >= 40 { 4.5 } else { 3.7 }
}

/// Shannon's entropy in bit a character.
pub(super) fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let Ok(length) = u32::try_from(value.len()) else { return 0.0 };
    let length = f64::from(length.max(1));
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|p| -p * p.log2())
        .sum()
}

pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

/// How many of lower case, upper case, digits and symbols occur.
pub(super) fn kinds(value: &str) -> usize {
    let has = |kind: fn(&u8) -> bool| usize::from(value.as_bytes().iter().any(kind));
    has(u8::is_ascii_lowercase)
        + has(u8::is_ascii_uppercase)
        + has(u8::is_ascii_digit)
        + has(u8::is_ascii_punctuation)
}

/// Brackets, quotes and separators make an expression, a query or a list, not a password.
fn is_markup(value: &str) -> bool {
    value
        .bytes()
        .filter(|b| matches!(b, b',' | b';' | b'{' | b'}' | b'[' | b']' | b'"' | b'\'' | b'|'))
        .count()
        >= 2
        || value.contains("://")
        || value.contains("=>")
}

/// `My-Service_v2`: words and separators only, with a number at most at the end of a word.
fn is_an_identifier(value: &str) -> bool {
    const SEPARATORS: [char; 5] = ['-', '_', '.', ':', '/'];
    let parts = || {
        value.split(SEPARATORS).map(|part| {
            let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
            (word, part.len() - word.len())
        })
    };
    value.contains(SEPARATORS)
        && parts().any(|(word, _)| word.len() >= 4)
        && parts().all(|(word, digits)| {
            let letters = word.bytes().all(|b| b.is_ascii_alphabetic());
            letters && digits <= 2 && (word.len() <= 3 || word_share(word) > 0.9)
        })
}

/// The share of characters that stand in pronounceable words, `CamelCase` counted as two.
pub(super) fn word_share(value: &str) -> f64 {
    let bytes = value.as_bytes();
    let (mut worded, mut counted, mut start) = (0_u32, 0_u32, 0);
    for at in 0..=bytes.len() {
        let here = bytes.get(at).copied().unwrap_or(b' ');
        let before = at.checked_sub(1).and_then(|i| bytes.get(i)).copied().unwrap_or(b' ');
        let ends = !here.is_ascii_alphabetic() || (before.is_ascii_lowercase() && here.is_ascii_uppercase());
        if ends {
            let word = bytes.get(start..at).unwrap_or_default();
            if reads_as_word(word) {
                worded += u32::try_from(word.len()).unwrap_or(0);
            }
            start = if here.is_ascii_alphabetic() { at } else { at + 1 };
        }
        counted += u32::from(here.is_ascii_alphanumeric() || here == b'+');
    }
    if counted == 0 { 0.0 } else { f64::from(worded) / f64::from(counted) }
}

/// Three letters or more, one case after the first letter, with vowels where speech needs them.
fn reads_as_word(word: &[u8]) -> bool {
    let is_vowel = |b: &u8| matches!(b.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
    let vowels = word.iter().filter(|b| is_vowel(b)).count();
    let longest_cluster = word.split(is_vowel).map(<[u8]>::len).max().unwrap_or(0);
    let one_case = word.iter().skip(1).all(u8::is_ascii_lowercase) || word.iter().all(u8::is_ascii_uppercase);
    word.len() >= 3
        && one_case
        && longest_cluster <= 4
        && vowels * 6 >= word.len()
        && vowels < word.len()
        && !word.iter().any(|b| matches!(b, b'q' | b'Q'))
            | word.windows(2).any(|w| w.eq_ignore_ascii_case(b"qu"))
}

/// Whether a token's variable part was typed and not generated: placeholder words, repetition, sequences.
pub(super) fn is_made_up(body: &str) -> bool {
    // A longer body could hold such a run by chance.
    let head = body.get(..body.len().min(128)).unwrap_or(body);
    names_itself_a_placeholder(head)
        || has_run(head.as_bytes(), 6, 0)
        || has_run(head.as_bytes(), 8, 1)
        || entropy(head) < 2.5
}

const PLACEHOLDER_WORDS: &[&str] = &[
    "example",
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "dummy",
    "sample",
    "redacted",
    "your-",
    "your_",
    "yourpass",
    "yoursecret",
    "yourtoken",
    "yourkey",
    "yourapi",
    "xxxx",
    "replaceme",
    "replace-",
    "replace_",
    "insert-",
    "insert_",
    "notasecret",
    "not-a-",
    "not_a_",
    "notreal",
    "not-real",
    "fakekey",
    "fake-",
    "fake_",
    "fillme",
    "fill-me",
    "todo",
    "tbd",
    "secret-here",
    "key-here",
    "token-here",
    "_here",
    "-here",
    "goes-here",
];

/// Whether the text says of itself that it stands for something else.
pub(super) fn names_itself_a_placeholder(text: &str) -> bool {
    let bytes = text.as_bytes();
    PLACEHOLDER_WORDS
        .iter()
        .any(|word| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes())))
}

/// Whether `length` neighbouring letters or digits are each `step` above the one before: `aaaaaa`, `12345678`.
pub(super) fn has_run(bytes: &[u8], length: usize, step: u8) -> bool {
    let mut run = 1;
    bytes.windows(2).any(|pair| {
        let [before, after] = pair else { return false };
        let continues = *after == before.wrapping_add(step) && after.is_ascii_alphanumeric();
        run = if continues { run + 1 } else { 1 };
        run >= length
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_values_are_told_by_alphabet_and_length() {
        for value in [
            "9f2c7e01b4d85a36e7c19d402b8f6a53",
            "q7Rk2ZtV9xLm4NwB8sYd",
            "Jx7+Qm2/Vt9KpLw4Zs8RbN1yHd6Gc3TfEu5AoXi0",
            "k9$Tq2!vLx7@pRz4#nWb8%",
        ] {
            assert_eq!(classify(value), ValueClass::Random, "{value}");
        }
    }

    #[test]
    fn words_of_any_length_are_plain() {
        for value in [
            "production",
            "my-very-long-service-account-name",
            "someCamelCaseConfigurationValue",
            "org.springframework.boot.autoconfigure",
            "KUBERNETES_SERVICE_ACCOUNT",
            "hunter2",
            "12345678901234567890",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "",
            "My-Service_v2",
        ] {
            assert_eq!(classify(value), ValueClass::Plain, "{value}");
        }
    }

    #[test]
    fn short_mixtures_are_dense() {
        for value in ["Tr0ub4dor&3", "MyPassword123!", "xK9#mQ2vL", "P@ssw0rd2024"] {
            assert_eq!(classify(value), ValueClass::Dense, "{value}");
        }
    }

    #[test]
    fn typed_bodies_are_made_up() {
        for body in [
            "xxxxxxxxxxxxxxxxxxxx",
            "YOUR_TOKEN_HERE12345",
            "abcdefghijklmnopqrst",
            "IOSFODNN7EXAMPLE",
            "00000000000a",
        ] {
            assert!(is_made_up(body), "{body}");
        }
        assert!(!is_made_up("q7Rk2ZtV9xLm4NwB8sYd"));
    }
}
