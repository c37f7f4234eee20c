//! What an Event says: about which object, what for, in a text that fits.

use jiff::Timestamp;
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::api::ObjectMeta;

use super::ledger::Written;
use crate::{
    cluster::Cluster,
    decision::{Decision, Outcome, printable},
    object::Kind,
    request::{Operation, Owner, Request},
};

/// Who reports, as the API wants it: a qualified name.
const CONTROLLER: &str = "soc2gate.io/gate";

/// Limits of the API, in bytes.
const LONGEST_NOTE: usize = 1_024;
const LONGEST_INSTANCE: usize = 128;
/// A name of an object (RFC 1123 subdomain).
const LONGEST_NAME: usize = 253;

/// Where events about what is in no namespace are.
const ELSEWHERE: &str = "default";

/// Something that people should see beside the object that it is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub(super) reason: &'static str,
    pub(super) action: &'static str,
    pub(super) regarding: ObjectReference,
    pub(super) related: Option<ObjectReference>,
    pub(super) note: String,
    /// What is the same counts as one.
    pub(super) key: String,
}

impl Notice {
    /// The notice of a denial, or of an error that denies. `line` is what the requester reads.
    pub fn of_denial(request: &Request<'_>, decision: &Decision, line: &str) -> Self {
        let regarding = regarding(request);
        let root = decision.root.as_ref();
        let reason = if matches!(decision.outcome, Outcome::Error { .. }) { "Undecided" } else { "Denied" };
        let mut checks: Vec<_> = decision.denials().map(|finding| finding.check.id).collect();
        checks.extend(decision.unassessed.iter().map(|unassessed| unassessed.check.id));
        checks.sort_unstable();
        checks.dedup();
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (kind, name) = match root {
            Some(Owner { kind, name }) => (kind.clone(), name.clone()),
            None => (text(&regarding.kind), text(&regarding.name)),
        };
        let key = [reason, &text(&regarding.namespace), &kind, &name, &checks.join(",")].join("|");
        let related = root.map(|root| related(request, root, &regarding));
        let action = request.operation.map_or("unknown", Operation::id);
        Self { reason, action, regarding, related, note: cut(&printable(line), LONGEST_NOTE), key }
    }

    /// The notice of something about an object of the gate's own that is in no namespace.
    pub fn of_own(
        reason: &'static str,
        action: &'static str,
        regarding: ObjectReference,
        line: &str,
    ) -> Self {
        let key = String::new();
        Self { reason, action, regarding, related: None, note: cut(&printable(line), LONGEST_NOTE), key }
    }

    /// The namespace of the Event.
    pub(super) fn namespace(&self) -> &str {
        self.regarding.namespace.as_deref().unwrap_or(ELSEWHERE)
    }

    /// A name for the Event that no other has.
    pub(super) fn written(&self, unique: &str) -> Written {
        let of = self.regarding.name.as_deref().unwrap_or_default();
        Written { namespace: self.namespace().to_owned(), name: event_name(of, unique) }
    }

    pub(super) fn event(&self, cluster: &Cluster, written: &Written, now: Timestamp) -> Event {
        Event {
            metadata: ObjectMeta {
                name: Some(written.name.clone()),
                namespace: Some(written.namespace.clone()),
                ..ObjectMeta::default()
            },
            type_: Some("Warning".to_owned()),
            reason: Some(self.reason.to_owned()),
            action: Some(self.action.to_owned()),
            event_time: Some(MicroTime(now)),
            regarding: Some(self.regarding.clone()),
            related: self.related.clone(),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(cut(&cluster.identity, LONGEST_INSTANCE)),
            note: Some(self.note.clone()),
            ..Event::default()
        }
    }
}

/// The object that a request is about. A subresource is about the object that it belongs to.
fn regarding(request: &Request<'_>) -> ObjectReference {
    let owner = Kind::of_resource(&request.group, &request.resource);
    let kind = match owner {
        _ if request.subresource.is_empty() => request.kind_name(),
        Kind::Other => request.kind_name(),
        owner => owner.name(),
    };
    // The API server names the namespace as that of its own request.
    let is_outside =
        request.namespace.is_empty() || owner == Kind::Namespace || request.kind == Kind::Namespace;
    let safe = |text: &str| cut(&printable(text), LONGEST_NAME);
    ObjectReference {
        api_version: api_version(&request.group, &request.version),
        kind: Some(safe(kind)),
        name: Some(safe(request.display_name())),
        namespace: (!is_outside).then(|| safe(&request.namespace)),
        ..ObjectReference::default()
    }
}

fn api_version(group: &str, version: &str) -> Option<String> {
    let slash = if group.is_empty() { "" } else { "/" };
    (!version.is_empty()).then(|| printable(&format!("{group}{slash}{version}")).into_owned())
}

/// The root of what a request is about. Its version is known of its direct controller, and of Kubernetes' own kinds.
fn related(request: &Request<'_>, root: &Owner, regarding: &ObjectReference) -> ObjectReference {
    let controller = request.subject().and_then(|object| object.metadata.controller());
    let direct = controller.filter(|direct| *direct.kind == *root.kind && *direct.name == *root.name);
    let api_version = match (direct, root.kind.as_str()) {
        (Some(direct), _) if !direct.api_version.is_empty() => Some(&*direct.api_version),
        (_, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") => Some("apps/v1"),
        (_, "CronJob" | "Job") => Some("batch/v1"),
        _ => None,
    };
    let safe = |text: &str| cut(&printable(text), LONGEST_NAME);
    ObjectReference {
        api_version: api_version.map(safe),
        kind: Some(safe(&root.kind)),
        name: Some(safe(&root.name)),
        namespace: regarding.namespace.clone(),
        ..ObjectReference::default()
    }
}

/// The name of an Event: of the object as far as it may be in one, and of what tells it from others.
pub(super) fn event_name(of: &str, unique: &str) -> String {
    let most = LONGEST_NAME.saturating_sub(unique.len() + 1);
    let fits = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' { c } else { '-' };
    let of: String = of.chars().map(|c| fits(c.to_ascii_lowercase())).take(most).collect();
    let of = of.trim_matches('-');
    if of.is_empty() { format!("soc2gate.{unique}") } else { format!("{of}.{unique}") }
}

/// At most so many bytes, whole characters, with an ellipsis where something is missing.
fn cut(text: &str, most: usize) -> String {
    const ELLIPSIS: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    let room = most.saturating_sub(ELLIPSIS.len());
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}{ELLIPSIS}", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests;
