//! Finds a registration of the gate that lets pass what the shipped one would ask about.

use serde::Deserialize;

use super::registration::Expected;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Principal, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Place},
    request::Operation,
};

pub(super) const CHECK: Check = Check {
    id: "weakened-gate-registration",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::supporting(
            Criterion::CC6_3,
            "who is held to the controls does not take them out of the way",
        ),
        Support::direct(Criterion::CC7_1, "a setting that opens a way around the controls is found"),
        Support::direct(Criterion::CC7_2, "what watches the cluster is itself watched"),
        Support::direct(Criterion::CC8_1, "the registration is changed by the gate's installer alone"),
    ],
    severity: Severity::Critical,
    needs: &[],
    title: "weakened registration of the gate",
    why: "The API server asks the gate about what its registration lists, and nothing else. A rule less, one more selector \
          or another address, and requests pass that nobody judges; no webhook is ever asked about that change.",
    fix: "Apply the registration of the gate's release again.",
    references: &[Reference::Cis("5.2.1"), Reference::Kep(5793)],
    examples: Examples::new(
        "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: soc2gate}
spec:
  policyName: soc2gate
  validationActions: [Audit]
",
        "
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: soc2gate}
spec:
  policyName: soc2gate
  validationActions: [Deny, Audit]
",
    ),
    examine: Examine::Configured(Kinds::These(&KINDS), configure),
};

const KINDS: [Kind; 3] = [
    Kind::ValidatingWebhookConfiguration,
    Kind::ValidatingAdmissionPolicy,
    Kind::ValidatingAdmissionPolicyBinding,
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// What the objects of the registration are called.
    names: Vec<String>,
    /// Where the gate runs, if it is elsewhere than the program is told.
    namespace: Option<String>,
    /// Who installs and upgrades it.
    installers: Vec<Principal>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { names: vec!["soc2gate".to_owned()], namespace: None, installers: Vec::new() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let mut parameters: Parameters = params.read()?;
    let home = params.home();
    parameters.installers.extend(home.installers.iter().map(|group| Principal::group(group)));
    let namespace = parameters.namespace.as_deref().unwrap_or(home.namespace);
    if parameters.names.is_empty()
        || parameters.names.iter().any(|name| name.is_empty() || name.contains('*'))
    {
        return Err(params.refuse("`names` needs the full names of the objects that register the gate"));
    }
    // Letters, digits and dashes, as Kubernetes has it.
    let is_name =
        |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if namespace.is_empty() || !is_name(namespace) {
        return Err(params.refuse("`namespace` must be the name of the gate's namespace"));
    }
    let expected = Expected::at(namespace, home.installers)?;
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.examine(ask, &expected, report))))
}

impl Parameters {
    fn examine(&self, ask: &Ask<'_>, expected: &Expected, report: &mut Report) {
        let request = ask.request;
        let name = request.object_name();
        let installs =
            |one: &Principal| request.requester.as_ref().is_some_and(|requester| one.includes(requester));
        if !self.names.iter().any(|own| own == name) || self.installers.iter().any(installs) {
            return;
        }
        if request.operation == Some(Operation::Delete) {
            let what = format!("is {}, without which the gate is not asked", quoted(name));
            return report.violation_of(Place::of("metadata.name"), name, what);
        }
        let Some(Body::Tree(tree)) = ask.object.map(|object| &object.body) else { return };
        match request.kind {
            Kind::ValidatingWebhookConfiguration => expected.compare_webhooks(tree, report),
            Kind::ValidatingAdmissionPolicy => expected.compare_policy(tree, report),
            _ => expected.compare_binding(tree, &self.names, report),
        }
    }
}
