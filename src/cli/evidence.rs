//! The flags that say what else is known: scans of images, and objects that exist beside those that are judged.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::Args;

use super::rules::{read, unreadable};
use crate::{
    directory::{Change, Directory},
    images::{self, Reports, feeds},
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
    /// CISA's catalogue of known exploited vulnerabilities (JSON): they count whatever their severity.
    #[arg(long, value_name = "FILE", env = "SOC2GATE_KNOWN_EXPLOITED")]
    known_exploited: Option<PathBuf>,
    /// List of hostile images: a digest, or host and path of a registry, on each line.
    #[arg(long, value_name = "FILE", env = "SOC2GATE_MALICIOUS_IMAGES")]
    malicious_images: Option<PathBuf>,
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
        if self.scan_reports.is_none() && !self.has_feeds() {
            return Ok((Source::NotConfigured, Vec::new()));
        }
        let mut reports = self.reports()?;
        let problems = reports.problems().map(|problem| unreadable(&problem.file, &problem.reason));
        let problems = problems.collect();
        Ok((reports.snapshot(), problems))
    }

    /// The scan reports as the directory holds them now; none without one.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub(super) fn reports(&self) -> Result<Reports, Vec<Unusable>> {
        let mut reports = Reports::default();
        self.feed(&mut reports)?;
        let Some(path) = &self.scan_reports else { return Ok(reports) };
        let take = &mut |change: Change<'_>| match change {
            Change::File { path, content } => reports.apply(path, content),
            Change::Unreadable { path, reason } => reports.unreadable(path, reason),
            Change::Gone { path } => reports.remove(path),
            Change::Settled => {}
        };
        Directory::new(path, images::accepts)
            .round(take)
            .map_err(|error| vec![unreadable(path, &error.to_string())])?;
        Ok(reports)
    }

    /// Whether there is a feed.
    pub(super) fn has_feeds(&self) -> bool {
        self.known_exploited.is_some() || self.malicious_images.is_some()
    }

    /// When each feed was changed last.
    pub(super) fn feed_stamps(&self) -> Vec<Option<SystemTime>> {
        let feeds = self.known_exploited.iter().chain(&self.malicious_images);
        feeds.map(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok()).collect()
    }

    /// Takes in the feeds as they are now; those that can be used, whatever the others are.
    ///
    /// # Errors
    /// Every feed that cannot be used.
    pub(super) fn feed(&self, reports: &mut Reports) -> Result<(), Vec<Unusable>> {
        let mut wrong = Vec::new();
        let read = |path: &Path| std::fs::read(path).map_err(|error| error.to_string());
        if let Some(path) = &self.known_exploited {
            match read(path).and_then(|bytes| feeds::known_exploited(&bytes)) {
                Ok(ids) => reports.set_known_exploited(ids),
                Err(reason) => wrong.push(unreadable(path, &reason)),
            }
        }
        if let Some(path) = &self.malicious_images {
            match read(path).and_then(|bytes| feeds::malicious(&bytes)) {
                Ok(list) => reports.set_malicious(list),
                Err(reason) => wrong.push(unreadable(path, &reason)),
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
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
