//! The policies in force: merged by name, parameters read, indexed by kind. Immutable; a reload makes a new one.

use std::{collections::HashMap, fmt::Write, sync::Arc};

use aws_lc_rs::digest;
use jiff::Timestamp;

use super::{ControlPolicy, Exemption, Exemptions, Mode, SHIPPED, applies::Match};
use crate::{
    check::{Check, Examiner, Level, Params, Version},
    checks,
    criterion::Criterion,
    manifest::{self, Document, Unusable, closest},
    object::Kind,
};

/// What holds for all policies at once.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The cluster's version.
    pub version: Version,
    /// Lowers every mode to at most this one; never raises one.
    pub ceiling: Option<Mode>,
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
    pub version: Version,
}

/// The policies in force, with their exemptions.
pub struct PolicySet {
    bound: Vec<Bound>,
    by_kind: Vec<Vec<usize>>,
    policies: Vec<Arc<ControlPolicy>>,
    exemptions: Exemptions,
    digest: String,
    has_overlaps: bool,
}

/// What to judge by instead of everything in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// One check; if no policy has it or it is off there, it is enforced with its defaults.
    Check(&'static str),
    /// All checks filed under a criterion, in their policies' modes.
    Criterion(Criterion),
    /// A Pod Security level to the letter: enforced, whatever a policy says.
    Standard(Level),
}

impl Choice {
    /// Reads `privileged-container`, `CC6.1`, `pss:baseline` and `pss:restricted`.
    ///
    /// # Errors
    /// What the word is not, and the nearest that it could be.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "pss:baseline" => return Ok(Self::Standard(Level::Baseline)),
            "pss:restricted" => return Ok(Self::Standard(Level::Restricted)),
            _ => {}
        }
        if let Ok(criterion) = text.parse() {
            return Ok(Self::Criterion(criterion));
        }
        checks::find(text).map(|check| Self::Check(check.id)).ok_or_else(|| {
            let near = closest(text, checks::all().map(|check| check.id))
                .map_or(String::new(), |near| format!(", did you mean `{near}`"));
            format!("`{text}` is no check, criterion or standard{near}")
        })
    }

    fn includes(self, check: &Check) -> bool {
        match self {
            Self::Check(id) => check.id == id,
            Self::Criterion(criterion) => check.criterion == criterion,
            Self::Standard(level) => check.level().is_some_and(|of| of <= level),
        }
    }
}

/// Policy documents, read but not yet bound to checks.
#[derive(Default)]
pub struct Loaded {
    policies: Vec<(Arc<ControlPolicy>, Document)>,
}

impl Loaded {
    /// The policies that come with the program.
    ///
    /// # Errors
    /// None in a released program: a test loads them.
    pub fn shipped() -> Result<Self, Vec<Unusable>> {
        Self::default().with(SHIPPED.iter().map(|(file, text)| (*file, *text)))
    }

