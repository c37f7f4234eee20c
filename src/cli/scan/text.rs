//! The account for people: the findings of each object under its name, then how it stands by criterion.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use crate::{
    checks,
    cli::{
        check::text::{amount, painted, write_not_assessed},
        policies::table,
        suppressed::Suppressed,
    },
    criterion::Criterion,
    policy::Mode,
    scanner::{Counts, Found, Scan, Standing, Why},
};

/// How findings of one kind stand.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) enforce: usize,
    pub(super) warn: usize,
    pub(super) audit: usize,
    pub(super) exempted: usize,
}

impl Totals {
    /// The totals of some counts, under what each check belongs to.
    pub(super) fn by<K: Ord>(counts: &Counts, key: impl Fn(&'static str) -> Option<K>) -> BTreeMap<K, Self> {
        let mut all: BTreeMap<K, Self> = BTreeMap::new();
        for ((check, mode, standing), count) in counts {
            let Some(key) = key(check) else { continue };
            let totals = all.entry(key).or_default();
            *match (standing, mode) {
                (Standing::Exempted, _) => &mut totals.exempted,
                (Standing::Open, Mode::Enforce) => &mut totals.enforce,
                (Standing::Open, Mode::Warn) => &mut totals.warn,
                (Standing::Open, Mode::Audit | Mode::Off) => &mut totals.audit,
            } += count;
        }
        all
    }

    /// All of them together.
    pub(super) fn of(counts: &Counts) -> Self {
        Self::by(counts, |_| Some(())).remove(&()).unwrap_or_default()
    }
}

/// The criterion of a check.
pub(super) fn criterion(check: &'static str) -> Option<Criterion> {
    checks::find(check).map(|check| check.criterion)
}

/// Writes what was found, what could not be told, and how it stands; in colour for a terminal.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, scan: &Scan, coloured: bool) -> io::Result<()> {
    for (namespace, of) in &scan.namespaces {
        let mut open: Vec<&Found> =
            of.kept.iter().filter(|found| found.standing() == Standing::Open).collect();
        // Stable: within an object the most severe stays first.
        open.sort_by_key(|found| &found.subject);
        for of_object in open.chunk_by(|one, other| one.subject == other.subject) {
            write_object(out, namespace, of_object, coloured)?;
        }
        if of.cut() > 0 {
            writeln!(out, "{} more in namespace {namespace} are counted and not listed\n", of.cut())?;
        }
    }
    let not_assessed: BTreeMap<_, _> = scan
        .not_assessed
        .iter()
        .map(|(about, objects)| ((about.check, about.reason.clone()), *objects))
        .collect();
    write_not_assessed(out, &not_assessed, "object")?;
    suppressed(scan).write(out, "object")?;
    if !scan.needs_request.is_empty() {
        let checks: Vec<_> = scan.needs_request.keys().copied().collect();
        writeln!(out, "not asked, as they judge who changes what: {}", checks.join(", "))?;
    }
    let left_out = scan.not_scanned.iter().filter(|not| matches!(not.why, Why::LeftOut(_)));
    for not in left_out {
        writeln!(out, "not scanned: {}: {}", not.resource, not.why)?;
    }
    let mut by_criterion = table(&["CRITERION", "ENFORCE", "WARN", "AUDIT", "EXEMPTED", "TOPIC"]);
    let totals = Totals::by(&scan.counts(), criterion);
    for (criterion, of) in &totals {
        let counts = [of.enforce, of.warn, of.audit, of.exempted].map(|count| count.to_string());
        let row = std::iter::once(criterion.id().to_owned()).chain(counts);
        by_criterion.add_row(row.chain([criterion.topic().to_owned()]));
    }
    if !totals.is_empty() {
        writeln!(out, "\n{by_criterion}\n")?;
    }
    writeln!(out, "{}", conclusion(scan))
}

fn write_object(out: &mut impl Write, namespace: &str, found: &[&Found], coloured: bool) -> io::Result<()> {
    let Some(first) = found.first() else { return Ok(()) };
    // So that it can be given to kubectl.
    let place = if namespace.is_empty() { String::new() } else { format!(" -n {namespace}") };
    writeln!(out, "{}{place}", first.subject)?;
    for found in found {
        let (mode, severity) = (painted(found.mode, coloured), found.check.severity.id());
        let seen_on = found.seen_on.as_ref().map_or(String::new(), |object| format!(" (seen on {object})"));
        writeln!(out, "  {mode} {severity} {}{seen_on}", found.line())?;
    }
    writeln!(out)
}

/// What checks passed over on somebody's word.
pub(super) fn suppressed(scan: &Scan) -> Suppressed {
    let all = scan.suppressed.iter();
    all.map(|(about, objects)| (about.check, about.what.clone(), *objects)).collect()
}

/// The whole scan in one line.
fn conclusion(scan: &Scan) -> String {
    let Totals { enforce, warn, audit, exempted } = Totals::of(&scan.counts());
    let mut words = format!("{} in {:.1} s: ", amount(scan.objects, "object"), scan.seconds());
    words += &match enforce + warn + audit {
        0 => "no findings".to_owned(),
        all => format!("{} ({enforce} enforce, {warn} warn, {audit} audit)", amount(all, "finding")),
    };
    for (count, what) in [
        (exempted, "exempted"),
        (scan.repeated, "repeated on what their owners made"),
        (scan.represented, "represented by their owners"),
        (scan.undecided, "undecided"),
        (scan.unreadable, "unreadable"),
        (scan.gaps().count(), "resources not scanned"),
    ] {
        if count > 0 {
            words += &format!(", {count} {what}");
        }
    }
    if scan.is_approximate {
        words += ", more than could be told apart: some are counted more than once";
    }
    words
}
