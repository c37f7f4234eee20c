//! Changes of what snapshots share: only the namespace that changes is copied, and only if a snapshot still holds it.

use std::{
    borrow::Borrow,
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use super::ByNamespace;

/// Notes one object of a namespace.
pub fn put_into<N: Ord + Clone, T: Clone>(into: &mut ByNamespace<T, N>, namespace: &str, name: N, value: T) {
    let own = match into.get_mut(namespace) {
        Some(own) => own,
        None => into.entry(namespace.to_owned()).or_default(),
    };
    Arc::make_mut(own).insert(name, value);
}

/// Lets go of one object; the namespace goes with its last.
pub fn drop_from<N, T, Q>(from: &mut ByNamespace<T, N>, namespace: &str, name: &Q)
where
    N: Ord + Clone + Borrow<Q>,
    T: Clone,
    Q: Ord + ?Sized,
{
    let Some(own) = from.get_mut(namespace) else { return };
    // Looked up first, so that nothing is copied for what is not there.
    if own.contains_key(name) {
        Arc::make_mut(own).remove(name);
    }
    if own.is_empty() {
        from.remove(namespace);
    }
}

/// Takes in what others hold; of two with one name, theirs counts.
pub(super) fn absorb<N: Ord + Clone, T: Clone>(into: &mut ByNamespace<T, N>, from: ByNamespace<T, N>) {
    for (namespace, content) in from {
        match into.entry(namespace) {
            Entry::Vacant(none) => {
                none.insert(content);
            }
            Entry::Occupied(mut own) => {
                let content: BTreeMap<N, T> = Arc::unwrap_or_clone(content);
                Arc::make_mut(own.get_mut()).extend(content);
            }
        }
    }
}
