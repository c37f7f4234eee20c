//! Policies and exemptions as objects of the API: one by one, without lines, refused by field.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

use super::{API_VERSION, Bound, ControlPolicy, Exemption, PolicySet, Settings, loaded};
use crate::manifest::{self, Document, Place, Unusable};

/// One policy that was read.
#[derive(Clone)]
pub struct Definition {
    pub(super) policy: Arc<ControlPolicy>,
    pub(super) document: Arc<Document>,
    /// The whole manifest as JSON.
    pub(super) tree: Arc<serde_json::Value>,
}

/// What is wrong with an object, and what to change. Prints as `spec.checks[0].mode: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The path of the field; empty for the object as a whole.
    pub field: String,
    pub message: String,
}

impl Flaw {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    fn of(document: &Document, unusable: Unusable) -> Self {
        let field = document.field(Place { line: unusable.line, column: unusable.column });
        Self { field, message: unusable.message }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// The document of an object of which nothing counts but its name and its spec (JSON): what else the API server keeps
/// there changes without anything being in force otherwise.
fn document(kind: &str, name: &str, spec: &str) -> Result<Document, Flaw> {
    let name = serde_json::Value::from(name);
    let text = format!(
        r#"{{"apiVersion":"{API_VERSION}","kind":"{kind}","metadata":{{"name":{name}}},"spec":{spec}}}"#
    );
    let documents = manifest::parse(kind, &text).map_err(|error| Flaw::new("spec", error.message))?;
    documents.into_iter().next().ok_or_else(|| Flaw::new("spec", "is empty: write a spec"))
}

impl Definition {
    pub(super) fn new(policy: ControlPolicy, document: Document) -> Self {
        // What serializes is JSON again; a document never fails to.
        let tree = serde_json::from_str(&document.to_json_text()).unwrap_or_default();
        Self { policy: Arc::new(policy), document: Arc::new(document), tree: Arc::new(tree) }
    }

    /// Reads the ControlPolicy of this name and spec (JSON), and binds it to its checks.
    ///
    /// # Errors
    /// Everything that keeps it from ever being in force.
    pub fn read(name: &str, spec: &str) -> Result<Self, Vec<Flaw>> {
        let document = document("ControlPolicy", name, spec).map_err(|flaw| vec![flaw])?;
        let policy = ControlPolicy::read(&document).map_err(|error| vec![Flaw::of(&document, error)])?;
        let this = Self::new(policy, document);
        match this.bind(&Settings::default()) {
            Ok(_) => Ok(this),
            Err(errors) => Err(errors.into_iter().map(|error| Flaw::of(&this.document, error)).collect()),
        }
    }

    pub fn policy(&self) -> &ControlPolicy {
        &self.policy
    }

    pub fn name(&self) -> &str {
        &self.policy.name
    }

    /// Every check of it, ready to examine.
    pub(super) fn bind(&self, settings: &Settings) -> Result<Vec<Bound>, Vec<Unusable>> {
        let (mut bound, mut errors) = (Vec::new(), Vec::new());
        for entry in &self.policy.checks {
            match loaded::bind(&self.policy, &self.document, entry, settings) {
                Ok(one) => bound.push(one),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(bound) } else { Err(errors) }
    }
}

impl PolicySet {
    /// Reads the Exemption of this name and spec (JSON) against these policies.
    ///
    /// # Errors
    /// What keeps it from ever being in force.
    pub fn read_exemption(&self, name: &str, spec: &str, now: Timestamp) -> Result<Exemption, Flaw> {
        let document = document("Exemption", name, spec)?;
        Exemption::read(&document, now, |check| self.longest_exemption(check))
            .map_err(|error| Flaw::of(&document, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Loaded;

    /// What is wrong with a policy of this spec.
    fn flaws(spec: &str) -> Vec<String> {
        let Err(flaws) = Definition::read("pods", spec) else { return Vec::new() };
        flaws.iter().map(ToString::to_string).collect()
    }

    fn with_checks(checks: &str) -> String {
        format!(r#"{{"criterion":"CC6.1","control":"Tested.","checks":[{checks}]}}"#)
    }

    #[test]
    fn an_object_stands_in_place_of_a_file_and_hides_no_fault_of_it() {
        let file = |id: &str| {
            format!(
                r#"{{"apiVersion":"soc2gate.io/v1","kind":"ControlPolicy","metadata":{{"name":"pods"}},"spec":{}}}"#,
                with_checks(&format!(r#"{{"id":"{id}","mode":"warn"}}"#))
            )
        };
        let object =
            Definition::read("pods", &with_checks(r#"{"id":"root-user","mode":"enforce"}"#)).unwrap();
        let bind = |id: &str| {
            let loaded = Loaded::default().with([("pods.json", file(id).as_str())]).unwrap();
            loaded.with_objects([&object]).bind(&Settings::default())
        };
        let set = bind("host-port").unwrap();
        assert_eq!(set.bound().iter().map(|bound| bound.check.id).collect::<Vec<_>>(), ["root-user"]);
        let standing = &set.standing()["pods"];
        assert!(
            standing.is_of_cluster
                && standing.without.as_ref().unwrap()["spec"]["checks"][0]["id"] == "host-port"
        );
        assert!(bind("no-such-check").is_err());
    }

    #[test]
    fn a_policy_is_refused_by_field() {
        for (spec, expected) in [
            ("null", "spec: "),
            ("{}", "spec: field `criterion` is missing"),
            (
                r#"{"criterion":"CC9.9","control":"T.","checks":[]}"#,
                "spec.criterion: unknown criterion `CC9.9`",
            ),
            (r#"{"criterion":"CC6.1","control":" ","checks":[]}"#, "spec.control: is empty"),
            (
                r#"{"criterion":"CC6.1","control":"T.","checks":[],"exemptions":{"maxDays":0}}"#,
                "spec.exemptions.maxDays: ",
            ),
            (
                r#"{"criterion":"CC6.1","control":"T.","checks":[],"match":{"kinds":[]}}"#,
                "spec.match.kinds: ",
            ),
            (r#"{"criterion":"CC6.1","control":"T.","checks":[],"extra":1}"#, "spec.extra: unknown field"),
            (
                &with_checks(r#"{"id":"privilged-container","mode":"warn"}"#),
                "spec.checks[0].id: unknown check `privilged-container`, did you mean `privileged-container`",
            ),
            (&with_checks(r#"{"id":"host-port","mode":"loud"}"#), "spec.checks[0].mode: "),
            (
                &with_checks(r#"{"id":"host-port","mode":"warn","reason":""}"#),
                "spec.checks[0].reason: is empty",
            ),
            (
                &with_checks(r#"{"id":"added-capability","mode":"warn","params":{"allow":[7]}}"#),
                "spec.checks[0].params.allow[0]: ",
            ),
            (
                &with_checks(r#"{"id":"untrusted-registry","mode":"warn"}"#),
                "spec.checks[0].mode: `untrusted-registry` needs its parameter `allow`",
            ),
        ] {
            let flaws = flaws(spec);
            assert!(matches!(&flaws[..], [one] if one.starts_with(expected)), "{spec}: {flaws:?}");
        }
        assert_eq!(flaws(&with_checks(r#"{"id":"x","mode":"warn"},{"id":"y","mode":"warn"}"#)).len(), 2);
        assert_eq!(flaws(&with_checks(r#"{"id":"host-port","mode":"warn","reason":"Later."}"#)), [""; 0]);
    }
}
