//! Reads every place of an object where a credential may lie, once for all checks that ask about secrets.

use std::{cell::OnceCell, sync::Arc};

use serde::de::DeserializeSeed;

use super::{Engine, FingerprintKey, Hit, MOST_BYTES, Sweep, Swept};
use crate::object::{Body, ContainerAt, Handler, Metadata, Object, OfKind, Place, Text};

/// The most bytes read of one object.
const MOST_OF_OBJECT: usize = 1024 * 1024;
/// The most environment variables read of one object.
const MOST_VARIABLES: usize = 10_000;
/// What `kubectl apply` leaves behind: the object as it was applied.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What sort of place a secret lies in; checks choose by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Site {
    Environment,
    /// Command, arguments, probes and hooks.
    Command,
    /// Annotations and labels.
    Metadata,
    /// `data` and `binaryData` of a ConfigMap.
    ConfigMap,
}

/// A secret in an object.
#[derive(Clone, Debug)]
pub struct Spot {
    pub site: Site,
    pub place: Place,
    /// The name it stands behind: a variable, an argument's flag, a key.
    pub name: String,
    pub hit: Hit,
}

/// All secrets of one object, and how much of it was too much to read.
#[derive(Clone, Debug, Default)]
pub struct Inspected {
    pub spots: Vec<Spot>,
    /// Bytes beyond the caps.
    pub unread: usize,
}

/// One scan of one object, made when the first check asks. It owns what it found and borrows nothing.
#[derive(Debug)]
pub struct SharedScan {
    key: Arc<FingerprintKey>,
    /// Only fingerprints of the install key are printed; those of the process compare old with new.
    prints_fingerprints: bool,
    inspected: OnceCell<Inspected>,
}

impl SharedScan {
    /// Without an install key secrets are told apart by a key of this process, and no fingerprint is printed.
    pub fn new(install_key: Option<&Arc<FingerprintKey>>) -> Self {
        let key = install_key.cloned().unwrap_or_else(FingerprintKey::of_process);
        Self { key, prints_fingerprints: install_key.is_some(), inspected: OnceCell::new() }
    }

    /// What the object holds. Every call must be about the same object.
    pub fn of(&self, object: &Object<'_>) -> &Inspected {
        self.inspected.get_or_init(|| inspect(object, &self.key))
    }

    pub const fn prints_fingerprints(&self) -> bool {
        self.prints_fingerprints
    }
}

fn inspect(object: &Object<'_>, key: &FingerprintKey) -> Inspected {
    let mut walk = Walk::new(key);
    walk.contents(object);
    let applied = walk.metadata(object);
    let mut inspected = walk.finish();
    if let Some((place, text)) = applied {
        inspected.add_applied(object, &place, text, key);
    }
    inspected
}

impl Inspected {
    /// Reads the applied object as what it is: what still stands in the live object is not reported twice.
    fn add_applied(&mut self, object: &Object<'_>, place: &Place, text: &str, key: &FingerprintKey) {
        let mut walk = Walk::new(key);
        let mut json = serde_json::Deserializer::from_str(text);
        match OfKind(object.kind).deserialize(&mut json) {
            Ok(applied) if !matches!(applied.body, Body::Other) => {
                walk.contents(&applied);
                walk.metadata(&applied);
            }
            _ => walk.read(Site::Metadata, Some(LAST_APPLIED), text, || place.clone()),
        }
        let applied = walk.finish();
        self.unread += applied.unread;
        for mut spot in applied.spots {
            if !self.spots.iter().any(|own| own.hit.fingerprint == spot.hit.fingerprint) {
                spot.site = Site::Metadata;
                spot.place = place.clone();
                self.spots.push(spot);
            }
        }
    }
}

struct Walk<'k> {
    sweep: Sweep<'k, (Site, Place, String)>,
    left: usize,
    variables: usize,
    unread: usize,
}

impl<'k> Walk<'k> {
    fn new(key: &'k FingerprintKey) -> Self {
        let sweep = Sweep::new(Engine::shared(), Some(key));
        Self { sweep, left: MOST_OF_OBJECT, variables: MOST_VARIABLES, unread: 0 }
    }

