//! One finding of a recorded request, with its place in the recording.

use std::{
    fmt,
    io::{self, Write},
};

use serde::{Serialize, Serializer};

use crate::{
    cli::check::text::painted,
    decision::{Decision, State, printable},
    manifest::Place,
    policy::Mode,
    request::Request,
};

/// What a request is about, safe for a terminal; the namespace is empty outside namespaces.
#[derive(Clone, Serialize)]
pub(in crate::cli) struct Named {
    pub(in crate::cli) kind: String,
    pub(in crate::cli) namespace: String,
    pub(in crate::cli) name: String,
}

impl Named {
    pub(in crate::cli) fn of(request: &Request<'_>) -> Self {
        Self {
            kind: printable(request.kind_name()).into_owned(),
            namespace: printable(&request.namespace).into_owned(),
            name: printable(request.display_name()).into_owned(),
        }
    }
}

/// `Pod shop/web`.
impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        write!(f, "{} {}{slash}{}", self.kind, self.namespace, self.name)
    }
}

/// One finding, as a program reads it.
#[derive(Serialize)]
pub(in crate::cli) struct Found {
    check: &'static str,
    criterion: &'static str,
    #[serde(serialize_with = "mode_id")]
    mode: Mode,
    severity: &'static str,
    object: Named,
    file: String,
    line: u32,
    column: u32,
    path: String,
    message: String,
    fix: String,
    /// `new`, `pre-existing` or `exempted`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exemption: Option<String>,
    /// The official criteria that the check speaks to.
    tsc: Vec<&'static str>,
}

fn mode_id<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode.id())
}

impl Found {
    /// The findings of a decision as the file is read, from top to bottom; `place` tells where a path stands in it.
    pub(super) fn all(
        decision: &Decision,
        object: &Named,
        file: &str,
        place: impl Fn(&str) -> Place,
    ) -> Vec<Self> {
        let found = decision.findings.iter().map(|finding| {
            let path = &finding.violation.place.path;
            let Place { line, column } = place(path);
            let check = finding.check;
            Self {
                check: check.id,
                criterion: check.criterion.id(),
                mode: finding.mode,
                severity: check.severity.id(),
                object: object.clone(),
                file: file.to_owned(),
                line,
                column,
                path: path.clone(),
                message: finding.message(),
                fix: finding.fix().into_owned(),
                state: finding.state.id(),
                exemption: match &finding.state {
                    State::Exempted(name) => Some(name.clone()),
                    State::New | State::PreExisting => None,
                },
                tsc: check.tsc.iter().map(|support| support.criterion.id()).collect(),
            }
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|finding| (finding.line, finding.column));
        found
    }

    /// Writes it as one line; what the object had before is marked, since it is never denied.
    pub(super) fn write(&self, out: &mut impl Write, coloured: bool) -> io::Result<()> {
        let Self { check, criterion, severity, object, line, column, message, fix, state, .. } = self;
        let (file, mode) = (printable(&self.file), painted(self.mode, coloured));
        let before = if *state == "new" { String::new() } else { format!(" ({state})") };
        writeln!(
            out,
            "{file}:{line}:{column}: {mode}{before} {severity} {criterion} {check}: {object}: {message}. {fix}"
        )
    }
}
