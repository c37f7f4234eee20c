//! Exemptions: whom they cover, until when, and which are refused.

use soc2gate::{decision::Outcome, policy::PolicySet};

use super::{PRIVILEGED, pod, policy, privileged};
use crate::library::{self, Sent, at, found};

const NOW: &str = "2027-01-15T12:00:00Z";

/// An exemption from `privileged-container`; `instead` replaces lines of its spec by their first word.
fn exemption(name: &str, subject: &str, instead: &[(&str, &str)]) -> String {
    let mut lines = vec![
        ("check", "privileged-container"),
        ("subject", subject),
        ("reason", "The node agent reads kernel events."),
        ("ticket", "SEC-1"),
        ("requestedBy", "ann@example.com"),
        ("approvedBy", "bob@example.com"),
        ("expires", "2027-02-01"),
    ];
    for (field, value) in instead {
        lines.retain(|(other, _)| other != field);
        lines.push((field, value));
    }
    let spec: String = lines.iter().map(|(field, value)| format!("  {field}: {value}\n")).collect();
    format!("apiVersion: soc2gate.io/v1\nkind: Exemption\nmetadata: {{name: {name}}}\nspec:\n{spec}")
}

/// Policies that deny privileged containers, with these exemptions.
fn with(exemptions: &[String]) -> PolicySet {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let names: Vec<_> = (0..exemptions.len()).map(|number| format!("e{number}.yaml")).collect();
    let files = names.iter().map(String::as_str).zip(exemptions.iter().map(String::as_str));
    let read = policies.read_exemptions(files, at(NOW)).unwrap();
    policies.with_exemptions(read)
}

fn covering(subject: &str) -> PolicySet {
    with(&[exemption("e", subject, &[])])
}

/// The refusal of an exemption file.
fn refusal(text: &str) -> String {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let refused = policies.read_exemptions([("e.yaml", text)], at(NOW));
    refused.map(|_| ()).unwrap_err().iter().map(ToString::to_string).collect()
}

fn admits(policies: &PolicySet, manifest: &str) -> bool {
    Sent::create(manifest).decide(policies).outcome.admits()
}

#[test]
fn an_exempted_violation_is_admitted_without_warning_and_still_recorded() {
    let decision = Sent::create(&privileged("app")).decide(&covering("{namespace: shop}"));
    assert_eq!(decision.outcome, Outcome::Allow);
    assert_eq!(
        found(&decision),
        ["exempted privileged-container containers[name=app].securityContext.privileged"]
    );
}

#[test]
fn an_exemption_holds_to_the_second() {
    let decide =
        |policies: &PolicySet, now: &str| Sent::create(&privileged("app")).at(now).decide(policies).outcome;
    let day = covering("{namespace: shop}");
    assert_eq!(decide(&day, "2027-02-01T23:59:59Z"), Outcome::Allow);
    assert_eq!(decide(&day, "2027-02-02T00:00:00Z"), Outcome::Deny);
    let time = with(&[exemption("e", "{namespace: shop}", &[("expires", "2027-01-16T08:30:00+02:00")])]);
    assert_eq!(decide(&time, "2027-01-16T06:29:59Z"), Outcome::Allow);
    assert_eq!(decide(&time, "2027-01-16T06:30:00Z"), Outcome::Deny);
    let later = with(&[exemption("e", "{namespace: shop}", &[("starts", "2027-01-20")])]);
    assert_eq!(decide(&later, "2027-01-19T23:59:59Z"), Outcome::Deny);
    assert_eq!(decide(&later, "2027-01-20T00:00:00Z"), Outcome::Allow);
}

#[test]
fn empty_list_in_exclusion_an_exemption_without_a_subject_is_refused() {
    let words = "e.yaml:5:3: is empty and would cover nothing: name a subject";
    let empty = exemption("e", "{}", &[])
        .replace("check: privileged-container\n  subject: {}", "subject: {}\n  check: privileged-container");
    assert_eq!(refusal(&empty), words);
    assert!(refusal(&exemption("e", "", &[])).contains("expected a map, found nothing"));
    for subject in [
        "{namespace: ''}",
        "{name: '*'}",
        "{namespace: 'team-*'}",
        "{name: 'a*b'}",
        "{kind: '*'}",
        "{image: '*'}",
    ] {
        assert!(refusal(&exemption("e", subject, &[])).contains("write it in full"), "{subject}");
    }
}

