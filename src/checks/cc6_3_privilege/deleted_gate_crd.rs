//! Refuses to delete the definitions of the gate's own kinds.

use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Missing, Need, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::{Kind, Place},
    request::Operation,
};

pub(super) const CHECK: Check = Check {
    id: "deleted-gate-crd",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "who may deploy workloads does not decide whether controls exist"),
        Support::direct(Criterion::CC7_2, "what watches the cluster is itself watched"),
        Support::supporting(Criterion::CC8_1, "policies and exemptions end by decision, not by accident"),
    ],
    severity: Severity::Critical,
    needs: &[Need::Request],
    title: "deletion of the gate's own definitions",
    why: "With the definition of a kind the API server deletes every object of it: all policies and all exemptions are \
          gone at once, and no request for any of them is ever seen.",
    fix: "Keep it; to uninstall the gate, follow its own steps, which record the end.",
    references: &[Reference::Kubernetes("Custom Resources")],
    examples: Examples::new(
        "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: controlpolicies.soc2gate.io}
",
        "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
",
    )
    .deleted(),
    examine: Examine::Whole(Kinds::These(&[Kind::CustomResourceDefinition]), deleted),
};

fn deleted(ask: &Ask<'_>, report: &mut Report) {
    let name = ask.request.object_name();
    // The API server holds every definition to a name that ends in its group.
    if !name.ends_with(".soc2gate.io") {
        return;
    }
    match ask.request.operation {
        Some(Operation::Delete) => {
            let what = format!("is {}, and everything that it defines goes with it", quoted(name));
            report.violation_of(Place::of("metadata.name"), name, what);
        }
        Some(_) => {}
        None => report.not_assessable(Missing::NotKnownHere("the operation is not known".into())),
    }
}
