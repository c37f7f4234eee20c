//! Asks that nobody joins the program of a running container.

use super::way_in::Parameters;
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Need, Params, Part},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "attach-to-container",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_1, "keeps people out of running programs and their data"),
        Support::supporting(Criterion::CC7_2, "whoever goes in is noticed"),
        Support::context(Criterion::CC6_2, "shows who used a credential to go in"),
    ],
    severity: Severity::High,
    needs: &[Need::Request, Need::Optional(Part::Pods)],
    title: "attachment to a running container",
    why: "Whoever attaches reads what the program prints and types into it. Where the program is a shell, that is all the \
          power it has, and no trace of it is left.",
    fix: "Read the logs instead; where somebody must join in, ask for an exemption that ends soon.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: PodAttachOptions
metadata: {name: web, namespace: shop}
container: app
stdin: true
tty: true
",
        "
apiVersion: v1
kind: PodAttachOptions
metadata: {name: web, namespace: sandbox}
container: app
stdin: true
tty: true
",
    )
    .under("allow: [{principals: [{kind: User, name: ann}], namespaces: [sandbox]}]"),
    examine: Examine::Configured(Kinds::These(&[Kind::PodAttachOptions]), configure),
};

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    Ok(parameters.refusing(|connection| {
        let terminal = if connection.has_terminal() { " a terminal" } else { "" };
        format!("attaches{terminal} to {}", connection.target())
    }))
}
