//! How a command waits for the network: on a runtime of its own, with TLS ready.

use std::io;

use futures::{FutureExt, future::LocalBoxFuture};
use tokio::runtime::{Builder, Runtime};

use crate::server;

/// Does the work on the thread that asks.
///
/// # Errors
/// When the system gives no runtime what it needs.
pub(super) fn on_one_thread<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(done(&Builder::new_current_thread().enable_all().build()?, work.boxed_local()))
}

/// The same, with every core for what the work spawns.
///
/// # Errors
/// As above.
pub(super) fn on_every_core<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(done(&Builder::new_multi_thread().enable_all().build()?, work.boxed_local()))
}

/// Boxed, since a runtime is compiled anew for each kind of future that it blocks on, and these are large.
fn done<T>(runtime: &Runtime, work: LocalBoxFuture<'_, T>) -> T {
    server::install_provider();
    runtime.block_on(work)
}
