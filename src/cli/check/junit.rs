//! The report for CI servers: JUnit XML, a suite for each file and a case for each object.
//!
//! An object fails when it has findings that fail the command. What does not count is told in the output of its case
//! instead of skipping it: a skipped test is one that did not run, and this object was judged.

use std::{
    collections::{HashMap, HashSet},
    error::Error,
    io::{self, Write},
    sync::Arc,
};

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::report::{Judged, Report, Reported, State};
use crate::{
    decision::printable,
    manifest::{Place, Unusable},
    policy::Mode,
};

/// Writes the report; findings below `fail_on` are told and fail nothing.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, report: &Report, fail_on: Mode) -> io::Result<()> {
    let mut suites = Suites::default();
    for object in &report.objects {
        suites.add(&object.file, object.line, case(object, fail_on));
    }
    for unusable in &report.unusable {
        suites.add(&unusable.file, unusable.line, broken(unusable));
    }
    let mut document = quick_junit::Report::new("soc2gate");
    document.add_test_suites(suites.in_order);
    document.serialize(out).map_err(|error| {
        // A reader that has seen enough is told by the kind, which the crate wraps twice.
        let cause = error.source().and_then(Error::source);
        let cause = cause.and_then(|cause| cause.downcast_ref::<Arc<io::Error>>());
        io::Error::new(cause.map_or(io::ErrorKind::Other, |cause| cause.kind()), error)
    })
}

/// The suites in the order of their files.
#[derive(Default)]
struct Suites {
    in_order: Vec<TestSuite>,
    by_file: HashMap<String, usize>,
    names: HashSet<(usize, String)>,
}

impl Suites {
    fn add(&mut self, file: &str, line: u32, mut case: TestCase) {
        let file = printable(file);
        let position = *self.by_file.entry(file.to_string()).or_insert(self.in_order.len());
        if position == self.in_order.len() {
            self.in_order.push(TestSuite::new(&*file));
        }
        // GitLab shows only the first of several cases of one name.
        if !self.names.insert((position, case.name.to_string())) {
            case.name = format!("{} (line {line})", case.name.as_str()).into();
        }
        case.set_classname(&*file);
        case.extra.insert("file".into(), (&*file).into());
        if let Some(suite) = self.in_order.get_mut(position) {
            suite.add_test_case(case);
        }
    }
}

fn case(object: &Judged, fail_on: Mode) -> TestCase {
    let fails = |finding: &&Reported| finding.state() == State::New && finding.mode >= fail_on;
    let failures: Vec<_> = object.findings.iter().filter(fails).map(line).collect();
    let undecided = object.undecided.iter().map(|reason| format!("could not be decided: {reason}"));
    let wrong: Vec<_> = undecided.chain(failures).collect();
    let status = match wrong.first() {
        None => TestCaseStatus::success(),
        Some(first) => {
            let more = if wrong.len() > 1 { format!(" (+{} more)", wrong.len() - 1) } else { String::new() };
            let (kind, name) = match object.undecided.is_empty() {
                true => (NonSuccessKind::Failure, "finding"),
                false => (NonSuccessKind::Error, "undecided"),
            };
            let mut status = TestCaseStatus::non_success(kind);
            status.set_type(name).set_message(format!("{first}{more}")).set_description(wrong.join("\n"));
            status
        }
    };
    let mut case = TestCase::new(object.to_string(), status);
    let told: Vec<_> = object.findings.iter().filter(|finding| !fails(finding)).map(line).collect();
    if !told.is_empty() {
        case.set_system_out(told.join("\n"));
    }
    case
}

/// A finding in one line, its place first.
fn line(finding: &Reported) -> String {
    let Place { line, column } = finding.place;
    let why =
        finding.justification().map_or(String::new(), |why| format!(" [{}: {why}]", finding.state().id()));
    let (mode, label, sentence) = (finding.mode.id(), finding.label(), finding.sentence());
    format!("{line}:{column}: {mode} {label}: {sentence}{why}")
}

fn broken(unusable: &Unusable) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let message = printable(&unusable.to_string()).into_owned();
    status.set_type("unusable").set_message(printable(&unusable.message).as_ref()).set_description(message);
    TestCase::new("input", status)
}
