//! Records certificates for TLS that have ended, end soon, or prove too little.

use jiff::Timestamp;
use serde::Deserialize;

use super::certificate::{Certificate, Unusable};
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Params, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest,
    object::{Body, Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "weak-tls-certificate",
    criterion: Criterion::CC6_7,
    tsc: &[Support::direct(Criterion::CC6_7, "the encryption of what is sent can be relied on")],
    severity: Severity::Medium,
    needs: &[],
    title: "weak certificate",
    why: "Clients refuse a certificate that has ended, that names its host only in the common name, or that is signed \
          by a broken digest; who does not refuse it talks to whoever has forged it.",
    fix: "Renew it with RSA 2048 or P-256, SHA-256 and the host as an alternative name.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Secret
metadata: {name: web-tls}
type: kubernetes.io/tls
stringData:
  tls.crt: |
    -----BEGIN CERTIFICATE-----
    MIIBOjCB4aADAgECAgEBMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB3Rlc3QgQ0Ew
    HhcNMjUwMTAxMDAwMDAwWhcNMjYwMTAxMDAwMDAwWjAbMRkwFwYDVQQDDBBzaG9w
    LmV4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/yBQSiuX+H8t
    dAIqQhCxZDXKtn3QlDdkmxeEFlHgrqrxPqStJHVqB9Wu62IdNcHSznkkxKUxXlvL
    PcU6KZlP6KMfMB0wGwYDVR0RBBQwEoIQc2hvcC5leGFtcGxlLmNvbTAKBggqhkjO
    PQQDAgNIADBFAiB4G7ybHGPWH7V5f1Lo8GchrTBFlwfvb/i2NxHeM8e1WwIhAMSj
    YjJJJFXuDfZZt8lIO1NyuA0KhVwxi0n2MuBPy8X8
    -----END CERTIFICATE-----
",
        "
apiVersion: v1
kind: Secret
metadata: {name: web-tls}
type: kubernetes.io/tls
stringData:
  tls.crt: |
    -----BEGIN CERTIFICATE-----
    MIIBOjCB4aADAgECAgEBMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB3Rlc3QgQ0Ew
    HhcNMjYwMTAxMDAwMDAwWhcNMzYwMTAxMDAwMDAwWjAbMRkwFwYDVQQDDBBzaG9w
    LmV4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/yBQSiuX+H8t
    dAIqQhCxZDXKtn3QlDdkmxeEFlHgrqrxPqStJHVqB9Wu62IdNcHSznkkxKUxXlvL
    PcU6KZlP6KMfMB0wGwYDVR0RBBQwEoIQc2hvcC5leGFtcGxlLmNvbTAKBggqhkjO
    PQQDAgNIADBFAiEAq7LslahDnZff2bAQ/I93nh0g0zwwXTf+eOj6ECCNGi8CIEMH
    sYuYZKeqqC0gw1whSWn+2KQO1hkoLc5ghyza3GO9
    -----END CERTIFICATE-----
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Secret]), configure),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// In days before its end, a certificate should have been renewed.
    expires_within_days: u16,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { expires_within_days: 30 }
    }
}

const DAY: i64 = 24 * 60 * 60;

fn configure(params: &Params<'_>) -> Result<Examiner, manifest::Unusable> {
    let Parameters { expires_within_days } = params.read()?;
    let margin = i64::from(expires_within_days) * DAY;
    Ok(Examiner::Whole(Box::new(move |ask, report| look(ask, margin, report))))
}

fn look(ask: &Ask<'_>, margin: i64, report: &mut Report) {
    let Some(Body::Secret(secret)) = ask.object.map(|object| &object.body) else { return };
    if &*secret.kind != "kubernetes.io/tls" {
        return;
    }
    let field = if secret.plain_certificate.is_empty() { "data" } else { "stringData" };
    let place = Place::default().entry(field, "tls.crt");
    match Certificate::of(secret) {
        Ok(certificate) => certificate.judge(ask.now, margin, &place, report),
        Err(Unusable::Garbled(what)) => report.violation(place, what),
        Err(Unusable::Absent) => {
            let reason = "the Secret holds no certificate yet";
            report.not_assessable(Missing::NotKnownHere(reason.into()));
        }
    }
}

impl Certificate {
    fn judge(&self, now: Timestamp, margin: i64, place: &Place, report: &mut Report) {
        let whose = quoted(&self.subject);
        let mut weak = |value: &str, what: String| report.violation_of(place.clone(), value, what);
        let end = Timestamp::from_second(self.not_after);
        let day = end.map_or_else(|_| "no day".to_owned(), |end| end.strftime("%Y-%m-%d").to_string());
        if self.not_after < now.as_second() {
            weak(&format!("ended {day}"), format!("ended on {day} ({whose})"));
        } else if self.not_after - now.as_second() < margin {
            weak(&format!("ends {day}"), format!("ends on {day} ({whose})"));
        }
        if let Some(key) = &self.weak_key {
            weak(key, format!("has a weak key: {key} ({whose})"));
        }
        if let Some(digest) = self.weak_digest {
            weak(digest, format!("is signed with {digest} ({whose})"));
        }
        // An authority speaks for no host.
        if !self.has_alternative_name && !self.is_authority {
            weak("no name", format!("has no subject alternative name ({whose})"));
        }
    }
}
