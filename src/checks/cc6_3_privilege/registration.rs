//! How the gate is registered with the API server: what the shipped manifests say, and in what another registration is
//! weaker.

mod reach;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    check::{Report, quoted},
    installation::{Wanted, registration},
    manifest::Unusable,
    object::{List, Place, Selector, Word},
};
use reach::{Condition, Reach, Rule};

/// The registration as it should be.
#[derive(Default)]
pub(super) struct Expected {
    webhooks: WebhookConfiguration,
    /// Where the gate keeps its certificate, and where cert-manager does.
    policies: Vec<AdmissionPolicy>,
    binding: AdmissionBinding,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WebhookConfiguration {
    webhooks: List<Webhook>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Webhook {
    name: Word,
    client_config: Option<ClientConfig>,
    rules: List<Rule>,
    failure_policy: Word,
    match_policy: Word,
    namespace_selector: Option<Selector>,
    object_selector: Option<Selector>,
    match_conditions: List<Condition>,
    side_effects: Word,
    timeout_seconds: Option<i64>,
    admission_review_versions: List<Word>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ClientConfig {
    url: Word,
    service: Option<ServiceAddress>,
}

#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
struct ServiceAddress {
    namespace: Word,
    name: Word,
    path: Word,
    /// Absent means 443.
    port: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AdmissionPolicy {
    spec: AdmissionPolicySpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AdmissionPolicySpec {
    failure_policy: Word,
    match_constraints: Option<Constraints>,
    match_conditions: List<Condition>,
    validations: List<Condition>,
    variables: List<Condition>,
    param_kind: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Constraints {
    resource_rules: List<Rule>,
    exclude_resource_rules: List<Value>,
    match_policy: Word,
    namespace_selector: Option<Selector>,
    object_selector: Option<Selector>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AdmissionBinding {
    spec: AdmissionBindingSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AdmissionBindingSpec {
    policy_name: Word,
    validation_actions: List<Word>,
    param_ref: Option<Value>,
    match_resources: Option<Value>,
}

impl Expected {
    /// As the gate is registered when it runs in `namespace` and is installed by these groups; none means the shipped one.
    ///
    /// # Errors
    /// None in a released program: a test reads it.
    pub(super) fn at(namespace: &str, installers: &[String]) -> Result<Self, Unusable> {
        let mut wanted = Wanted { namespace: namespace.to_owned(), ..Wanted::default() };
        if !installers.is_empty() {
            wanted.installers = installers.to_vec();
        }
        let mut expected = Self::default();
        for cert_manager in [false, true] {
            for object in registration(&Wanted { cert_manager, ..wanted.clone() })? {
                match object.get("kind").and_then(Value::as_str) {
                    Some("ValidatingWebhookConfiguration") => expected.webhooks = shipped(object)?,
                    Some("ValidatingAdmissionPolicy") => expected.policies.push(shipped(object)?),
                    _ => expected.binding = shipped(object)?,
                }
            }
        }
        Ok(expected)
    }

    /// The policy that another one is compared with: who keeps the certificate is the installer's choice.
    fn policy(&self, found: &AdmissionPolicySpec) -> Option<&AdmissionPolicySpec> {
        let has_all =
            |wanted: &&AdmissionPolicy| wanted.spec.variables.iter().all(|one| found.has_variable(one));
        self.policies.iter().find(has_all).or_else(|| self.policies.first()).map(|policy| &policy.spec)
    }

    /// Reports in what a ValidatingWebhookConfiguration is weaker.
    pub(super) fn compare_webhooks(&self, tree: &Value, report: &mut Report) {
        let Some(found) = read::<WebhookConfiguration>(tree, report) else { return };
        for wanted in self.webhooks.webhooks.iter() {
            let name = &*wanted.name;
            let merge_key = format!("name={name}");
            let Some(position) = found.webhooks.iter().position(|webhook| webhook.name == *name) else {
                let place = Place { key: format!("webhooks[{merge_key}]"), ..Place::of("webhooks") };
                report.violation_of(place, "absent", format!("has no {}", quoted(name)));
                continue;
            };
            let place = Place::default().item("webhooks", position, &merge_key);
            for webhook in found.webhooks.iter().filter(|webhook| webhook.name == *name) {
                webhook.compare(wanted, &place, report);
            }
        }
    }

    /// Reports in what a ValidatingAdmissionPolicy is weaker.
    pub(super) fn compare_policy(&self, tree: &Value, report: &mut Report) {
        let Some(AdmissionPolicy { spec: found }) = read(tree, report) else { return };
        let Some(wanted) = self.policy(&found) else { return };
        let at = |field: &str| match field {
            "rules" => Place::of("spec.matchConstraints.resourceRules"),
            "matchConditions" | "failurePolicy" => Place::of("spec").field(field),
            _ => Place::of("spec.matchConstraints").field(field),
        };
        let (reach, none) = (found.reach(), Constraints::default());
        reach.compare(&wanted.reach(), &at, report);
        if !found.match_constraints.as_ref().unwrap_or(&none).exclude_resource_rules.is_empty() {
            report.violation(at("excludeResourceRules"), "leaves something out");
        }
        if found.param_kind.is_some() && wanted.param_kind.is_none() {
            report.violation(Place::of("spec.paramKind"), "makes the policy depend on another object");
        }
        for (field, wanted, found) in [
            ("validations", &wanted.validations, &found.validations),
            ("variables", &wanted.variables, &found.variables),
        ] {
            let lost = |one: &&Condition| !one.is_among(found);
            for one in wanted.iter().filter(lost) {
                let what = format!("no longer has {}", quoted(&one.expression));
                report.violation_of(Place::of("spec").field(field), &one.expression, what);
            }
        }
    }

    /// Reports in what a ValidatingAdmissionPolicyBinding is weaker; `names` are those of the policies that it may bind.
    pub(super) fn compare_binding(&self, tree: &Value, names: &[String], report: &mut Report) {
        let Some(AdmissionBinding { spec: found }) = read(tree, report) else { return };
        let bound = &*found.policy_name;
        if !names.iter().any(|name| name == bound) {
            let what = format!("is {}, another policy", quoted(bound));
            report.violation_of(Place::of("spec.policyName"), bound, what);
        }
        for action in self.binding.spec.validation_actions.iter() {
            if !found.validation_actions.contains(action) {
                let what = format!("no longer has {}", quoted(action));
                report.violation_of(Place::of("spec.validationActions"), action, what);
            }
        }
        for (field, part) in [("matchResources", &found.match_resources), ("paramRef", &found.param_ref)] {
            if let Some(part) = part {
                let part = part.to_string();
                report.violation_of(
                    Place::of("spec").field(field),
                    &part,
                    format!("narrows the policy: {}", quoted(&part)),
                );
            }
        }
    }
}

fn read<T: DeserializeOwned>(tree: &Value, report: &mut Report) -> Option<T> {
    let read = T::deserialize(tree);
    if let Err(error) = &read {
        // What cannot be read could be anything.
        report.violation(Place::of("metadata.name"), format!("names what cannot be read: {error}"));
    }
    read.ok()
}

fn shipped<T: DeserializeOwned>(object: Value) -> Result<T, Unusable> {
    let message = |error: serde_json::Error| format!("the shipped registration: {error}");
    T::deserialize(object).map_err(|error| Unusable {
        file: String::new(),
        line: 0,
        column: 0,
        message: message(error),
    })
}

impl AdmissionPolicySpec {
    fn has_variable(&self, variable: &Condition) -> bool {
        variable.is_among(&self.variables)
    }

    fn reach(&self) -> Reach<'_> {
        let constraints = self.match_constraints.as_ref();
        Reach {
            rules: constraints.map_or(&[], |constraints| &constraints.resource_rules),
            namespace_selector: constraints.and_then(|constraints| constraints.namespace_selector.as_ref()),
            object_selector: constraints.and_then(|constraints| constraints.object_selector.as_ref()),
            match_conditions: &self.match_conditions,
            match_policy: constraints.map_or("", |constraints| &constraints.match_policy),
            failure_policy: &self.failure_policy,
        }
    }
}

impl Webhook {
    fn reach(&self) -> Reach<'_> {
        Reach {
            rules: &self.rules,
            namespace_selector: self.namespace_selector.as_ref(),
            object_selector: self.object_selector.as_ref(),
            match_conditions: &self.match_conditions,
            match_policy: &self.match_policy,
            failure_policy: &self.failure_policy,
        }
    }

    fn compare(&self, wanted: &Self, place: &Place, report: &mut Report) {
        let at = |field: &str| place.clone().field(field);
        self.reach().compare(&wanted.reach(), &at, report);
        if self.timeout_seconds.is_some_and(|seconds| seconds < 2) {
            report.violation(at("timeoutSeconds"), "leaves no time for an answer: at least 2 are needed");
        }
        if !["None", "NoneOnDryRun"].contains(&&*self.side_effects) {
            let what = format!("is {}, so that dry runs are not asked about", quoted(&self.side_effects));
            report.violation_of(at("sideEffects"), &self.side_effects, what);
        }
        if !self.admission_review_versions.iter().any(|version| *version == "v1") {
            report.violation(
                at("admissionReviewVersions"),
                "has no `v1`, the only version that the gate reads",
            );
        }
        let address = |webhook: &Self| {
            let config = webhook.client_config.as_ref()?;
            let service = config.service.clone().unwrap_or_default();
            Some((config.url.clone(), ServiceAddress { port: service.port.or(Some(443)), ..service }))
        };
        if address(self) != address(wanted) {
            report.violation(at("clientConfig"), "calls somebody else than the gate");
        }
    }
}
