//! What registries hold about images: whose word counts, and what is said while nobody knows.

use rcgen::PublicKeyData;
use soc2gate::{
    check::{Gathering, Params},
    inventory::image_evidence::{
        Asked, Attestation, Attested, Attester, Claim, Refused, RegistryEvidence, Signer, Tagged,
    },
    object::{Digest, ImagePrefix},
};

use super::*;

const NAME: &str = "registry.example.com/shop/web";
const IDENTITIES: &str = "identities: [{images: registry.example.com/shop, issuer: 'https://ci.io', subject: 'https://ci\\.io/shop/.+', signedAs: [build.io/shop]}]";
pub(super) const WEB: &str = "https://ci.io/shop/web";

pub(super) fn by(subject: &str) -> Attester {
    let signer = Signer::Certificate { issuer: "https://ci.io".into(), subject: subject.into() };
    Attester { signer, named: None, signed_at: None }
}

fn named(subject: &str, repository: &str) -> Attester {
    Attester { named: Some(repository.into()), ..by(subject) }
}

fn signed(by: Attester) -> Attestation {
    Attestation { claim: Claim::Signature, by }
}

pub(super) fn answered(attestations: Vec<Attestation>) -> Asked {
    Asked::Answered(Attested { attestations, refused: Vec::new(), asked_at: now() }.into())
}

pub(super) fn pending(seconds: i64) -> Asked {
    Asked::Pending { since: now() - jiff::SignedDuration::from_secs(seconds) }
}

pub(super) fn failed() -> Asked {
    let since = now() - jiff::SignedDuration::from_mins(5);
    let retry_at = now() + jiff::SignedDuration::from_secs(40);
    Asked::Failed { reason: "it wants other credentials".into(), since, retry_at }
}

pub(super) fn of_digit(digit: char) -> Digest {
    Digest::parse(&digest(digit)).unwrap()
}

/// The evidence of these files and of a registry that answered so, by the digit of the digest.
pub(super) fn with_registry(
    files: &[(&str, String)],
    images: &[(char, Asked)],
    tags: &[(&str, Tagged)],
) -> Source<ImageEvidence> {
    let mut reports = reports(files);
    reports.set_registry(registry(images, tags));
    reports.snapshot()
}

/// What a registry answered, by the digit of the digest and by tag.
pub(super) fn registry(
    images: &[(char, Asked)],
    tags: &[(&str, Tagged)],
) -> std::sync::Arc<RegistryEvidence> {
    let images = images.iter().map(|(digit, asked)| (of_digit(*digit), vec![(NAME.into(), asked.clone())]));
    RegistryEvidence {
        covered: [ImagePrefix::parse("registry.example.com").unwrap()].into(),
        images: images.collect(),
        tags: tags.iter().map(|(tag, named)| (format!("{NAME}:{tag}").into(), named.clone())).collect(),
    }
    .into()
}

fn of(images: &[(char, Asked)], check: &str, params: &str, image: &str) -> Vec<String> {
    told(&judge(with_registry(&[], images, &[]), NOW, check, params, image))
}

#[test]
fn an_image_is_signed_by_whom_the_policy_names_and_by_nobody_else() {
    let image = pinned('1');
    let is_signed = |by: Attester| {
        let images = [('1', answered(vec![signed(by)]))];
        let unsigned = of(&images, "unsigned-image", IDENTITIES, &image);
        let untrusted = of(&images, "untrusted-signer", IDENTITIES, &image);
        assert_eq!(unsigned.is_empty(), untrusted.is_empty(), "{unsigned:?} {untrusted:?}");
        unsigned.is_empty()
    };
    assert!(is_signed(by(WEB)));
    assert!(is_signed(named(WEB, NAME)));
    assert!(is_signed(named(WEB, "build.io/shop/web")), "another repository that the policy names");
    assert!(!is_signed(named(WEB, "registry.example.com/shop/other")));
    assert!(!is_signed(named(WEB, "build.io/shopping/web")));
    assert!(!is_signed(by("https://ci.io/shop/")));
    assert!(!is_signed(by("evil https://ci.io/shop/web")));
    assert!(!is_signed(by("https://ci-io/shop/web")));
    let other = Signer::Certificate { issuer: "https://ci.io.evil.com".into(), subject: WEB.into() };
    assert!(!is_signed(Attester { signer: other, ..by(WEB) }));
}

