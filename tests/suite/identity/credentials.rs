//! Tokens that nobody needs, that never end, or that leave the cluster; identities of the cloud.

use soc2gate::{check::Version, checks};

use super::{NONE, about, ann, cannot_tell, refusal, said};
use crate::{
    library::{self, Sent, world},
    surroundings,
};

const AUTOMOUNT: &str = "automounted-token";

/// A Pod `web` in `shop` with this spec.
fn pod(spec: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: web, namespace: shop}}, spec: {{{spec}}}}}")
}

fn account(name: &str, fields: &str) -> String {
    format!("{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {name}, namespace: shop}}{fields}}}")
}

/// What the check of mounted tokens says where these objects exist.
fn amid(inventory: &str, manifest: &str) -> Vec<String> {
    let check = checks::find(AUTOMOUNT).unwrap();
    let around = (world(inventory), surroundings::now());
    let report = library::examine_amid(around, check, "", Version::NEWEST, manifest);
    assert!(report.missing.is_empty());
    report.violations.iter().map(|found| format!("{} {}", found.place.path, found.what)).collect()
}

#[test]
fn a_pod_of_the_default_account_says_that_it_wants_no_token() {
    let said_of = |state: &str| {
        format!(
            "spec.automountServiceAccountToken {state}, so that the pod gets a token of account `default`, the account \
             of every pod that names none"
        )
    };
    for (spec, state) in [
        ("", Some("is not set")),
        ("automountServiceAccountToken: null", Some("is not set")),
        ("automountServiceAccountToken: true", Some("is true")),
        ("automountServiceAccountToken: false", None),
        ("serviceAccountName: ''", Some("is not set")),
        ("serviceAccountName: default", Some("is not set")),
        ("serviceAccount: default", Some("is not set")),
        ("serviceAccountName: default, automountServiceAccountToken: false", None),
        // Whether an account of one's own is of use only the bindings tell.
        ("serviceAccountName: web", None),
        ("serviceAccount: web", None),
    ] {
        assert_eq!(said(AUTOMOUNT, "", &pod(spec)), Vec::from_iter(state.map(said_of)), "{spec}");
    }
}

#[test]
fn the_account_decides_where_the_pod_says_nothing() {
    let quiet = account("default", ", automountServiceAccountToken: false");
    for (inventory, spec, count) in [
        (&*quiet, "", 0),
        (&*quiet, "serviceAccountName: default", 0),
        (&*quiet, "automountServiceAccountToken: true", 1),
        (&account("default", ", automountServiceAccountToken: true"), "", 1),
        (&account("default", ""), "", 1),
        (&account("default", "").replace("shop", "other"), "", 1),
        (&account("other", ", automountServiceAccountToken: false"), "", 1),
        (&account("web", ", automountServiceAccountToken: false"), "serviceAccountName: web", 0),
    ] {
        assert_eq!(amid(inventory, &pod(spec)).len(), count, "{inventory} {spec}");
    }
}

#[test]
fn an_account_without_a_binding_needs_no_token() {
    let own = pod("serviceAccountName: web");
    assert_eq!(
        amid("", &own),
        [
            "spec.automountServiceAccountToken is not set, so that the pod gets a token of account `web`, which no role \
             is bound to"
        ]
    );
    let binding = |kind: &str, subject: &str| {
        format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: {kind}, metadata: {{name: b, namespace: shop}}, roleRef: \
             {{kind: ClusterRole, name: view}}, subjects: [{subject}]}}"
        )
    };
    for (kind, subject, is_bound) in [
        ("RoleBinding", "{kind: ServiceAccount, name: web}", true),
        ("RoleBinding", "{kind: ServiceAccount, name: web, namespace: shop}", true),
        ("ClusterRoleBinding", "{kind: ServiceAccount, name: web, namespace: shop}", true),
        ("ClusterRoleBinding", "{kind: User, name: 'system:serviceaccount:shop:web'}", true),
        ("ClusterRoleBinding", "{kind: Group, name: 'system:serviceaccounts:shop'}", true),
        ("ClusterRoleBinding", "{kind: Group, name: 'system:serviceaccounts:other'}", false),
        // Every account of every cluster may look up who issues tokens.
        ("ClusterRoleBinding", "{kind: Group, name: 'system:serviceaccounts'}", false),
        ("RoleBinding", "{kind: ServiceAccount, name: web, namespace: other}", false),
        ("RoleBinding", "{kind: ServiceAccount, name: other}", false),
        ("RoleBinding", "{kind: User, name: web}", false),
    ] {
        assert_eq!(amid(&binding(kind, subject), &own).is_empty(), is_bound, "{kind} {subject}");
    }
    let nowhere = own.replace("namespace: shop", "namespace: ''");
    assert_eq!(amid("", &nowhere), NONE, "nobody can tell whose binding would count");
}

