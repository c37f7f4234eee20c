//! Handed-in reports in a cluster: reduced to what is judged by, as ImageScans that every replica follows.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, Weak},
};

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::{runtime::Handle, task::JoinHandle, time::sleep};

use super::{CLEAN_EVERY, Known, MIB, NotKept, Shelf, held, trouble};
use crate::{
    cluster::{
        Cluster, ImageScans, News, NotWritten, Raw,
        definitions::{HandedIn, ImageScanSpec, Told, follow, image_scan_resource},
    },
    images::{self, Envelope, Examined, Keep, Reports, Seen},
    server::{Condition, State},
};

/// What is usual: it lies in etcd, of which all others live too.
pub(super) const KEEP: Keep = Keep { each: 3, bytes: 256 * MIB, age: SignedDuration::from_hours(90 * 24) };

const UNDEFINED: &str = "the cluster does not know ImageScans: apply the definitions (manifests/base)";

/// Under which scans of the cluster stand among the files.
const PLACE: &str = "imagescans";

/// The ImageScans of the cluster, followed as they change.
pub(super) struct Shared {
    scans: ImageScans,
    known: Known,
    keep: Keep,
    /// Whether anybody may hand in: what cannot be read may then be the scan that is missed.
    is_open: bool,
    state: Mutex<Followed>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What is known of the objects.
#[derive(Default)]
struct Followed {
    /// By name, with the version that was read.
    objects: BTreeMap<String, (String, Seen)>,
    hearing: Hearing,
}

/// Whether changes are told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hearing {
    /// Not everything has been told once; with what stands in the way.
    Beginning(String),
    Whole,
    NotDefined,
    /// What was told before still counts.
    Lost(String),
}

impl Default for Hearing {
    fn default() -> Self {
        Self::Beginning("nobody has answered".to_owned())
    }
}

#[derive(Deserialize)]
struct Object {
    spec: ImageScanSpec,
}

impl Shared {
    pub(super) fn start(cluster: &Cluster, known: Known, keep: Keep, is_open: bool) -> Arc<Self> {
        let scans = ImageScans::of(cluster.client.clone());
        let (state, tasks) = (Mutex::default(), Mutex::default());
        let this = Arc::new(Self { scans, known, keep, is_open, state, tasks });
        let telling = Arc::downgrade(&this);
        let following = tokio::spawn(follow(cluster.client.clone(), image_scan_resource(), move |told| {
            if let Some(shared) = telling.upgrade() {
                shared.take(&told);
            }
        }));
        let cleaning = tokio::spawn(clean(Arc::downgrade(&this)));
        *held(&this.tasks) = vec![following, cleaning];
        this
    }

    fn state(&self) -> MutexGuard<'_, Followed> {
        held(&self.state)
    }

    /// Takes in what happened in the cluster, whoever did it.
    fn take(&self, told: &Told<'_>) {
        // In this order everywhere.
        let (mut reports, mut state) = (self.known.reports(), self.state());
        let has_changed = match told {
            Told::News(News::Is(object)) => state.see(object, &mut reports),
            Told::News(News::Gone(_, name)) => {
                state.objects.remove(*name);
                reports.remove(&place(name));
                true
            }
            Told::News(News::Whole) => {
                reports.remove(Path::new(PLACE));
                state.hear(Hearing::Whole)
            }
            // It is waited for: what nobody has told yet cannot be judged by.
            Told::News(News::Lost(reason)) if state.is_beginning() => {
                state.hear(Hearing::Beginning((*reason).to_owned()));
                false
            }
            Told::News(News::Lost(reason) | News::Forbidden(reason)) => {
                let is_unknown = state.is_beginning();
                state.hear(Hearing::Lost((*reason).to_owned()));
                self.doubts(is_unknown, reason, &mut reports)
            }
            Told::NotDefined => {
                let is_news = state.hear(Hearing::NotDefined);
                self.doubts(is_news, UNDEFINED, &mut reports)
            }
        };
        // Not object by object while a list is being told.
        if has_changed && !state.is_beginning() {
            self.known.install(&mut reports);
        }
    }

    /// Where somebody may hand in and nobody can read, an image without a scan may have one.
    fn doubts(&self, is_unknown: bool, reason: &str, reports: &mut Reports) -> bool {
        let doubts = self.is_open && is_unknown;
        if doubts {
            reports.unreadable(Path::new(PLACE), reason);
        }
        doubts
    }

    /// Removes objects; the watch tells when they are gone.
    async fn remove(&self, names: &[String]) {
        for name in names {
            if let Err(reason) = self.scans.delete(name).await {
                tracing::warn!(name, "an old ImageScan cannot be removed: {reason}");
            }
        }
    }
}

