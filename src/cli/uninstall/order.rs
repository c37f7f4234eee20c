//! In which order the parts of an installation go.

use serde_json::Value;

use crate::cluster::Id;

/// When something goes. What makes requests wait goes first, what holds people's work last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The API server asks the gate nothing any more.
    Registration,
    /// Nobody is kept from the rest.
    GuardBinding,
    Guard,
    /// The gate itself and its rights: from now on nothing is written any more.
    Gate,
    /// What it has written in all namespaces.
    Reports,
    Namespace,
    /// With them all policies and exemptions go.
    Definitions,
}

impl Stage {
    pub(super) const ALL: [Self; 7] = [
        Self::Registration,
        Self::GuardBinding,
        Self::Guard,
        Self::Gate,
        Self::Reports,
        Self::Namespace,
        Self::Definitions,
    ];

    fn of(kind: &str) -> Self {
        match kind {
            "ValidatingWebhookConfiguration" => Self::Registration,
            "ValidatingAdmissionPolicyBinding" => Self::GuardBinding,
            "ValidatingAdmissionPolicy" => Self::Guard,
            "Namespace" => Self::Namespace,
            "CustomResourceDefinition" => Self::Definitions,
            _ => Self::Gate,
        }
    }
}

/// What goes in a stage: the last that was installed first.
pub(super) fn of_stage(installed: &[Value], stage: Stage) -> Vec<Id> {
    let ids = installed.iter().rev().map(Id::of);
    let mut ids: Vec<_> = ids.filter(|id| Stage::of(&id.kind) == stage).collect();
    // Whoever runs would make what else goes again.
    ids.sort_by_key(|id| id.kind != "Deployment");
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::installation;

    #[test]
    fn what_makes_requests_wait_goes_first_and_everything_goes_once() {
        let installed = installation::everything("gate").unwrap();
        let order: Vec<_> = Stage::ALL.into_iter().flat_map(|stage| of_stage(&installed, stage)).collect();
        let kinds: Vec<_> = order.iter().map(|id| id.kind.as_str()).collect();
        assert_eq!(
            kinds[..4],
            [
                "ValidatingWebhookConfiguration",
                "ValidatingAdmissionPolicyBinding",
                "ValidatingAdmissionPolicy",
                "Deployment"
            ]
        );
        let namespace = kinds.iter().position(|kind| *kind == "Namespace").unwrap();
        assert!(kinds[namespace + 1..].iter().all(|kind| *kind == "CustomResourceDefinition"), "{kinds:?}");
        assert_eq!(order.len(), installed.len());
    }
}