    fn finish(self) -> Inspected {
        let Swept { found, unread } = self.sweep.finish();
        let spots = found
            .into_iter()
            .map(|found| {
                let (site, place, name) = found.place;
                Spot { site, place, name, hit: found.hit }
            })
            .collect();
        Inspected { spots, unread: unread + self.unread }
    }

    /// Reads one value within the object's cap. The place is made for hits only.
    fn read(&mut self, site: Site, name: Option<&str>, value: &str, place: impl Fn() -> Place) {
        let read = value.len().min(MOST_BYTES);
        if read > self.left {
            self.unread += value.len();
            return;
        }
        self.left -= read;
        self.sweep.read(name, value, || (site, place(), name.unwrap_or_default().to_owned()));
    }

    fn contents(&mut self, object: &Object<'_>) {
        for container in object.pod().iter().flat_map(|pod| pod.containers()) {
            self.container(&container);
        }
        if let Body::ConfigMap(map) = &object.body {
            for (list, pairs) in [("data", &map.data), ("binaryData", &map.binary_data)] {
                for (key, value) in pairs.iter() {
                    self.read(Site::ConfigMap, Some(key), value, || Place::default().entry(list, key));
                }
            }
        }
    }

    fn container(&mut self, at: &ContainerAt<'_>) {
        for (position, variable) in at.container.env.iter().enumerate() {
            if self.variables == 0 {
                self.unread += variable.value.len();
                continue;
            }
            self.variables -= 1;
            let place = || at.item("env", position, &format!("name={}", &*variable.name)).field("value");
            self.read(Site::Environment, Some(&variable.name), &variable.value, place);
        }
        self.words(&at.container.command, |position| at.item("command", position, &position.to_string()));
        self.words(&at.container.args, |position| at.item("args", position, &position.to_string()));
        for (field, handler) in at.container.handlers() {
            self.handler(at, field, handler);
        }
    }

    /// Words of a command: a flag names the word after it.
    fn words(&mut self, words: &[Text<'_>], place: impl Fn(usize) -> Place) {
        let mut flag: Option<&str> = None;
        for (position, word) in words.iter().enumerate() {
            self.read(Site::Command, flag, word, || place(position));
            flag = Some(&**word).filter(|word| word.starts_with('-') && !word.contains(['=', ' ']));
        }
    }

    fn handler(&mut self, at: &ContainerAt<'_>, field: &str, handler: &Handler<'_>) {
        if let Some(exec) = &handler.exec {
            let place = |position: usize| {
                at.at(&format!("{field}.exec")).item("command", position, &position.to_string())
            };
            self.words(&exec.command, place);
        }
        if let Some(get) = &handler.http_get {
            let base = || at.at(&format!("{field}.httpGet"));
            self.read(Site::Command, None, &get.path, || base().field("path"));
            for (position, header) in get.http_headers.iter().enumerate() {
                let place = || {
                    base().item("httpHeaders", position, &format!("name={}", &*header.name)).field("value")
                };
                self.read(Site::Command, Some(&header.name), &header.value, place);
            }
        }
    }

    /// Reads annotations and labels of the object and of its pods; returns the last applied configuration unread.
    fn metadata<'o>(&mut self, object: &'o Object<'_>) -> Option<(Place, &'o str)> {
        self.annotations(&object.metadata, |map, key| Place::of("metadata").entry(map, key));
        if let Some(pod) = object.pod().filter(|pod| !pod.is_pod_itself()) {
            self.annotations(pod.metadata, |map, key| {
                if map == "labels" { pod.label(key) } else { pod.annotation(key) }
            });
        }
        let text = object.metadata.annotations.get(LAST_APPLIED)?;
        Some((Place::of("metadata").entry("annotations", LAST_APPLIED), text))
    }

    fn annotations(&mut self, metadata: &Metadata<'_>, place: impl Fn(&str, &str) -> Place) {
        for (map, pairs) in [("annotations", &metadata.annotations), ("labels", &metadata.labels)] {
            for (key, value) in pairs.iter().filter(|(key, _)| **key != *LAST_APPLIED) {
                self.read(Site::Metadata, Some(key), value, || place(map, key));
            }
        }
    }
}
