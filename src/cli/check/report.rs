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
    cli::suppressed::Suppressed,
    decision::{Fingerprint, printable},
    manifest::{Place, Unusable},
    policy::{Exemption, Mode},
    request::Owner,
};

/// Everything found, in the order of the input.
#[derive(Default)]
pub(in crate::cli) struct Report {
    pub(in crate::cli) files: usize,
    pub(in crate::cli) objects: Vec<Judged>,
    /// How many objects each check could not be answered for, by check and reason.
    pub(in crate::cli) not_assessed: BTreeMap<(&'static str, String), usize>,
    pub(in crate::cli) suppressed: Suppressed,
    pub(in crate::cli) unusable: Vec<Unusable>,
    /// How many files and documents met in directories hold no object.
    pub(in crate::cli) skipped: usize,
    /// How many findings were left out because their root has them already.
    pub(in crate::cli) repeated: usize,
    /// What else the person should know.
    pub(in crate::cli) notes: Vec<String>,
    /// What went wrong while deciding, and for how many objects. None of it let anything pass.
    pub(in crate::cli) errors: BTreeMap<String, usize>,
    /// What the baseline has and these files have not, if there is a baseline.
    pub(in crate::cli) gone: Option<Gone>,
}

/// An object that was judged, and where it stands. What its author wrote is safe to print.
pub(in crate::cli) struct Judged {
    pub(in crate::cli) kind: String,
    /// Empty where the file names none.
    pub(in crate::cli) namespace: String,
    pub(in crate::cli) name: String,
    pub(in crate::cli) file: Arc<str>,
    pub(in crate::cli) line: u32,
    /// The topmost controller, if one controls it: what is found is counted under that.
    pub(in crate::cli) root: Option<Owner>,
    /// The Helm template that it was rendered from, where the text tells it.
    pub(in crate::cli) template: Option<String>,
    /// Why something enforced could not be decided about it.
    pub(in crate::cli) undecided: Vec<String>,
    /// From top to bottom.
    pub(in crate::cli) findings: Vec<Reported>,
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
pub(in crate::cli) struct Reported {
    pub(in crate::cli) check: &'static Check,
    pub(in crate::cli) mode: Mode,
    pub(in crate::cli) place: Place,
    /// The field, with list positions.
    pub(in crate::cli) path: Box<str>,
    /// The field, with names instead of positions.
    pub(in crate::cli) key: Box<str>,
    /// What is wrong there, as the rest of a sentence that begins with the path.
    pub(in crate::cli) what: Box<str>,
    pub(in crate::cli) fix: Cow<'static, str>,
    pub(in crate::cli) fingerprint: Fingerprint,
    /// Whether the baseline has it.
    pub(in crate::cli) known: bool,
    pub(in crate::cli) exemption: Option<Box<Permission>>,
}

/// The exemption that covers a finding.
pub(in crate::cli) struct Permission {
    pub(in crate::cli) name: String,
    /// Its reason and its ticket.
    pub(in crate::cli) justification: String,
}

/// Whether a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum State {
    New,
    /// In the baseline.
    Known,
    /// An exemption covers it, whether or not the baseline has it.
    Exempted,
}

impl State {
    pub(in crate::cli) const fn id(self) -> &'static str {
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
    pub(in crate::cli) const fn state(&self) -> State {
        match (&self.exemption, self.known) {
            (Some(_), _) => State::Exempted,
            (None, true) => State::Known,
            (None, false) => State::New,
        }
    }

    /// Why it does not count, unless it does.
    pub(in crate::cli) fn justification(&self) -> Option<&str> {
        match &self.exemption {
            Some(permission) => Some(&permission.justification),
            None => self.known.then_some(KNOWN),
        }
    }

    /// How severe, which criterion, which check: `critical CC6.1 privileged-container`.
    pub(in crate::cli) fn label(&self) -> String {
        format!("{} {} {}", self.check.severity.id(), self.check.criterion, self.check.id)
    }

