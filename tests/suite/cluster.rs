//! Tests against a real API server, which `KUBECONFIG` leads to. Without one they are not run, and say so.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod install;
#[cfg(test)]
mod kubectl;
#[cfg(test)]
mod load;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod privileges;
#[cfg(test)]
mod ramp;
#[cfg(test)]
mod registered;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod scan;
#[cfg(test)]
mod survival;
#[cfg(test)]
mod ways_in;
#[cfg(test)]
mod workloads;

use std::{fs::File, io::Write};

/// The cluster for one test alone, until dropped.
pub(crate) struct Alone(#[expect(dead_code, reason = "its lock goes when it is dropped")] File);

/// All tests change one cluster: one comes after the other, also those of another process.
pub(crate) async fn alone() -> Alone {
    let path = std::env::temp_dir().join("soc2gate-cluster-tests.lock");
    let file = File::create(path).unwrap();
    let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await.unwrap();
    Alone(locked.unwrap())
}

/// Where the API server's kubeconfig is. Without one the test says loudly that it was not run.
pub(crate) fn kubeconfig() -> Option<String> {
    given("KUBECONFIG", "to lead to an API server that it may change")
}

/// A setting that a test cannot do without.
fn given(variable: &str, what_for: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        // Beside the harness, which keeps what a test prints.
        let _ = writeln!(std::io::stderr(), "NOT RUN: {test} needs {variable} {what_for}");
    }
    value
}
