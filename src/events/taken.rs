//! What an event is to the population of requests: one of it, none of it, or one that nobody can decide any more.

use serde::{Deserialize, de::DeserializeSeed};
use serde_json::value::RawValue;

use super::{
    Event, connect,
    event::{End, ObjectRef},
    resource,
};
use crate::{
    object::{Kind, List, Object, OfKind, Text, misfit},
    request::{Operation, Request, Requester},
};

/// What came of an event.
#[derive(Debug)]
pub enum Taken<'b> {
    /// One request, or as many as a `deletecollection` made of one.
    Requests(Vec<Recorded<'b>>),
    /// No request that the gate is asked about.
    LeftOut(LeftOut),
    /// A request that the gate is asked about, but nobody can tell any more what it was about.
    NotInFull(NotInFull),
}

/// A request as it was recorded.
#[derive(Debug)]
pub struct Recorded<'b> {
    pub request: Request<'b>,
    /// Why its object could not be read.
    pub unreadable: Option<String>,
}

/// Why an event is outside the population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    AnotherStage,
    NoResource,
    Read,
    DryRun,
    Question,
    NoWebhook,
    Subresource,
    Forbidden,
    Failed,
}

impl LeftOut {
    pub const fn reason(self) -> &'static str {
        match self {
            Self::AnotherStage => "earlier stages of requests",
            Self::NoResource => "requests for no resource, such as /version",
            Self::Read => "reads",
            Self::DryRun => "dry runs",
            Self::Question => "questions about access and identity, which change nothing",
            Self::NoWebhook => {
                "webhook configurations and admission policies: no webhook is asked about them"
            }
            Self::Subresource => "subresources that the gate is not asked about, such as status",
            Self::Forbidden => "refused by the authorizer, before admission",
            Self::Failed => {
                "failed in the API server (not found, conflict, invalid), so that nothing changed"
            }
        }
    }
}

/// Why a request of the population cannot be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInFull {
    Metadata,
    Truncated,
    PatchAlone,
    NoObject,
    UnknownVerb,
}

impl NotInFull {
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Metadata => "recorded at level Metadata: only Request and RequestResponse keep objects",
            Self::Truncated => "its objects were cut by the API server (annotation audit.k8s.io/truncated)",
            Self::PatchAlone => {
                "a patch without the object that came of it: recorded at level Request, or refused"
            }
            Self::NoObject => "its object is not in the event",
            Self::UnknownVerb => "its verb is unknown",
        }
    }
}

impl<'b> Event<'b> {
    /// Makes requests of the event.
    pub fn take(&self) -> Taken<'b> {
        if !self.is_complete() {
            return Taken::LeftOut(LeftOut::AnotherStage);
        }
        let Some(target) = self.object_ref.as_ref().filter(|target| !target.resource.is_empty()) else {
            return Taken::LeftOut(LeftOut::NoResource);
        };
        let connects = connect::options_kind(&target.resource, &target.subresource)
            .filter(|_| target.api_group.is_empty());
        if let Some(reason) = self.left_out(target, connects.is_some()) {
            return Taken::LeftOut(reason);
        }
        if let Some(kind) = connects {
            return Taken::Requests(vec![self.connect(target, kind)]);
        }
        match self.changes(target) {
            Ok(requests) => Taken::Requests(requests),
            Err(NotInFull::NoObject) if self.is_truncated() => Taken::NotInFull(NotInFull::Truncated),
            Err(reason) => Taken::NotInFull(reason),
        }
    }

    fn left_out(&self, target: &ObjectRef<'_>, connects: bool) -> Option<LeftOut> {
        let is_read = matches!(self.verb(), "get" | "list" | "watch" | "head");
        let in_body = || {
            let delete_options = self.request_object.filter(|_| self.verb().starts_with("delete"));
            delete_options.is_some_and(|options| {
                serde_json::from_str::<DeleteOptions<'_>>(options.get())
                    .is_ok_and(|options| options.dry_run.iter().any(|stage| **stage == *"All"))
            })
        };
        Some(if is_read && !connects {
            LeftOut::Read
        } else if self.end() == End::Forbidden {
            LeftOut::Forbidden
        } else if connects {
            return None;
        } else if connect::is_dry_run(self.uri()) || in_body() {
            LeftOut::DryRun
        } else if is_question(target) {
            LeftOut::Question
        } else if *target.api_group == *"admissionregistration.k8s.io" {
            LeftOut::NoWebhook
        } else if !is_asked_about(target) {
            LeftOut::Subresource
        } else if self.end() == End::Failed {
            LeftOut::Failed
        } else {
            return None;
        })
    }

    /// The requests that a write made, with their objects as recorded.
    fn changes(&self, target: &ObjectRef<'b>) -> Result<Vec<Recorded<'b>>, NotInFull> {
        let made = self.end() == (End::Done { made: true });
        let operation = match self.verb() {
            "create" => Operation::Create,
            // Either may make what is not there yet.
            "update" | "patch" if made => Operation::Create,
            "update" | "patch" => Operation::Update,
            "delete" | "deletecollection" => Operation::Delete,
            _ => return Err(NotInFull::UnknownVerb),
        };
        if self.is_metadata_only() {
            return Err(NotInFull::Metadata);
        }
        let after = self.response_object.and_then(Whole::of);
        if self.verb() == "deletecollection" {
            let list = after.ok_or(NotInFull::NoObject)?;
            return list.items().map(|items| {
                items.into_iter().map(|item| self.change(operation, target, Some(item))).collect()
            });
        }
        let object = match self.verb() {
            // The answer to a deletion is often a mere Status.
            "delete" => after,
            "patch" => Some(after.ok_or(if self.is_truncated() {
                NotInFull::Truncated
            } else {
                NotInFull::PatchAlone
            })?),
            _ => {
                let sent = || self.request_object.and_then(Whole::of);
                Some(after.or_else(sent).ok_or(NotInFull::NoObject)?)
            }
        };
        Ok(vec![self.change(operation, target, object)])
    }

    fn change(
        &self,
        operation: Operation,
        target: &ObjectRef<'b>,
        object: Option<Whole<'b>>,
    ) -> Recorded<'b> {
        let (kind, kind_name) = match &object {
            Some(object) => (Kind::of_manifest(&object.api_version, &object.kind), object.kind.clone()),
            None => {
                let (kind, name) = resource::kind(&target.api_group, &target.resource);
                // The plural is the nearest to a name that the event has.
                (kind, name.map_or_else(|| target.resource.clone(), Text::from))
            }
        };
        let read = object.map(|object| read(kind, object.json)).transpose();
        let mut request = Request { operation: Some(operation), ..self.request(target, kind, kind_name) };
        let unreadable = match read {
            Ok(object) if operation == Operation::Delete => {
                request.going = object;
                None
            }
            Ok(object) => {
                request.object = object;
                None
            }
            Err(error) => Some(format!("object: {}", misfit(&error))),
        };
        Recorded { request, unreadable }
    }

    fn connect(&self, target: &ObjectRef<'b>, kind_name: &'static str) -> Recorded<'b> {
        let kind = Kind::of("", kind_name);
        let options = connect::options(kind_name, &target.name, self.uri());
        let (object, unreadable) = match OfKind(kind).deserialize(options) {
            Ok(object) => (Some(object), None),
            Err(error) => (None, Some(format!("object: {}", misfit(&error)))),
        };
        let request = Request {
            operation: Some(Operation::Connect),
            object,
            ..self.request(target, kind, Text::from(kind_name))
        };
        Recorded { request, unreadable }
    }

    /// What every request has in common.
    fn request(&self, target: &ObjectRef<'b>, kind: Kind, kind_name: Text<'b>) -> Request<'b> {
        let requester = self.impersonated_user.as_ref().or(self.user.as_ref());
        Request {
            kind,
            kind_name,
            group: target.api_group.clone(),
            resource: target.resource.clone(),
            subresource: target.subresource.clone(),
            name: target.name.clone(),
            namespace: target.namespace.clone(),
            requester: Some(requester.map_or_else(Requester::default, Clone::clone)),
            ..Request::default()
        }
    }
}

