//! Whose an object is: the root of its chain of controllers, under which violations are counted.

use super::{Inventory, Target};
use crate::{
    object::Metadata,
    request::{Owner, Request},
};

/// A chain longer than this is no chain that Kubernetes makes.
const LONGEST_CHAIN: usize = 8;

impl Inventory {
    /// The topmost controller of an object, if one controls it: through the controllers that are known, else by
    /// Kubernetes' naming. It attributes and never excuses, since anybody may write an owner reference.
    pub fn root_of(&self, namespace: &str, metadata: &Metadata<'_>) -> Option<Owner> {
        let controller = metadata.controller()?;
        let first = (controller.kind.to_string(), controller.name.to_string());
        match self.climb(namespace, &first) {
            Some((kind, name)) => Some(Owner { kind, name }),
            None => Owner::named_by(metadata),
        }
    }

    /// The end of the chain that begins with a controller; none if the inventory does not know its controller.
    fn climb(&self, namespace: &str, first: &Target) -> Option<Target> {
        let known = self.controllers.ready()?.get(namespace)?;
        let mut top = known.get(first)?;
        for _ in 0..LONGEST_CHAIN {
            match known.get(top) {
                Some(next) if next != first => top = next,
                _ => break,
            }
        }
        Some(top.clone())
    }

    /// The owner root of what a controller of kube-controller-manager makes: there the word of the reference counts.
    pub fn trusted_owner(&self, request: &Request<'_>) -> Option<Owner> {
        if !request.is_by_controller() {
            return None;
        }
        self.root_of(&request.namespace, &request.object.as_ref()?.metadata)
    }
}
