//! Refuses Secrets that hold a token without an end.

use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::{Body, Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "long-lived-token-secret",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_1, "credentials end by themselves and lie in no Secret"),
        Support::supporting(Criterion::CC6_2, "a credential ends when the one who got it has left"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "token without an end in a Secret",
    why: "Kubernetes fills a Secret of this type with a token of the account that never ends and works from anywhere. \
          Whoever has read it once, in a backup or a pipeline's log, keeps the account's rights until somebody deletes \
          the Secret.",
    fix: "Mount a projected token, or request one that ends; outside the cluster, federate by OIDC.",
    references: &[Reference::Kubernetes("RBAC Good Practices"), Reference::Kep(2799)],
    examples: Examples::new(
        "
apiVersion: v1
kind: Secret
metadata:
  name: ci
  namespace: shop
  annotations: {kubernetes.io/service-account.name: ci}
type: kubernetes.io/service-account-token
",
        "
apiVersion: authentication.k8s.io/v1
kind: TokenRequest
metadata: {name: ci, namespace: shop}
spec: {expirationSeconds: 3600}
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::Secret]), examine),
};

fn examine(ask: &Ask<'_>, report: &mut Report) {
    const TYPE: &str = "kubernetes.io/service-account-token";
    let Some(object) = ask.object else { return };
    let Body::Secret(secret) = &object.body else { return };
    if *secret.kind == *TYPE {
        let account = object.metadata.annotations.get("kubernetes.io/service-account.name");
        let of = account.map_or_else(String::new, |name| format!(" of account {}", quoted(name)));
        report.violation_of(Place::of("type"), TYPE, format!("is `{TYPE}`, a token{of} that never ends"));
    }
}
