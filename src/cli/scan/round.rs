//! One way through the objects of a cluster: fetches them page by page and has each page judged while the next one comes.

use std::{collections::BTreeSet, panic::AssertUnwindSafe};

use kube::{Api, Client};

use crate::{
    cluster::{Gap, Pages, Raw, Resource, Resources},
    object::{Kind, misfit},
    scanner::{Scanner, Why},
};

/// Where to look.
pub(in crate::cli) struct Round<'r> {
    pub(in crate::cli) client: &'r Client,
    pub(in crate::cli) resources: &'r Resources,
    /// Only these; everything if there are none.
    pub(in crate::cli) namespaces: &'r BTreeSet<String>,
}

/// The judging ended without an account: the program is going down.
#[derive(Debug, thiserror::Error)]
#[error("the scan was stopped")]
pub(in crate::cli) struct Stopped;

/// Said of Secrets, whose contents nothing here may see.
const SECRETS: &str = "Secrets are never read";

/// Said of what is in no namespace when namespaces were asked for.
const OUTSIDE: &str = "it is outside the namespaces that were asked for";

impl Round<'_> {
    /// Has everything judged that policies concern. `tell` is told of every kind as it is begun.
    ///
    /// # Errors
    /// [`Stopped`]. What cannot be read is part of the account.
    pub(in crate::cli) async fn go(
        &self,
        mut scanner: Scanner,
        mut tell: impl FnMut(Kind),
    ) -> Result<Scanner, Stopped> {
        for kind in scanner.kinds() {
            tell(kind);
            let name = name(kind);
            let Some(resource) = self.resources.get(kind.group(), kind.resource()) else {
                scanner.not_scanned(&name, Why::Absent);
                continue;
            };
            let lists = self.lists(kind, resource);
            if lists.is_empty() {
                scanner.not_scanned(&name, Why::LeftOut(OUTSIDE));
            }
            scanner.begin(kind, &resource.api.api_version);
            for pages in lists {
                let (after, gap) = each_page(pages, scanner, move |scanner: &mut Scanner, page| {
                    page.iter().for_each(|object| judge(scanner, kind, object));
                })
                .await?;
                scanner = after;
                if let Some(gap) = gap {
                    scanner.not_scanned(&name, why(gap));
                }
            }
        }
        scanner.not_scanned("secrets", Why::LeftOut(SECRETS));
        Ok(scanner)
    }

    /// The lists that together hold the objects of a kind, as far as they were asked for.
    pub(in crate::cli) fn lists(&self, kind: Kind, resource: &Resource) -> Vec<Pages> {
        let few = matches!(kind, Kind::ConfigMap | Kind::CustomResourceDefinition);
        let everywhere = || Pages::of(resource.everywhere(self.client), few);
        if self.namespaces.is_empty() {
            return vec![everywhere()];
        }
        let within = self.namespaces.iter();
        if kind == Kind::Namespace {
            return within.map(|name| everywhere().matching(format!("metadata.name={name}"))).collect();
        }
        if !resource.is_namespaced {
            return Vec::new();
        }
        let within = within.map(|name| Api::namespaced_with(self.client.clone(), name, &resource.api));
        within.map(|api| Pages::of(api, few)).collect()
    }
}

/// A resource as `kubectl` names it: `deployments.apps`.
pub(in crate::cli) fn name(kind: Kind) -> String {
    match kind.group() {
        "" => kind.resource().to_owned(),
        group => format!("{}.{group}", kind.resource()),
    }
}

pub(in crate::cli) fn why(gap: Gap) -> Why {
    match gap {
        Gap::Absent => Why::Absent,
        Gap::Forbidden(reason) => Why::Forbidden(reason),
        Gap::Failed(reason) => Why::Failed(reason),
    }
}

/// Hands every page of a list to `work`, off the threads that answer reviews, while the next page is fetched.
///
/// # Errors
/// [`Stopped`] when the work ended without giving `state` back.
pub(in crate::cli) async fn each_page<S: Send + 'static>(
    mut pages: Pages,
    mut state: S,
    work: impl Fn(&mut S, Vec<Raw>) + Clone + Send + 'static,
) -> Result<(S, Option<Gap>), Stopped> {
    let mut page = pages.next().await;
    loop {
        let objects = match page {
            Ok(Some(objects)) => objects,
            Ok(None) => return Ok((state, None)),
            Err(gap) => return Ok((state, Some(gap))),
        };
        let work = work.clone();
        let working = tokio::task::spawn_blocking(move || {
            work(&mut state, objects);
            state
        });
        let (worked, next) = tokio::join!(working, pages.next());
        state = worked.map_err(|_| Stopped)?;
        page = next;
    }
}

/// Judges one object; one that cannot be judged does not keep the others from it.
fn judge(scanner: &mut Scanner, kind: Kind, raw: &Raw) {
    let judged = std::panic::catch_unwind(AssertUnwindSafe(|| match raw.read(kind) {
        Ok(object) => scanner.judge(object),
        Err(error) => scanner.unreadable(kind, raw.namespace(), raw.name(), &misfit(&error)),
    }));
    if judged.is_err() {
        scanner.unreadable(kind, raw.namespace(), raw.name(), "a check failed unexpectedly");
    }
}
