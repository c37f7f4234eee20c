//! What a scan tells at its end: everything counted, and of the findings as many as there is room for.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use jiff::Timestamp;

use crate::{
    check::Check,
    decision::Fingerprint,
    policy::{ControlPolicy, Mode},
};

/// The account of one scan.
#[derive(Debug)]
pub struct Scan {
    pub begun: Timestamp,
    pub ended: Timestamp,
    /// Of the policies that judged.
    pub policy_digest: String,
    /// Objects that were judged, and those that could not be read.
    pub objects: usize,
    /// ReplicaSets and Jobs for which their Deployment or CronJob was judged.
    pub represented: usize,
    /// Objects that could not be read.
    pub unreadable: usize,
    /// By namespace; empty for what is in none. Only where something was found.
    pub namespaces: BTreeMap<String, OfNamespace>,
    /// Findings by the policy that has them.
    pub policies: BTreeMap<String, Tally>,
    /// How often each exemption covered a finding.
    pub exemptions: BTreeMap<String, usize>,
    /// Findings left out because another object of the same root has them.
    pub repeated: usize,
    /// For how many objects a check could not tell.
    pub not_assessed: BTreeMap<Unassessable, usize>,
    /// What checks passed over on somebody's word (VEX), and in how many objects.
    pub suppressed: BTreeMap<PassedOver, usize>,
    /// For how many objects a check would have to know who asks for what; stored objects tell neither.
    pub needs_request: BTreeMap<&'static str, usize>,
    /// Objects about which something enforced could not be decided.
    pub undecided: usize,
    /// What went wrong, and for how many objects. None of it let anything pass.
    pub errors: BTreeMap<String, usize>,
    /// What was not looked at.
    pub not_scanned: Vec<NotScanned>,
    /// Whether there was more than can be told apart: some findings may then be counted once for each pod.
    pub is_approximate: bool,
}

/// Findings by check, mode and standing.
pub type Counts = BTreeMap<(&'static str, Mode, Standing), usize>;

/// What was found in one namespace.
#[derive(Debug, Default)]
pub struct OfNamespace {
    /// Most severe first; open ones before exempted ones.
    pub kept: Vec<Found>,
    /// All that was found, kept or not.
    pub counts: Counts,
}

/// Whether a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    Open,
    Exempted,
}

impl Standing {
    pub const ALL: [Self; 2] = [Self::Open, Self::Exempted];

    pub const fn id(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Exempted => "exempted",
        }
    }
}

/// How many findings count and how many are exempted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub open: usize,
    pub exempted: usize,
}

/// A check that could not tell, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unassessable {
    pub check: &'static str,
    pub reason: String,
}

/// What a check passed over, and whose word it was.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PassedOver {
    pub check: &'static str,
    pub what: String,
}

/// A resource whose objects were not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotScanned {
    /// With its group, as `kubectl` names it: `deployments.apps`.
    pub resource: String,
    pub why: Why,
}

/// Why a resource was not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The cluster has no such resource, so nothing is missing.
    Absent,
    /// It is not read on purpose; with the reason.
    LeftOut(&'static str),
    /// We may not read it.
    Forbidden(String),
    /// It could not be read now.
    Failed(String),
}

impl Why {
    /// Whether objects may exist that were meant to be judged and were not.
    pub const fn is_gap(&self) -> bool {
        matches!(self, Self::Forbidden(_) | Self::Failed(_))
    }

    pub const fn id(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::LeftOut(_) => "left-out",
            Self::Forbidden(_) => "forbidden",
            Self::Failed(_) => "failed",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("the cluster does not serve it"),
            Self::LeftOut(reason) => f.write_str(reason),
            Self::Forbidden(reason) => write!(f, "it may not be read: {reason}"),
            Self::Failed(reason) => write!(f, "it could not be read: {reason}"),
        }
    }
}

/// An object as people name it; its namespace is told beside. Safe to print.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Empty where nobody told it.
    pub api_version: Box<str>,
    pub kind: Box<str>,
    pub name: Box<str>,
}

/// As `kubectl` writes it: `deployment.apps/web`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind.to_lowercase())?;
        if let Some((group, _)) = self.api_version.split_once('/') {
            write!(f, ".{group}")?;
        }
        write!(f, "/{}", self.name)
    }
}

