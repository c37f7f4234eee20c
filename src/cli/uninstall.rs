//! `soc2gate uninstall`: takes the gate out of a cluster, in an order in which nothing hangs, whether or not it runs.

mod order;
mod remove;

use std::{process::ExitCode, time::Duration};

use clap::Args;

use super::{access::Access, complain};

/// Remove the gate from the cluster of KUBECONFIG, with everything that it has written there.
///
/// Its policies and exemptions go too. It works while the gate is down, and while the cluster waits for it.
#[derive(Args)]
pub(super) struct Uninstall {
    /// Do it. Without this only what would go is told.
    #[arg(long)]
    yes: bool,
    /// The namespace that the gate runs in; what the cluster says unless given.
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// How long to wait until everything is gone.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    #[command(flatten)]
    access: Access,
}

impl Uninstall {
    pub(super) fn run(self) -> ExitCode {
        let timeout = Duration::from_secs(self.timeout);
        match remove::run(&self.access, self.namespace.as_deref(), self.yes, timeout) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                complain(&message);
                ExitCode::FAILURE
            }
        }
    }
}
