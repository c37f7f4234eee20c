//! The twelve controls of the level baseline.

use super::{ALL, NEWEST, annotated, container, judged, never, pod, secured};

#[test]
fn privileged_is_only_true_when_it_says_true() {
    let path = "spec.containers[0].securityContext.privileged is true";
    judged("privileged-container", ALL, &secured("{privileged: true}"), &[path]);
    for context in ["{privileged: false}", "{privileged: null}", "{}", "null"] {
        never("privileged-container", &secured(context));
    }
}

#[test]
fn each_shared_namespace_of_the_node_is_a_violation_of_its_own() {
    let all = ["spec.hostPID is true", "spec.hostIPC is true", "spec.hostNetwork is true"];
    judged("host-namespace", ALL, &pod("hostPID: true, hostIPC: true, hostNetwork: true"), &all);
    never("host-namespace", &pod("hostPID: false, hostIPC: null"));
}

#[test]
fn a_capability_is_on_the_list_only_if_it_is_spelled_like_it() {
    let standard = "[AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, MKNOD, NET_BIND_SERVICE, SETFCAP, \
                    SETGID, SETPCAP, SETUID, SYS_CHROOT]";
    never("added-capability", &secured(&format!("{{capabilities: {{add: {standard}}}}}")));
    never("added-capability", &secured("{capabilities: {add: null}}"));
    never("added-capability", &secured("{capabilities: null}"));
    let at = |position: usize, value: &str| {
        format!("spec.containers[0].securityContext.capabilities.add[{position}] is {value}")
    };
    let said = [at(0, "`CAP_CHOWN`"), at(1, "`chown`"), at(2, "`ALL`"), at(3, "`NET_RAW`"), at(4, "empty")];
    let bad = secured("{capabilities: {add: [CAP_CHOWN, chown, ALL, NET_RAW, '', KILL]}}");
    judged("added-capability", ALL, &bad, &said.each_ref().map(String::as_str));
}

#[test]
fn a_host_path_counts_mounted_or_not_and_even_when_empty() {
    let volumes = pod("volumes: [{name: a, hostPath: {path: /srv}}, {name: b, hostPath: {}}, \
                       {name: c, hostPath: null}, {name: d, emptyDir: {}}]");
    let said = [
        "spec.volumes[0].hostPath opens `/srv` of the node",
        "spec.volumes[1].hostPath opens files of the node",
    ];
    judged("host-path-volume", ALL, &volumes, &said);
}

#[test]
fn a_host_port_of_zero_is_none() {
    let ports = container("ports: [{hostPort: 0}, {hostPort: null}, {containerPort: 80}, {hostPort: 80}]");
    judged("host-port", ALL, &ports, &["spec.containers[0].ports[3].hostPort is 80"]);
}

#[test]
fn no_probe_and_no_hook_chooses_its_host_from_1_34_on() {
    let part = "{httpGet: {host: 127.0.0.1}, tcpSocket: {host: db}}";
    for (fields, path) in [
        (format!("livenessProbe: {part}"), "livenessProbe"),
        (format!("readinessProbe: {part}"), "readinessProbe"),
        (format!("startupProbe: {part}"), "startupProbe"),
        (format!("lifecycle: {{postStart: {part}}}"), "lifecycle.postStart"),
        (format!("lifecycle: {{preStop: {part}}}"), "lifecycle.preStop"),
    ] {
        let said = [
            format!("spec.containers[0].{path}.httpGet.host is `127.0.0.1`"),
            format!("spec.containers[0].{path}.tcpSocket.host is `db`"),
        ];
        judged("probe-host-override", 34..=NEWEST, &container(&fields), &said.each_ref().map(String::as_str));
    }
    for probe in ["{httpGet: {host: ''}}", "{tcpSocket: {host: null}}", "{grpc: {port: 1}}", "{exec: {}}"] {
        never("probe-host-override", &container(&format!("livenessProbe: {probe}")));
    }
}

