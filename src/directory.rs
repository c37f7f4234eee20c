//! A directory of files that is read again when they change: policies, exemptions, scan reports.

mod watch;

pub use watch::Watch;

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

/// What is told about a directory. Content is handed over file by file and not kept, so that a directory of many
/// gigabytes of reports costs no more memory than its largest file.
#[derive(Debug)]
pub enum Change<'a> {
    /// A file is new or has new content.
    File { path: &'a Path, content: &'a [u8] },
    /// A file, or the directory itself, cannot be read; what it held before is the last that is known.
    Unreadable { path: &'a Path, reason: &'a str },
    /// A file is no longer there.
    Gone { path: &'a Path },
    /// Everything that changed in this round has been told.
    Settled,
}

/// A flat directory and what was last read from it. Hidden entries and sub-directories are skipped.
///
/// A mounted ConfigMap or Secret works as it is: its visible entries are links through the hidden `..data`, which
/// kubelet swaps in one step.
pub struct Directory {
    path: PathBuf,
    accepts: Box<dyn Fn(&Path) -> bool + Send>,
    largest: u64,
    known: BTreeMap<PathBuf, Known>,
    begun: bool,
    appears_whole: bool,
}

struct Known {
    stamp: Stamp,
    /// The digest of the content, or why there is none.
    content: Result<[u8; 32], String>,
}

/// What tells a changed file from an unchanged one without reading it. The change time is there for writers that
/// set the modification time back, the inode for renames over a file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    inode: (u64, u64),
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self {
            length: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
            inode: (file.dev(), file.ino()),
        }
    }
}

type Survey = BTreeMap<PathBuf, Stamp>;

/// A larger file is told as unreadable: it is no policy and no report.
const LARGEST: u64 = 64 * 1024 * 1024;

/// How often a round starts anew because the mount was swapped under it.
const SWAPS: usize = 3;

impl Directory {
    /// The files of `path` that `accepts` agrees to.
    pub fn new(path: impl Into<PathBuf>, accepts: impl Fn(&Path) -> bool + Send + 'static) -> Self {
        Self {
            path: path.into(),
            accepts: Box::new(accepts),
            largest: LARGEST,
            known: BTreeMap::new(),
            begun: false,
            appears_whole: false,
        }
    }

    /// Its files are renamed into place, so that a watch need not wait until a change has stood still. Where files come
    /// all the time it would wait for ever.
    #[must_use]
    pub fn appearing_whole(mut self) -> Self {
        self.appears_whole = true;
        self
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what is new since the last round and tells it, ending with [`Change::Settled`] when there was
    /// anything (and always the first time). A file whose content stayed the same is not told again.
    ///
    /// # Errors
    /// When the directory itself cannot be listed; nothing is told then.
    pub fn round(&mut self, tell: &mut dyn FnMut(Change<'_>)) -> io::Result<()> {
        let mut news = !self.begun;
        for _ in 0..SWAPS {
            let mount = self.mount();
            let survey = self.survey()?;
            news |= self.tell_gone(&survey, tell);
            for (path, stamp) in survey {
                news |= self.tell_file(path, stamp, tell);
            }
            // Swapped meanwhile: some files came from the old mount and some from the new.
            if mount == self.mount() {
                break;
            }
        }
        self.begun = true;
        if news {
            tell(Change::Settled);
        }
        Ok(())
    }

    /// Looks again every so often on a thread of its own, until the returned [`Watch`] is dropped.
    ///
    /// A change is told once it has stood still for one interval: a file caught half-written may well read as a
    /// shorter, weaker policy.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn watch(self, every: Duration, tell: impl FnMut(Change<'_>) + Send + 'static) -> io::Result<Watch> {
        Watch::start(self, every, tell)
    }

    fn mount(&self) -> Option<PathBuf> {
        fs::read_link(self.path.join("..data")).ok()
    }

    fn survey(&self) -> io::Result<Survey> {
        let mut survey = Survey::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let path = entry.path();
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if hidden || !(self.accepts)(&path) {
                continue;
            }
            // Follows links; an entry that vanished since it was listed is simply gone.
            if let Ok(file) = fs::metadata(&path)
                && file.is_file()
            {
                survey.insert(path, Stamp::of(&file));
            }
        }
        Ok(survey)
    }

    /// Whether a round would find something to read.
    fn differs(&self, survey: &Survey) -> bool {
        let same = |(path, stamp): (&PathBuf, &Stamp)| {
            self.known.get(path).is_some_and(|known| known.stamp == *stamp && known.content.is_ok())
        };
        survey.len() != self.known.len() || !survey.iter().all(same)
    }

    fn tell_gone(&mut self, survey: &Survey, tell: &mut dyn FnMut(Change<'_>)) -> bool {
        let before = self.known.len();
        self.known.retain(|path, _| {
            let stays = survey.contains_key(path);
            if !stays {
                tell(Change::Gone { path });
            }
            stays
        });
        before != self.known.len()
    }

    fn tell_file(&mut self, path: PathBuf, stamp: Stamp, tell: &mut dyn FnMut(Change<'_>)) -> bool {
        let known = self.known.get(&path);
        if known.is_some_and(|known| known.stamp == stamp && known.content.is_ok()) {
            return false;
        }
        let content = read(&path, self.largest);
        let fresh = match &content {
            Ok(content) => Ok(sha256(content)),
            Err(reason) => Err(reason.to_string()),
        };
        let news = known.is_none_or(|known| known.content != fresh);
        if news {
            match (&content, &fresh) {
                (Ok(content), _) => tell(Change::File { path: &path, content }),
                (Err(_), Err(reason)) => tell(Change::Unreadable { path: &path, reason }),
                (Err(_), Ok(_)) => {}
            }
        }
        self.known.insert(path, Known { stamp, content: fresh });
        news
    }
}

/// Accepts files by the end of their name: `extensions(&["yaml", "yml"])`.
pub fn extensions(allowed: &'static [&'static str]) -> impl Fn(&Path) -> bool + Send {
    move |path| path.extension().is_some_and(|found| allowed.iter().any(|allowed| found == *allowed))
}

/// Keeps the content of a small directory whole, for readers that need all files at once.
#[derive(Debug, Default)]
pub struct Contents {
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// Files that are there and cannot be read, with the reason.
    pub unreadable: BTreeMap<PathBuf, String>,
}

impl Contents {
    /// Takes a change in; true when the round is over and the content worth reading.
    pub fn apply(&mut self, change: &Change<'_>) -> bool {
        match *change {
            Change::File { path, content } => {
                self.unreadable.remove(path);
                self.files.insert(path.to_owned(), content.to_owned());
            }
            Change::Unreadable { path, reason } => {
                self.unreadable.insert(path.to_owned(), reason.to_owned());
            }
            Change::Gone { path } => {
                self.unreadable.remove(path);
                self.files.remove(path);
            }
            Change::Settled => {
                return true;
            }
        }
        false
    }
}

fn read(path: &Path, largest: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    // One byte more than allowed shows that there is more.
    File::open(path)?.take(largest.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > largest {
        return Err(io::Error::other(format!("it is larger than {} MiB", largest / (1024 * 1024))));
    }
    Ok(content)
}

fn sha256(content: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, content).as_ref());
    hash
}

#[cfg(test)]
mod tests;