#[test]
fn every_account_called_default_says_that_its_token_is_not_mounted() {
    let said_of = |name: &str, state: &str| {
        format!("automountServiceAccountToken {state}, so that pods of account `{name}` get its token")
    };
    for (name, fields, state) in [
        ("default", "", Some("is not set")),
        ("default", ", automountServiceAccountToken: null", Some("is not set")),
        ("default", ", automountServiceAccountToken: true", Some("is true")),
        ("default", ", automountServiceAccountToken: false", None),
        ("web", "", None),
    ] {
        let expected = Vec::from_iter(state.map(|state| said_of(name, state)));
        assert_eq!(said(AUTOMOUNT, "", &account(name, fields)), expected, "{name} {fields}");
    }
    assert_eq!(said(AUTOMOUNT, "accounts: all", &account("web", "")), [said_of("web", "is not set")]);
    for params in ["{accounts: some}", "{accounts: [default]}", "{account: all}"] {
        assert!(!refusal(AUTOMOUNT, params).is_empty());
    }
}

#[test]
fn the_account_that_comes_with_a_namespace_is_never_refused_to_its_controller() {
    let sent = |username: &str| Sent::create(&account("default", "")).by(username, &[]);
    let controller = "system:serviceaccount:kube-system:service-account-controller";
    assert_eq!(about(&sent(controller), AUTOMOUNT, ""), NONE);
    assert_eq!(about(&sent("system:serviceaccount:shop:service-account-controller"), AUTOMOUNT, "").len(), 1);
    assert_eq!(about(&sent("ann"), AUTOMOUNT, "").len(), 1);
    let of_controller = Sent::create(&pod("")).by(controller, &[]);
    assert_eq!(about(&of_controller, AUTOMOUNT, "").len(), 1, "a pod has a template that can be changed");
}

#[test]
fn a_static_pod_has_no_token() {
    let mirror = pod("nodeName: n1")
        .replace("namespace: shop", "namespace: kube-system, annotations: {kubernetes.io/config.mirror: x}");
    let sent = |username: &str, groups: &[&str]| Sent::create(&mirror).by(username, groups);
    assert_eq!(about(&sent("system:node:n1", &["system:nodes"]), AUTOMOUNT, ""), NONE);
    assert_eq!(about(&sent("ann", &[]), AUTOMOUNT, "").len(), 1, "anybody can write the annotation");
}

#[test]
fn a_pod_that_had_its_token_before_keeps_it_and_one_that_changes_its_account_is_judged_anew() {
    let bare = pod("");
    let changed = |new: &str| about(&Sent::update(&bare, &pod(new)).amid(world("")), AUTOMOUNT, "");
    for (new, state) in [
        ("", "pre-existing"),
        ("automountServiceAccountToken: true", "pre-existing"),
        ("serviceAccountName: web", "new"),
    ] {
        let told = changed(new);
        assert!(matches!(&told[..], [one] if one.starts_with(state)), "{new}: {told:?}");
    }
}

#[test]
fn no_secret_holds_a_token_without_an_end() {
    let check = "long-lived-token-secret";
    let secret = |fields: &str| format!("{{apiVersion: v1, kind: Secret, metadata: {{name: s{fields}}}}}");
    let token = "}, type: kubernetes.io/service-account-token, x: {";
    assert_eq!(
        said(check, "", &secret(token)),
        ["type is `kubernetes.io/service-account-token`, a token that never ends"]
    );
    let of_ci = format!(", annotations: {{kubernetes.io/service-account.name: ci}}{token}");
    assert_eq!(
        said(check, "", &secret(&of_ci)),
        ["type is `kubernetes.io/service-account-token`, a token of account `ci` that never ends"]
    );
    for kind in ["Opaque", "kubernetes.io/tls", "''", "null", "Kubernetes.io/service-account-token"] {
        assert_eq!(said(check, "", &secret(&format!("}}, type: {kind}, x: {{"))), NONE, "{kind}");
    }
    assert_eq!(about(&Sent::delete(&secret(token)), check, ""), NONE);
    let update = about(&Sent::update(&secret(token), &secret(token)), check, "");
    assert!(update[0].starts_with("pre-existing"), "{update:?}");
}

