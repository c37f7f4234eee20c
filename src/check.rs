//! What a check is: a pure function from one request to its violations, and the words that go with it.

mod ask;
mod change;
mod examine;
mod image_trust;
mod moment;
mod principal;
mod references;
mod report;
mod version;
mod words;

use std::fmt;

use crate::criterion::{Criterion, Severity, Support};

pub use ask::Ask;
pub use examine::{Examine, Examiner, Home, Kinds, Params};
pub use image_trust::{Gathering, ImageTrust};
pub use moment::{lasts_longer, moment};
pub use principal::Principal;
pub use references::References;
pub use report::{Missing, Report, Resolved, Violation, labelled_pod, quoted};
pub use version::Version;
pub use words::{Examples, Level, Reference};

/// One check. The words are values: the denial, `explain`, SARIF, the report and `policies/README.md` all print them.
pub struct Check {
    /// Named after what is wrong, so that "allow `<id>`" is a sentence. Never changed, never reused.
    pub id: &'static str,
    /// The folder it is filed under.
    pub criterion: Criterion,
    /// The official criteria it speaks to, each with its strength and the reason.
    pub tsc: &'static [Support],
    pub severity: Severity,
    /// What it must know beside the object.
    pub needs: &'static [Need],
    /// What is wrong, as a noun phrase: `privileged container`.
    pub title: &'static str,
    /// Why it matters, for the engineer who is refused. Full sentences.
    pub why: &'static str,
    /// What to change, in the imperative. One or two sentences; a denial ends with it.
    pub fix: &'static str,
    pub references: &'static [Reference],
    pub examples: Examples,
    pub examine: Examine,
}

impl Check {
    /// The Pod Security Standards level that this check is a control of, if it is one.
    pub fn level(&self) -> Option<Level> {
        self.references.iter().find_map(|reference| match reference {
            Reference::PodSecurity { level, .. } => Some(*level),
            _ => None,
        })
    }
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Check({})", self.id)
    }
}

/// What a check must know beside the object. Where it is absent the answer is *not assessable*, never a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The cluster's minor version.
    Version,
    /// Requester and operation.
    Request,
    /// On UPDATE, the object as it was.
    OldObject,
    /// A part of what else exists.
    Inventory(Part),
    /// The same, without which it still decides, on less.
    Optional(Part),
}

/// A part of the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Namespaces,
    NetworkPolicies,
    AuthorizationPolicies,
    Roles,
    Accounts,
    ImageEvidence,
    Pods,
    DisruptionBudgets,
    Autoscalers,
    LimitRanges,
    Routes,
    Policies,
}

impl Part {
    /// Its name in plain words.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::NetworkPolicies => "network policies",
            Self::AuthorizationPolicies => "authorization policies",
            Self::Roles => "roles",
            Self::Accounts => "accounts",
            Self::ImageEvidence => "image evidence",
            Self::Pods => "pods",
            Self::DisruptionBudgets => "disruption budgets",
            Self::Autoscalers => "autoscalers",
            Self::LimitRanges => "limit ranges",
            Self::Routes => "routes",
            Self::Policies => "policies",
        }
    }
}

impl Part {
    /// That nobody told what it holds.
    const fn absence(self) -> &'static str {
        match self {
            Self::Namespaces => "the inventory of namespaces is not there",
            Self::NetworkPolicies => "the inventory of network policies is not there",
            Self::AuthorizationPolicies => "the inventory of authorization policies is not there",
            Self::Roles => "the inventory of roles is not there",
            Self::Accounts => "the inventory of accounts is not there",
            Self::ImageEvidence => "the inventory of image evidence is not there",
            Self::Pods => "the inventory of pods is not there",
            Self::DisruptionBudgets => "the inventory of disruption budgets is not there",
            Self::Autoscalers => "the inventory of autoscalers is not there",
            Self::LimitRanges => "the inventory of limit ranges is not there",
            Self::Routes => "the inventory of routes is not there",
            Self::Policies => "the inventory of policies is not there",
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version => f.write_str("version"),
            Self::Request => f.write_str("request"),
            Self::OldObject => f.write_str("request: old object"),
            Self::Inventory(part) => write!(f, "inventory: {}", part.id()),
            Self::Optional(part) => write!(f, "inventory: {} (if there)", part.id()),
        }
    }
}
