//! Writes `policies/README.md`: every shipped policy with its checks, from the same values that decide.

use std::fmt::{self, Write};

use super::{ControlPolicy, Coverage, PolicySet};
use crate::{check::Check, checks};

/// The page. A test keeps the committed file equal to it.
pub fn page(policies: &PolicySet) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(&mut page, policies);
    page
}

fn write_page(page: &mut impl Write, policies: &PolicySet) -> fmt::Result {
    let mut sorted: Vec<_> = policies.policies().iter().collect();
    sorted.sort_by_key(|policy| (policy.criterion, &policy.name));
    let checks: usize = sorted.iter().map(|policy| policy.checks.len()).sum();
    writeln!(page, "# Policies\n")?;
    writeln!(
        page,
        "The {checks} checks that come with soc2gate, by SOC 2 criterion. `soc2gate explain <check>` prints why each \
         exists, how to fix what it finds, and an example. Install with `--mode-ceiling audit` first: nothing is \
         denied, everything is recorded.\n"
    )?;
    writeln!(page, "Generated from the program; `UPDATE=1 cargo test generated` writes it anew.")?;
    let mut last = None;
    for policy in sorted {
        if last != Some(policy.criterion) {
            writeln!(page, "\n## {}: {}", policy.criterion, policy.criterion.topic())?;
        }
        last = Some(policy.criterion);
        write_policy(page, policy)?;
    }
    writeln!(page, "\n## Coverage\n")?;
    writeln!(
        page,
        "*Filed here* counts checks as users look for them; *direct* and *supporting* count the official mapping, which \
         reports go by. A criterion without a direct check is not carried by this program alone.\n"
    )?;
    write!(page, "{}", Coverage::of(policies))
}

fn write_policy(page: &mut impl Write, policy: &ControlPolicy) -> fmt::Result {
    let ControlPolicy { name, control, .. } = policy;
    writeln!(page, "\n[`{name}`]({name}.yaml): {control}\n")?;
    writeln!(page, "| Check | Severity | Mode | Fix | Criteria | References |")?;
    writeln!(page, "| --- | --- | --- | --- | --- | --- |")?;
    for entry in &policy.checks {
        let Some(check) = checks::find(&entry.id) else { continue };
        let (id, severity, mode) = (check.id, check.severity.id(), entry.mode.id());
        let (fix, official, references) = (cell(check.fix), official(check), references(check));
        writeln!(page, "| `{id}` | {severity} | {mode} | {fix} | {official} | {references} |")?;
    }
    Ok(())
}

fn official(check: &Check) -> String {
    let each = check.tsc.iter().map(|support| format!("{} ({})", support.criterion, support.strength.id()));
    each.collect::<Vec<_>>().join(", ")
}

fn references(check: &Check) -> String {
    let each = check.references.iter().map(|reference| cell(&reference.to_string()));
    each.collect::<Vec<_>>().join("; ")
}

/// Text that cannot end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