#[test]
fn apparmor_is_confined_in_fields_and_annotations_of_all_versions() {
    for (value, said) in
        [("Unconfined", "`Unconfined`"), ("''", "empty"), ("runtimedefault", "`runtimedefault`")]
    {
        let of_container = format!("spec.containers[0].securityContext.appArmorProfile.type is {said}");
        let profile = format!("{{appArmorProfile: {{type: {value}}}}}");
        judged("unconfined-apparmor", ALL, &secured(&profile), &[&of_container]);
        let of_pod = format!("spec.securityContext.appArmorProfile.type is {said}");
        judged("unconfined-apparmor", ALL, &pod(&format!("securityContext: {profile}")), &[&of_pod]);
    }
    let empty = "spec.containers[0].securityContext.appArmorProfile.type is empty";
    judged("unconfined-apparmor", ALL, &secured("{appArmorProfile: {}}"), &[empty]);
    for profile in ["{type: RuntimeDefault}", "{type: Localhost, localhostProfile: x}", "null"] {
        never("unconfined-apparmor", &secured(&format!("{{appArmorProfile: {profile}}}")));
    }
    let prefix = "container.apparmor.security.beta.kubernetes.io/";
    for name in ["a", "nobody", ""] {
        let said = format!("metadata.annotations[{prefix}{name}] is `unconfined`");
        judged("unconfined-apparmor", ALL, &annotated(&format!("'{prefix}{name}': unconfined")), &[&said]);
    }
    for value in ["runtime/default", "localhost/x", "localhost/", "''", "null"] {
        never("unconfined-apparmor", &annotated(&format!("'{prefix}a': {value}")));
    }
    never("unconfined-apparmor", &annotated("apparmor.security.beta.kubernetes.io/a: unconfined"));
}

#[test]
fn selinux_types_of_containers_pass_and_users_and_roles_do_not() {
    let context = |options: &str| format!("{{seLinuxOptions: {options}}}");
    for kind in ["''", "null", "container_t", "container_init_t", "container_kvm_t"] {
        never("custom-selinux-option", &secured(&context(&format!("{{type: {kind}}}"))));
    }
    never("custom-selinux-option", &secured(&context("{level: 's0:c1,c2', user: '', role: null}")));
    let bad = context("{type: spc_t, user: root, role: sysadm_r}");
    let said = |at: &str| {
        ["type is `spc_t`", "user is `root`", "role is `sysadm_r`"]
            .map(|end| format!("{at}securityContext.seLinuxOptions.{end}"))
    };
    let of_container = said("spec.containers[0].");
    judged("custom-selinux-option", ALL, &secured(&bad), &of_container.each_ref().map(String::as_str));
    let of_pod = said("spec.");
    let bad = pod(&format!("securityContext: {bad}"));
    judged("custom-selinux-option", ALL, &bad, &of_pod.each_ref().map(String::as_str));
    let engine = "spec.containers[0].securityContext.seLinuxOptions.type is `container_engine_t`";
    judged("custom-selinux-option", 0..=30, &secured(&context("{type: container_engine_t}")), &[engine]);
}

#[test]
fn proc_is_masked_but_for_user_namespaces_from_1_35_on() {
    for (value, said) in [("Unmasked", "`Unmasked`"), ("''", "empty"), ("default", "`default`")] {
        let said = format!("spec.containers[0].securityContext.procMount is {said}");
        let containers = format!("containers: [{{name: a, securityContext: {{procMount: {value}}}}}]");
        judged("unmasked-proc-mount", ALL, &pod(&containers), &[&said]);
        judged("unmasked-proc-mount", ALL, &pod(&format!("hostUsers: true, {containers}")), &[&said]);
        judged("unmasked-proc-mount", ALL, &pod(&format!("hostUsers: null, {containers}")), &[&said]);
        judged("unmasked-proc-mount", 0..=34, &pod(&format!("hostUsers: false, {containers}")), &[&said]);
        let twin = "unmasked-proc-in-user-namespace";
        judged(twin, 35..=NEWEST, &pod(&format!("hostUsers: false, {containers}")), &[&said]);
        never(twin, &pod(&containers));
        never(twin, &pod(&format!("hostUsers: true, {containers}")));
    }
    for value in ["Default", "null"] {
        never("unmasked-proc-mount", &secured(&format!("{{procMount: {value}}}")));
        let spec =
            format!("hostUsers: false, containers: [{{name: a, securityContext: {{procMount: {value}}}}}]");
        never("unmasked-proc-in-user-namespace", &pod(&spec));
    }
}

