//! Audit events as the API server writes them, read back into requests.

use serde_json::{Value, json};
use soc2gate::{
    events::{Event, Taken},
    object::Kind,
    request::{Operation, Request},
};

/// A write that went through and was recorded in full, with these fields instead.
pub(crate) fn event(changes: Value) -> Value {
    let mut event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": "1",
        "stage": "ResponseComplete", "requestURI": "/api/v1/namespaces/shop/pods", "verb": "create",
        "user": {"username": "ann", "groups": ["developers"]},
        "objectRef": {"resource": "pods", "namespace": "shop", "apiVersion": "v1"},
        "responseStatus": {"code": 201},
        "requestReceivedTimestamp": "2026-11-23T19:16:43.989249Z",
        "annotations": {"authorization.k8s.io/decision": "allow"},
    });
    merge(&mut event, changes);
    event
}

fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (field, change) in changes {
                merge(fields.entry(field).or_insert(Value::Null), change);
            }
        }
        (into, change) => *into = change,
    }
}

pub(crate) fn pod(name: &str) -> Value {
    json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "namespace": "shop"}, "spec": {}})
}

fn status(code: u16, message: &str) -> Value {
    json!({"responseStatus": {"code": code, "message": message},
           "responseObject": {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message}})
}

/// One line for what came of an event.
fn taken(changes: Value) -> String {
    let text = event(changes).to_string();
    let event = Event::read(&text).unwrap();
    match event.take() {
        Taken::LeftOut(reason) => format!("left out: {reason:?}"),
        Taken::NotInFull(reason) => format!("not in full: {reason:?}"),
        Taken::Requests(recorded) => {
            let line = |recorded: &soc2gate::events::Recorded<'_>| match &recorded.unreadable {
                None => line(&recorded.request),
                Some(reason) => format!("{} unreadable {reason}", line(&recorded.request)),
            };
            recorded.iter().map(line).collect::<Vec<_>>().join("; ")
        }
    }
}

/// `CREATE Pod shop/web by ann (of web)`: in brackets the object that it carries.
fn line(request: &Request<'_>) -> String {
    let operation = request.operation.map_or("?", Operation::id);
    let (kind, namespace, name) = (request.kind_name(), &*request.namespace, &*request.name);
    let user = request.requester.as_ref().unwrap().username();
    let object = request.subject().map_or("nothing", |object| object.display_name());
    format!("{operation} {kind} {namespace}/{name} by {user} (of {object})")
}

#[test]
fn a_write_is_judged_by_the_object_that_came_of_it() {
    for (changes, expected) in [
        (
            json!({"requestObject": pod("sent"), "responseObject": pod("made")}),
            "CREATE Pod shop/ by ann (of made)",
        ),
        (json!({"requestObject": pod("sent"), "level": "Request"}), "CREATE Pod shop/ by ann (of sent)"),
        (
            json!({"verb": "update", "responseStatus": {"code": 200}, "objectRef": {"name": "web"},
                   "requestObject": pod("sent"), "responseObject": pod("made")}),
            "UPDATE Pod shop/web by ann (of made)",
        ),
        (
            json!({"verb": "update", "responseStatus": {"code": 200}, "requestObject": pod("sent")}),
            "UPDATE Pod shop/ by ann (of sent)",
        ),
        (
            json!({"verb": "patch", "responseStatus": {"code": 200}, "requestObject": {"spec": {}},
                   "responseObject": pod("made")}),
            "UPDATE Pod shop/ by ann (of made)",
        ),
        // Server-side apply and a PUT may make what was not there.
        (json!({"verb": "patch", "responseObject": pod("made")}), "CREATE Pod shop/ by ann (of made)"),
        (json!({"verb": "update", "responseObject": pod("made")}), "CREATE Pod shop/ by ann (of made)"),
        (
            json!({"objectRef": {"resource": "pods", "subresource": "eviction", "name": "web"},
                   "requestObject": {"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {"name": "web"}},
                   "responseObject": {"kind": "Status", "apiVersion": "v1", "status": "Success"}}),
            "CREATE Eviction shop/web by ann (of web)",
        ),
    ] {
        assert_eq!(taken(changes.clone()), expected, "{changes}");
    }
}

#[test]
fn a_deletion_is_one_whether_or_not_the_object_that_went_was_recorded() {
    let delete = |changes: Value| {
        let mut deletion =
            json!({"verb": "delete", "responseStatus": {"code": 200}, "objectRef": {"name": "web"}});
        merge(&mut deletion, changes);
        taken(deletion)
    };
    let success = json!({"kind": "Status", "apiVersion": "v1", "status": "Success"});
    assert_eq!(delete(json!({"responseObject": pod("web")})), "DELETE Pod shop/web by ann (of web)");
    assert_eq!(delete(json!({"responseObject": success})), "DELETE Pod shop/web by ann (of nothing)");
    let role = json!({"resource": "clusterroles", "apiGroup": "rbac.authorization.k8s.io", "namespace": ""});
    assert_eq!(delete(json!({"objectRef": role})), "DELETE ClusterRole /web by ann (of nothing)");
    // A resource of the same name in another group is something else.
    let custom = json!({"resource": "pods", "apiGroup": "example.com"});
    assert_eq!(delete(json!({"objectRef": custom})), "DELETE pods shop/web by ann (of nothing)");
}

#[test]
fn a_deletion_of_many_is_as_many_requests() {
    let list =
        json!({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}, pod("b")]});
    let delete = json!({"verb": "deletecollection", "responseStatus": {"code": 200}, "responseObject": list});
    assert_eq!(taken(delete), "DELETE Pod shop/ by ann (of a); DELETE Pod shop/ by ann (of b)");
}