fn projected(sources: &str) -> String {
    pod(&format!("volumes: [{{name: v, emptyDir: {{}}}}, {{name: t, projected: {{sources: {sources}}}}}]"))
}

fn token_request(spec: &str) -> String {
    format!(
        "{{apiVersion: authentication.k8s.io/v1, kind: TokenRequest, metadata: {{name: web, namespace: shop}}, spec: {spec}}}"
    )
}

#[test]
fn a_projected_token_lives_a_day() {
    let check = "long-lived-token";
    let token = |seconds: &str| {
        projected(&format!(
            "[{{configMap: {{}}}}, {{serviceAccountToken: {{path: a, expirationSeconds: {seconds}}}}}]"
        ))
    };
    let found = said(check, "", &token("86401"));
    assert_eq!(
        found,
        [
            "spec.volumes[1].projected.sources[1].serviceAccountToken.expirationSeconds is 86401, longer than the 86400 \
             seconds that the policy allows"
        ]
    );
    for seconds in ["86400", "3607", "null", "0", "-1"] {
        assert_eq!(said(check, "", &token(seconds)), NONE, "{seconds}");
    }
    for sources in ["null", "[]", "[null]", "[{serviceAccountToken: null}]", "[{serviceAccountToken: {}}]"] {
        assert_eq!(said(check, "", &projected(sources)), NONE, "{sources}");
    }
    assert_eq!(said(check, "", &pod("volumes: [{name: t, projected: null}]")), NONE);
    assert_eq!(said(check, "maxSeconds: 604800", &token("604800")), NONE);
    assert_eq!(said(check, "maxSeconds: 600", &token("3600")).len(), 1);
    for params in ["{maxSeconds: 599}", "{maxSeconds: 0}", "{maxSeconds: day}", "{seconds: 1}"] {
        assert!(!refusal(check, params).is_empty());
    }
}

#[test]
fn a_token_that_somebody_asks_for_lives_a_day_and_a_kubelet_asks_for_what_its_pods_say() {
    let check = "long-lived-token";
    let week = token_request("{expirationSeconds: 604800}");
    let sentence = "spec.expirationSeconds is 604800, longer than the 86400 seconds that the policy allows";
    assert_eq!(said(check, "", &week), [sentence]);
    assert_eq!(about(&Sent::create(&week), check, ""), [format!("new {sentence}")]);
    assert_eq!(about(&Sent::create(&week).by("system:node:n1", &["system:nodes"]), check, ""), NONE);
    assert_eq!(about(&Sent::create(&week).by("system:node:n1", &[]), check, "").len(), 1);
    for spec in ["{expirationSeconds: 3600}", "{expirationSeconds: null}", "{}", "null"] {
        assert_eq!(said(check, "", &token_request(spec)), NONE, "{spec}");
    }
}

const HUMAN: &str = "token-requested-by-human";
const BOUND: &str = "{boundObjectRef: {kind: Pod, name: web-0}}";

#[test]
fn a_token_goes_to_no_person_and_to_no_other_namespaces_account() {
    let person = "serviceaccounts/token gives `ann` a token of account `shop/web`";
    let foreign =
        "serviceaccounts/token gives account `ci/runner` a token of account `shop/web` in another namespace";
    let unbound =
        "spec.boundObjectRef is not set, so that the token of account `shop/web` outlives its workload";
    for (username, groups, spec, sentence) in [
        ("ann", &[][..], BOUND, Some(person)),
        ("ann", &["system:masters"], "{}", Some(person)),
        ("system:serviceaccount:ci:runner", &[], BOUND, Some(foreign)),
        ("system:serviceaccount:shop:operator", &[], BOUND, None),
        ("system:serviceaccount:shop:operator", &[], "{}", Some(unbound)),
        ("system:serviceaccount:shop:operator", &[], "{boundObjectRef: null}", Some(unbound)),
        (
            "system:serviceaccount:shop:operator",
            &[],
            "{boundObjectRef: {kind: Pod, name: ''}}",
            Some(unbound),
        ),
        ("system:node:n1", &["system:nodes"], BOUND, None),
        ("system:node:n1", &["system:nodes"], "{}", Some(unbound)),
        ("system:kube-controller-manager", &[], "{}", None),
        ("system:serviceaccount:kube-system:job-controller", &[], "{}", None),
        ("system:admin", &[], "null", Some(unbound)),
    ] {
        let sent = Sent::create(&token_request(spec)).by(username, groups);
        let expected = Vec::from_iter(sentence.map(|sentence| format!("new {sentence}")));
        assert_eq!(about(&sent, HUMAN, ""), expected, "{username} {spec}");
    }
    assert!(cannot_tell(HUMAN, "", &token_request(BOUND)));
}

