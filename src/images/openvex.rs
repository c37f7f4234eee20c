//! OpenVEX 0.2.0 documents: who says which vulnerability does or does not concern what.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use super::report::{time, unparsable};
use crate::{
    inventory::image_evidence::{Product, VexStatement, VexStatus},
    object::{Digest, ImageReference},
};

/// What the `@context` of every version begins with.
pub(super) const CONTEXT: &str = "https://openvex.dev/ns";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Document {
    #[serde(rename = "@context")]
    context: String,
    author: Option<String>,
    timestamp: Option<String>,
    statements: Vec<Statement>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Statement {
    vulnerability: Option<Vulnerability>,
    products: Option<Vec<Component>>,
    status: String,
    justification: Option<String>,
    impact_statement: Option<String>,
    timestamp: Option<String>,
    last_updated: Option<String>,
}

/// A name alone before 0.2.0.
#[derive(Deserialize)]
#[serde(untagged)]
enum Vulnerability {
    Name(String),
    Described {
        /// An IRI, which some writers give alone: `https://nvd.nist.gov/vuln/detail/CVE-2026-1`.
        #[serde(rename = "@id", default)]
        id: Option<String>,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        aliases: Option<Vec<String>>,
    },
}

impl Vulnerability {
    /// Every name that it goes by, its own first.
    fn names(self) -> Vec<Arc<str>> {
        let (name, aliases) = match self {
            Self::Name(name) => (Some(name), None),
            Self::Described { id, name, aliases } => {
                let name = name.filter(|name| !name.is_empty());
                (name.or_else(|| id?.rsplit(['/', '#']).next().map(str::to_owned)), aliases)
            }
        };
        let names = name.into_iter().chain(aliases.unwrap_or_default());
        names.filter(|name| !name.is_empty()).map(Arc::from).collect()
    }
}

/// A product, or a part of one; an identifier alone before 0.2.0.
#[derive(Deserialize)]
#[serde(untagged)]
enum Component {
    Id(String),
    Described {
        #[serde(rename = "@id", default)]
        id: Option<String>,
        #[serde(default)]
        identifiers: Option<Identifiers>,
        #[serde(default)]
        subcomponents: Option<Vec<Component>>,
    },
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Identifiers {
    purl: Option<String>,
}

/// Reads a document.
///
/// # Errors
/// What keeps it from being one, as the rest of a sentence. One bad statement makes the whole document unusable: a
/// reader could not tell which of its statements were meant to undo which.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<VexStatement>, String> {
    read_about(bytes, None)
}

/// Reads a document that is bound to an image: a statement that names no product is about that image.
pub(super) fn read_about(bytes: &[u8], image: Option<&Digest>) -> Result<Vec<VexStatement>, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| unparsable(&error))?;
    if !document.context.starts_with(CONTEXT) {
        return Err(format!("its `@context` is not {CONTEXT}"));
    }
    let author: Arc<str> =
        document.author.filter(|author| !author.is_empty()).ok_or("it has no `author`")?.into();
    let written = time(document.timestamp.as_deref())?;
    document.statements.into_iter().map(|statement| statement.told(&author, written, image)).collect()
}

impl Statement {
    fn told(
        self,
        author: &Arc<str>,
        written: Option<Timestamp>,
        image: Option<&Digest>,
    ) -> Result<VexStatement, String> {
        let vulnerabilities = self.vulnerability.map(Vulnerability::names).unwrap_or_default();
        let first = vulnerabilities.first().ok_or("a statement names no vulnerability")?;
        let status = status(&self.status)
            .ok_or_else(|| format!("the statement on {first} has no status that OpenVEX knows"))?;
        let why = self.justification.or(self.impact_statement).unwrap_or_default();
        if status == VexStatus::NotAffected && why.is_empty() {
            return Err(format!(
                "the statement on {first} says not_affected without `justification` or `impact_statement`"
            ));
        }
        let products = match self.products.filter(|products| !products.is_empty()) {
            Some(products) => products.into_iter().filter_map(Component::product).collect(),
            None => {
                let image = image.ok_or_else(|| format!("the statement on {first} names no product"))?;
                vec![Product::Image(image.clone())]
            }
        };
        let own = time(self.last_updated.as_deref())?.or(time(self.timestamp.as_deref())?);
        let at = own.or(written).ok_or_else(|| format!("the statement on {first} has no `timestamp`"))?;
        Ok(VexStatement {
            products,
            status,
            why: why.into(),
            author: author.clone(),
            at,
            by: None,
            subject: image.cloned(),
            vulnerabilities,
        })
    }
}

fn status(word: &str) -> Option<VexStatus> {
    let all = [VexStatus::NotAffected, VexStatus::Affected, VexStatus::Fixed, VexStatus::UnderInvestigation];
    all.into_iter().find(|status| status.id() == word)
}

impl Component {
    /// A product without any name is nobody's.
    fn product(self) -> Option<Product> {
        let (name, parts) = self.named()?;
        // A statement on one part of an image is not one on the image.
        match image_digest(&name) {
            Some(digest) if parts.is_empty() => Some(Product::Image(digest)),
            _ => {
                let named = parts.into_iter().map(|part| part.named().map(|(name, _)| Arc::from(name)));
                // A part that cannot be named must not turn the statement into one on the whole.
                Some(Product::Package { purl: name.into(), subcomponents: named.collect::<Option<_>>()? })
            }
        }
    }

    /// The purl if there is one, else what identifies it.
    fn named(self) -> Option<(String, Vec<Self>)> {
        let named = match self {
            Self::Id(id) => Some((id, Vec::new())),
            Self::Described { id, identifiers, subcomponents } => {
                let purl = identifiers.unwrap_or_default().purl;
                let is_purl = id.as_ref().is_some_and(|id| id.starts_with("pkg:"));
                let name = if is_purl { id } else { purl.or(id) };
                name.map(|name| (name, subcomponents.unwrap_or_default()))
            }
        };
        named.filter(|(name, _)| !name.is_empty())
    }
}

/// The digest in `pkg:oci/web@sha256%3A...` or `registry/web@sha256:...`.
fn image_digest(name: &str) -> Option<Digest> {
    match name.strip_prefix("pkg:") {
        Some(purl) => {
            let purl = purl.strip_prefix("oci/")?.split(['?', '#']).next()?;
            let (_, version) = purl.rsplit_once('@')?;
            Digest::parse(&version.replace("%3A", ":").replace("%3a", ":"))
        }
        None => ImageReference::parse(name).ok()?.digest,
    }
}
