//! The directory of manifests of what else exists, while the webhook serves: read again when it changes.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::in_force::LOOK_EVERY;
use crate::{
    admission::Gate,
    cli::{
        evidence,
        rules::{EXTENSIONS, texts, unreadable},
    },
    directory::{self, Change, Contents, Directory, Watch},
    manifest::Unusable,
    server::{Condition, State},
};

/// Keeps the gate's inventory of other objects current until dropped. Whatever cannot be used leaves the last good
/// inventory in force.
pub(super) struct World {
    trouble: Arc<Mutex<Vec<Unusable>>>,
    _watch: Watch,
}

impl World {
    /// Reads the directory once, puts what it tells into the inventory, and begins to watch.
    ///
    /// # Errors
    /// Everything unusable: at the start there is no last good inventory to keep.
    pub(super) fn start(path: &Path, gate: &Arc<Gate>) -> Result<Self, Vec<Unusable>> {
        let failed = |error: std::io::Error| vec![unreadable(path, &error.to_string())];
        let mut directory = Directory::new(path, directory::extensions(EXTENSIONS));
        let mut contents = Contents::default();
        let first = &mut |change: Change<'_>| {
            contents.apply(&change);
        };
        directory.round(first).map_err(failed)?;
        install(&contents, gate)?;
        let trouble = Arc::new(Mutex::new(Vec::new()));
        let mut taker =
            Taker { path: path.to_owned(), contents, gate: gate.clone(), trouble: trouble.clone() };
        let watch = directory.watch(LOOK_EVERY, move |change| taker.take(&change)).map_err(failed)?;
        Ok(Self { trouble, _watch: watch })
    }

    /// What `/readyz` shows.
    pub(super) fn condition(&self) -> Condition {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_empty() {
            return Condition::new("inventory", State::Met, "every manifest was read");
        }
        let errors: Vec<_> = trouble.iter().map(ToString::to_string).collect();
        let detail = format!("the last good inventory stays in force: {}", errors.join("; "));
        Condition::new("inventory", State::Degraded, detail)
    }
}

struct Taker {
    path: PathBuf,
    contents: Contents,
    gate: Arc<Gate>,
    trouble: Arc<Mutex<Vec<Unusable>>>,
}

impl Taker {
    fn take(&mut self, change: &Change<'_>) {
        let outcome = match change {
            // The directory itself is away; its files are not told as gone.
            Change::Unreadable { path, reason } if *path == self.path => Err(vec![unreadable(path, reason)]),
            change if self.contents.apply(change) => install(&self.contents, &self.gate),
            _ => return,
        };
        let trouble = outcome.err().unwrap_or_default();
        for Unusable { file, line, column, message } in &trouble {
            tracing::error!(file, line, column, "the inventory stays as it was: {message}");
        }
        if trouble.is_empty() {
            tracing::info!("the inventory was read again");
        }
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// Puts what the manifests tell in force, beside what other sources tell.
fn install(contents: &Contents, gate: &Gate) -> Result<(), Vec<Unusable>> {
    let survey = evidence::survey(&texts(contents)?)?;
    gate.update_inventory(|known| *known = survey.inventory(std::mem::take(known)));
    Ok(())
}
