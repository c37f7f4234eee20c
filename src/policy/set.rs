//! The policies in force, indexed by kind. Immutable: a reload makes a new set.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{Choice, ControlPolicy, Exemption, Exemptions, Mode, applies::Match};
use crate::{
    check::{Check, Examiner, Home, ImageTrust, Need, Params, Version},
    checks,
    criterion::Criterion,
    inventory::Standing,
    manifest::{self, Unusable},
    object::Kind,
    secrets::FingerprintKey,
};

/// What holds for all policies at once.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The cluster's version.
    pub version: Version,
    /// Lowers every mode to at most this one; never raises one.
    pub ceiling: Option<Mode>,
    /// The install key that fingerprints of secrets are made with; without one none is printed.
    pub fingerprint_key: Option<Arc<FingerprintKey>>,
    /// The namespace that the gate itself lives in; absent means the one of the manifests.
    pub namespace: Option<String>,
    /// The groups whose members install and upgrade the gate, beside those that policies name.
    pub installers: Vec<String>,
}

impl Settings {
    /// Where the gate lives.
    pub(super) fn home(&self) -> Home<'_> {
        let namespace = self.namespace.as_deref().unwrap_or(Home::DEFAULT.namespace);
        Home { namespace, installers: &self.installers }
    }

    pub(super) fn under_ceiling(&self, mode: Mode) -> Mode {
        self.ceiling.map_or(mode, |ceiling| mode.min(ceiling))
    }
}

/// One check under one policy, ready to examine.
pub struct Bound {
    pub check: &'static Check,
    /// The mode after the ceiling.
    pub mode: Mode,
    /// The mode as the policy states it.
    pub stated_mode: Mode,
    pub policy: Arc<ControlPolicy>,
    pub examiner: Examiner,
    /// What it needs from registries.
    pub image_trust: ImageTrust,
    pub version: Version,
}

/// What concerns the objects of one kind.
#[derive(Default)]
struct OfKind {
    /// Positions in [`PolicySet::bound`].
    checks: Vec<usize>,
    /// Whether a check looks at the object as it was.
    compares: bool,
}

/// The policies in force, with their exemptions.
pub struct PolicySet {
    bound: Vec<Bound>,
    by_kind: Vec<OfKind>,
    policies: Vec<Arc<ControlPolicy>>,
    standing: Arc<BTreeMap<String, Standing>>,
    exemptions: Exemptions,
    digest: String,
    has_overlaps: bool,
    fingerprint_key: Option<Arc<FingerprintKey>>,
}

impl PolicySet {
    pub(super) fn of(mut bound: Vec<Bound>, policies: Vec<Arc<ControlPolicy>>, digest: String) -> Self {
        bound.retain(|bound| bound.mode != Mode::Off);
        // Most severe first, so that findings come out in the order they are shown.
        bound.sort_by_key(|bound| std::cmp::Reverse(bound.check.severity));
        let by_kind = Kind::ALL
            .iter()
            .map(|kind| {
                let concerns = |(_, bound): &(usize, &Bound)| bound.check.examine.kinds().contains(*kind);
                let compares = |bound: &Bound| bound.check.needs.contains(&Need::OldObject);
                let concerning = bound.iter().enumerate().filter(concerns);
                concerning.fold(OfKind::default(), |mut of_kind, (position, bound)| {
                    of_kind.checks.push(position);
                    of_kind.compares |= compares(bound);
                    of_kind
                })
            })
            .collect();
        let mut ids: Vec<_> = bound.iter().map(|bound| bound.check.id).collect();
        ids.sort_unstable();
        let has_overlaps = ids.windows(2).any(|pair| pair.first() == pair.last());
        Self {
            bound,
            by_kind,
            policies,
            standing: Arc::default(),
            exemptions: Exemptions::default(),
            digest,
            has_overlaps,
            fingerprint_key: None,
        }
    }

    /// Only what was chosen, instead of everything in force.
    #[must_use]
    pub fn select(mut self, choices: &[Choice], settings: &Settings) -> Self {
        let chosen = |check: &Check| choices.iter().any(|choice| choice.includes(check));
        let to_the_letter = |check: &Check| {
            choices.iter().any(|choice| matches!(choice, Choice::Standard(_)) && choice.includes(check))
        };
        self.bound.retain(|bound| chosen(bound.check) && !to_the_letter(bound.check));
        for check in checks::all().filter(|check| chosen(check)) {
            let by_id =
                choices.iter().any(|choice| matches!(choice, Choice::Check(_)) && choice.includes(check));
            let absent = by_id && !self.bound.iter().any(|bound| bound.check.id == check.id);
            let params = if to_the_letter(check) { Params::STANDARD } else { Params::DEFAULT };
            let params = params.at(settings.home());
            if !to_the_letter(check) && !absent {
                continue;
            }
            // Defaults always parse: a test configures every check with them.
            let Ok(examiner) = check.examine.configure(&params) else { continue };
            self.bound.push(Bound {
                check,
                mode: settings.under_ceiling(Mode::Enforce),
                stated_mode: Mode::Enforce,
                policy: Arc::new(ControlPolicy::chosen(check.criterion)),
                examiner,
                image_trust: ImageTrust::default(),
                version: settings.version,
            });
        }
        self.indexed()
    }

    /// Only the chosen checks, as the policies have them: unlike [`PolicySet::select`] it adds and raises nothing.
    #[must_use]
    pub fn narrow(mut self, choices: &[Choice]) -> Self {
        self.bound.retain(|bound| choices.iter().any(|choice| choice.includes(bound.check)));
        self.indexed()
    }

