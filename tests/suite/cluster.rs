//! Tests against a real API server, which `KUBECONFIG` leads to.

use std::io::Write;

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod install;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod ramp;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod scan;

/// Two gates of two tests would each say what it knows of the objects that they share: one test after the other.
pub(crate) async fn alone() -> tokio::sync::MutexGuard<'static, ()> {
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ONE.lock().await
}

/// Where the API server's kubeconfig is. Without one the test says loudly that it was not run.
pub(crate) fn kubeconfig() -> Option<String> {
    let path = std::env::var("KUBECONFIG").ok().filter(|path| !path.is_empty());
    if path.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Beside the harness, which keeps what a test prints.
        let words = format!("NOT RUN: {test} needs KUBECONFIG to lead to an API server that it may change");
        let _ = writeln!(std::io::stderr(), "{words}");
    }
    path
}