impl Followed {
    /// Takes in an object; tells whether it is new, or other than it was.
    fn see(&mut self, object: &Raw, reports: &mut Reports) -> bool {
        let (name, (_, _, version)) = (object.name(), object.version());
        if self.objects.get(name).is_some_and(|(known, _)| known == version) {
            return false;
        }
        reports.remove(&place(name));
        match read(object).and_then(|spec| spec.take_into(name, reports)) {
            Ok(seen) => {
                let seen = Seen { bytes: object.json().len() as u64, ..seen };
                self.objects.insert(name.to_owned(), (version.to_owned(), seen));
            }
            Err(reason) => {
                tracing::error!(name, "an ImageScan cannot be used: {reason}");
                self.objects.remove(name);
                reports.unreadable(&place(name), &reason);
            }
        }
        true
    }

    const fn is_beginning(&self) -> bool {
        matches!(self.hearing, Hearing::Beginning(_))
    }

    /// How changes are told from now on; tells whether that is news.
    fn hear(&mut self, hearing: Hearing) -> bool {
        let is_news = self.hearing != hearing;
        self.hearing = hearing;
        is_news
    }

    /// The names of what has to make room for the scans of an image by a scanner: the oldest beyond so many.
    fn surplus(&self, name: &str, scanner: &str, each: usize) -> Vec<String> {
        let image = name.split('.').next().unwrap_or_default();
        let same = self.objects.range(format!("{image}.")..).take_while(|(name, _)| name.starts_with(image));
        let mut same: Vec<_> = same.filter(|(_, (_, seen))| *seen.scanner == *scanner).collect();
        same.sort_unstable_by_key(|(_, (_, seen))| std::cmp::Reverse(seen.received_at));
        same.into_iter().skip(each).map(|(name, _)| name.clone()).collect()
    }

    fn outdated(&self, oldest: Timestamp) -> Vec<String> {
        let outdated = self.objects.iter().filter(|(_, (_, seen))| seen.received_at < oldest);
        outdated.map(|(name, _)| name.clone()).collect()
    }

    /// In bytes.
    fn used(&self) -> u64 {
        self.objects.values().map(|(_, seen)| seen.bytes).sum()
    }
}

impl ImageScanSpec {
    /// Puts the scan among what is known, under the name of its object.
    fn take_into(&self, name: &str, reports: &mut Reports) -> Result<Seen, String> {
        let seen = Seen { scanner: (&*self.scanner).into(), received_at: self.received_at()?, bytes: 0 };
        reports.keep(&place(name), &self.origin(), &self.scan()?);
        Ok(seen)
    }
}

/// Lets go of what is too old, for as long as anybody judges by it. Each replica does: what is gone is gone.
async fn clean(shared: Weak<Shared>) {
    while let Some(cleaning) = shared.upgrade() {
        if let Ok(oldest) = Timestamp::now().checked_sub(cleaning.keep.age) {
            let outdated = cleaning.state().outdated(oldest);
            cleaning.remove(&outdated).await;
        }
        // Soon after the start, when all that exists has been told.
        let pause = if cleaning.state().hearing == Hearing::Whole { CLEAN_EVERY } else { CLEAN_EVERY / 3600 };
        drop(cleaning);
        sleep(pause).await;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        held(&self.tasks).iter().for_each(JoinHandle::abort);
    }
}

