//! Connections and debug containers: whatever the protocol, and without a word of what might be secret.

use serde_json::json;
use soc2gate::{
    decision::Outcome,
    policy::{Loaded, Settings},
    secrets::sample::Sampler,
};

use super::{NONE, about, ann, cannot_tell, gate, policy, refusal, said};
use crate::library::{self, Sent, found, world};

/// The options of a connection.
fn options(kind: &str, fields: &str) -> String {
    format!("{{apiVersion: v1, kind: {kind}{}{fields}}}", if fields.is_empty() { "" } else { ", " })
}

fn exec(fields: &str) -> String {
    options("PodExecOptions", fields)
}

/// `allow` for ann, as the parameters of a check.
fn allowing(fields: &str) -> String {
    format!("{{{}}}", ann(fields))
}

const EXEC: &str = "exec-into-container";

#[test]
fn a_command_is_told_by_its_first_word() {
    for (fields, sentence) in [
        (
            "command: [sh], container: app, tty: true, stdin: true",
            "runs `sh` with a terminal in container `app` of pod `web`",
        ),
        ("command: [sh, -c, 'cat /etc/shadow'], container: app", "runs `sh` in container `app` of pod `web`"),
        ("command: [tar, cf, '-', /tmp]", "runs `tar` in pod `web`"),
        ("command: [/bin/sh], tty: false", "runs `/bin/sh` in pod `web`"),
        ("command: [/usr/bin/python3.11]", "runs `/usr/bin/python3.11` in pod `web`"),
        ("command: []", "runs a command that is not shown in pod `web`"),
        ("command: null, container: null", "runs a command that is not shown in pod `web`"),
        ("", "runs a command that is not shown in pod `web`"),
    ] {
        assert_eq!(
            about(&Sent::create(&exec(fields)), EXEC, ""),
            [format!("new pods/exec {sentence}")],
            "{fields}"
        );
    }
}

#[test]
fn no_secret_in_a_command_is_ever_told() {
    let token = Sampler::new(3).expand("ghp_[[crc:30]]");
    let random = Sampler::new(4).expand("[[alnum:40]]");
    let password = ["Tr0ub4dor", "-3-prod"].concat();
    for (command, program) in [
        (json!(["sh", "-c", format!("curl -H {token}")]), Some("sh")),
        (json!([format!("sh -c 'echo {password}'")]), Some("sh")),
        (json!([format!("  sh -c {password}")]), Some("sh")),
        (json!([format!("PGPASSWORD={password} psql")]), Some("PGPASSWORD")),
        (json!([format!("mysql\u{a0}-p{password}")]), Some("mysql")),
        (json!([format!("https://ann:{password}@example.com")]), Some("https")),
        (json!([token]), None),
        (json!([random]), None),
        (json!([password]), None),
        (json!([format!("'{token}'")]), None),
        (json!(["x".repeat(5000)]), None),
        (json!(["\u{202e}sh"]), None),
        (json!([""]), None),
    ] {
        let manifest = json!({"apiVersion": "v1", "kind": "PodExecOptions", "command": command}).to_string();
        let decision = Sent::create(&manifest).decide(&gate(EXEC, ""));
        let [finding] = &decision.findings[..] else { panic!("{command}") };
        let shown =
            program.map_or("a command that is not shown".to_owned(), |program| format!("`{program}`"));
        assert_eq!(finding.message(), format!("pods/exec runs {shown} in pod `web`"), "{command}");
        for secret in [&token, &random, &password] {
            assert!(!format!("{:?}", finding.violation).contains(secret), "{command}");
        }
    }
}

