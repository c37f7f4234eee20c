//! `soc2gate install`: prints the manifests for a cluster, or applies them there.

mod apply;
mod plan;
mod yaml;

pub(super) use plan::is_ours;

use std::{
    collections::BTreeSet,
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, ValueEnum};

use super::{UNUSABLE, access::Access, complain, written};
use crate::{
    installation::{self, Entry, INSTALLERS, NAMESPACE, Wanted},
    policy::Mode,
};

/// Print the manifests of the gate, or apply them to a cluster.
///
/// Without --apply nothing is asked of any cluster: `soc2gate install | kubectl apply -f -`.
#[derive(Args)]
pub(super) struct Install {
    /// Apply to the cluster of KUBECONFIG, after telling what that changes.
    #[arg(long)]
    apply: bool,
    /// Stop after telling what would change.
    #[arg(long, requires = "apply")]
    dry_run: bool,
    /// The namespace that the gate gets for itself.
    #[arg(long, value_name = "NAME", default_value = NAMESPACE)]
    namespace: String,
    /// `audit` records, `warn` tells whoever applies, `enforce` denies.
    #[arg(long, value_enum, default_value = "audit")]
    mode: Ceiling,
    /// The image of the gate, pinned by digest.
    #[arg(long, value_name = "REFERENCE")]
    image: Option<String>,
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    replicas: u32,
    /// Entries of the registration that wait for an absent gate: guard, access, config, workloads, all or none. In mode
    /// enforce it is guard unless given.
    #[arg(long, value_name = "ENTRIES", value_delimiter = ',', value_enum)]
    fail_closed: Vec<FailClosed>,
    /// Let cert-manager keep the certificate.
    #[arg(long)]
    cert_manager: bool,
    /// Add a ServiceMonitor and alerts for Prometheus Operator.
    #[arg(long)]
    monitoring: bool,
    /// A namespace about whose workloads and configuration the gate is not asked; may be repeated.
    #[arg(long = "exclude-namespace", value_name = "NAME")]
    exclude_namespaces: Vec<String>,
    /// A group that may change the gate once it is installed; may be repeated.
    #[arg(long = "installer-group", value_name = "GROUP", default_value = INSTALLERS)]
    installers: Vec<String>,
    /// How long to wait for definitions to be served and, before anything waits for the gate, for the gate.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    timeout: u64,
    #[command(flatten)]
    access: Access,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Ceiling {
    Audit,
    Warn,
    Enforce,
}

impl Ceiling {
    const fn id(self) -> &'static str {
        match self {
            Self::Audit => Mode::Audit.id(),
            Self::Warn => Mode::Warn.id(),
            Self::Enforce => Mode::Enforce.id(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailClosed {
    Guard,
    Access,
    Config,
    Workloads,
    All,
    None,
}

impl FailClosed {
    fn entries(self) -> Vec<Entry> {
        match self {
            Self::Guard => vec![Entry::Guard],
            Self::Access => vec![Entry::Access],
            Self::Config => vec![Entry::Config],
            Self::Workloads => vec![Entry::Workloads],
            Self::All => Entry::ALL.to_vec(),
            Self::None => Vec::new(),
        }
    }
}

impl Install {
    pub(super) fn run(self) -> ExitCode {
        let wanted = self.wanted();
        let mut wrong = wanted.nonsense();
        if self.fail_closed.contains(&FailClosed::None) && self.fail_closed.len() > 1 {
            wrong.push("--fail-closed: `none` beside others says both".to_owned());
        }
        if self.apply && self.image.is_none() {
            wrong.push(
                "--image: name the image that you built with manifests/Dockerfile and pushed; the manifests name one that \
                 nobody can pull"
                    .to_owned(),
            );
        }
        let objects = match installation::render(&wanted) {
            Ok(objects) if wrong.is_empty() => objects,
            Ok(_) => {
                complain(&wrong.join("\n"));
                return ExitCode::from(UNUSABLE);
            }
            Err(error) => {
                complain(&error.to_string());
                return ExitCode::from(UNUSABLE);
            }
        };
        for remark in self.remarks(&wanted) {
            super::tell(format_args!("note: {remark}"));
        }
        if !self.apply {
            return written(print(&objects), ExitCode::SUCCESS);
        }
        let left_out = installation::left_out(&wanted).unwrap_or_default();
        let timeout = Duration::from_secs(self.timeout);
        match apply::run(&self.access, &wanted, &objects, &left_out, self.dry_run, timeout) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                complain(&message);
                ExitCode::FAILURE
            }
        }
    }

    fn wanted(&self) -> Wanted {
        let fail_closed: BTreeSet<_> = match &self.fail_closed[..] {
            [] if self.mode == Ceiling::Enforce => BTreeSet::from([Entry::Guard]),
            entries => entries.iter().flat_map(|entry| entry.entries()).collect(),
        };
        Wanted {
            namespace: self.namespace.clone(),
            ceiling: self.mode.id(),
            image: self.image.clone(),
            replicas: self.replicas,
            fail_closed,
            cert_manager: self.cert_manager,
            monitoring: self.monitoring,
            exclude_namespaces: self.exclude_namespaces.clone(),
            installers: self.installers.clone(),
        }
    }

    /// What is no mistake and should be known.
    fn remarks(&self, wanted: &Wanted) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.image.as_ref().is_some_and(|image| !image.contains("@sha256:")) {
            remarks.push(
                "--image names no digest: whoever may push to its tag may exchange the gate".to_owned(),
            );
        }
        if wanted.replicas < 2 {
            remarks.push("one replica: what happens while it restarts passes unseen".to_owned());
        }
        if !wanted.fail_closed.is_empty() && self.mode != Ceiling::Enforce {
            let mode = self.mode.id();
            remarks
                .push(format!("--fail-closed in mode {mode}: an absent gate stops more than a present one"));
        }
        if !wanted.exclude_namespaces.is_empty() {
            let namespaces = wanted.exclude_namespaces.join(", ");
            remarks.push(format!(
                "the gate does not see workloads and configuration in {namespaces}: weakened-gate-registration says so \
                 until an exemption covers it"
            ));
        }
        remarks
    }
}

fn print(objects: &[serde_json::Value]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for object in objects {
        write!(out, "---\n{}", yaml::text(object)?)?;
    }
    out.flush()
}
