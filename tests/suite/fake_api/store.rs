//! What the fake API server holds: objects by resource, and every change in order.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    patch::patched,
    resources::{Resource, built_in, defined, established},
};

/// Why a request is not done: the Status of the answer.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: u16,
    reason: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(422, "Invalid", message)
    }

    pub(super) fn gone(message: &str) -> Self {
        Self::new(410, "Expired", message)
    }

    pub(super) fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} {name:?} not found", resource.full_name()))
    }

    fn conflict(at: &At, why: &str) -> Self {
        let (resource, name) = (at.resource.full_name(), &at.name);
        Self::new(409, "Conflict", format!("Operation cannot be fulfilled on {resource} {name:?}: {why}"))
    }

    pub(super) fn status(&self) -> Value {
        let Self { code, reason, message } = self;
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        })
    }
}

/// Which object, or which part of it.
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) resource: Resource,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) subresource: String,
}

/// Group, plural, namespace, name: an object is the same in all versions of its API.
type Key = (String, String, String, String);

impl At {
    fn key(&self) -> Key {
        let Resource { group, plural, .. } = &self.resource;
        (group.clone(), plural.clone(), self.namespace.clone(), self.name.clone())
    }
}

/// One change: what was there, and what is there now. What is gone bears its last version.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) group: String,
    pub(super) plural: String,
    pub(super) old: Option<Arc<Value>>,
    pub(super) new: Arc<Value>,
    pub(super) is_gone: bool,
}

pub(super) struct Store {
    pub(super) built_in: Vec<Resource>,
    version: u64,
    objects: BTreeMap<Key, Arc<Value>>,
    history: Vec<Change>,
    /// Changes up to this one are no longer known.
    forgotten: u64,
    /// What is left of lists in pieces, with the version they were begun at.
    rests: HashMap<String, (u64, Vec<Arc<Value>>)>,
    made: u64,
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            built_in: built_in(),
            version: 1,
            objects: BTreeMap::new(),
            history: Vec::new(),
            forgotten: 0,
            rests: HashMap::new(),
            made: 0,
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Every resource, those of definitions included.
    pub(super) fn resources(&self) -> Vec<Resource> {
        let definitions = self.all("apiextensions.k8s.io", "customresourcedefinitions");
        let defined = definitions.iter().flat_map(|definition| defined(definition));
        self.built_in.iter().cloned().chain(defined).collect()
    }

    pub(super) fn held(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.objects
            .get(&(group.to_owned(), plural.to_owned(), namespace.to_owned(), name.to_owned()))
            .cloned()
    }

    pub(super) fn all(&self, group: &str, plural: &str) -> Vec<Arc<Value>> {
        let from = (group.to_owned(), plural.to_owned(), String::new(), String::new());
        let rest = self.objects.range(from..);
        rest.take_while(|(key, _)| key.0 == group && key.1 == plural).map(|(_, held)| held.clone()).collect()
    }

    pub(super) fn get(&self, at: &At) -> Result<Arc<Value>, Refusal> {
        self.objects.get(&at.key()).cloned().ok_or_else(|| Refusal::not_found(&at.resource, &at.name))
    }

    /// The changes after a version; none if that is too long ago.
    pub(super) fn changes_after(&self, version: u64) -> Option<&[Change]> {
        let known = version >= self.forgotten;
        known.then(|| &self.history[self.history.partition_point(|change| change.version <= version)..])
    }

    pub(super) fn forget_history(&mut self) {
        // What happened until now counts as one change more, so that a watch from right now is told as well.
        self.version += 1;
        self.forgotten = self.version;
        self.history.clear();
    }

    pub(super) fn expire_continue_tokens(&mut self) {
        self.rests.clear();
    }

    /// Keeps the rest of a list under a token.
    pub(super) fn keep_rest(&mut self, version: u64, rest: Vec<Arc<Value>>) -> String {
        self.made += 1;
        let token = format!("rest-{}", self.made);
        self.rests.insert(token.clone(), (version, rest));
        token
    }