#[test]
fn who_may_run_what_where_is_a_parameter() {
    let command = |words: &str| Sent::create(&exec(&format!("command: {words}")));
    for (fields, words, is_allowed) in [
        ("", "[anything, at, all]", true),
        (", namespaces: [shop]", "[sh]", true),
        (", namespaces: [other]", "[sh]", false),
        (", namespaces: [sho, shop-2]", "[sh]", false),
        (", commands: [ls]", "[ls]", true),
        (", commands: [ls]", "[ls, /]", false),
        (", commands: [ls]", "[lsx]", false),
        (", commands: ['ls( [a-z/]+)*']", "[ls, /tmp, /etc]", true),
        (", commands: ['ls( [a-z/]+)*']", "[ls, '/tmp;', id]", false),
        (", commands: ['ls|cat']", "[ls, x]", false),
        (", commands: ['ls|cat']", "[x, cat]", false),
        (", commands: ['ls|cat']", "[cat]", true),
        (", commands: ['^ls$']", "[ls]", true),
        (", commands: ['ls.*']", "[ls, \"a\\nb\"]", false),
        (", commands: ['(?m)ls$']", "[\"ls\\nid\"]", false),
        (", commands: ['(?s)ls.*']", "[ls, \"a\\nb\"]", true),
        (", commands: [date, ls]", "[ls]", true),
        (", commands: [ls]", "[]", false),
        (", commands: [ls]", "null", false),
    ] {
        let told = about(&command(words), EXEC, &allowing(fields));
        assert_eq!(told.is_empty(), is_allowed, "{fields} {words}");
    }
    let other = command("[ls]").by("bob", &[]);
    assert_eq!(about(&other, EXEC, &allowing("")).len(), 1);
    let operator = "{allow: [{principals: [{kind: ServiceAccount, namespace: db, name: '*'}, {kind: Group, name: sre}]}]}";
    assert_eq!(about(&command("[ls]").by("system:serviceaccount:db:operator", &[]), EXEC, operator), NONE);
    assert_eq!(about(&command("[ls]").by("bob", &["sre"]), EXEC, operator), NONE);
    assert_eq!(about(&command("[ls]").by("sre", &[]), EXEC, operator).len(), 1);
}

#[test]
fn two_entries_never_add_up() {
    let ann = "{principals: [{kind: User, name: ann}], commands: [ls]}";
    let bob = "{principals: [{kind: User, name: bob}], commands: [id]}";
    let params = format!("{{allow: [{ann}, {bob}]}}");
    let sent =
        |user: &str, command: &str| Sent::create(&exec(&format!("command: [{command}]"))).by(user, &[]);
    assert_eq!(about(&sent("ann", "ls"), EXEC, &params), NONE);
    assert_eq!(about(&sent("ann", "id"), EXEC, &params).len(), 1);
    assert_eq!(about(&sent("bob", "ls"), EXEC, &params).len(), 1);
}

#[test]
fn an_entry_that_could_only_be_a_mistake_is_refused() {
    for (fields, reason) in [
        (", commands: []", "the list is empty"),
        (", namespaces: []", "the list is empty"),
        (", commands: null", ""),
        (", namespaces: null", ""),
        (", namespaces: ['*']", "full name"),
        (", namespaces: ['']", "full name"),
        (", commands: ['']", "the pattern is empty"),
        (", commands: ['a)|(b']", "the pattern is no regular expression"),
        (", commands: ['a(']", "the pattern is no regular expression"),
        (", commands: ['(?x)a # b']", "the pattern is no regular expression"),
        (", commands: ['(a{1000}){1000}']", "the pattern is too large"),
        (", command: [ls]", "command"),
    ] {
        let refused = refusal(EXEC, &allowing(fields));
        assert!(refused.starts_with("p0.yaml:7:") && refused.contains(reason), "{fields}: {refused}");
        assert_eq!(refused.lines().count(), 1, "{refused}");
    }
    for check in
        [EXEC, "attach-to-container", "port-forward-to-pod", "service-proxy-connection", "debug-container"]
    {
        for params in
            ["{allow: [{}]}", "{allow: [{principals: []}]}", "{allow: [{principals: null}]}", "{deny: []}"]
        {
            assert!(!refusal(check, params).is_empty(), "{check} {params}");
        }
    }
    assert!(
        !refusal("attach-to-container", &allowing(", commands: [ls]")).is_empty(),
        "attaching runs no command"
    );
}

