//! The seven controls that the level restricted adds.

use super::{ALL, NEWEST, judged, never, pod, secured};

#[test]
fn volume_types_are_an_allow_list_and_unknown_ones_are_not_on_it() {
    for listed in [
        "configMap: {}",
        "csi: {}",
        "downwardAPI: {}",
        "emptyDir: {}",
        "ephemeral: {}",
        "image: {}",
        "persistentVolumeClaim: {}",
        "projected: {}",
        "secret: {}",
        "hostPath: {}",
        "emptyDir: null",
        "nfs: null",
    ] {
        never("unlisted-volume-type", &pod(&format!("volumes: [{{name: v, {listed}}}]")));
    }
    never("unlisted-volume-type", &pod("volumes: [{name: v}]"));
    for unlisted in ["nfs", "gitRepo", "iscsi", "rbd", "awsElasticBlockStore", "madeUpTomorrow", "EmptyDir"] {
        let said =
            format!("spec.volumes[0].{unlisted} is set, a volume type that the standard does not list");
        let spec = format!("volumes: [{{name: v, {unlisted}: {{}}}}]");
        judged("unlisted-volume-type", ALL, &pod(&spec), &[&said]);
    }
}

#[test]
fn escalation_must_be_denied_by_every_container_but_on_windows_from_1_25_on() {
    let path = "spec.containers[0].securityContext.allowPrivilegeEscalation";
    let (is_true, is_unset) = (format!("{path} is true"), format!("{path} is not set, which allows it"));
    judged("privilege-escalation", 8..=NEWEST, &secured("{allowPrivilegeEscalation: true}"), &[&is_true]);
    for context in ["{allowPrivilegeEscalation: null}", "{}", "null"] {
        judged("privilege-escalation", 8..=NEWEST, &secured(context), &[&is_unset]);
    }
    never("privilege-escalation", &secured("{allowPrivilegeEscalation: false}"));
    let windows = pod("os: {name: windows}, containers: [{name: a}]");
    judged("privilege-escalation", 8..=24, &windows, &[&is_unset]);
    for os in ["{name: linux}", "{name: Windows}", "{}", "null"] {
        let spec = pod(&format!("os: {os}, containers: [{{name: a}}]"));
        judged("privilege-escalation", 8..=NEWEST, &spec, &[&is_unset]);
    }
}

#[test]
fn non_root_is_said_by_the_pod_or_by_every_container_and_contradicted_by_nobody() {
    let of_pod = "spec.securityContext.runAsNonRoot is false";
    let is_false = "spec.containers[0].securityContext.runAsNonRoot is false";
    let is_unset = "spec.containers[0].securityContext.runAsNonRoot is not set, and not true for the pod";
    let spec = |of_pod: &str, of_container: &str| {
        let context = |value: &str| format!("securityContext: {{runAsNonRoot: {value}}}");
        pod(&format!("{}, containers: [{{name: a, {}}}]", context(of_pod), context(of_container)))
    };
    for (of_pod_is, own, said) in [
        ("true", "true", vec![]),
        ("true", "null", vec![]),
        ("true", "false", vec![is_false]),
        ("null", "true", vec![]),
        ("null", "null", vec![is_unset]),
        ("null", "false", vec![is_false]),
        ("false", "true", vec![of_pod]),
        ("false", "null", vec![of_pod, is_unset]),
        ("false", "false", vec![of_pod, is_false]),
    ] {
        judged("possible-root-user", ALL, &spec(of_pod_is, own), &said);
    }
    let windows = pod("os: {name: windows}, containers: [{name: a}]");
    judged("possible-root-user", ALL, &windows, &[is_unset]);
    judged("possible-root-user", 0..=34, &pod("hostUsers: false, containers: [{name: a}]"), &[is_unset]);
    judged("possible-root-user", ALL, &pod("hostUsers: true, containers: [{name: a}]"), &[is_unset]);
}

#[test]
fn user_0_is_root_wherever_it_is_written() {
    let of_pod = "spec.securityContext.runAsUser is 0";
    let own = "spec.containers[0].securityContext.runAsUser is 0";
    let overridden =
        pod("securityContext: {runAsUser: 0}, containers: [{name: a, securityContext: {runAsUser: 1}}]");
    judged("root-user", 23..=NEWEST, &overridden, &[of_pod]);
    judged("root-user", 23..=NEWEST, &secured("{runAsUser: 0}"), &[own]);
    judged("root-user", 23..=NEWEST, &secured("{runAsUser: 0.0}"), &[own]);
    let windows = pod("os: {name: windows}, securityContext: {runAsUser: 0}");
    judged("root-user", 23..=NEWEST, &windows, &[of_pod]);
    judged("root-user", 23..=34, &pod("hostUsers: false, securityContext: {runAsUser: 0}"), &[of_pod]);
    for context in ["{runAsUser: 1}", "{runAsUser: null}", "{}", "null"] {
        never("root-user", &secured(context));
    }
}

#[test]
fn every_container_has_a_seccomp_profile_of_its_own_or_of_the_pod() {
    let unset = "spec.containers[0].securityContext.seccompProfile is not set, here or for the pod";
    for of_pod in ["null", "{type: Unconfined}", "{type: ''}"] {
        let spec = pod(&format!("securityContext: {{seccompProfile: {of_pod}}}, containers: [{{name: a}}]"));
        judged("missing-seccomp-profile", 19..=NEWEST, &spec, &[unset]);
    }
    for of_pod in ["{type: RuntimeDefault}", "{type: Localhost}"] {
        never(
            "missing-seccomp-profile",
            &pod(&format!("securityContext: {{seccompProfile: {of_pod}}}, containers: [{{name: a}}]")),
        );
    }
    for own in ["{type: RuntimeDefault}", "{type: Unconfined}"] {
        never("missing-seccomp-profile", &secured(&format!("{{seccompProfile: {own}}}")));
    }
    let windows = pod("os: {name: windows}, containers: [{name: a}]");
    judged("missing-seccomp-profile", 19..=24, &windows, &[unset]);
}

#[test]
fn all_capabilities_are_dropped_by_the_word_all_and_nothing_else() {
    let undropped = "spec.containers[0].securityContext.capabilities.drop does not hold `ALL`";
    for context in [
        "null",
        "{}",
        "{capabilities: null}",
        "{capabilities: {drop: []}}",
        "{capabilities: {drop: [all]}}",
        "{capabilities: {drop: [CAP_ALL]}}",
        "{capabilities: {drop: [NET_RAW, CHOWN]}}",
        // Foreign ones are what `added-capability` reports.
        "{capabilities: {add: [NET_ADMIN]}}",
    ] {
        judged("undropped-capability", 22..=NEWEST, &secured(context), &[undropped]);
    }
    for add in ["[]", "null", "[NET_BIND_SERVICE]", "[NET_ADMIN, ALL, chown]"] {
        never("undropped-capability", &secured(&format!("{{capabilities: {{drop: [X, ALL], add: {add}}}}}")));
    }
    let added = "spec.containers[0].securityContext.capabilities.add[1] is `CHOWN`";
    let context = "{capabilities: {drop: [ALL], add: [NET_BIND_SERVICE, CHOWN]}}";
    judged("undropped-capability", 22..=NEWEST, &secured(context), &[added]);
    let windows = pod("os: {name: windows}, containers: [{name: a}]");
    judged("undropped-capability", 22..=24, &windows, &[undropped]);
}
