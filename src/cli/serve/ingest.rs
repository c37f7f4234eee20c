//! Scan reports that are handed in while the webhook serves: stored, put in force at once, and shared by directory.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use clap::Args;
use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::in_force::{InForce, LOOK_EVERY};
use crate::{
    admission::Gate,
    cli::{rules::unreadable, tokens::Tokens},
    directory::{self, Change, Directory, Watch},
    images::{self, Envelope, Keep, NotStored, Reports, Store},
    inventory::Source,
    manifest::Unusable,
    object::Digest,
    server::{Condition, Handed, Ingest, Reply, State, Unadmitted},
};

/// Where reports that are handed in go, and who may hand them in.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Scan reports that are handed in")]
pub(super) struct Ingesting {
    /// Directory that keeps what is known of images: the scan reports handed in, what registries answered, and when
    /// vulnerabilities were first seen. Replicas that share it see each other's reports.
    #[arg(long, value_name = "DIR", env = "SOC2GATE_IMAGE_STORE")]
    pub(super) image_store: Option<PathBuf>,
    /// Days after which a report handed in is removed.
    #[arg(long, value_name = "DAYS", default_value = "90", env = "SOC2GATE_IMAGE_STORE_DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    image_store_days: u16,
    /// The most that --image-store may hold.
    #[arg(long, value_name = "MIB", default_value = "1024", env = "SOC2GATE_IMAGE_STORE_MIB")]
    image_store_mib: u32,
    /// File of those who may hand in reports, `name sha256:<hex of the token>` a line; read again when it changes.
    /// Without it nobody may.
    #[arg(long, value_name = "FILE", requires = "image_store", env = "SOC2GATE_INGEST_TOKENS")]
    ingest_tokens: Option<PathBuf>,
}

/// How many reports are kept per image and scanner.
const EACH: usize = 10;

/// More wrong tokens than these within a minute are told to wait. Right ones are let in all the same.
const WRONG_TOKENS: u32 = 20;
const MINUTE: Duration = Duration::from_secs(60);

/// How often it is looked for reports that are too old.
const CLEAN_EVERY: Duration = Duration::from_secs(3600);

/// Where reports are handed in.
pub(super) struct Desk {
    store: Store,
    reports: Arc<Mutex<Reports>>,
    gate: Arc<Gate>,
    /// None if nobody may hand in.
    tokens: Option<Mutex<Shown>>,
    watches: Mutex<Vec<Watch>>,
}

/// The tokens in force, what is wrong with their file, and the wrong ones shown of late.
#[derive(Default)]
struct Shown {
    tokens: Tokens,
    problems: Vec<String>,
    wrong: Option<(Instant, u32)>,
}

impl Ingesting {
    /// Reads what is stored, puts it in force, and begins to watch; none if nothing is to be stored.
    ///
    /// # Errors
    /// When the directory or the file of tokens cannot be used.
    pub(super) fn start(&self, in_force: &InForce) -> Result<Option<Arc<Desk>>, Vec<Unusable>> {
        let Some(root) = &self.image_store else { return Ok(None) };
        let failed = |error: std::io::Error| vec![unreadable(root, &error.to_string())];
        let keep = Keep {
            each: EACH,
            bytes: u64::from(self.image_store_mib) * 1024 * 1024,
            age: SignedDuration::from_hours(i64::from(self.image_store_days) * 24),
        };
        let desk = Arc::new(Desk {
            store: Store::open(root, keep).map_err(failed)?,
            reports: in_force.scans.clone(),
            gate: in_force.gate.clone(),
            tokens: self.ingest_tokens.as_ref().map(|_| Mutex::default()),
            watches: Mutex::default(),
        });
        let stored = directory::extensions(&["json"]);
        let mut scans = Directory::new(desk.store.directory(), stored).appearing_whole();
        scans.round(&mut |change| desk.follow(&change)).map_err(failed)?;
        desk.clean();
        let telling = Arc::downgrade(&desk);
        let mut cleaned = Instant::now();
        let watch = scans.watch(LOOK_EVERY, move |change| {
            let Some(desk) = telling.upgrade() else { return };
            desk.follow(&change);
            if cleaned.elapsed() > CLEAN_EVERY {
                cleaned = Instant::now();
                desk.clean();
            }
        });
        let mut watches = vec![watch.map_err(failed)?];
        if let Some(path) = &self.ingest_tokens {
            watches.push(desk.watch_tokens(path)?);
        }
        *desk.watches.lock().unwrap_or_else(PoisonError::into_inner) = watches;
        Ok(Some(desk))
    }
}