/// One finding on what runs. Every text is safe to print, and of bounded length.
#[derive(Clone, Debug)]
pub struct Found {
    pub check: &'static Check,
    pub mode: Mode,
    pub policy: Arc<ControlPolicy>,
    /// Under whom it is counted: the topmost controller, or the object itself.
    pub subject: Arc<Subject>,
    /// Where it was seen, unless that is the subject itself.
    pub seen_on: Option<Arc<Subject>>,
    pub path: Box<str>,
    /// What is wrong where, without a full stop.
    pub message: Box<str>,
    pub fix: Cow<'static, str>,
    pub fingerprint: Fingerprint,
    /// The exemption that covers it.
    pub exemption: Option<Box<str>>,
}

impl Found {
    pub const fn standing(&self) -> Standing {
        if self.exemption.is_some() { Standing::Exempted } else { Standing::Open }
    }

    /// What is wrong and what to do about it, in one line.
    pub fn sentence(&self) -> String {
        format!("{}. {}", self.message, self.fix)
    }

    /// The whole finding in one line, as a denial has it.
    pub fn line(&self) -> String {
        format!("{} {}: {}", self.check.criterion, self.check.id, self.sentence())
    }

    /// What comes first: what counts, what is severe; then by check and object.
    pub(super) fn rank(&self) -> impl Ord + '_ {
        let severity = std::cmp::Reverse(self.check.severity);
        let mode = std::cmp::Reverse(self.mode);
        (self.standing(), severity, self.check.id, &self.subject, mode, &self.path, self.fingerprint)
    }
}

impl OfNamespace {
    /// How many findings there are in this standing.
    pub fn count(&self, standing: Standing) -> usize {
        let of = self.counts.iter().filter(|((_, _, other), _)| *other == standing);
        of.map(|(_, count)| count).sum()
    }

    /// How many findings were counted and not kept.
    pub fn cut(&self) -> usize {
        self.counts.values().sum::<usize>().saturating_sub(self.kept.len())
    }
}

impl Scan {
    pub(super) fn begin(policy_digest: &str, now: Timestamp) -> Self {
        Self {
            begun: now,
            ended: now,
            policy_digest: policy_digest.to_owned(),
            objects: 0,
            represented: 0,
            unreadable: 0,
            namespaces: BTreeMap::new(),
            policies: BTreeMap::new(),
            exemptions: BTreeMap::new(),
            repeated: 0,
            not_assessed: BTreeMap::new(),
            suppressed: BTreeMap::new(),
            needs_request: BTreeMap::new(),
            undecided: 0,
            errors: BTreeMap::new(),
            not_scanned: Vec::new(),
            is_approximate: false,
        }
    }

    pub(super) fn count(&mut self, namespace: &str, found: &Found) {
        let tally = self.policies.entry(found.policy.name.clone()).or_default();
        match &found.exemption {
            None => tally.open += 1,
            Some(name) => {
                tally.exempted += 1;
                *self.exemptions.entry(name.to_string()).or_default() += 1;
            }
        }
        if !self.namespaces.contains_key(namespace) {
            self.namespaces.insert(namespace.to_owned(), OfNamespace::default());
        }
        if let Some(of) = self.namespaces.get_mut(namespace) {
            *of.counts.entry((found.check.id, found.mode, found.standing())).or_default() += 1;
        }
    }

    /// Findings by check, mode and standing, of all namespaces.
    pub fn counts(&self) -> Counts {
        let mut all = Counts::new();
        for (about, count) in self.namespaces.values().flat_map(|of| &of.counts) {
            *all.entry(*about).or_default() += count;
        }
        all
    }

    /// Seconds from the beginning to the end.
    pub fn seconds(&self) -> f64 {
        self.ended.duration_since(self.begun).as_secs_f64().max(0.0)
    }

    /// The resources that were meant to be seen and were not.
    pub fn gaps(&self) -> impl Iterator<Item = &NotScanned> {
        self.not_scanned.iter().filter(|not| not.why.is_gap())
    }

    /// The resources that could not be read now: what they hold may have findings that are not here.
    pub fn failures(&self) -> BTreeSet<&str> {
        let failed = self.not_scanned.iter().filter(|not| matches!(not.why, Why::Failed(_)));
        failed.map(|not| not.resource.as_str()).collect()
    }
}
