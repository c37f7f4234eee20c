//! The policies and exemptions that the cluster holds, as texts like those of files.

use kube::Client;
use serde_json::{Value, json};

use super::round::{Stopped, each_page};
use crate::{
    cli::rules::Texts,
    cluster::{Gap, Pages, Raw, Resources},
    policy::API_VERSION,
};

/// Why they cannot be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Error {
    #[error("{0} of the cluster cannot be read: {1}")]
    Gap(&'static str, Gap),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// All of them; none where the cluster does not know the kinds.
///
/// # Errors
/// When they cannot be read: nothing is to be judged by half of them.
pub(in crate::cli) async fn all(client: &Client, resources: &Resources) -> Result<Texts, Error> {
    Ok(Texts {
        policies: list(client, resources, "ControlPolicy", "controlpolicies").await?,
        exemptions: list(client, resources, "Exemption", "exemptions").await?,
    })
}

/// The texts of our own objects in the cluster; none where it does not know the kind.
async fn list(
    client: &Client,
    resources: &Resources,
    kind: &str,
    plural: &'static str,
) -> Result<Vec<(String, String)>, Error> {
    let Some(resource) = resources.get("soc2gate.io", plural) else { return Ok(Vec::new()) };
    let kind_name = kind.to_owned();
    let take = move |texts: &mut Vec<_>, page: Vec<Raw>| {
        texts.extend(page.iter().map(|raw| definition(&kind_name, raw)));
    };
    let pages = Pages::of(resource.everywhere(client), false);
    match each_page(pages, Vec::new(), take).await? {
        (texts, None | Some(Gap::Absent)) => Ok(texts),
        (_, Some(gap)) => Err(Error::Gap(plural, gap)),
    }
}

/// What somebody wrote, without what the cluster keeps beside it.
fn definition(kind: &str, raw: &Raw) -> (String, String) {
    let object: Value = serde_json::from_str(raw.json()).unwrap_or_default();
    let spec = object.get("spec").cloned().unwrap_or_default();
    let text =
        json!({"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": raw.name()}, "spec": spec});
    (format!("{kind} {}", raw.name()), text.to_string())
}
