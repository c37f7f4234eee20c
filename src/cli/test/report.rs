//! What `test` tells of its cases, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::compare::Difference;
use crate::{cli::tell, decision::printable, manifest::Unusable};

/// Every case that was run, in the order of the files.
#[derive(Default, Serialize)]
pub(super) struct Report {
    pub(super) cases: Vec<Ran>,
    pub(super) summary: Summary,
}

#[derive(Serialize)]
pub(super) struct Ran {
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) suite: String,
    pub(super) name: String,
    pub(super) passed: bool,
    pub(super) differences: Vec<Difference>,
}

#[derive(Default, Serialize)]
pub(super) struct Summary {
    pub(super) passed: usize,
    pub(super) failed: usize,
    /// Files, suites and cases that could not be used; standard error names each.
    pub(super) unusable: usize,
}

impl Report {
    /// Tells the person what cannot be used, and counts it.
    pub(super) fn refuse(&mut self, unusable: &Unusable) {
        tell(unusable);
        self.summary.unusable += 1;
    }

    pub(super) fn ran(&mut self, case: Ran) {
        let count = if case.passed { &mut self.summary.passed } else { &mut self.summary.failed };
        *count += 1;
        self.cases.push(case);
    }

    /// Writes a line for each case, the differences below it, and how many passed.
    ///
    /// # Errors
    /// As the writer's.
    pub(super) fn write_text(&self, out: &mut impl Write, coloured: bool) -> io::Result<()> {
        let (green, red, plain) =
            if coloured { ("\u{1b}[32m", "\u{1b}[31m", "\u{1b}[0m") } else { ("", "", "") };
        for Ran { file, line, column, suite, name, passed, differences } in &self.cases {
            let (file, suite, name) = (printable(file), printable(suite), printable(name));
            let verdict = if *passed { format!("{green}ok{plain}") } else { format!("{red}FAILED{plain}") };
            writeln!(out, "{file}:{line}:{column}: {verdict}: {suite}: {name}")?;
            for Difference { line, column, kind, what } in differences {
                writeln!(out, "  {file}:{line}:{column}: {} {}", kind.sign(), printable(what))?;
            }
        }
        let Summary { passed, failed, unusable } = self.summary;
        write!(out, "{passed} passed, {failed} failed")?;
        if unusable > 0 {
            write!(out, ", {unusable} unusable")?;
        }
        writeln!(out)
    }

    /// Writes one JSON object.
    ///
    /// # Errors
    /// As the writer's.
    pub(super) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }
}