#[test]
fn attachments_tunnels_and_proxies_are_told_and_allowed_by_requester_and_namespace() {
    for (check, manifest, sentence) in [
        (
            "attach-to-container",
            options("PodAttachOptions", "container: app, tty: true"),
            "pods/attach attaches a terminal to container `app` of pod `web`",
        ),
        ("attach-to-container", options("PodAttachOptions", ""), "pods/attach attaches to pod `web`"),
        (
            "port-forward-to-pod",
            options("PodPortForwardOptions", ""),
            "pods/portforward opens a tunnel to pod `web`",
        ),
        (
            "service-proxy-connection",
            options("PodProxyOptions", "path: /admin?token=x"),
            "pods/proxy reaches pod `web` through the API server",
        ),
        (
            "service-proxy-connection",
            options("ServiceProxyOptions", "path: /admin?token=x"),
            "services/proxy reaches Service `web` through the API server",
        ),
    ] {
        let sent = || Sent::create(&manifest);
        assert_eq!(about(&sent(), check, ""), [format!("new {sentence}")]);
        assert_eq!(about(&sent(), check, &allowing("")), NONE, "{check}");
        assert_eq!(about(&sent(), check, &allowing(", namespaces: [shop]")), NONE, "{check}");
        assert_eq!(about(&sent(), check, &allowing(", namespaces: [other]")).len(), 1, "{check}");
        assert_eq!(about(&sent().by("bob", &["ann"]), check, &allowing("")).len(), 1, "{check}");
        assert!(cannot_tell(check, "", &manifest), "{check}");
    }
}

#[test]
fn the_protocol_changes_no_verdict() {
    let check = "port-forward-to-pod";
    let (spdy, web_socket) =
        (options("PodPortForwardOptions", ""), options("PodPortForwardOptions", "ports: [5432]"));
    for params in [String::new(), allowing(""), allowing(", namespaces: [other]")] {
        let told = |manifest: &str| about(&Sent::create(manifest), check, &params);
        assert_eq!(told(&spdy), told(&web_socket), "{params}");
    }
}

#[test]
fn a_connection_without_options_is_still_a_connection() {
    for kind in [
        "PodExecOptions",
        "PodAttachOptions",
        "PodPortForwardOptions",
        "PodProxyOptions",
        "ServiceProxyOptions",
        "NodeProxyOptions",
    ] {
        let body = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "1", "kind": {"group": "", "version": "v1", "kind": kind}, "operation": "CONNECT", "name": "x",
            "userInfo": {"username": "ann"}, "object": null,
        }});
        let body = body.to_string();
        let review = soc2gate::admission::Review::read(body.as_bytes()).unwrap();
        let policies = Loaded::shipped().unwrap().bind(&Settings::default()).unwrap();
        let now = library::at("2027-01-15T12:00:00Z");
        let decision = soc2gate::decision::decide(&policies, &review.request, &Default::default(), now);
        assert_eq!(decision.findings.len(), 1, "{kind}");
    }
}

#[test]
fn the_account_that_somebody_comes_to_act_as_is_told_where_it_is_known() {
    let pod = |account: &str| {
        world(&format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: web, namespace: shop}}, spec: {{serviceAccountName: {account}}}}}"
        ))
    };
    let sent = || Sent::create(&exec("command: [sh], container: app"));
    let plain = "new pods/exec runs `sh` in container `app` of pod `web`";
    assert_eq!(
        about(&sent().amid(pod("deployer")), EXEC, ""),
        [format!("{plain}, which acts as account `deployer`")]
    );
    assert_eq!(about(&sent().amid(pod("default")), EXEC, ""), [plain]);
    assert_eq!(about(&sent().amid(pod("deployer")).set("name", "other".into()), EXEC, "").len(), 1);
}

#[test]
fn a_policy_chooses_connections_by_the_labels_of_the_pod_and_applies_where_they_are_not_known() {
    let selective =
        policy(EXEC, "").replace("checks:", "match: {objectSelector: {matchLabels: {tier: db}}}\n  checks:");
    let policies = library::policies(&[&selective]);
    let pod = |tier: &str| {
        world(&format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: web, namespace: shop, labels: {{tier: {tier}}}}}, spec: {{}}}}"
        ))
    };
    let sent = || Sent::create(&exec("command: [sh]"));
    assert_eq!(sent().amid(pod("db")).decide(&policies).outcome, Outcome::Deny);
    assert_eq!(sent().amid(pod("web")).decide(&policies).outcome, Outcome::Allow);
    for unknown in [sent(), sent().amid(world(""))] {
        let decision = unknown.decide(&policies);
        assert_eq!(decision.outcome, Outcome::Deny);
        assert!(decision.errors[0].contains("labels of the object"), "{:?}", decision.errors);
    }
    let service = policy("service-proxy-connection", "")
        .replace("checks:", "match: {objectSelector: {matchLabels: {tier: db}}}\n  checks:");
    let proxied = Sent::create(&options("ServiceProxyOptions", "")).amid(pod("web"));
    assert_eq!(proxied.decide(&library::policies(&[&service])).outcome, Outcome::Deny, "a Service is no pod");
}

