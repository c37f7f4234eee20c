//! What is to be done about one report, given what is there and what is wanted.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::content::{DIGEST, LABEL};
use crate::cluster::NAME;

/// A report of our name, as its metadata tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Existing {
    pub(super) is_ours: bool,
    /// Of what it said when we wrote it.
    pub(super) digest: String,
    pub(super) uid: Option<String>,
    pub(super) version: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Create,
    Replace(Existing),
    Keep(Existing),
    Remove(Existing),
    /// It bears our name and is not ours.
    LeaveAlone,
    Nothing,
}

impl Existing {
    pub(super) fn of(metadata: &ObjectMeta) -> Self {
        let text = |map: &Option<std::collections::BTreeMap<String, String>>, key: &str| {
            map.as_ref().and_then(|map| map.get(key)).cloned().unwrap_or_default()
        };
        Self {
            is_ours: text(&metadata.labels, LABEL) == NAME,
            digest: text(&metadata.annotations, DIGEST),
            uid: metadata.uid.clone(),
            version: metadata.resource_version.clone().unwrap_or_default(),
        }
    }
}

/// The step from what exists to what is wanted: the digest of a report, or that there be none. `written` is the version
/// in which we left it, if we did: whatever was done to it since is undone.
pub(super) fn step(wanted: Option<&str>, existing: Option<&Existing>, written: Option<&str>) -> Step {
    match (wanted, existing) {
        (Some(_), None) => Step::Create,
        (None, None) => Step::Nothing,
        (Some(_), Some(existing)) if !existing.is_ours => Step::LeaveAlone,
        (None, Some(existing)) if !existing.is_ours => Step::Nothing,
        (None, Some(existing)) => Step::Remove(existing.clone()),
        (Some(digest), Some(existing)) => {
            let is_untouched = written.is_none_or(|version| version == existing.version);
            if existing.digest == digest && is_untouched {
                Step::Keep(existing.clone())
            } else {
                Step::Replace(existing.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn existing(is_ours: bool) -> Existing {
        Existing { is_ours, digest: "a".into(), uid: None, version: "7".into() }
    }

    #[test]
    fn what_changed_is_written_and_what_did_not_is_left() {
        let (ours, foreign) = (existing(true), existing(false));
        for (what, wanted, there, written, expected) in [
            ("new", Some("a"), None, None, Step::Create),
            ("the same", Some("a"), Some(&ours), None, Step::Keep(ours.clone())),
            ("the same as we left it", Some("a"), Some(&ours), Some("7"), Step::Keep(ours.clone())),
            ("touched by somebody", Some("a"), Some(&ours), Some("6"), Step::Replace(ours.clone())),
            ("something else to say", Some("b"), Some(&ours), Some("7"), Step::Replace(ours.clone())),
            ("nothing more to say", None, Some(&ours), None, Step::Remove(ours.clone())),
            ("somebody else's", Some("a"), Some(&foreign), None, Step::LeaveAlone),
            ("somebody else's, and nothing to say", None, Some(&foreign), None, Step::Nothing),
            ("nothing at all", None, None, None, Step::Nothing),
        ] {
            assert_eq!(step(wanted, there, written), expected, "{what}");
        }
    }
}
