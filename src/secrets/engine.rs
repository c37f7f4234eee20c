//! Compiles all rules once into one automaton and finds candidates with it: the part that every byte passes.

use std::{ops::Range, sync::LazyLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::bytes::{Regex, RegexBuilder};

use super::{
    FingerprintKey, Hit, pairs,
    rule::{Candidate, Context, Find, Rule, Token, Verdict},
    rules,
    scan::{Place, Scan},
    value,
};

/// The most bytes of one value that are read; the rest is reported as not assessable.
pub const MOST_BYTES: usize = 64 * 1024;

/// How far a pattern may look from its literal.
const REACH: usize = 16 * 1024;

/// All rules, compiled. Building it takes some milliseconds, so a program has one: [`Engine::shared`].
#[derive(Debug)]
pub struct Engine {
    prefilter: Option<AhoCorasick>,
    /// For each literal of the prefilter, the index of its rule.
    owners: Vec<usize>,
    compiled: Vec<Compiled>,
}

#[derive(Debug)]
struct Compiled {
    rule: &'static Rule,
    pattern: Option<Regex>,
    /// A pattern without an upper length must not start inside its own alphabet, or it would read a text of
    /// nothing but prefixes once for each of them.
    open: bool,
}

/// A secret in a text, not yet reported.
#[derive(Clone, Debug)]
pub(super) struct Spotted {
    pub(super) rule: &'static Rule,
    pub(super) span: Range<usize>,
    pub(super) verdict: Verdict,
}

static SHARED: LazyLock<Engine> = LazyLock::new(Engine::new);

impl Engine {
    /// The one engine of this process; the first call compiles it.
    #[must_use]
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// Every rule, for documentation and tests.
    pub fn rules() -> impl Iterator<Item = &'static Rule> {
        rules::all()
    }

    fn new() -> Self {
        let mut literals = Vec::new();
        let mut owners = Vec::new();
        let mut compiled = Vec::new();
        for (index, rule) in rules::all().enumerate() {
            let own: &[&str] = match &rule.find {
                Find::Token(token) => token.literals,
                Find::Around { literals, .. } => literals,
                Find::Elsewhere => &[],
            };
            literals.extend_from_slice(own);
            owners.extend(own.iter().map(|_| index));
            compiled.push(Compiled::new(rule));
        }
        // Every literal is known here; a test proves that the automaton and all patterns are built.
        let prefilter = AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(&literals).ok();
        Self { prefilter, owners, compiled }
    }

    /// Scans one place: its name, if it has one, and its value. Returns how many bytes were too many to read.
    ///
    /// What only a whole object can tell, such as an AWS key id beside its secret, is the work of a
    /// [`Sweep`](super::Sweep).
    pub fn scan(
        &self,
        key: Option<&FingerprintKey>,
        name: Option<&str>,
        value: &str,
        hits: &mut Vec<Hit>,
    ) -> usize {
        let mut scan = Scan::new(self, key, hits);
        scan.whole(name, value)
    }

    /// Everything in the text that a rule with a literal finds or dismisses, the best of those that overlap.
    pub(super) fn spot(&self, place: Place<'_>, text: &str) -> Vec<Spotted> {
        let mut found = Vec::new();
        let Some(prefilter) = &self.prefilter else { return found };
        // Per rule the end of what it has read: a literal inside is part of that.
        let mut read: Vec<(usize, usize)> = Vec::new();
        for hit in prefilter.find_overlapping_iter(text) {
            let Some(owner) = self.owners.get(hit.pattern().as_usize()) else { continue };
            let Some(compiled) = self.compiled.get(*owner) else { continue };
            if read.iter().any(|(rule, end)| rule == owner && hit.start() < *end) {
                continue;
            }
            let Some(spotted) = compiled.judge(place, text, hit.start()..hit.end()) else { continue };
            read.retain(|(rule, _)| rule != owner);
            read.push((*owner, spotted.span.end));
            // What a token's rule has dismissed, a failed checksum above all, is no random value either.
            if spotted.verdict != Verdict::No || matches!(compiled.rule.find, Find::Token(_)) {
                found.push(spotted);
            }
        }
        if found.len() > 1 { without_overlaps(found) } else { found }
    }
}

/// Of findings that share characters the surer one stays, then the longer, then the more specific.
fn without_overlaps(mut found: Vec<Spotted>) -> Vec<Spotted> {
    found.sort_by_key(|one| {
        let doubt = match one.verdict {
            Verdict::Certain(_) => 0,
            Verdict::Suspected(_) => 1,
            Verdict::No => 2,
        };
        (doubt, one.rule.class == super::Class::UrlCredential, usize::MAX - one.span.len(), one.rule.id)
    });
    let mut kept: Vec<Spotted> = Vec::new();
    for one in found {
        // Bounded work: a value with more secrets than this needs no complete list.
        let overlaps =
            kept.iter().any(|other| one.span.start < other.span.end && other.span.start < one.span.end);
        if !overlaps && kept.len() < MOST_FINDINGS {
            kept.push(one);
        }
    }
    kept.sort_by_key(|one| one.span.start);
    kept
}