#[test]
fn an_exemption_takes_two_people_a_reason_a_ticket_and_an_end() {
    let text = |field: &str, value: &str| exemption("e", "{namespace: shop}", &[(field, value)]);
    assert!(refusal(&text("approvedBy", "ann@example.com")).contains("somebody else must approve"));
    assert!(refusal(&text("approvedBy", "' Ann@Example.com'")).contains("somebody else must approve"));
    for field in ["reason", "ticket", "requestedBy", "approvedBy"] {
        assert!(refusal(&text(field, "' '")).contains("is empty"), "{field}");
    }
    assert!(refusal(&text("expires", "someday")).contains("is no date"));
    assert!(refusal(&text("starts", "2027-02-02")).contains("is not after spec.starts"));
    assert!(refusal(&text("check", "no-such-check")).contains("no policy has a check `no-such-check`"));
    let endless = exemption("e", "{namespace: shop}", &[]).replace("  expires: 2027-02-01\n", "");
    assert!(refusal(&endless).contains("field `expires` is missing"));
    assert!(refusal(&text("colour", "red")).contains("unknown field `colour`"));
}

#[test]
fn an_exemption_lasts_no_longer_than_the_policy_allows() {
    let text = |starts: &str, expires: &str| {
        exemption("e", "{namespace: shop}", &[("starts", starts), ("expires", expires)])
    };
    assert!(refusal(&text("null", "2027-04-17")).contains("longer than the 90 days"));
    with(&[text("null", "2027-04-15")]);
    assert!(
        refusal(&text("2026-06-01", "2027-03-01")).contains("longer than the 90 days"),
        "from its beginning"
    );
    with(&[text("2027-06-01", "2027-08-01")]);
}

#[test]
fn generate_name_is_covered_by_a_prefix_and_never_by_an_exact_name() {
    let generated = privileged("app").replace("name: web,", "generateName: web-,");
    assert!(!admits(&covering("{name: web-}"), &generated));
    assert!(!admits(&covering("{name: web}"), &generated));
    assert!(!admits(&covering("{name: 'web-x*'}"), &generated));
    assert!(admits(&covering("{name: 'web-*'}"), &generated));
    assert!(admits(&covering("{name: 'we*'}"), &generated));
    let nameless = privileged("app").replace("name: web,", "");
    assert!(!admits(&covering("{name: 'web-*'}"), &nameless));
}

#[test]
fn a_name_is_exact_or_a_prefix() {
    let named = |name: &str| privileged("app").replace("name: web,", &format!("name: {name},"));
    assert!(admits(&covering("{name: web}"), &named("web")));
    assert!(!admits(&covering("{name: web}"), &named("web-2")));
    assert!(admits(&covering("{name: 'web*'}"), &named("web-2")));
    assert!(!admits(&covering("{name: 'web-*'}"), &named("web")));
    assert!(!admits(&covering("{name: web, namespace: other}"), &named("web")), "all that is given must fit");
    assert!(!admits(&covering("{kind: Deployment}"), &named("web")));
    assert!(admits(&covering("{kind: Pod}"), &named("web")));
}

#[test]
fn two_exceptions_interact_never_to_more_than_each_covers_alone() {
    let both = pod("containers: [{name: a, securityContext: {privileged: true}}, \
                    {name: b, securityContext: {privileged: true}}]");
    let policies = with(&[
        exemption("one", "{namespace: shop, container: c}", &[]),
        exemption("two", "{namespace: other, container: a}", &[]),
        exemption("three", "{name: web, container: b}", &[]),
    ]);
    let decision = Sent::create(&both).decide(&policies);
    assert_eq!(decision.outcome, Outcome::Deny, "shop of the first and a of the second do not add up");
    assert_eq!(
        found(&decision),
        [
            "new privileged-container containers[name=a].securityContext.privileged",
            "exempted privileged-container containers[name=b].securityContext.privileged",
        ]
    );
}

#[test]
fn an_exemption_from_one_check_is_none_from_another() {
    let text = exemption("e", "{namespace: shop}", &[]);
    let policies =
        library::policies(&[&policy("p", &format!("{PRIVILEGED}, {{id: host-namespace, mode: enforce}}"))]);
    let read = policies.read_exemptions([("e.yaml", &*text)], at(NOW)).unwrap();
    let shared = pod("hostPID: true, containers: [{name: a, securityContext: {privileged: true}}]");
    let decision = Sent::create(&shared).decide(&policies.with_exemptions(read));
    assert_eq!(decision.denials().map(|finding| finding.check.id).collect::<Vec<_>>(), ["host-namespace"]);
}

