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
    policy::{Choice, Loaded, Mode, PolicySet, Settings},
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
    /// The cluster's version, `1.29`. Unless given, what the cluster says where one is asked, else the newest known.
    #[arg(long, value_name = "VERSION", env = "SOC2GATE_KUBERNETES_VERSION")]
    pub(super) kubernetes_version: Option<Version>,
    /// File with the install key (32 random bytes or more) that fingerprints of secrets are made with. Without one
    /// no fingerprint is shown.
    #[arg(long, value_name = "FILE", env = "SOC2GATE_FINGERPRINT_KEY")]
    pub(super) fingerprint_key: Option<PathBuf>,
    /// The namespace that the gate itself runs in.
    #[arg(long, value_name = "NAME", default_value = NAMESPACE, env = "SOC2GATE_NAMESPACE")]
    pub(super) gate_namespace: String,
    /// A group whose members install and upgrade the gate, beside those that policies name; may be repeated.
    #[arg(long = "installer-group", value_name = "GROUP")]
    pub(super) installers: Vec<String>,
}

/// Which checks are asked, and what fails a command.
#[derive(Args, Clone, Debug)]
pub(super) struct Verdict {
    /// Judge by these only: checks, criteria (`CC6.1`) or standards (`pss:baseline`, `pss:restricted`).
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = Choice::parse)]
    pub(super) select: Vec<Choice>,
    /// The weakest mode whose findings fail the command.
    #[arg(long, value_name = "MODE", default_value = "enforce", value_parser = threshold)]
    pub(super) fail_on: Mode,
}

fn threshold(text: &str) -> Result<Mode, String> {
    match text.parse() {
        Ok(Mode::Off) | Err(_) => Err("use enforce, warn or audit".to_owned()),
        Ok(mode) => Ok(mode),
    }
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
        self.load_beside(&Texts::default(), now)
    }

    /// The same, with those that a cluster holds: one of these stands in place of a file's policy of its name, as where the
    /// gate serves.
    ///
    /// # Errors
    /// Everything that is wrong in either, each with its place.
    pub(super) fn load_beside(&self, others: &Texts, now: Timestamp) -> Result<PolicySet, Vec<Unusable>> {
        let of_disk = |directory: &Option<PathBuf>| directory.as_deref().map_or(Ok(Vec::new()), read);
        let policies = of_disk(&self.policies)?;
        let policies = Loaded::shipped()?.with(named(&policies))?.with(named(&others.policies))?;
        let policies = policies.bind(&self.settings()?)?;
        let exemptions = of_disk(&self.exemptions)?;
        let exemptions =
            policies.read_exemptions(named(&others.exemptions).chain(named(&exemptions)), now)?;
        Ok(policies.with_exemptions(exemptions))
    }

    /// Only what was chosen of the policies; all of them if nothing was.
    ///
    /// # Errors
    /// Every choice that no check answers to: it would be a pass that nobody has earned.
    pub(super) fn chosen(&self, policies: PolicySet, choices: &[Choice]) -> Result<PolicySet, Vec<Unusable>> {
        if choices.is_empty() {
            return Ok(policies);
        }
        let policies = policies.select(choices, &self.settings()?);
        let is_idle = |choice: &Choice| !policies.bound().iter().any(|bound| choice.includes(bound.check));
        let idle: Vec<_> = choices.iter().copied().filter(is_idle).map(no_check).collect();
        if idle.is_empty() { Ok(policies) } else { Err(idle) }
    }
}

/// Policies and exemptions as text, each with the name of where it stands.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) policies: Vec<(String, String)>,
    pub(super) exemptions: Vec<(String, String)>,
}

fn named(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(file, text)| (file.as_str(), text.as_str()))
}

/// That a choice chooses nothing.
pub(super) fn no_check(choice: Choice) -> Unusable {
    let message = format!("no check of `{choice}` is in force: choose one that `soc2gate policies` lists");
    Unusable { file: "--select".to_owned(), line: 0, column: 0, message }
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
