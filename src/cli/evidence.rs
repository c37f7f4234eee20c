//! The flags that say what else is known: scans of images, and objects that exist beside those that are judged.

use std::path::PathBuf;

use clap::Args;

use super::rules::{read, unreadable};
use crate::{
    directory::{Change, Directory},
    images::{self, Reports},
    inventory::{ImageEvidence, Inventory, Source, Survey},
    manifest::{self, Content, Unusable},
    request::object_of,
};

/// What is known beside the objects themselves.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What to judge by")]
pub(super) struct Evidence {
    /// Directory of Trivy and Grype JSON reports: the scans of images, by digest.
    #[arg(long, value_name = "DIR", env = "SOC2GATE_SCAN_REPORTS")]
    pub(super) scan_reports: Option<PathBuf>,
    /// Directory of manifests of what else exists: namespaces, network policies, roles, accounts, routes and whatever
    /// `kubectl get -o yaml` prints.
    #[arg(long, value_name = "DIR", env = "SOC2GATE_INVENTORY")]
    pub(super) inventory: Option<PathBuf>,
}

impl Evidence {
    /// The inventory as the files stand now, and what in them could not be read.
    ///
    /// # Errors
    /// When a directory cannot be listed, or a manifest in it cannot be used: what is left would be another world.
    pub(super) fn read(&self) -> Result<(Inventory, Vec<Unusable>), Vec<Unusable>> {
        let (image_evidence, unread) = self.images()?;
        let known = Inventory { image_evidence, ..Inventory::default() };
        Ok((if self.inventory.is_some() { self.survey()?.inventory(known) } else { known }, unread))
    }

    /// The scans of images, and the reports that could not be read.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub(super) fn images(&self) -> Result<(Source<ImageEvidence>, Vec<Unusable>), Vec<Unusable>> {
        let Some(path) = &self.scan_reports else { return Ok((Source::NotConfigured, Vec::new())) };
        let mut reports = Reports::default();
        let take = &mut |change: Change<'_>| match change {
            Change::File { path, content } => reports.apply(path, content),
            Change::Unreadable { path, reason } => reports.unreadable(path, reason),
            Change::Gone { path } => reports.remove(path),
            Change::Settled => {}
        };
        Directory::new(path, images::accepts)
            .round(take)
            .map_err(|error| vec![unreadable(path, &error.to_string())])?;
        let problems = reports.problems().map(|problem| unreadable(&problem.file, &problem.reason));
        let problems = problems.collect();
        Ok((reports.snapshot(), problems))
    }

    /// What the directory of manifests tells; nothing without one.
    ///
    /// # Errors
    /// When it cannot be listed, or a manifest in it cannot be used.
    pub(super) fn survey(&self) -> Result<Survey, Vec<Unusable>> {
        match &self.inventory {
            Some(path) => survey(&read(path)?),
            None => Ok(Survey::default()),
        }
    }
}

/// What these manifests tell of the world.
///
/// # Errors
/// Everything in them that cannot be used, each with its place.
pub(super) fn survey(files: &[(String, String)]) -> Result<Survey, Vec<Unusable>> {
    let (mut survey, mut unusable) = (Survey::default(), Vec::new());
    for (file, text) in files {
        let documents = manifest::parse(file, text).unwrap_or_else(|error| {
            unusable.push(error);
            Vec::new()
        });
        for document in documents {
            match manifest::open(document) {
                Content::Foreign(error) => unusable.push(error),
                Content::Objects(objects) => {
                    for object in &objects {
                        match object_of(object) {
                            Ok(object) => survey.see(&object),
                            Err(error) => unusable.push(error),
                        }
                    }
                }
            }
        }
    }
    if unusable.is_empty() { Ok(survey) } else { Err(unusable) }
}