#[test]
fn a_connection_is_one_at_every_level_and_with_every_verb() {
    for (resource, subresource, verb, kind) in [
        ("pods", "exec", "get", "PodExecOptions"),
        ("pods", "exec", "create", "PodExecOptions"),
        ("pods", "attach", "create", "PodAttachOptions"),
        ("pods", "portforward", "get", "PodPortForwardOptions"),
        ("pods", "proxy", "get", "PodProxyOptions"),
        ("services", "proxy", "update", "ServiceProxyOptions"),
        ("nodes", "proxy", "delete", "NodeProxyOptions"),
    ] {
        let expected = format!("CONNECT {kind} shop/web by ann (of )");
        let target = json!({"resource": resource, "subresource": subresource, "name": "web"});
        let changes =
            json!({"level": "Metadata", "verb": verb, "responseStatus": {"code": 101}, "objectRef": target});
        assert_eq!(taken(changes), expected, "{verb} {resource}/{subresource}");
    }
}

#[test]
fn the_requester_is_the_identity_that_was_used() {
    let impersonated =
        json!({"impersonatedUser": {"username": "dave", "groups": ["auditors"]}, "responseObject": pod("a")});
    assert_eq!(taken(impersonated), "CREATE Pod shop/ by dave (of a)");
    let text = event(json!({"responseObject": pod("a")})).to_string();
    let event = Event::read(&text).unwrap();
    let Taken::Requests(recorded) = event.take() else { panic!("{text}") };
    assert!(recorded[0].request.requester.as_ref().unwrap().is_in("developers"));
    assert_eq!(recorded[0].request.kind, Kind::Pod);
}

#[test]
fn what_no_webhook_would_have_decided_is_left_out() {
    for (changes, reason) in [
        (json!({"stage": "ResponseStarted"}), "AnotherStage"),
        (json!({"stage": "RequestReceived"}), "AnotherStage"),
        (json!({"objectRef": null}), "NoResource"),
        (json!({"verb": "get"}), "Read"),
        (json!({"verb": "list", "requestURI": "/api/v1/pods?dryRun=All"}), "Read"),
        (json!({"verb": "watch"}), "Read"),
        (json!({"verb": "get", "objectRef": {"subresource": "log"}}), "Read"),
        (json!({"requestURI": "/api/v1/namespaces/shop/pods?fieldManager=x&dryRun=All"}), "DryRun"),
        // kubectl puts it into the body of a deletion.
        (
            json!({"verb": "delete", "requestObject": {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}}),
            "DryRun",
        ),
        (
            json!({"objectRef": {"resource": "subjectaccessreviews", "apiGroup": "authorization.k8s.io"}}),
            "Question",
        ),
        (
            json!({"objectRef": {"resource": "validatingwebhookconfigurations",
                                 "apiGroup": "admissionregistration.k8s.io"}}),
            "NoWebhook",
        ),
        (json!({"verb": "patch", "objectRef": {"subresource": "status"}}), "Subresource"),
        (
            json!({"responseStatus": {"code": 403}, "annotations": {"authorization.k8s.io/decision": "forbid"}}),
            "Forbidden",
        ),
        (
            json!({"verb": "get", "objectRef": {"subresource": "exec"}, "responseStatus": {"code": 403},
                   "annotations": {"authorization.k8s.io/decision": "forbid"}}),
            "Forbidden",
        ),
        (status(409, "pods \"web\" already exists"), "Failed"),
        (status(404, "namespaces \"shop\" not found"), "Failed"),
        (status(500, "etcdserver: request timed out"), "Failed"),
    ] {
        assert_eq!(taken(changes.clone()), format!("left out: {reason}"), "{changes}");
    }
}

