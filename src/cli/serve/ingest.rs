//! Scan reports that are handed in while the webhook serves: kept where they survive, and put in force at once.

mod badges;
mod files;
mod shared;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clap::Args;
use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::in_force::InForce;
use crate::{
    admission::Gate,
    cli::rules::unreadable,
    cluster::Cluster,
    images::{self, Envelope, Examined, Keep, Reports},
    inventory::Source,
    manifest::Unusable,
    object::Digest,
    server::{Condition, Handed, Ingest, Reply, Unadmitted},
};
use badges::Badges;
use files::Files;
use shared::Shared;

/// Where reports that are handed in go, and who may hand them in.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Scan reports that are handed in")]
pub(super) struct Ingesting {
    /// Directory that keeps what is known of images: what registries answered, when vulnerabilities were first seen, and
    /// the scan reports handed in. With --cluster those become ImageScans instead, which all replicas see.
    #[arg(long, value_name = "DIR", env = "SOC2GATE_IMAGE_STORE")]
    pub(super) image_store: Option<PathBuf>,
    /// Days after which a report handed in is removed.
    #[arg(long, value_name = "DAYS", default_value = "90", env = "SOC2GATE_IMAGE_STORE_DAYS", value_parser = clap::value_parser!(u16).range(1..))]
    image_store_days: u16,
    /// The most that the reports handed in may take: 1024 in a directory, 256 in the cluster.
    #[arg(long, value_name = "MIB", env = "SOC2GATE_IMAGE_STORE_MIB")]
    image_store_mib: Option<u32>,
    /// File of those who may hand in reports, `name sha256:<hex of the token>` a line; read again when it changes.
    /// Without it nobody may.
    #[arg(long, value_name = "FILE", env = "SOC2GATE_INGEST_TOKENS")]
    ingest_tokens: Option<PathBuf>,
}

const MIB: u64 = 1024 * 1024;

/// How often it is looked for reports that are too old.
const CLEAN_EVERY: Duration = Duration::from_secs(3600);

/// Where reports that are handed in are kept.
trait Shelf: Send + Sync {
    /// Keeps a scan of an image where it survives, and puts it in force; tells whether it is new. May wait.
    fn keep(&self, envelope: &Envelope<'_>, examined: &Examined) -> Result<bool, NotKept>;

    /// What `/readyz` shows.
    fn condition(&self) -> Condition;
}

/// Why a report is not kept, with the status that says so.
type NotKept = (StatusCode, String);

/// What is known of images, and what is decided by.
#[derive(Clone)]
struct Known {
    reports: Arc<Mutex<Reports>>,
    gate: Arc<Gate>,
}

impl Known {
    fn reports(&self) -> MutexGuard<'_, Reports> {
        held(&self.reports)
    }

    /// Puts what is known now in force, while nobody else can.
    fn install(&self, reports: &mut Reports) {
        let evidence = reports.snapshot();
        self.gate.update_inventory(|inventory| inventory.image_evidence = evidence.clone());
    }
}

/// Where reports are handed in.
pub(super) struct Desk {
    shelf: Arc<dyn Shelf>,
    gate: Arc<Gate>,
    /// None if nobody may hand in.
    badges: Option<Arc<Badges>>,
}

impl Ingesting {
    /// Begins to follow what was handed in, here or elsewhere; none if nothing is to be kept.
    ///
    /// # Errors
    /// When the directory or the file of tokens cannot be used.
    pub(super) fn start(
        &self,
        in_force: &InForce,
        cluster: Option<&Cluster>,
    ) -> Result<Option<Arc<Desk>>, Vec<Unusable>> {
        let known = Known { reports: in_force.scans.clone(), gate: in_force.gate.clone() };
        let gate = known.gate.clone();
        let shelf: Arc<dyn Shelf> = match (cluster, &self.image_store) {
            (Some(cluster), _) => {
                Shared::start(cluster, known, self.keep(shared::KEEP), self.ingest_tokens.is_some())
            }
            (None, Some(root)) => Files::start(root, known, self.keep(files::KEEP))?,
            (None, None) => {
                return match &self.ingest_tokens {
                    None => Ok(None),
                    Some(path) => Err(vec![unreadable(path, NOWHERE)]),
                };
            }
        };
        let badges = self.ingest_tokens.as_deref().map(Badges::start).transpose()?;
        Ok(Some(Arc::new(Desk { shelf, gate, badges })))
    }

    /// What the flags say, and what is usual otherwise.
    fn keep(&self, usual: Keep) -> Keep {
        Keep {
            bytes: self.image_store_mib.map_or(usual.bytes, |mib| u64::from(mib) * MIB),
            age: SignedDuration::from_hours(i64::from(self.image_store_days) * 24),
            ..usual
        }
    }
}

const NOWHERE: &str =
    "reports that are handed in need a place: name a directory with --image-store, or run with --cluster";

impl Desk {
    /// The door, if anybody may come in.
    pub(super) fn door(self: &Arc<Self>) -> Option<Arc<dyn Ingest>> {
        self.badges.as_ref()?;
        Some(self.clone())
    }

    /// What `/readyz` shows.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let badges = self.badges.as_ref().and_then(|badges| badges.condition());
        std::iter::once(self.shelf.condition()).chain(badges).collect()
    }

    /// Stores a report and puts it in force.
    fn keep(&self, handed: &Handed) -> Result<Reply, NotKept> {
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
        let is_new = self.shelf.keep(&envelope, &examined)?;
        let (by, digest, scanner) = (&handed.by, handed.digest.as_str(), &examined.scanner);
        let vulnerabilities = examined.vulnerabilities;
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
        self.badges.as_ref().ok_or(Unadmitted::Unknown)?.admit(token)
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

/// What cannot be read beneath a place, as a condition tells it.
fn trouble(reports: &Reports, place: &Path) -> Option<String> {
    let problems: Vec<_> = reports.problems().filter(|problem| problem.file.starts_with(place)).collect();
    let first = problems.first()?;
    let (count, file) = (problems.len(), first.file.display());
    Some(format!("{count} of them cannot be used, the first being {file}: {}", first.reason))
}
