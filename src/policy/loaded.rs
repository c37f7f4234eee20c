//! Policy files, read and merged by name, then bound to the checks of the catalogue.

use std::{collections::HashMap, fmt::Write, sync::Arc};

use aws_lc_rs::digest;

use super::{Bound, CheckEntry, ControlPolicy, Mode, PolicySet, SHIPPED, Settings, file::is_policy_test};
use crate::{
    check::{Examiner, Params},
    checks,
    manifest::{self, Document, Place, Unusable, closest},
};

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

    /// Adds policies from files; one of the same name replaces. Tests of policies are read over.
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
            for document in documents.into_iter().filter(|document| !is_policy_test(document)) {
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
        let (mut bound, mut errors) = (Vec::new(), Vec::new());
        for (policy, document) in &self.policies {
            for entry in &policy.checks {
                match bind(policy, document, entry, settings) {
                    Ok(one) => bound.push(one),
                    Err(error) => errors.push(error),
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let policies = self.policies.iter().map(|(policy, _)| policy.clone()).collect();
        let key = settings.fingerprint_key.clone();
        Ok(PolicySet::of(bound, policies, self.digest(settings)).with_fingerprint_key(key))
    }

    /// SHA-256 over everything that the set's decisions depend on.
    fn digest(&self, settings: &Settings) -> String {
        let mut texts: Vec<_> =
            self.policies.iter().map(|(policy, document)| (&policy.name, document.to_json_text())).collect();
        texts.sort();
        let mut context = digest::Context::new(&digest::SHA256);
        let settings = format!(
            "{} {:?} {} {:?}",
            settings.version,
            settings.ceiling,
            env!("CARGO_PKG_VERSION"),
            settings.home()
        );
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

fn bind(
    policy: &Arc<ControlPolicy>,
    document: &Document,
    entry: &CheckEntry,
    settings: &Settings,
) -> Result<Bound, Unusable> {
    let place = |field: &str| document.place(&format!("spec.checks[{}].{field}", entry.position));
    let Some(check) = checks::find(&entry.id) else {
        let near = closest(&entry.id, checks::all().map(|check| check.id))
            .map_or(String::new(), |near| format!(", did you mean `{near}`"));
        return Err(document.unusable(place("id"), format!("unknown check `{}`{near}", entry.id)));
    };
    if policy.checks.iter().take(entry.position).any(|earlier| earlier.id == entry.id) {
        let message = format!("check `{}` is listed twice: keep one", entry.id);
        return Err(document.unusable(place("id"), message));
    }
    let entries = document.root.get("spec").and_then(|spec| spec.get("checks"));
    let params = entries.and_then(|entries| entries.as_seq()?.get(entry.position)?.get("params"));
    let examiner = check
        .examine
        .configure(&params.map_or(Params::DEFAULT, Params::of).at(settings.home()))
        .map_err(|error| {
        // The check knows the place of a parameter that is there, not of one that is missing.
        let place =
            if error.line == 0 { place("id") } else { Place { line: error.line, column: error.column } };
        document.unusable(place, error.message)
    })?;
    if let Examiner::Unfilled { parameter } = examiner
        && entry.mode >= Mode::Warn
    {
        let message =
            format!("`{}` needs its parameter `{parameter}`: fill it, or set the mode to audit", entry.id);
        return Err(document.unusable(place("mode"), message));
    }
    Ok(Bound {
        check,
        mode: settings.under_ceiling(entry.mode),
        stated_mode: entry.mode,
        policy: policy.clone(),
        examiner,
        version: policy.version.unwrap_or(settings.version),
    })
}