#[test]
fn what_admission_refused_is_decided_again() {
    for (code, message) in [
        (403, "admission webhook \"workloads.soc2gate.io\" denied the request: CC6.1"),
        (403, "pods \"web\" is forbidden: violates PodSecurity \"restricted:latest\""),
        (400, "admission webhook \"x.example.com\" denied the request: no"),
        (422, "ValidatingAdmissionPolicy 'x' with binding 'y' denied request: no"),
        (500, "Internal error occurred: failed calling webhook \"x.example.com\": timeout"),
    ] {
        let mut changes = status(code, message);
        merge(&mut changes, json!({"requestObject": pod("web")}));
        assert_eq!(taken(changes), "CREATE Pod shop/ by ann (of web)", "{message}");
    }
}

#[test]
fn what_was_not_recorded_in_full_is_never_a_request() {
    let truncated = json!({"annotations": {"audit.k8s.io/truncated": "true"}});
    let refused = status(403, "admission webhook \"x.example.com\" denied the request: no");
    for (changes, reason) in [
        (json!({"level": "Metadata"}), "Metadata"),
        (json!({"level": "Metadata", "verb": "delete"}), "Metadata"),
        (json!({}), "NoObject"),
        (json!({"responseObject": null, "requestObject": {"spec": {}}}), "NoObject"),
        (
            json!({"verb": "deletecollection", "responseObject": {"kind": "Status", "apiVersion": "v1"}}),
            "NoObject",
        ),
        (json!({"verb": "patch", "requestObject": pod("web")}), "PatchAlone"),
        (json!({"verb": "transmogrify"}), "UnknownVerb"),
        (truncated, "Truncated"),
    ] {
        assert_eq!(taken(changes.clone()), format!("not in full: {reason}"), "{changes}");
    }
    let mut patch = refused;
    merge(&mut patch, json!({"verb": "patch", "requestObject": {"spec": {}}}));
    assert_eq!(taken(patch), "not in full: PatchAlone");
}

#[test]
fn subresources_that_carry_what_a_check_reads_are_requests() {
    for (resource, subresource) in [
        ("pods", "ephemeralcontainers"),
        ("pods", "resize"),
        ("services", "status"),
        ("deployments", "scale"),
    ] {
        let target = json!({"resource": resource, "subresource": subresource, "name": "web"});
        let changes = json!({"verb": "update", "responseStatus": {"code": 200}, "objectRef": target,
                             "responseObject": pod("web")});
        assert!(taken(changes).starts_with("UPDATE"), "{resource}/{subresource}");
    }
}

#[test]
fn an_object_that_does_not_decode_is_told_as_unreadable() {
    let odd = json!({"kind": "Pod", "apiVersion": "v1", "spec": {"containers": [{"image": 5}]}});
    let told = taken(json!({"responseObject": odd}));
    assert!(
        told.starts_with("CREATE Pod shop/ by ann (of nothing) unreadable object: invalid type"),
        "{told}"
    );
}

#[test]
fn a_recorded_decision_is_ours_only_with_our_digest() {
    for (annotations, expected) in [
        (json!({"authorization.k8s.io/decision": "allow"}), None),
        (json!({"x.example.com/decision": "deny"}), None),
        (json!({"w.soc2gate.io/decision": "deny", "w.soc2gate.io/policy-digest": "sha256:1"}), Some("deny")),
        (
            json!({"a.soc2gate.io/decision": "warn", "a.soc2gate.io/policy-digest": "sha256:1",
                   "b.soc2gate.io/decision": "deny", "b.soc2gate.io/policy-digest": "sha256:1",
                   "c.soc2gate.io/decision": "allow", "c.soc2gate.io/policy-digest": "sha256:1"}),
            Some("deny"),
        ),
    ] {
        let text = event(json!({"annotations": annotations})).to_string();
        assert_eq!(Event::read(&text).unwrap().recorded_decision(), expected, "{text}");
    }
}

#[test]
fn null_and_absent_fields_are_the_same() {
    let nulls = json!({"kind": "Event", "level": null, "stage": null, "verb": null, "user": null,
                       "impersonatedUser": null, "objectRef": null, "responseStatus": null, "annotations": null,
                       "requestObject": null, "responseObject": null, "requestReceivedTimestamp": null});
    for text in [nulls.to_string(), "{}".to_owned()] {
        let event = Event::read(&text).unwrap();
        assert!(matches!(event.take(), Taken::LeftOut(_)), "{text}");
        assert_eq!((event.audit_id(), event.time()), ("", None));
    }
}
