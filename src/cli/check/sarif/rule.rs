//! The checks in force as SARIF's rules, with everything that a person needs who has never heard of them.

use std::{collections::HashMap, fmt::Write};

use serde::Serialize;

use super::{level, log::Message};
use crate::{
    check::Check,
    criterion::Severity,
    policy::{Mode, PolicySet},
    secrets::Engine,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    pub(super) id: &'static str,
    /// As identifiers are written: `PrivilegedContainer`.
    name: String,
    short_description: Message,
    full_description: Message,
    help: Help,
    default_configuration: Configuration,
    properties: Properties,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Properties {
    tags: Vec<&'static str>,
    /// GitHub sorts alerts by it.
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
    tsc: Vec<Support>,
}

/// What a check carries for an official criterion.
#[derive(Serialize)]
struct Support {
    criterion: &'static str,
    strength: &'static str,
    reason: &'static str,
}

/// Every check in force once, most severe first; under several policies, in its hardest mode.
pub(super) fn in_force(policies: &PolicySet) -> Vec<Rule> {
    let mut hardest: HashMap<&str, Mode> = HashMap::new();
    for bound in policies.bound() {
        let mode = hardest.entry(bound.check.id).or_insert(bound.mode);
        *mode = bound.mode.max(*mode);
    }
    let checks = policies.bound().iter().map(|bound| bound.check);
    checks.filter_map(|check| hardest.remove(check.id).map(|mode| rule(check, mode))).collect()
}

fn rule(check: &'static Check, mode: Mode) -> Rule {
    let text = |text: &str| Message { text: text.to_owned() };
    let support = check.tsc.iter().map(|support| Support {
        criterion: support.criterion.id(),
        strength: support.strength.id(),
        reason: support.reason,
    });
    Rule {
        id: check.id,
        name: check.id.split('-').map(capitalized).collect(),
        short_description: text(check.title),
        full_description: text(check.why),
        help: help(check),
        default_configuration: Configuration { level: level(mode) },
        properties: Properties {
            tags: vec!["security", check.criterion.id()],
            security_severity: security_severity(check.severity),
            tsc: support.collect(),
        },
    }
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

/// In the middle of GitHub's bands: above 9 is critical, from 7 high, from 4 medium.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

/// Everything about a check, for people: as Markdown, and as the plain text that it is without its marks.
fn help(check: &'static Check) -> Help {
    let mut text = format!("{}\n\nFix: {}\n", check.why, check.fix);
    let mut markdown = format!("{}\n\n**Fix:** {}\n", check.why, check.fix);
    // Writing to a string cannot fail.
    for (heading, manifest) in [
        ("Parameters of the examples", check.examples.params),
        ("What else exists in the examples", check.examples.amid),
        ("The object as it was", check.examples.before),
        ("Refused", check.examples.bad),
        ("Accepted", check.examples.good),
    ] {
        // The examples hold what a secret looks like, which would alarm whoever scans this file.
        let manifest = Engine::shared().redact(manifest.trim_matches('\n'));
        if !manifest.is_empty() {
            let _ = write!(text, "\n{heading}\n\n{manifest}\n");
            let _ = write!(markdown, "\n**{heading}**\n\n```yaml\n{manifest}\n```\n");
        }
    }
    let criteria = check
        .tsc
        .iter()
        .map(|support| format!("{}, {}: {}", support.criterion, support.strength.id(), support.reason));
    for (heading, lines) in [
        ("Official criteria", criteria.collect::<Vec<_>>()),
        ("References", check.references.iter().map(ToString::to_string).collect()),
    ] {
        if !lines.is_empty() {
            let lines = lines.join("\n- ");
            let _ = write!(text, "\n{heading}\n\n- {lines}\n");
            let _ = write!(markdown, "\n**{heading}**\n\n- {lines}\n");
        }
    }
    Help { text, markdown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checks, criterion::Criterion};

    #[test]
    fn examples_lose_their_secrets_and_nothing_else() {
        for check in checks::all() {
            let help = help(check);
            assert_eq!(
                help.markdown.replace("**", "").replace("```yaml\n", "").replace("```\n", ""),
                help.text
            );
            assert!(!help.text.contains("ghp_"), "{}", check.id);
            let whole = help.text.contains(check.examples.bad.trim_matches('\n'));
            assert!(whole || check.criterion == Criterion::CC6_7, "{}", help.text);
        }
    }

    #[test]
    fn rules_fit_what_github_reads() {
        for check in checks::all() {
            let rule = rule(check, Mode::Enforce);
            assert!(rule.short_description.text.len() <= 255 && rule.full_description.text.len() <= 1_024);
            assert!(rule.name.starts_with(|first: char| first.is_ascii_uppercase()), "{}", rule.name);
        }
    }
}
