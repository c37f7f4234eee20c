//! What makes one version of a policy weaker than the other. The types of policies are of a higher layer, so that this
//! reads the manifests as they stand.
//!
//! Which way a parameter is wider is told by its name, see [`wider`]. Where it cannot be told, any change counts.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{
    check::{Examiner, Params, Report, Version, quoted},
    checks, manifest,
    object::Place,
};

/// Which way a parameter lets more pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wider {
    /// A longer list, a higher number, `true`.
    More,
    /// A shorter list, a lower number, `false`.
    Less,
    /// Not told by its name.
    Unknown,
}

/// Names of parameters that list or switch on what passes, beside `allow...` and `max...`.
const PERMITS: [&str; 18] = [
    "addOns",
    "approvers",
    "dataOwners",
    "days",
    "deployers",
    "fixableOnly",
    "foldHostNetwork",
    "identities",
    "inherit",
    "installers",
    "internalMarkers",
    "kubeletDefaults",
    "minimumLength",
    "ownGroups",
    "robots",
    "severity",
    "skipLabels",
    "tlsUpstream",
];

/// Names of parameters that list or switch on what is refused, beside `deny...`, `min...` and `require...`.
const REFUSES: [&str; 19] = [
    "clusterWide",
    "configMaps",
    "customerKey",
    "digests",
    "loadBalancers",
    "names",
    "namespaces",
    "own",
    "paths",
    "prefixes",
    "privileged",
    "provisioners",
    "removed",
    "repositories",
    "roles",
    "set",
    "tags",
    "tools",
    "trees",
];

/// Words that grow, the least first.
const SCALES: [&[&str]; 2] = [&["low", "medium", "high", "critical"], &["none", "baseline", "restricted"]];

/// Words than which none is stricter, whatever the parameter.
const STRICTEST: [&str; 2] = ["deny", "violation"];

fn wider(parameter: &str) -> Wider {
    let begins = |starts: &[&str]| starts.iter().any(|start| parameter.starts_with(start));
    if PERMITS.contains(&parameter) || begins(&["allow", "max"]) {
        Wider::More
    } else if REFUSES.contains(&parameter) || begins(&["deny", "min", "require"]) {
        Wider::Less
    } else {
        Wider::Unknown
    }
}

/// Reports everything in which the policy `new` is weaker than `old`: both whole manifests.
pub(super) fn compare(old: &Value, new: &Value, report: &mut Report) {
    let [old, new] = [old, new].map(|policy| part(policy, "spec").unwrap_or(&Value::Null));
    compare_checks(old, new, report);
    compare_scopes([old, new].map(|spec| part(spec, "match").unwrap_or(&Value::Null)), report);
    compare_versions(part(old, "kubernetesVersion"), part(new, "kubernetesVersion"), report);
    let [was, is] = [old, new].map(|spec| {
        let days = part(spec, "exemptions").and_then(|limits| part(limits, "maxDays"));
        days.map_or(Some(90), Value::as_u64)
    });
    if was != is && was.zip(is).is_none_or(|(was, is)| is > was) {
        let words =
            |days: Option<u64>| days.map_or_else(|| "something else".to_owned(), |days| days.to_string());
        let what = format!("goes from {} to {} days", words(was), words(is));
        report.violation_of(Place::of("spec.exemptions.maxDays"), &words(is), what);
    }
}

/// What stands under a key; `null` is nothing.
fn part<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.get(key).filter(|value| !value.is_null())
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The keys of two maps.
fn keys(values: [&Value; 2]) -> BTreeSet<&String> {
    values.into_iter().filter_map(Value::as_object).flat_map(Map::keys).collect()
}

