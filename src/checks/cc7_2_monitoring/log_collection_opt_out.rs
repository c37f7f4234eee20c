//! Asks that no workload takes itself out of the collection of logs.

use serde::Deserialize;

use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::PodAt,
};

pub(super) const CHECK: Check = Check {
    id: "log-collection-opt-out",
    criterion: Criterion::CC7_2,
    tsc: &[Support::direct(Criterion::CC7_2, "what a workload logs reaches those who watch for anomalies")],
    severity: Severity::Medium,
    needs: &[],
    title: "workload without log collection",
    why: "An annotation that any author can write keeps the logs of a pod out of the store where alerts and \
          investigations look for them.",
    fix: "Remove the annotation; filter noise in the collector instead.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {fluentbit.io/exclude: 'true'}}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// What the cluster's log collector takes for a wish to be left out.
    annotations: Vec<OptOut>,
}

/// An annotation with the values that opt out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptOut {
    annotation: String,
    values: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        // Fluent Bit, Elastic Beats, Datadog.
        let known = [
            ("fluentbit.io/exclude", "true"),
            ("co.elastic.logs/enabled", "false"),
            ("ad.datadoghq.com/logs_exclude", "true"),
        ];
        let opt_out = |(annotation, value): (&str, &str)| OptOut {
            annotation: annotation.to_owned(),
            values: vec![value.to_owned()],
        };
        Self { annotations: known.map(opt_out).into() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { annotations } = params.read()?;
    if annotations.is_empty() {
        return Err(params.refuse("`annotations` is empty: name one, or set the mode to off"));
    }
    if let Some(OptOut { annotation, .. }) = annotations.iter().find(|opt_out| opt_out.values.is_empty()) {
        return Err(params.refuse(format!("`{annotation}` has no `values`: write those that opt out")));
    }
    Ok(Examiner::Pod(Box::new(move |pod, _, report| opted_out(pod, &annotations, report))))
}

fn opted_out(pod: &PodAt<'_>, known: &[OptOut], report: &mut Report) {
    for (key, value) in pod.metadata.annotations.iter() {
        let excludes = |opt_out: &OptOut| {
            opt_out.annotation == **key && opt_out.values.iter().any(|own| own.eq_ignore_ascii_case(value))
        };
        if known.iter().any(excludes) {
            report.violation_of(pod.annotation(key), value, format!("is {}", quoted(value)));
        }
    }
}
