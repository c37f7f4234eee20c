//! Asks that a pod which never calls the API carries no token for it.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Place, PodAt, ServiceAccount},
    request::Requester,
};

pub(super) const CHECK: Check = Check {
    id: "automounted-token",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_1, "keeps credentials out of programs that have no use for them"),
        Support::supporting(Criterion::CC6_2, "a workload gets a credential when somebody gives it one"),
    ],
    severity: Severity::Medium,
    needs: &[Need::Optional(Part::Accounts), Need::Optional(Part::Roles)],
    title: "token that nobody needs",
    why: "Unless told otherwise, every container gets a token of its account. Where the account has no rights the \
          program has no use for it, but whoever breaks in can sign in with it, and with every right that is bound \
          later.",
    fix: "Set `automountServiceAccountToken: false`; a pod that calls the API gets a bound account of its own.",
    references: &[Reference::Cis("5.1.5"), Reference::Cis("5.1.6"), Reference::Nsa("t1.11")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  automountServiceAccountToken: false
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecsAnd(&[Kind::ServiceAccount]), configure),
};

const FIELD: &str = "automountServiceAccountToken";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    accounts: Accounts,
}

/// Which accounts must say that their tokens are not mounted.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Accounts {
    #[default]
    Default,
    All,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { accounts } = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        let Some(object) = ask.object else { return };
        if let Body::ServiceAccount(account) = &object.body {
            of_account(account, object.display_name(), accounts, ask, report);
        }
        if let Some(pod) = object.pod() {
            of_pod(&pod, ask, report);
        }
    })))
}

fn of_account(account: &ServiceAccount, name: &str, accounts: Accounts, ask: &Ask<'_>, report: &mut Report) {
    // The account `default` comes with its namespace, from a controller that knows no better: to refuse it would
    // leave a namespace in which no pod can start.
    if ask.request.requester.as_ref().is_some_and(Requester::is_controller) {
        return;
    }
    let automount = account.automount_service_account_token;
    if automount != Some(false) && (accounts == Accounts::All || name == "default") {
        let what = format!("{}, so that pods of account {} get its token", state(automount), quoted(name));
        report.violation_of(Place::of(FIELD), name, what);
    }
}

/// The fields are judged and not the volume that the API server adds for them, which a template has not got yet.
fn of_pod(pod: &PodAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    // The API server gives static pods no token.
    if ask.request.is_mirror_pod() {
        return;
    }
    let (namespace, account) = (&*ask.request.namespace, pod.spec.account());
    let accounts = ask.inventory.accounts.ready();
    let of_account = || accounts?.get(namespace)?.get(account)?.automount;
    let automount = pod.spec.automount_service_account_token;
    if automount.or_else(of_account) == Some(false) {
        return;
    }
    // Where the manifest names no namespace, nobody can tell which bindings are about its account.
    let roles = ask.inventory.roles.ready().filter(|_| !namespace.is_empty());
    let reason = if account == "default" {
        "the account of every pod that names none"
    } else if roles.is_some_and(|roles| !roles.is_bound(namespace, account)) {
        "which no role is bound to"
    } else {
        return;
    };
    let what = format!(
        "{}, so that the pod gets a token of account {}, {reason}",
        state(automount),
        quoted(account)
    );
    report.violation_of(pod.at(FIELD), account, what);
}

fn state(automount: Option<bool>) -> &'static str {
    if automount.is_some() { "is true" } else { "is not set" }
}