    /// Adds policies from files; one of the same name replaces.
    ///
    /// # Errors
    /// Everything that is wrong in the files, each with its place.
    pub fn with<'t>(
        mut self,
        files: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<Self, Vec<Unusable>> {
        let mut errors = Vec::new();
        let mut added: HashMap<String, String> = HashMap::new();
        for (file, text) in files {
            let documents = manifest::parse(file, text).unwrap_or_else(|error| {
                errors.push(error);
                Vec::new()
            });
            for document in documents {
                match ControlPolicy::read(&document) {
                    Err(error) => errors.push(error),
                    Ok(policy) => {
                        if let Some(first) = added.insert(policy.name.clone(), file.to_owned()) {
                            let message =
                                format!("a policy of this name is in {first}: give it another name");
                            errors.push(document.unusable(document.place("metadata.name"), message));
                        }
                        self.policies.retain(|(other, _)| other.name != policy.name);
                        self.policies.push((Arc::new(policy), document));
                    }
                }
            }
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// Binds the policies to their checks.
    ///
    /// # Errors
    /// Every unknown check and bad parameter, each with its place.
    pub fn bind(&self, settings: &Settings) -> Result<PolicySet, Vec<Unusable>> {
        let mut errors = Vec::new();
        let mut bound = Vec::new();
        for (policy, document) in &self.policies {
            for entry in &policy.checks {
                let path = format!("spec.checks[{}]", entry.position);
                let refuse = |field: &str, message: String| {
                    document.unusable(document.place(&format!("{path}.{field}")), message)
                };
                let Some(check) = checks::find(&entry.id) else {
                    let near = closest(&entry.id, checks::all().map(|check| check.id))
                        .map_or(String::new(), |near| format!(", did you mean `{near}`"));
                    errors.push(refuse("id", format!("unknown check `{}`{near}", entry.id)));
                    continue;
                };
                if policy.checks.iter().take(entry.position).any(|earlier| earlier.id == entry.id) {
                    errors.push(refuse("id", format!("check `{}` is listed twice: keep one", entry.id)));
                    continue;
                }
                let params = document
                    .root
                    .get("spec")
                    .and_then(|spec| spec.get("checks"))
                    .and_then(|checks| checks.as_seq()?.get(entry.position)?.get("params"));
                match check.examine.configure(&params.map_or(Params::DEFAULT, Params::of)) {
                    Err(mut error) => {
                        if error.line == 0 {
                            let place = document.place(&format!("{path}.id"));
                            (error.line, error.column) = (place.line, place.column);
                        }
                        error.file = document.file.to_string();
                        errors.push(error);
                    }
                    Ok(Examiner::Unfilled { parameter }) if entry.mode >= Mode::Warn => {
                        let message = format!(
                            "`{}` needs its parameter `{parameter}`: fill it, or set the mode to audit",
                            entry.id
                        );
                        errors.push(refuse("mode", message));
                    }
                    Ok(examiner) => bound.push(Bound {
                        check,
                        mode: settings.ceiling.map_or(entry.mode, |ceiling| entry.mode.min(ceiling)),
                        stated_mode: entry.mode,
                        policy: policy.clone(),
                        examiner,
                        version: policy.version.unwrap_or(settings.version),
                    }),
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let policies = self.policies.iter().map(|(policy, _)| policy.clone()).collect();
        Ok(PolicySet::of(bound, policies, self.digest(settings)))
    }

    /// SHA-256 over everything that the set's decisions depend on.
    fn digest(&self, settings: &Settings) -> String {
        let mut texts: Vec<_> =
            self.policies.iter().map(|(policy, document)| (&policy.name, document.to_json_text())).collect();
        texts.sort();
        let mut context = digest::Context::new(&digest::SHA256);
        let settings = format!("{} {:?} {}", settings.version, settings.ceiling, env!("CARGO_PKG_VERSION"));
        context.update(settings.as_bytes());
        for (name, text) in texts {
            for part in [name.as_str(), text.as_str()] {
                context.update(&part.len().to_be_bytes());
                context.update(part.as_bytes());
            }
        }
        context.finish().as_ref().iter().fold(String::from("sha256:"), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl PolicySet {
    fn of(mut bound: Vec<Bound>, policies: Vec<Arc<ControlPolicy>>, digest: String) -> Self {
        bound.retain(|bound| bound.mode != Mode::Off);
        // Most severe first, so that findings come out in the order they are shown.
        bound.sort_by_key(|bound| std::cmp::Reverse(bound.check.severity));
        let by_kind = Kind::ALL
            .iter()
            .map(|kind| {
                let concerns = |(_, bound): &(usize, &Bound)| bound.check.examine.kinds().contains(*kind);
                bound.iter().enumerate().filter(concerns).map(|(position, _)| position).collect()
            })
            .collect();
        let mut ids: Vec<_> = bound.iter().map(|bound| bound.check.id).collect();
        ids.sort_unstable();
        let has_overlaps = ids.windows(2).any(|pair| pair.first() == pair.last());
        Self { bound, by_kind, policies, exemptions: Exemptions::default(), digest, has_overlaps }
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
            if !to_the_letter(check) && !absent {
                continue;
            }
            // Defaults always parse: a test configures every check with them.
            let Ok(examiner) = check.examine.configure(&params) else { continue };
            self.bound.push(Bound {
                check,
                mode: Mode::Enforce,
                stated_mode: Mode::Enforce,
                policy: Arc::new(ControlPolicy::chosen(check.criterion)),
                examiner,
                version: settings.version,
            });
        }
        let exemptions = std::mem::take(&mut self.exemptions);
        Self { exemptions, ..Self::of(self.bound, self.policies, self.digest) }
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
    fn longest_exemption(&self, check: &str) -> Option<u16> {
        self.policies
            .iter()
            .filter(|policy| policy.checks.iter().any(|entry| entry.id == check))
            .map(|policy| policy.exemptions.max_days)
            .min()
    }

    /// The checks that concern a kind, most severe first.
    pub fn concerning(&self, kind: Kind) -> impl Iterator<Item = &Bound> {
        let positions = self.by_kind.get(kind.index()).map_or(&[][..], Vec::as_slice);
        positions.iter().filter_map(|position| self.bound.get(*position))
    }

    /// Whether anything could be denied for objects of this kind.
    pub fn enforces(&self, kind: Kind) -> bool {
        self.concerning(kind).any(|bound| bound.mode == Mode::Enforce)
    }

    /// Every check in force, most severe first.
    pub fn bound(&self) -> &[Bound] {
        &self.bound
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
