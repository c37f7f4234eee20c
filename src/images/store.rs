//! The durable directory of scan reports that were handed in: one file each, whole or not there, and bounded.
//!
//! Several processes may share it. A file is named after the image and the report, so that the same report is the same
//! file whoever takes it.

mod envelope;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use jiff::{SignedDuration, Timestamp};

pub use envelope::Envelope;

use super::{
    Reports,
    handed::JSON,
    report::{self, Content},
};
use crate::inventory::image_evidence::Subject;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Per image and scanner, the newest.
    pub each: usize,
    /// All in all.
    pub bytes: u64,
    pub age: SignedDuration,
}

/// A report that is safe on the disk.
#[derive(Debug)]
pub struct Stored {
    pub path: PathBuf,
    /// False if the very same report was there before.
    pub is_new: bool,
    /// Older reports that made room.
    pub removed: Vec<PathBuf>,
}

/// Why a report was not stored.
#[derive(Debug, thiserror::Error)]
pub enum NotStored {
    #[error("the store is full: it holds {0} MiB, as much as it may")]
    Full(u64),
    #[error("there is no room on the disk of the store")]
    NoRoom,
    #[error("the store cannot be written: {0}")]
    Io(io::Error),
}

/// What the bookkeeping needs to know of a stored report.
#[derive(Clone, Debug)]
pub struct Seen {
    pub scanner: Arc<str>,
    pub received_at: Timestamp,
    pub bytes: u64,
}

/// The directory, and what is known to be in it.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    keep: Keep,
    /// By file name, which begins with the image.
    known: Mutex<BTreeMap<String, Seen>>,
}

/// What a write that never ended leaves behind, once it is this old.
const ABANDONED: Duration = Duration::from_secs(3600);

impl Store {
    /// Makes the directory if it is not there, and makes sure that it can be written.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn open(root: &Path, keep: Keep) -> io::Result<Self> {
        let directory = root.join("scans");
        fs::create_dir_all(&directory)?;
        let probe = directory.join(aside("probe"));
        File::create(&probe)?;
        fs::remove_file(&probe)?;
        Ok(Self { directory, keep, known: Mutex::default() })
    }

    /// Where the files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Writes a report so that it survives a crash right afterwards.
    ///
    /// # Errors
    /// When there is no room, or the disk refuses.
    pub fn put(&self, envelope: &Envelope<'_>, scanner: &str) -> Result<Stored, NotStored> {
        let name = envelope.file_name();
        let path = self.directory.join(&name);
        // A damaged file of this name is written anew.
        let is_new = !fs::read(&path).is_ok_and(|content| Envelope::read(&path, &content).is_ok());
        let mut removed = Vec::new();
        if is_new {
            removed = self.remove_outdated(envelope.received_at());
            let bytes = envelope.bytes();
            if self.used() + bytes > self.keep.bytes {
                // Somebody may have made room, and nobody has told of it yet.
                self.forget_absent();
            }
            if self.used() + bytes > self.keep.bytes {
                return Err(NotStored::Full(self.keep.bytes / (1024 * 1024)));
            }
            self.write(&name, envelope).map_err(|error| match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => NotStored::NoRoom,
                _ => NotStored::Io(error),
            })?;
            let seen = Seen { scanner: scanner.into(), received_at: envelope.received_at(), bytes };
            self.lock().insert(name.clone(), seen);
            removed.extend(self.remove_surplus(&name, scanner));
        }
        Ok(Stored { path, is_new, removed })
    }

    /// Notes a file that another process wrote, or that was there at the start.
    pub fn note(&self, path: &Path, seen: Seen) {
        self.lock().insert(name_of(path), seen);
    }

    /// Lets go of a file that is no longer there, or no longer what it was.
    pub fn forget(&self, path: &Path) {
        self.lock().remove(&name_of(path));
    }

    /// Removes what is older than it may become, and tells which files these were.
    pub fn remove_outdated(&self, now: Timestamp) -> Vec<PathBuf> {
        let Ok(oldest) = now.checked_sub(self.keep.age) else { return Vec::new() };
        let known = self.lock();
        let outdated = known.iter().filter(|(_, seen)| seen.received_at < oldest);
        let outdated: Vec<_> = outdated.map(|(name, _)| name.clone()).collect();
        drop(known);
        self.remove(&outdated)
    }

    /// Removes what writes left behind that never ended.
    pub fn remove_abandoned(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        for entry in entries.flatten() {
            let is_aside = entry.file_name().as_encoded_bytes().starts_with(b".");
            let modified = entry.metadata().and_then(|file| file.modified());
            let age = modified.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
            if is_aside && age.is_ok_and(|age| age > ABANDONED) {
                // Another replica may have been faster.
                let _gone = fs::remove_file(entry.path()).is_ok();
            }
        }
    }

    /// How many reports it holds, and how many bytes.
    pub fn size(&self) -> (usize, u64) {
        let bytes = self.used();
        (self.lock().len(), bytes)
    }

    fn forget_absent(&self) {
        self.lock().retain(|name, _| self.directory.join(name).exists());
    }

    fn used(&self) -> u64 {
        self.lock().values().map(|seen| seen.bytes).sum()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Seen>> {
        // A panic elsewhere leaves nothing half-done here.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, name: &str, envelope: &Envelope<'_>) -> io::Result<()> {
        let beside = self.directory.join(aside(name));
        let written = (|| {
            let mut file = File::create_new(&beside)?;
            envelope.parts().iter().try_for_each(|part| file.write_all(part))?;
            file.sync_all()?;
            fs::rename(&beside, self.directory.join(name))
        })();
        if written.is_err() {
            let _gone = fs::remove_file(&beside).is_ok();
        }
        written?;
        // Without this the name may be lost though the content is not.
        File::open(&self.directory)?.sync_all()
    }

    /// Removes what the newest reports of the same image and scanner leave no place for.
    fn remove_surplus(&self, name: &str, scanner: &str) -> Vec<PathBuf> {
        let image = name.split('.').next().unwrap_or_default();
        let known = self.lock();
        let same = known.range(format!("{image}.")..).take_while(|(name, _)| name.starts_with(image));
        let mut same: Vec<_> = same.filter(|(_, seen)| *seen.scanner == *scanner).collect();
        same.sort_unstable_by_key(|(_, seen)| std::cmp::Reverse(seen.received_at));
        let surplus: Vec<_> = same.into_iter().skip(self.keep.each).map(|(name, _)| name.clone()).collect();
        drop(known);
        self.remove(&surplus)
    }

    fn remove(&self, names: &[String]) -> Vec<PathBuf> {
        let mut removed = Vec::new();
        for name in names {
            let path = self.directory.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), "an old report cannot be removed: {error}");
                }
                _ => {
                    self.lock().remove(name);
                    removed.push(path);
                }
            }
        }
        removed
    }
}

