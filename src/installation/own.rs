//! What the gate itself is installed with, to the letter: rights and rules that a check would find in anybody else's.

use std::sync::OnceLock;

use serde::Deserialize;

use super::shipped::{GATE, objects};
use crate::object::{Direction, List, NetworkPolicy, NetworkPolicyRule, PolicyRule};

/// What of the installation is compared.
#[derive(Default)]
struct Own {
    /// Rules of ClusterRoles, each with the name of its role.
    rules: Vec<(String, PolicyRule)>,
    /// NetworkPolicies by name.
    policies: Vec<(String, NetworkPolicy)>,
}

impl Own {
    fn read() -> Self {
        let mut own = Self::default();
        for object in objects(GATE).unwrap_or_default() {
            let name = super::field::text(&object, "metadata.name").to_owned();
            let part = |field: &str| object.get(field).cloned().unwrap_or_default();
            match super::field::text(&object, "kind") {
                "ClusterRole" => {
                    let rules = List::<PolicyRule>::deserialize(part("rules")).unwrap_or_default();
                    own.rules.extend(rules.0.into_iter().map(|rule| (name.clone(), rule)));
                }
                "NetworkPolicy" => {
                    own.policies
                        .extend(NetworkPolicy::deserialize(part("spec")).ok().map(|spec| (name, spec)));
                }
                _ => {}
            }
        }
        own
    }

    fn get() -> &'static Self {
        static OWN: OnceLock<Own> = OnceLock::new();
        OWN.get_or_init(Self::read)
    }
}

/// Whether a rule of the ClusterRole `role` is one that the gate is installed with.
pub fn is_own_role_rule(role: &str, rule: &PolicyRule) -> bool {
    Own::get().rules.iter().any(|(name, own)| name == role && own == rule)
}

/// Whether a rule of the NetworkPolicy `policy`, in the gate's namespace, is one that the gate is installed with: the API
/// server has no address that a policy could name.
pub fn is_own_traffic_rule(policy: &str, direction: Direction, rule: &NetworkPolicyRule) -> bool {
    Own::get().policies.iter().any(|(name, own)| name == policy && own.rules(direction).contains(rule))
}
