//! Every rule of the secret engine, one file for each family of providers.
//!
//! The forms are facts from the linked documentation; each expression is written for this engine.

mod ai;
mod cloud;
mod judge;
mod key;
mod messaging;
mod observability;
mod payment;
mod registry;
mod source;
mod structure;

use super::rule::Rule;

pub(super) use structure::{
    BASIC_AUTH, DENSE, DOCKER_CONFIG, GOOGLE_SERVICE_ACCOUNT, KUBECONFIG, PRIVATE_JWK, PRIVATE_KEY, RANDOM,
};

const FAMILIES: &[&[Rule]] = &[
    cloud::RULES,
    source::RULES,
    payment::RULES,
    messaging::RULES,
    ai::RULES,
    observability::RULES,
    registry::RULES,
    key::RULES,
];

/// All rules, in the order of the families, the structures last.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().copied().flatten().chain(structure::RULES.iter().copied())
}
