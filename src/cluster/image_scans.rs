//! The scans that were handed in, as objects in the cluster: written once, never changed, and seen by every replica.

use std::time::Duration;

use futures::FutureExt;
use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, PostParams},
};

use super::{
    NAME,
    definitions::{ImageScanSpec, image_scan_resource},
    failure::reason,
    is_absent, is_conflict,
};

/// The largest object that is written, in bytes of JSON: etcd takes 1.5 MiB, and the API server adds its own.
const LARGEST: usize = 1_250_000;

/// For each request.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a scan is not in the cluster.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    #[error("it is too large to be kept in the cluster: {0} bytes are left of it, and {LARGEST} are taken")]
    TooLarge(usize),
    #[error("the cluster does not know ImageScans: apply the definitions of this version (manifests/base)")]
    Undefined,
    #[error("the API server cannot keep it: {0}")]
    Failed(String),
    #[error("the API server does not answer")]
    Silent,
}

/// The ImageScans of a cluster, for whoever writes them.
#[derive(Clone)]
pub struct ImageScans {
    api: Api<DynamicObject>,
}

impl ImageScans {
    pub fn of(client: Client) -> Self {
        Self { api: Api::all_with(client, &image_scan_resource()) }
    }

    /// Writes a scan, unless it is there already; tells its version if it is new.
    ///
    /// # Errors
    /// When the API server does not say that it has it. It may have it all the same, which the next attempt will find.
    pub async fn create(&self, spec: &ImageScanSpec) -> Result<Option<String>, NotWritten> {
        let spec_value = serde_json::to_value(spec).map_err(|error| NotWritten::Failed(error.to_string()))?;
        let object = DynamicObject::new(&spec.name(), &image_scan_resource())
            .data(serde_json::json!({"spec": spec_value}));
        let size = serde_json::to_vec(&object).map_or(usize::MAX, |bytes| bytes.len());
        if size > LARGEST {
            return Err(NotWritten::TooLarge(size));
        }
        let how = PostParams { field_manager: Some(NAME.to_owned()), ..PostParams::default() };
        // Boxed, as it is large and waited for in several places.
        let created = self.api.create(&how, &object).boxed();
        match tokio::time::timeout(PATIENCE, created).await.map_err(|_| NotWritten::Silent)? {
            Ok(created) => Ok(Some(created.metadata.resource_version.unwrap_or_default())),
            Err(error) if is_conflict(&error) => Ok(None),
            Err(error) if is_absent(&error) => Err(NotWritten::Undefined),
            Err(error) => Err(NotWritten::Failed(reason(&error))),
        }
    }

    /// Removes a scan; that it is gone already is as good.
    ///
    /// # Errors
    /// In the API server's words.
    pub async fn delete(&self, name: &str) -> Result<(), String> {
        let how = DeleteParams::default();
        let deleted = self.api.delete(name, &how).boxed();
        match tokio::time::timeout(PATIENCE, deleted).await {
            Err(_) => Err(NotWritten::Silent.to_string()),
            Ok(Err(error)) if !is_absent(&error) => Err(reason(&error)),
            Ok(_) => Ok(()),
        }
    }
}
