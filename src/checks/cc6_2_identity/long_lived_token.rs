//! Asks that tokens of service accounts end within a day.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "long-lived-token",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_1, "a stolen token is worth little for long"),
        Support::supporting(Criterion::CC6_2, "credentials end soon after the need for them"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "token with a long life",
    why: "A token works for whoever holds it until it ends, whatever happened to the program it was made for. The kubelet \
          renews projected tokens by itself, so a short life costs a pod nothing.",
    fix: "Ask for a day at most (`expirationSeconds: 86400`); the kubelet renews a projected token by itself.",
    references: &[Reference::Cis("1.2.30")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
  volumes:
  - name: token
    projected:
      sources:
      - serviceAccountToken:
          path: token
          audience: vault
          expirationSeconds: 604800
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
  volumes:
  - name: token
    projected:
      sources:
      - serviceAccountToken:
          path: token
          audience: vault
          expirationSeconds: 3600
",
    ),
    examine: Examine::Configured(Kinds::PodSpecsAnd(&[Kind::TokenRequest]), configure),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// The longest life of a token.
    max_seconds: i64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { max_seconds: 86_400 }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { max_seconds } = params.read()?;
    // The API server gives no token for less.
    if max_seconds < 600 {
        return Err(params.refuse("`maxSeconds` is less than the 600 that Kubernetes demands"));
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| examine(ask, max_seconds, report))))
}

fn examine(ask: &Ask<'_>, max_seconds: i64, report: &mut Report) {
    let Some(object) = ask.object else { return };
    let mut judge = |place: Place, seconds: Option<i64>| {
        if let Some(seconds) = seconds.filter(|seconds| *seconds > max_seconds) {
            let what = format!("is {seconds}, longer than the {max_seconds} seconds that the policy allows");
            report.violation_of(place, &seconds.to_string(), what);
        }
    };
    for at in object.pod().iter().flat_map(|pod| pod.tokens()) {
        judge(at.at("expirationSeconds"), at.token.expiration_seconds);
    }
    // A kubelet asks for what a pod says, and the pod was judged when it was made.
    let by_kubelet = ask.request.requester.as_ref().is_some_and(|requester| requester.node().is_some());
    if let Body::TokenRequest(token) = &object.body
        && !by_kubelet
    {
        judge(Place::of("spec.expirationSeconds"), token.expiration_seconds);
    }
}
