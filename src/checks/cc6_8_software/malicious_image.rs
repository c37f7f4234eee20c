//! Refuses images that are known to be hostile.

use std::collections::HashSet;

use serde::Deserialize;

use super::untrusted_registry::prefixes;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Params, Report, quoted},
    criterion::{Criterion, Severity, Support},
    inventory::{
        Source,
        image_evidence::{Malicious, Tagged},
    },
    manifest::Unusable,
    object::{Digest, ImageAt, ImageReference},
};

pub(super) const CHECK: Check = Check {
    id: "malicious-image",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC6_8, "software that is known to be malicious is kept out"),
        Support::supporting(Criterion::CC7_2, "an attempt to run it is noticed"),
    ],
    severity: Severity::Critical,
    // Image evidence only adds to what the reference says, so nothing is needed.
    needs: &[],
    title: "malicious image",
    why: "The image, or everything in its repository, is on the list of known malicious software.",
    fix: "Do not run it. Find out who asked for it, and what else they changed.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: evil/miner:1.0
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: evilly/named:1.0
",
    )
    .under("repositories: [docker.io/evil]"),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// `sha256:...`; of a manifest or of an index.
    digests: Vec<String>,
    /// `host[:port]/path`, and everything under it.
    repositories: Vec<String>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { digests, repositories } = params.read()?;
    let read = |text: &String| {
        let refuse =
            || params.refuse(format!("`{text}` in `digests` is no digest, write `sha256:` and 64 digits"));
        Digest::parse(text).ok_or_else(refuse)
    };
    let digests = digests.iter().map(read).collect::<Result<HashSet<_>, _>>()?;
    let repositories = prefixes(params, "repositories", &repositories)?;
    let listed = Malicious { digests, repositories };
    Ok(Examiner::Image(Box::new(move |image, ask: &Ask<'_>, report| examine(image, &listed, ask, report))))
}

const NOTHING_LISTED: &str = "no image is listed as malicious: fill `digests` or `repositories`, or name a list with `--malicious-images`";

/// A reference that does not parse is `untrusted-registry`'s to report: no node can pull it.
fn examine(at: &ImageAt<'_>, listed: &Malicious, ask: &Ask<'_>, report: &mut Report) {
    let feed = ask.inventory.image_evidence.ready().map(|evidence| evidence.malicious());
    let lists = || std::iter::once(listed).chain(feed).filter(|list| !list.is_empty());
    if lists().next().is_none() {
        return report.not_assessable(Missing::NotKnownHere(NOTHING_LISTED.into()));
    }
    let Ok(image) = ask.image(at) else { return };
    let written = || quoted(at.reference);
    let what = if lists().any(|list| list.covers(image)) {
        format!("{} comes from {}, which is listed as malicious", written(), image.name())
    } else if let Some(digest) =
        contents(image, ask).into_iter().find(|digest| lists().any(|list| list.digests.contains(digest)))
    {
        format!("{} holds {}, which is listed as malicious", written(), digest.short())
    } else {
        return;
    };
    report.violation_of(at.place(), at.reference, what);
}

/// Every digest that the image is known to stand for: its own, or those that its tag named in the registry and in the
/// newest scan, and the platform manifests of each.
fn contents(image: &ImageReference, ask: &Ask<'_>) -> Vec<Digest> {
    let Source::Ready(evidence) = &ask.inventory.image_evidence else {
        return image.digest.iter().cloned().collect();
    };
    let named = match evidence.registry().and_then(|registry| registry.tagged(image)) {
        Some(Tagged::Resolved { digest, .. }) => Some(digest),
        _ => None,
    };
    let seen = evidence.last_seen(image, ask.now).map(|(digest, _)| digest);
    let all = image.digest.iter().chain(named).chain(seen);
    all.flat_map(|digest| std::iter::once(digest).chain(evidence.children(digest))).cloned().collect()
}