#[test]
fn robots_and_those_who_may_are_named_in_the_policy() {
    let sent = |spec: &str| Sent::create(&token_request(spec));
    let robots = "robots: [{kind: User, name: ann}]";
    assert_eq!(about(&sent(BOUND), HUMAN, &format!("{{{robots}}}")), NONE);
    assert_eq!(
        about(&sent("{}"), HUMAN, &format!("{{{robots}}}")).len(),
        1,
        "a robot's token ends with something"
    );
    assert_eq!(about(&sent("{}"), HUMAN, &format!("{{{}}}", ann(", namespaces: [shop]"))), NONE);
    assert_eq!(about(&sent("{}"), HUMAN, &format!("{{{}}}", ann(", namespaces: [other]"))).len(), 1);
}

const CLOUD: &str = "cloud-identity-annotation";
const ARN: &str = "eks.amazonaws.com/role-arn";

fn cloudy(annotations: &str) -> String {
    account("web", "").replace("name: web,", &format!("name: web, annotations: {{{annotations}}},"))
}

#[test]
fn an_account_becomes_somebody_in_the_cloud_when_an_approver_says_so() {
    let arn = |role: &str| cloudy(&format!("{ARN}: '{role}'"));
    let sentence = |key: &str, role: &str| {
        format!("new metadata.annotations[{key}] is `{role}`, and none of the policy's approvers applies it")
    };
    assert_eq!(about(&Sent::create(&arn("a")), CLOUD, ""), [sentence(ARN, "a")]);
    assert_eq!(about(&Sent::update(&account("web", ""), &arn("a")), CLOUD, ""), [sentence(ARN, "a")]);
    assert_eq!(about(&Sent::update(&arn("a"), &arn("b")), CLOUD, ""), [sentence(ARN, "b")]);
    assert_eq!(about(&Sent::update(&arn("a"), &arn("a")), CLOUD, ""), NONE);
    assert_eq!(about(&Sent::update(&arn("a"), &account("web", "")), CLOUD, ""), NONE);
    assert_eq!(about(&Sent::create(&arn("")), CLOUD, ""), NONE);
    for key in ["iam.gke.io/gcp-service-account", "azure.workload.identity/client-id"] {
        let manifest = cloudy(&format!("{key}: x, other: z"));
        assert_eq!(about(&Sent::create(&manifest), CLOUD, ""), [sentence(key, "x")]);
    }
    let approvers = "{approvers: [{kind: Group, name: cloud-team}]}";
    assert_eq!(about(&Sent::create(&arn("a")).by("bob", &["cloud-team"]), CLOUD, approvers), NONE);
    assert_eq!(about(&Sent::create(&arn("a")).by("cloud-team", &[]), CLOUD, approvers).len(), 1);
    assert_eq!(about(&Sent::delete(&arn("a")), CLOUD, ""), NONE);
}

#[test]
fn which_annotations_count_is_a_parameter_and_a_file_tells_no_approver() {
    let manifest = cloudy("example.com/identity: x");
    assert_eq!(about(&Sent::create(&manifest), CLOUD, ""), NONE);
    let params = "{annotations: [example.com/identity]}";
    assert_eq!(about(&Sent::create(&manifest), CLOUD, params).len(), 1);
    assert!(cannot_tell(CLOUD, params, &manifest));
    assert_eq!(said(CLOUD, "", &account("web", "")), NONE);
    assert!(!cannot_tell(CLOUD, "", &account("web", "")), "without an identity there is nothing to tell");
    for params in ["{annotations: []}", "{approvers: [ann]}", "{approver: []}"] {
        assert!(!refusal(CLOUD, params).is_empty());
    }
}