impl Desk {
    /// The door, if anybody may come in.
    pub(super) fn door(self: &Arc<Self>) -> Option<Arc<dyn Ingest>> {
        self.tokens.as_ref()?;
        Some(self.clone())
    }

    /// What `/readyz` shows.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let reports = self.reports();
        let problems: Vec<_> =
            reports.problems().filter(|problem| problem.file.starts_with(self.store.directory())).collect();
        drop(reports);
        let (count, bytes) = self.store.size();
        let store = match problems.first() {
            None => Condition::new("image-store", State::Met, format!("{count} reports, {bytes} bytes")),
            Some(first) => {
                let (count, file) = (problems.len(), first.file.display());
                let detail =
                    format!("{count} files cannot be used, the first being {file}: {}", first.reason);
                Condition::new("image-store", State::Degraded, detail)
            }
        };
        let problems = self.tokens.as_ref().map(|shown| held(shown).problems.clone());
        let tokens = problems.filter(|problems| !problems.is_empty());
        let tokens = tokens.map(|told| Condition::new("ingest-tokens", State::Degraded, told.join("; ")));
        std::iter::once(store).chain(tokens).collect()
    }

    fn reports(&self) -> MutexGuard<'_, Reports> {
        held(&self.reports)
    }

    /// Puts what is known now in force.
    fn install(&self, reports: &mut Reports) {
        let evidence = reports.snapshot();
        self.gate.update_inventory(|inventory| inventory.image_evidence = evidence.clone());
    }

    /// Takes in what happened in the directory, whoever did it.
    fn follow(&self, change: &Change<'_>) {
        let mut reports = self.reports();
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
                    self.install(&mut reports);
                }
            }
            Change::Settled => {
                reports.remove(self.store.directory());
                self.install(&mut reports);
            }
        }
    }

    /// Lets go of what is too old.
    fn clean(&self) {
        self.store.remove_abandoned();
        let removed = self.store.remove_outdated(Timestamp::now());
        if !removed.is_empty() {
            let mut reports = self.reports();
            removed.iter().for_each(|path| reports.remove(path));
            self.install(&mut reports);
        }
    }

    /// Reads the tokens, and again whenever they change.
    fn watch_tokens(self: &Arc<Self>, path: &Path) -> Result<Watch, Vec<Unusable>> {
        let failed = |error: std::io::Error| vec![unreadable(path, &error.to_string())];
        let name = path.file_name().map(OsStr::to_owned);
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or_else(|| Path::new("."));
        let mut directory = Directory::new(folder, move |found| found.file_name() == name.as_deref());
        let mut is_there = false;
        let first = &mut |change: Change<'_>| {
            is_there |= matches!(change, Change::File { .. });
            self.take_tokens(&change);
        };
        directory.round(first).map_err(failed)?;
        if !is_there {
            return Err(vec![unreadable(path, "it cannot be read: --ingest-tokens names a file")]);
        }
        let told = self.tokens.as_ref().map(|shown| held(shown).problems.clone()).unwrap_or_default();
        if !told.is_empty() {
            return Err(told.iter().map(|problem| unreadable(path, problem)).collect());
        }
        let telling = Arc::downgrade(self);
        let follow = move |change: Change<'_>| {
            if let Some(desk) = telling.upgrade() {
                desk.take_tokens(&change);
            }
        };
        directory.watch(LOOK_EVERY, follow).map_err(failed)
    }

    fn take_tokens(&self, change: &Change<'_>) {
        let (tokens, problems) = match *change {
            Change::File { content, .. } => Tokens::read(&String::from_utf8_lossy(content)),
            // Taking the file away is a way to shut the door.
            Change::Gone { .. } => {
                (Tokens::default(), vec!["the file of tokens is gone: nobody may hand in".to_owned()])
            }
            Change::Unreadable { reason, .. } => {
                (Tokens::default(), vec![format!("nobody may hand in: {reason}")])
            }
            Change::Settled => return,
        };
        for problem in &problems {
            tracing::error!("the file of ingest tokens: {problem}");
        }
        if let Some(shown) = &self.tokens {
            let mut shown = held(shown);
            (shown.tokens, shown.problems) = (tokens, problems);
        }
    }

    /// Stores a report and puts it in force.
    fn keep(&self, handed: &Handed) -> Result<Reply, (StatusCode, String)> {
        let report = handed.report.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&handed.report);
        let inventory = self.gate.inventory();
        let children = |digest: &Digest| match &inventory.image_evidence {
            Source::Ready(evidence) => evidence.children(digest).to_vec(),
            _ => Vec::new(),
        };
        let examined = images::examine(&handed.digest, report, &children).map_err(|reason| {
            (StatusCode::UNPROCESSABLE_ENTITY, format!("the report is not taken: {reason}"))
        })?;
        let bound = examined.is_bound_by_caller;
        let envelope = Envelope::new(&handed.digest, &handed.by, Timestamp::now(), bound, report)
            .map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
        let stored = self.store.put(&envelope, &examined.scanner).map_err(|error| {
            let status = match error {
                NotStored::Full(_) | NotStored::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
                NotStored::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, error.to_string())
        })?;
        let mut reports = self.reports();
        stored.removed.iter().for_each(|path| reports.remove(path));
        reports.hand_in(&stored.path, &envelope);
        self.install(&mut reports);
        drop(reports);
        let (by, digest, scanner) = (&handed.by, handed.digest.as_str(), &examined.scanner);
        let (vulnerabilities, is_new) = (examined.vulnerabilities, stored.is_new);
        tracing::info!(by, digest, scanner, vulnerabilities, is_new, "a scan report was handed in");
        let told = serde_json::json!({
            "digest": digest,
            "report": envelope.report_digest(),
            "scanner": scanner,
            "vulnerabilities": vulnerabilities,
            "stored": if is_new { "new" } else { "already" },
        });
        let mut reply = Reply::json(format!("{told}\n"));
        reply.status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
        Ok(reply)
    }
}

impl Ingest for Desk {
    fn admit(&self, token: &str) -> Result<String, Unadmitted> {
        let Some(shown) = &self.tokens else { return Err(Unadmitted::Unknown) };
        let mut shown = held(shown);
        if let Some(owner) = shown.tokens.owner(token) {
            return Ok(owner.to_owned());
        }
        let recent = shown.wrong.filter(|(since, _)| since.elapsed() < MINUTE);
        let (since, count) = recent.unwrap_or((Instant::now(), 0));
        shown.wrong = Some((since, count.saturating_add(1)));
        if count < WRONG_TOKENS {
            tracing::warn!("a scan report was handed in with a wrong token, or with none");
            return Err(Unadmitted::Unknown);
        }
        Err(Unadmitted::TooOften)
    }

    fn take(&self, handed: Handed) -> Reply {
        self.keep(&handed).unwrap_or_else(|(status, words)| {
            let (by, digest) = (&handed.by, handed.digest.as_str());
            tracing::warn!(by, digest, status = status.as_u16(), "a scan report was not stored: {words}");
            Reply::refusal(status, status.canonical_reason().unwrap_or("Failure"), &words)
        })
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves nothing half-done here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
