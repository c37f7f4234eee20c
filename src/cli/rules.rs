//! The flags that say what to judge by, the same for every command that decides.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use jiff::Timestamp;

use crate::{
    check::Version,
    directory::{self, Change, Contents, Directory},
    installation::NAMESPACE,
    manifest::Unusable,
    policy::{Loaded, Mode, PolicySet, Settings},
    secrets::FingerprintKey,
};

/// What to judge by.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What to judge by")]
pub(super) struct Rules {
    /// Directory of policies. One named like a shipped policy replaces it, any other is added.
    #[arg(long, value_name = "DIR", env = "SOC2GATE_POLICIES")]
    pub(super) policies: Option<PathBuf>,
    /// Directory of exemptions.
    #[arg(long, value_name = "DIR", env = "SOC2GATE_EXEMPTIONS")]
    pub(super) exemptions: Option<PathBuf>,
    /// Lower every mode to at most this one: `audit` is the dry run. A ceiling never raises a mode.
    #[arg(long, value_name = "MODE", env = "SOC2GATE_MODE_CEILING")]
    pub(super) mode_ceiling: Option<Mode>,
    /// The cluster's version, `1.29`; the newest known unless given.
    #[arg(long, value_name = "VERSION", env = "SOC2GATE_KUBERNETES_VERSION")]
    pub(super) kubernetes_version: Option<Version>,
    /// File with the install key (32 random bytes or more) that fingerprints of secrets are made with. Without one
    /// no fingerprint is shown.
    #[arg(long, value_name = "FILE", env = "SOC2GATE_FINGERPRINT_KEY")]
    pub(super) fingerprint_key: Option<PathBuf>,
    /// The namespace that the gate itself runs in, for the checks that keep it.
    #[arg(long, value_name = "NAME", default_value = NAMESPACE, env = "SOC2GATE_NAMESPACE")]
    pub(super) gate_namespace: String,
    /// A group whose members install and upgrade the gate, beside those that policies name; may be repeated.
    #[arg(long = "installer-group", value_name = "GROUP")]
    pub(super) installers: Vec<String>,
}

/// In bytes: as long as the digest that it keys (RFC 2104).
const SHORTEST_KEY: usize = 32;

impl Rules {
    /// What holds for all policies at once.
    ///
    /// # Errors
    /// When the fingerprint key cannot be read or is too short to protect anything.
    pub(super) fn settings(&self) -> Result<Settings, Vec<Unusable>> {
        let read = |path: &PathBuf| match std::fs::read(path) {
            Ok(key) if key.len() < SHORTEST_KEY => {
                let reason = format!("a key of {SHORTEST_KEY} random bytes or more is needed");
                Err(vec![unreadable(path, &reason)])
            }
            Ok(key) => Ok(Arc::new(FingerprintKey::new(&key))),
            Err(error) => Err(vec![unreadable(path, &error.to_string())]),
        };
        Ok(Settings {
            version: self.kubernetes_version.unwrap_or_default(),
            ceiling: self.mode_ceiling,
            fingerprint_key: self.fingerprint_key.as_ref().map(read).transpose()?,
            namespace: Some(self.gate_namespace.clone()),
            installers: self.installers.clone(),
        })
    }

    /// The policies and exemptions as they stand on disk now.
    ///
    /// # Errors
    /// Everything that is wrong in the files, each with its place.
    pub(super) fn load(&self, now: Timestamp) -> Result<PolicySet, Vec<Unusable>> {
        let mut loaded = Loaded::shipped()?;
        if let Some(directory) = &self.policies {
            let files = read(directory)?;
            loaded = loaded.with(files.iter().map(|(file, text)| (file.as_str(), text.as_str())))?;
        }
        let policies = loaded.bind(&self.settings()?)?;
        let Some(directory) = &self.exemptions else { return Ok(policies) };
        let files = read(directory)?;
        let files = files.iter().map(|(file, text)| (file.as_str(), text.as_str()));
        let exemptions = policies.read_exemptions(files, now)?;
        Ok(policies.with_exemptions(exemptions))
    }
}

/// The files of a directory that are read.
pub(super) const EXTENSIONS: &[&str] = &["yaml", "yml", "json"];

/// A file or directory that cannot be read at all.
pub(super) fn unreadable(path: &Path, reason: &str) -> Unusable {
    Unusable { file: path.display().to_string(), line: 0, column: 0, message: reason.to_owned() }
}

/// The files of a directory as text, by name.
///
/// # Errors
/// The first that cannot be read.
pub(super) fn texts(contents: &Contents) -> Result<Vec<(String, String)>, Vec<Unusable>> {
    if let Some((path, reason)) = contents.unreadable.first_key_value() {
        return Err(vec![unreadable(path, reason)]);
    }
    let text = |(path, bytes): (&PathBuf, &Vec<u8>)| match std::str::from_utf8(bytes) {
        Ok(text) => Ok((path.display().to_string(), text.to_owned())),
        Err(_) => Err(vec![unreadable(path, "it is not UTF-8")]),
    };
    contents.files.iter().map(text).collect()
}

/// What a directory of policies, exemptions or manifests holds now.
pub(super) fn read(path: &Path) -> Result<Vec<(String, String)>, Vec<Unusable>> {
    let mut contents = Contents::default();
    let mut directory = Directory::new(path, directory::extensions(EXTENSIONS));
    let take = &mut |change: Change<'_>| {
        contents.apply(&change);
    };
    directory.round(take).map_err(|error| vec![unreadable(path, &error.to_string())])?;
    texts(&contents)
}
