//! The door of the library: a manifest or a review goes in as text, what was found comes out.

use jiff::Timestamp;
use serde_json::{Value, json};
use soc2gate::{
    admission::Review,
    check::{Ask, Check, Need, Params, References, Report, Version, Violation},
    checks,
    decision::{self, Decision},
    inventory::{Inventory, Survey},
    manifest::{self, Document},
    object::{Kind, Object},
    policy::{Loaded, PolicySet, Settings},
    request::{Request, object_of},
    secrets::SharedScan,
};

use crate::surroundings;

/// The one document of a text.
pub(crate) fn document(text: &str) -> Document {
    manifest::parse("manifest.yaml", text).unwrap().pop().unwrap_or_else(|| panic!("no document in {text}"))
}

/// Hands the request that a manifest in a file stands for to a function.
fn with_manifest<T>(text: &str, act: impl FnOnce(&Request<'_>) -> T) -> T {
    let document = document(text);
    let object = object_of(&document).unwrap_or_else(|error| panic!("{error} in {text}"));
    act(&Request::of_manifest(object))
}

/// The inventory in which these manifests are all that exists, beside the surroundings of every test.
pub(crate) fn world(manifests: &str) -> Inventory {
    let mut survey = Survey::default();
    for document in manifest::parse("world.yaml", manifests).unwrap() {
        survey.see(&object_of(&document).unwrap());
    }
    survey.inventory(surroundings::inventory())
}

/// What a check reports for a manifest, under parameters as a policy writes them (empty: the defaults).
pub(crate) fn examine(check: &Check, params: &str, version: Version, text: &str) -> Report {
    examine_amid((surroundings::inventory(), surroundings::now()), check, params, version, text)
}

/// The same in an inventory of the test's own, at its own time.
pub(crate) fn examine_amid(
    (inventory, now): (Inventory, Timestamp),
    check: &Check,
    params: &str,
    version: Version,
    text: &str,
) -> Report {
    with_manifest(text, |request| examine_request((&inventory, now), check, params, version, request, None))
}

fn examine_request(
    (inventory, now): (&Inventory, Timestamp),
    check: &Check,
    params: &str,
    version: Version,
    request: &Request<'_>,
    old: Option<&Object<'_>>,
) -> Report {
    let params = manifest::parse("params", params).unwrap();
    let params = params.first().map_or(Params::DEFAULT, |document| Params::of(&document.root));
    let examiner = check.examine.configure(&params).unwrap();
    let object = request.object.as_ref();
    let (secrets, references) = (SharedScan::new(None), References::default());
    let ask =
        Ask { request, object, old, inventory, now, version, secrets: &secrets, references: &references };
    let mut report = Report::default();
    examiner.examine(&ask, &mut report);
    report
}

/// What a check reports for one of its own examples: as a manifest in a file, or as the request of somebody if the
/// check needs one.
pub(crate) fn examine_example(check: &Check, text: &str) -> Report {
    let examples = &check.examples;
    let inventory = if examples.amid.is_empty() { surroundings::inventory() } else { world(examples.amid) };
    let around = (&inventory, surroundings::now());
    if !check.needs.iter().any(|need| matches!(need, Need::Request | Need::OldObject)) {
        return with_manifest(text, |request| {
            examine_request(around, check, examples.params, Version::NEWEST, request, None)
        });
    }
    let sent = match (examples.are_deleted, examples.before) {
        (true, _) => Sent::delete(text),
        (false, "") => Sent::create(text),
        (false, before) => Sent::update(before, text),
    };
    sent.with_request(|request| {
        let old = request.old.read(request.kind).unwrap();
        examine_request(around, check, examples.params, Version::NEWEST, request, old.as_ref())
    })
}

/// The violations that a check of this id finds by default.
pub(crate) fn violations(id: &str, version: Version, text: &str) -> Vec<Violation> {
    let check = checks::find(id).unwrap_or_else(|| panic!("no check {id}"));
    examine(check, "", version, text).violations
}

/// What the check of this id says of a manifest, a line each: `path what`, or `? reason` where it cannot tell.
/// Nothing for a kind that it does not concern.
pub(crate) fn told(id: &str, params: &str, text: &str) -> Vec<String> {
    told_amid(surroundings::inventory(), id, params, text)
}

/// The same in an inventory of the test's own.
pub(crate) fn told_amid(inventory: Inventory, id: &str, params: &str, text: &str) -> Vec<String> {
    told_at((inventory, surroundings::now()), id, params, text)
}

/// The same at a time of the test's own.
pub(crate) fn told_at(around: (Inventory, Timestamp), id: &str, params: &str, text: &str) -> Vec<String> {
    let check = checks::find(id).unwrap_or_else(|| panic!("no check {id}"));
    if !check.examine.kinds().contains(object_of(&document(text)).unwrap().kind) {
        return Vec::new();
    }
    let report = examine_amid(around, check, params, Version::NEWEST, text);
    let violations = report.violations.iter().map(|found| format!("{} {}", found.place.path, found.what));
    violations.chain(report.missing.iter().map(|missing| format!("? {}", missing.reason()))).collect()
}

/// Decides a manifest in a file.
pub(crate) fn decide_manifest(policies: &PolicySet, text: &str) -> Decision {
    decide_manifest_amid(&Inventory::default(), policies, text)
}

/// The same in an inventory of the test's own.
pub(crate) fn decide_manifest_amid(inventory: &Inventory, policies: &PolicySet, text: &str) -> Decision {
    with_manifest(text, |request| decision::decide(policies, request, inventory, Timestamp::UNIX_EPOCH))
}

/// The policies of these texts, as if no other came with the program.
pub(crate) fn policies(texts: &[&str]) -> PolicySet {
    try_policies(texts, &Settings::default()).unwrap()
}

/// The same with settings, or everything that is wrong with them.
pub(crate) fn try_policies(texts: &[&str], settings: &Settings) -> Result<PolicySet, Vec<String>> {
    let names: Vec<_> = (0..texts.len()).map(|number| format!("p{number}.yaml")).collect();
    let files = names.iter().map(String::as_str).zip(texts.iter().copied());
    let words = |errors: Vec<manifest::Unusable>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    Loaded::default().with(files).map_err(words)?.bind(settings).map_err(words)
}

/// A policy that enforces one check, with parameters in flow style; empty for the defaults.
fn one_check(check: &str, mode: &str, params: &str) -> String {
    let params = if params.is_empty() { String::new() } else { format!("params: {params}, ") };
    format!(
        "{{apiVersion: soc2gate.io/v1, kind: ControlPolicy, metadata: {{name: p}}, spec: {{criterion: CC6.1, \
         control: Tested., checks: [{{id: {check}, {params}mode: {mode}}}]}}}}"
    )
}

/// One check, enforced with these parameters.
pub(crate) fn enforcing(check: &str, params: &str) -> PolicySet {
    policies(&[&one_check(check, "enforce", params)])
}

/// One check, recording only.
pub(crate) fn auditing(check: &str, params: &str) -> PolicySet {
    policies(&[&one_check(check, "audit", params)])
}

/// Why these parameters of a check are refused.
pub(crate) fn refusal(check: &str, params: &str) -> String {
    let read = try_policies(&[&one_check(check, "enforce", params)], &Settings::default());
    read.map(|_| ()).unwrap_err().join("; ")
}

/// What a file draws of one check: violations by key, then why what could not be told.
pub(crate) fn in_file(check: &str, params: &str, manifest: &str) -> (Vec<String>, Vec<String>) {
    let decision = decide_manifest(&enforcing(check, params), manifest);
    let missing = decision.unassessed.iter().map(|one| one.missing.reason().to_owned()).collect();
    (new(&decision), missing)
}

/// A review in the making: a CREATE by a person unless told otherwise.
pub(crate) struct Sent {
    request: Value,
    object: Value,
    inventory: Inventory,
    now: Timestamp,
}

impl Sent {
    /// A CREATE; of the options of a connection, a CONNECT to what their metadata names, else to `web` in `shop`.
    pub(crate) fn create(manifest: &str) -> Self {
        let object: Value = serde_json::from_str(&document(manifest).to_json_text()).unwrap();
        let (group, _) = object["apiVersion"].as_str().unwrap().rsplit_once('/').unwrap_or_default();
        let kind = Kind::of(group, object["kind"].as_str().unwrap());
        let (resource, subresource) = kind.resource().split_once('/').unwrap_or((kind.resource(), ""));
        let mut request = json!({
            "uid": "1", "operation": "CREATE", "kind": {"group": group, "kind": object["kind"]},
            "resource": {"group": group, "resource": resource}, "subResource": subresource,
            "name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"],
            "userInfo": {"username": "ann", "groups": ["system:authenticated"]},
        });
        if kind.name().ends_with("Options") {
            request["operation"] = json!("CONNECT");
            if request["name"].is_null() {
                (request["name"], request["namespace"]) = (json!("web"), json!("shop"));
            }
        }
        Self { request, object, inventory: Inventory::default(), now: at("2027-01-15T12:00:00Z") }
    }

    /// A DELETE of `old`, as the API server sends it: no object.
    pub(crate) fn delete(old: &str) -> Self {
        let mut sent = Self::create(old).set("operation", json!("DELETE"));
        sent.request["oldObject"] = std::mem::take(&mut sent.object);
        sent
    }

    /// An UPDATE of `old`.
    pub(crate) fn update(old: &str, new: &str) -> Self {
        let old: Value = serde_json::from_str(&document(old).to_json_text()).unwrap();
        Self::create(new).set("operation", json!("UPDATE")).set("oldObject", old)
    }

    /// Sets a field of the request.
    pub(crate) fn set(mut self, field: &str, value: Value) -> Self {
        self.request[field] = value;
        self
    }

    pub(crate) fn by(self, username: &str, groups: &[&str]) -> Self {
        self.set("userInfo", json!({"username": username, "groups": groups}))
    }

    pub(crate) fn amid(mut self, inventory: Inventory) -> Self {
        self.inventory = inventory;
        self
    }

    pub(crate) fn at(mut self, now: &str) -> Self {
        self.now = at(now);
        self
    }

    /// Sends it.
    pub(crate) fn decide(&self, policies: &PolicySet) -> Decision {
        self.with_request(|request| decision::decide(policies, request, &self.inventory, self.now))
    }

    /// Hands the request, as the webhook reads it, to a function.
    pub(crate) fn with_request<T>(&self, act: impl FnOnce(&Request<'_>) -> T) -> T {
        let mut request = self.request.clone();
        request["object"] = self.object.clone();
        for field in ["name", "namespace"] {
            if request[field].is_null() {
                request[field] = json!("");
            }
        }
        let review =
            json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let body = review.to_string();
        act(&Review::read(body.as_bytes()).unwrap().request)
    }
}

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// A finding as `state check key`, where the key is the path with names for positions.
pub(crate) fn found(decision: &Decision) -> Vec<String> {
    let line = |finding: &decision::Finding| {
        format!("{} {} {}", finding.state.id(), finding.check.id, finding.violation.place.key)
    };
    decision.findings.iter().map(line).collect()
}

/// What a decision says of each finding, without the fix.
pub(crate) fn messages(decision: &Decision) -> Vec<String> {
    decision.findings.iter().map(decision::Finding::message).collect()
}

/// The keys of what is new in a decision.
pub(crate) fn new(decision: &Decision) -> Vec<String> {
    let is_new = |finding: &&decision::Finding| finding.state == decision::State::New;
    decision.findings.iter().filter(is_new).map(|finding| finding.violation.place.key.clone()).collect()
}
