//! Reports audit policies that let pass unseen what an investigator needs, or write secrets into the log.

use serde::Deserialize;

use super::{
    audit_policy::{Attributes, AuditPolicy, Level, Rule, Target},
    probes::{EXPECTATIONS, Expectation, Vocabulary},
};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    checks::cc7_1_configuration::configuration,
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "blind-audit-policy",
    criterion: Criterion::CC7_2,
    tsc: &[
        Support::direct(Criterion::CC7_2, "the requests that show an anomaly are recorded"),
        Support::supporting(Criterion::CC7_3, "an event can be judged by what was asked and answered"),
        Support::supporting(Criterion::C1_1, "the log does not become a copy of the secrets"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "audit policy with blind spots",
    why: "The first rule that matches decides, so that one rule too many hides failed logins, shells in containers or \
          changed roles, and one level too much copies Secrets into the log.",
    fix: "Put the rule for this request before the one that matches it now, at the level named.",
    references: &[Reference::Cis("3.2.2"), Reference::Kubernetes("Auditing")],
    examples: Examples::new(
        "
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: RequestResponse}
",
        "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  resources:
  - {group: '', resources: [secrets, configmaps, serviceaccounts/token]}
  - {group: authentication.k8s.io, resources: [tokenreviews]}
- {level: Request}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::AuditPolicy]), configure),
};

/// Paths that tell everybody the same and nobody a secret.
const PUBLIC: [&str; 8] = [
    "/healthz",
    "/livez",
    "/readyz",
    "/version",
    "/openapi",
    "/swagger",
    "/.well-known/openid-configuration",
    "/openid/v1/jwks",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Users and groups without the prefix `system:` that are no people.
    robots: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        // What installers called their certificates before `system:` was the rule.
        Self { robots: vec!["kubelet".to_owned(), "cluster-autoscaler".to_owned()] }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { robots } = params.read()?;
    if robots.iter().any(|robot| robot.is_empty() || robot.contains('*')) {
        return Err(params.refuse("`robots` has a pattern: the API server knows full names only"));
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        let Some(policy) = configuration::<AuditPolicy>(&[Kind::AuditPolicy], ask, report) else { return };
        unusable_rules(&policy, report);
        unseen_people(&policy, &robots, report);
        let words = Vocabulary::of(&policy);
        for expectation in EXPECTATIONS {
            unmet(expectation, &policy, &words, report);
        }
    })))
}

fn rule_at(position: usize) -> Place {
    Place::default().item("rules", position, &position.to_string())
}

/// A level that does not exist: the API server refuses the whole policy.
fn unusable_rules(policy: &AuditPolicy, report: &mut Report) {
    for (position, rule) in policy.rules.iter().enumerate() {
        if Level::parse(&rule.level).is_none() {
            let what = format!("is {}, which is no level of auditing", quoted(&rule.level));
            report.violation_of(rule_at(position).field("level"), &rule.level, what);
        }
    }
}

/// Rules that drop what a person asks for.
fn unseen_people(policy: &AuditPolicy, robots: &[String], report: &mut Report) {
    // Behind a rule for everything no other rule counts.
    let end = policy.rules.iter().position(Rule::is_catch_all).unwrap_or(usize::MAX);
    for (position, rule) in policy.rules.iter().enumerate().take(end) {
        if Level::parse(&rule.level) == Some(Level::None) && !is_harmless(rule, robots) {
            let what = "is None for requests that a person can make";
            report.violation_of(rule_at(position).field("level"), "None", what);
        }
    }
}

fn is_harmless(rule: &Rule, robots: &[String]) -> bool {
    let listed = |name: &str| robots.iter().any(|robot| robot == name);
    let is_machine = |name: &str| {
        listed(name) || (name.starts_with("system:") && !matches!(name, "system:anonymous" | "system:admin"))
    };
    let is_of_machines = |group: &str| {
        listed(group)
            || group == "system:nodes"
            || group == "system:serviceaccounts"
            || group.starts_with("system:serviceaccounts:")
            || group.starts_with("system:bootstrappers")
    };
    let is_public = |url: &str| PUBLIC.iter().any(|path| url.starts_with(path));
    let of_paths = rule.resources.is_empty() && rule.namespaces.is_empty();
    (!rule.users.is_empty() && rule.users.iter().all(|user| is_machine(user)))
        || (!rule.user_groups.is_empty() && rule.user_groups.iter().all(|group| is_of_machines(group)))
        || (of_paths
            && !rule.non_resource_urls.is_empty()
            && rule.non_resource_urls.iter().all(|url| is_public(url)))
}

/// What is wrong with one rule, or the lack of one, for one expectation.
#[derive(PartialEq)]
enum Fault {
    NoRule,
    Level { rule: usize, level: Level },
    Stage { rule: usize },
}

/// Tries every request of an expectation and reports each fault once, with the first request that shows it.
fn unmet(expectation: &Expectation, policy: &AuditPolicy, words: &Vocabulary<'_>, report: &mut Report) {
    let mut faults: Vec<(Fault, String, usize)> = Vec::new();
    expectation.each(words, |request| {
        let Some(fault) = fault(expectation, policy, request) else { return };
        match faults.iter_mut().find(|(known, ..)| *known == fault) {
            Some((_, _, more)) => *more += 1,
            None => faults.push((fault, named(request), 0)),
        }
    });
    let Expectation { what, least, most, stage, .. } = expectation;
    let bound = if least == most { "exactly" } else { "at least" };
    for (fault, example, more) in faults {
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let needed = format!("{what} need {bound} {}", least.id());
        let (place, value, said) = match fault {
            Fault::NoRule => {
                (Place::of("rules"), "no rule", format!("have none for {example}{more}: {needed}"))
            }
            Fault::Level { rule, level } => {
                let said = format!("is {} for {example}{more}: {needed}", level.id());
                (rule_at(rule).field("level"), level.id(), said)
            }
            Fault::Stage { rule } => {
                let said = format!("leaves out {} for {example}{more}: {what} need it", stage.id());
                (rule_at(rule), stage.id(), said)
            }
        };
        report.violation_of(place, &format!("{what}: {value}"), said);
    }
}

fn fault(expectation: &Expectation, policy: &AuditPolicy, request: &Attributes<'_>) -> Option<Fault> {
    let Some((position, rule)) = policy.rule_for(request) else { return Some(Fault::NoRule) };
    // A level that does not exist has been reported.
    let level = Level::parse(&rule.level)?;
    if level < expectation.least || level > expectation.most {
        return Some(Fault::Level { rule: position, level });
    }
    policy.omits(rule, expectation.stage).then_some(Fault::Stage { rule: position })
}

/// A request in the fewest words that tell it apart.
fn named(request: &Attributes<'_>) -> String {
    let target = match request.target {
        Target::Path(path) => path.to_owned(),
        Target::Resource { group, resource, subresource, namespace, name } => {
            let dot = if group.is_empty() { "" } else { "." };
            let slash = if subresource.is_empty() { "" } else { "/" };
            let inside = if namespace.is_empty() { String::new() } else { format!(" in {namespace}") };
            let called = if name.is_empty() || name == "web" { String::new() } else { format!(" {name}") };
            format!("{resource}{dot}{group}{slash}{subresource}{called}{inside}")
        }
    };
    let by = request.user.map_or("nobody", |user| user.name);
    format!("`{} {target}` by {by}", request.verb)
}