#[test]
fn unsigned_signed_by_somebody_else_and_refused_are_told_apart() {
    let image = pinned('1');
    let unsigned = [('1', answered(Vec::new()))];
    assert_eq!(
        of(&unsigned, "unsigned-image", IDENTITIES, &image),
        [format!("`{image}`: its registry holds no signature for it")]
    );
    assert_eq!(
        of(&unsigned, "untrusted-signer", IDENTITIES, &image),
        ["left to unsigned-image: an image has no signature, or nobody is named who may sign it"]
    );
    let others = [(
        '1',
        answered(vec![signed(by("eve")), signed(named(WEB, "evil.io/shop/web")), signed(by("mallory"))]),
    )];
    assert_eq!(
        of(&others, "untrusted-signer", IDENTITIES, &image),
        [format!(
            "`{image}`: none of its signatures counts: one by eve (vouched for by https://ci.io), who is not named for \
             it; one by {WEB} (vouched for by https://ci.io) is for evil.io/shop/web; +1 more"
        )]
    );
    assert_eq!(
        of(&others, "unsigned-image", IDENTITIES, &image),
        ["left to untrusted-signer: an image is signed by nobody who may"]
    );
    let reason = "its subject is sha256:99, another image";
    let refused =
        Refused { is_signature: true, what: "signature".into(), reason: reason.into(), other: None };
    let refused = Attested { attestations: Vec::new(), refused: vec![refused], asked_at: now() };
    assert_eq!(
        of(&[('1', Asked::Answered(refused.into()))], "untrusted-signer", IDENTITIES, &image),
        [format!("`{image}`: none of its signatures counts: one is refused: {reason}")]
    );
}

#[test]
fn an_image_for_which_nobody_is_named_has_nothing_that_counts_whatever_is_attested() {
    let image = "registry.example.com/tools/web@".to_owned() + &digest('1');
    assert_eq!(
        of(&[], "unsigned-image", IDENTITIES, &image),
        [format!("`{image}`: nobody is named whose signature for registry.example.com/tools/web counts")]
    );
    // Nor is an image from where nobody asks let through for want of an answer.
    for (check, what) in [("missing-provenance", "provenance"), ("missing-sbom", "SBOM")] {
        assert_eq!(
            of(&[], check, IDENTITIES, "evil.io/web"),
            [format!("`evil.io/web`: nobody is named whose {what} for evil.io/web counts")]
        );
    }
}

#[test]
fn a_signature_in_one_repository_is_none_in_another() {
    let image = format!("registry.example.com/shop/copy@{}", digest('1'));
    let told = of(&[('1', answered(vec![signed(by(WEB))]))], "unsigned-image", IDENTITIES, &image);
    assert!(
        told[0].starts_with("left to unknown-image-evidence: its evidence is about to be fetched"),
        "{told:?}"
    );
}

#[test]
fn while_nobody_knows_one_check_says_so_and_the_others_leave_it_to_that() {
    let image = pinned('1');
    for (asked, reason) in [
        (
            pending(3),
            "its evidence is being fetched from registry.example.com since 3 s; try again in half a minute",
        ),
        (
            failed(),
            "its evidence could not be fetched from registry.example.com, first 5 min ago: it wants other credentials; \
             it is asked again in 40 s",
        ),
    ] {
        let images = [('1', asked)];
        assert_eq!(of(&images, "unknown-image-evidence", "", &image), [format!("`{image}`: {reason}")]);
        for check in ["unsigned-image", "untrusted-signer", "missing-provenance", "missing-sbom"] {
            let left = format!("left to unknown-image-evidence: {reason}");
            assert_eq!(of(&images, check, IDENTITIES, &image), [left], "{check}");
        }
    }
    assert_eq!(of(&[('1', answered(Vec::new()))], "unknown-image-evidence", "", &image), [""; 0]);
}

#[test]
fn what_nobody_asks_is_not_known_and_says_which_setting_to_fill() {
    let nothing: [(&str, String); 0] = [];
    for check in ["unsigned-image", "untrusted-signer", "missing-provenance", "missing-sbom"] {
        assert_eq!(
            told(&judge(evidence(&nothing), NOW, check, IDENTITIES, &pinned('1'))),
            ["not known: no registry is asked about images: name the registries to ask with `--registries`"]
        );
        let elsewhere = format!("other.io/shop/web@{}", digest('1'));
        let identities = "identities: [{images: other.io, issuer: i, subject: s}]";
        assert_eq!(
            of(&[], check, identities, &elsewhere),
            [
                "not known: the registry other.io is not asked about images: list it in `allow` of `untrusted-registry`"
            ]
        );
        let empty = told(&judge(evidence(&nothing), NOW, check, "", &pinned('1')));
        assert_eq!(empty, ["not known: the parameter `identities` is empty in the policy"]);
    }
}

