//! The verdicts for programs: one object, with what to apply.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde_json::{Value, json};

use super::{Told, plan::Step, verdict::Row};

/// Writes everything.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, told: &Told<'_>) -> io::Result<()> {
    let ceiling = told.ceiling.as_ref().map(|ceiling| {
        let patch = ceiling.patch.as_ref();
        let patch = patch.map(|(name, operations)| json!({"deployment": name, "operations": operations}));
        json!({"mode": ceiling.mode.id(), "patch": patch})
    });
    let whole = json!({
        "today": told.today.to_string(),
        "days": told.asked.days,
        "to": told.asked.to.id(),
        "namespaces": told.asked.namespaces,
        "ceiling": ceiling,
        "checks": told.rows.iter().map(row).collect::<Vec<_>>(),
        "apply": told.steps.iter().map(step).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &whole)?;
    writeln!(out)
}

fn row(row: &Row) -> Value {
    let denied = row.denied.as_ref().map(|denied| {
        let of_namespace = denied.iter().map(|(namespace, denied)| {
            (namespace.as_str(), json!({"objects": denied.owners, "examples": denied.examples}))
        });
        of_namespace.collect::<BTreeMap<_, _>>()
    });
    json!({
        "check": row.check.id,
        "criterion": row.check.criterion.id(),
        "mode": row.now.id(),
        "statedMode": row.stated.id(),
        "policies": row.policies,
        "watchedDays": row.watched,
        "cleanDays": row.clean,
        "cleanNamespaces": row.clean_namespaces,
        "foundDaysAgo": row.found,
        "wouldDeny": denied,
        "verdict": row.verdict.id(),
        "reason": row.verdict.reason(),
    })
}

fn step(step: &Step) -> Value {
    match step {
        Step::Patch { policy, operations } => json!({"policy": policy, "patch": operations}),
        Step::Manifest { policy, yaml } => json!({"policy": policy, "manifest": yaml}),
        Step::Edit { policy, file, fields } => {
            let fields: BTreeMap<_, _> = fields.iter().cloned().collect();
            json!({"policy": policy, "file": file, "fields": fields})
        }
    }
}
