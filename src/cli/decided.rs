//! A recorded request and what is decided about it, told the same way by every command that decides again.

mod found;

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Write},
};

use jiff::Timestamp;
use serde::Serialize;

pub(super) use found::{Found, Named};

use crate::{
    decision::{Decision, Outcome, printable},
    manifest::Place,
    request::{Operation, Request},
};

/// One request, safe for a terminal.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Decided {
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) column: u32,
    /// When the API server received it, where that was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<Timestamp>,
    operation: &'static str,
    object: Named,
    subresource: String,
    requester: String,
    dry_run: bool,
    pub(super) decision: &'static str,
    pub(super) findings: Vec<Found>,
    /// The tags that were judged by the digest that they named.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    images: BTreeMap<String, String>,
    errors: Vec<String>,
}

impl Decided {
    /// What is decided about a request of a file; `within` tells where a path of the object stands in it.
    pub(super) fn new(
        request: &Request<'_>,
        decision: &Decision,
        (file, at): (&str, Place),
        within: impl Fn(&str) -> Place,
    ) -> Self {
        let object = Named::of(request);
        Self {
            file: file.to_owned(),
            line: at.line,
            column: at.column,
            time: None,
            operation: request.operation.map_or("unknown", Operation::id),
            subresource: printable(&request.subresource).into_owned(),
            requester: requester(request),
            dry_run: request.dry_run,
            decision: decision.outcome.id(),
            findings: Found::all(decision, &object, file, within),
            images: decision
                .resolved
                .iter()
                .map(|one| (printable(&one.reference).into_owned(), one.digest.to_string()))
                .collect(),
            errors: decision
                .errors
                .iter()
                .cloned()
                .chain(decision.flaws.iter().map(ToString::to_string))
                .map(|error| printable(&error).into_owned())
                .collect(),
            object,
        }
    }

    /// The same, with the time at which the API server received it.
    #[must_use]
    pub(super) fn received(self, time: Option<Timestamp>) -> Self {
        Self { time, ..self }
    }

    /// Writes the decision as one line, and a line for each finding and each error below it.
    ///
    /// # Errors
    /// As the writer's.
    pub(super) fn write(&self, out: &mut impl Write, coloured: bool) -> io::Result<()> {
        let Self { file, line, column, operation, object, subresource, requester, decision, .. } = self;
        write!(out, "{}:{line}:{column}: {decision}: {operation} {object}", printable(file))?;
        if !subresource.is_empty() {
            write!(out, " ({subresource})")?;
        }
        if !requester.is_empty() {
            write!(out, " by {requester}")?;
        }
        if let Some(time) = self.time {
            write!(out, " at {time}")?;
        }
        writeln!(out, "{}", if self.dry_run { ", dry run" } else { "" })?;
        for finding in &self.findings {
            finding.write(out, coloured)?;
        }
        for error in &self.errors {
            writeln!(out, "{}:{line}:{column}: {error}", printable(file))?;
        }
        Ok(())
    }
}

/// Who asked, safe for a terminal; empty if nobody knows.
pub(super) fn requester(request: &Request<'_>) -> String {
    printable(request.requester.as_ref().map_or("", |requester| requester.username())).into_owned()
}

/// How many requests were decided how. Prints as `3 allow, 0 warn, 1 deny, 0 error`.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Outcomes {
    pub(super) allow: usize,
    pub(super) warn: usize,
    pub(super) deny: usize,
    pub(super) error: usize,
}

impl Outcomes {
    pub(super) const fn count(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Allow => &mut self.allow,
            Outcome::Warn => &mut self.warn,
            Outcome::Deny => &mut self.deny,
            Outcome::Error { .. } => &mut self.error,
        };
        *count += 1;
    }

    pub(super) const fn total(self) -> usize {
        self.allow + self.warn + self.deny + self.error
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { allow, warn, deny, error } = self;
        write!(f, "{allow} allow, {warn} warn, {deny} deny, {error} error")
    }
}