#[test]
fn an_enforced_signature_errs_while_unknown_and_denies_the_unsigned() {
    use soc2gate::decision::Outcome;
    let decide = |checks: &str, asked: Asked| {
        let policy = format!(
            "{{apiVersion: soc2gate.io/v1, kind: ControlPolicy, metadata: {{name: p}}, spec: {{criterion: CC6.8, \
             control: c, checks: [{checks}]}}}}"
        );
        let policies = library::policies(&[&policy]);
        let image_evidence = with_registry(&[], &[('1', asked)], &[]);
        let inventory = Inventory { image_evidence, ..Inventory::default() };
        library::Sent::create(&pod(&pinned('1'))).amid(inventory).at(NOW).decide(&policies).outcome
    };
    let unsigned = format!("{{id: unsigned-image, mode: enforce, params: {{{IDENTITIES}}}}}");
    let with_word = format!("{unsigned}, {{id: unknown-image-evidence, mode: warn}}");
    assert_eq!(decide(&unsigned, answered(vec![signed(by(WEB))])), Outcome::Allow);
    assert_eq!(decide(&unsigned, answered(Vec::new())), Outcome::Deny);
    assert_eq!(decide(&unsigned, pending(1)), Outcome::Error { denies: true });
    assert_eq!(decide(&with_word, pending(1)), Outcome::Warn);
    // Without the check that has the word for it, a signature by anybody would pass.
    assert_eq!(decide(&unsigned, answered(vec![signed(by("eve"))])), Outcome::Error { denies: true });
    let both = format!("{unsigned}, {{id: untrusted-signer, mode: enforce, params: {{{IDENTITIES}}}}}");
    assert_eq!(decide(&both, answered(vec![signed(by("eve"))])), Outcome::Deny);
}

const INDEX: &str =
    "registry.example.com/shop/web@sha256:1c455b4f2c14de7c84b596d4e0fcaa8f96ccb9b19915b416c81908d2d087676e";

#[test]
fn an_index_is_signed_by_itself_or_by_all_its_platforms() {
    let file = include_str!("../../fixtures/scan-reports/index.json");
    let of = |own: Vec<Attestation>, amd: Option<Asked>, arm: Option<Asked>, check: &str| {
        let mut reports = reports(&[("index.json", file)]);
        let digest = Digest::parse(&INDEX[30..]).unwrap();
        let mut images = std::collections::HashMap::from([(digest, vec![(NAME.into(), answered(own))])]);
        for (digit, asked) in [('5', amd), ('6', arm)] {
            images.extend(asked.map(|asked| (of_digit(digit), vec![(NAME.into(), asked)])));
        }
        let covered = [ImagePrefix::parse("registry.example.com").unwrap()].into();
        reports.set_registry(RegistryEvidence { covered, images, ..RegistryEvidence::default() }.into());
        told(&judge(reports.snapshot(), NOW, check, IDENTITIES, INDEX))
    };
    let good = || Some(answered(vec![signed(by(WEB))]));
    let unsigned = || Some(answered(Vec::new()));
    assert_eq!(of(vec![signed(by(WEB))], unsigned(), unsigned(), "unsigned-image"), [""; 0]);
    assert_eq!(of(Vec::new(), good(), good(), "unsigned-image"), [""; 0]);
    let half = of(Vec::new(), good(), unsigned(), "untrusted-signer");
    assert!(
        half[0].ends_with("none of its signatures counts: not every platform of it is signed"),
        "{half:?}"
    );
    let unknown = of(Vec::new(), good(), Some(pending(2)), "unsigned-image");
    assert!(
        unknown[0].starts_with(
            "left to unknown-image-evidence: its evidence on its platform sha256:666666666666 is"
        ),
        "{unknown:?}"
    );
    let none = of(Vec::new(), None, None, "unsigned-image");
    assert!(none[0].contains("its registry holds no signature for it"), "{none:?}");
}

#[test]
fn a_key_in_the_policy_is_known_by_its_fingerprint_and_handed_to_whoever_verifies() {
    let pair = rcgen::KeyPair::generate().unwrap();
    let pem = pair.public_key_pem();
    let params =
        serde_json::json!({"identities": [{"images": ["registry.example.com"], "key": pem}]}).to_string();
    let document = library::document(&params);
    let gathering = Gathering::default();
    let configure = checks::find("unsigned-image").unwrap();
    configure.examine.configure(&Params::of(&document.root).gathering(&gathering)).unwrap();
    let keys = gathering.borrow().keys.clone();
    let (fingerprint, der) = keys.first_key_value().unwrap();
    assert_eq!(**der, pair.subject_public_key_info());
    let by_key = |fingerprint: &str| {
        let signer = Signer::Key { fingerprint: fingerprint.into() };
        answered(vec![signed(Attester { signer, named: None, signed_at: None })])
    };
    assert_eq!(of(&[('1', by_key(fingerprint))], "unsigned-image", &params, &pinned('1')), [""; 0]);
    let other = of(&[('1', by_key("sha256:0123456789ab"))], "untrusted-signer", &params, &pinned('1'));
    assert!(other[0].contains("one by the key sha256:0123456789ab, who is not named for it"), "{other:?}");
}

