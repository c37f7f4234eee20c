//! Reads an AdmissionReview in one pass: what no check reads is skipped, strings are borrowed from the body.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::depth;
use crate::{
    object::{Kind, Object, OfKind, Text, misfit},
    request::{OldObject, Operation, Request, Requester},
};

/// A review that was read.
#[derive(Debug)]
pub struct Review<'b> {
    /// To be repeated in the answer (`request.uid`).
    pub uid: Cow<'b, str>,
    pub request: Request<'b>,
}

/// Why a review was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable<'b> {
    /// Not an AdmissionReview that could be answered: the caller's mistake.
    #[error("{0}: POST an AdmissionReview of admission.k8s.io/v1 as JSON")]
    NotAReview(String),
    /// The review is one, but what it carries does not decode.
    #[error("{reason}")]
    Object { uid: Cow<'b, str>, request: Box<Request<'b>>, reason: String },
}

impl<'b> Review<'b> {
    /// Reads a request body.
    ///
    /// # Errors
    /// [`Unreadable`], with the `uid` to answer to if there is one.
    pub fn read(body: &'b [u8]) -> Result<Self, Unreadable<'b>> {
        let text = std::str::from_utf8(body).map_err(|error| {
            Unreadable::NotAReview(format!("the body is not UTF-8 at byte {}", error.valid_up_to()))
        })?;
        let too_deep = depth::too_deep(body);
        let failure = if too_deep {
            format!("the body is nested deeper than {} levels", depth::MAX_DEPTH)
        } else {
            match serde_json::from_str::<Envelope<'b>>(text) {
                Ok(envelope) => return envelope.review(),
                Err(error) => misfit(&error),
            }
        };
        // Read again without the objects: if that much is right, there is somebody to answer to.
        let (uid, request) = Address::read(text, &failure)?;
        Err(Unreadable::Object { uid, request: Box::new(request), reason: failure })
    }
}

/// The `uid` and the request of a body, without the objects in it: for an answer that does not depend on them.
///
/// # Errors
/// [`Unreadable::NotAReview`] when nobody could be answered.
pub(super) fn addressee(body: &[u8]) -> Result<(Cow<'_, str>, Request<'_>), Unreadable<'_>> {
    Address::read(std::str::from_utf8(body).unwrap_or_default(), "it is not UTF-8")
}

fn is_review(api_version: &str, kind: &str) -> bool {
    kind == "AdmissionReview" && api_version == "admission.k8s.io/v1"
}

fn not_a_review(api_version: &str, kind: &str) -> String {
    // Shortened, since anything at all may have been sent here.
    let short =
        |text: &str| crate::decision::printable(&text.chars().take(60).collect::<String>()).into_owned();
    format!("the body is kind `{}` of `{}`", short(kind), short(api_version))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'b> {
    #[serde(borrow, default)]
    kind: Text<'b>,
    #[serde(borrow, default)]
    api_version: Text<'b>,
    #[serde(borrow, default)]
    request: Option<Wire<'b>>,
}

impl<'b> Envelope<'b> {
    fn review(self) -> Result<Review<'b>, Unreadable<'b>> {
        if !is_review(&self.api_version, &self.kind) {
            return Err(Unreadable::NotAReview(not_a_review(&self.api_version, &self.kind)));
        }
        let Some(wire) = self.request else {
            return Err(Unreadable::NotAReview("the AdmissionReview has no request".to_owned()));
        };
        if wire.uid.is_empty() {
            return Err(Unreadable::NotAReview("the request has no uid".to_owned()));
        }
        wire.review()
    }
}

/// `request`, read with the object's kind known by the time the object comes, as the API server writes it.
#[derive(Default)]
struct Wire<'b> {
    uid: Text<'b>,
    kind: GroupKind<'b>,
    resource: GroupResource<'b>,
    subresource: Text<'b>,
    name: Text<'b>,
    namespace: Text<'b>,
    operation: Text<'b>,
    requester: Requester<'b>,
    dry_run: bool,
    object: ObjectField<'b>,
    old: Option<&'b RawValue>,
}

#[derive(Default)]
enum ObjectField<'b> {
    #[default]
    Absent,
    Read(Box<Object<'b>>),
    /// It came before its kind.
    Later(&'b RawValue),
}

#[derive(Default, Deserialize)]
struct GroupResource<'b> {
    #[serde(borrow, default)]
    group: Text<'b>,
    #[serde(borrow, default)]
    version: Text<'b>,
    #[serde(borrow, default)]
    resource: Text<'b>,
}

#[derive(Default, Deserialize)]
struct GroupKind<'b> {
    #[serde(borrow, default)]
    group: Text<'b>,
    #[serde(borrow, default)]
    kind: Text<'b>,
}

