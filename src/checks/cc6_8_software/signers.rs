//! What the checks of attestations have in common: whose word counts, and what is said where nobody's can.

use serde::Deserialize;

use super::{
    attested::{Held, Look, left, look},
    identity::{Identities, Written},
    subject::TagOnly,
};
use crate::{
    check::{Ask, Examiner, Params, Report, quoted},
    manifest::Unusable,
    object::ImageAt,
};

/// Whose word counts, as a check without other parameters has it written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    /// Mandatory.
    identities: Vec<Written>,
    tag_only: TagOnly,
}

/// Whose word counts for which images.
pub(super) struct Signers {
    pub(super) identities: Identities,
    pub(super) tag_only: TagOnly,
}

/// How a check looks at one image.
type OnImage = fn(&ImageAt<'_>, &Signers, &Ask<'_>, &mut Report);

/// A check that has no other parameters.
pub(super) fn configure(params: &Params<'_>, examine: OnImage) -> Result<Examiner, Unusable> {
    let Parameters { identities, tag_only } = params.read()?;
    let Some(signers) = Signers::read(params, identities, tag_only)? else { return Ok(UNFILLED) };
    Ok(Examiner::Image(Box::new(move |image, ask: &Ask<'_>, report| examine(image, &signers, ask, report))))
}

/// Nobody is named.
pub(super) const UNFILLED: Examiner = Examiner::Unfilled { parameter: "identities" };

impl Signers {
    /// Reads the two parameters; nothing if nobody is named.
    ///
    /// # Errors
    /// The identity that cannot be used.
    pub(super) fn read(
        params: &Params<'_>,
        identities: Vec<Written>,
        tag_only: TagOnly,
    ) -> Result<Option<Self>, Unusable> {
        let identities = Identities::read(params, "identities", identities)?;
        Ok((!identities.is_empty()).then_some(Self { identities, tag_only }))
    }

    /// What is held of an image for which somebody's word counts. Where nobody's can, that is a violation: `what` is
    /// the word that is missing, such as `signature`.
    pub(super) fn held<'e>(
        &self,
        at: &ImageAt<'_>,
        what: &str,
        ask: &Ask<'e>,
        report: &mut Report,
    ) -> Option<Held<'e>> {
        // What nobody may say needs not be asked for.
        if let Some(image) = ask.image(at).ok().filter(|image| !self.identities.cover(image)) {
            let name = image.name();
            let what = format!("{}: nobody is named whose {what} for {name} counts", quoted(at.reference));
            report.violation_of(at.place(), at.reference, what);
            return None;
        }
        match known(at, look(at, self.tag_only, ask), report)? {
            Some(held) => Some(held),
            None => {
                let what =
                    format!("{} has no digest, so that no {what} is known to be of it", quoted(at.reference));
                report.violation_of(at.place(), at.reference, what);
                None
            }
        }
    }
}

/// What is held of an image, or nothing of one without a digest. What is missing or not known yet goes into the report.
pub(super) fn known<'e>(at: &ImageAt<'_>, look: Look<'e>, report: &mut Report) -> Option<Option<Held<'e>>> {
    match look {
        Look::Nothing => {}
        Look::Missing(missing) => report.not_assessable(missing),
        Look::Unknown(reason) => report.not_assessable(left(reason)),
        Look::TagOnly => return Some(None),
        Look::Held(held) => {
            if !held.found.is_empty() {
                report.resolved(at.reference, held.digest);
            }
            return Some(Some(held));
        }
    }
    None
}
