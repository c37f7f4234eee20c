//! What `check` tells at the end, whatever the output.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    fmt,
    path::Path,
    sync::Arc,
};

use serde::Serialize;

use crate::{
    check::Check,
    decision::{Fingerprint, printable},
    manifest::{Place, Unusable},
    policy::{Exemption, Mode},
    request::Owner,
};

/// Everything found, in the order of the input.
#[derive(Default)]
pub(super) struct Report {
    pub(super) files: usize,
    pub(super) objects: Vec<Judged>,
    /// How many objects each check could not be answered for, by check and reason.
    pub(super) not_assessed: BTreeMap<(&'static str, String), usize>,
    pub(super) unusable: Vec<Unusable>,
    /// How many files and documents met in directories hold no object.
    pub(super) skipped: usize,
    /// How many findings were left out because their root has them already.
    pub(super) repeated: usize,
    /// What else the person should know.
    pub(super) notes: Vec<String>,
    /// What went wrong while deciding, and for how many objects. None of it let anything pass.
    pub(super) errors: BTreeMap<String, usize>,
    /// What the baseline has and these files have not, if there is a baseline.
    pub(super) gone: Option<Gone>,
}

/// An object that was judged, and where it stands. What its author wrote is safe to print.
pub(super) struct Judged {
    pub(super) kind: String,
    /// Empty where the file names none.
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) file: Arc<str>,
    pub(super) line: u32,
    /// The topmost controller, if one controls it: what is found is counted under that.
    pub(super) root: Option<Owner>,
    /// The Helm template that it was rendered from, where the text tells it.
    pub(super) template: Option<String>,
    /// Why something enforced could not be decided about it.
    pub(super) undecided: Vec<String>,
    /// From top to bottom.
    pub(super) findings: Vec<Reported>,
}

/// `Deployment shop/web`.
impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        write!(f, "{} {}{slash}{}", self.kind, self.namespace, self.name)?;
        match &self.root {
            Some(Owner { kind, name }) => write!(f, " (of {kind} {name})"),
            None => Ok(()),
        }
    }
}

/// One finding with its place in the file of its object. A large repository has a hundred thousand.
pub(super) struct Reported {
    pub(super) check: &'static Check,
    pub(super) mode: Mode,
    pub(super) place: Place,
    /// The field, with list positions.
    pub(super) path: Box<str>,
    /// The field, with names instead of positions.
    pub(super) key: Box<str>,
    /// What is wrong there, as the rest of a sentence that begins with the path.
    pub(super) what: Box<str>,
    pub(super) fix: Cow<'static, str>,
    pub(super) fingerprint: Fingerprint,
    /// Whether the baseline has it.
    pub(super) known: bool,
    pub(super) exemption: Option<Box<Permission>>,
}

/// The exemption that covers a finding.
pub(super) struct Permission {
    pub(super) name: String,
    /// Its reason and its ticket.
    pub(super) justification: String,
}

/// Whether a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    New,
    /// In the baseline.
    Known,
    /// An exemption covers it, whether or not the baseline has it.
    Exempted,
}

impl State {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Known => "baselined",
            Self::Exempted => "exempted",
        }
    }
}

/// What is said for findings that a baseline has.
const KNOWN: &str = "known: the baseline has it";

impl Reported {
    pub(super) const fn state(&self) -> State {
        match (&self.exemption, self.known) {
            (Some(_), _) => State::Exempted,
            (None, true) => State::Known,
            (None, false) => State::New,
        }
    }

    /// Why it does not count, unless it does.
    pub(super) fn justification(&self) -> Option<&str> {
        match &self.exemption {
            Some(permission) => Some(&permission.justification),
            None => self.known.then_some(KNOWN),
        }
    }

    /// How severe, which criterion, which check: `critical CC6.1 privileged-container`.
    pub(super) fn label(&self) -> String {
        format!("{} {} {}", self.check.severity.id(), self.check.criterion, self.check.id)
    }

    /// What is wrong where, without a full stop.
    pub(super) fn message(&self) -> String {
        printable(&format!("{} {}", self.path, self.what)).into_owned()
    }

    /// What is wrong and what to do about it, in one line.
    pub(super) fn sentence(&self) -> String {
        format!("{}. {}", self.message(), self.fix)
    }
}

/// How much was judged, and how it went. Findings that are exempted or in the baseline count nowhere else.
#[derive(Default, Serialize)]
pub(super) struct Summary {
    pub(super) files: usize,
    pub(super) objects: usize,
    pub(super) enforce: usize,
    pub(super) warn: usize,
    pub(super) audit: usize,
    pub(super) exempted: usize,
    pub(super) baselined: usize,
    /// Found on something whose root has it already; counted once, there.
    pub(super) repeated: usize,
    /// Files and documents met in directories that hold no object.
    pub(super) skipped: usize,
    /// Inputs that could not be used; standard error names each.
    pub(super) unusable: usize,
    #[serde(flatten)]
    pub(super) gone: Option<Gone>,
}

