//! The flags that say what to judge by, the same for every command that decides.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use crate::{
    check::Version,
    manifest::Unusable,
    policy::{Loaded, Mode, PolicySet, Settings},
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
}

impl Rules {
    pub(super) fn settings(&self) -> Settings {
        Settings { version: self.kubernetes_version.unwrap_or_default(), ceiling: self.mode_ceiling }
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
        let policies = loaded.bind(&self.settings())?;
        let Some(directory) = &self.exemptions else { return Ok(policies) };
        let files = read(directory)?;
        let files = files.iter().map(|(file, text)| (file.as_str(), text.as_str()));
        let exemptions = policies.read_exemptions(files, now)?;
        Ok(policies.with_exemptions(exemptions))
    }
}

/// The YAML and JSON files of a directory, by name.
fn read(directory: &Path) -> Result<Vec<(String, String)>, Vec<Unusable>> {
    let refuse = |path: &Path, error: std::io::Error| {
        vec![Unusable { file: path.display().to_string(), line: 0, column: 0, message: error.to_string() }]
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(|error| refuse(directory, error))? {
        let path = entry.map_err(|error| refuse(directory, error))?.path();
        if path.extension().is_some_and(|found| ["yaml", "yml", "json"].iter().any(|known| found == *known)) {
            paths.push(path);
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| match std::fs::read_to_string(&path) {
            Ok(text) => Ok((path.display().to_string(), text)),
            Err(error) => Err(refuse(&path, error)),
        })
        .collect()
}
