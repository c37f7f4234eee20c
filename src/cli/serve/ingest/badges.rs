//! Who may hand in scan reports: the file of tokens as it is now, and the wrong ones shown of late.

use std::{
    ffi::OsStr,
    io,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::held;
use crate::{
    cli::{rules::unreadable, serve::in_force::LOOK_EVERY, tokens::Tokens},
    directory::{Change, Directory, Watch},
    manifest::Unusable,
    server::{Condition, State, Unadmitted},
};

/// More wrong tokens than these within a minute are told to wait. Right ones are let in all the same.
const WRONG_TOKENS: u32 = 20;
const MINUTE: Duration = Duration::from_secs(60);

/// The tokens, read again whenever their file changes.
pub(super) struct Badges {
    shown: Mutex<Shown>,
    watch: Mutex<Option<Watch>>,
}

/// The tokens in force, what is wrong with their file, and the wrong ones shown of late.
#[derive(Default)]
struct Shown {
    tokens: Tokens,
    problems: Vec<String>,
    wrong: Option<(Instant, u32)>,
}

impl Badges {
    /// Reads the tokens, and again whenever they change.
    ///
    /// # Errors
    /// When the file cannot be read, or a line of it is wrong.
    pub(super) fn start(path: &Path) -> Result<Arc<Self>, Vec<Unusable>> {
        let this = Arc::new(Self { shown: Mutex::default(), watch: Mutex::default() });
        let failed = |error: io::Error| vec![unreadable(path, &error.to_string())];
        let name = path.file_name().map(OsStr::to_owned);
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or_else(|| Path::new("."));
        let mut directory = Directory::new(folder, move |found| found.file_name() == name.as_deref());
        let mut is_there = false;
        let first = &mut |change: Change<'_>| {
            is_there |= matches!(change, Change::File { .. });
            this.take(&change);
        };
        directory.round(first).map_err(failed)?;
        if !is_there {
            return Err(vec![unreadable(path, "it cannot be read: --ingest-tokens names a file")]);
        }
        let told = held(&this.shown).problems.clone();
        if !told.is_empty() {
            return Err(told.iter().map(|problem| unreadable(path, problem)).collect());
        }
        let telling = Arc::downgrade(&this);
        let follow = move |change: Change<'_>| {
            if let Some(badges) = telling.upgrade() {
                badges.take(&change);
            }
        };
        let watch = directory.watch(LOOK_EVERY, follow).map_err(failed)?;
        *held(&this.watch) = Some(watch);
        Ok(this)
    }

    fn take(&self, change: &Change<'_>) {
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
        let mut shown = held(&self.shown);
        (shown.tokens, shown.problems) = (tokens, problems);
    }

    /// What is wrong with the file, for `/readyz`.
    pub(super) fn condition(&self) -> Option<Condition> {
        let problems = held(&self.shown).problems.clone();
        (!problems.is_empty()).then(|| Condition::new("ingest-tokens", State::Degraded, problems.join("; ")))
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// When it is nobody's.
    pub(super) fn admit(&self, token: &str) -> Result<String, Unadmitted> {
        let mut shown = held(&self.shown);
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
}
