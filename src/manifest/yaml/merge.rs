//! Merge keys (`<<`), where readers agree on them.

use std::collections::HashMap;

use super::super::Refusal;
use super::super::node::{Key, Node, Place, Value};

/// A merge key with what it brings.
pub(super) struct Merge {
    /// Where `<<` stands.
    pub(super) place: Place,
    /// How many keys stand above it in its map.
    pub(super) below: usize,
    /// A map, or a list of maps of which earlier ones win.
    pub(super) source: Node,
}

impl Merge {
    /// Adds what the map does not say itself.
    pub(super) fn into_entries(self, entries: &mut Vec<(Key, Node)>) -> Result<(), Refusal> {
        let sources = match self.source.value {
            Value::Map(source) => vec![source],
            Value::Seq(items) => items.into_iter().map(map).collect::<Result<_, _>>()?,
            _ => return Err(no_map(self.source.place)),
        };
        let mut known: HashMap<String, usize> = HashMap::with_capacity(entries.len());
        known.extend(entries.iter().enumerate().map(|(at, (key, _))| (key.name.clone(), at)));
        for (key, node) in sources.into_iter().flatten() {
            match known.get(&key.name) {
                // YAML lets the written key win, Kubernetes the one that comes last: what is meant cannot be known.
                Some(at) if *at < self.below => {
                    let name = key.name.escape_debug();
                    let message = format!(
                        "`<<` brings `{name}`, which is given above it: move `<<` to the top of the map"
                    );
                    return Err(Refusal::content(self.place, message));
                }
                Some(_) => {}
                None => {
                    known.insert(key.name.clone(), usize::MAX);
                    entries.push((key, node));
                }
            }
        }
        Ok(())
    }
}

fn map(node: Node) -> Result<Vec<(Key, Node)>, Refusal> {
    match node.value {
        Value::Map(entries) => Ok(entries),
        _ => Err(no_map(node.place)),
    }
}

fn no_map(place: Place) -> Refusal {
    Refusal::content(place, "`<<` takes a map or a list of maps: give it the alias of a map")
}
