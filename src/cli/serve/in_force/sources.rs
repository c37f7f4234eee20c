//! Where policies and exemptions come from, one layer over the other: the program, a directory, the cluster.
//!
//! Each layer keeps what it last had that could be used: files all together, objects of the cluster one by one.

use jiff::Timestamp;

use crate::{
    cli::rules::{Rules, texts},
    cluster::definitions::Held,
    directory::Contents,
    manifest::Unusable,
    policy::{Definition, Exemption, Exemptions, Loaded, PolicySet},
};

/// The directories whose files together make the policy set.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Policies,
    Exemptions,
}

#[derive(Default)]
pub(super) struct Sources {
    policies: Contents,
    exemptions: Contents,
    shipped: Option<Loaded>,
    /// What the program and the policy files say, as last they could be used.
    loaded: Loaded,
    /// What the exemption files say, as last they could be used.
    granted: Exemptions,
    pub(super) objects: Objects,
    /// What is wrong with the policy files and with the exemption files as they are now.
    bad_policies: Vec<Unusable>,
    bad_exemptions: Vec<Unusable>,
}

/// What the cluster holds.
#[derive(Default)]
pub(super) struct Objects {
    pub(super) policies: Held<Definition>,
    pub(super) exemptions: Held<Exemption>,
    /// What is in force in place of a file, as last it was told.
    shadowed: Vec<String>,
    /// What could not be used, as last it was told.
    flawed: Vec<String>,
}

impl Objects {
    pub(super) fn is_empty(&self) -> bool {
        self.policies.iter().next().is_none() && self.exemptions.iter().next().is_none()
    }
}

impl Sources {
    pub(super) fn contents(&mut self, part: Part) -> &mut Contents {
        match part {
            Part::Policies => &mut self.policies,
            Part::Exemptions => &mut self.exemptions,
        }
    }

    /// Reads the policy files as they are now.
    ///
    /// # Errors
    /// Everything that is wrong in them.
    fn read(&mut self) -> Result<Loaded, Vec<Unusable>> {
        let files = texts(&self.policies)?;
        let files = files.iter().map(|(file, text)| (file.as_str(), text.as_str()));
        let shipped = match self.shipped.take() {
            Some(shipped) => shipped,
            None => Loaded::shipped()?,
        };
        self.shipped.insert(shipped).clone().with(files)
    }

    /// Reads the exemption files against these policies; if they cannot be used, those before stay.
    fn grant(&mut self, policies: &PolicySet) -> Result<(), Vec<Unusable>> {
        let files = texts(&self.exemptions)?;
        let files = files.iter().map(|(file, text)| (file.as_str(), text.as_str()));
        self.granted = policies.read_exemptions(files, Timestamp::now())?;
        Ok(())
    }

    /// The set that the files make at the start.
    ///
    /// # Errors
    /// Everything that is wrong in them. Exemptions may be waiting for a policy of the cluster, if there is one.
    pub(super) fn first_set(&mut self, rules: &Rules, has_cluster: bool) -> Result<PolicySet, Vec<Unusable>> {
        self.loaded = self.read()?;
        let policies = self.policy_set(rules)?;
        if has_cluster || self.bad_exemptions.is_empty() {
            return Ok(policies);
        }
        Err(std::mem::take(&mut self.bad_exemptions))
    }

    /// The policy set that everything makes now that files have changed. If the policy files cannot be used, those
    /// before stay.
    ///
    /// # Errors
    /// When there is no set at all.
    pub(super) fn reloaded_set(&mut self, rules: &Rules) -> Result<PolicySet, Vec<Unusable>> {
        let before = self.loaded.clone();
        self.bad_policies = match self.read() {
            Err(trouble) => trouble,
            Ok(loaded) => {
                self.loaded = loaded;
                match self.policy_set(rules) {
                    Ok(policies) => {
                        self.bad_policies = Vec::new();
                        return Ok(policies);
                    }
                    Err(trouble) => trouble,
                }
            }
        };
        self.loaded = before;
        self.policy_set(rules)
    }

    /// The policy set that everything makes now. Nothing bad waits for, or holds up, what is good.
    ///
    /// # Errors
    /// When there is no set at all: the install key cannot be read, or a policy file cannot be bound.
    pub(super) fn policy_set(&mut self, rules: &Rules) -> Result<PolicySet, Vec<Unusable>> {
        let of_cluster = self.objects.policies.in_force().map(|(_, policy)| policy);
        let policies = self.loaded.with_objects(of_cluster).bind(&rules.settings()?)?;
        self.bad_exemptions = self.grant(&policies).err().unwrap_or_default();
        let now = Timestamp::now();
        let read =
            |name: &str, spec: &str| policies.read_exemption(name, spec, now).map_err(|flaw| vec![flaw]);
        self.objects.exemptions.judge_again(&read);
        let exemptions = self.all_exemptions();
        Ok(policies.with_exemptions(exemptions))
    }

    /// What is wrong with the files as they are now.
    pub(super) fn trouble(&self) -> impl Iterator<Item = &Unusable> {
        self.bad_policies.iter().chain(&self.bad_exemptions)
    }

    /// Those of the files and those of the cluster, which stand in place of a file's of the same name.
    fn all_exemptions(&self) -> Exemptions {
        let of_cluster = || self.objects.exemptions.in_force().map(|(_, exemption)| exemption);
        let is_replaced = |one: &&Exemption| of_cluster().any(|other| other.name == one.name);
        let of_files = self.granted.iter().filter(|one| !is_replaced(one));
        Exemptions::new(of_files.chain(of_cluster()).cloned())
    }

    /// What lies below the cluster's policy of this name, in words.
    pub(super) fn below(&self, name: &str) -> Option<String> {
        let file = self.loaded.file(name)?;
        let is_shipped = crate::policy::SHIPPED.iter().any(|(shipped, _)| *shipped == file);
        Some(if is_shipped {
            "the policy that comes with soc2gate".to_owned()
        } else {
            format!("the policy of {file}")
        })
    }

    /// Which objects of the cluster newly stand in place of something else, in words.
    pub(super) fn newly_shadowed(&mut self) -> Vec<String> {
        let names = self.objects.policies.in_force().map(|(name, _)| name);
        let policies = names.filter_map(|name| {
            Some(format!("the cluster's ControlPolicy {name} is in force in place of {}", self.below(name)?))
        });
        let granted = |name: &str| self.granted.iter().any(|one| one.name == name);
        let names = self.objects.exemptions.in_force().map(|(name, _)| name);
        let exemptions = names
            .filter(|name| granted(name))
            .map(|name| format!("the cluster's Exemption {name} is in force in place of the one of a file"));
        let shadowed: Vec<_> = policies.chain(exemptions).collect();
        let new = shadowed.iter().filter(|one| !self.objects.shadowed.contains(one)).cloned().collect();
        self.objects.shadowed = shadowed;
        new
    }

    /// What is newly wrong with objects of the cluster.
    pub(super) fn newly_flawed(&mut self) -> Vec<String> {
        let flawed = self.flawed();
        let new = flawed.iter().filter(|one| !self.objects.flawed.contains(one)).cloned().collect();
        self.objects.flawed = flawed;
        new
    }

    /// What is wrong with objects of the cluster.
    pub(super) fn flawed(&self) -> Vec<String> {
        let Objects { policies, exemptions, .. } = &self.objects;
        let policies =
            policies.unusable().map(|(name, one)| format!("ControlPolicy {name}: {}", one.trouble()));
        let exemptions =
            exemptions.unusable().map(|(name, one)| format!("Exemption {name}: {}", one.trouble()));
        policies.chain(exemptions).collect()
    }
}
