//! The door for what already runs: takes one object of a cluster after the other, decides each as the webhook would, and
//! keeps a bounded account of what was found.
//!
//! Pure: whoever fetches the objects hands them over, and tells the time.

mod account;
mod keep;
mod report;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use jiff::Timestamp;

pub use account::{
    Counts, Found, NotScanned, OfNamespace, PassedOver, Scan, Standing, Subject, Unassessable, Why,
};
pub use report::{MOST_BYTES, MOST_RESULTS, Report};

use crate::{
    check::{Missing, Need},
    decision::{Decision, Finding, Fingerprint, Outcome, State, decide, printable},
    inventory::Inventory,
    object::{Kind, Object},
    policy::PolicySet,
    request::{Owner, Request},
};
use keep::Keep;

/// How much of what is found is kept; all of it is counted.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Findings of one namespace.
    pub per_namespace: usize,
    /// Findings of the whole cluster; above it every namespace keeps fewer.
    pub overall: usize,
    /// Characters of one text.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_namespace: 500, overall: 50_000, text: 600 }
    }
}

/// How many findings and controllers are known again. Beyond it a finding may be counted once per pod.
const MOST_REMEMBERED: usize = 2_000_000;

/// How many different reasons, errors or unreadable objects are told apart.
const MOST_DIFFERENT: usize = 500;

/// Judges one object after the other.
pub struct Scanner {
    policies: Arc<PolicySet>,
    inventory: Arc<Inventory>,
    now: Timestamp,
    limits: Limits,
    /// The `apiVersion` of each kind that was begun, by the kind's name.
    api_versions: HashMap<&'static str, String>,
    /// The Deployments and CronJobs met so far: what they control is represented by them.
    controllers: HashSet<u64>,
    /// The findings met so far, each under its root.
    seen: HashSet<u64>,
    hasher: RandomState,
    keep: Keep,
    scan: Scan,
    sees: Option<Arc<Sees>>,
}