impl Reports {
    /// Takes in a stored report, as it was found on the disk. One that is damaged or foreign is a problem like any
    /// other file that cannot be read.
    pub fn apply_stored(&mut self, path: &Path, content: &[u8]) -> Option<Seen> {
        match Envelope::read(path, content) {
            Ok(envelope) => self.hand_in(path, &envelope),
            Err(reason) => {
                self.collector.remove(path);
                self.collector.add_unread(path, &reason);
                None
            }
        }
    }

    /// Takes in a report that was handed in.
    pub fn hand_in(&mut self, path: &Path, envelope: &Envelope<'_>) -> Option<Seen> {
        self.collector.remove(path);
        let (mut scanner, mut problem) = (None, None);
        let origin = envelope.origin(path);
        report::read(Path::new(JSON), envelope.report(), &mut |content| {
            let mut scan = match content {
                Content::Scan(scan) | Content::Unnamed(scan) => scan,
                Content::Index { .. } | Content::Vex(_) => return,
                Content::Problem(reason) => return problem = Some(reason),
            };
            if scan.subjects.is_empty() && envelope.is_bound_by_caller() {
                scan.subjects.push(Subject { repository: "".into(), digest: envelope.digest().clone() });
            }
            scanner = Some(Arc::from(&*scan.scanner));
            self.collector.add_from(path, &origin, &scan);
        });
        if let Some(reason) = problem {
            self.collector.add_unread(path, &reason);
        }
        Some(Seen { scanner: scanner?, received_at: envelope.received_at(), bytes: envelope.bytes() })
    }
}

/// The name under which a file is written before it gets its own: hidden, so that nobody reads it.
fn aside(name: &str) -> String {
    format!(".{name}.{}", uuid::Uuid::now_v7())
}

fn name_of(path: &Path) -> String {
    path.file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned()
}