#[test]
fn an_exemption_names_the_person_the_pod_and_the_container() {
    let policies = gate(EXEC, "");
    let exempted = |subject: &str, sent: &Sent| {
        let text = format!(
            "apiVersion: soc2gate.io/v1\nkind: Exemption\nmetadata: {{name: e}}\nspec: {{check: {EXEC}, subject: \
             {{{subject}}}, reason: outage, ticket: OPS-1, requestedBy: ann, approvedBy: bob, expires: 2027-01-16}}\n"
        );
        let now = library::at("2027-01-15T12:00:00Z");
        let exemptions = policies.read_exemptions([("e.yaml", &*text)], now).unwrap();
        let decision = sent.decide(&gate(EXEC, "").with_exemptions(exemptions));
        found(&decision)[0].starts_with("exempted")
    };
    let sent = Sent::create(&exec("command: [sh], container: app"));
    assert!(exempted("namespace: shop, name: web, container: app, user: ann", &sent));
    assert!(exempted("namespace: shop, user: ann", &sent));
    assert!(!exempted("namespace: shop, name: web, container: db, user: ann", &sent));
    assert!(!exempted("namespace: shop, name: web, user: bob", &sent));
    assert!(!exempted("namespace: shop, name: db", &sent));
    assert!(
        !exempted("container: app", &Sent::create(&exec("command: [sh]"))),
        "which container is not said"
    );
}

const NODE: &str = "node-proxy-connection";

fn node(path: &str) -> Sent {
    let fields = format!("metadata: {{name: node-1}}, path: '{path}'");
    Sent::create(&options("NodeProxyOptions", &fields))
}

#[test]
fn a_kubelet_is_asked_by_those_and_for_that_which_the_policy_names() {
    assert_eq!(
        about(&node("/run/shop/web/app"), NODE, ""),
        ["new nodes/proxy asks the kubelet of `node-1` for `/run/shop/web/app`"]
    );
    assert_eq!(about(&node(""), NODE, ""), ["new nodes/proxy asks the kubelet of `node-1` for `/`"]);
    let params = allowing(", paths: [/metrics, /stats/]");
    for (path, is_allowed) in [
        ("/metrics", true),
        ("metrics", true),
        ("/metrics/", true),
        ("/metrics/cadvisor", true),
        ("/stats", true),
        ("/stats/summary", true),
        ("/metricsx", false),
        ("/Metrics", false),
        ("/metrics/../run/shop/web/app", false),
        ("/metrics/..", false),
        ("/./metrics", false),
        ("/metrics/%2e%2e/run", false),
        ("//metrics", false),
        ("/run/metrics", false),
        ("/", false),
        ("", false),
    ] {
        assert_eq!(about(&node(path), NODE, &params).is_empty(), is_allowed, "{path}");
    }
    assert_eq!(about(&node("/metrics").by("bob", &[]), NODE, &params).len(), 1);
    assert_eq!(about(&node("/run/x"), NODE, &allowing(", paths: [/]")), NONE);
    assert_eq!(about(&node(""), NODE, &allowing(", paths: [/]")), NONE);
    for fields in [
        "",
        ", paths: []",
        ", paths: null",
        ", paths: [metrics]",
        ", paths: ['']",
        ", paths: ['/*']",
        ", paths: ['/a/../b']",
        ", paths: [/metrics], namespaces: [shop]",
    ] {
        assert!(!refusal(NODE, &allowing(fields)).is_empty(), "{fields}");
    }
    assert!(cannot_tell(NODE, "", &options("NodeProxyOptions", "")));
}

const DEBUG: &str = "debug-container";

fn pod(ephemeral: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: web, namespace: shop}}, spec: {{containers: [{{name: app}}], \
         ephemeralContainers: {ephemeral}}}}}"
    )
}

/// An UPDATE of a pod's ephemeral containers.
fn debug(old: &str, new: &str) -> Sent {
    Sent::update(&pod(old), &pod(new)).set("subResource", "ephemeralcontainers".into())
}

