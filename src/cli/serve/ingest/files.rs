//! Handed-in reports in a directory: whole, as they came, and shared by whoever shares the directory.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::{CLEAN_EVERY, Known, MIB, NotKept, Shelf, held, trouble};
use crate::{
    cli::{rules::unreadable, serve::in_force::LOOK_EVERY},
    directory::{self, Change, Directory, Watch},
    images::{Envelope, Examined, Keep, NotStored, Store},
    manifest::Unusable,
    server::{Condition, State},
};

/// What is usual.
pub(super) const KEEP: Keep = Keep { each: 10, bytes: 1024 * MIB, age: SignedDuration::from_hours(90 * 24) };

/// The directory, followed as it changes.
pub(super) struct Files {
    store: Store,
    known: Known,
    watch: Mutex<Option<Watch>>,
}

impl Files {
    /// Reads what is stored, puts it in force, and begins to watch.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub(super) fn start(root: &Path, known: Known, keep: Keep) -> Result<Arc<Self>, Vec<Unusable>> {
        let failed = |error: io::Error| vec![unreadable(root, &error.to_string())];
        let store = Store::open(root, keep).map_err(failed)?;
        let this = Arc::new(Self { store, known, watch: Mutex::default() });
        let stored = directory::extensions(&["json"]);
        let mut scans = Directory::new(this.store.directory(), stored).appearing_whole();
        scans.round(&mut |change| this.follow(&change)).map_err(failed)?;
        this.clean();
        let telling = Arc::downgrade(&this);
        let mut cleaned = Instant::now();
        let watch = scans.watch(LOOK_EVERY, move |change| {
            let Some(files) = telling.upgrade() else { return };
            files.follow(&change);
            if cleaned.elapsed() > CLEAN_EVERY {
                cleaned = Instant::now();
                files.clean();
            }
        });
        *held(&this.watch) = Some(watch.map_err(failed)?);
        Ok(this)
    }

    /// Takes in what happened in the directory, whoever did it.
    fn follow(&self, change: &Change<'_>) {
        let mut reports = self.known.reports();
        match *change {
            Change::File { path, content } => match reports.apply_stored(path, content) {
                Some(seen) => self.store.note(path, seen),
                None => {
                    self.store.forget(path);
                    tracing::error!(path = %path.display(), "a stored scan report cannot be used");
                }
            },
            Change::Gone { path } => {
                self.store.forget(path);
                reports.remove(path);
            }
            Change::Unreadable { path, reason } => {
                tracing::error!(path = %path.display(), "stored scan reports cannot be read: {reason}");
                reports.unreadable(path, reason);
                if path == self.store.directory() {
                    self.known.install(&mut reports);
                }
            }
            Change::Settled => {
                reports.remove(self.store.directory());
                self.known.install(&mut reports);
            }
        }
    }

    /// Lets go of what is too old.
    fn clean(&self) {
        self.store.remove_abandoned();
        let removed = self.store.remove_outdated(Timestamp::now());
        if !removed.is_empty() {
            let mut reports = self.known.reports();
            removed.iter().for_each(|path| reports.remove(path));
            self.known.install(&mut reports);
        }
    }
}

impl Shelf for Files {
    fn keep(&self, envelope: &Envelope<'_>, examined: &Examined) -> Result<bool, NotKept> {
        let stored = self.store.put(envelope, &examined.scanner).map_err(|error| {
            let status = match error {
                NotStored::Full(_) | NotStored::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
                NotStored::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, error.to_string())
        })?;
        let mut reports = self.known.reports();
        stored.removed.iter().for_each(|path| reports.remove(path));
        reports.hand_in(&stored.path, envelope);
        self.known.install(&mut reports);
        Ok(stored.is_new)
    }

    fn condition(&self) -> Condition {
        let told = trouble(&self.known.reports(), self.store.directory());
        let (count, bytes) = self.store.size();
        match told {
            None => Condition::new("image-store", State::Met, format!("{count} reports, {bytes} bytes")),
            Some(told) => Condition::new("image-store", State::Degraded, told),
        }
    }
}