#[test]
fn seccomp_is_read_from_fields_from_1_19_on() {
    for (value, said) in [
        ("Unconfined", "`Unconfined`"),
        ("''", "empty"),
        ("null", "empty"),
        ("runtime/default", "`runtime/default`"),
    ] {
        let profile = format!("{{seccompProfile: {{type: {value}}}}}");
        let of_container = format!("spec.containers[0].securityContext.seccompProfile.type is {said}");
        judged("unconfined-seccomp", 19..=NEWEST, &secured(&profile), &[&of_container]);
        let of_pod = format!("spec.securityContext.seccompProfile.type is {said}");
        judged("unconfined-seccomp", 19..=NEWEST, &pod(&format!("securityContext: {profile}")), &[&of_pod]);
    }
    for profile in ["{type: RuntimeDefault}", "{type: Localhost}", "null"] {
        never("unconfined-seccomp", &secured(&format!("{{seccompProfile: {profile}}}")));
    }
}

#[test]
fn seccomp_is_read_from_annotations_before_1_19() {
    let of_pod = "seccomp.security.alpha.kubernetes.io/pod";
    let of_container = "container.seccomp.security.alpha.kubernetes.io/a";
    for key in [of_pod, of_container] {
        for (value, said) in [
            ("unconfined", "`unconfined`"),
            ("''", "empty"),
            ("null", "empty"),
            ("RuntimeDefault", "`RuntimeDefault`"),
        ] {
            let said = format!("metadata.annotations[{key}] is {said}");
            judged("unconfined-seccomp", 0..=18, &annotated(&format!("{key}: {value}")), &[&said]);
        }
        for value in ["runtime/default", "docker/default", "localhost/x"] {
            never("unconfined-seccomp", &annotated(&format!("{key}: {value}")));
        }
    }
    never("unconfined-seccomp", &annotated("container.seccomp.security.alpha.kubernetes.io/b: unconfined"));
    let init = "{apiVersion: v1, kind: Pod, metadata: {annotations: \
                {container.seccomp.security.alpha.kubernetes.io/i: unconfined}}, spec: {initContainers: [{name: i}]}}";
    let said = "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/i] is `unconfined`";
    judged("unconfined-seccomp", 0..=18, init, &[said]);
}

#[test]
fn each_kernel_parameter_is_safe_from_its_version_on() {
    let first_safe = [
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
    let sysctl = |name: &str| pod(&format!("securityContext: {{sysctls: [{{name: {name}, value: '1'}}]}}"));
    for (name, version) in first_safe {
        let said = format!("spec.securityContext.sysctls[0].name is `{name}`");
        match u16::checked_sub(version, 1) {
            None => never("unsafe-sysctl", &sysctl(name)),
            Some(last) => judged("unsafe-sysctl", 0..=last, &sysctl(name), &[&said]),
        }
    }
    for name in ["kernel.msgmax", "kernel/shm_rmid_forced", "KERNEL.SHM_RMID_FORCED", "net.ipv4.tcp_wmemory"]
    {
        let said = format!("spec.securityContext.sysctls[0].name is `{name}`");
        judged("unsafe-sysctl", ALL, &sysctl(name), &[&said]);
    }
    judged("unsafe-sysctl", ALL, &sysctl("''"), &["spec.securityContext.sysctls[0].name is empty"]);
    never("unsafe-sysctl", &pod("securityContext: {sysctls: null}"));
}

#[test]
fn host_processes_are_refused_whatever_system_the_pod_names() {
    let context = "securityContext: {windowsOptions: {hostProcess: true}}";
    for os in ["", "os: {name: windows}, ", "os: {name: linux}, "] {
        let said = "spec.securityContext.windowsOptions.hostProcess is true";
        judged("windows-host-process", ALL, &pod(&format!("{os}{context}")), &[said]);
        let said = "spec.initContainers[0].securityContext.windowsOptions.hostProcess is true";
        let spec = format!("{os}initContainers: [{{name: a, {context}}}]");
        judged("windows-host-process", ALL, &pod(&spec), &[said]);
    }
    for options in ["{hostProcess: false}", "{hostProcess: null}", "{}", "null"] {
        never("windows-host-process", &secured(&format!("{{windowsOptions: {options}}}")));
    }
}