#[test]
fn a_container_exemption_does_not_cover_the_pod_around_it() {
    let policies = library::policies(&[&policy("p", "{id: host-namespace, mode: enforce}")]);
    for subject in ["{container: a}", "{image: registry.example.com/shop}"] {
        let text = exemption("e", subject, &[("check", "host-namespace")]);
        let read = policies.read_exemptions([("e.yaml", &*text)], at(NOW)).unwrap();
        let policies =
            library::policies(&[&policy("p", "{id: host-namespace, mode: enforce}")]).with_exemptions(read);
        let shared = pod("hostPID: true, containers: [{name: a, image: registry.example.com/shop/web}]");
        assert_eq!(Sent::create(&shared).decide(&policies).outcome, Outcome::Deny, "{subject}");
    }
}

#[test]
fn prefix_match_on_registry_holds_on_slash_boundaries_only() {
    let image = |image: &str| {
        pod(&format!("containers: [{{name: a, image: '{image}', securityContext: {{privileged: true}}}}]"))
    };
    let team = covering("{image: registry.example.com/team}");
    for covered in
        ["registry.example.com/team/web:1", "Registry.Example.com/team/web", "registry.example.com/team"]
    {
        assert!(admits(&team, &image(covered)), "{covered}");
    }
    for other in [
        "registry.example.com/teamX/web",
        "registry.example.com.evil.com/team/web",
        "registry.example.com:5000/team/web",
        "evil.com/registry.example.com/team/web",
        "team/web",
        "",
        "registry.example.com/team/../other/web",
    ] {
        assert!(!admits(&team, &image(other)), "{other}");
    }
    let hub = covering("{image: docker.io}");
    assert!(admits(&hub, &image("nginx")) && admits(&hub, &image("index.docker.io/library/nginx")));
    assert!(!admits(&hub, &image("docker.io.evil.com/nginx")));
}

#[test]
fn exemption_by_namespace_label_or_annotation_does_not_exist() {
    for field in ["labels", "annotations", "namespaceSelector", "namespaceLabel"] {
        let text = exemption("e", &format!("{{namespace: shop, {field}: {{exempt: 'true'}}}}"), &[]);
        assert!(refusal(&text).contains(&format!("unknown field `{field}`")), "{field}");
    }
}

#[test]
fn an_exemption_of_an_owner_covers_its_pods_when_a_controller_makes_them() {
    let of_deployment = "{apiVersion: v1, kind: Pod, metadata: {generateName: web-5f7-, namespace: shop, labels: \
                         {pod-template-hash: 5f7}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: \
                         web-5f7, controller: true}]}, spec: {containers: [{name: a, securityContext: \
                         {privileged: true}}]}}";
    let policies = covering("{namespace: shop, kind: Deployment, name: web}");
    let by =
        |user: &str, manifest: &str| Sent::create(manifest).by(user, &[]).decide(&policies).outcome.admits();
    let controller = "system:serviceaccount:kube-system:replicaset-controller";
    assert!(by(controller, of_deployment));
    assert!(!by("ann", of_deployment), "anybody can write ownerReferences");
    assert!(!by("system:serviceaccount:shop:replicaset-controller", of_deployment));
    assert!(!by(controller, &of_deployment.replace("controller: true", "controller: false")));
    assert!(!by(controller, &of_deployment.replace("namespace: shop", "namespace: other")));
    assert!(!by(controller, &of_deployment.replace("web-5f7, ", "api-5f7, ")));
}

#[test]
fn an_exemption_of_a_person_holds_for_that_person() {
    let by = |subject: &str, user: &str, groups: &[&str]| {
        Sent::create(&privileged("app")).by(user, groups).decide(&covering(subject)).outcome.admits()
    };
    assert!(
        by("{user: ann}", "ann", &[]) && !by("{user: ann}", "anna", &[]) && !by("{user: ann}", "", &["ann"])
    );
    assert!(by("{group: ops}", "ann", &["dev", "ops"]) && !by("{group: ops}", "ops", &["dev"]));
    let account = "{serviceAccount: 'ci:deployer'}";
    assert!(by(account, "system:serviceaccount:ci:deployer", &[]));
    assert!(!by(account, "system:serviceaccount:shop:deployer", &[]) && !by(account, "ci:deployer", &[]));
    // A file has no requester, so that nobody's exemption holds for it.
    assert!(!library::decide_manifest(&covering("{user: ann}"), &privileged("app")).outcome.admits());
}

#[test]
fn two_exemptions_of_one_name_are_refused() {
    let text = exemption("e", "{namespace: a}", &[]);
    let both = format!("{text}---\n{text}");
    assert!(refusal(&both).contains("an exemption `e` exists: give it another name"));
}
