//! Refuses kernel parameters that reach beyond the pod that sets them.

use serde::Deserialize;

use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Reference, Report, Version, quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::PodAt,
};

pub(super) const CHECK: Check = Check {
    id: "unsafe-sysctl",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(Criterion::CC6_1, "keeps workloads from changing the kernel that others run on")],
    severity: Severity::Medium,
    needs: &[Need::Version],
    title: "unsafe kernel parameter",
    why: "Only parameters that have a value of their own in each pod are safe. Any other changes the kernel for every \
          workload of the node, or switches off its protection.",
    fix: "Remove it, or tune the node instead.",
    references: &[Reference::baseline("Sysctls"), Reference::Cve("CVE-2022-0811")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {sysctls: [{name: kernel.core_pattern, value: '|/bin/collect'}]}
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: '80'}]}
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

/// What the standard allows, each with the version that it is allowed from.
const SAFE: [(&str, u16); 14] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
    ("net.ipv4.tcp_slow_start_after_idle", 37),
    ("net.ipv4.tcp_notsent_lowat", 37),
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Names allowed beside the standard's, with dots.
    allow: Vec<String>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow } = params.read()?;
    // The kubelet's own flag takes patterns and slashes; here they would match nothing.
    if let Some(name) = allow.iter().find(|name| name.contains(['*', '/'])) {
        return Err(
            params.refuse(format!("`{name}` in `allow` must be a full name, with dots and without `*`"))
        );
    }
    Ok(Examiner::Pod(Box::new(move |pod, ask, report| unsafe_ones(pod, &allow, ask, report))))
}

fn unsafe_ones(pod: &PodAt<'_>, allow: &[String], ask: &Ask<'_>, report: &mut Report) {
    let sysctls = pod.spec.security_context.iter().flat_map(|context| context.sysctls.iter());
    for (position, sysctl) in sysctls.enumerate() {
        let name = &*sysctl.name;
        if !is_safe(name, ask.version) && !allow.iter().any(|allowed| allowed == name) {
            let place = pod.item("securityContext.sysctls", position, &format!("name={name}")).field("name");
            report.violation_of(place, name, format!("is {}", quoted(name)));
        }
    }
}

fn is_safe(name: &str, version: Version) -> bool {
    SAFE.iter().any(|(safe, since)| *safe == name && version.at_least(*since))
}
