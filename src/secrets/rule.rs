//! What a rule of the secret engine is: where to look, what must fit, and made-up values on both sides of the line.

use std::ops::Range;

use super::name::{self, NameClass};

/// What kind of thing was found; checks choose by it which criterion a finding belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// A token whose form one provider documents.
    ProviderToken,
    /// A private key, in whatever wrapping.
    PrivateKey,
    /// A password inside a URL or a connection string.
    UrlCredential,
    /// A file whose structure says that it holds a credential: kubeconfig, docker config, service account.
    Structure,
    /// Nothing but entropy behind a secret's name, 20 characters or more.
    Random,
    /// A shorter mixture of character kinds behind a password's name.
    Dense,
}

/// How sure the engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    Suspected,
    Certain,
}

/// One kind of secret: its words, how to find it, and a generator for values on either side.
///
/// Both examples are templates of [`super::sample`]: no value stands in the source, so no scanner trips over
/// it. Neither is optional, so a rule without examples does not compile.
#[derive(Debug)]
pub struct Rule {
    /// Lower-case, hyphenated, never reused: `github-token`.
    pub id: &'static str,
    /// What a message calls it: "GitHub token".
    pub title: &'static str,
    /// Where the provider, or the standard, documents the form or the credential.
    pub documentation: &'static str,
    pub class: Class,
    /// A template whose every expansion the rule must find.
    pub example: &'static str,
    /// A template whose expansions resemble the example and must not be found.
    pub lookalike: &'static str,
    pub(super) find: Find,
}

/// How a rule finds its candidates; every way starts at a literal of the shared prefilter.
#[derive(Debug)]
pub(super) enum Find {
    /// A token with a fixed part, told by a regular expression and a judgement.
    Token(Token),
    /// A structure that needs code around a literal.
    Around { literals: &'static [&'static str], locate: fn(&Context<'_>, usize) -> Option<Located> },
    /// Found by a decoder or by the class table, which know the rule by name.
    Elsewhere,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) literals: &'static [&'static str],
    /// The most bytes that a token can have before its literal.
    pub(super) lead: usize,
    /// ASCII classes only; boundaries are the engine's.
    pub(super) pattern: &'static str,
    pub(super) judge: fn(&Candidate<'_>) -> Verdict,
}

/// A token that begins with one of its literals.
pub(super) const fn token(
    literals: &'static [&'static str],
    pattern: &'static str,
    judge: fn(&Candidate<'_>) -> Verdict,
) -> Find {
    Find::Token(Token { literals, lead: 0, pattern, judge })
}

/// A token with its literal in the middle, at most `lead` bytes in.
pub(super) const fn token_around(
    literals: &'static [&'static str],
    lead: usize,
    pattern: &'static str,
    judge: fn(&Candidate<'_>) -> Verdict,
) -> Find {
    Find::Token(Token { literals, lead, pattern, judge })
}

/// What a judgement may look at: the token and the names it stands behind.
pub(super) struct Candidate<'a> {
    pub(super) token: &'a str,
    /// The name of the place: a variable, a key, a flag.
    pub(super) name: Option<&'a str>,
    /// The name directly before the token inside the value.
    pub(super) key: Option<&'a str>,
}

impl Candidate<'_> {
    /// Whether one of the names holds `word` as a word of its own.
    pub(super) fn named(&self, word: &str) -> bool {
        self.names().any(|n| name::mentions(n, word))
    }

    /// Whether one of the names is one that secrets have.
    pub(super) fn named_secret(&self) -> bool {
        self.names().any(|n| name::classify(n) != NameClass::Other)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.name.into_iter().chain(self.key)
    }
}

/// The text around a literal and the name of its place.
pub(super) struct Context<'a> {
    pub(super) text: &'a str,
    pub(super) name: Option<&'a str>,
}

/// A secret found in a [`Context`]: where its value stands, and the verdict on it.
pub(super) struct Located {
    pub(super) secret: Range<usize>,
    pub(super) verdict: Verdict,
}

/// The answer of a judgement with its reason, which ends the sentence "GitHub token, ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    No,
    Suspected(&'static str),
    Certain(&'static str),
}

impl Verdict {
    pub(super) fn certain_if(valid: bool, why: &'static str) -> Self {
        if valid { Self::Certain(why) } else { Self::No }
    }
}

/// The form alone is proof enough: prefix, alphabet and length together do not happen by chance.
pub(super) fn by_shape(_: &Candidate<'_>) -> Verdict {
    Verdict::Certain("its documented form")
}
