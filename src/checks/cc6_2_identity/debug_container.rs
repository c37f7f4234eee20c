//! Refuses containers that somebody adds to a pod that already runs.

use serde::Deserialize;

use super::way_in::Permit;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{ContainerAt, ContainerList, Digest, ImageReference, PodAt},
    request::Operation,
};

pub(super) const CHECK: Check = Check {
    id: "debug-container",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_1, "keeps people out of running programs and their data"),
        Support::supporting(Criterion::CC6_8, "no tools are brought into a pod that were not reviewed"),
        Support::supporting(Criterion::CC7_2, "whoever goes in is noticed"),
    ],
    severity: Severity::High,
    needs: &[Need::Request],
    title: "debug container in a running pod",
    why: "An ephemeral container brings an image of somebody's choice into a pod that was reviewed without it. It shares \
          the pod's network and volumes, can look into its processes, and stays until the pod goes.",
    fix: "Use a debug image that the policy lists by digest in `allowImages`, or ask for a short exemption.",
    references: &[Reference::Cve("CVE-2023-2727"), Reference::Cve("CVE-2023-2728")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
  ephemeralContainers:
  - {name: debug, image: 'busybox:1.37'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
  ephemeralContainers:
  - name: debug
    image: registry.example.com/tools/debug@sha256:1111111111111111111111111111111111111111111111111111111111111111
",
    )
    .under(
        "allowImages: ['registry.example.com/tools/debug@sha256:1111111111111111111111111111111111111111111111111111111111111111']",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    allow_images: Vec<DebugImage>,
    allow: Vec<Permit>,
}

/// An image by its contents.
#[derive(PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct DebugImage {
    name: String,
    digest: Digest,
}

impl TryFrom<String> for DebugImage {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let image = ImageReference::parse(&text).map_err(|error| format!("`{text}` is no image: {error}"))?;
        Self::of(&image).ok_or_else(|| format!("`{text}` has no digest, write it as `repository@sha256:...`"))
    }
}

impl DebugImage {
    /// A tag beside the digest says nothing: the digest decides what is pulled.
    fn of(image: &ImageReference) -> Option<Self> {
        Some(Self { name: image.name(), digest: image.digest.clone()? })
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.examine(ask, report))))
}

impl Parameters {
    fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        let request = ask.request;
        let Some(pod) = ask.object.and_then(|object| object.pod()) else { return };
        let mut added = debug_containers(&pod).peekable();
        let is_update = request.operation == Some(Operation::Update);
        // No other update can change the list.
        if added.peek().is_none() || (is_update && *request.subresource != *"ephemeralcontainers") {
            return;
        }
        let requester = request.requester.as_ref();
        let is_permitted =
            |permit: &Permit| requester.is_some_and(|requester| permit.covers(requester, &request.namespace));
        if self.allow.iter().any(is_permitted) {
            return;
        }
        // What was there before is known by name; an old object that does not decode excuses nothing.
        let old = if is_update { request.old.read(request.kind).unwrap_or_default() } else { None };
        let old = old.as_ref().and_then(|old| old.pod());
        let was_there = |at: &ContainerAt<'_>| {
            old.iter().flat_map(debug_containers).any(|old| old.container.name == at.container.name)
        };
        for at in added.filter(|at| !self.lists(&at.container.image)).filter(|at| !was_there(at)) {
            let image = &*at.container.image;
            let what = format!("is {}, which the policy does not list for debugging", quoted(image));
            report.violation_of(at.at("image"), image, what);
        }
    }

    fn lists(&self, image: &str) -> bool {
        let image = ImageReference::parse(image).ok().and_then(|image| DebugImage::of(&image));
        image.is_some_and(|image| self.allow_images.contains(&image))
    }
}

fn debug_containers<'o>(pod: &PodAt<'o>) -> impl Iterator<Item = ContainerAt<'o>> + use<'o> {
    pod.containers().filter(|at| at.list == ContainerList::EphemeralContainers)
}
