//! What a report in the cluster says of one namespace: as many findings as fit, and the number of all.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Found, OfNamespace, Standing, Subject};
use crate::policy::Mode;

/// The most results that one report lists.
pub const MOST_RESULTS: usize = 500;

/// The most bytes that one report may have as JSON: many of them lie in one etcd.
pub const MOST_BYTES: usize = 256 * 1024;

/// Room for what is not in the results: metadata, scope, summary.
const REST: usize = 4 * 1024;

/// The content of a report, which is the same in the OpenReports and the PolicyReport API.
#[derive(Debug, Serialize)]
pub struct Report<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Resource<'s>>,
    summary: Summary,
    results: Vec<Entry<'s>>,
    /// How many findings are counted in the summary and not listed.
    #[serde(skip)]
    pub cut: usize,
}

#[derive(Debug, Default, Serialize)]
struct Summary {
    pass: usize,
    fail: usize,
    warn: usize,
    error: usize,
    skip: usize,
}

#[derive(Debug, Serialize)]
struct Entry<'s> {
    source: &'static str,
    policy: &'s str,
    rule: &'static str,
    category: &'static str,
    severity: &'static str,
    result: &'static str,
    scored: bool,
    message: String,
    resources: [Resource<'s>; 1],
    properties: BTreeMap<&'static str, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource<'s> {
    #[serde(skip_serializing_if = "str::is_empty")]
    api_version: &'s str,
    kind: &'s str,
    name: &'s str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'s str,
}

impl<'s> Report<'s> {
    /// The report on a namespace; on what is in none, if its name is empty.
    pub fn of(namespace: &'s str, of: &'s OfNamespace) -> Self {
        let mut results: Vec<Entry<'_>> = Vec::new();
        let mut bytes = REST;
        for found in of.kept.iter().take(MOST_RESULTS) {
            let entry = Entry::of(namespace, found);
            // Each is written with a comma.
            bytes += serde_json::to_string(&entry).map_or(MOST_BYTES, |text| text.len() + 1);
            if bytes > MOST_BYTES {
                break;
            }
            results.push(entry);
        }
        let all: usize = of.counts.values().sum();
        let cut = all.saturating_sub(results.len());
        if let Some(last) = results.last_mut().filter(|_| cut > 0) {
            last.properties.insert("notListed", cut.to_string());
        }
        let scope = Resource { api_version: "v1", kind: "Namespace", name: namespace, namespace: "" };
        let scope = (!namespace.is_empty()).then_some(scope);
        Self { scope, summary: Summary::of(of), results, cut }
    }
}

impl Summary {
    fn of(of: &OfNamespace) -> Self {
        let mut summary = Self::default();
        for ((_, mode, standing), count) in &of.counts {
            match outcome(*mode, *standing) {
                "fail" => summary.fail += count,
                "warn" => summary.warn += count,
                _ => summary.skip += count,
            }
        }
        summary
    }
}

/// Only what is enforced fails; what is exempted is held against nobody.
const fn outcome(mode: Mode, standing: Standing) -> &'static str {
    match (standing, mode) {
        (Standing::Exempted, _) => "skip",
        (Standing::Open, Mode::Enforce) => "fail",
        (Standing::Open, _) => "warn",
    }
}

impl<'s> Entry<'s> {
    fn of(namespace: &'s str, found: &'s Found) -> Self {
        let check = found.check;
        let Subject { api_version, kind, name } = &*found.subject;
        let mut properties = BTreeMap::from([
            ("criterion", check.criterion.id().to_owned()),
            ("mode", found.mode.id().to_owned()),
            ("fingerprint", found.fingerprint.to_string()),
        ]);
        if let Some(exemption) = &found.exemption {
            properties.insert("exemption", exemption.to_string());
        }
        Self {
            source: "soc2gate",
            policy: &found.policy.name,
            rule: check.id,
            category: check.criterion.id(),
            severity: check.severity.id(),
            result: outcome(found.mode, found.standing()),
            scored: found.mode == Mode::Enforce,
            message: found.line(),
            resources: [Resource { api_version, kind, name, namespace }],
            properties,
        }
    }
}
