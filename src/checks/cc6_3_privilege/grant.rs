//! Something dangerous that a rule grants, told apart from what its role granted before.

use std::fmt;

use super::kubernetes;
use crate::{
    check::{Ask, Report, quoted},
    object::{Object, PolicyRule, RuleAt},
};

/// One verb on one resource or path that a rule grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::checks) struct Grant<'r> {
    pub(super) verb: &'r str,
    pub(super) group: &'r str,
    pub(super) object: Granted<'r>,
    /// One of the names that the rule is bound to; none if it holds for every name.
    pub(super) name: Option<&'r str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Granted<'r> {
    Resource(&'r str),
    Url(&'r str),
}

/// More of one rule are not told apart; no rule that a person wrote has so many.
pub(super) const MOST_GRANTS: usize = 1_000;

/// The comparisons that one check spends on one role; past this everything counts as new, so that a huge role costs no
/// more than a large one.
const MOST_COMPARISONS: usize = 20_000_000;

impl Grant<'_> {
    /// Whether a rule grants this too.
    fn is_in(&self, rule: &PolicyRule) -> bool {
        match self.object {
            Granted::Url(url) => rule.has_verb(self.verb) && rule.has_url(url),
            Granted::Resource(resource) => {
                rule.grants(self.verb, self.group, resource) && {
                    let bounds = rule.bounds(self.verb, resource);
                    let is_named = |name: &str| bounds.iter().any(|bound| **bound == *name);
                    bounds.is_empty() || self.name.is_some_and(is_named)
                }
            }
        }
    }
}

impl fmt::Display for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Granted::Resource(on) | Granted::Url(on)) = self.object;
        write!(f, "{} on {}", quoted(self.verb), quoted(on))?;
        self.name.map_or(Ok(()), |name| write!(f, " {}", quoted(name)))
    }
}

/// Whether nothing is said about a role: Kubernetes' own, or copies of what is judged elsewhere.
pub(super) fn is_excused(role: &Object<'_>, ask: &Ask<'_>) -> bool {
    kubernetes::is_own(role, ask.request) || kubernetes::has_copied_rules(role, ask.request)
}

/// What the role granted before this UPDATE, as far as comparing is worth it.
#[derive(Clone, Copy)]
pub(super) struct Before<'o>(Option<&'o Object<'o>>);

impl<'o> Before<'o> {
    /// Nothing: whatever a rule grants is new.
    pub(super) const NOTHING: Self = Self(None);

    pub(super) fn of(ask: &Ask<'o>) -> Self {
        Self(ask.old)
    }

    fn granted(self, grant: &Grant<'_>) -> bool {
        self.0.is_some_and(|old| old.rules().any(|at| grant.is_in(at.rule)))
    }

    /// The same, unless to compare would cost too much.
    fn worthwhile(self, at: &RuleAt<'_>, grants: usize) -> Self {
        let rules = at.role.role().map_or(0, |role| role.rules.len());
        let most = MOST_COMPARISONS / grants.saturating_mul(rules).max(1);
        let entries = |rule: &PolicyRule| {
            let PolicyRule { verbs, api_groups, resources, resource_names, non_resource_urls } = rule;
            let lists = [verbs, api_groups, resources, resource_names, non_resource_urls];
            1 + lists.iter().map(|list| list.len()).sum::<usize>()
        };
        let mut old = self.0.iter().flat_map(|old| old.rules());
        let within = old.try_fold(most, |left, at| left.checked_sub(entries(at.rule)));
        if grants > MOST_GRANTS || within.is_none() { Self::NOTHING } else { self }
    }
}

/// The value of a violation whose grants the role had before, in whatever rule. The ratchet finds it in the old role.
const BEFORE: &str = "granted before";

/// Reports what a rule grants: one violation for what is new, and one for what the role granted already.
pub(super) fn report(
    at: &RuleAt<'_>,
    grants: Vec<Grant<'_>>,
    before: Before<'_>,
    report: &mut Report,
    words: impl Fn(&[Grant<'_>]) -> String,
) {
    let before = before.worthwhile(at, grants.len());
    let (had, gained): (Vec<_>, Vec<_>) = grants.into_iter().partition(|grant| before.granted(grant));
    if !gained.is_empty() {
        report.violation_of(at.place(), &all(&gained), words(&gained));
    }
    if !had.is_empty() {
        report.violation_of(at.place(), BEFORE, words(&had));
    }
}

/// Every grant, for the identity of a violation.
fn all(grants: &[Grant<'_>]) -> String {
    let one = |grant: &Grant<'_>| match (grant.object, grant.name) {
        (Granted::Resource(on), Some(name)) => format!("{} {}/{on} {name}", grant.verb, grant.group),
        (Granted::Resource(on), None) => format!("{} {}/{on}", grant.verb, grant.group),
        (Granted::Url(url), _) => format!("{} {url}", grant.verb),
    };
    let mut all: Vec<_> = grants.iter().map(one).collect();
    all.sort_unstable();
    all.join(";")
}

/// The grants in the middle of a sentence: the first, and how many more.
pub(super) fn told(grants: &[Grant<'_>]) -> String {
    match grants {
        [] => String::new(),
        [one] => one.to_string(),
        [one, another] => format!("{one} and {another}"),
        [one, more @ ..] => format!("{one} and {} more", more.len()),
    }
}
