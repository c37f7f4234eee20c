//! A Kubernetes Event for a policy or an exemption that cannot be used: once for each version of it.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
    core::ApiResource,
};

use crate::cluster::{NAME, is_conflict};

/// An object that cannot be used.
pub(super) struct Invalid<'i> {
    pub(super) kind: &'i ApiResource,
    pub(super) name: &'i str,
    pub(super) uid: &'i str,
    pub(super) generation: i64,
    pub(super) trouble: &'i str,
}

/// Where the API keeps events about objects that are in no namespace.
const NAMESPACE: &str = "default";
/// The longest that the API takes, in bytes.
const LONGEST_NOTE: usize = 1_024;
const LONGEST_INSTANCE: usize = 128;
/// As much of an object's name as leaves room for what tells its events apart, in bytes.
const LONGEST_STEM: usize = 200;
const LONGEST_WRITE: Duration = Duration::from_secs(10);

/// Sends the event, if it has not been sent: whoever sent it gave it the same name. Nothing waits for it to arrive.
pub(super) async fn send(client: &Client, identity: &str, invalid: &Invalid<'_>) {
    let api: Api<Event> = Api::namespaced(client.clone(), NAMESPACE);
    let event = event(identity, invalid, Timestamp::now());
    let params = PostParams::default();
    let (kind, name) = (&invalid.kind.kind, invalid.name);
    match tokio::time::timeout(LONGEST_WRITE, api.create(&params, &event)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) if is_conflict(&error) => {}
        Ok(Err(error)) => tracing::warn!(%kind, name, %error, "the event cannot be written"),
        Err(_) => tracing::warn!(%kind, name, "writing the event took too long"),
    }
}

fn event(identity: &str, invalid: &Invalid<'_>, now: Timestamp) -> Event {
    let Invalid { kind, name, uid, generation, trouble } = *invalid;
    Event {
        metadata: ObjectMeta {
            name: Some(event_name(name, uid, generation)),
            namespace: Some(NAMESPACE.to_owned()),
            ..ObjectMeta::default()
        },
        action: Some("Read".to_owned()),
        event_time: Some(MicroTime(now)),
        note: Some(within(trouble, LONGEST_NOTE).to_owned()),
        reason: Some("Invalid".to_owned()),
        regarding: Some(ObjectReference {
            api_version: Some(kind.api_version.clone()),
            kind: Some(kind.kind.clone()),
            name: Some(name.to_owned()),
            uid: Some(uid.to_owned()),
            ..ObjectReference::default()
        }),
        reporting_controller: Some(NAME.to_owned()),
        reporting_instance: Some(within(identity, LONGEST_INSTANCE).to_owned()),
        type_: Some("Warning".to_owned()),
        ..Event::default()
    }
}

/// The same for the same version of the same object, whoever sends it.
fn event_name(name: &str, uid: &str, generation: i64) -> String {
    let stem = within(name, LONGEST_STEM).trim_end_matches(['.', '-']);
    let hash = digest(&SHA256, format!("{uid}/{generation}").as_bytes());
    let hash: String = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{stem}.{hash}")
}

/// The beginning of a text, within so many bytes.
fn within(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::definitions::policy_resource;

    #[test]
    fn an_event_is_one_for_each_version_of_each_object() {
        let name = event_name("cc6.1-access", "u", 1);
        assert!(name.starts_with("cc6.1-access.") && name.len() == 29, "{name}");
        assert_eq!(name, event_name("cc6.1-access", "u", 1));
        assert_ne!(name, event_name("cc6.1-access", "u", 2));
        assert_ne!(name, event_name("cc6.1-access", "v", 1));
        let long = event_name(&format!("{}-{}", "a".repeat(199), "b".repeat(53)), "u", 1);
        assert!(long.len() <= 253 && !long.contains("-.") && !long.contains(".."), "{long}");
    }

    #[test]
    fn an_event_keeps_within_what_the_api_takes() {
        let kind = policy_resource();
        let trouble = "ü".repeat(2_000);
        let invalid = Invalid { kind: &kind, name: "p", uid: "u", generation: 1, trouble: &trouble };
        let event = event(&"i".repeat(300), &invalid, Timestamp::UNIX_EPOCH);
        assert_eq!(event.note.unwrap().len(), 1_024);
        assert_eq!(event.reporting_instance.unwrap().len(), 128);
        assert_eq!(event.regarding.unwrap().kind.as_deref(), Some("ControlPolicy"));
    }
}
