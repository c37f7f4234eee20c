//! The definition of Exemption: whoever reads it in the cluster sees who is exempted from what, by whom, until when.

use kube::{CustomResource, KubeSchema, core::Rule};
use serde::{Deserialize, Serialize};

use super::condition::Condition;

/// A permission to break one check.
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "soc2gate.io",
    version = "v1",
    kind = "Exemption",
    plural = "exemptions",
    category = "soc2gate",
    status = "ExemptionStatus",
    doc = "A permission to break one check, for one subject, with a reason, two people and an end. The check is still evaluated; what it finds is recorded as exempted.",
    printcolumn(name = "Check", type_ = "string", json_path = ".spec.check"),
    printcolumn(
        name = "Subject",
        type_ = "string",
        json_path = ".status.subject",
        description = "Whom it covers."
    ),
    printcolumn(name = "Expires", type_ = "string", json_path = ".spec.expires"),
    printcolumn(
        name = "State",
        type_ = "string",
        json_path = ".status.state",
        description = "Pending, Active, Expired, or Invalid."
    ),
    printcolumn(name = "Approved by", type_ = "string", json_path = ".spec.approvedBy", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[x_kube(validation = Rule::new("self.requestedBy.trim().lowerAscii() != self.approvedBy.trim().lowerAscii()")
    .message("the approver is the requester: somebody else must approve").field_path(".approvedBy"))]
// Told of what can be compared as text; the rest is left to the gate.
#[x_kube(validation = Rule::new("!has(self.starts) || self.starts.size() != 10 || self.expires.size() != 10 || self.starts <= self.expires")
    .message("is before `starts`: it would never hold").field_path(".expires"))]
#[x_kube(validation = Rule::new("!has(self.starts) || self.starts.size() != 20 || self.expires.size() != 20 || self.starts < self.expires")
    .message("is not after `starts`: it would never hold").field_path(".expires"))]
pub struct ExemptionSpec {
    /// The check that may be broken.
    #[schemars(length(min = 1, max = 63))]
    pub check: String,
    /// Whom it covers.
    pub subject: Subject,
    /// Why it is granted.
    #[schemars(length(min = 1, max = 4096))]
    #[x_kube(validation = Rule::new("self.trim() != ''").message("is empty: an auditor will ask for it"))]
    pub reason: String,
    /// Where it was asked for and discussed.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new("self.trim() != ''").message("is empty: an auditor will ask for it"))]
    pub ticket: String,
    /// Who wants it. May neither approve nor apply it.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new("self.trim() != ''").message("is empty: an auditor will ask for it"))]
    pub requested_by: String,
    /// Who has approved it: somebody else.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new("self.trim() != ''").message("is empty: an auditor will ask for it"))]
    pub approved_by: String,
    /// When it begins to hold: a day (UTC) or an RFC 3339 time. Left out, it holds at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = date())]
    pub starts: Option<String>,
    /// When it ceases to hold: a day, of which it holds the whole (UTC), or an RFC 3339 time.
    #[schemars(length(max = 64))]
    #[x_kube(validation = date())]
    pub expires: String,
}

fn date() -> Rule {
    let rule = r"self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9:.,]+([Zz]|[+-][0-9:]+))?$')";
    Rule::new(rule).message("is no date: write `2027-01-31` (the whole day, UTC) or an RFC 3339 time")
}

fn in_full() -> Rule {
    Rule::new("!self.contains('*')").message("write it in full; only a name may end in `*`")
}

/// Whom an exemption covers. All fields that are given must fit; at least one must be given.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1))]
pub struct Subject {
    /// The namespace of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = in_full())]
    pub namespace: Option<String>,
    /// The kind of the object, or of the controller that it is made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = in_full())]
    pub kind: Option<String>,
    /// The name of the object, or of the controller that it is made for; a beginning of it if it ends in `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[^*]+[*]?$')").message("write it in full; only a name may end in `*`"))]
    pub name: Option<String>,
    /// The name of a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = in_full())]
    pub container: Option<String>,
    /// The beginning of an image's name, up to a `/`: `registry.example.com/team`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = in_full())]
    pub image: Option<String>,
    /// The user who makes the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = in_full())]
    pub user: Option<String>,
    /// A group of who makes the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = in_full())]
    pub group: Option<String>,
    /// The service account that makes the request, as `namespace:name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = in_full())]
    pub service_account: Option<String>,
}

/// What the gate says of the exemption.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExemptionStatus {
    /// The generation of the exemption that this was said of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Pending` before it begins, `Active` while it holds, `Expired` afterwards; `Invalid` if it cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Whom it covers, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `Ready` tells whether it holds now, and if not, why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