fn read<'b>(kind: Kind, json: &'b RawValue) -> Result<Object<'b>, serde_json::Error> {
    OfKind(kind).deserialize(&mut serde_json::Deserializer::from_str(json.get()))
}

/// Creations that only ask something: access reviews, token reviews.
fn is_question(target: &ObjectRef<'_>) -> bool {
    matches!(&*target.api_group, "authorization.k8s.io" | "authentication.k8s.io")
}

/// Whether a webhook that registers for the resource is asked about this part of it.
fn is_asked_about(target: &ObjectRef<'_>) -> bool {
    match &*target.subresource {
        "" | "ephemeralcontainers" | "resize" | "binding" | "eviction" | "token" | "approval" | "scale" => {
            true
        }
        "status" => *target.resource == *"services",
        _ => false,
    }
}

/// An object in full, with the kind that it says itself.
#[derive(Debug)]
struct Whole<'b> {
    kind: Text<'b>,
    api_version: Text<'b>,
    json: &'b RawValue,
}

/// What an object says about itself, and its items if it is a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeMeta<'b> {
    #[serde(borrow, default)]
    pub kind: Option<Text<'b>>,
    #[serde(borrow, default)]
    pub api_version: Option<Text<'b>>,
    #[serde(borrow, default)]
    pub items: Option<&'b RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DeleteOptions<'b> {
    #[serde(borrow)]
    dry_run: List<Text<'b>>,
}

impl<'b> Whole<'b> {
    /// Nothing for a `Status`, which only says how it went, and for what does not say its kind.
    fn of(json: &'b RawValue) -> Option<Self> {
        let TypeMeta { kind, api_version, .. } = serde_json::from_str(json.get()).ok()?;
        let (kind, api_version) = (kind?, api_version?);
        let is_status = *kind == *"Status" && *api_version == *"v1";
        (!is_status && !kind.is_empty()).then_some(Self { kind, api_version, json })
    }

    /// The items of a list, which need not repeat their kind.
    fn items(&self) -> Result<Vec<Self>, NotInFull> {
        let list: TypeMeta<'b> = serde_json::from_str(self.json.get()).map_err(|_| NotInFull::NoObject)?;
        let items = list.items.ok_or(NotInFull::NoObject)?;
        let items: Vec<&'b RawValue> = serde_json::from_str(items.get()).map_err(|_| NotInFull::NoObject)?;
        let kind = self.kind.strip_suffix("List").unwrap_or_default().to_owned();
        let whole = |json| {
            let inherited =
                || Self { kind: kind.clone().into(), api_version: self.api_version.clone(), json };
            Self::of(json).unwrap_or_else(inherited)
        };
        Ok(items.into_iter().map(whole).collect())
    }
}
