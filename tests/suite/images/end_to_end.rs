//! The whole way: a real registry on loopback, images with signatures and attestations of real keys, the real program,
//! and what it answers to a Pod that names them.

mod accepted;
mod moving;
mod refused;

use std::time::Instant;

use serde_json::{Value, json};
use soc2gate::{images::Found, object::Digest};
use tempfile::TempDir;

use super::{allowing, registries_file};
use crate::{
    gate::{self, Answer, Gate, SOON},
    oci_registry::{Layer, OciRegistry},
    sigstore::{BUNDLE, ENVELOPE, Flaw, Fulcio, Key, SIMPLE_SIGNING},
};

/// The repository that everything is pushed to.
const SHOP: &str = "shop/web";

const ISSUER: &str = "https://token.example.com";
const WORKFLOW: &str = "https://git.example.com/shop/release.yml@refs/heads/main";

/// A registry, those who may sign, and the gate that believes them.
struct World {
    registry: OciRegistry,
    key: Key,
    fulcio: Fulcio,
    gate: Gate,
    state: TempDir,
}

impl World {
    /// With these checks enforced, each under identities that allow the key and the workflow. Nothing where there is no
    /// registry to start.
    fn start(checks: &[&str]) -> Option<Self> {
        Self::start_with(checks, &[])
    }

    fn start_with(checks: &[&str], flags: &[&str]) -> Option<Self> {
        let registry = OciRegistry::start()?;
        let (key, fulcio) = (Key::make(), Fulcio::make());
        let state = tempfile::tempdir().unwrap();
        let images = format!("{}/shop", registry.host);
        let identities = json!([
            {"images": images, "key": key.pem()},
            {"images": images, "issuer": ISSUER, "subject": "https://git\\.example\\.com/shop/.*"},
        ]);
        let lines = checks.iter().map(|check| enforced(check, &identities));
        let lines: Vec<_> =
            lines.chain(["- {id: unknown-image-evidence, mode: enforce}".to_owned()]).collect();
        let policies = allowing(state.path(), &registry.host, &lines.join("\n  "));
        let registries = registries_file(state.path(), &registry.host);
        let root = state.path().join("root.json");
        std::fs::write(&root, fulcio.trusted_root()).unwrap();
        let own =
            ["--policies", &policies, "--registries", &registries, "--sigstore-root", root.to_str().unwrap()];
        let gate = Gate::start(&[&own[..], flags].concat());
        Some(Self { registry, key, fulcio, gate, state })
    }

    /// An image that nothing else has, by this tag.
    fn image(&self, tag: &str) -> Digest {
        self.registry.push_image(SHOP, tag)
    }

    fn attach(&self, subject: &Digest, found: Found, media_type: &str, bytes: &str) {
        self.attach_with(subject, found, media_type, bytes, &[]);
    }

    fn attach_with(
        &self,
        subject: &Digest,
        found: Found,
        media_type: &str,
        bytes: &str,
        annotations: &[(&str, &str)],
    ) {
        let layer = Layer { media_type, annotations, bytes: bytes.as_bytes() };
        self.registry.push_attached(SHOP, subject, found, &[layer]);
    }

    /// The reference by digest.
    fn by_digest(&self, digest: &Digest) -> String {
        format!("{}/{SHOP}@{digest}", self.registry.host)
    }

    /// The answer to a Pod with this image, once the registry has been asked.
    async fn answer(&self, image: &str) -> Answer {
        self.answer_when(image, |answer| !answer.message().contains("unknown-image-evidence")).await
    }

    async fn answer_when(&self, image: &str, fits: impl Fn(&Answer) -> bool) -> Answer {
        let begun = Instant::now();
        loop {
            let answer = self.gate.create(&gate::pod(json!({"image": image}))).await;
            if fits(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < SOON, "never came: {:?}", answer.body);
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
    }
}

/// A check with the parameters that it needs to judge by the identities.
fn enforced(check: &str, identities: &Value) -> String {
    let params = match check {
        "unscanned-image" | "stale-scan" => json!({"attestors": identities}),
        "mismatched-attestation" => return format!("- {{id: {check}, mode: enforce}}"),
        "vulnerable-image" => json!({"attestors": identities, "severity": "high"}),
        _ => json!({"identities": identities, "tagOnly": "resolve"}),
    };
    format!("- {{id: {check}, mode: enforce, params: {params}}}")
}
