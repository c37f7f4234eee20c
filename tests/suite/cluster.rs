//! Tests against a real API server, which `KUBECONFIG` leads to; without one they say loudly that they did not run.

#[cfg(test)]
mod scan;

/// The kubeconfig of the API server to test against, if there is one.
pub(crate) fn kubeconfig() -> Option<String> {
    let path = std::env::var("KUBECONFIG").ok().filter(|path| !path.is_empty());
    if path.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        eprintln!("NOT RUN: {test} needs KUBECONFIG, the kubeconfig of an API server that may be written to");
    }
    path
}
