//! Makes up secrets from templates and a seed, for tests and documentation: none stands in any file.
//!
//! `[[alnum:30]]` is thirty random characters, `[[a|b]]` one of two texts, `[[=text]]` the base64 of a text;
//! [`Sampler::expand`] lists the rest. Checksums are right, the secrets open nothing.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use super::checksum;

/// A generator with a seed: the same seed and templates give the same values.
#[derive(Clone, Debug)]
pub struct Sampler {
    state: u64,
}

impl Sampler {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Expands a template. Kinds: `alnum lower upper letter digit digit19 digits01 hex HEX b64 b64url base32 bech`
    /// with a count of characters; `bytes urlbytes` with a count of bytes before base64; `crc` (GitHub's and
    /// npm's body and checksum), `glsa`, `age`, `jwt`, `json`, `bigjson`, `uuid`, `password`, `pem:LABEL`,
    /// `pem1:LABEL` (on one line with `\n`) and `=pem:LABEL` (in base64). Unknown ones stay as they are.
    pub fn expand(&mut self, template: &str) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, group)) = rest.split_once("[[") {
            out.push_str(before);
            let (group, after) = close(group);
            let expanded = self.group(group);
            out.push_str(&expanded);
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn group(&mut self, group: &str) -> String {
        let alternatives = alternatives(group);
        if alternatives.len() > 1 {
            let chosen = self.below(alternatives.len());
            let chosen = alternatives.get(chosen).copied().unwrap_or_default();
            return self.expand(chosen);
        }
        if let Some(label) = group.strip_prefix("=pem:") {
            let label = self.expand(label);
            return STANDARD.encode(self.pem(&label));
        }
        if let Some(text) = group.strip_prefix('=') {
            return STANDARD.encode(self.expand(text));
        }
        let (kind, argument) = group.split_once(':').unwrap_or((group, ""));
        match kind {
            "pem" | "pem1" => {
                let label = self.expand(argument);
                let pem = self.pem(&label);
                if kind == "pem" { pem } else { pem.replace('\n', "\\n") }
            }
            _ => self.kind(kind, argument.parse().unwrap_or(0)).unwrap_or_else(|| format!("[[{group}]]")),
        }
    }

    fn kind(&mut self, kind: &str, count: usize) -> Option<String> {
        const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
        const DIGITS: &str = "0123456789";
        let alphabet = match kind {
            "alnum" => format!("{UPPER}{LOWER}{DIGITS}"),
            "lower" => format!("{LOWER}{DIGITS}"),
            "upper" => format!("{UPPER}{DIGITS}"),
            "letter" => format!("{UPPER}{LOWER}"),
            "digit" => DIGITS.to_owned(),
            "digit19" => "123456789".to_owned(),
            "digits01" => "01".to_owned(),
            "hex" => "0123456789abcdef".to_owned(),
            "HEX" => "0123456789ABCDEF".to_owned(),
            "b64" => format!("{UPPER}{LOWER}{DIGITS}+/"),
            "b64url" => format!("{UPPER}{LOWER}{DIGITS}-_"),
            "base32" => format!("{UPPER}234567"),
            "bech" => "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".to_owned(),
            _ => return self.composite(kind, count),
        };
        Some(self.characters(&alphabet, count))
    }

    fn composite(&mut self, kind: &str, count: usize) -> Option<String> {
        Some(match kind {
            "bytes" => STANDARD.encode(self.bytes(count)),
            "urlbytes" => {
                STANDARD.encode(self.bytes(count)).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
            }
            "crc" => {
                let body = self.kind("alnum", count)?;
                format!("{body}{}", checksum::base62_crc(&body))
            }
            "glsa" => {
                let body = format!("glsa_{}", self.kind("alnum", count)?);
                format!("{body}_{}", checksum::little_endian_crc(&body))
            }
            "age" => self.age()?,
            "jwt" => {
                let payload = format!(r#"{{"sub":"{}","iat":1767225600}}"#, self.kind("hex", 24)?);
                let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
                format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(payload), self.kind("b64url", 43)?)
            }
            "json" => STANDARD.encode(format!(
                r#"{{"o":"{}","k":"{}"}}"#,
                self.kind("digit", 6)?,
                self.kind("alnum", 40)?
            )),
            "bigjson" => {
                let key = self.kind("b64url", 200)?;
                URL_SAFE_NO_PAD.encode(format!(r#"{{"email":"a@b.c","muk":{{"k":"{key}"}}}}"#))
            }
            "uuid" => ["8", "4", "4", "4", "12"]
                .iter()
                .map(|length| self.kind("hex", length.parse().unwrap_or(4)))
                .collect::<Option<Vec<_>>>()?
                .join("-"),
            "password" => {
                let (head, tail) = (self.kind("alnum", 6)?, self.kind("alnum", 5)?);
                format!("{head}k7!{tail}Z")
            }
            _ => return None,
        })
    }

    fn age(&mut self) -> Option<String> {
        let prefix = bech32::Hrp::parse("age-secret-key-").ok()?;
        let identity = bech32::encode::<bech32::Bech32>(prefix, &self.bytes(32)).ok()?;
        Some(identity.to_ascii_uppercase())
    }

    /// A block with that label around random bytes.
    fn pem(&mut self, label: &str) -> String {
        let body = STANDARD.encode(self.bytes(240));
        let mut lines = String::new();
        for (at, character) in body.chars().enumerate() {
            if at > 0 && at % 64 == 0 {
                lines.push('\n');
            }
            lines.push(character);
        }
        format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
    }

    fn characters(&mut self, alphabet: &str, count: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..count).filter_map(|_| alphabet.get(self.below(alphabet.len())).copied()).collect()
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Splits behind the brackets that close a group.
fn close(text: &str) -> (&str, &str) {
    let mut depth = 1;
    let mut at = 0;
    while let Some(two) = text.get(at..).and_then(|rest| rest.get(..2)) {
        match two {
            "[[" => depth += 1,
            "]]" => depth -= 1,
            _ => {
                at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
                continue;
            }
        }
        if depth == 0 {
            return (text.get(..at).unwrap_or_default(), text.get(at + 2..).unwrap_or_default());
        }
        at += 2;
    }
    (text, "")
}

/// The texts between the bars of a group, nested groups left whole.
fn alternatives(group: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut at, mut start) = (0, 0);
    while let Some(rest) = group.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(nested) = rest.strip_prefix("[[") {
            at = group.len() - close(nested).1.len();
            continue;
        }
        if rest.starts_with('|') {
            found.extend(group.get(start..at));
            start = at + 1;
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    found.extend(group.get(start..));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_value() {
        let template = "[[a|b]]-[[alnum:9]]-[[=x:[[hex:4]]]]";
        assert_eq!(Sampler::new(1).expand(template), Sampler::new(1).expand(template));
        assert_ne!(Sampler::new(1).expand(template), Sampler::new(2).expand(template));
    }

    #[test]
    fn expands_nested_groups_and_leaves_unknown_ones() {
        let mut sampler = Sampler::new(3);
        assert_eq!(sampler.expand("x[[=ab]]y"), "xYWI=y");
        assert_eq!(sampler.expand("[[what]]"), "[[what]]");
        assert!(["p:q", "r"].contains(&sampler.expand("[[p:q|r]]").as_str()));
        assert_eq!(sampler.expand("[[[[hex:3]]|[[hex:3]]]]").len(), 3);
    }
}
