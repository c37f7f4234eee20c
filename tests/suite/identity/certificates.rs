//! Certificate requests: whom they are for, whoever wrote the text and however.

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, string::BmpString};

use super::{NONE, about, refusal, said};
use crate::library::Sent;

const CHECK: &str = "system-masters-identity";
const ASKS: &str = "spec.request asks for the group `system:masters` (an O of its subject)";

/// A PKCS#10 request in PEM for a subject of these parts.
fn pem(subject: &[(DnType, DnValue)]) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in subject {
        params.distinguished_name.push(kind.clone(), value.clone());
    }
    params.serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap()
}

fn text(value: &str) -> DnValue {
    DnValue::Utf8String(value.to_owned())
}

fn manifest(request: &str, fields: &str) -> String {
    format!(
        "{{apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, metadata: {{name: bob}}, spec: \
         {{signerName: kubernetes.io/kube-apiserver-client, usages: [client auth], request: {request}{fields}}}}}"
    )
}

/// A CertificateSigningRequest that holds this text.
fn holding(pem: &str) -> String {
    manifest(&BASE64_STANDARD.encode(pem), "")
}

/// The O of X.520 under another name, since a subject here holds one value of each.
fn second_organization() -> DnType {
    DnType::CustomDnType(vec![2, 5, 4, 10])
}

#[test]
fn a_certificate_for_the_masters_is_refused_in_every_kind_of_string() {
    let printable = DnValue::PrintableString("system:masters".try_into().unwrap());
    let ia5 = DnValue::Ia5String("system:masters".try_into().unwrap());
    let teletex = DnValue::TeletexString("system:masters".try_into().unwrap());
    let bmp = |text: &str| DnValue::BmpString(BmpString::try_from(text).unwrap());
    let universal = DnValue::UniversalString("system:masters".try_into().unwrap());
    let all = [text("system:masters"), printable, ia5, teletex, bmp("system:masters"), universal];
    for value in all.into_iter().chain([bmp("system:masters\0"), text("system:masters\0")]) {
        let subject = [(DnType::CommonName, text("bob")), (DnType::OrganizationName, value.clone())];
        assert_eq!(said(CHECK, "", &holding(&pem(&subject))), [ASKS], "{value:?}");
    }
}

#[test]
fn every_o_is_read_and_nothing_else() {
    let masters = || text("system:masters");
    for (subject, count) in [
        (vec![(DnType::OrganizationName, text("dev")), (second_organization(), masters())], 1),
        (vec![(DnType::OrganizationName, masters()), (second_organization(), text("dev"))], 1),
        (vec![(DnType::OrganizationName, text("dev"))], 0),
        (vec![(DnType::CommonName, masters())], 0),
        (vec![(DnType::OrganizationalUnitName, masters())], 0),
        (vec![(DnType::OrganizationName, text("System:Masters"))], 0),
        (vec![(DnType::OrganizationName, text("system:masters-2"))], 0),
        (vec![], 0),
    ] {
        assert_eq!(said(CHECK, "", &holding(&pem(&subject))).len(), count, "{subject:?}");
    }
}

