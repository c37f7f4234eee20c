//! What would be denied if everything that exists were made anew today, under policies that enforce.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    check::Check,
    object::Kind,
    policy::Mode,
    scanner::{Scan, Standing},
};

/// How many objects are named for each namespace.
const EXAMPLES: usize = 3;

/// What would be denied in one namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Denied {
    /// Objects, each under its topmost controller.
    pub(super) owners: usize,
    pub(super) examples: Vec<String>,
}

/// By check and namespace; empty for what is in none.
#[derive(Default)]
pub(super) struct Outlook {
    denied: BTreeMap<&'static str, BTreeMap<String, Denied>>,
    /// Why a check could not be told for everything.
    doubts: BTreeMap<&'static str, String>,
    /// Checks that judge who asks for what, which no object tells.
    of_requests: BTreeSet<&'static str>,
    /// Kinds whose objects were not seen, with the reason.
    unseen: Vec<(Kind, String)>,
}

impl Outlook {
    /// From the account of a scan by policies that enforce everything.
    pub(super) fn of(scan: &Scan) -> Self {
        let mut owners: BTreeMap<&'static str, BTreeMap<&str, BTreeSet<String>>> = BTreeMap::new();
        for (namespace, of) in &scan.namespaces {
            // What may have an excuse that is not known warns at most.
            let denies = |found: &&crate::scanner::Found| {
                found.mode == Mode::Enforce && found.standing() == Standing::Open
            };
            for found in of.kept.iter().filter(denies) {
                let of_check = owners.entry(found.check.id).or_default();
                of_check.entry(namespace).or_default().insert(found.subject.to_string());
            }
        }
        let denied = |names: BTreeSet<String>| Denied {
            owners: names.len(),
            examples: names.into_iter().take(EXAMPLES).collect(),
        };
        let by_namespace = |of_check: BTreeMap<&str, BTreeSet<String>>| {
            of_check.into_iter().map(|(namespace, names)| (namespace.to_owned(), denied(names))).collect()
        };
        let doubts = scan.not_assessed.keys().map(|about| (about.check, about.reason.clone()));
        let gaps = scan.gaps().filter_map(|gap| {
            let kind = Kind::ALL.into_iter().find(|kind| resource(*kind) == gap.resource)?;
            Some((kind, format!("{} are not known: {}", gap.resource, gap.why)))
        });
        Self {
            denied: owners.into_iter().map(|(check, of_check)| (check, by_namespace(of_check))).collect(),
            doubts: doubts.collect(),
            of_requests: scan.needs_request.keys().copied().collect(),
            unseen: gaps.collect(),
        }
    }

    /// What would be denied by a check; none where objects cannot tell.
    pub(super) fn denied(&self, check: &Check) -> Option<&BTreeMap<String, Denied>> {
        const NOTHING: &BTreeMap<String, Denied> = &BTreeMap::new();
        let denied = self.denied.get(check.id);
        denied.or_else(|| (!self.judges_requests(check)).then_some(NOTHING))
    }

    /// Whether a check judges what no object tells: who does what, or where they connect to.
    fn judges_requests(&self, check: &Check) -> bool {
        let kinds = check.examine.kinds();
        let is_stored = |kind: &Kind| !kind.resource().is_empty() && !kind.resource().contains('/');
        let needs = |need| check.needs.contains(&need);
        self.of_requests.contains(check.id)
            || needs(crate::check::Need::Request)
            || needs(crate::check::Need::OldObject)
            || !Kind::ALL.iter().filter(|kind| kinds.contains(**kind)).any(is_stored)
    }

    /// Why nobody can tell what a check would deny, if so.
    pub(super) fn doubt(&self, check: &Check) -> Option<String> {
        if let Some(reason) = self.doubts.get(check.id) {
            return Some(format!("it cannot tell for some objects: {reason}"));
        }
        let kinds = check.examine.kinds();
        self.unseen.iter().find(|(kind, _)| kinds.contains(*kind)).map(|(_, reason)| reason.clone())
    }

    #[cfg(test)]
    pub(super) fn with(mut self, check: &'static str, namespace: &str, owners: usize) -> Self {
        let examples = (0..owners.min(EXAMPLES)).map(|n| format!("deployment.apps/web-{n}")).collect();
        self.denied.entry(check).or_default().insert(namespace.to_owned(), Denied { owners, examples });
        self
    }

    #[cfg(test)]
    pub(super) fn doubting(mut self, check: &'static str, reason: &str) -> Self {
        self.doubts.insert(check, reason.to_owned());
        self
    }
}

use crate::cli::scan::round::name as resource;
