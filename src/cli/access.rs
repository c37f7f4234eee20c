//! How a person reaches the cluster to change the gate, and what its refusals mean.

use clap::Args;
use kube::Client;

use super::waiting;
use crate::{cluster::connect_as, installation::INSTALLERS};

/// In whose name the API server is asked.
#[derive(Args)]
#[command(next_help_heading = "Who asks")]
pub(super) struct Access {
    /// Ask in the name of this user, as `kubectl --as`.
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// A group that this user is in, as `kubectl --as-group`; may be repeated. `soc2gate:installers` passes the guard.
    #[arg(long = "as-group", value_name = "GROUP", requires = "user")]
    groups: Vec<String>,
}

impl Access {
    /// Does something in the cluster of KUBECONFIG, or of the pod's account.
    pub(super) fn connected(
        &self,
        work: impl AsyncFnOnce(Client) -> Result<(), String>,
    ) -> Result<(), String> {
        let done = waiting::on_one_thread(async {
            let client = connect_as(self.user.as_deref(), &self.groups).await;
            work(client.map_err(|error| error.to_string())?).await
        });
        done.map_err(|error| error.to_string())?
    }
}

/// What kept the API server from doing as it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The gate's own admission policy.
    Guard,
    /// The manifests on the control plane's disk.
    StaticGuard,
    /// The gate itself was to be asked, and does not answer.
    AbsentGate,
    /// The person has no such right.
    Rights,
    Other,
}

impl Cause {
    pub(super) fn of(error: &kube::Error) -> Self {
        let kube::Error::Api(status) = error else { return Self::Other };
        let says = |part: &str| status.message.contains(part);
        if says("soc2gate.static.k8s.io") {
            Self::StaticGuard
        } else if says("ValidatingAdmissionPolicy 'soc2gate'") {
            Self::Guard
        } else if says("failed calling webhook") && says(".soc2gate.io") {
            Self::AbsentGate
        } else if matches!(status.code, 401 | 403) {
            Self::Rights
        } else {
            Self::Other
        }
    }
}

/// A refusal, and what to do about it.
pub(super) fn explain(error: &kube::Error) -> String {
    let said = match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => chain(other),
    };
    let advice = match Cause::of(error) {
        Cause::Guard => format!(
            "As one of them ask with `--as YOU --as-group {INSTALLERS}` or how the group is called here, which needs the \
             right to impersonate, or have the group given to you"
        ),
        Cause::StaticGuard => {
            "A manifest on the control plane's disk keeps it: take that away first (manifests/README.md)"
                .to_owned()
        }
        Cause::AbsentGate => {
            "The gate is to be asked about it and does not answer: bring it up, or delete the \
                              ValidatingWebhookConfiguration `soc2gate` (manifests/README.md, break-glass)"
                .to_owned()
        }
        Cause::Rights => {
            "Whoever installs the gate grants it rights and registers it: that needs cluster-admin, or the \
                          same rights"
                .to_owned()
        }
        Cause::Other => match error {
            kube::Error::Api(_) => return said,
            _ => "Is the cluster up, and does KUBECONFIG name it?".to_owned(),
        },
    };
    format!("{}. {advice}", said.trim_end_matches('.'))
}

/// An error with its causes, which the outermost does not tell.
fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let text = deeper.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        cause = deeper.source();
    }
    told
}