#[test]
fn a_request_is_found_behind_the_text_that_openssl_writes_and_in_broken_lines() {
    let pem = pem(&[(DnType::OrganizationName, text("system:masters"))]);
    let described = format!("Certificate Request:\n    Data:\n        Version: 1 (0x0)\n{pem}\n");
    assert_eq!(said(CHECK, "", &holding(&described)), [ASKS]);
    assert_eq!(said(CHECK, "", &holding(&pem.replace('\n', "\r\n"))), [ASKS]);
    let encoded = BASE64_STANDARD.encode(&pem);
    let (first, second) = encoded.split_at(60);
    assert_eq!(said(CHECK, "", &manifest(&format!("\"{first}\\n{second}\\n\""), "")), [ASKS]);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let good = pem(&[(DnType::OrganizationName, text("dev"))]);
    let der = BASE64_STANDARD
        .decode(good.lines().filter(|line| !line.starts_with('-')).collect::<String>())
        .unwrap();
    let armour = |der: &[u8]| {
        format!(
            "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
            BASE64_STANDARD.encode(der)
        )
    };
    assert_eq!(said(CHECK, "", &holding(&armour(&der))), NONE, "the armour itself is good");
    let trailing = [&der[..], &[0]].concat();
    for (request, reason) in [
        ("null".to_owned(), "is not in base64"),
        ("''".to_owned(), "is not in base64"),
        ("'%%%'".to_owned(), "is not in base64"),
        (BASE64_STANDARD.encode([0xff, 0xfe]), "does not hold PEM"),
        (BASE64_STANDARD.encode("hello"), "does not hold one PEM block"),
        (BASE64_STANDARD.encode([&*good, &*good].concat()), "does not hold one PEM block"),
        (
            BASE64_STANDARD.encode(good.replace("CERTIFICATE REQUEST", "CERTIFICATE")),
            "does not hold a CERTIFICATE REQUEST in PEM",
        ),
        (
            BASE64_STANDARD.encode(good.replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")),
            "does not hold a CERTIFICATE REQUEST in PEM",
        ),
        (BASE64_STANDARD.encode(good.replace("-----END", "")), "does not hold a CERTIFICATE REQUEST in PEM"),
        (
            BASE64_STANDARD.encode(good.replacen("-----\n", "-----\nProc-Type: 4\n\n", 1)),
            "holds PEM that is not in base64",
        ),
        (BASE64_STANDARD.encode(armour(&trailing)), "is no certificate request (PKCS#10)"),
        (BASE64_STANDARD.encode(armour(&der[..der.len() - 3])), "is no certificate request (PKCS#10)"),
        (BASE64_STANDARD.encode(armour(b"garbage")), "is no certificate request (PKCS#10)"),
    ] {
        let expected = format!("spec.request {reason}, so that nobody can tell for whom it is");
        assert_eq!(said(CHECK, "", &manifest(&request, "")), [expected], "{request}");
    }
}

#[test]
fn no_truncated_request_stops_the_gate() {
    let good = pem(&[(DnType::OrganizationName, text("dev")), (DnType::CommonName, text("bob"))]);
    let body = good.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let der = BASE64_STANDARD.decode(body).unwrap();
    for at in 0..der.len() {
        let mut flipped = der.clone();
        flipped[at] ^= 0xff;
        for bytes in [&der[..at], &flipped] {
            let body = BASE64_STANDARD.encode(bytes);
            let pem =
                format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----");
            assert!(said(CHECK, "", &holding(&pem)).len() <= 1);
        }
    }
}

#[test]
fn a_request_for_the_masters_is_refused_when_it_is_made_whatever_the_signer() {
    let request = BASE64_STANDARD.encode(pem(&[(DnType::OrganizationName, text("system:masters"))]));
    let other = manifest(&request, "").replace("kubernetes.io/kube-apiserver-client", "example.com/mine");
    for manifest in [manifest(&request, ""), other] {
        assert_eq!(about(&Sent::create(&manifest), CHECK, ""), [format!("new {ASKS}")]);
    }
}

const LONG: &str = "user-client-certificate";

#[test]
fn a_persons_certificate_ends_within_a_month() {
    for (fields, sentence) in [
        ("", Some("is not set, so that the signer decides how long it lives")),
        (", expirationSeconds: null", Some("is not set, so that the signer decides how long it lives")),
        (", expirationSeconds: 2592001", Some("is 2592001, longer than the 30 days that the policy allows")),
        (", expirationSeconds: 2592000", None),
        (", expirationSeconds: 600", None),
        (
            ", groups: [system:authenticated]",
            Some("is not set, so that the signer decides how long it lives"),
        ),
        (", groups: [system:nodes, system:authenticated]", None),
        (", groups: [system:bootstrappers]", None),
        (
            ", groups: ['system:bootstrappers:mine']",
            Some("is not set, so that the signer decides how long it lives"),
        ),
    ] {
        let expected = sentence.map(|sentence| format!("spec.expirationSeconds {sentence}"));
        assert_eq!(said(LONG, "", &manifest("LS0t", fields)), Vec::from_iter(expected), "{fields}");
    }
}

#[test]
fn which_signers_and_how_long_are_parameters() {
    let of = |signer: &str| {
        manifest("LS0t", ", expirationSeconds: 172800").replace("kubernetes.io/kube-apiserver-client", signer)
    };
    let client = "kubernetes.io/kube-apiserver-client";
    assert_eq!(said(LONG, "maxDays: 1", &of(client)).len(), 1);
    assert_eq!(said(LONG, "maxDays: 2", &of(client)), NONE);
    assert_eq!(said(LONG, "maxDays: 1", &of("kubernetes.io/kube-apiserver-client-kubelet")).len(), 1);
    assert_eq!(said(LONG, "maxDays: 1", &of("kubernetes.io/kubelet-serving")), NONE);
    assert_eq!(said(LONG, "{maxDays: 1, signers: [example.com/people]}", &of("example.com/people")).len(), 1);
    for params in ["{maxDays: 0}", "{maxDays: -1}", "{signers: []}", "{days: 3}"] {
        assert!(!refusal(LONG, params).is_empty());
    }
}

#[test]
fn an_approval_reports_what_was_asked_for_before_and_denies_nothing() {
    let request = manifest("LS0t", "");
    let sent = Sent::update(&request, &request).set("subResource", "approval".into());
    let told = about(&sent, LONG, "");
    assert!(matches!(&told[..], [one] if one.starts_with("pre-existing ")), "{told:?}");
}
