//! Whole audit policies, those that people copy among them: what each lets pass unseen.

use crate::library::{refusal, told};

const CHECK: &str = "blind-audit-policy";

/// The smallest policy with nothing to find.
const SOUND: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  resources:
  - {group: '', resources: [secrets, configmaps, serviceaccounts/token]}
  - {group: authentication.k8s.io, resources: [tokenreviews]}
- {level: Request}
";

/// A policy with these rules before those of the sound one.
fn before_sound(rules: &str) -> String {
    SOUND.replace("rules:\n", &format!("rules:\n{rules}\n"))
}

/// What is found, without the request that shows it: `path level: what is needed`.
fn blind(text: &str) -> Vec<String> {
    told(CHECK, "", text).iter().map(|line| shortened(line)).collect()
}

fn shortened(line: &str) -> String {
    match (line.split_once(" for "), line.rsplit_once(": ")) {
        (Some((start, _)), Some((_, needed))) if line.contains('`') => format!("{start}: {needed}"),
        _ => line.to_owned(),
    }
}

#[test]
fn the_policy_that_the_detectors_need_has_nothing_to_find() {
    let recommended = r#"
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: ["RequestReceived"]
rules:
- {level: None, nonResourceURLs: ["/healthz*","/livez*","/readyz*"]}
- {level: None, users: ["system:kube-proxy","system:apiserver"], verbs: ["get","list","watch"]}
- {level: None, resources: [{group: coordination.k8s.io, resources: ["leases"]}], userGroups: ["system:nodes"]}
- {level: Metadata, resources: [{group: "", resources: ["secrets","configmaps","serviceaccounts/token"]},{group: authentication.k8s.io, resources: ["tokenreviews"]}]}
- {level: RequestResponse, resources: [{group: rbac.authorization.k8s.io},{group: admissionregistration.k8s.io},{group: certificates.k8s.io},{group: networking.k8s.io},{group: soc2gate.io}], verbs: ["create","update","patch","delete","deletecollection"]}
- {level: Metadata, resources: [{group: "", resources: ["pods/exec","pods/attach","pods/portforward","pods/proxy","services/proxy","nodes/proxy","pods/ephemeralcontainers"]}]}
- {level: Request, resources: [{group: "", resources: ["pods","namespaces","services"]},{group: apps},{group: batch}], verbs: ["create","update","patch","delete","deletecollection"]}
- {level: Metadata}
"#;
    assert_eq!(blind(recommended), Vec::<String>::new());
    assert_eq!(blind(SOUND), Vec::<String>::new());
}