    /// The same checks, all of them enforced: to learn what would be denied.
    #[must_use]
    pub fn enforced(mut self) -> Self {
        for bound in &mut self.bound {
            bound.mode = Mode::Enforce;
        }
        self
    }

    /// The same policies, indexed again after their checks have changed.
    fn indexed(mut self) -> Self {
        let exemptions = std::mem::take(&mut self.exemptions);
        let fingerprint_key = self.fingerprint_key.take();
        let standing = std::mem::take(&mut self.standing);
        Self { exemptions, fingerprint_key, standing, ..Self::of(self.bound, self.policies, self.digest) }
    }

    /// The same policies with the install key for the fingerprints of secrets.
    pub(super) fn with_fingerprint_key(mut self, key: Option<Arc<FingerprintKey>>) -> Self {
        self.fingerprint_key = key;
        self
    }

    /// The same policies, knowing what stands under each name.
    pub(super) fn with_standing(mut self, standing: BTreeMap<String, Standing>) -> Self {
        self.standing = Arc::new(standing);
        self
    }

    /// What is in force under each name, and what would be without the cluster's object of it.
    pub fn standing(&self) -> &Arc<BTreeMap<String, Standing>> {
        &self.standing
    }

    /// The policy of this name.
    pub fn policy(&self, name: &str) -> Option<&ControlPolicy> {
        self.policies.iter().find(|policy| policy.name == name).map(|policy| &**policy)
    }

    /// The install key for the fingerprints of secrets, if there is one.
    pub fn fingerprint_key(&self) -> Option<&Arc<FingerprintKey>> {
        self.fingerprint_key.as_ref()
    }

    /// The same policies with these exemptions.
    #[must_use]
    pub fn with_exemptions(mut self, exemptions: Exemptions) -> Self {
        self.exemptions = exemptions;
        self
    }

    /// Reads exemption files against these policies.
    ///
    /// # Errors
    /// Everything that is wrong in the files, each with its place.
    pub fn read_exemptions<'t>(
        &self,
        files: impl IntoIterator<Item = (&'t str, &'t str)>,
        now: Timestamp,
    ) -> Result<Exemptions, Vec<Unusable>> {
        let mut errors = Vec::new();
        let mut exemptions: Vec<Exemption> = Vec::new();
        for (file, text) in files {
            let documents = manifest::parse(file, text).unwrap_or_else(|error| {
                errors.push(error);
                Vec::new()
            });
            for document in documents {
                match Exemption::read(&document, now, |check| self.longest_exemption(check)) {
                    Ok(exemption) if exemptions.iter().any(|other| other.name == exemption.name) => {
                        let message =
                            format!("an exemption `{}` exists: give it another name", exemption.name);
                        errors.push(document.unusable(document.place("metadata.name"), message));
                    }
                    Ok(exemption) => exemptions.push(exemption),
                    Err(error) => errors.push(error),
                }
            }
        }
        if errors.is_empty() { Ok(Exemptions::new(exemptions)) } else { Err(errors) }
    }

    /// The longest that every policy with this check allows, in days.
    pub(super) fn longest_exemption(&self, check: &str) -> Option<u16> {
        self.policies
            .iter()
            .filter(|policy| policy.checks.iter().any(|entry| entry.id == check))
            .map(|policy| policy.exemptions.max_days)
            .min()
    }

    /// The checks that concern a kind, most severe first.
    pub fn concerning(&self, kind: Kind) -> impl Iterator<Item = &Bound> {
        let positions = self.by_kind.get(kind.index()).map_or(&[][..], |of_kind| &of_kind.checks);
        positions.iter().filter_map(|position| self.bound.get(*position))
    }

    /// Whether a check compares the objects of this kind with what they were.
    pub fn compares(&self, kind: Kind) -> bool {
        self.by_kind.get(kind.index()).is_some_and(|of_kind| of_kind.compares)
    }

    /// Whether anything could be denied for objects of this kind.
    pub fn enforces(&self, kind: Kind) -> bool {
        self.concerning(kind).any(|bound| bound.mode == Mode::Enforce)
    }

    /// Every check in force, most severe first.
    pub fn bound(&self) -> &[Bound] {
        &self.bound
    }

    /// What the checks in force need from registries, all together.
    pub fn image_trust(&self) -> ImageTrust {
        let mut all = ImageTrust::default();
        for one in self.bound.iter().map(|bound| &bound.image_trust) {
            all.keys.extend(one.keys.iter().map(|(fingerprint, key)| (fingerprint.clone(), key.clone())));
            all.registries.extend(
                one.registries
                    .iter()
                    .filter(|prefix| !all.registries.contains(prefix))
                    .cloned()
                    .collect::<Vec<_>>(),
            );
        }
        all
    }

    pub fn policies(&self) -> &[Arc<ControlPolicy>] {
        &self.policies
    }

    pub fn exemptions(&self) -> &Exemptions {
        &self.exemptions
    }

    /// `sha256:` over the policies, the version and the ceiling.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Whether two policies hold one check, so that findings may come twice.
    pub const fn has_overlaps(&self) -> bool {
        self.has_overlaps
    }
}

impl ControlPolicy {
    /// The policy that stands in for a choice on the command line.
    fn chosen(criterion: Criterion) -> Self {
        Self {
            name: "selected".to_owned(),
            criterion,
            control: String::new(),
            scope: Match::default(),
            version: None,
            exemptions: super::ExemptionLimits::default(),
            checks: Vec::new(),
        }
    }
}