#[test]
fn a_debug_container_is_new_by_its_name() {
    let one = "[{name: a, image: 'busybox:1.37'}]";
    let sentence = |at: usize| {
        format!(
            "new spec.ephemeralContainers[{at}].image is `busybox:1.37`, which the policy does not list for debugging"
        )
    };
    for old in ["null", "[]"] {
        assert_eq!(about(&debug(old, one), DEBUG, ""), [sentence(0)]);
    }
    let two = "[{name: a, image: 'busybox:1.37'}, {name: b, image: 'busybox:1.37'}]";
    assert_eq!(about(&debug(one, two), DEBUG, ""), [sentence(1)]);
    assert_eq!(about(&debug(two, one), DEBUG, ""), NONE);
    assert_eq!(about(&debug(one, one), DEBUG, ""), NONE);
    let bare = Sent::update(&pod("null"), &pod(one)).set("subResource", "ephemeralcontainers".into());
    assert_eq!(
        about(&bare.set("oldObject", json!(null)), DEBUG, ""),
        [sentence(0)],
        "nothing is excused by nothing"
    );
}

#[test]
fn other_updates_of_a_pod_say_nothing_of_its_debug_containers() {
    let one = "[{name: a, image: busybox}]";
    for subresource in ["", "status", "resize"] {
        let sent = Sent::update(&pod("null"), &pod(one)).set("subResource", subresource.into());
        assert_eq!(about(&sent, DEBUG, ""), NONE, "{subresource}");
    }
    assert_eq!(about(&Sent::delete(&pod(one)), DEBUG, ""), NONE);
}

#[test]
fn any_debug_container_in_a_manifest_is_a_violation() {
    let sentence = "image is `busybox`, which the policy does not list for debugging";
    assert_eq!(
        said(DEBUG, "", &pod("[{name: a, image: busybox}]")),
        [format!("spec.ephemeralContainers[0].{sentence}")]
    );
    assert_eq!(about(&Sent::create(&pod("[{name: a, image: busybox}]")), DEBUG, "").len(), 1);
    let template = "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {ephemeralContainers: [{image: busybox}]}}}}";
    assert_eq!(said(DEBUG, "", template), [format!("spec.template.spec.ephemeralContainers[0].{sentence}")]);
    assert_eq!(said(DEBUG, "", &pod("null")), NONE);
    assert_eq!(said(DEBUG, "", &pod("[{name: a}]")).len(), 1);
}

#[test]
fn a_debug_image_is_listed_by_its_digest() {
    let (one, two) = (format!("sha256:{}", "1".repeat(64)), format!("sha256:{}", "2".repeat(64)));
    let params = format!("{{allowImages: ['docker.io/library/busybox@{one}']}}");
    for (image, is_listed) in [
        (format!("busybox@{one}"), true),
        (format!("docker.io/library/busybox@{one}"), true),
        (format!("busybox:1.37@{one}"), true),
        (format!("busybox@{two}"), false),
        (format!("mirror.example.com/library/busybox@{one}"), false),
        (format!("busybox-2@{one}"), false),
        ("busybox".to_owned(), false),
        (format!("busybox@{}", one.to_uppercase()), false),
    ] {
        let sent = debug("null", &format!("[{{name: a, image: '{image}'}}]"));
        assert_eq!(about(&sent, DEBUG, &params).is_empty(), is_listed, "{image}");
    }
    for images in ["[busybox]", "['busybox:1']", "['']", "['a b@x']", "busybox", "[null]"] {
        assert!(!refusal(DEBUG, &format!("{{allowImages: {images}}}")).is_empty(), "{images}");
    }
}

#[test]
fn who_may_debug_where_is_a_parameter() {
    let sent = || debug("null", "[{name: a, image: busybox}]");
    assert_eq!(about(&sent(), DEBUG, &allowing(", namespaces: [shop]")), NONE);
    assert_eq!(about(&sent(), DEBUG, &allowing(", namespaces: [other]")).len(), 1);
    assert_eq!(about(&sent().by("bob", &[]), DEBUG, &allowing("")).len(), 1);
    assert_eq!(
        said(DEBUG, &allowing(""), &pod("[{name: a, image: busybox}]")).len(),
        1,
        "a file is nobody's"
    );
}
