//! Takes secrets out of commands and URIs that are to be recorded.

use std::ops::Range;

use super::{
    Engine, exclusion,
    name::{self, NameClass},
    pairs,
    rule::Verdict,
    scan::Place,
    value::{self, ValueClass},
};

const REDACTED: &str = "[redacted]";

impl Engine {
    /// The text with every secret replaced. Unlike a scan it needs no proof: whatever stands behind a secret's
    /// name goes, weak passwords and placeholders included; references stay.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut spans: Vec<Range<usize>> = self
            .spot(Place::default(), text)
            .into_iter()
            .filter(|one| one.verdict != Verdict::No)
            .map(|one| one.span)
            .collect();
        pairs::each(text, |pair| {
            let secret = match name::classify(pair.key) {
                NameClass::Strong => true,
                NameClass::Weak => pair.value.len() >= 8,
                NameClass::Other => false,
            };
            if secret && !exclusion::is_reference(pair.value) {
                spans.push(pair.span);
            }
        });
        let mut words = Vec::new();
        let mut start = 0;
        for word in text.split([' ', '\t', '\n']) {
            words.push((start, word));
            start += word.len() + 1;
        }
        let mut flag = "";
        for (start, word) in words {
            spans.extend(word_span(flag, start, word));
            flag = word;
        }
        replaced(text, spans)
    }
}

/// The secret part of one word of a command, given the word before it.
fn word_span(flag: &str, start: usize, word: &str) -> Option<Range<usize>> {
    let bare = word.trim_matches(['"', '\'', ';', ',', ')']);
    let from = start + word.find(bare).unwrap_or(0);
    if matches!(flag, "-u" | "--user")
        && let Some((user, password)) = bare.split_once(':')
    {
        return (!exclusion::is_reference(password)).then_some(from + user.len() + 1..from + bare.len());
    }
    let named = flag.starts_with('-') && name::classify(flag) == NameClass::Strong && !flag.contains('=');
    let scheme = matches!(flag.trim_matches(['"', '\'']), "Bearer" | "bearer" | "Basic" | "basic");
    let random = value::classify(bare) == ValueClass::Random && exclusion::reason("", bare).is_none();
    let secret = named || scheme || random;
    (secret && !bare.is_empty() && !bare.starts_with('-') && !exclusion::is_reference(bare))
        .then_some(from..from + bare.len())
}

/// The text with the spans, which may overlap, replaced.
fn replaced(text: &str, mut spans: Vec<Range<usize>>) -> String {
    spans.sort_by_key(|span| span.start);
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    for span in spans {
        if span.start >= at {
            clean.push_str(text.get(at..span.start).unwrap_or_default());
            clean.push_str(REDACTED);
        }
        at = at.max(span.end);
    }
    clean.push_str(text.get(at..).unwrap_or_default());
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::sample::Sampler;

    #[test]
    fn takes_out_what_stands_behind_a_secrets_name() {
        for (text, clean) in [
            ("mysql --password=hunter2 -h db", "mysql --password=[redacted] -h db"),
            ("mysql --password hunter2 -h db", "mysql --password [redacted] -h db"),
            ("curl -u admin:hunter2 https://x", "curl -u admin:[redacted] https://x"),
            ("PGPASSWORD=hunter2 psql", "PGPASSWORD=[redacted] psql"),
            ("psql postgres://a:hunter2@db/x", "psql postgres://a:[redacted]@db/x"),
            ("/api?token=abcdefgh1234&x=1", "/api?token=[redacted]&x=1"),
            ("curl -H 'Authorization: Bearer abc'", "curl -H 'Authorization: Bearer [redacted]'"),
        ] {
            assert_eq!(Engine::shared().redact(text), clean);
        }
    }

    #[test]
    fn leaves_everything_else_as_it_is() {
        for text in [
            "",
            "ls -la /etc/passwd",
            "psql -h db --password=$(PASS)",
            "sh -c 'echo hello world'",
            "héllo wörld",
        ] {
            assert_eq!(Engine::shared().redact(text), text);
        }
    }

    #[test]
    fn takes_out_a_token_wherever_it_stands() {
        let token = Sampler::new(7).expand("ghp_[[crc:30]]");
        let clean = Engine::shared().redact(&format!("git clone x --foo {token}; echo done"));
        assert_eq!(clean, "git clone x --foo [redacted]; echo done");
    }
}