fn compare_checks(old: &Value, new: &Value, report: &mut Report) {
    let entries = items(part(new, "checks"));
    for before in items(part(old, "checks")) {
        let (own, was) = (id(before), Mode::of(before));
        if was == Mode::Off {
            continue;
        }
        let merge_key = format!("id={own}");
        let mut now = entries.iter().enumerate().filter(|(_, entry)| id(entry) == own).peekable();
        // What is no check has judged nothing, and must be put right.
        if now.peek().is_none() && checks::find(own).is_some() {
            let place = Place { key: format!("spec.checks[{merge_key}]"), ..Place::of("spec.checks") };
            report.violation_of(place, own, format!("no longer has {}", quoted(own)));
        }
        for (position, after) in now {
            let place = Place::of("spec").item("checks", position, &merge_key);
            let is = Mode::of(after);
            if is < was {
                let what = format!("goes from {} to {}", was.id(), is.id());
                report.violation_of(place.clone().field("mode"), is.id(), what);
            }
            if is > Mode::Off {
                compare_params(
                    own,
                    [part(before, "params"), part(after, "params")],
                    &place.field("params"),
                    report,
                );
            }
        }
    }
}

fn id(entry: &Value) -> &str {
    part(entry, "id").and_then(Value::as_str).unwrap_or_default()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mode {
    Off,
    Audit,
    Warn,
    Enforce,
}

impl Mode {
    /// What is no mode does nothing; to YAML `off` without quotes is `false`.
    fn of(entry: &Value) -> Self {
        match part(entry, "mode").and_then(Value::as_str) {
            Some("enforce") => Self::Enforce,
            Some("warn") => Self::Warn,
            Some("audit") => Self::Audit,
            _ => Self::Off,
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

fn compare_params(id: &str, [old, new]: [Option<&Value>; 2], place: &Place, report: &mut Report) {
    // What could not judge for want of a mandatory parameter cannot get weaker by getting it.
    if unfilled(id, old).is_some() {
        return;
    }
    if let Some(parameter) = unfilled(id, new) {
        let what = "is empty, so that the check cannot judge any more";
        return report.violation_of(place.clone().field(parameter), "", what);
    }
    let params = [old, new].map(|params| params.unwrap_or(&Value::Null));
    for name in keys(params) {
        let values = params.map(|params| part(params, name));
        compare_values(wider(name), values, &place.clone().field(name), report);
    }
}

/// The mandatory parameter that a check lacks, if it does.
fn unfilled(id: &str, params: Option<&Value>) -> Option<&'static str> {
    let check = checks::find(id)?;
    let documents = params.map(|params| manifest::parse("params", &params.to_string())).transpose().ok()?;
    let node = documents.as_ref().and_then(|documents| documents.first()).map(|document| &document.root);
    match check.examine.configure(&node.map_or(Params::DEFAULT, Params::of)) {
        Ok(Examiner::Unfilled { parameter }) => Some(parameter),
        _ => None,
    }
}

fn compare_values(wider: Wider, [old, new]: [Option<&Value>; 2], place: &Place, report: &mut Report) {
    let mut loosened =
        |value: &Value, what: String| report.violation_of(place.clone(), &value.to_string(), what);
    let shown = |value: &Value| quoted(&value.to_string());
    match (old, new) {
        (Some(Value::Array(was)), Some(Value::Array(is))) if wider != Wider::Unknown => {
            let (longer, shorter, verb) =
                if wider == Wider::More { (is, was, "now also holds") } else { (was, is, "no longer holds") };
            for item in longer.iter().filter(|item| !shorter.contains(item)) {
                loosened(item, format!("{verb} {}", shown(item)));
            }
        }
        (Some(was @ Value::Object(_)), Some(is @ Value::Object(_))) => {
            for name in keys([was, is]) {
                let values = [was, is].map(|map| part(map, name));
                compare_values(wider, values, &place.clone().field(name), report);
            }
        }
        (Some(was), Some(is)) if was != is && !is_no_wider(wider, was, is) => {
            loosened(is, format!("goes from {} to {}", shown(was), shown(is)));
        }
        // What holds by default is not known here, but nothing is stricter or wider than the ends of the scale.
        (None, Some(is)) if !is_strictest(is, wider) => {
            loosened(is, format!("is {} and was not set", shown(is)));
        }
        (Some(was), None) if !is_widest(was, wider) => {
            loosened(was, format!("was {} and is not set any more", shown(was)));
        }
        _ => {}
    }
}

/// Whether a value that replaces another certainly lets no more pass.
fn is_no_wider(wider: Wider, was: &Value, is: &Value) -> bool {
    if is.as_str().is_some_and(|word| STRICTEST.contains(&word)) {
        return true;
    }
    let grows = match (was, is) {
        (Value::Bool(was), Value::Bool(is)) => is > was,
        (Value::Number(was), Value::Number(is)) => is.as_f64() > was.as_f64(),
        (Value::String(was), Value::String(is)) => {
            let rank =
                |word: &String| SCALES.iter().find_map(|scale| scale.iter().position(|one| one == word));
            let of_one_scale =
                SCALES.iter().any(|scale| scale.contains(&was.as_str()) && scale.contains(&is.as_str()));
            if !of_one_scale {
                return false;
            }
            rank(is) > rank(was)
        }
        _ => return false,
    };
    match wider {
        Wider::More => !grows,
        Wider::Less => grows,
        Wider::Unknown => false,
    }
}

/// Whether nothing lets less pass than this value.
fn is_strictest(value: &Value, wider: Wider) -> bool {
    let is_strict_word = value.as_str().is_some_and(|word| STRICTEST.contains(&word));
    is_strict_word
        || match wider {
            Wider::More => is_least(value),
            Wider::Less => *value == Value::Bool(true),
            Wider::Unknown => false,
        }
}

/// Whether nothing lets more pass than this value.
fn is_widest(value: &Value, wider: Wider) -> bool {
    match wider {
        Wider::More => *value == Value::Bool(true),
        Wider::Less => is_least(value),
        Wider::Unknown => false,
    }
}

fn is_least(value: &Value) -> bool {
    *value == Value::Bool(false) || value.as_array().is_some_and(Vec::is_empty)
}

fn compare_scopes(scopes: [&Value; 2], report: &mut Report) {
    let [was, is] = scopes.map(|scope| part(scope, "kinds"));
    let place = Place::of("spec.match.kinds");
    match (was, is) {
        // No list is every kind.
        (None, Some(is)) => {
            let text = is.to_string();
            report.violation_of(place, &text, format!("narrows the policy to {}", quoted(&text)));
        }
        (Some(was), Some(is)) => compare_values(Wider::Less, [Some(was), Some(is)], &place, report),
        (_, None) => {}
    }
    for name in ["namespaceSelector", "objectSelector"] {
        let [was, is] = scopes.map(|scope| part(scope, name).filter(|selector| !selects_all(selector)));
        if let Some(is) = is.filter(|_| was != is) {
            let (text, how) =
                (is.to_string(), if was.is_some() { "is another" } else { "narrows the policy" });
            let place = Place::of("spec.match").field(name);
            report.violation_of(place, &text, format!("{how}: {}", quoted(&text)));
        }
    }
    let [was, is] = scopes.map(|scope| items(part(scope, "excludeNamespaces")));
    for namespace in is.iter().filter(|namespace| !was.contains(namespace)) {
        let text = namespace.to_string();
        let place = Place::of("spec.match.excludeNamespaces");
        report.violation_of(place, &text, format!("now also holds {}", quoted(&text)));
    }
}

/// Whether a selector has no requirement.
fn selects_all(selector: &Value) -> bool {
    let is_empty = |name| {
        part(selector, name).is_none_or(|part| {
            part.as_object().is_some_and(Map::is_empty) || part.as_array().is_some_and(Vec::is_empty)
        })
    };
    is_empty("matchLabels") && is_empty("matchExpressions")
}

fn compare_versions(old: Option<&Value>, new: Option<&Value>, report: &mut Report) {
    let read = |version: &Value| version.as_str().and_then(|text| text.parse::<Version>().ok());
    let is_no_older = match (old, new) {
        (old, new) if old == new => true,
        (_, Some(new)) if new.as_str() == Some("latest") => true,
        (Some(old), Some(new)) => read(old).zip(read(new)).is_some_and(|(old, new)| new >= old),
        // The cluster's own version, which is not known here, comes or goes.
        _ => false,
    };
    if !is_no_older {
        let shown =
            |version: Option<&Value>| version.map_or("the cluster's".to_owned(), |v| quoted(&v.to_string()));
        let what = format!("goes from {} to {}", shown(old), shown(new));
        report.violation_of(Place::of("spec.kubernetesVersion"), &shown(new), what);
    }
}