#[test]
fn an_identity_that_means_nobody_or_anybody_is_refused_with_its_place() {
    let pair = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["a.io".to_owned()]).unwrap().self_signed(&pair).unwrap();
    let with_key = |key: &str| format!("{{identities: [{{images: r.io, key: {}}}]}}", serde_json::json!(key));
    let garbled = pair.public_key_pem().replace("MF", "AA");
    for (params, reason) in [
        ("{identities: [{images: r.io}]}".to_owned(), "says not who signs"),
        ("{identities: [{images: [], issuer: i, subject: s}]}".to_owned(), "names no `images`"),
        ("{identities: [{images: team, issuer: i, subject: s}]}".to_owned(), "`team` in `images`"),
        ("{identities: [{images: r.io, issuer: i, subject: s, key: k}]}".to_owned(), "has both a `key`"),
        (
            "{identities: [{images: r.io, issuer: i, subject: '('}]}".to_owned(),
            "`subject` is no regular expression",
        ),
        ("{identities: [{images: r.io, issuer: i, subject: 'a)|(b'}]}".to_owned(), "`subject` is no regular"),
        (
            "{identities: [{images: r.io, issuer: i, subject: '.*'}]}".to_owned(),
            "`subject` matches an empty text",
        ),
        ("{identities: [{images: r.io, issuer: i, subject: s, email: e}]}".to_owned(), "email"),
        (with_key(&pair.serialize_pem()), "is a private key"),
        (with_key(&certificate.pem()), "is a certificate: write its public key"),
        (with_key(&garbled), "holds no public key"),
        (with_key("k"), "is no single"),
    ] {
        let refusal = library::refusal("unsigned-image", &params);
        assert!(refusal.contains(reason), "{params}: {refusal}");
        assert!(refusal.starts_with("p0.yaml:1:"), "{refusal}");
    }
    assert!(library::refusal("missing-provenance", "{builders: ['(']}").contains("`builders` is no regular"));
    assert!(library::refusal("missing-sbom", "{formats: [text]}").contains("text"));
}

#[test]
fn provenance_counts_by_signer_builder_and_source() {
    let params = format!(
        "{{{IDENTITIES}, builders: ['https://builder\\.io/v1'], sources: ['git\\+https://git\\.io/shop/.+']}}"
    );
    let image = pinned('1');
    let told = |by: Attester, builder: &str, source: Option<&str>| {
        let claim = Claim::Provenance { builder: builder.into(), source: source.map(Into::into) };
        of(&[('1', answered(vec![Attestation { claim, by }]))], "missing-provenance", &params, &image)
    };
    let (builder, source) = ("https://builder.io/v1", Some("git+https://git.io/shop/web"));
    assert_eq!(told(by(WEB), builder, source), [""; 0]);
    for (told, reason) in [
        (
            told(by("eve"), builder, source),
            "its provenance by eve (vouched for by https://ci.io), who is not named for it",
        ),
        (
            told(by(WEB), "https://builder.io/v11", source),
            "it was built by `https://builder.io/v11`, which is not allowed",
        ),
        (
            told(by(WEB), builder, Some("git+https://git.io/evil")),
            "it was built from `git+https://git.io/evil`, which is not allowed",
        ),
        (told(by(WEB), builder, None), "its provenance does not say from which source"),
        (
            of(&[('1', answered(vec![signed(by(WEB))]))], "missing-provenance", &params, &image),
            "its registry holds no provenance for it",
        ),
    ] {
        assert_eq!(told, [format!("`{image}`: {reason}")]);
    }
}

#[test]
fn an_sbom_counts_by_signer_and_format() {
    let image = pinned('1');
    let told = |by: Attester, format: &'static str, params: &str| {
        let params = format!("{{{IDENTITIES}{params}}}");
        let attestation = Attestation { claim: Claim::Sbom { format }, by };
        of(&[('1', answered(vec![attestation]))], "missing-sbom", &params, &image)
    };
    assert_eq!(told(by(WEB), "SPDX", ""), [""; 0]);
    assert_eq!(
        told(by(WEB), "SPDX", ", formats: [CycloneDX]"),
        [format!("`{image}`: its SBOM is in SPDX, which is not asked for")]
    );
    let eve = told(by("eve"), "SPDX", "");
    assert!(
        eve[0].contains("its SPDX by eve (vouched for by https://ci.io), who is not named for it"),
        "{eve:?}"
    );
}
