//! Exemptions: named permissions to break one check, with a subject, two people and an end.

use std::{collections::HashMap, fmt};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, de::IgnoredAny};

use super::file::{API_VERSION, OwnMetadata};
use crate::{
    check::{lasts_longer, moment},
    checks,
    manifest::{Document, Unusable},
    object::{ImageReference, Place},
    request::{Owner, Request},
};

/// A permission to break one check. The check is still evaluated; its findings are recorded as exempted.
#[derive(Clone, Debug)]
pub struct Exemption {
    pub name: String,
    pub check: String,
    pub subject: Subject,
    pub reason: String,
    pub ticket: String,
    pub requested_by: String,
    pub approved_by: String,
    /// When it begins to hold (UTC); from the start if absent.
    pub starts: Option<Timestamp>,
    /// When it ceases to hold (UTC).
    pub expires: Timestamp,
}

/// Whom an exemption covers. All fields that are given must fit; none given covers nothing and is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Subject {
    pub namespace: Option<String>,
    pub kind: Option<String>,
    /// The object's name, or a prefix that ends in `*`.
    pub name: Option<String>,
    pub container: Option<String>,
    /// A prefix of the image on `/` boundaries: `registry.example.com/team`.
    pub image: Option<String>,
    pub user: Option<String>,
    pub group: Option<String>,
    /// `namespace:name`.
    pub service_account: Option<String>,
}

/// What an exemption is worth at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExemptionState {
    Pending,
    Active,
    Expired,
}

impl ExemptionState {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Active, Self::Expired];

    pub const fn id(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manifest {
    api_version: String,
    kind: String,
    metadata: OwnMetadata,
    spec: Spec,
    /// Written by the gate itself, for people.
    #[serde(default, rename = "status")]
    _status: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    check: String,
    #[serde(default)]
    subject: Subject,
    reason: String,
    ticket: String,
    requested_by: String,
    approved_by: String,
    #[serde(default)]
    starts: Option<String>,
    expires: String,
}

impl Exemption {
    /// Reads one document. `max_days` tells the longest that the policies allow for a check, and none for a check
    /// that no policy has.
    ///
    /// # Errors
    /// The field that does not fit, with its place.
    pub fn read(
        document: &Document,
        now: Timestamp,
        max_days: impl Fn(&str) -> Option<u16>,
    ) -> Result<Self, Unusable> {
        let manifest: Manifest = document.decode()?;
        let refuse = |path: &str, message: &str| document.unusable(document.place(path), message);
        if manifest.api_version != API_VERSION || manifest.kind != "Exemption" {
            return Err(refuse(
                "kind",
                &format!("not an Exemption of {API_VERSION}: write that apiVersion and kind"),
            ));
        }
        let spec = manifest.spec;
        let no_date = |path: &str| {
            refuse(path, "is no date: write `2027-01-31` (the whole day, UTC) or an RFC 3339 time")
        };
        let starts =
            spec.starts.as_deref().map(|text| moment(text, Ok).ok_or_else(|| no_date("spec.starts")));
        let exemption = Self {
            starts: starts.transpose()?,
            // A day is meant whole: the exemption ceases to hold when the next one begins.
            expires: moment(&spec.expires, Date::tomorrow).ok_or_else(|| no_date("spec.expires"))?,
            name: manifest.metadata.name,
            check: spec.check,
            subject: spec.subject,
            reason: spec.reason,
            ticket: spec.ticket,
            requested_by: spec.requested_by,
            approved_by: spec.approved_by,
        };
        exemption.validate(now, max_days).map_err(|(path, message)| refuse(path, &message))?;
        Ok(exemption)
    }

    fn validate(
        &self,
        now: Timestamp,
        max_days: impl Fn(&str) -> Option<u16>,
    ) -> Result<(), (&'static str, String)> {
        for (path, text) in [
            ("metadata.name", &self.name),
            ("spec.reason", &self.reason),
            ("spec.ticket", &self.ticket),
            ("spec.requestedBy", &self.requested_by),
            ("spec.approvedBy", &self.approved_by),
        ] {
            if text.trim().is_empty() {
                return Err((path, "is empty: an auditor will ask for it".to_owned()));
            }
        }
        if self.requested_by.trim().eq_ignore_ascii_case(self.approved_by.trim()) {
            return Err(("spec.approvedBy", "is the requester: somebody else must approve".to_owned()));
        }
        self.subject.validate()?;
        let Some(max_days) = max_days(&self.check) else {
            let near = checks::meant(&self.check);
            return Err(("spec.check", format!("no policy has a check `{}`{near}", self.check)));
        };
        if self.starts.is_some_and(|starts| starts >= self.expires) {
            return Err(("spec.expires", "is not after spec.starts: it would never hold".to_owned()));
        }
        // Counted from its own beginning, or one that was given long ago could last for years.
        let begins = self.starts.unwrap_or(now);
        if lasts_longer(begins, self.expires, max_days) {
            let message = format!("lasts longer than the {max_days} days that the policy allows");
            return Err(("spec.expires", message));
        }
        Ok(())
    }

    pub fn state(&self, now: Timestamp) -> ExemptionState {
        if now >= self.expires {
            ExemptionState::Expired
        } else if self.starts.is_some_and(|starts| now < starts) {
            ExemptionState::Pending
        } else {
            ExemptionState::Active
        }
    }

    /// Whether it names neither a namespace, nor an object, nor an image, nor a person: worth a question.
    pub fn is_broad(&self) -> bool {
        let subject = &self.subject;
        [&subject.namespace, &subject.name, &subject.image, &subject.user, &subject.service_account]
            .iter()
            .all(|field| field.is_none())
    }
}

/// Whom it covers, as `namespace=shop kind=Pod`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.fields().into_iter().filter_map(|(path, value)| {
            Some(format!("{}={}", path.strip_prefix("spec.subject.")?, value.as_ref()?))
        });
        f.write_str(&given.collect::<Vec<_>>().join(" "))
    }
}

