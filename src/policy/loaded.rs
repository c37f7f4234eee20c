//! Policy files, read and merged by name, then bound to the checks of the catalogue.

use std::{collections::HashMap, fmt::Write, sync::Arc};

use aws_lc_rs::digest;

use super::{
    Bound, CheckEntry, ControlPolicy, Definition, Mode, PolicySet, SHIPPED, Settings, file::is_policy_test,
};
use crate::{
    check::{Examiner, Gathering, Params},
    checks,
    inventory::Standing,
    manifest::{self, Document, Place, Unusable},
};

/// Policy documents, read but not yet bound to checks.
#[derive(Clone, Default)]
pub struct Loaded {
    policies: Vec<Layered>,
}

/// A policy, and what it stands in place of.
#[derive(Clone)]
struct Layered {
    policy: Definition,
    /// From which file; nothing for an object of the cluster.
    file: Option<Arc<str>>,
    /// Of an object of the cluster, the policy that would be in force without it.
    below: Option<Definition>,
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
                        self.policies.retain(|other| other.policy.name() != policy.name);
                        let file = Some(document.file.clone());
                        self.policies.push(Layered {
                            policy: Definition::new(policy, document),
                            file,
                            below: None,
                        });
                    }
                }
            }
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }

    /// The same with the policies that the cluster holds; one of the same name stands in place of what it finds.
    #[must_use]
    pub fn with_objects<'d>(&self, objects: impl IntoIterator<Item = &'d Definition>) -> Self {
        let mut policies = self.policies.clone();
        for policy in objects {
            let found = policies.iter().position(|other| other.policy.name() == policy.name());
            let below = found.map(|at| policies.remove(at).policy);
            policies.push(Layered { policy: policy.clone(), file: None, below });
        }
        Self { policies }
    }

    /// The file that a policy of this name comes from, unless it is an object of the cluster.
    pub fn file(&self, name: &str) -> Option<&str> {
        self.policies.iter().find(|one| one.policy.name() == name)?.file.as_deref()
    }

    /// Binds the policies to their checks.
    ///
    /// # Errors
    /// Every unknown check and bad parameter, each with its place.
    pub fn bind(&self, settings: &Settings) -> Result<PolicySet, Vec<Unusable>> {
        let (mut bound, mut errors) = (Vec::new(), Vec::new());
        for one in &self.policies {
            match one.policy.bind(settings) {
                Ok(checks) => bound.extend(checks),
                Err(unusable) => errors.extend(unusable),
            }
            // What lies below comes into force when the object goes: too late to find fault with it.
            errors.extend(one.below.iter().filter_map(|below| below.bind(settings).err()).flatten());
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let policies = self.policies.iter().map(|one| one.policy.policy.clone()).collect();
        let standing =
            self.policies.iter().map(|one| (one.policy.name().to_owned(), one.standing())).collect();
        let key = settings.fingerprint_key.clone();
        let set = PolicySet::of(bound, policies, self.digest(settings));
        Ok(set.with_fingerprint_key(key).with_standing(standing))
    }

    /// SHA-256 over everything that the set's decisions depend on.
    fn digest(&self, settings: &Settings) -> String {
        let text = |one: &Layered| (one.policy.name().to_owned(), one.policy.document.to_json_text());
        let mut texts: Vec<_> = self.policies.iter().map(text).collect();
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

impl Layered {
    fn standing(&self) -> Standing {
        let in_force = self.policy.tree.clone();
        let is_of_cluster = self.file.is_none();
        let below = || self.below.as_ref().map(|below| below.tree.clone());
        let without = if is_of_cluster { below() } else { Some(in_force.clone()) };
        Standing { in_force, without, is_of_cluster }
    }
}

/// Binds one entry of a policy to its check.
pub(super) fn bind(
    policy: &Arc<ControlPolicy>,
    document: &Document,
    entry: &CheckEntry,
    settings: &Settings,
) -> Result<Bound, Unusable> {
    let place = |field: &str| document.place(&format!("spec.checks[{}].{field}", entry.position));
    let Some(check) = checks::find(&entry.id) else {
        let message = format!("unknown check `{}`{}", entry.id, checks::meant(&entry.id));
        return Err(document.unusable(place("id"), message));
    };
    if policy.checks.iter().take(entry.position).any(|earlier| earlier.id == entry.id) {
        let message = format!("check `{}` is listed twice: keep one", entry.id);
        return Err(document.unusable(place("id"), message));
    }
    let entries = document.root.get("spec").and_then(|spec| spec.get("checks"));
    let params = entries.and_then(|entries| entries.as_seq()?.get(entry.position)?.get("params"));
    let gathering = Gathering::default();
    let examiner = check
        .examine
        .configure(&params.map_or(Params::DEFAULT, Params::of).at(settings.home()).gathering(&gathering))
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
        image_trust: gathering.into_inner(),
        version: policy.version.unwrap_or(settings.version),
    })
}
