//! Remembers, over restarts and replicas, when each check last found something, so that a mode is raised on evidence.

mod collecting;
mod record;

pub use collecting::{Collecting, Observer};
use record::News;
pub use record::{Record, Unreadable, Watched};

use std::{collections::BTreeMap, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};

use super::{Cluster, is_absent, is_conflict};

/// The ConfigMap in the gate's own namespace.
pub(crate) const CONFIG_MAP: &str = "soc2gate-observed";

/// How often a write is begun anew when somebody else was there first.
const TRIES: u32 = 6;

/// How long one answer of the API server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the record is kept.
#[derive(Clone)]
pub struct Store {
    api: Api<ConfigMap>,
}

/// Why the record was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the ConfigMap {CONFIG_MAP} is left as it is: {0}. Run one version of soc2gate, or delete it to begin anew"
    )]
    Format(Unreadable),
    #[error("the ConfigMap {CONFIG_MAP} is damaged: {0}. A gate begins anew within a minute")]
    Damaged(Unreadable),
    #[error("the ConfigMap {CONFIG_MAP}: {0}")]
    Api(#[from] kube::Error),
    #[error("the ConfigMap {CONFIG_MAP}: the API server did not answer in time")]
    Late,
    #[error("the ConfigMap {CONFIG_MAP} was changed by others {TRIES} times in a row")]
    Contended,
}

/// The day it is now, in UTC.
pub fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

impl Store {
    pub fn of(cluster: &Cluster) -> Self {
        Self { api: Api::namespaced(cluster.client.clone(), &cluster.namespace) }
    }

    /// The record, if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read(&self) -> Result<Option<Record>, StoreError> {
        let Some(found) = self.get().await? else { return Ok(None) };
        match Record::read(&found.data.unwrap_or_default()) {
            Ok(record) => Ok(Some(record)),
            Err(unreadable @ Unreadable::Format(_)) => Err(StoreError::Format(unreadable)),
            Err(unreadable @ Unreadable::Corrupt(_)) => Err(StoreError::Damaged(unreadable)),
        }
    }

    /// Changes the record as it is by then, whoever else changes it. What is damaged begins anew.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was changed.
    pub async fn update(&self, change: impl Fn(&mut Record)) -> Result<(), StoreError> {
        for attempt in 0..TRIES {
            let outcome = match self.get().await? {
                None => self.create(&change).await,
                Some(found) => self.replace(found, &change).await,
            };
            match outcome {
                Err(StoreError::Api(error)) if is_conflict(&error) => {
                    // Replicas that met once part ways: each has a clock of its own.
                    let jitter = Timestamp::now().subsec_microsecond().unsigned_abs() % 100;
                    tokio::time::sleep(Duration::from_millis(u64::from(50 * attempt) + u64::from(jitter)))
                        .await;
                }
                outcome => return outcome,
            }
        }
        Err(StoreError::Contended)
    }

    async fn get(&self) -> Result<Option<ConfigMap>, StoreError> {
        match in_time(self.api.get(CONFIG_MAP)).await {
            Ok(found) => Ok(Some(found)),
            Err(StoreError::Api(error)) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, change: impl Fn(&mut Record)) -> Result<(), StoreError> {
        let mut record = Record::default();
        change(&mut record);
        let labels = BTreeMap::from([("app.kubernetes.io/name".to_owned(), super::NAME.to_owned())]);
        let metadata =
            ObjectMeta { name: Some(CONFIG_MAP.to_owned()), labels: Some(labels), ..ObjectMeta::default() };
        let made = ConfigMap { metadata, data: Some(record.data()), ..ConfigMap::default() };
        in_time(self.api.create(&PostParams::default(), &made)).await.map(drop)
    }

    async fn replace(&self, found: ConfigMap, change: impl Fn(&mut Record)) -> Result<(), StoreError> {
        let before = found.data.clone().unwrap_or_default();
        let mut record = match Record::read(&before) {
            Ok(record) => record,
            Err(unreadable @ Unreadable::Format(_)) => return Err(StoreError::Format(unreadable)),
            Err(Unreadable::Corrupt(key)) => {
                tracing::warn!(key, "the ConfigMap {CONFIG_MAP} is damaged: observation begins anew today");
                Record::default()
            }
        };
        change(&mut record);
        let data = record.data();
        if data == before {
            return Ok(());
        }
        // Carries the version that was read: of two who write at once, one is refused and reads again.
        let replaced = ConfigMap { data: Some(data), ..found };
        in_time(self.api.replace(CONFIG_MAP, &PostParams::default(), &replaced)).await.map(drop)
    }
}

async fn in_time<T>(call: impl Future<Output = kube::Result<T>>) -> Result<T, StoreError> {
    match tokio::time::timeout(PATIENCE, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::Late),
    }
}
