//! The gate that runs: answers reviews from the policies and the inventory in force, then counts and logs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Identity, Unreadable, decide, encode, review, slim};
use crate::{
    check::Check,
    checks,
    decision::{Decision, Outcome, State, printable, undecidable},
    inventory::{Inventory, Source},
    object::Kind,
    policy::{ExemptionState, Mode, PolicySet},
    request::{Operation, Request},
    telemetry::{Metrics, Vocabulary},
};

/// Holds what is in force as immutable snapshots: no lock lies between a review and its answer.
pub struct Gate {
    policies: ArcSwap<PolicySet>,
    inventory: ArcSwap<Inventory>,
    metrics: Arc<Metrics>,
    witnesses: Vec<Arc<dyn Witness>>,
}

/// Somebody who wants to know of every decision on a review, dry runs included.
pub trait Witness: Send + Sync {
    /// Told before the answer leaves: it must take note without waiting for anything.
    fn saw(&self, request: &Request<'_>, decision: &Decision, decision_id: &str);
}

/// What goes back over the wire.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status: 200 for every review that was answered, whatever the decision.
    pub status: u16,
    /// JSON for 200, one line of text otherwise.
    pub body: Vec<u8>,
}

impl Gate {
    pub fn new(
        policies: PolicySet,
        inventory: Inventory,
        metrics: Arc<Metrics>,
        witnesses: Vec<Arc<dyn Witness>>,
    ) -> Self {
        let gate = Self {
            policies: ArcSwap::from_pointee(policies),
            inventory: ArcSwap::from_pointee(inventory),
            metrics,
            witnesses,
        };
        gate.announce();
        gate.tell_standing();
        gate
    }

    /// Puts other policies in force; reviews under way finish under the old ones.
    pub fn install(&self, policies: PolicySet) {
        self.policies.store(Arc::new(policies));
        self.announce();
        self.tell_standing();
    }

    /// Lets the checks of changes to policies know what is in force.
    fn tell_standing(&self) {
        let standing = self.policies.load().standing().clone();
        self.update_inventory(|inventory| inventory.policies = Source::Ready(standing.clone()));
    }

    /// Changes what is known of the surroundings.
    pub fn update_inventory(&self, change: impl Fn(&mut Inventory)) {
        self.inventory.rcu(|inventory| {
            let mut inventory = Inventory::clone(inventory);
            change(&mut inventory);
            inventory
        });
    }

    /// What is known of the surroundings.
    pub fn inventory(&self) -> Arc<Inventory> {
        self.inventory.load_full()
    }

    /// The policies in force.
    pub fn policies(&self) -> Arc<PolicySet> {
        self.policies.load_full()
    }

    /// Shows in the metrics what is in force.
    fn announce(&self) {
        let policies = self.policies.load();
        self.metrics.policy_loaded(policies.digest());
        self.count_exemptions(Timestamp::now());
    }

    /// Counts exemptions by state; to be called now and then, since they expire by themselves.
    pub fn count_exemptions(&self, now: Timestamp) {
        let policies = self.policies.load();
        for state in ExemptionState::ALL {
            let count =
                policies.exemptions().iter().filter(|exemption| exemption.state(now) == state).count();
            self.metrics.exemptions(state.id(), count);
        }
        let active = policies.exemptions().iter().filter(|one| one.state(now) == ExemptionState::Active);
        self.metrics.next_exemption_ends(active.map(|exemption| exemption.expires.as_second()).min());
    }

    /// Answers one request body.
    pub fn answer(&self, body: &[u8]) -> Reply {
        let policies = self.policies.load();
        let inventory = self.inventory.load();
        match decide(&slim::slim(body), &policies, &inventory, Timestamp::now()) {
            Ok((request, uid, decision)) => {
                self.reply(&policies, inventory.outdated_since, &request, &uid, &decision)
            }
            Err(unreadable) => self.refuse(&unreadable),
        }
    }

    /// Answers a body whose handling failed: a panic, a deadline. With something enforced at stake it is denied.
    pub fn answer_failure(&self, body: &[u8], reason: &str) -> Reply {
        let policies = self.policies.load();
        match review::addressee(body) {
            Ok((uid, request)) => {
                let decision = undecidable(&policies, &request, reason.to_owned());
                let outdated = self.inventory.load().outdated_since;
                self.reply(&policies, outdated, &request, &uid, &decision)
            }
            Err(unreadable) => self.refuse(&unreadable),
        }
    }