impl Subject {
    /// Every field with its path.
    fn fields(&self) -> [(&'static str, &Option<String>); 8] {
        [
            ("spec.subject.namespace", &self.namespace),
            ("spec.subject.kind", &self.kind),
            ("spec.subject.name", &self.name),
            ("spec.subject.container", &self.container),
            ("spec.subject.image", &self.image),
            ("spec.subject.user", &self.user),
            ("spec.subject.group", &self.group),
            ("spec.subject.serviceAccount", &self.service_account),
        ]
    }

    fn validate(&self) -> Result<(), (&'static str, String)> {
        let fields = self.fields();
        if fields.iter().all(|(_, field)| field.is_none()) {
            return Err(("spec.subject", "is empty and would cover nothing: name a subject".to_owned()));
        }
        for (path, field) in fields {
            let Some(text) = field else { continue };
            let stars = text.matches('*').count();
            let prefix = path.ends_with(".name") && stars == 1 && text.ends_with('*') && text.len() > 1;
            if text.is_empty() || (stars > 0 && !prefix) {
                return Err((path, "write it in full; only a name may end in `*`".to_owned()));
            }
        }
        Ok(())
    }

    /// Whether it covers a violation at `place` of a request; `owner` is the root that a trusted controller made
    /// the object for.
    fn covers(&self, place: &Place, request: &Request<'_>, owner: Option<&Owner>) -> bool {
        let fits =
            |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|w| !is.is_empty() && w == is);
        let itself = fits(&self.kind, request.kind_name())
            && self.name.as_ref().is_none_or(|name| name_fits(name, request));
        let by_owner = owner.is_some_and(|owner| {
            fits(&self.kind, &owner.kind)
                && self.name.as_ref().is_none_or(|name| pattern_fits(name, &owner.name))
        });
        let container = place.container.as_ref();
        let requester = request.requester.as_ref();
        fits(&self.namespace, &request.namespace)
            && (itself || by_owner)
            && fits(&self.container, container.map_or("", |container| &container.name))
            && self.image.as_ref().is_none_or(|prefix| {
                container
                    .and_then(|container| ImageReference::parse(&container.image).ok())
                    .is_some_and(|image| image.is_under(prefix))
            })
            && fits(&self.user, requester.map_or("", |requester| requester.username()))
            && self
                .group
                .as_ref()
                .is_none_or(|group| requester.is_some_and(|requester| requester.is_in(group)))
            && self.service_account.as_ref().is_none_or(|account| {
                requester
                    .and_then(|requester| requester.service_account())
                    .is_some_and(|(namespace, name)| account.split_once(':') == Some((namespace, name)))
            })
    }
}

/// An object without a name yet can be covered by a prefix of the name that it will get, never by an exact name.
fn name_fits(pattern: &str, request: &Request<'_>) -> bool {
    let name = request.object_name();
    if !name.is_empty() {
        return pattern_fits(pattern, name);
    }
    let prefix = request.subject().map_or("", |object| &*object.metadata.generate_name);
    pattern.strip_suffix('*').is_some_and(|start| prefix.starts_with(start))
}

fn pattern_fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => !name.is_empty() && name.starts_with(start),
        None => !name.is_empty() && pattern == name,
    }
}

/// All exemptions, by check.
#[derive(Clone, Debug, Default)]
pub struct Exemptions {
    by_check: HashMap<String, Vec<Exemption>>,
}

impl Exemptions {
    pub fn new(all: impl IntoIterator<Item = Exemption>) -> Self {
        let mut by_check: HashMap<String, Vec<Exemption>> = HashMap::new();
        for exemption in all {
            by_check.entry(exemption.check.clone()).or_default().push(exemption);
        }
        Self { by_check }
    }

    /// The exemption that covers a violation now. Webhook, scan and files all ask here. One exemption must cover it
    /// alone: two never add up.
    pub fn covering(
        &self,
        check: &str,
        place: &Place,
        request: &Request<'_>,
        owner: Option<&Owner>,
        now: Timestamp,
    ) -> Option<&Exemption> {
        self.by_check.get(check)?.iter().find(|exemption| {
            exemption.state(now) == ExemptionState::Active && exemption.subject.covers(place, request, owner)
        })
    }

    /// Every exemption, by check and then by name.
    pub fn iter(&self) -> impl Iterator<Item = &Exemption> {
        let mut all: Vec<_> = self.by_check.values().flatten().collect();
        all.sort_by(|a, b| (&a.check, &a.name).cmp(&(&b.check, &b.name)));
        all.into_iter()
    }
}
