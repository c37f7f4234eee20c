//! Asks that certificates of people end soon, since nothing else ends them.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, CertificateSigningRequest, Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "user-client-certificate",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_1, "a credential that cannot be revoked ends by itself"),
        Support::supporting(Criterion::CC6_2, "who has left keeps no credential for long"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "long-lived client certificate",
    why: "The API server checks no revocation list: a client certificate signs its holder in until it ends, whether or not \
          the person still works here. Left to the signer, that is usually a year.",
    fix: "Sign in through the identity provider (OIDC), or ask for 30 days at most in `expirationSeconds`.",
    references: &[Reference::Cis("3.1.1")],
    examples: Examples::new(
        "
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: bob}
spec:
  request: LS0t
  signerName: kubernetes.io/kube-apiserver-client
  usages: [client auth]
",
        "
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: bob}
spec:
  request: LS0t
  signerName: kubernetes.io/kube-apiserver-client
  expirationSeconds: 86400
  usages: [client auth]
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::CertificateSigningRequest]), configure),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// Signers whose certificates sign somebody in to the API server.
    signers: Vec<String>,
    /// The longest life of a certificate.
    max_days: u16,
}

impl Default for Parameters {
    fn default() -> Self {
        let signers = ["kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client-kubelet"];
        Self { signers: signers.map(str::to_owned).to_vec(), max_days: 30 }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    if parameters.signers.is_empty() {
        return Err(params.refuse("`signers` is empty: name one, or set the mode to off"));
    }
    if parameters.max_days == 0 {
        return Err(params.refuse("`maxDays` is 0: no certificate could live"));
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.examine(ask, report))))
}

impl Parameters {
    fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        let Some(object) = ask.object else { return };
        let Body::CertificateSigningRequest(csr) = &object.body else { return };
        let max_seconds = i64::from(self.max_days) * 86_400;
        let seconds = csr.expiration_seconds;
        let is_short = seconds.is_some_and(|seconds| seconds <= max_seconds);
        if is_short || is_of_a_node(csr) || !self.signers.iter().any(|signer| *signer == *csr.signer_name) {
            return;
        }
        let days = self.max_days;
        let what = match seconds {
            Some(seconds) => format!("is {seconds}, longer than the {days} days that the policy allows"),
            None => "is not set, so that the signer decides how long it lives".to_owned(),
        };
        let value = seconds.map_or_else(String::new, |seconds| seconds.to_string());
        report.violation_of(Place::of("spec.expirationSeconds"), &value, what);
    }
}

/// Whether a kubelet asks for itself. The API server writes these fields and nobody else can.
fn is_of_a_node(csr: &CertificateSigningRequest) -> bool {
    csr.groups.iter().any(|group| matches!(&**group, "system:nodes" | "system:bootstrappers"))
}