impl Shelf for Shared {
    fn keep(&self, envelope: &Envelope<'_>, examined: &Examined) -> Result<bool, NotKept> {
        let unread =
            || (StatusCode::UNPROCESSABLE_ENTITY, "the report is not taken: it is no scan".to_owned());
        let scan = images::scan_of(envelope.digest(), envelope.report()).ok_or_else(unread)?;
        let handed = HandedIn {
            image: envelope.digest(),
            by: envelope.by(),
            received_at: envelope.received_at(),
            report: &envelope.report_digest(),
            is_bound_by_caller: envelope.is_bound_by_caller(),
        };
        let spec = ImageScanSpec::new(&handed, &scan);
        let name = spec.name();
        let bytes = serde_json::to_vec(&spec).map_or(0, |text| text.len() as u64);
        {
            let state = self.state();
            if !state.objects.contains_key(&name) && state.used() + bytes > self.keep.bytes {
                let words = format!(
                    "the cluster holds {} MiB of scans, as much as it may: raise --image-store-mib, or lower \
                     --image-store-days",
                    self.keep.bytes / MIB
                );
                return Err((StatusCode::INSUFFICIENT_STORAGE, words));
            }
        }
        let created = Handle::current().block_on(self.scans.create(&spec)).map_err(not_kept)?;
        let (mut reports, mut state) = (self.known.reports(), self.state());
        // If it was there before, another replica may have taken it a moment ago, and nobody has told it here yet.
        if created.is_some() || !state.objects.contains_key(&name) {
            let seen = spec
                .take_into(&name, &mut reports)
                .map_err(|reason| (StatusCode::INTERNAL_SERVER_ERROR, reason))?;
            if let Some(version) = &created {
                state.objects.insert(name.clone(), (version.clone(), Seen { bytes, ..seen }));
            }
            self.known.install(&mut reports);
        }
        let surplus = state.surplus(&name, &examined.scanner, self.keep.each);
        drop((state, reports));
        Handle::current().block_on(self.remove(&surplus));
        Ok(created.is_some())
    }

    fn condition(&self) -> Condition {
        let told = trouble(&self.known.reports(), Path::new(PLACE));
        let followed = self.state();
        let (state, detail) = match (&followed.hearing, told) {
            (Hearing::Beginning(reason), _) => (State::Unmet, format!("not known yet: {reason}")),
            (Hearing::NotDefined, _) if !self.is_open => (State::Met, UNDEFINED.to_owned()),
            (Hearing::NotDefined, _) => (State::Degraded, UNDEFINED.to_owned()),
            (Hearing::Lost(reason), _) => (State::Degraded, format!("changes are not told: {reason}")),
            (Hearing::Whole, Some(told)) => (State::Degraded, told),
            (Hearing::Whole, None) => {
                (State::Met, format!("{} scans, {} bytes", followed.objects.len(), followed.used()))
            }
        };
        Condition::new("image-scans", state, detail)
    }
}

/// Whoever reads `Retry-After` hands it in again when the API server may be back.
fn not_kept(error: NotWritten) -> NotKept {
    let (status, advice) = match error {
        NotWritten::TooLarge(_) => (
            StatusCode::PAYLOAD_TOO_LARGE,
            ". Scan with fewer severities (`--severity HIGH,CRITICAL`), or attest the scan in the registry",
        ),
        NotWritten::Undefined => (StatusCode::SERVICE_UNAVAILABLE, ""),
        NotWritten::Failed(_) | NotWritten::Silent => {
            (StatusCode::SERVICE_UNAVAILABLE, ". Hand it in again: the same report is kept once")
        }
    };
    (status, format!("the scan is not kept: {error}{advice}"))
}

/// What an object says.
fn read(object: &Raw) -> Result<ImageScanSpec, String> {
    let Object { spec } = serde_json::from_str(object.json()).map_err(|error| {
        format!("it is not what the gate writes (line {}, column {})", error.line(), error.column())
    })?;
    if spec.name() != object.name() {
        return Err("its name is not that of what it holds: somebody else wrote it".to_owned());
    }
    Ok(spec)
}

fn place(name: &str) -> PathBuf {
    Path::new(PLACE).join(name)
}
