//! Gathers what is known of an image: from directories, and from its registry where that may be asked.

use std::{path::Path, sync::Arc};

use jiff::Timestamp;

use super::{Explain, known::Known};
use crate::{
    check::ImageTrust,
    cli::{rules::unreadable, tell, waiting},
    decision::decide,
    images::{Documents, Failure, Registry, Reports, attestations::Verifier, oci::OciRegistries},
    inventory::{
        ImageEvidence, Inventory, Source,
        image_evidence::{Asked, RegistryEvidence, Tagged},
    },
    manifest::{self, Unusable},
    object::{Digest, ImageReference},
    policy::{Choice, PolicySet},
    request::{Request, object_of},
};

/// How many platforms of an index are asked about.
const MOST_PLATFORMS: usize = 32;

/// # Errors
/// Every file that cannot be used.
pub(super) fn gather(explain: &Explain, now: Timestamp) -> Result<Known, Vec<Unusable>> {
    let policies = explain.rules.load(now)?;
    let trust = policies.image_trust();
    let mut reports = explain.evidence.reports()?;
    if let Some(path) = &explain.registries {
        let registries = OciRegistries::read(path).map_err(|error| vec![error])?;
        let verifier = verifier(explain, &trust)?;
        let asking = Asking { registry: &registries, verifier: &verifier, reports: &mut reports, now };
        let evidence =
            asked(asking, &explain.image, &trust).map_err(|reason| vec![unreadable(path, &reason)])?;
        reports.set_registry(Arc::new(evidence));
    }
    // The digests that such a file may speak of are said to be unknown.
    reports.problems().for_each(|problem| tell(unreadable(&problem.file, &problem.reason)));
    let source = match (&explain.registries, &explain.evidence.scan_reports) {
        (None, None) if !explain.evidence.has_feeds() => Source::NotConfigured,
        _ => reports.snapshot(),
    };
    let nothing = ImageEvidence::default();
    let evidence = source.ready().unwrap_or(&nothing);
    let digest = digest(&explain.image, evidence, now);
    let inventory = Inventory { image_evidence: source.clone(), ..Inventory::default() };
    let policies = of_images(policies);
    let decision = {
        let document = pod(&explain.image).map_err(|error| vec![error])?;
        let object = object_of(&document).map_err(|error| vec![error])?;
        decide(&policies, &Request::of_manifest(object), &inventory, now)
    };
    Ok(Known::new(&explain.image, digest, evidence, &policies, &decision))
}

/// The checks about what software runs, as far as they read images.
fn of_images(policies: PolicySet) -> PolicySet {
    let choices: Vec<Choice> = crate::checks::all()
        .filter(|check| check.criterion == crate::criterion::Criterion::CC6_8)
        .map(|check| Choice::Check(check.id))
        .collect();
    policies.narrow(&choices)
}

/// A pod with nothing but this image.
fn pod(image: &ImageReference) -> Result<manifest::Document, Unusable> {
    let text = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: image}}, spec: {{containers: [{{name: image, image: '{image}'}}]}}}}"
    );
    let mut documents = manifest::parse("", &text)?;
    documents.pop().ok_or_else(|| unreadable(Path::new(""), "a pod without a document"))
}

fn verifier(explain: &Explain, trust: &ImageTrust) -> Result<Verifier, Vec<Unusable>> {
    let read = |path: &std::path::PathBuf| {
        std::fs::read_to_string(path).map_err(|error| vec![unreadable(path, &error.to_string())])
    };
    let roots = explain.sigstore_roots.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Verifier::new(&trust.keys, &roots).map_err(|error| {
        let files = explain.sigstore_roots.iter();
        files.map(|file| unreadable(file, &format!("it is no trust root of Sigstore: {error}"))).collect()
    })
}

/// What the image is judged by, and who says so.
fn digest(
    image: &ImageReference,
    evidence: &ImageEvidence,
    now: Timestamp,
) -> Option<(Digest, &'static str)> {
    if let Some(digest) = &image.digest {
        return Some((digest.clone(), "reference"));
    }
    if let Some(Tagged::Resolved { digest, .. }) = evidence.registry().and_then(|all| all.tagged(image)) {
        return Some((digest.clone(), "registry"));
    }
    evidence.last_seen(image, now).map(|(digest, _)| (digest.clone(), "scan"))
}

struct Asking<'a> {
    registry: &'a OciRegistries,
    verifier: &'a Verifier,
    reports: &'a mut Reports,
    now: Timestamp,
}

/// Asks the registry once, for this image and the platforms in it.
fn asked(asking: Asking<'_>, image: &ImageReference, trust: &ImageTrust) -> Result<RegistryEvidence, String> {
    let mut evidence =
        RegistryEvidence { covered: trust.registries.clone().into(), ..RegistryEvidence::default() };
    if evidence.covers(image) {
        waiting::on_one_thread(asking.ask(image, &mut evidence)).map_err(|error| error.to_string())?;
    }
    Ok(evidence)
}

impl Asking<'_> {
    async fn ask(mut self, image: &ImageReference, evidence: &mut RegistryEvidence) {
        let digest = match &image.digest {
            Some(digest) => digest.clone(),
            None => {
                let resolved = self.registry.resolve(image).await;
                let tag = format!("{}:{}", image.name(), image.effective_tag().unwrap_or_default());
                let (tagged, digest) = match resolved {
                    Ok(digest) => {
                        (Tagged::Resolved { digest: digest.clone(), asked_at: self.now }, Some(digest))
                    }
                    Err(failure) => {
                        let reason = failure.to_string().into();
                        (Tagged::Failed { reason, since: self.now, retry_at: self.now }, None)
                    }
                };
                evidence.tags.insert(tag.into(), tagged);
                let Some(digest) = digest else { return };
                digest
            }
        };
        let children = self.ask_one(image, &digest, evidence).await;
        for child in children.iter().take(MOST_PLATFORMS) {
            self.ask_one(image, child, evidence).await;
        }
    }

    /// Asks about one manifest; tells which platforms it holds.
    async fn ask_one(
        &mut self,
        image: &ImageReference,
        digest: &Digest,
        evidence: &mut RegistryEvidence,
    ) -> Vec<Digest> {
        let documents = self.registry.documents(image, digest).await;
        let children = documents.as_ref().map_or_else(|_| Vec::new(), |documents| documents.children.clone());
        let asked = self.verified(image, digest, documents);
        evidence.images.entry(digest.clone()).or_default().push((image.name().into(), asked));
        children
    }

    fn verified(
        &mut self,
        image: &ImageReference,
        digest: &Digest,
        documents: Result<Documents, Failure>,
    ) -> Asked {
        let documents = match documents {
            Ok(documents) => documents,
            Err(failure) => {
                let reason = failure.to_string().into();
                return Asked::Failed { reason, since: self.now, retry_at: self.now };
            }
        };
        let verified = self.verifier.read(&documents, self.now);
        let name = format!("{}@{digest}", image.name());
        let attested = self.reports.take(Path::new(&name), &documents, verified);
        Asked::Answered(Arc::new(attested))
    }
}
