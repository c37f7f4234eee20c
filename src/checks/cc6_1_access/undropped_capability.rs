//! Asks containers to give up every capability that they do not need.

use serde::Deserialize;

use super::{added_capability, is_excused_windows};
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::ContainerAt,
};

pub(super) const CHECK: Check = Check {
    id: "undropped-capability",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(
        Criterion::CC6_1,
        "leaves a workload no power over the kernel that it does not use",
    )],
    severity: Severity::Medium,
    needs: &[Need::Version],
    title: "capability that was not dropped",
    why: "A runtime gives every container some of root's powers, raw sockets and foreign files among them. Few programs \
          use any, and whoever breaks into the container has them all.",
    fix: "Set `capabilities.drop: [ALL]` on the container and add back only NET_BIND_SERVICE if it needs a low port.",
    references: &[
        Reference::restricted("Capabilities"),
        Reference::Cis("5.2.8"),
        Reference::Cis("5.2.9"),
        Reference::Cve("CVE-2020-14386"),
    ],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {capabilities: {drop: [NET_RAW]}}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Capabilities that may be added back.
    allow: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { allow: vec!["NET_BIND_SERVICE".to_owned()] }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow } = params.read()?;
    Ok(Examiner::Container(Box::new(move |at, ask, report| kept(at, &allow, ask, report))))
}

fn kept(at: &ContainerAt<'_>, allow: &[String], ask: &Ask<'_>, report: &mut Report) {
    if !ask.version.at_least(22) || is_excused_windows(&at.pod, ask) {
        return;
    }
    let capabilities =
        at.container.security_context.as_ref().and_then(|context| context.capabilities.as_ref());
    if !capabilities.is_some_and(|capabilities| capabilities.drop.iter().any(|dropped| &**dropped == "ALL")) {
        report.violation(at.at("securityContext.capabilities.drop"), "does not hold `ALL`");
    }
    for (position, capability) in at.added_capabilities() {
        // All others are what `added-capability` reports: together the two are the control.
        let ours = added_capability::STANDARD.contains(&capability);
        if ours && !allow.iter().any(|allowed| *allowed == *capability) {
            let place = at.item("securityContext.capabilities.add", position, capability);
            report.violation_of(place, capability, format!("is {}", quoted(capability)));
        }
    }
}