/// The most findings reported of one value.
const MOST_FINDINGS: usize = 64;

impl Compiled {
    fn new(rule: &'static Rule) -> Self {
        let Find::Token(token) = &rule.find else { return Self { rule, pattern: None, open: false } };
        let anchored =
            if token.lead == 0 { format!("^(?:{})", token.pattern) } else { token.pattern.to_owned() };
        let pattern = RegexBuilder::new(&anchored).unicode(false).build().ok();
        let open =
            token.pattern.contains(",}") || token.pattern.contains("]*") || token.pattern.contains("]+");
        Self { rule, pattern, open }
    }

    /// What the rule says of the literal at `literal`; one with [`Verdict::No`] tells what was read in vain.
    fn judge(&self, place: Place<'_>, text: &str, literal: Range<usize>) -> Option<Spotted> {
        match &self.rule.find {
            Find::Token(token) => self.judge_token(token, place, text, literal),
            Find::Around { locate, .. } => {
                let located = locate(&Context { text, name: place.name }, literal.start)?;
                Some(Spotted { rule: self.rule, span: located.secret, verdict: located.verdict })
            }
            Find::Elsewhere => None,
        }
    }

    fn judge_token(
        &self,
        token: &Token,
        place: Place<'_>,
        text: &str,
        literal: Range<usize>,
    ) -> Option<Spotted> {
        let bytes = text.as_bytes();
        if token.lead == 0 && !begins_word(bytes, literal.start, self.open) {
            return None;
        }
        let from = literal.start.saturating_sub(token.lead);
        let window = bytes.get(from..bytes.len().min(literal.start + REACH))?;
        let found = self.pattern.as_ref()?.find_iter(window).find(|found| {
            // The match must be about this literal, not about one that stood before it.
            from + found.end() > literal.start
        })?;
        let span = from + found.start()..from + found.end();
        let whole =
            begins_word(bytes, span.start, false) && !bytes.get(span.end).is_some_and(|b| is_word(*b));
        let matched = text.get(span.clone())?;
        let body = variable_part(matched, text.get(literal)?);
        if !whole {
            return None;
        }
        let verdict = if !value::is_made_up(body) {
            let key = pairs::key_before(text, span.start).or(place.inner);
            (token.judge)(&Candidate { token: matched, name: place.name, key })
        } else {
            Verdict::No
        };
        Some(Spotted { rule: self.rule, span, verdict })
    }
}

/// The longer of what precedes and what follows the literal: the part that nobody could know.
fn variable_part<'m>(matched: &'m str, literal: &str) -> &'m str {
    let (before, after) = matched.split_once(literal).unwrap_or(("", matched));
    if before.len() > after.len() { before } else { after }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a token can begin at `at`: the byte before must not belong to the same word, unless it belongs to an
/// escape sequence such as `\n` or `%3D`.
fn begins_word(bytes: &[u8], at: usize, hyphen_joins: bool) -> bool {
    let before = |distance: usize| at.checked_sub(distance).and_then(|i| bytes.get(i)).copied();
    let Some(last) = before(1) else { return true };
    if !is_word(last) {
        return !(hyphen_joins && last == b'-');
    }
    let escaped = before(2) == Some(b'\\') && matches!(last, b'n' | b'r' | b't');
    let percent = before(3) == Some(b'%')
        && last.is_ascii_hexdigit()
        && before(2).is_some_and(|b| b.is_ascii_hexdigit());
    escaped || percent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_and_the_prefilter_compile() {
        let engine = Engine::shared();
        assert!(engine.prefilter.is_some());
        for compiled in &engine.compiled {
            let is_token = matches!(compiled.rule.find, Find::Token(_));
            assert_eq!(compiled.pattern.is_some(), is_token, "{}", compiled.rule.id);
        }
    }

    #[test]
    fn rule_ids_are_unique_and_well_formed_and_every_rule_is_documented() {
        let mut ids: Vec<_> = Engine::rules().map(|rule| rule.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        assert!(count >= 60, "{count} rules");
        for rule in Engine::rules() {
            assert!(
                rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{}",
                rule.id
            );
            assert!(rule.documentation.starts_with("https://"), "{}", rule.id);
            assert!(
                !rule.title.is_empty() && !rule.example.is_empty() && !rule.lookalike.is_empty(),
                "{}",
                rule.id
            );
        }
    }

    #[test]
    fn a_token_begins_after_an_escape_but_not_inside_a_word() {
        assert!(begins_word(b"x=ghp_", 2, false));
        assert!(begins_word(b"x\\nghp_", 3, false));
        assert!(begins_word(b"x%3Dghp_", 4, false));
        assert!(!begins_word(b"xghp_", 1, false));
        assert!(begins_word(b"-glpat-", 1, false) && !begins_word(b"-glpat-", 1, true));
    }
}
