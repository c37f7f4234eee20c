//! Takes over new certificates while the server runs.

use std::sync::Arc;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::Shared;
use crate::certificates::{Error, Store};

/// Looks at the certificate files again and again, for ever.
pub(super) async fn keep_fresh(shared: Arc<Shared>, mut store: Store) {
    loop {
        tokio::select! {
            () = sleep(shared.limits.certificate_check) => {}
            () = store.handed_over() => {}
        }
        // A mounted Secret may live on a slow disk.
        let Ok((back, news)) = spawn_blocking(move || {
            let news = store.news();
            (store, news)
        })
        .await
        else {
            tracing::error!("certificates are no longer watched: restart to take over new ones");
            return;
        };
        store = back;
        match news {
            Ok(None) => {}
            Ok(Some(material)) => match shared.tls.replace(material, &shared.handlers.metrics.server) {
                Ok(()) => tracing::info!("serving a new certificate"),
                Err(error) => refused(&shared, error.to_string()),
            },
            // Whoever keeps it says why.
            Err(Error::NotYet) => {}
            Err(error) => refused(&shared, error.to_string()),
        }
    }
}

/// Told once per reason; the metric and `/readyz?verbose` keep telling.
fn refused(shared: &Shared, reason: String) {
    let metrics = &shared.handlers.metrics.server;
    metrics.certificate_last_reload_success.set(0);
    if shared.tls.trouble(reason.clone()) {
        metrics.certificate_reload_failures.inc();
        tracing::error!(reason, "the new certificate cannot be used: the old one stays");
    }
}