    fn refuse(&self, unreadable: &Unreadable<'_>) -> Reply {
        self.metrics.decode_failures.count(&["not-a-review"]);
        tracing::info!(reason = %unreadable, "refused a request that is no AdmissionReview");
        Reply { status: 400, body: format!("{unreadable}\n").into_bytes() }
    }

    fn reply(
        &self,
        policies: &PolicySet,
        outdated: Option<Timestamp>,
        request: &Request<'_>,
        uid: &str,
        decision: &Decision,
    ) -> Reply {
        let id = Uuid::now_v7();
        let mut buffer = Uuid::encode_buffer();
        let decision_id: &str = id.hyphenated().encode_lower(&mut buffer);
        let inventory_age = outdated.map(|since| Timestamp::now().as_second() - since.as_second());
        let identity = Identity { decision_id, policy_digest: policies.digest(), inventory_age };
        let body = encode(uid, decision, identity);
        self.count(request, decision);
        log(request, decision, decision_id);
        for witness in &self.witnesses {
            witness.saw(request, decision, decision_id);
        }
        Reply { status: 200, body }
    }

    fn count(&self, request: &Request<'_>, decision: &Decision) {
        // Dry runs are outside every population.
        if request.dry_run {
            return;
        }
        let operation = request.operation.map_or("unknown", Operation::id);
        self.metrics.decisions.count(&[decision.outcome.id(), operation, request.kind.name()]);
        if !decision.flaws.is_empty() {
            self.metrics.invalid_definitions.count(&[request.kind.name(), operation]);
        }
        for finding in &decision.findings {
            self.metrics.findings.count(&[finding.check.id, finding.mode.id(), finding.state.id()]);
        }
        if matches!(decision.outcome, Outcome::Error { .. }) && decision.unassessed.is_empty() {
            self.metrics.decode_failures.count(&["object"]);
        }
    }
}

/// One line per denial and per error, none for what passes; never a body.
fn log(request: &Request<'_>, decision: &Decision, decision_id: &str) {
    let denied = !decision.outcome.admits();
    if !denied && decision.errors.is_empty() {
        return;
    }
    let kind = printable(request.kind_name());
    let namespace = printable(&request.namespace);
    let name = printable(request.display_name());
    let user = printable(request.requester.as_ref().map_or("", |requester| requester.username()));
    let operation = request.operation.map_or("unknown", Operation::id);
    let outcome = decision.outcome.id();
    let dry_run = request.dry_run;
    if !decision.errors.is_empty() {
        let errors = printable(&decision.errors.join("; ")).into_owned();
        tracing::warn!(decision_id, outcome, operation, %kind, %namespace, %name, %user, dry_run, errors, "errors while deciding");
    } else {
        let mut checks: Vec<_> = decision.denials().map(|finding| finding.check.id).collect();
        checks.dedup();
        let checks = checks.join(",");
        let flaws: Vec<_> = decision.flaws.iter().map(ToString::to_string).collect();
        let flaws = printable(&flaws.join("; ")).into_owned();
        tracing::info!(decision_id, operation, %kind, %namespace, %name, %user, dry_run, checks, flaws, "denied {kind} {namespace}/{name}");
    }
}

/// The metrics of a gate, whose labels take no other values than the program's own words.
///
/// # Errors
/// When two metrics bear one name.
pub fn metrics() -> prometheus::Result<Metrics> {
    let checks: Vec<_> = checks::all().map(|check: &Check| (check.criterion.id(), check.id)).collect();
    let kinds: Vec<_> =
        Kind::ALL.iter().filter(|kind| **kind != Kind::Other).map(|kind| kind.name()).collect();
    let operations: Vec<_> = Operation::ALL.iter().map(|operation| operation.id()).collect();
    Metrics::new(&Vocabulary {
        outcomes: &["allow", "warn", "deny", "error"],
        operations: &operations,
        kinds: &kinds,
        checks: &checks,
        modes: &Mode::ALL.map(Mode::id),
        states: &State::IDS,
        decode_failures: &["not-a-review", "object"],
        exemption_states: &ExemptionState::ALL.map(ExemptionState::id),
    })
}
