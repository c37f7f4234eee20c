//! Asks that people and pipelines sign in as themselves instead of carrying a workload's token.

use serde::Deserialize;

use super::way_in::Permit;
use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Principal, Reference, Report,
        quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Place},
    request::Requester,
};

pub(super) const CHECK: Check = Check {
    id: "token-requested-by-human",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(
            Criterion::CC6_1,
            "whoever acts is known, and not hidden behind a workload's account",
        ),
        Support::supporting(Criterion::CC6_2, "credentials go to those who were registered for them"),
    ],
    severity: Severity::High,
    needs: &[Need::Request],
    title: "token taken out of the cluster",
    why: "Whoever holds the token is the service account: the audit log names the account and not the person, and leaving \
          the company does not end it. One that is bound to no pod lives on when its workload is gone.",
    fix: "Sign in through the identity provider; let pipelines federate by OIDC instead of carrying a token.",
    references: &[Reference::Cis("5.1.13")],
    examples: Examples::new(
        "
apiVersion: authentication.k8s.io/v1
kind: TokenRequest
metadata: {name: web, namespace: shop}
spec: {expirationSeconds: 3600}
",
        "
apiVersion: authentication.k8s.io/v1
kind: TokenRequest
metadata: {name: web, namespace: shop}
spec:
  expirationSeconds: 3600
  boundObjectRef: {apiVersion: v1, kind: Pod, name: web-0}
",
    )
    .under("robots: [{kind: User, name: ann}]"),
    examine: Examine::Configured(Kinds::These(&[Kind::TokenRequest]), configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Users that are programs.
    robots: Vec<Principal>,
    allow: Vec<Permit>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.examine(ask, report))))
}

impl Parameters {
    fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        let request = ask.request;
        let Some(requester) = &request.requester else {
            let reason = "a token is asked for by a request, not by a manifest";
            return report.not_assessable(Missing::NotKnownHere(reason.into()));
        };
        // The controller manager signs its own controllers in, each with an account of its own.
        let allowed = |permit: &Permit| permit.covers(requester, &request.namespace);
        if requester.is_controller() || self.allow.iter().any(allowed) {
            return;
        }
        let account = quoted(&format!("{}/{}", &*request.namespace, request.object_name()));
        let place = Place::of(request.kind.resource());
        let foreign = requester.service_account().filter(|(namespace, _)| *namespace != &*request.namespace);
        if self.is_human(requester) {
            let who = quoted(requester.username());
            report.violation_of(place, &account, format!("gives {who} a token of account {account}"));
        } else if let Some((namespace, name)) = foreign {
            let who = quoted(&format!("{namespace}/{name}"));
            let what = format!("gives account {who} a token of account {account} in another namespace");
            report.violation_of(place, &account, what);
        } else if !is_bound(ask) {
            let what = format!("is not set, so that the token of account {account} outlives its workload");
            report.violation_of(Place::of("spec.boundObjectRef"), &account, what);
        }
    }

    fn is_human(&self, requester: &Requester<'_>) -> bool {
        !requester.username().starts_with("system:")
            && !self.robots.iter().any(|robot| robot.includes(requester))
    }
}

/// Whether the token ends with an object that has a name.
fn is_bound(ask: &Ask<'_>) -> bool {
    match ask.object.map(|object| &object.body) {
        Some(Body::TokenRequest(token)) => {
            token.bound_object_ref.as_ref().is_some_and(|bound| !bound.name.is_empty())
        }
        _ => false,
    }
}
