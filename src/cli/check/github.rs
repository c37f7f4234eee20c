//! The report for GitHub Actions: workflow commands that put findings beside the lines of a pull request.

use std::{
    cmp::Reverse,
    collections::HashMap,
    fmt::Display,
    io::{self, Write},
};

use super::{
    artifact::Workspace,
    report::{Judged, Report, Reported},
    text::conclusion,
};
use crate::{
    decision::printable,
    manifest::{Place, Unusable},
    policy::Mode,
};

/// How many annotations of one level GitHub shows for a step.
const SHOWN: usize = 10;

/// One workflow command.
struct Annotation<'r> {
    level: &'static str,
    file: &'r str,
    place: Place,
    title: String,
    message: String,
}

/// Writes what cannot be used, then the findings, most severe first, as many as GitHub shows; then how it went.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let workspace = Workspace::here();
    let mut findings: Vec<_> = report.counted().collect();
    findings.sort_by_key(|(_, finding)| Reverse(finding.check.severity));
    let unusable = report.unusable.iter().map(of_unusable);
    let undecided = report.undecided().map(of_undecided);
    let annotations = unusable.chain(undecided).chain(findings.into_iter().map(of_finding));
    // The last notice is kept for what is not shown.
    let mut room = HashMap::from([("error", SHOWN), ("warning", SHOWN), ("notice", SHOWN - 1)]);
    let mut left = 0;
    for annotation in annotations {
        match room.get_mut(annotation.level) {
            Some(room) if *room > 0 => {
                *room -= 1;
                annotation.write(out, &workspace)?;
            }
            _ => left += 1,
        }
    }
    if left > 0 {
        let more = format!("{left} more are not shown here: `soc2gate check` prints them all");
        writeln!(out, "::notice title=soc2gate::{}", escaped_data(&more))?;
    }
    writeln!(out, "{}", conclusion(&report.summary()))
}

fn of_finding<'r>((object, finding): (&'r Judged, &'r Reported)) -> Annotation<'r> {
    let level = match finding.mode {
        Mode::Enforce => "error",
        Mode::Warn => "warning",
        Mode::Audit | Mode::Off => "notice",
    };
    Annotation {
        level,
        file: &object.file,
        place: finding.place,
        title: format!("{} {}", finding.check.criterion, finding.check.id),
        message: format!("{object}: {}", finding.sentence()),
    }
}

fn of_unusable(unusable: &Unusable) -> Annotation<'_> {
    Annotation {
        level: "error",
        file: &unusable.file,
        place: Place { line: unusable.line, column: unusable.column },
        title: "soc2gate: unusable input".to_owned(),
        message: printable(&unusable.message).into_owned(),
    }
}

fn of_undecided<'r>((object, message): (&'r Judged, String)) -> Annotation<'r> {
    let place = Place { line: object.line, column: 0 };
    Annotation { level: "error", file: &object.file, place, title: "soc2gate: undecided".to_owned(), message }
}

impl Annotation<'_> {
    fn write(&self, out: &mut impl Write, workspace: &Workspace) -> io::Result<()> {
        let mut properties: Vec<(&str, &dyn Display)> = Vec::new();
        let file = workspace.path(self.file);
        if let Some(file) = &file {
            properties.push(("file", file));
            let numbers = [("line", &self.place.line), ("col", &self.place.column)];
            let known = numbers.into_iter().filter(|(_, number)| **number > 0);
            properties.extend(known.map(|(name, number)| (name, number as &dyn Display)));
        }
        properties.push(("title", &self.title));
        let properties: Vec<_> = properties
            .into_iter()
            .map(|(name, value)| format!("{name}={}", escaped_property(&value.to_string())))
            .collect();
        writeln!(out, "::{} {}::{}", self.level, properties.join(","), escaped_data(&self.message))
    }
}

/// Text after the `::`, as the runner decodes it.
fn escaped_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text between the commas.
fn escaped_property(text: &str) -> String {
    escaped_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_command_or_begins_another() {
        assert_eq!(escaped_data("100%\r\n::error::x"), "100%25%0D%0A::error::x");
        assert_eq!(escaped_property("a:b,c%3A\n"), "a%3Ab%2Cc%253A%0A");
    }
}