#[test]
fn the_policy_of_the_gce_scripts_drops_events_and_knows_no_gate() {
    let known = [
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "extensions",
        "metrics.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    ]
    .map(|group| format!("{{group: '{group}'}}"))
    .join(", ");
    let gce = format!(
        "
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {{level: None, users: ['system:kube-proxy'], verbs: [watch], resources: [{{group: '', resources: [endpoints, services, services/status]}}]}}
- {{level: None, users: ['system:unsecured'], namespaces: [kube-system], verbs: [get], resources: [{{group: '', resources: [configmaps]}}]}}
- {{level: None, users: [kubelet], verbs: [get], resources: [{{group: '', resources: [nodes, nodes/status]}}]}}
- {{level: None, userGroups: ['system:nodes'], verbs: [get], resources: [{{group: '', resources: [nodes, nodes/status]}}]}}
- level: None
  users: ['system:kube-controller-manager', 'system:cloud-controller-manager', 'system:kube-scheduler', 'system:serviceaccount:kube-system:endpoint-controller']
  verbs: [get, update]
  namespaces: [kube-system]
  resources: [{{group: '', resources: [endpoints]}}]
- {{level: None, users: ['system:apiserver'], verbs: [get], resources: [{{group: '', resources: [namespaces, namespaces/status, namespaces/finalize]}}]}}
- {{level: None, users: [cluster-autoscaler], verbs: [get, update], namespaces: [kube-system], resources: [{{group: '', resources: [configmaps, endpoints]}}]}}
- {{level: None, users: ['system:kube-controller-manager', 'system:cloud-controller-manager'], verbs: [get, list], resources: [{{group: metrics.k8s.io}}]}}
- {{level: None, nonResourceURLs: ['/healthz*', /version, '/swagger*']}}
- {{level: None, resources: [{{group: '', resources: [events]}}]}}
- {{level: Request, users: [kubelet, 'system:node-problem-detector', 'system:serviceaccount:kube-system:node-problem-detector'], verbs: [update, patch], resources: [{{group: '', resources: [nodes/status, pods/status]}}], omitStages: [RequestReceived]}}
- {{level: Request, userGroups: ['system:nodes'], verbs: [update, patch], resources: [{{group: '', resources: [nodes/status, pods/status]}}], omitStages: [RequestReceived]}}
- {{level: Request, users: ['system:serviceaccount:kube-system:namespace-controller'], verbs: [deletecollection], omitStages: [RequestReceived]}}
- level: Metadata
  resources: [{{group: '', resources: [secrets, configmaps, serviceaccounts/token]}}, {{group: authentication.k8s.io, resources: [tokenreviews]}}]
  omitStages: [RequestReceived]
- {{level: Request, verbs: [get, list, watch], resources: [{known}], omitStages: [RequestReceived]}}
- {{level: RequestResponse, resources: [{known}], omitStages: [RequestReceived]}}
- {{level: Metadata, omitStages: [RequestReceived]}}
"
    );
    assert_eq!(
        blind(&gce),
        [
            "rules[9].level is None for requests that a person can make",
            "rules[16].level is Metadata: changes of policies and exemptions need at least Request",
        ]
    );
    // Without the old names of machines those two rules are about people.
    assert_eq!(told(CHECK, "{robots: []}", &gce).len(), 4);
}

#[test]
fn the_sample_of_the_documentation_copies_what_it_should_not_and_sees_too_little_of_access() {
    let sample = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: RequestResponse, resources: [{group: '', resources: [pods]}]}
- {level: Metadata, resources: [{group: '', resources: [pods/log, pods/status]}]}
- {level: None, resources: [{group: '', resources: [configmaps], resourceNames: [controller-leader]}]}
- {level: None, users: ['system:kube-proxy'], verbs: [watch], resources: [{group: '', resources: [endpoints, services]}]}
- {level: None, userGroups: ['system:authenticated'], nonResourceURLs: ['/api*', /version]}
- {level: Request, resources: [{group: '', resources: [configmaps]}], namespaces: [kube-system]}
- {level: Metadata, resources: [{group: '', resources: [secrets, configmaps]}]}
- {level: Request, resources: [{group: ''}, {group: extensions}]}
- {level: Metadata, omitStages: [RequestReceived]}
";
    assert_eq!(
        blind(sample),
        [
            "rules[2].level is None for requests that a person can make",
            "rules[4].level is None for requests that a person can make",
            "rules[2].level is None: requests for ConfigMaps need exactly Metadata",
            "rules[5].level is Request: requests for ConfigMaps need exactly Metadata",
            "rules[7].level is Request: requests for tokens of service accounts need exactly Metadata",
            "rules[8].level is Metadata: changes of roles and bindings need at least Request",
            "rules[8].level is Metadata: changes of admission control need at least Request",
            "rules[8].level is Metadata: requests for certificates need at least Request",
            "rules[8].level is Metadata: changes of policies and exemptions need at least Request",
        ]
    );
}

#[test]
fn one_rule_too_many_before_sound_ones_hides_what_it_matches() {
    for (rule, expected) in [
        // A failed login is nobody's: rules about users do not see it, all others do.
        ("- {level: None, verbs: [list]}", "failed authentications need at least Metadata"),
        (
            "- {level: None, resources: [{group: ''}]}",
            "ways into containers and nodes need at least Metadata",
        ),
        (
            "- {level: None, resources: [{group: '', resources: [pods/exec]}], verbs: [get]}",
            "ways into containers and nodes need at least Metadata",
        ),
        (
            "- {level: Metadata, resources: [{group: rbac.authorization.k8s.io, resources: [clusterroles]}], verbs: [patch]}",
            "changes of roles and bindings need at least Request",
        ),
        (
            "- {level: Metadata, userGroups: ['system:masters']}",
            "changes of admission control need at least Request",
        ),
        (
            "- {level: Metadata, users: ['system:serviceaccount:shop:web']}",
            "changes of roles and bindings need at least Request",
        ),
        ("- {level: RequestResponse, namespaces: [prod]}", "requests for Secrets need exactly Metadata"),
        (
            "- {level: Request, resources: [{group: '', resources: [secrets], resourceNames: [root]}]}",
            "requests for Secrets need exactly Metadata",
        ),
        (
            "- {level: Request, resources: [{group: authentication.k8s.io}]}",
            "reviews of tokens need exactly Metadata",
        ),
        (
            "- {level: None, resources: [{group: '', resources: [pods/ephemeralcontainers]}]}",
            "debug containers need at least Metadata",
        ),
        (
            "- {level: None, resources: [{group: batch}]}",
            "changes of workloads, Services and namespaces need at least Metadata",
        ),
        (
            "- {level: None, users: ['system:anonymous']}",
            "requests that no other rule names need at least Metadata",
        ),
    ] {
        let found = told(CHECK, "", &before_sound(rule));
        assert!(
            found.iter().any(|line| line.starts_with("rules[0]") && line.ends_with(expected)),
            "{rule}: {found:?}"
        );
    }
}

