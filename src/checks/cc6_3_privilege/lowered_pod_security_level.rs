//! Refuses a lower Pod Security level than the namespace had.

use serde::Deserialize;

use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Reference, Report, quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, Object, Place},
    request::Operation,
};

pub(super) const CHECK: Check = Check {
    id: "lowered-pod-security-level",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::supporting(Criterion::CC6_1, "keeps pods apart from their node as strictly as before"),
        Support::direct(Criterion::CC6_3, "who is held to a level does not choose it"),
        Support::direct(Criterion::CC7_1, "a weaker setting is noticed when it is made"),
    ],
    severity: Severity::High,
    needs: &[Need::Request, Need::OldObject],
    title: "lowered Pod Security level",
    why: "The label decides which pods the API server refuses in this namespace. One step down lets every workload in it, \
          and every later one, ask for what was refused before.",
    fix: "Set the level back, and exempt the one workload that needs more.",
    references: &[Reference::Cis("5.2.1"), Reference::Kubernetes("Pod Security Admission")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: privileged}}
",
        "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}}
",
    )
    .after(
        "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Namespace]), configure),
};

/// What Pod Security admission does with a pod below the level; each has a level of its own.
const USES: [&str; 3] = ["enforce", "warn", "audit"];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    /// The least level that a new namespace must have.
    require_on_create: Required,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Required {
    #[default]
    None,
    Baseline,
    Restricted,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PodSecurity {
    /// Also what is absent or unknown.
    Privileged,
    Baseline,
    Restricted,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { require_on_create } = params.read()?;
    let required = match require_on_create {
        Required::None => PodSecurity::Privileged,
        Required::Baseline => PodSecurity::Baseline,
        Required::Restricted => PodSecurity::Restricted,
    };
    Ok(Examiner::Whole(Box::new(move |ask, report| examine(ask, required, report))))
}

fn examine(ask: &Ask<'_>, required: PodSecurity, report: &mut Report) {
    let Some(namespace) = ask.object else { return };
    match (ask.request.operation, ask.old) {
        (_, Some(old)) => {
            for kind in USES {
                compare(kind, old, namespace, report);
            }
        }
        (Some(Operation::Create), None) => missing(namespace, required, report),
        (_, None) => {
            // A file is judged as if somebody applied it for the first time.
            missing(namespace, required, report);
            let reason = "the level that the namespace had is not known";
            report.not_assessable(Missing::NotKnownHere(reason.into()));
        }
    }
}

fn missing(namespace: &Object<'_>, required: PodSecurity, report: &mut Report) {
    let written = label(namespace, "enforce");
    if level(namespace, "enforce") >= required {
        return;
    }
    let is = written.map_or_else(|| "is absent".to_owned(), |value| format!("is {}", quoted(value)));
    let what = format!("{is}, less than the `{}` that new namespaces need", required.id());
    report.violation_of(place("enforce"), written.unwrap_or_default(), what);
}

fn compare(kind: &str, old: &Object<'_>, new: &Object<'_>, report: &mut Report) {
    let words = |was: Option<&str>, is: Option<&str>| {
        let is = is.map_or_else(|| "is gone".to_owned(), |is| format!("is {}", quoted(is)));
        format!("{is} and was {}", was.map_or_else(|| "absent".to_owned(), quoted))
    };
    let (was, is) = (level(old, kind), level(new, kind));
    if is < was {
        let (was, is) = (label(old, kind), label(new, kind));
        report.violation_of(place(kind), is.unwrap_or_default(), words(was, is));
    }
    // Without a level a version means nothing.
    if is == PodSecurity::Privileged || was == PodSecurity::Privileged {
        return;
    }
    let field = format!("{kind}-version");
    let (was, is) = (label(old, &field), label(new, &field));
    if version(is) < version(was) {
        report.violation_of(place(&field), is.unwrap_or_default(), words(was, is));
    }
}

fn label<'o>(namespace: &'o Object<'_>, field: &str) -> Option<&'o str> {
    namespace.metadata.labels.get(&format!("pod-security.kubernetes.io/{field}"))
}

fn place(field: &str) -> Place {
    Place::of("metadata").entry("labels", &format!("pod-security.kubernetes.io/{field}"))
}

impl PodSecurity {
    const fn id(self) -> &'static str {
        match self {
            Self::Privileged => "privileged",
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

fn level(namespace: &Object<'_>, kind: &str) -> PodSecurity {
    match label(namespace, kind) {
        Some("restricted") => PodSecurity::Restricted,
        Some("baseline") => PodSecurity::Baseline,
        _ => PodSecurity::Privileged,
    }
}

/// The minor version by which a level is judged: `v1.N`, or the newest, which is the default. What is neither counts as
/// the oldest.
fn version(label: Option<&str>) -> u32 {
    match label {
        None | Some("latest") => u32::MAX,
        Some(text) => {
            let minor = text.strip_prefix("v1.").filter(|minor| minor.bytes().all(|b| b.is_ascii_digit()));
            minor.and_then(|minor| minor.parse().ok()).unwrap_or_default()
        }
    }
}
