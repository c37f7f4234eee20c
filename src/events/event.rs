//! One audit event as the API server writes it: `audit.k8s.io/v1`, one per line of its log.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    object::{Pairs, Text},
    request::Requester,
};

/// An event, borrowed from its line. The objects in it stay text until a request is made of them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event<'b> {
    #[serde(borrow)]
    kind: Option<Text<'b>>,
    #[serde(borrow)]
    api_version: Option<Text<'b>>,
    #[serde(borrow)]
    level: Option<Text<'b>>,
    #[serde(borrow)]
    stage: Option<Text<'b>>,
    #[serde(borrow)]
    verb: Option<Text<'b>>,
    #[serde(borrow, rename = "auditID")]
    audit_id: Option<Text<'b>>,
    #[serde(borrow, rename = "requestURI")]
    request_uri: Option<Text<'b>>,
    #[serde(borrow)]
    pub(super) user: Option<Requester<'b>>,
    #[serde(borrow)]
    pub(super) impersonated_user: Option<Requester<'b>>,
    #[serde(borrow)]
    pub(super) object_ref: Option<ObjectRef<'b>>,
    #[serde(borrow)]
    response_status: Option<ResponseStatus<'b>>,
    #[serde(borrow)]
    pub(super) request_object: Option<&'b RawValue>,
    #[serde(borrow)]
    pub(super) response_object: Option<&'b RawValue>,
    request_received_timestamp: Option<Timestamp>,
    #[serde(borrow)]
    annotations: Option<Pairs<'b>>,
}

/// What the request was about. Subresources have a field of their own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ObjectRef<'b> {
    #[serde(borrow)]
    pub(super) resource: Text<'b>,
    #[serde(borrow)]
    pub(super) subresource: Text<'b>,
    #[serde(borrow)]
    pub(super) namespace: Text<'b>,
    #[serde(borrow)]
    pub(super) name: Text<'b>,
    #[serde(borrow)]
    pub(super) api_group: Text<'b>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResponseStatus<'b> {
    #[serde(borrow)]
    message: Option<Text<'b>>,
    code: Option<u16>,
}

/// How the request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It went through; with 201 something new was made, whatever the verb.
    Done { made: bool },
    /// A webhook, a policy or a plugin refused it after the authorizer had agreed.
    RefusedByAdmission,
    /// The authorizer refused it: nobody was asked about it.
    Forbidden,
    /// It failed for a reason of the API server's own: not found, conflict, invalid.
    Failed,
}

impl<'b> Event<'b> {
    /// Reads an event.
    ///
    /// # Errors
    /// What does not decode, and where in the text.
    pub fn read(text: &'b str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Whether a document of this kind and version is an audit event.
    pub fn is_kind(api_version: &str, kind: &str) -> bool {
        api_version == "audit.k8s.io/v1" && kind == "Event"
    }

    /// What all stages of one request have in common; empty if somebody removed it.
    pub fn audit_id(&self) -> &str {
        self.audit_id.as_deref().unwrap_or_default()
    }

    /// When the API server received the request.
    pub const fn time(&self) -> Option<Timestamp> {
        self.request_received_timestamp
    }

    /// The decision that our own webhook annotated at the time; with several of them, the hardest.
    pub fn recorded_decision(&self) -> Option<&str> {
        let annotations = self.annotations.as_ref()?;
        let ours = annotations.iter().filter_map(|(key, decision)| {
            // Others may annotate a `decision` too (the authorizer does): ours comes with a digest.
            let webhook = key.strip_suffix("/decision")?;
            annotations.get(&format!("{webhook}/policy-digest")).map(|_| &**decision)
        });
        let hardness =
            |decision: &&str| ["allow", "warn", "error", "deny"].iter().position(|of| of == decision);
        ours.max_by_key(hardness)
    }

    pub(super) fn verb(&self) -> &str {
        self.verb.as_deref().unwrap_or_default()
    }

    pub(super) fn uri(&self) -> &str {
        self.request_uri.as_deref().unwrap_or_default()
    }

    /// Whether it tells of a whole request. Long ones are told of when they start too.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.stage.as_deref(), Some("ResponseComplete" | "Panic"))
    }

    /// Whether the level is one that leaves out objects.
    pub(super) fn is_metadata_only(&self) -> bool {
        !matches!(self.level.as_deref(), Some("Request" | "RequestResponse"))
    }

    /// Whether the API server cut the objects out because the event was too large.
    pub(super) fn is_truncated(&self) -> bool {
        self.annotation("audit.k8s.io/truncated") == Some("true")
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key)
    }

    pub(super) fn end(&self) -> End {
        let status = self.response_status.as_ref();
        let code = status.and_then(|status| status.code).unwrap_or_default();
        if self.annotation("authorization.k8s.io/decision") == Some("forbid") {
            return End::Forbidden;
        }
        // A panic is answered with 500, but what it interrupted may have been done.
        if code < 400 || self.stage.as_deref() == Some("Panic") {
            return End::Done { made: code == 201 };
        }
        let message = status.and_then(|status| status.message.as_deref()).unwrap_or_default();
        let words = ["denied the request", "denied request", "failed calling webhook"];
        if code == 403 || words.iter().any(|words| message.contains(words)) {
            End::RefusedByAdmission
        } else {
            End::Failed
        }
    }
}
