//! Asks that nobody runs commands in a container past the pipeline.

use regex::{Error, Regex, RegexBuilder};
use serde::Deserialize;

use super::way_in::{Connection, NamespaceName, Only};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Principal, Reference},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "exec-into-container",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_1, "keeps people out of running programs and their data"),
        Support::supporting(Criterion::CC7_2, "whoever goes in is noticed"),
        Support::context(Criterion::CC6_2, "shows who used a credential to go in"),
    ],
    severity: Severity::High,
    needs: &[Need::Request, Need::Optional(Part::Pods)],
    title: "command in a running container",
    why: "A command in a running container has all that its program has: secrets, files, the account's token. Nothing of \
          it is in the image or in a repository, and what it changed is gone with the pod.",
    fix: "Look at logs and metrics instead; where somebody must go in, ask for an exemption that ends soon.",
    references: &[Reference::Cis("3.2.2"), Reference::Kubernetes("RBAC Good Practices")],
    examples: Examples::new(
        "
apiVersion: v1
kind: PodExecOptions
metadata: {name: web, namespace: shop}
container: app
command: [sh]
stdin: true
tty: true
",
        "
apiVersion: v1
kind: PodExecOptions
metadata: {name: web, namespace: shop}
container: app
command: [pg_dump, --schema-only]
",
    )
    .under("allow: [{principals: [{kind: User, name: ann}], namespaces: [shop], commands: ['pg_dump( --[a-z-]+)*']}]"),
    examine: Examine::Configured(Kinds::These(&[Kind::PodExecOptions]), configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    allow: Vec<Permit>,
}

/// Who may run what where.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Permit {
    principals: Only<Principal>,
    #[serde(default)]
    namespaces: Only<NamespaceName>,
    #[serde(default)]
    commands: Only<Command>,
}

/// A pattern of whole commands, their words joined by a space.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Command(Regex);

impl TryFrom<String> for Command {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, String> {
        if pattern.is_empty() {
            return Err("the pattern is empty and would fit no command".to_owned());
        }
        // Alone first: `a)|(b` would close the group that anchors it.
        compile(&pattern).and_then(|_| compile(&format!("^(?:{pattern})$"))).map(Self)
    }
}

/// In bytes, compiled: some hundred words of alternatives, and no class of Unicode repeated a thousand times.
const LARGEST: usize = 256 * 1024;

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(LARGEST).build().map_err(|error| match error {
        Error::CompiledTooBig(_) => "the pattern is too large: write a shorter one".to_owned(),
        error => {
            // The library draws the place over several lines and ends with the reason.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("the pattern is no regular expression: {reason}")
        }
    })
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow } = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        let Some(connection) = Connection::of(ask, report) else { return };
        if !allow.iter().any(|permit| permit.covers(&connection)) {
            let terminal = if connection.has_terminal() { " with a terminal" } else { "" };
            let (program, target) = (connection.program(), connection.target());
            connection.refuse(format!("runs {program}{terminal} in {target}"), report);
        }
    })))
}

impl Permit {
    fn covers(&self, connection: &Connection<'_>) -> bool {
        self.principals.include(connection.requester)
            && self.namespaces.name(&connection.request.namespace)
            && self.commands.any(|command| command.0.is_match(&connection.command()))
    }
}
