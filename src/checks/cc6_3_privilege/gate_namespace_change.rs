//! Keeps everybody but its own keepers away from what the gate itself runs on.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Principal, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "gate-namespace-change",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "who may deploy workloads is not who may change what judges them"),
        Support::direct(Criterion::CC7_2, "what watches the cluster is itself watched"),
        Support::supporting(Criterion::CC8_1, "the gate is changed by its installer alone"),
    ],
    severity: Severity::Critical,
    needs: &[Need::Request],
    title: "change in the gate's own namespace",
    why: "Whoever can scale the gate to nothing, point its Service elsewhere or exchange its key or its rules has switched \
          every control off, and the decisions that follow look like any others.",
    fix: "Leave it to the gate's installer, who is named in `installers`.",
    references: &[Reference::Kubernetes("Admission Webhook Good Practices")],
    examples: Examples::new(
        "
apiVersion: v1
kind: ConfigMap
metadata: {name: policies, namespace: soc2gate}
data: {note: harmless}
",
        "
apiVersion: v1
kind: ConfigMap
metadata: {name: policies, namespace: shop}
data: {note: harmless}
",
    ),
    examine: Examine::Configured(Kinds::These(&KINDS), configure),
};

const KINDS: [Kind; 20] = [
    Kind::Namespace,
    Kind::Pod,
    Kind::PodTemplate,
    Kind::ReplicationController,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Job,
    Kind::CronJob,
    Kind::Scale,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::Secret,
    Kind::ConfigMap,
    Kind::ServiceAccount,
    Kind::Role,
    Kind::RoleBinding,
    Kind::PodDisruptionBudget,
    Kind::NetworkPolicy,
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Where the gate runs, if it is elsewhere than the program is told.
    namespace: Option<String>,
    /// The user name of its own account; by default that of the ServiceAccount `soc2gate` there.
    account: Option<String>,
    /// Who installs and upgrades it.
    installers: Vec<Principal>,
}

/// The gate's surroundings.
struct Gate {
    namespace: String,
    account: String,
    installers: Vec<Principal>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { namespace, account, mut installers } = params.read()?;
    let home = params.home();
    let namespace = namespace.unwrap_or_else(|| home.namespace.to_owned());
    installers.extend(home.installers.iter().map(|group| Principal::group(group)));
    if namespace.is_empty() || namespace.contains('*') {
        return Err(params.refuse("`namespace` must be the full name of the gate's namespace"));
    }
    if account.as_ref().is_some_and(String::is_empty) {
        return Err(params.refuse("`account` is empty: write the user name, or leave it out"));
    }
    let account = account.unwrap_or_else(|| format!("system:serviceaccount:{namespace}:soc2gate"));
    let gate = Gate { namespace, account, installers };
    Ok(Examiner::Whole(Box::new(move |ask, report| gate.examine(ask, report))))
}

impl Gate {
    fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        let request = ask.request;
        let is_itself = request.kind == Kind::Namespace;
        let namespace = if is_itself { request.object_name() } else { &*request.namespace };
        if namespace != self.namespace {
            return;
        }
        let Some(requester) = ask.outsider(&self.installers, report) else { return };
        if requester.username() != self.account {
            ask.refuse_change(requester, None, report);
        }
    }
}
