//! Lists and watches of the fake API server: which objects they are about, and what a watch tells.

use std::{collections::VecDeque, future::pending, io, time::Duration};

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use super::{
    Fault,
    resources::Resource,
    serving::{Call, fault, healed},
    store::{At, Refusal},
};

/// How often a watch is told how far it is.
const BOOKMARK_EVERY: Duration = Duration::from_secs(1);

/// A watch under way.
pub(super) struct Watching {
    call: Call,
    resource: Resource,
    selection: Selection,
    /// The version of the last change that it was told.
    seen: u64,
    lines: VecDeque<String>,
    ends: Option<Instant>,
    bookmarks: Option<Instant>,
    is_over: bool,
    newest: watch::Receiver<u64>,
    drops: watch::Receiver<u64>,
}

impl Watching {
    pub(super) fn new(call: Call, at: &At) -> Self {
        let streams_list = call.query("sendInitialEvents") == "true";
        let ends = call.query("timeoutSeconds").parse().ok().map(Duration::from_secs);
        let mut watching = Self {
            selection: call.selection(at),
            seen: call.query("resourceVersion").parse().unwrap_or(0),
            lines: VecDeque::new(),
            ends: ends.map(|ends| Instant::now() + ends),
            bookmarks: (call.query("allowWatchBookmarks") == "true").then(|| Instant::now() + BOOKMARK_EVERY),
            is_over: false,
            newest: call.shared.newest.subscribe(),
            drops: call.shared.drops.subscribe(),
            resource: at.resource.clone(),
            call,
        };
        if streams_list || watching.seen == 0 {
            watching.begin(streams_list);
        }
        watching
    }

    fn begin(&mut self, marks_the_end: bool) {
        let store = self.call.shared.store();
        let (all, version) = (store.all(&self.resource.group, &self.resource.plural), store.version());
        drop(store);
        for object in all {
            if self.selection.takes(&object) {
                self.tell("ADDED", &object);
            }
        }
        self.seen = version;
        if marks_the_end {
            self.bookmark(json!({"k8s.io/initial-events-end": "true"}));
        }
    }

    fn tell(&mut self, what: &str, object: &Value) {
        let object = self.call.shown(object, &self.resource);
        // The type comes first, as from a real one: a reader may rely on it.
        self.lines.push_back(format!("{{\"type\":\"{what}\",\"object\":{object}}}\n"));
    }

    fn bookmark(&mut self, annotations: Value) {
        let mut mark =
            json!({"metadata": {"resourceVersion": self.seen.to_string(), "creationTimestamp": null}});
        if !annotations.is_null() {
            mark["metadata"]["annotations"] = annotations;
        }
        self.tell("BOOKMARK", &mark);
    }

    /// Takes in what has changed since.
    fn advance(&mut self) {
        let shared = self.call.shared.clone();
        let store = shared.store();
        let Some(changes) = store.changes_after(self.seen) else {
            let gone = Refusal::gone("too old resource version").status();
            self.lines.push_back(format!("{{\"type\":\"ERROR\",\"object\":{gone}}}\n"));
            self.is_over = true;
            return;
        };
        for change in changes {
            if (&change.group, &change.plural) != (&self.resource.group, &self.resource.plural) {
                continue;
            }
            let before = change.old.as_ref().is_some_and(|old| self.selection.takes(old));
            let after = !change.is_gone && self.selection.takes(&change.new);
            match (before, after) {
                (false, true) => self.tell("ADDED", &change.new),
                (true, true) => self.tell("MODIFIED", &change.new),
                (true, false) => self.tell("DELETED", &change.new),
                (false, false) => {}
            }
        }
        self.seen = self.seen.max(store.version());
    }

    /// The next line for the caller; none at the end.
    pub(super) async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if fault(&self.call.rules, &self.call.asked) == Some(Fault::Hang) {
                healed(&self.call.rules, &self.call.asked).await;
            }
            if let Some(line) = self.lines.pop_front() {
                return Some(Ok(line.into()));
            }
            if self.is_over {
                return None;
            }
            self.newest.borrow_and_update();
            self.advance();
            if !self.lines.is_empty() {
                continue;
            }
            let at = |time: Option<Instant>| async move {
                match time {
                    Some(time) => tokio::time::sleep_until(time).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                _ = self.newest.changed() => {}
                _ = self.drops.changed() => return Some(Err(io::ErrorKind::ConnectionReset.into())),
                () = at(self.ends) => return None,
                () = at(self.bookmarks) => {
                    self.bookmarks = Some(Instant::now() + BOOKMARK_EVERY);
                    self.bookmark(Value::Null);
                }
            }
        }
    }
}

/// Which objects a list or a watch is about: by namespace, labels and fields.
pub(super) struct Selection {
    namespace: String,
    labels: Vec<Demand>,
    fields: Vec<Demand>,
}

/// What a label or field must be, or must not be.
struct Demand {
    key: String,
    /// None: whatever it is, it must be there.
    values: Option<Vec<String>>,
    is_met_by_others: bool,
}

impl Selection {
    pub(super) fn new(at: &At, labels: &str, fields: &str) -> Self {
        let mut fields = demands(fields);
        // A watch of one object by its name in the path.
        if !at.name.is_empty() {
            let values = Some(vec![at.name.clone()]);
            fields.push(Demand { key: "metadata.name".to_owned(), values, is_met_by_others: false });
        }
        Self { namespace: at.namespace.clone(), labels: demands(labels), fields }
    }

    pub(super) fn takes(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let field = |path: &str| path.split('.').try_fold(object, |value, part| value.get(part));
        (self.namespace.is_empty() || metadata["namespace"] == *self.namespace)
            && self.labels.iter().all(|demand| demand.is_met(metadata["labels"].get(&demand.key)))
            && self.fields.iter().all(|demand| demand.is_met(field(&demand.key)))
    }
}

impl Demand {
    fn is_met(&self, value: Option<&Value>) -> bool {
        let is_one = match &self.values {
            None => value.is_some(),
            Some(values) => {
                value.and_then(Value::as_str).is_some_and(|value| values.iter().any(|one| one == value))
            }
        };
        is_one != self.is_met_by_others
    }
}

/// `a=b`, `a!=b`, `a`, `!a`, `a in (b,c)` and `a notin (b,c)`, with commas between.
fn demands(selector: &str) -> Vec<Demand> {
    let mut depth = 0;
    let parts = selector.split(|character| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        character == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).map(demand).collect()
}

fn demand(part: &str) -> Demand {
    let demand = |key: &str, values: Option<&str>, is_met_by_others| {
        let list = |values: &str| {
            values.trim_matches(['(', ')', ' ']).split(',').map(|value| value.trim().to_owned()).collect()
        };
        Demand { key: key.trim().to_owned(), values: values.map(list), is_met_by_others }
    };
    if let Some((key, values)) = part.split_once(" notin ") {
        demand(key, Some(values), true)
    } else if let Some((key, values)) = part.split_once(" in ") {
        demand(key, Some(values), false)
    } else if let Some((key, value)) = part.split_once("!=") {
        demand(key, Some(value), true)
    } else if let Some((key, value)) = part.split_once('=') {
        demand(key, Some(value.trim_start_matches('=')), false)
    } else if let Some(key) = part.strip_prefix('!') {
        demand(key, None, true)
    } else {
        demand(part, None, false)
    }
}
