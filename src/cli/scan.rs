//! `soc2gate scan`: judges what already runs in a cluster, from wherever its API server can be reached.

pub(super) mod definitions;
mod json;
pub(super) mod round;
mod sarif;
mod text;
pub(super) mod world;

use std::{
    collections::BTreeSet,
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use kube::Client;

use self::round::Round;
use super::{
    UNUSABLE,
    check::progress::Progress,
    complain,
    evidence::Evidence,
    is_coloured,
    rules::{Rules, Texts, Verdict},
    tell, waiting, written,
};
use crate::{
    cluster::{self, Resources},
    inventory::Inventory,
    manifest::Unusable,
    policy::PolicySet,
    scanner::{Limits, Scan as Account, Scanner, Standing},
};

/// Judge what already runs in a cluster as the gate would.
///
/// Reads only, and never Secrets. Policies and exemptions of the cluster are judged by, unless --policies is given.
/// Exits with 0 when nothing fails, 1 when something does, and 2 when something cannot be read; all else is judged all
/// the same.
#[derive(Args)]
pub(super) struct Scan {
    /// Only what is in this namespace; may be repeated.
    #[arg(short, long = "namespace", value_name = "NAME")]
    namespaces: Vec<String>,
    /// The context of the kubeconfig to use.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// How to print what was found.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    #[command(flatten)]
    verdict: Verdict,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    evidence: Evidence,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// For people: the findings of each object
    Text,
    /// For programs: one object, with all totals
    Json,
    /// For code scanning: SARIF 2.1.0
    Sarif,
}

/// Whoever prints everything keeps it too, up to what a machine bears.
const LIMITS: Limits = Limits { per_namespace: 1_000_000, overall: 1_000_000, text: 2_000 };

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Unusable(Vec<Unusable>),
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    #[error("the API server cannot be asked: {0}")]
    Api(#[from] kube::Error),
    #[error(transparent)]
    Definitions(#[from] definitions::Error),
    #[error("--namespace: there is no namespace `{0}`")]
    NoNamespace(String),
    #[error(transparent)]
    Stopped(#[from] round::Stopped),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<Vec<Unusable>> for Error {
    fn from(unusable: Vec<Unusable>) -> Self {
        Self::Unusable(unusable)
    }
}

/// The account, and by what it was drawn up.
struct Drawn {
    account: Account,
    policies: Arc<PolicySet>,
    /// As the API server tells it: `v1.36.2`.
    cluster_version: String,
    namespaces: BTreeSet<String>,
}

impl Scan {
    pub(super) fn run(&self) -> ExitCode {
        match waiting::on_every_core(self.draw_up()).map_err(Error::from).flatten() {
            Ok(drawn) => {
                let code = self.exit_code(&drawn.account);
                written(self.print(&drawn, code), ExitCode::from(code))
            }
            Err(error) => {
                complain(&error.to_string());
                ExitCode::from(UNUSABLE)
            }
        }
    }

    async fn draw_up(&self) -> Result<Drawn, Error> {
        let client = cluster::client(self.context.as_deref()).await?;
        let version = client.apiserver_version().await?;
        let resources = Resources::discover(&client).await?;
        let mut rules = self.rules.clone();
        // What Pod Security demands differs by it.
        rules.kubernetes_version = rules.kubernetes_version.or_else(|| version.git_version.parse().ok());
        let begun = Timestamp::now();
        let definitions = self.definitions(&client, &resources).await?;
        let policies = rules.chosen(rules.load_beside(&definitions, begun)?, &self.verdict.select)?;
        let (image_evidence, unread) = self.evidence.images()?;
        unread.iter().for_each(tell);
        let known = Inventory { image_evidence, ..Inventory::default() };

        let namespaces: BTreeSet<_> = self.namespaces.iter().cloned().collect();
        let round = Round { client: &client, resources: &resources, namespaces: &namespaces };
        let policies = Arc::new(policies);
        let count = Scanner::new(policies.clone(), Arc::default(), begun, LIMITS).kinds().len();
        let mut progress = Progress::new(world::kinds().count() + count, "resources");
        let inventory = world::survey(&round, self.evidence.survey()?, known, |_| progress.step()).await?;
        let is_unknown = |name: &&String| {
            inventory.namespaces.ready().is_some_and(|namespaces| !namespaces.contains_key(*name))
        };
        if let Some(unknown) = namespaces.iter().find(is_unknown) {
            return Err(Error::NoNamespace(unknown.clone()));
        }
        let scanner = Scanner::new(policies.clone(), Arc::new(inventory), begun, LIMITS);
        let scanner = round.go(scanner, |_| progress.step()).await?;
        let account = scanner.finish(Timestamp::now());
        Ok(Drawn { account, policies, cluster_version: version.git_version, namespaces })
    }

    /// The policies and exemptions that the cluster holds, where they are to count.
    async fn definitions(&self, client: &Client, resources: &Resources) -> Result<Texts, Error> {
        if self.rules.policies.is_some() {
            return Ok(Texts::default());
        }
        Ok(definitions::all(client, resources).await?)
    }

    fn print(&self, drawn: &Drawn, code: u8) -> io::Result<()> {
        let account = &drawn.account;
        for gap in account.gaps() {
            tell(format_args!("{}: not scanned: {}", gap.resource, gap.why));
        }
        for (error, objects) in &account.errors {
            tell(format_args!("{error} (objects: {objects})"));
        }
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.output {
            Output::Text => text::write(&mut out, account, is_coloured())?,
            Output::Json => json::write(&mut out, drawn)?,
            Output::Sarif => sarif::write(&mut out, drawn, code)?,
        }
        out.flush()
    }

    fn exit_code(&self, account: &Account) -> u8 {
        if account.gaps().next().is_some() || account.unreadable > 0 {
            return UNUSABLE;
        }
        let counts = account.counts();
        let fails = counts
            .keys()
            .any(|(_, mode, standing)| *standing == Standing::Open && *mode >= self.verdict.fail_on);
        u8::from(fails || account.undecided > 0)
    }
}
