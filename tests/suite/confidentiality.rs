//! C1: namespaces and disks that hold what is confidential.

use soc2gate::decision::Outcome;

use crate::library::{Sent, enforcing, in_file, messages, new, refusal};

/// A namespace with these labels.
fn namespace(labels: &str) -> String {
    format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: shop, labels: {{{labels}}}}}}}")
}

fn class(class: &str) -> String {
    namespace(&format!("soc2gate.io/data-class: {class}"))
}

const KEY: &str = "metadata.labels[soc2gate.io/data-class]";

#[test]
fn a_namespace_says_one_of_the_classes_and_says_it_exactly() {
    for (labels, fits) in [
        ("soc2gate.io/data-class: public", true),
        ("soc2gate.io/data-class: restricted", true),
        ("soc2gate.io/data-class: Restricted", false),
        ("soc2gate.io/data-class: ''", false),
        ("soc2gate.io/data-class: secret", false),
        ("data-class: public", false),
        ("", false),
    ] {
        let (found, missing) = in_file("unclassified-namespace", "", &namespace(labels));
        assert_eq!((found.is_empty(), missing.is_empty()), (fits, true), "{labels}");
    }
    let own = "{key: tier, classes: [low, high]}";
    assert!(in_file("unclassified-namespace", own, &namespace("tier: high")).0.is_empty());
    assert_eq!(in_file("unclassified-namespace", own, &class("public")).0, ["metadata.labels[tier]"]);
    let null = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: null}}";
    assert_eq!(in_file("unclassified-namespace", "", null).0, [KEY]);
}

#[test]
fn a_namespace_that_never_had_a_class_can_still_be_changed() {
    let old = namespace("team: a");
    let decision = Sent::update(&old, &namespace("team: b")).decide(&enforcing("unclassified-namespace", ""));
    assert_eq!((decision.outcome, new(&decision).len()), (Outcome::Warn, 0));
}

#[test]
fn a_class_goes_down_by_its_owner_alone() {
    let owners = "{dataOwners: [{kind: Group, name: data-owners}]}";
    for (old, now, lowered) in [
        (class("restricted"), class("confidential"), true),
        (class("confidential"), class("public"), true),
        (class("public"), namespace(""), true),
        (class("internal"), class("unheard-of"), true),
        (class("internal"), class("internal"), false),
        (class("internal"), class("restricted"), false),
        (namespace(""), class("public"), false),
        (class("unheard-of"), namespace(""), false),
        (class("unheard-of"), class("public"), false),
    ] {
        let sent = || Sent::update(&old, &now);
        for params in ["", owners] {
            let decision = sent().decide(&enforcing("lowered-data-class", params));
            assert_eq!(decision.outcome == Outcome::Deny, lowered, "{old} to {now}");
        }
        let by_owner = sent().by("bob", &["data-owners"]).decide(&enforcing("lowered-data-class", owners));
        assert_eq!(by_owner.outcome, Outcome::Allow);
    }
    let decision =
        Sent::update(&class("restricted"), &namespace("")).decide(&enforcing("lowered-data-class", ""));
    assert_eq!(messages(&decision), [format!("{KEY} is gone and was `restricted`")]);
}

#[test]
fn what_a_class_was_is_not_known_of_a_file_and_does_not_matter_for_what_is_new() {
    let (found, missing) = in_file("lowered-data-class", "", &class("public"));
    assert_eq!((found.len(), missing), (0, vec!["the class that it had is not known".to_owned()]));
    let decision = Sent::create(&class("public")).decide(&enforcing("lowered-data-class", ""));
    assert_eq!((decision.outcome, decision.unassessed.len()), (Outcome::Allow, 0));
}

#[test]
fn classes_that_could_only_be_a_mistake_are_refused() {
    for check in ["unclassified-namespace", "lowered-data-class"] {
        for (params, words) in [
            ("{key: ' '}", "`key` is empty"),
            ("{classes: []}", "`classes` needs names"),
            ("{classes: [a, '']}", "`classes` needs names"),
            ("{classes: [a, b, a]}", "one class twice"),
        ] {
            assert!(refusal(check, params).contains(words), "{check} {params}");
        }
    }
}

/// What a storage class draws: violations, and whether it could be told at all.
fn disks(params: &str, provisioner: &str, parameters: &str) -> (Vec<String>, bool) {
    let manifest = format!(
        "{{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {{name: fast}}, provisioner: {provisioner}, \
         parameters: {parameters}}}"
    );
    let (found, missing) = in_file("unencrypted-storage-class", params, &manifest);
    (found, missing.is_empty())
}

#[test]
fn a_disk_is_encrypted_where_its_driver_reads_it_so() {
    let ebs = "ebs.csi.aws.com";
    for (provisioner, parameters, fits) in [
        (ebs, "{encrypted: 'true'}", true),
        (ebs, "{Encrypted: 'true'}", true),
        // The driver takes every other word for no.
        (ebs, "{encrypted: 'True'}", false),
        (ebs, "{encrypted: 'yes'}", false),
        (ebs, "{encrypted: ''}", false),
        (ebs, "{encrypted: 'true', Encrypted: 'false'}", false),
        (ebs, "{kmsKeyId: arn}", false),
        (ebs, "{}", false),
        (ebs, "null", false),
        ("kubernetes.io/aws-ebs", "{}", false),
        ("pd.csi.storage.gke.io", "{}", true),
        ("disk.csi.azure.com", "null", true),
    ] {
        let (found, known) = disks("", provisioner, parameters);
        assert_eq!((found.is_empty(), known), (fits, true), "{provisioner} {parameters}");
    }
}

#[test]
fn a_key_of_our_own_is_asked_for_where_the_policy_says_so() {
    let gke = "pd.csi.storage.gke.io";
    assert_eq!(disks("{customerKey: true}", gke, "{}").0, ["parameters[disk-encryption-kms-key]"]);
    assert!(disks("{customerKey: true}", gke, "{disk-encryption-kms-key: projects/p}").0.is_empty());
    assert_eq!(
        disks("{customerKey: true}", "disk.csi.azure.com", "{}").0,
        ["parameters[diskEncryptionSetID]"]
    );
    assert!(disks("{customerKey: true}", "disk.csi.azure.com", "{diskencryptionsetid: /x}").0.is_empty());
}

#[test]
fn a_provisioner_that_nobody_knows_is_not_assessed_until_the_policy_names_it() {
    assert_eq!(disks("", "rook-ceph.rbd.csi.ceph.com", "{}"), (vec![], false));
    let params =
        "{provisioners: [{name: rook-ceph.rbd.csi.ceph.com, parameter: encrypted, values: ['true', 'yes']}]}";
    assert_eq!(
        disks(params, "rook-ceph.rbd.csi.ceph.com", "{}"),
        (vec!["parameters[encrypted]".to_owned()], true)
    );
    assert_eq!(disks(params, "rook-ceph.rbd.csi.ceph.com", "{encrypted: 'yes'}"), (vec![], true));
    let key = "{provisioners: [{name: ebs.csi.aws.com, parameter: kmsKeyId}]}";
    let found = disks(key, "ebs.csi.aws.com", "{encrypted: 'true'}").0;
    assert_eq!(found, ["parameters[kmsKeyId]"], "an entry adds to what is known");
    let refused = refusal("unencrypted-storage-class", "{provisioners: [{name: '', parameter: p}]}");
    assert!(refused.contains("without `name` or `parameter`"));
}