    pub(super) fn rest(&self, token: &str) -> Result<(u64, Vec<Arc<Value>>), Refusal> {
        self.rests.get(token).cloned().ok_or_else(|| {
            Refusal::gone("The provided continue parameter is too old to display a consistent list result.")
        })
    }

    pub(super) fn create(&mut self, at: &At, body: Value, dry_run: bool) -> Result<Arc<Value>, Refusal> {
        let (mut at, mut new) = (at.clone(), body);
        let metadata = fields(&mut new["metadata"]);
        let text = |metadata: &Map<String, Value>, field: &str| {
            metadata.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let (name, stem) = (text(metadata, "name"), text(metadata, "generateName"));
        if !name.is_empty() {
            at.name = name;
        } else if !stem.is_empty() {
            self.made += 1;
            at.name = format!("{stem}{:05}", self.made);
        } else if at.name.is_empty() {
            return Err(Refusal::invalid("metadata.name: Required value: name or generateName is required"));
        }
        if self.objects.contains_key(&at.key()) {
            let message = format!("{} {:?} already exists", at.resource.full_name(), at.name);
            return Err(Refusal::new(409, "AlreadyExists", message));
        }
        if !text(metadata, "resourceVersion").is_empty() {
            return Err(Refusal::bad_request("resourceVersion should not be set on objects to be created"));
        }
        self.made += 1;
        metadata.insert("name".into(), at.name.clone().into());
        metadata.insert("uid".into(), format!("00000000-0000-4000-8000-{:012x}", self.made).into());
        metadata.insert("creationTimestamp".into(), now());
        metadata.insert("generation".into(), 1.into());
        if at.resource.is_namespaced {
            metadata.insert("namespace".into(), at.namespace.clone().into());
        }
        if at.resource.has_status {
            fields(&mut new).remove("status");
        }
        if at.resource.kind == "CustomResourceDefinition" {
            new["status"] = established(&new);
        }
        Ok(self.commit(&at, new, dry_run))
    }

    pub(super) fn replace(&mut self, at: &At, body: Value, dry_run: bool) -> Result<Arc<Value>, Refusal> {
        let old = self.get(at)?;
        let mut new = body;
        let same = |field: &str| {
            let given = new["metadata"][field].as_str().filter(|given| !given.is_empty());
            given.is_none_or(|given| given == old["metadata"][field])
        };
        if !same("uid") {
            return Err(Refusal::conflict(at, "Precondition failed: UID in precondition differs"));
        }
        if !same("resourceVersion") {
            let why =
                "the object has been modified; please apply your changes to the latest version and try again";
            return Err(Refusal::conflict(at, why));
        }
        let must_tell = at.resource.is_custom || at.resource.kind == "Lease";
        if must_tell && new["metadata"]["resourceVersion"].as_str().unwrap_or_default().is_empty() {
            return Err(Refusal::invalid("metadata.resourceVersion: must be specified for an update"));
        }
        if at.subresource == "status" {
            let status = new["status"].take();
            new = Value::clone(&old);
            new["status"] = status;
        } else if at.resource.has_status {
            match old.get("status") {
                Some(status) => new["status"] = status.clone(),
                None => drop(fields(&mut new).remove("status")),
            }
        }
        let metadata = fields(&mut new["metadata"]);
        for fixed in [
            "name",
            "namespace",
            "uid",
            "creationTimestamp",
            "generation",
            "deletionTimestamp",
            "resourceVersion",
        ] {
            match old["metadata"].get(fixed) {
                Some(value) => drop(metadata.insert(fixed.to_owned(), value.clone())),
                None => drop(metadata.remove(fixed)),
            }
        }
        if new == *old {
            return Ok(old);
        }
        let spec = |object: &Value| {
            let parts = object.as_object().into_iter().flatten();
            let parts = parts.filter(|(name, _)| !["metadata", "status"].contains(&&***name));
            parts.map(|(name, value)| (name.clone(), value.clone())).collect::<BTreeMap<_, _>>()
        };
        if spec(&new) != spec(&old) {
            new["metadata"]["generation"] = (old["metadata"]["generation"].as_u64().unwrap_or(0) + 1).into();
        }
        let is_leaving = new["metadata"].get("deletionTimestamp").is_some() && is_unhindered(&new);
        Ok(if is_leaving { self.remove(at, new, dry_run) } else { self.commit(at, new, dry_run) })
    }

    /// Changes an object by a patch. Whoever applies one that is not there creates it.
    pub(super) fn patch(
        &mut self,
        at: &At,
        content_type: &str,
        patch: &Value,
        dry_run: bool,
    ) -> Result<Arc<Value>, Refusal> {
        let old = match self.get(at) {
            Ok(old) => old,
            Err(_) if content_type.starts_with("application/apply-patch") && at.subresource.is_empty() => {
                let mut new = patched(&json!({"metadata": {}}), content_type, patch)?;
                fields(&mut new["metadata"]).remove("resourceVersion");
                return self.create(at, new, dry_run);
            }
            Err(absent) => return Err(absent),
        };
        let new = patched(&old, content_type, patch)?;
        self.replace(at, new, dry_run)
    }

    pub(super) fn delete(&mut self, at: &At, options: &Value, dry_run: bool) -> Result<Arc<Value>, Refusal> {
        let old = self.get(at)?;
        for field in ["uid", "resourceVersion"] {
            let wanted = &options["preconditions"][field];
            if !wanted.is_null() && *wanted != old["metadata"][field] {
                let why = format!("the {field} in the precondition ({wanted}) does not match");
                return Err(Refusal::conflict(at, &why));
            }
        }
        if is_unhindered(&old) {
            return Ok(self.remove(at, Value::clone(&old), dry_run));
        }
        if old["metadata"].get("deletionTimestamp").is_some() {
            return Ok(old);
        }
        let mut leaving = Value::clone(&old);
        leaving["metadata"]["deletionTimestamp"] = now();
        leaving["metadata"]["deletionGracePeriodSeconds"] = 0.into();
        Ok(self.commit(at, leaving, dry_run))
    }

    /// Holds an object as it is given, with what is missing of its metadata.
    pub(super) fn put(&mut self, object: &Value) {
        let known = self.resources();
        let resource = known
            .into_iter()
            .find(|one| object["kind"] == *one.kind && object["apiVersion"] == one.api_version())
            .unwrap_or_else(|| panic!("no such resource is served: {object}"));
        let word = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (word("namespace"), word("name"));
        let at = At { resource, namespace, name, subresource: String::new() };
        let whole = At { resource: Resource { has_status: false, ..at.resource.clone() }, ..at };
        let mut new = object.clone();
        let outcome = if let Ok(old) = self.get(&whole) {
            new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
            self.replace(&whole, new, false)
        } else {
            self.create(&whole, new, false)
        };
        outcome.unwrap_or_else(|refusal| panic!("{}", refusal.status()));
    }

    fn commit(&mut self, at: &At, mut new: Value, dry_run: bool) -> Arc<Value> {
        if dry_run {
            return Arc::new(new);
        }
        self.version += 1;
        new["metadata"]["resourceVersion"] = self.version.to_string().into();
        let new = Arc::new(new);
        let old = self.objects.insert(at.key(), new.clone());
        self.record(at, old, new.clone(), false);
        new
    }

    fn remove(&mut self, at: &At, mut last: Value, dry_run: bool) -> Arc<Value> {
        if dry_run {
            return Arc::new(last);
        }
        let old = self.objects.remove(&at.key());
        self.version += 1;
        last["metadata"]["resourceVersion"] = self.version.to_string().into();
        let last = Arc::new(last);
        self.record(at, old, last.clone(), true);
        last
    }

    fn record(&mut self, at: &At, old: Option<Arc<Value>>, new: Arc<Value>, is_gone: bool) {
        let Resource { group, plural, .. } = at.resource.clone();
        self.history.push(Change { version: self.version, group, plural, old, new, is_gone });
    }
}

fn fields(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().unwrap()
}

fn is_unhindered(object: &Value) -> bool {
    object["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty)
}

pub(super) fn now() -> Value {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}