impl<'b> Wire<'b> {
    fn review(self) -> Result<Review<'b>, Unreadable<'b>> {
        let kind = Kind::of(&self.kind.group, &self.kind.kind);
        let operation = Operation::parse(&self.operation);
        let old = OldObject::new(self.old.map_or("null", RawValue::get));
        let mut request = Request {
            kind,
            kind_name: self.kind.kind,
            group: self.resource.group,
            version: self.resource.version,
            resource: self.resource.resource,
            subresource: self.subresource,
            name: self.name,
            namespace: self.namespace,
            operation,
            requester: Some(self.requester),
            dry_run: self.dry_run,
            object: None,
            going: None,
            old: OldObject::default(),
        };
        let read = match self.object {
            ObjectField::Absent => Ok(None),
            ObjectField::Read(object) => Ok(Some(*object)),
            ObjectField::Later(json) => OldObject::new(json.get()).read(kind),
        };
        let outcome = match (operation, read) {
            (None, _) => {
                Err(format!("the operation `{}` is unknown", crate::decision::printable(&self.operation)))
            }
            (_, Err(error)) => Err(format!("object: {}", misfit(&error))),
            (Some(Operation::Delete), Ok(object)) => {
                let read = old.read(kind).map(|going| (object, going));
                read.map_err(|error| format!("oldObject: {}", misfit(&error)))
            }
            // The API server always sends one; without it nothing could be judged.
            (Some(Operation::Create | Operation::Update), Ok(None)) => {
                Err("the request has no object".to_owned())
            }
            (Some(_), Ok(object)) => Ok((object, None)),
        };
        let uid = self.uid.0;
        match outcome {
            Ok((object, going)) => {
                (request.object, request.going) = (object, going);
                if operation == Some(Operation::Update) {
                    request.old = old;
                }
                Ok(Review { uid, request })
            }
            Err(reason) => Err(Unreadable::Object { uid, request: Box::new(request), reason }),
        }
    }
}

/// An object or `null`.
struct MaybeObject(Kind);

impl<'de> DeserializeSeed<'de> for MaybeObject {
    type Value = ObjectField<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for MaybeObject {
    type Value = ObjectField<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(ObjectField::Absent)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(ObjectField::Absent)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        OfKind(self.0).deserialize(deserializer).map(|object| ObjectField::Read(Box::new(object)))
    }
}

impl<'de: 'b, 'b> Deserialize<'de> for Wire<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WireFields)
    }
}

struct WireFields;

impl<'de> Visitor<'de> for WireFields {
    type Value = Wire<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AdmissionRequest")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wire<'de>, A::Error> {
        let mut wire = Wire::default();
        // One bit per field: what comes twice is refused, since readers differ on which of the two counts.
        let mut seen = 0_u16;
        while let Some(key) = map.next_key::<Text<'de>>()? {
            let bit = match &*key {
                "uid" => {
                    wire.uid = map.next_value()?;
                    1
                }
                "kind" => {
                    wire.kind = map.next_value()?;
                    1 << 1
                }
                "subResource" => {
                    wire.subresource = map.next_value()?;
                    1 << 2
                }
                "name" => {
                    wire.name = map.next_value()?;
                    1 << 3
                }
                "namespace" => {
                    wire.namespace = map.next_value()?;
                    1 << 4
                }
                "operation" => {
                    wire.operation = map.next_value()?;
                    1 << 5
                }
                "userInfo" => {
                    wire.requester = map.next_value()?;
                    1 << 6
                }
                "dryRun" => {
                    wire.dry_run = map.next_value::<Option<bool>>()?.unwrap_or_default();
                    1 << 7
                }
                "resource" => {
                    wire.resource = map.next_value()?;
                    1 << 10
                }
                "object" if wire.kind.kind.is_empty() => {
                    wire.object = ObjectField::Later(map.next_value()?);
                    1 << 8
                }
                "object" => {
                    let kind = Kind::of(&wire.kind.group, &wire.kind.kind);
                    wire.object = map.next_value_seed(MaybeObject(kind))?;
                    1 << 8
                }
                "oldObject" => {
                    wire.old = Some(map.next_value()?);
                    1 << 9
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    0
                }
            };
            if seen & bit != 0 {
                return Err(A::Error::custom(format_args!("duplicate field `{}`", &*key)));
            }
            seen |= bit;
        }
        Ok(wire)
    }
}

/// The least that is needed to answer at all.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address<'b> {
    #[serde(borrow, default)]
    kind: Text<'b>,
    #[serde(borrow, default)]
    api_version: Text<'b>,
    #[serde(borrow, default)]
    request: Option<Addressee<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Addressee<'b> {
    #[serde(borrow, default)]
    uid: Text<'b>,
    #[serde(borrow, default)]
    kind: GroupKind<'b>,
    #[serde(borrow, default)]
    name: Text<'b>,
    #[serde(borrow, default)]
    namespace: Text<'b>,
    #[serde(borrow, default)]
    operation: Text<'b>,
    #[serde(borrow, default)]
    user_info: Requester<'b>,
    #[serde(default)]
    dry_run: Option<bool>,
}

impl<'b> Address<'b> {
    fn read(text: &'b str, failure: &str) -> Result<(Cow<'b, str>, Request<'b>), Unreadable<'b>> {
        let refuse = |reason: String| Err(Unreadable::NotAReview(reason));
        match serde_json::from_str::<Self>(text) {
            Err(_) => refuse(format!("the body does not parse: {failure}")),
            Ok(Self { kind, api_version, .. }) if !is_review(&api_version, &kind) => {
                refuse(not_a_review(&api_version, &kind))
            }
            Ok(Self { request: None, .. }) => refuse("the AdmissionReview has no request".to_owned()),
            Ok(Self { request: Some(addressee), .. }) if addressee.uid.is_empty() => {
                refuse("the request has no uid".to_owned())
            }
            Ok(Self { request: Some(addressee), .. }) => Ok(addressee.split()),
        }
    }
}

impl<'b> Addressee<'b> {
    fn split(self) -> (Cow<'b, str>, Request<'b>) {
        let request = Request {
            kind: Kind::of(&self.kind.group, &self.kind.kind),
            kind_name: self.kind.kind,
            name: self.name,
            namespace: self.namespace,
            operation: Operation::parse(&self.operation),
            requester: Some(self.user_info),
            dry_run: self.dry_run.unwrap_or_default(),
            ..Request::default()
        };
        (self.uid.0, request)
    }
}
