//! The account for code scanning: what was found in the cluster, told by the reporter that `check` has, without files.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{self, Write},
    sync::Arc,
};

use super::Drawn;
use crate::{
    cli::check::{
        report::{Judged, Permission, Report, Reported},
        sarif,
    },
    decision::printable,
    manifest::{Place, Unusable},
    policy::Exemption,
    request::Owner,
    scanner::{Found, Scan, Subject},
};

/// Writes the account as one log with one run.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, drawn: &Drawn, exit_code: u8) -> io::Result<()> {
    let exemptions = drawn.policies.exemptions().iter();
    let exemptions: HashMap<_, _> = exemptions.map(|exemption| (&*exemption.name, exemption)).collect();
    sarif::write(out, &report(&drawn.account, &exemptions), &drawn.policies, exit_code)
}

fn report(scan: &Scan, exemptions: &HashMap<&str, &Exemption>) -> Report {
    let mut report = Report { errors: scan.errors.clone(), ..Report::default() };
    for (about, objects) in &scan.not_assessed {
        report.not_assessed.insert((about.check, about.reason.clone()), *objects);
    }
    report.unusable = scan.gaps().map(|gap| no_file(&format!("{}: {}", gap.resource, gap.why))).collect();
    if scan.unreadable > 0 {
        report.unusable.push(no_file(&format!("{} objects could not be read", scan.unreadable)));
    }
    let none: Arc<str> = Arc::from("");
    for (namespace, of) in &scan.namespaces {
        let mut found: Vec<_> = of.kept.iter().collect();
        found.sort_by_key(|found| (&found.subject, &found.seen_on));
        let is_same =
            |one: &&Found, other: &&Found| (&one.subject, &one.seen_on) == (&other.subject, &other.seen_on);
        report
            .objects
            .extend(found.chunk_by(is_same).filter_map(|found| judged(namespace, found, &none, exemptions)));
    }
    report
}

fn no_file(message: &str) -> Unusable {
    Unusable { file: String::new(), line: 0, column: 0, message: message.to_owned() }
}

/// The findings of one object.
fn judged(
    namespace: &str,
    found: &[&Found],
    none: &Arc<str>,
    exemptions: &HashMap<&str, &Exemption>,
) -> Option<Judged> {
    let first = found.first()?;
    let Subject { kind, name, .. } = first.seen_on.as_deref().unwrap_or(&first.subject);
    let root = first.seen_on.as_ref().map(|_| {
        let Subject { kind, name, .. } = &*first.subject;
        Owner { kind: kind.to_string(), name: name.to_string() }
    });
    Some(Judged {
        kind: kind.to_string(),
        namespace: namespace.to_owned(),
        name: name.to_string(),
        file: none.clone(),
        line: 0,
        root,
        template: None,
        undecided: Vec::new(),
        findings: found.iter().map(|found| reported(found, exemptions)).collect(),
    })
}

fn reported(found: &Found, exemptions: &HashMap<&str, &Exemption>) -> Reported {
    let what = found.message.strip_prefix(&*found.path).unwrap_or(&found.message).trim_start();
    let permission = |name: &str| {
        let of = exemptions.get(name);
        let justification = of.map_or(String::new(), |of| format!("{} ({})", of.reason, of.ticket));
        let justification = printable(&justification).into_owned();
        Box::new(Permission { name: name.to_owned(), justification })
    };
    Reported {
        check: found.check,
        mode: found.mode,
        place: Place { line: 0, column: 0 },
        path: found.path.clone(),
        key: Box::default(),
        what: what.into(),
        fix: Cow::Owned(found.fix.to_string()),
        fingerprint: found.fingerprint,
        known: false,
        exemption: found.exemption.as_deref().map(permission),
    }
}