#[test]
fn a_rule_that_no_person_can_match_hides_nothing() {
    for rule in [
        "- {level: None, users: ['system:kube-scheduler']}",
        "- {level: None, userGroups: ['system:nodes', 'system:bootstrappers:kubeadm']}",
        "- {level: None, users: [kubelet], userGroups: ['system:authenticated']}",
        "- {level: None, nonResourceURLs: ['/healthz*', /livez, '/openapi/*', /version]}",
        // Whatever stands behind a rule for everything is never asked.
        "- {level: Request, resources: [{group: x}]}",
    ] {
        assert_eq!(told(CHECK, "", &before_sound(rule)), Vec::<String>::new(), "{rule}");
    }
    let behind = format!("{SOUND}- {{level: None, users: [ann]}}\n");
    assert_eq!(told(CHECK, "", &behind), Vec::<String>::new());
}

#[test]
fn a_rule_that_drops_what_a_person_asks_is_found_even_where_no_probe_goes() {
    for rule in [
        "- {level: None, users: [ann]}",
        "- {level: None, users: ['system:kube-proxy', ann]}",
        "- {level: None, userGroups: [developers]}",
        "- {level: None, userGroups: ['system:unauthenticated']}",
        "- {level: None, nonResourceURLs: [/metrics]}",
        "- {level: None, nonResourceURLs: ['/healthz*', '*']}",
        "- {level: None, resources: [{group: '', resources: [events]}]}",
    ] {
        let found = told(CHECK, "", &before_sound(rule));
        assert!(
            found.contains(&"rules[0].level is None for requests that a person can make".to_owned()),
            "{rule}: {found:?}"
        );
    }
    let robots = before_sound("- {level: None, users: [scraper]}");
    assert_eq!(told(CHECK, "{robots: [scraper]}", &robots), Vec::<String>::new());
    assert!(refusal(CHECK, "{robots: ['ci-*']}").contains("`robots`"));
    refusal(CHECK, "{people: [ann]}");
}

#[test]
fn without_a_catch_all_the_rest_is_not_recorded() {
    let open =
        SOUND.replace("- {level: Request}", "- {level: Request, resources: [{group: ''}, {group: apps}]}");
    let found = blind(&open);
    assert!(
        found.contains(
            &"rules have none: requests that no other rule names need at least Metadata".to_owned()
        ),
        "{found:?}"
    );
    assert!(
        found.contains(&"rules have none: changes of roles and bindings need at least Request".to_owned()),
        "{found:?}"
    );
    for rules in ["[]", "null", "[{level: None}]"] {
        let empty = format!("{{apiVersion: audit.k8s.io/v1, kind: Policy, rules: {rules}}}");
        assert_eq!(told(CHECK, "", &empty).len(), 13, "{rules}");
    }
}

#[test]
fn a_stage_that_carries_the_answer_must_not_be_left_out() {
    let global = |stage: &str| blind(&SOUND.replace("[RequestReceived]", &format!("[{stage}]")));
    let started = global("ResponseStarted");
    assert!(
        started.contains(&"rules[1] leaves out ResponseStarted: failed authentications need it".to_owned()),
        "{started:?}"
    );
    assert!(
        started.contains(
            &"rules[1] leaves out ResponseStarted: ways into containers and nodes need it".to_owned()
        )
    );
    assert!(!started.iter().any(|line| line.contains("requests for Secrets")));
    let complete = global("ResponseComplete");
    assert!(
        complete.contains(&"rules[0] leaves out ResponseComplete: requests for Secrets need it".to_owned()),
        "{complete:?}"
    );
    assert!(global("Panic").is_empty());
    let of_rule = before_sound(
        "- {level: Metadata, resources: [{group: '', resources: [secrets]}], omitStages: [ResponseComplete]}",
    );
    assert_eq!(blind(&of_rule), ["rules[0] leaves out ResponseComplete: requests for Secrets need it"]);
}

#[test]
fn a_level_that_does_not_exist_is_found_and_a_policy_that_does_not_decode_is_not_judged() {
    let misspelt = SOUND.replace("level: Request}", "level: request}");
    assert_eq!(told(CHECK, "", &misspelt), ["rules[1].level is `request`, which is no level of auditing"]);
    let missing = SOUND.replace("- {level: Request}", "- {}");
    assert_eq!(told(CHECK, "", &missing), ["rules[1].level is empty, which is no level of auditing"]);
    let broken = "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: {level: Metadata}}";
    assert_eq!(told(CHECK, "", broken), ["? the file is no Policy that an API server takes"]);
    // Another group's Policy is another thing.
    assert!(told(CHECK, "", "{apiVersion: example.com/v1, kind: Policy, rules: []}").is_empty());
}

#[test]
fn the_finding_names_the_request_that_shows_it() {
    let rule = "- {level: None, resources: [{group: '', resources: [pods/exec]}], users: [ann], verbs: [create], namespaces: [prod]}";
    let found = told(CHECK, "", &before_sound(rule));
    assert_eq!(
        found[1],
        "rules[0].level is None for `create pods/exec in prod` by ann: ways into containers and nodes need at least Metadata"
    );
}
