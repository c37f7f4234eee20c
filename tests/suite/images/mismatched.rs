//! What is attached to an image and speaks of another is pointed out, and an index and its platforms are one.

use soc2gate::{
    inventory::image_evidence::{Asked, Attested, Refused},
    object::Digest,
};

use super::{
    signatures::{of_digit, pending, registry},
    *,
};

/// What a check reports where this much is attached, each speaking of the image of that digit.
fn of(attached: &[&str], image: &str) -> Vec<String> {
    let refused = attached.iter().map(|words| {
        let (what, digit) = words.rsplit_once(' ').unwrap();
        let other = (digit != "-").then(|| of_digit(digit.chars().next().unwrap()));
        Refused {
            is_signature: what == "signature",
            what: what.into(),
            reason: "it is refused".into(),
            other,
        }
    });
    let attested = Attested { attestations: Vec::new(), refused: refused.collect(), asked_at: now() };
    let mut reports = Reports::default();
    reports.set_registry(registry(&[('1', Asked::Answered(attested.into()))], &[]));
    told(&judge(reports.snapshot(), NOW, "mismatched-attestation", "", image))
}

#[test]
fn what_speaks_of_another_image_is_named_and_nothing_else_is() {
    let image = pinned('1');
    assert_eq!(
        of(&["signature 2"], &image),
        [format!("`{image}`: its signature is of sha256:222222222222, another image")]
    );
    assert_eq!(
        of(
            &["signature 2", "signature 2", "attestation https://slsa.dev/provenance/v1 3", "signature 4"],
            &image
        ),
        [format!(
            "`{image}`: its signature is of sha256:222222222222; its attestation https://slsa.dev/provenance/v1 is of \
             sha256:333333333333; +1 more, another image"
        )]
    );
    // Whatever else is refused has other words.
    assert!(of(&["signature -", "signature 1"], &image).is_empty());
    assert!(of(&[], &image).is_empty());
}

#[test]
fn an_index_may_be_meant_where_a_platform_of_it_is_named() {
    let index = format!(
        "{{\"manifests\": [{{\"digest\": \"{}\", \"platform\": {{\"os\": \"linux\", \"architecture\": \"amd64\"}}}}]}}",
        digest('1')
    );
    let hex = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, index.as_bytes());
    let hex: String = hex.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let of_index = Digest::parse(&format!("sha256:{hex}")).unwrap();
    let refused = |other| Refused { is_signature: true, what: "signature".into(), reason: "".into(), other };
    let told_by = |index: &str| {
        let attested = Attested {
            attestations: Vec::new(),
            refused: vec![refused(Some(of_index.clone()))],
            asked_at: now(),
        };
        let mut reports = reports(&[("index.json", index)]);
        reports.set_registry(registry(&[('1', Asked::Answered(attested.into()))], &[]));
        told(&judge(reports.snapshot(), NOW, "mismatched-attestation", "", &pinned('1')))
    };
    assert!(told_by(&index).is_empty());
    // Of an index that nobody has seen it is not known whether it holds the image.
    assert_eq!(told_by("{}").len(), 1);
}

#[test]
fn while_nobody_knows_it_is_left_to_the_check_for_that() {
    let mut reports = Reports::default();
    reports.set_registry(registry(&[('1', pending(3))], &[]));
    let told = told(&judge(reports.snapshot(), NOW, "mismatched-attestation", "", &pinned('1')));
    assert!(told[0].starts_with("left to unknown-image-evidence: "), "{told:?}");
}
