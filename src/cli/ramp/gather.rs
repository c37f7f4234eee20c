//! Fetches what `ramp` judges by: the record of the gate, the policies in force, and everything that exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, ListParams},
};

use super::{
    Ramp, Told,
    ceiling::{Ceiling, of_deployment},
    in_force::in_force,
    outlook::Outlook,
    plan::{From, Policy, Wanted, steps},
    verdict::{Measure, Row, Verdict, judge},
};
use crate::{
    cli::{
        check::progress::Progress,
        rules::{Rules, Texts, read},
        scan::{Error, definitions, round::Round, world},
        tell,
    },
    cluster::{self, Cluster, Record, Resources, Store},
    inventory::Inventory,
    manifest::{self, Node, Unusable},
    policy::{Mode, PolicySet},
    scanner::{Limits, Scanner},
};

/// Every finding counts, and its object is named.
const LIMITS: Limits = Limits { per_namespace: 1_000_000, overall: 1_000_000, text: 253 };

/// That what was asked for chooses nothing.
fn no_check() -> Vec<Unusable> {
    let message = "no such check is in force: choose one that `soc2gate policies` lists".to_owned();
    vec![Unusable { file: "--check, --criterion".to_owned(), line: 0, column: 0, message }]
}

impl Ramp {
    pub(super) async fn gather(&self) -> Result<Told<'_>, Error> {
        let client = cluster::client(self.context.as_deref()).await?;
        let (today, now) = (cluster::today(), Timestamp::now());
        let version = client.apiserver_version().await?;
        let resources = Resources::discover(&client).await?;
        let ceiling = self.ceiling(&client).await;
        let mut rules = self.rules.clone();
        rules.mode_ceiling = ceiling.as_ref().map(|ceiling| ceiling.mode);
        rules.kubernetes_version = rules.kubernetes_version.or_else(|| version.git_version.parse().ok());
        let texts = definitions::all(&client, &resources).await?;
        let policies = rules.load_beside(&texts, now)?;
        let held = held(&policies, &texts, &rules)?;
        let seen = self.seen(&client).await;

        let round = Round { client: &client, resources: &resources, namespaces: &BTreeSet::new() };
        let (images, unread) = self.evidence.images()?;
        unread.iter().for_each(tell);
        let known = Inventory { image_evidence: images, ..Inventory::default() };
        let mut progress = Progress::new(2 * world::kinds().count(), "resources");
        let inventory = world::survey(&round, self.evidence.survey()?, known, |_| progress.step()).await?;
        let existing = self.existing(&inventory)?;
        let checks = in_force(&policies, &self.namespaces, &inventory, |check| self.is_asked(check));
        if checks.is_empty() {
            return Err(no_check().into());
        }
        let scanner = Scanner::new(Arc::new(policies.enforced()), Arc::new(inventory), now, LIMITS);
        let account = round.go(scanner, |_| progress.step()).await?.finish(Timestamp::now());
        account.gaps().for_each(|gap| tell(format_args!("{}: not scanned: {}", gap.resource, gap.why)));
        let outlook = Outlook::of(&account);
        let (days, to, namespaces) = (self.days, self.to, self.namespaces.as_slice());
        let measure = Measure { today, days, to, namespaces, existing: &existing };
        let rows: Vec<_> =
            checks.into_iter().map(|check| judge(check, seen.as_ref(), &outlook, &measure)).collect();
        let mode = ceiling.as_ref().map(|ceiling| ceiling.mode);
        let steps = steps(&held, &self.wanted(&rows, mode, today));
        let is_defined = resources.get("soc2gate.io", "controlpolicies").is_some();
        Ok(Told { asked: self, rows, steps, ceiling, is_defined, today })
    }

    fn wanted<'w>(&'w self, rows: &'w [Row], ceiling: Option<Mode>, today: jiff::civil::Date) -> Wanted<'w> {
        let ready = rows.iter().filter(|row| row.verdict == Verdict::Ready);
        Wanted {
            to: self.to,
            ready: ready.map(|row| (row.check.id, row.policies.clone())).collect(),
            namespaces: &self.namespaces,
            ceiling,
            reason: format!("Kept as it was when the ceiling was taken away ({today})."),
        }
    }

    /// The namespaces that exist, in which those that were asked for must be.
    fn existing(&self, inventory: &Inventory) -> Result<Vec<String>, Error> {
        let Some(namespaces) = inventory.namespaces.ready() else { return Ok(self.namespaces.clone()) };
        match self.namespaces.iter().find(|name| !namespaces.contains_key(*name)) {
            Some(unknown) => Err(Error::NoNamespace(unknown.clone())),
            None => Ok(namespaces.keys().cloned().collect()),
        }
    }

    /// What the gate remembers; without it nothing is known to be ready.
    async fn seen(&self, client: &Client) -> Option<Record> {
        let (client, namespace) = (client.clone(), self.rules.gate_namespace.clone());
        let cluster = Cluster { client, namespace, identity: String::new() };
        match Store::of(&cluster).read().await {
            Ok(record) => record,
            Err(error) => {
                tell(format_args!("what the gate has observed cannot be read: {error}"));
                None
            }
        }
    }

    /// The ceiling, as the flag or the gate's Deployment says.
    async fn ceiling(&self, client: &Client) -> Option<Ceiling> {
        // Untyped, since every field of a pod that a Deployment may have would add to the program.
        let deployments = ApiResource::erase::<Deployment>(&());
        let namespace = &self.rules.gate_namespace;
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &deployments);
        let own = ListParams::default().labels("app.kubernetes.io/name=soc2gate");
        let found = match api.list(&own).await {
            Ok(found) if found.items.is_empty() => {
                tell(format_args!(
                    "no Deployment of the gate is in namespace {namespace}: name it with --gate-namespace, and its ceiling, \
                     if it has one, with --mode-ceiling"
                ));
                None
            }
            Ok(found) => found.items.iter().find_map(|one| of_deployment(&serde_json::to_value(one).ok()?)),
            Err(error) => {
                tell(format_args!(
                    "whether the gate runs under a ceiling is not known: {error}. Name it with --mode-ceiling"
                ));
                None
            }
        };
        match self.rules.mode_ceiling {
            Some(mode) => Some(Ceiling { mode, patch: found.and_then(|found| found.patch) }),
            None => found,
        }
    }
}

/// The policies in force with where they come from.
fn held(policies: &PolicySet, texts: &Texts, rules: &Rules) -> Result<Vec<Policy>, Vec<Unusable>> {
    let of_disk = rules.policies.as_deref().map_or(Ok(Vec::new()), read)?;
    let (cluster, files) = (names(&texts.policies), names(&of_disk));
    let held = policies.standing().iter().map(|(name, standing)| {
        let from = match (cluster.contains_key(name), files.get(name)) {
            (true, _) => From::Cluster,
            (false, Some(file)) => From::File(file.clone()),
            (false, None) => From::Program,
        };
        Policy { name: name.clone(), manifest: (*standing.in_force).clone(), from }
    });
    Ok(held.collect())
}

/// The files by the names of what they hold. They were read before, so that nothing is wrong with them.
fn names(texts: &[(String, String)]) -> BTreeMap<String, String> {
    let named = texts.iter().flat_map(|(file, text)| {
        let documents = manifest::parse(file, text).unwrap_or_default();
        documents.into_iter().filter_map(move |document| {
            let name = document.root.get("metadata")?.get("name").and_then(Node::as_str)?;
            Some((name.to_owned(), file.clone()))
        })
    });
    named.collect()
}
