//! What is known of images beyond reports, kept current while the webhook serves: feeds are read again when they change,
//! and what was seen first is written down.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::task::{JoinHandle, spawn_blocking};

use super::in_force::InForce;
use crate::{
    admission::Gate,
    cli::{evidence::Evidence, rules::unreadable},
    images::Reports,
    inventory::image_evidence::FirstSight,
    manifest::Unusable,
};

/// How often it is looked whether feeds have changed.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often what is new is written down; for that all of it is gone through.
const WRITE_EVERY: Duration = Duration::from_secs(60);

/// Goes on until dropped.
pub(super) struct Upkeep(JoinHandle<()>);

struct Kept {
    evidence: Evidence,
    reports: Arc<Mutex<Reports>>,
    gate: Arc<Gate>,
    file: Option<PathBuf>,
    /// What the feeds were when they were read.
    stamps: Vec<Option<SystemTime>>,
    /// The digest of what was written last.
    written: Vec<u8>,
    wrote: Instant,
}

/// As it is written: by repository, key and minutes since 1970.
type Written = BTreeMap<String, Vec<(u64, u32)>>;

impl Upkeep {
    /// Reads feeds and what was seen earlier, and begins to look after both. `store` is where to write.
    ///
    /// # Errors
    /// The feed that cannot be used.
    pub(super) fn start(
        evidence: &Evidence,
        store: Option<&Path>,
        in_force: &InForce,
    ) -> Result<Option<Self>, Vec<Unusable>> {
        if store.is_none() && !evidence.has_feeds() {
            return Ok(None);
        }
        let kept = Kept {
            stamps: evidence.feed_stamps(),
            evidence: evidence.clone(),
            reports: in_force.scans.clone(),
            gate: in_force.gate.clone(),
            file: store.map(|store| store.join("first-seen.json")),
            written: Vec::new(),
            wrote: Instant::now(),
        };
        kept.recall().map_err(|(path, reason)| vec![unreadable(&path, &reason)])?;
        evidence.feed(&mut kept.reports())?;
        kept.install();
        Ok(Some(Self(tokio::spawn(kept.run()))))
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Kept {
    async fn run(mut self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let looked = spawn_blocking(move || {
                self.look();
                self
            });
            // It panicked: what is in force stays.
            let Ok(kept) = looked.await else { return };
            self = kept;
        }
    }

    fn reports(&self) -> MutexGuard<'_, Reports> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn install(&self) {
        // In force before anybody else takes a snapshot: an older one must never follow a newer.
        let mut reports = self.reports();
        let evidence = reports.snapshot();
        self.gate.update_inventory(|inventory| inventory.image_evidence = evidence.clone());
    }

    fn look(&mut self) {
        let stamps = self.evidence.feed_stamps();
        if stamps != self.stamps {
            match self.evidence.feed(&mut self.reports()) {
                Ok(()) => tracing::info!("feeds of images were read again"),
                Err(unusable) => {
                    for Unusable { file, message, .. } in unusable {
                        tracing::error!(file, "what the feed said before stays: {message}");
                    }
                }
            }
            self.stamps = stamps;
            self.install();
        }
        if self.wrote.elapsed() < WRITE_EVERY {
            return;
        }
        self.wrote = Instant::now();
        if let Err(error) = self.write_down() {
            tracing::error!("when vulnerabilities were first seen cannot be written down: {error}");
        }
    }

    /// Takes in what was written down at an earlier start.
    fn recall(&self) -> Result<(), (PathBuf, String)> {
        let Some(file) = &self.file else { return Ok(()) };
        let refuse = |reason: String| (file.clone(), reason);
        let text = match fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(refuse(error.to_string())),
        };
        let written: Written = serde_json::from_slice(&text).map_err(|error| {
            refuse(format!(
                "it is not what was written down ({error}): restore it, or remove it to begin anew"
            ))
        })?;
        let mut reports = self.reports();
        for (repository, sights) in written {
            let sights: Vec<_> =
                sights.into_iter().map(|(key, minutes)| FirstSight::new(key, minutes)).collect();
            reports.remember_first_seen(&repository, &sights);
        }
        Ok(())
    }

    /// Writes down what was seen since, so that no restart sets a term back.
    fn write_down(&mut self) -> io::Result<()> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        if digest(&SHA256, &self.first_seen()?).as_ref() == self.written {
            return Ok(());
        }
        // Another replica may have written meanwhile; where both know, the earlier time stays.
        self.recall().map_err(|(_, reason)| io::Error::other(reason))?;
        let text = self.first_seen()?;
        let content = digest(&SHA256, &text).as_ref().to_vec();
        let unfinished = file.with_extension(format!("{}.unfinished", uuid::Uuid::now_v7()));
        let mut out = File::create(&unfinished)?;
        out.write_all(&text)?;
        out.sync_all()?;
        fs::rename(unfinished, file)?;
        self.written = content;
        Ok(())
    }

    /// When everything was first seen, as it is written.
    fn first_seen(&self) -> io::Result<Vec<u8>> {
        let reports = self.reports();
        let plain = |sights: &[FirstSight]| sights.iter().map(|one| (one.key(), one.minutes())).collect();
        let written: Written =
            reports.first_seen().map(|(repository, sights)| (repository.to_owned(), plain(sights))).collect();
        Ok(serde_json::to_vec(&written)?)
    }
}
