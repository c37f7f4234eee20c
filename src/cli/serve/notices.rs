//! Who is told of decisions while the webhook serves in a cluster: people by Events, and the record that modes are raised
//! by.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use prometheus::Registry;
use tokio::task::JoinHandle;

use crate::{
    admission::{Gate, Witness, denial},
    cluster::{Cluster, Collecting, Expiry, Leadership, Notice, Notices, Observer, Store, Writing},
    decision::{Decision, State},
    inventory::Inventory,
    request::Request,
    scanner::{Scan, Standing},
};

/// What wants to know of every decision, and what must run for it.
pub(super) struct Telling {
    witness: Arc<Teller>,
    writing: Writing,
    collecting: Collecting,
    expiry: Expiry,
}

struct Teller {
    notices: Notices,
    observer: Arc<Observer>,
}

impl Witness for Teller {
    fn saw(&self, request: &Request<'_>, decision: &Decision, _decision_id: &str) {
        // Dry runs change nothing, so that nothing is to be told or remembered of them.
        if request.dry_run {
            return;
        }
        if !decision.outcome.admits() {
            self.notices.offer(|| Notice::of_denial(request, decision, &denial(decision)));
        }
        let counts = |state: &State| !matches!(state, State::Exempted(_));
        let found = decision.findings.iter().filter(|finding| counts(&finding.state));
        self.observer.saw(&request.namespace, found.map(|finding| finding.check.id));
    }
}

/// Has everything noted that a scan has seen: each namespace there is, and what was found in it or outside of all.
pub(super) fn tell_scan(observer: &Arc<Observer>, inventory: &Inventory, scan: &Scan) {
    let mut seen: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for namespace in inventory.namespaces.ready().into_iter().flat_map(|namespaces| namespaces.keys()) {
        seen.entry(namespace.clone()).or_default();
    }
    for (namespace, of) in &scan.namespaces {
        let open = of.counts.keys().filter(|(_, _, standing)| *standing == Standing::Open);
        seen.entry(namespace.clone()).or_default().extend(open.map(|(check, ..)| *check));
    }
    let observer = observer.clone();
    tokio::spawn(async move { observer.scanned(seen).await });
}

impl Telling {
    /// # Errors
    /// When a metric of theirs is registered already.
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let (notices, writing) = Notices::new(registry)?;
        let (observer, collecting) = Observer::new(registry)?;
        let witness = Arc::new(Teller { notices, observer });
        Ok(Self { witness, writing, collecting, expiry: Expiry::new(registry)? })
    }

    pub(super) fn witness(&self) -> Arc<dyn Witness> {
        self.witness.clone()
    }

    /// Begins what runs beside the answers. The observer is for those who see more than decisions.
    pub(super) fn start(
        self,
        cluster: &Cluster,
        leadership: &Leadership,
        gate: &Arc<Gate>,
    ) -> (Arc<Observer>, Vec<JoinHandle<()>>) {
        let (judging, excusing) = (gate.clone(), gate.clone());
        let checks = move || judging.policies().bound().iter().map(|bound| bound.check.id).collect();
        let exemptions = move || excusing.policies().exemptions().iter().cloned().collect();
        let tasks = vec![
            tokio::spawn(self.writing.run(cluster.clone())),
            tokio::spawn(self.collecting.run(Store::of(cluster), checks)),
            tokio::spawn(self.expiry.run(cluster.clone(), leadership.clone(), exemptions)),
        ];
        (self.witness.observer.clone(), tasks)
    }
}