/// Told of every object that a scan meets.
pub type Sees = dyn Fn(&Object<'_>) + Send + Sync;

impl Scanner {
    pub fn new(policies: Arc<PolicySet>, inventory: Arc<Inventory>, now: Timestamp, limits: Limits) -> Self {
        let scan = Scan::begin(policies.digest(), now);
        Self {
            policies,
            inventory,
            now,
            limits,
            api_versions: HashMap::new(),
            controllers: HashSet::new(),
            seen: HashSet::new(),
            hasher: RandomState::new(),
            keep: Keep::new(limits),
            scan,
            sees: None,
        }
    }

    /// The same, telling of every object that it meets.
    #[must_use]
    pub fn telling(self, sees: Option<Arc<Sees>>) -> Self {
        Self { sees, ..self }
    }

    /// The kinds to hand over, in this order: a controller comes before what it makes. Secrets are never read.
    pub fn kinds(&self) -> Vec<Kind> {
        let rank = |kind: Kind| match kind {
            Kind::ReplicaSet | Kind::Job => 1,
            Kind::Pod => 2,
            _ if kind.has_pod_spec() => 0,
            _ => 3,
        };
        let is_stored = |kind: &Kind| !kind.resource().is_empty() && !kind.resource().contains('/');
        let mut kinds: Vec<_> = Kind::ALL
            .into_iter()
            .filter(|kind| is_stored(kind) && *kind != Kind::Secret)
            .filter(|kind| self.policies.concerning(*kind).next().is_some())
            .collect();
        kinds.sort_by_key(|kind| rank(*kind));
        kinds
    }

    /// Says in which version the objects of a kind come.
    pub fn begin(&mut self, kind: Kind, api_version: &str) {
        self.api_versions.insert(kind.name(), api_version.to_owned());
    }

    /// How many objects were handed over so far.
    pub const fn objects(&self) -> usize {
        self.scan.objects + self.scan.represented
    }

    /// Judges one object.
    pub fn judge(&mut self, object: Object<'_>) {
        if let Some(sees) = &self.sees {
            sees(&object);
        }
        if self.is_represented(&object) {
            self.scan.represented += 1;
            return;
        }
        if matches!(object.kind, Kind::Deployment | Kind::CronJob) {
            let metadata = &object.metadata;
            let controller =
                self.hasher.hash_one((object.kind.name(), &*metadata.namespace, &*metadata.name));
            remember(&mut self.controllers, controller, &mut self.scan.is_approximate);
        }
        let request = Request::of_manifest(object);
        let decision = decide(&self.policies, &request, &self.inventory, self.now);
        self.scan.objects += 1;
        self.note_doubts(&decision);
        self.note_findings(&request, decision);
    }

    /// Notes an object that could not be read or judged.
    pub fn unreadable(&mut self, kind: Kind, namespace: &str, name: &str, reason: &str) {
        self.scan.objects += 1;
        self.scan.unreadable += 1;
        let slash = if namespace.is_empty() { "" } else { "/" };
        let sentence = format!("{} {namespace}{slash}{name} could not be read: {reason}", kind.name());
        let sentence = self.text(&sentence);
        count(&mut self.scan.errors, sentence, || "others".to_owned());
    }

    /// Notes that the objects of a resource were not seen, or not all of them.
    pub fn not_scanned(&mut self, resource: &str, why: Why) {
        // One of several lists of a resource speaks for the others.
        let is_known = |not: &NotScanned| not.resource == resource && not.why.id() == why.id();
        if !self.scan.not_scanned.iter().any(is_known) {
            self.scan.not_scanned.push(NotScanned { resource: resource.to_owned(), why });
        }
    }

    /// The account. It ends when the last object was judged.
    pub fn finish(mut self, ended: Timestamp) -> Scan {
        self.keep.settle(&mut self.scan.namespaces);
        self.scan.ended = ended;
        self.scan
    }

    /// Whether it is a ReplicaSet of a Deployment or a Job of a CronJob that was judged: the template speaks for it,
    /// and its pods for what still runs. Old ReplicaSets of a mended Deployment run nothing.
    fn is_represented(&self, object: &Object<'_>) -> bool {
        let expected = match object.kind {
            Kind::ReplicaSet => Kind::Deployment,
            Kind::Job => Kind::CronJob,
            _ => return false,
        };
        let metadata = &object.metadata;
        metadata.controller().is_some_and(|controller| {
            Kind::of_manifest(&controller.api_version, &controller.kind) == expected
                && self.controllers.contains(&self.hasher.hash_one((
                    expected.name(),
                    &*metadata.namespace,
                    &*controller.name,
                )))
        })
    }

    /// Notes what could not be told.
    fn note_doubts(&mut self, decision: &Decision) {
        for unassessed in &decision.unassessed {
            let (check, missing) = (unassessed.check, &unassessed.missing);
            let asks_who = check.needs.contains(&Need::Request);
            if asks_who && matches!(missing, Missing::NotKnownHere(_)) {
                *self.scan.needs_request.entry(check.id).or_default() += 1;
                continue;
            }
            let about = Unassessable { check: check.id, reason: self.text(missing.reason()) };
            let others = || Unassessable { check: check.id, reason: "other reasons".to_owned() };
            count(&mut self.scan.not_assessed, about, others);
        }
        for suppression in &decision.suppressions {
            let check = suppression.check.id;
            let about = PassedOver { check, what: self.text(&suppression.what) };
            let others = || PassedOver { check, what: "others".to_owned() };
            count(&mut self.scan.suppressed, about, others);
        }
        if matches!(decision.outcome, Outcome::Error { .. }) {
            self.scan.undecided += 1;
        }
        for error in &decision.errors {
            let error = self.text(error);
            count(&mut self.scan.errors, error, || "others".to_owned());
        }
    }

    /// Notes what was found, but for what another object of the same root has already.
    fn note_findings(&mut self, request: &Request<'_>, decision: Decision) {
        if decision.findings.is_empty() {
            return;
        }
        let own = Arc::new(self.own(request));
        let root = decision.root.as_ref().map(|root| Arc::new(self.root(request, root)));
        let subject = root.unwrap_or_else(|| own.clone());
        // Twins within one object are two findings: they are told apart from those of other objects only.
        let mut new = Vec::with_capacity(decision.findings.len());
        for finding in decision.findings {
            let identity = finding.violation.lasting_identity();
            let fingerprint = Fingerprint::of([
                finding.check.id,
                &subject.kind,
                &request.namespace,
                &subject.name,
                &identity,
            ]);
            if self.seen.contains(&fingerprint.short()) {
                self.scan.repeated += 1;
            } else {
                new.push((fingerprint, finding));
            }
        }
        for (fingerprint, finding) in new {
            remember(&mut self.seen, fingerprint.short(), &mut self.scan.is_approximate);
            let seen_on = (own != subject).then(|| own.clone());
            let found = self.found(finding, fingerprint, subject.clone(), seen_on);
            self.scan.count(&request.namespace, &found);
            self.keep.add(&mut self.scan.namespaces, &request.namespace, found);
        }
    }

    fn found(
        &self,
        finding: Finding,
        fingerprint: Fingerprint,
        subject: Arc<Subject>,
        seen_on: Option<Arc<Subject>>,
    ) -> Found {
        let fix = match &finding.violation.fix {
            Some(own) => Cow::Owned(self.text(own)),
            None => Cow::Borrowed(finding.check.fix),
        };
        Found {
            check: finding.check,
            mode: finding.mode,
            path: self.text(&finding.violation.place.path).into(),
            message: cut(&finding.message(), self.limits.text).into(),
            fix,
            fingerprint,
            subject,
            seen_on,
            exemption: match finding.state {
                State::Exempted(name) => Some(name.into()),
                State::New | State::PreExisting => None,
            },
            policy: finding.policy,
        }
    }

    /// The object itself, as the account names it.
    fn own(&self, request: &Request<'_>) -> Subject {
        let kind = request.kind_name();
        self.subject(self.api_versions.get(kind).map_or("", String::as_str), kind, request.display_name())
    }

    /// The root of an object.
    fn root(&self, request: &Request<'_>, root: &Owner) -> Subject {
        let controller = request.subject().and_then(|object| object.metadata.controller());
        let named = controller.filter(|controller| *controller.kind == *root.kind);
        let known = self.api_versions.get(root.kind.as_str()).map(String::as_str);
        let api_version = named.map(|controller| &*controller.api_version).or(known).unwrap_or_default();
        self.subject(api_version, &root.kind, &root.name)
    }

    fn subject(&self, api_version: &str, kind: &str, name: &str) -> Subject {
        let safe = |text: &str| self.text(text).into();
        Subject { api_version: safe(api_version), kind: safe(kind), name: safe(name) }
    }

    fn text(&self, text: &str) -> String {
        cut(&printable(text), self.limits.text)
    }
}

/// Takes note of something as long as there is room; without, the account says that it is no longer exact.
fn remember(known: &mut HashSet<u64>, one: u64, is_approximate: &mut bool) {
    if known.len() < MOST_REMEMBERED {
        known.insert(one);
    } else {
        *is_approximate = true;
    }
}

/// Counts one of what is told apart as long as there is room; the rest is counted together.
fn count<K: Ord>(counts: &mut BTreeMap<K, usize>, one: K, others: impl FnOnce() -> K) {
    let has_room = counts.len() < MOST_DIFFERENT || counts.contains_key(&one);
    *counts.entry(if has_room { one } else { others() }).or_default() += 1;
}

/// A text of at most so many characters.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
