//! The standard to its letter, and the Kubernetes project's own pods, where somebody has them.

use std::{io::Write, path::Path};

use soc2gate::{
    check::{Level, Version},
    decision::Outcome,
    policy::{Choice, Loaded, PolicySet, Settings},
};

use super::{ALL, never, pod};
use crate::library;

fn standard(level: Level, version: Version) -> PolicySet {
    let settings = Settings { version, ..Settings::default() };
    Loaded::shipped().unwrap().bind(&settings).unwrap().select(&[Choice::Standard(level)], &settings)
}

#[test]
fn to_the_letter_of_the_standard_our_own_refinements_are_off() {
    let manifest =
        pod("hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80, hostPort: 80}]}]");
    let decision = library::decide_manifest(&standard(Level::Baseline, Version::NEWEST), &manifest);
    assert_eq!(
        library::found(&decision),
        [
            "new host-namespace hostNetwork",
            "new host-port containers[name=a].ports[hostPort=80/TCP].hostPort",
        ]
    );
    never("host-port", &manifest);
}

/// What the fixtures call the controls, and the checks that are their parts.
const CONTROLS: [(&str, &str); 24] = [
    ("privileged", "privileged-container"),
    ("hostnamespaces", "host-namespace"),
    ("capabilities_baseline", "added-capability"),
    ("hostpathvolumes", "host-path-volume"),
    ("hostports", "host-port"),
    ("hostprobesandhostlifecycle", "probe-host-override"),
    ("apparmorprofile", "unconfined-apparmor"),
    ("selinuxoptions", "custom-selinux-option"),
    ("procmount", "unmasked-proc-mount"),
    ("seccompprofile_baseline", "unconfined-seccomp"),
    ("sysctls", "unsafe-sysctl"),
    ("windowshostprocess", "windows-host-process"),
    ("restrictedvolumes", "unlisted-volume-type"),
    ("restrictedvolumes", "host-path-volume"),
    ("allowprivilegeescalation", "privilege-escalation"),
    ("runasnonroot", "possible-root-user"),
    ("runasuser", "root-user"),
    ("seccompprofile_restricted", "missing-seccomp-profile"),
    ("seccompprofile_restricted", "unconfined-seccomp"),
    ("capabilities_restricted", "undropped-capability"),
    ("capabilities_restricted", "added-capability"),
    ("procmount", "unmasked-proc-in-user-namespace"),
    ("procmount_restricted", "unmasked-proc-in-user-namespace"),
    ("procmount_restricted", "unmasked-proc-mount"),
];

#[test]
fn agrees_with_the_fixtures_of_the_kubernetes_project() {
    // github.com/kubernetes/pod-security-admission, test/testdata: 4,537 pods for levels and versions.
    let Some(root) = std::env::var_os("SOC2GATE_PSA_FIXTURES") else {
        // Past the test harness, which would keep it to itself.
        let words = "NOT RUN: Kubernetes' own fixtures. Set SOC2GATE_PSA_FIXTURES to the directory test/testdata \
                     of kubernetes/pod-security-admission.";
        let _ = writeln!(std::io::stderr(), "{words}");
        return;
    };
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    let mut disagreements = Vec::new();
    for level in [Level::Baseline, Level::Restricted] {
        for minor in ALL {
            let policies = standard(level, Version::minor(minor));
            for (word, outcome) in [("pass", Outcome::Allow), ("fail", Outcome::Deny)] {
                let directory = Path::new(&root).join(level.id()).join(format!("v1.{minor}")).join(word);
                let Ok(entries) = std::fs::read_dir(&directory) else { continue };
                for entry in entries {
                    let path = entry.unwrap().path();
                    let decision =
                        library::decide_manifest(&policies, &std::fs::read_to_string(&path).unwrap());
                    *counts.entry(format!("{} {word}", level.id())).or_default() += 1;
                    let control =
                        path.file_stem().unwrap().to_str().unwrap().trim_end_matches(char::is_numeric);
                    let is_named = |id: &str| CONTROLS.contains(&(control, id));
                    // A pod that fails must fail by the control that the file is named after.
                    let named =
                        word == "pass" || decision.findings.iter().any(|found| is_named(found.check.id));
                    if decision.outcome != outcome || !named {
                        disagreements.push(format!("{}: {:?}", path.display(), library::found(&decision)));
                    }
                }
            }
        }
    }
    println!("{counts:?}");
    assert_eq!(disagreements, Vec::<String>::new());
    assert_eq!(counts.values().sum::<usize>(), 4537, "{counts:?}");
}
