//! Who is told of decisions while the webhook serves in a cluster: people by Events, and the record that modes are raised
//! by.

use std::sync::Arc;

use prometheus::Registry;
use tokio::task::JoinHandle;

use crate::{
    admission::{Gate, Witness, denial},
    cluster::{Cluster, Collecting, Expiry, Leadership, Notice, Notices, Observer, Store, Writing},
    decision::{Decision, State},
    request::Request,
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
