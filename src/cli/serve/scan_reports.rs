//! The directory of scan reports while the webhook serves: read again when it changes, file by file.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::in_force::LOOK_EVERY;
use crate::{
    admission::Gate,
    directory::{Change, Directory, Watch},
    images::{self, Reports},
    server::{Condition, State},
};

/// Keeps the image evidence of the gate's inventory current until dropped.
pub(super) struct ScanReports {
    reports: Arc<Mutex<Reports>>,
    _watch: Watch,
}

impl ScanReports {
    /// Reads the directory once, puts what it says into the inventory, and begins to watch.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub(super) fn start(path: &Path, gate: &Arc<Gate>, reports: Arc<Mutex<Reports>>) -> io::Result<Self> {
        let mut directory = Directory::new(path, images::accepts);
        let first = Taker { directory: path.to_owned(), reports: reports.clone(), gate: gate.clone() };
        directory.round(&mut |change| first.take(&change))?;
        let watch = directory.watch(LOOK_EVERY, move |change| first.take(&change))?;
        Ok(Self { reports, _watch: watch })
    }

    /// What `/readyz` shows.
    pub(super) fn condition(&self) -> Condition {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let problems: Vec<_> = reports.problems().collect();
        match problems.first() {
            None => Condition::new("scan-reports", State::Met, "every report was read"),
            Some(first) => {
                let (count, file) = (problems.len(), first.file.display());
                let detail =
                    format!("{count} files cannot be read, the first being {file}: {}", first.reason);
                Condition::new("scan-reports", State::Degraded, detail)
            }
        }
    }
}

/// Takes changes in, and hands the gate a new snapshot when a round is told.
struct Taker {
    directory: PathBuf,
    reports: Arc<Mutex<Reports>>,
    gate: Arc<Gate>,
}

impl Taker {
    fn take(&self, change: &Change<'_>) {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::File { path, content } => reports.apply(path, content),
            Change::Gone { path } => reports.remove(path),
            Change::Unreadable { path, reason } => {
                tracing::error!(path = %path.display(), "scan reports cannot be read: {reason}");
                reports.unreadable(path, reason);
                if *path != self.directory {
                    return;
                }
                // The directory itself is away: no round will follow, and what is not found is unknown now.
                self.install(&mut reports);
            }
            Change::Settled => {
                reports.remove(&self.directory);
                self.install(&mut reports);
            }
        }
    }

    fn install(&self, reports: &mut Reports) {
        let evidence = reports.snapshot();
        self.gate.update_inventory(|inventory| inventory.image_evidence = evidence.clone());
    }
}