    /// What is wrong where, without a full stop.
    pub(in crate::cli) fn message(&self) -> String {
        printable(&format!("{} {}", self.path, self.what)).into_owned()
    }

    /// What is wrong and what to do about it, in one line.
    pub(in crate::cli) fn sentence(&self) -> String {
        format!("{}. {}", self.message(), self.fix)
    }
}

/// How much was judged, and how it went. Findings that are exempted or in the baseline count nowhere else.
#[derive(Default, Serialize)]
pub(in crate::cli) struct Summary {
    pub(in crate::cli) files: usize,
    pub(in crate::cli) objects: usize,
    pub(in crate::cli) enforce: usize,
    pub(in crate::cli) warn: usize,
    pub(in crate::cli) audit: usize,
    pub(in crate::cli) exempted: usize,
    pub(in crate::cli) baselined: usize,
    /// Found on something whose root has it already; counted once, there.
    pub(in crate::cli) repeated: usize,
    /// Files and documents met in directories that hold no object.
    pub(in crate::cli) skipped: usize,
    /// Inputs that could not be used; standard error names each.
    pub(in crate::cli) unusable: usize,
    #[serde(flatten)]
    pub(in crate::cli) gone: Option<Gone>,
}

/// How many findings of the baseline are no longer here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Gone {
    /// The object is here, without the finding.
    pub(in crate::cli) fixed: usize,
    /// The object is not among the files.
    pub(in crate::cli) absent: usize,
}

impl Gone {
    /// Says that the baseline can shrink, if it can.
    pub(in crate::cli) fn farewell(self, baseline: &Path) -> Option<String> {
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
    pub(in crate::cli) fn absorb(&mut self, part: Self) {
        self.files += part.files;
        self.skipped += part.skipped;
        self.objects.extend(part.objects);
        self.unusable.extend(part.unusable);
        self.notes.extend(part.notes);
        for (about, objects) in part.not_assessed {
            *self.not_assessed.entry(about).or_default() += objects;
        }
        self.suppressed.absorb(part.suppressed);
        for (error, objects) in part.errors {
            *self.errors.entry(error).or_default() += objects;
        }
    }

    pub(in crate::cli) fn not_assessed(&mut self, check: &'static str, reason: &str) {
        *self.not_assessed.entry((check, reason.to_owned())).or_default() += 1;
    }

    pub(in crate::cli) fn skip(&mut self, what: fmt::Arguments<'_>) {
        self.skipped += 1;
        self.notes.push(what.to_string());
    }

    pub(in crate::cli) fn error(&mut self, error: &str) {
        *self.errors.entry(error.to_owned()).or_default() += 1;
    }

    /// Notes the exemptions in force that covered nothing: they may have outlived their reason.
    pub(in crate::cli) fn note_exemptions<'e>(&mut self, exemptions: impl Iterator<Item = &'e Exemption>) {
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
    pub(in crate::cli) fn count_once_per_root(&mut self) {
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
    pub(in crate::cli) fn findings(&self) -> impl Iterator<Item = (&Judged, &Reported)> {
        self.objects.iter().flat_map(|object| object.findings.iter().map(move |finding| (object, finding)))
    }

    /// The findings that count.
    pub(in crate::cli) fn counted(&self) -> impl Iterator<Item = (&Judged, &Reported)> {
        self.findings().filter(|(_, finding)| finding.state() == State::New)
    }

    pub(in crate::cli) fn summary(&self) -> Summary {
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
    pub(in crate::cli) fn undecided(&self) -> impl Iterator<Item = (&Judged, String)> {
        self.objects.iter().flat_map(|object| {
            let sentence = move |reason| format!("{object} could not be decided: {reason}");
            object.undecided.iter().map(move |reason| (object, sentence(reason)))
        })
    }

    /// Whether anything was found in this mode or a harder one.
    pub(in crate::cli) fn fails(&self, weakest: Mode) -> bool {
        self.undecided().next().is_some() || self.counted().any(|(_, finding)| finding.mode >= weakest)
    }
}
