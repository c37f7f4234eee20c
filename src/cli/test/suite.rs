//! Tests of policies as people write them: YAML of kind `PolicyTest`, refused with its place if anything in it is
//! unknown.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    checks,
    decision::Outcome,
    manifest::{Document, Node, Place, Unusable},
    policy::{API_VERSION, Choice, Mode},
    request::Operation,
};

/// One `PolicyTest`.
pub(super) struct Suite {
    pub(super) document: Document,
    pub(super) name: String,
    /// When the cases are decided; at present if absent.
    pub(super) now: Option<Timestamp>,
    /// The checks that count; all if empty.
    pub(super) select: Vec<Choice>,
    pub(super) cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manifest {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    #[serde(default)]
    now: Option<String>,
    #[serde(default)]
    select: Vec<String>,
    cases: Vec<Case>,
}

/// One object, how it is sent, and what must be decided.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// Without one the case is what a file is to `check`: nobody is known to ask for it.
    #[serde(default)]
    pub(super) request: Option<Asked>,
    /// Read from the document, where it keeps its places.
    #[serde(default, rename = "object")]
    _object: IgnoredAny,
    /// Instead of `object`; relative to the test's own file.
    #[serde(default)]
    pub(super) object_file: Option<String>,
    #[serde(default, rename = "inventory")]
    _inventory: IgnoredAny,
    pub(super) expect: Expected,
}

/// The request around an object.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    pub(super) operation: Option<Verb>,
    #[serde(default)]
    pub(super) user: Option<String>,
    #[serde(default)]
    pub(super) groups: Option<Vec<String>>,
    #[serde(default)]
    pub(super) namespace: Option<String>,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) subresource: Option<String>,
    #[serde(default)]
    pub(super) dry_run: bool,
    #[serde(default, rename = "oldObject")]
    _old_object: IgnoredAny,
}

/// What must be decided.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Expected {
    pub(super) decision: Verdict,
    /// Everything that must be found; and nothing else, unless `only` is false.
    #[serde(default)]
    pub(super) findings: Vec<ExpectedFinding>,
    /// The checks that must say that they cannot assess; not compared if absent.
    #[serde(default)]
    pub(super) not_assessed: Option<Vec<String>>,
    #[serde(default = "yes")]
    pub(super) only: bool,
}

/// Findings of a check, as many as `count` says. What is absent is not compared.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectedFinding {
    pub(super) check: String,
    /// The path, `spec.template.spec.containers[0].image`; or inside a pod spec, whatever the kind,
    /// `containers[name=app].image`.
    #[serde(default)]
    pub(super) path: Option<String>,
    #[serde(default)]
    pub(super) mode: Option<Mode>,
    #[serde(default)]
    pub(super) state: Option<FindingState>,
    #[serde(default = "one")]
    pub(super) count: usize,
}

const fn yes() -> bool {
    true
}

const fn one() -> usize {
    1
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Verb {
    Create,
    Update,
    Delete,
    Connect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Allow,
    Warn,
    Deny,
    Error,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FindingState {
    New,
    PreExisting,
    Exempted,
}

impl Verb {
    pub(super) const fn operation(self) -> Operation {
        match self {
            Self::Create => Operation::Create,
            Self::Update => Operation::Update,
            Self::Delete => Operation::Delete,
            Self::Connect => Operation::Connect,
        }
    }
}

impl Verdict {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
            Self::Error => "error",
        }
    }

    pub(super) fn is(self, outcome: Outcome) -> bool {
        self.id() == outcome.id()
    }
}

impl FindingState {
    /// As [`crate::decision::State::id`] spells it.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::PreExisting => "pre-existing",
            Self::Exempted => "exempted",
        }
    }
}

impl Suite {
    /// Reads one document.
    ///
    /// # Errors
    /// The field that does not fit, with its place.
    pub(super) fn read(document: Document) -> Result<Self, Unusable> {
        let Manifest { api_version, kind, metadata, spec } = document.decode()?;
        let refuse = |path: &str, message: String| document.unusable(document.place(path), message);
        if api_version != API_VERSION {
            return Err(refuse(
                "apiVersion",
                format!("unknown apiVersion `{api_version}`, write `{API_VERSION}`"),
            ));
        }
        if kind != "PolicyTest" {
            return Err(refuse("kind", format!("unknown kind `{kind}`, write `PolicyTest`")));
        }
        let time = |text: &str| text.parse::<Timestamp>();
        let now = spec.now.as_deref().map(time).transpose().map_err(|_| {
            refuse("spec.now", "is no RFC 3339 time: write `2027-01-15T12:00:00Z`".to_owned())
        })?;
        let choose = |(position, text): (usize, &String)| {
            Choice::parse(text).map_err(|message| refuse(&format!("spec.select[{position}]"), message))
        };
        let select = spec.select.iter().enumerate().map(choose).collect::<Result<_, _>>()?;
        if spec.cases.is_empty() {
            return Err(refuse("spec.cases", "is empty and would test nothing: write a case".to_owned()));
        }
        let mut names = HashSet::new();
        for (position, case) in spec.cases.iter().enumerate() {
            if !names.insert(&case.name) {
                let path = format!("spec.cases[{position}].name");
                return Err(refuse(
                    &path,
                    format!("a case `{}` came before: give it another name", case.name),
                ));
            }
            case.validate()
                .map_err(|(path, message)| refuse(&format!("spec.cases[{position}].{path}"), message))?;
        }
        Ok(Self { name: metadata.name, now, select, cases: spec.cases, document })
    }

    /// A part of a case as it was written; nothing for `null`.
    pub(super) fn written(&self, position: usize, fields: &[&str]) -> Option<&Node> {
        let case = self.document.root.get("spec")?.get("cases")?.as_seq()?.get(position)?;
        let part = fields.iter().try_fold(case, |node, field| node.get(field))?;
        (part.value != crate::manifest::Value::Null).then_some(part)
    }

    /// Where a part of a case stands.
    pub(super) fn place(&self, position: usize, path: &str) -> Place {
        self.document.place(&format!("spec.cases[{position}].{path}"))
    }
}

impl Case {
    /// Refuses expectations that nothing could meet, with their path.
    fn validate(&self) -> Result<(), (String, String)> {
        if self.name.is_empty() {
            return Err(("name".to_owned(), "is empty: say in a sentence what must be so".to_owned()));
        }
        for (position, finding) in self.expect.findings.iter().enumerate() {
            let path = |field: &str| format!("expect.findings[{position}].{field}");
            known(&finding.check).map_err(|message| (path("check"), message))?;
            if finding.count == 0 {
                return Err((
                    path("count"),
                    "is 0: leave the finding out, then none may be found".to_owned(),
                ));
            }
            if finding.mode == Some(Mode::Off) {
                return Err((path("mode"), "is off, and such a check finds nothing".to_owned()));
            }
        }
        for (position, check) in self.expect.not_assessed.iter().flatten().enumerate() {
            known(check).map_err(|message| (format!("expect.notAssessed[{position}]"), message))?;
        }
        Ok(())
    }
}

fn known(check: &str) -> Result<(), String> {
    if checks::find(check).is_some() {
        return Ok(());
    }
    Err(format!("unknown check `{check}`{}", checks::meant(check)))
}
