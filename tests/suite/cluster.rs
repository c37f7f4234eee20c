//! Tests against a real API server, which `KUBECONFIG` leads to; without one they say loudly that they did not run.

#[cfg(test)]
mod scan;

use std::io::Write;

/// The kubeconfig of the API server to test against, if there is one.
pub(crate) fn kubeconfig() -> Option<String> {
    let path = std::env::var("KUBECONFIG").ok().filter(|path| !path.is_empty());
    if path.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Not through `eprintln!`, which the test harness keeps to itself when a test passes.
        let told = "needs KUBECONFIG, the kubeconfig of an API server that may be written to";
        let _ = writeln!(std::io::stderr(), "NOT RUN: {test} {told}");
    }
    path
}
