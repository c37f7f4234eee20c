//! What statements say, by the type of their predicate.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{
    super::{openvex, report::unparsable},
    Learned,
    statement::Statement,
    vulnerabilities,
};
use crate::{
    images::Documents,
    inventory::image_evidence::{Attester, Claim, Subject},
};

/// Whether a statement of this type says nothing but that its signer signed the image.
pub(super) fn is_signature(predicate_type: &str) -> bool {
    predicate_type == "https://sigstore.dev/cosign/sign/v1"
}

/// Reads a verified statement. Scans and VEX statements are told with who signed them.
pub(super) fn claim(
    statement: &Statement<'_>,
    documents: &Documents,
    by: &Attester,
    tell: &mut dyn FnMut(Learned<'_>),
) -> Result<Claim, String> {
    let predicate_type = statement.predicate_type();
    let text = statement.predicate();
    if is_signature(&predicate_type) {
        return Ok(Claim::Signature);
    }
    if let Some(scan) = vulnerabilities::read(&predicate_type, text) {
        let mut scan = scan?;
        // What was signed is a scan of this image, whatever the scanner called it.
        scan.subjects =
            vec![Subject { repository: documents.image.name().into(), digest: documents.digest.clone() }];
        scan.tags.clear();
        scan.attester = Some(by.clone());
        tell(Learned::Scan(scan));
        return Ok(Claim::Scan);
    }
    if predicate_type.starts_with(openvex::CONTEXT) {
        for mut statement in openvex::read_about(text.as_bytes(), Some(&documents.digest))? {
            statement.by = Some(by.clone());
            tell(Learned::Vex(statement));
        }
        return Ok(Claim::Vex);
    }
    if predicate_type == "https://slsa.dev/provenance/v1" {
        return provenance_1(text);
    }
    if predicate_type == "https://slsa.dev/provenance/v0.2" {
        return provenance_0_2(text);
    }
    if predicate_type.starts_with("https://spdx.dev/Document") {
        return Ok(Claim::Sbom { format: "SPDX" });
    }
    if predicate_type.starts_with("https://cyclonedx.org/bom") {
        return Ok(Claim::Sbom { format: "CycloneDX" });
    }
    Ok(Claim::Other { predicate_type: predicate_type.into() })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Builder {
    id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Material {
    uri: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Provenance02 {
    builder: Builder,
    invocation: Invocation,
    materials: Vec<Material>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Invocation {
    config_source: Material,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Provenance1 {
    build_definition: Definition,
    run_details: Run,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Definition {
    external_parameters: Value,
    resolved_dependencies: Vec<Material>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Run {
    builder: Builder,
}

fn provenance_0_2(text: &str) -> Result<Claim, String> {
    let said: Provenance02 = serde_json::from_str(text).map_err(|error| unparsable(&error))?;
    let first = said.materials.into_iter().next().and_then(|material| material.uri);
    provenance(said.builder, said.invocation.config_source.uri.or(first))
}

fn provenance_1(text: &str) -> Result<Claim, String> {
    let said: Provenance1 = serde_json::from_str(text).map_err(|error| unparsable(&error))?;
    let definition = said.build_definition;
    // Each builder has its own place for it; these are GitHub's, and those of the SLSA examples.
    let places =
        ["/workflow/repository", "/source/uri", "/source/repository", "/source", "/configSource/uri"];
    let named = places.iter().find_map(|place| definition.external_parameters.pointer(place)?.as_str());
    let first = definition.resolved_dependencies.into_iter().next().and_then(|material| material.uri);
    provenance(said.run_details.builder, named.map(str::to_owned).or(first))
}

fn provenance(builder: Builder, source: Option<String>) -> Result<Claim, String> {
    let builder = builder.id.filter(|id| !id.is_empty()).ok_or("it does not say what built the image")?;
    Ok(Claim::Provenance { builder: builder.into(), source: source.map(Arc::from) })
}