/// How many findings of the baseline are no longer here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Gone {
    /// The object is here, without the finding.
    pub(super) fixed: usize,
    /// The object is not among the files.
    pub(super) absent: usize,
}

impl Gone {
    /// Says that the baseline can shrink, if it can.
    pub(super) fn farewell(self, baseline: &Path) -> Option<String> {
        let parts = [(self.fixed, "fixed"), (self.absent, "about objects that are not here")];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<_> = parts.map(|(count, what)| format!("{what}: {count}")).collect();
        let baseline = baseline.display();
        (!parts.is_empty()).then(|| {
            format!(
                "{baseline}: {}; drop them with `--baseline {baseline} --write-baseline {baseline}`",
                parts.join(", ")
            )
        })
    }
}

impl Report {
    /// Takes in what another part of the input held.
    pub(super) fn absorb(&mut self, part: Self) {
        self.files += part.files;
        self.skipped += part.skipped;
        self.objects.extend(part.objects);
        self.unusable.extend(part.unusable);
        self.notes.extend(part.notes);
        for (about, objects) in part.not_assessed {
            *self.not_assessed.entry(about).or_default() += objects;
        }
        for (error, objects) in part.errors {
            *self.errors.entry(error).or_default() += objects;
        }
    }

    pub(super) fn not_assessed(&mut self, check: &'static str, reason: &str) {
        *self.not_assessed.entry((check, reason.to_owned())).or_default() += 1;
    }

    pub(super) fn skip(&mut self, what: fmt::Arguments<'_>) {
        self.skipped += 1;
        self.notes.push(what.to_string());
    }

    pub(super) fn error(&mut self, error: &str) {
        *self.errors.entry(error.to_owned()).or_default() += 1;
    }

    /// Notes the exemptions in force that covered nothing: they may have outlived their reason.
    pub(super) fn note_exemptions<'e>(&mut self, exemptions: impl Iterator<Item = &'e Exemption>) {
        let used = self.findings().filter_map(|(_, finding)| finding.exemption.as_ref());
        let used: HashSet<_> = used.map(|permission| &*permission.name).collect();
        let unused: Vec<_> =
            exemptions.map(|exemption| &*exemption.name).filter(|name| !used.contains(name)).collect();
        if !unused.is_empty() {
            self.notes.push(format!("exemptions that cover nothing here: {}", unused.join(", ")));
        }
    }

    /// Leaves out what was found already on the root of an object, or on something else that it made: a workload of
    /// ten replicas has a violation once.
    pub(super) fn count_once_per_root(&mut self) {
        let mut counted: HashSet<Fingerprint> = HashSet::new();
        let of_roots = self.objects.iter().filter(|object| object.root.is_none());
        counted.extend(of_roots.flat_map(|object| &object.findings).map(|finding| finding.fingerprint));
        for object in self.objects.iter_mut().filter(|object| object.root.is_some()) {
            let own: HashSet<_> = object.findings.iter().map(|finding| finding.fingerprint).collect();
            let before = object.findings.len();
            object.findings.retain(|finding| !counted.contains(&finding.fingerprint));
            self.repeated += before - object.findings.len();
            counted.extend(own);
        }
    }

    /// All findings, each with its object.
    pub(super) fn findings(&self) -> impl Iterator<Item = (&Judged, &Reported)> {
        self.objects.iter().flat_map(|object| object.findings.iter().map(move |finding| (object, finding)))
    }

    /// The findings that count.
    pub(super) fn counted(&self) -> impl Iterator<Item = (&Judged, &Reported)> {
        self.findings().filter(|(_, finding)| finding.state() == State::New)
    }

    pub(super) fn summary(&self) -> Summary {
        let mut summary = Summary {
            files: self.files,
            objects: self.objects.len(),
            repeated: self.repeated,
            skipped: self.skipped,
            unusable: self.unusable.len(),
            gone: self.gone,
            ..Summary::default()
        };
        for (_, finding) in self.findings() {
            let count = match (finding.state(), finding.mode) {
                (State::Exempted, _) => &mut summary.exempted,
                (State::Known, _) => &mut summary.baselined,
                (State::New, Mode::Enforce) => &mut summary.enforce,
                (State::New, Mode::Warn) => &mut summary.warn,
                (State::New, Mode::Audit | Mode::Off) => &mut summary.audit,
            };
            *count += 1;
        }
        summary
    }

    /// What enforced could not be decided, object by object.
    pub(super) fn undecided(&self) -> impl Iterator<Item = (&Judged, String)> {
        self.objects.iter().flat_map(|object| {
            let sentence = move |reason| format!("{object} could not be decided: {reason}");
            object.undecided.iter().map(move |reason| (object, sentence(reason)))
        })
    }

    /// Whether anything was found in this mode or a harder one.
    pub(super) fn fails(&self, weakest: Mode) -> bool {
        self.undecided().next().is_some() || self.counted().any(|(_, finding)| finding.mode >= weakest)
    }
}
