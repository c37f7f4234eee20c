//! Refuses that data is declared less confidential than it was by anybody but its owner.

use serde::Deserialize;

use super::{CLASSES, Classes, KEY};
use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Principal, Reference, Report,
        quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::Kind,
    request::Operation,
};

pub(super) const CHECK: Check = Check {
    id: "lowered-data-class",
    criterion: Criterion::C1,
    tsc: &[
        Support::supporting(Criterion::C1_1, "confidential information stays under the rules of its class"),
        Support::supporting(Criterion::CC8_1, "a lower class is decided by the owner of the data"),
    ],
    severity: Severity::High,
    needs: &[Need::Request, Need::OldObject],
    title: "lowered data class",
    why: "The class of a namespace decides which rules hold in it. Whoever lowers it switches those rules off for data \
          that is as confidential as before.",
    fix: "Set the class back, or let the data's owner lower it, who is named in `dataOwners`.",
    references: &[Reference::Kubernetes("Labels and Selectors")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {soc2gate.io/data-class: public}}
",
        "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {soc2gate.io/data-class: restricted}}
",
    )
    .after(
        "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {soc2gate.io/data-class: confidential}}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Namespace]), configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    /// The label.
    key: String,
    /// Its values, the least confidential first.
    classes: Vec<String>,
    /// Who may lower a class.
    data_owners: Vec<Principal>,
}

impl Default for Parameters {
    fn default() -> Self {
        let classes = CLASSES.map(str::to_owned).to_vec();
        Self { key: KEY.to_owned(), classes, data_owners: Vec::new() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { key, classes, data_owners } = params.read()?;
    let classes = Classes::read(params, key, classes)?;
    Ok(Examiner::Whole(Box::new(move |ask, report| examine(ask, &classes, &data_owners, report))))
}

fn examine(ask: &Ask<'_>, classes: &Classes, owners: &[Principal], report: &mut Report) {
    let Some(namespace) = ask.object else { return };
    let Some(old) = ask.old else {
        if ask.request.operation != Some(Operation::Create) {
            report.not_assessable(Missing::NotKnownHere("the class that it had is not known".into()));
        }
        return;
    };
    let (before, now) = (classes.rank(old), classes.rank(namespace));
    let requester = ask.request.requester.as_ref();
    // No class at all is less than the lowest.
    if now >= before || requester.is_some_and(|requester| owners.iter().any(|one| one.includes(requester))) {
        return;
    }
    let (was, is) = (classes.label(old).unwrap_or_default(), classes.label(namespace));
    let is = is.map_or_else(|| "is gone".to_owned(), |is| format!("is {}", quoted(is)));
    let what = format!("{is} and was {}", quoted(was));
    report.violation_of(classes.place(), classes.label(namespace).unwrap_or_default(), what);
}
