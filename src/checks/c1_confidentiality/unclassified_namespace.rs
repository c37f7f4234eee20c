//! Asks that every namespace says how confidential its data is.

use serde::Deserialize;

use super::{CLASSES, Classes, KEY};
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "unclassified-namespace",
    criterion: Criterion::C1,
    tsc: &[
        Support::supporting(Criterion::C1_1, "confidential information is identified where it is kept"),
        Support::context(Criterion::CC6_1, "tells which namespaces deserve the stricter access rules"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "namespace without a data class",
    why: "What is confidential can be protected as promised only where somebody has said that it is. A namespace without \
          a class gets the rules of the least confidential one, whatever is in it.",
    fix: "Label the namespace with the class of its most confidential data.",
    references: &[Reference::Kubernetes("Labels and Selectors")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
",
        "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {soc2gate.io/data-class: internal}}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Namespace]), configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// The label.
    key: String,
    /// Its values, the least confidential first.
    classes: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { key: KEY.to_owned(), classes: CLASSES.map(str::to_owned).to_vec() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { key, classes } = params.read()?;
    let classes = Classes::read(params, key, classes)?;
    Ok(Examiner::Whole(Box::new(move |ask, report| examine(ask, &classes, report))))
}

fn examine(ask: &Ask<'_>, classes: &Classes, report: &mut Report) {
    let Some(namespace) = ask.object.filter(|namespace| classes.rank(namespace).is_none()) else { return };
    let known = classes.ascending.join(", ");
    let what = match classes.label(namespace) {
        None => format!("is absent; the classes are {known}"),
        Some(value) => format!("is {}, which is none of the classes {known}", quoted(value)),
    };
    report.violation_of(classes.place(), classes.label(namespace).unwrap_or_default(), what);
}
