//! Feeds of threat intelligence, as they are published: CISA's list of exploited vulnerabilities, and a list of images.

use std::{collections::HashSet, sync::Arc};

use serde::Deserialize;

use crate::{
    inventory::image_evidence::Malicious,
    object::{Digest, ImagePrefix},
};

/// CISA's Known Exploited Vulnerabilities catalogue, as far as it is read.
#[derive(Deserialize)]
struct Catalogue {
    vulnerabilities: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "cveID")]
    cve_id: String,
}

/// Reads `known_exploited_vulnerabilities.json`.
///
/// # Errors
/// Why it is no such catalogue. An empty one is refused too: it would silently switch the check off.
pub fn known_exploited(bytes: &[u8]) -> Result<HashSet<Arc<str>>, String> {
    let catalogue: Catalogue = serde_json::from_slice(bytes).map_err(|error| {
        format!("it is no catalogue of known exploited vulnerabilities (CISA, JSON): {error}")
    })?;
    let ids: HashSet<Arc<str>> =
        catalogue.vulnerabilities.into_iter().map(|entry| entry.cve_id.into()).collect();
    match ids.iter().find(|id| !id.starts_with("CVE-")) {
        Some(other) => Err(format!("`{other}` in `cveID` is no CVE")),
        None if ids.is_empty() => Err("its `vulnerabilities` are empty".to_owned()),
        None => Ok(ids),
    }
}

/// Reads a list of hostile images: a digest (`sha256:...`) or a part of a registry (`host/path`) on each line, `#`
/// before what is meant for people.
///
/// # Errors
/// The first line that is neither.
pub fn malicious(bytes: &[u8]) -> Result<Malicious, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let mut list = Malicious::default();
    for (number, line) in text.lines().enumerate() {
        let entry = line.split('#').next().unwrap_or_default().trim();
        if entry.is_empty() {
            continue;
        }
        if let Some(digest) = Digest::parse(entry) {
            list.digests.insert(digest);
            continue;
        }
        let prefix = ImagePrefix::parse(entry).map_err(|error| {
            let line = number + 1;
            format!("line {line}: `{entry}` is neither `sha256:` with 64 digits nor host and path of a registry: {error}")
        })?;
        list.repositories.push(prefix);
    }
    Ok(list)
}
