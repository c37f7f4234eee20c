//! `soc2gate replay`: decides a recording again, to tell what would have been denied, and what other policies change.

mod effect;
mod json;
mod period;
mod recording;
mod stream;
mod tally;
mod text;

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufReader, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use jiff::Timestamp;

use self::{
    period::{Moment, Period},
    recording::Item,
    stream::Stream,
    tally::{Against, Circumstances, Detail, Tally},
};
use super::{
    Format, UNUSABLE,
    check::source::{self, Fit, Source},
    decided::Decided,
    evidence::Evidence,
    is_coloured,
    rules::Rules,
    tell, written,
};
use crate::{
    admission::{Review, Unreadable},
    decision::{Decision, decide, undecidable},
    events::{Event, LeftOut, Recorded, Taken},
    inventory::Inventory,
    manifest::{Place, Unusable},
    policy::PolicySet,
    request::Request,
};

/// Decide recorded requests again: what would have been denied?
///
/// Reads audit logs of the API server (levels Request and RequestResponse; connections at any level) and recorded
/// AdmissionReviews. Policies, exemptions and scan reports are taken as they stand now. Exits with 0 whatever is
/// decided, 1 if --fail-on-change is given and something is decided otherwise, and 2 when an input cannot be used.
#[derive(Args)]
pub(super) struct Replay {
    /// Recordings, `-` for standard input, or directories of them: `.json`, `.jsonl`, `.ndjson` and `.log`.
    #[arg(required = true, value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// How to print what was decided.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
    /// Tell what policies of this directory would decide otherwise. They replace or join the shipped ones, as those
    /// of --policies do, and take their place.
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// Leave out what was received before: an RFC 3339 time, or an age such as `7d` or `12h`.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    since: Option<Moment>,
    /// Leave out what was received then or later.
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    until: Option<Moment>,
    /// Print each request that something was found in, by time; with --against, each that is decided otherwise.
    #[arg(long)]
    details: bool,
    /// Exit with 1 if anything is decided otherwise: under --against, or without it than the gate recorded then.
    #[arg(long)]
    fail_on_change: bool,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    evidence: Evidence,
}

impl Replay {
    pub(super) fn run(&self) -> ExitCode {
        let now = Timestamp::now();
        match self.player(now) {
            Ok(mut player) => {
                player.play(&self.paths);
                self.finish(player.tally)
            }
            Err(unusable) => {
                unusable.iter().for_each(tell);
                ExitCode::from(UNUSABLE)
            }
        }
    }

    fn player(&self, now: Timestamp) -> Result<Player, Vec<Unusable>> {
        let period = Period::new(self.since, self.until, now)
            .map_err(|message| vec![Unusable { file: "--until".to_owned(), line: 0, column: 0, message }])?;
        let policies = self.rules.load(now)?;
        let other =
            self.against.clone().map(|directory| Rules { policies: Some(directory), ..self.rules.clone() });
        let against = other.map(|rules| rules.load(now)).transpose()?;
        let (inventory, unread) = self.evidence.read()?;
        unread.iter().for_each(tell);
        let tally = Tally {
            against: against.as_ref().map(|_| Against::default()),
            details: self.details.then(Vec::new),
            ..Tally::default()
        };
        Ok(Player { policies, against, inventory, now, period, seen: HashSet::new(), tally })
    }

    fn finish(&self, mut tally: Tally) -> ExitCode {
        if let Some(details) = &mut tally.details {
            details.sort_by_key(|detail| detail.decided.time);
        }
        tally.notes.iter().for_each(tell);
        tally.unusable.iter().for_each(tell);
        let more = tally.unusable_count - tally.unusable.len();
        if more > 0 {
            tell(format_args!("and {more} more places that cannot be used"));
        }
        let code = if tally.unusable_count > 0 {
            ExitCode::from(UNUSABLE)
        } else if self.fail_on_change && tally.differs() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        };
        written(self.print(&tally), code)
    }

    fn print(&self, tally: &Tally) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.output {
            Format::Text => text::write(&mut out, tally, is_coloured())?,
            Format::Json => json::write(&mut out, tally)?,
        }
        out.flush()
    }
}

/// What a directory holds that may be a recording.
fn fit(path: &Path) -> Fit {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let recording = |path: &Path| source::has_extension(path, &["json", "jsonl", "ndjson", "log"]);
    let stem = path.file_stem().map(Path::new);
    if name == ".git" {
        Fit::Skip("the history of a repository")
    } else if source::has_extension(path, &["gz", "zst", "xz"]) && stem.is_some_and(recording) {
        Fit::Skip("it is compressed: unpack it first")
    } else if recording(path) || name.contains(".log.") {
        Fit::Take
    } else {
        Fit::Ignore
    }
}

/// Decides what it is given, under one set of rules or two.
struct Player {
    policies: PolicySet,
    against: Option<PolicySet>,
    inventory: Inventory,
    now: Timestamp,
    period: Period,
    /// Hashes of the audit ids so far: files may overlap, and an audit webhook repeats itself.
    seen: HashSet<u64>,
    tally: Tally,
}

impl Player {
    fn play(&mut self, paths: &[PathBuf]) {
        let sources = source::find_fit(paths, fit);
        for unusable in sources.unusable {
            self.tally.refuse(unusable);
        }
        for skipped in &sources.skipped {
            self.tally.notes.push(format!("{}: skipped: {}", skipped.name, skipped.reason));
        }
        if sources.found.is_empty() && self.tally.unusable_count == 0 {
            let message =
                "no recording is in there: name a file of AdmissionReviews or audit events".to_owned();
            let file = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
            self.tally.refuse(Unusable { file, line: 0, column: 0, message });
        }
        for source in &sources.found {
            self.tally.files += 1;
            if let Err(unusable) = self.source(source) {
                self.tally.refuse(unusable);
            }
        }
    }

    fn source(&mut self, source: &Source) -> Result<(), Unusable> {
        let mut stream = Stream::new(BufReader::with_capacity(1 << 16, source.open()?));
        let mut foreign = 0;
        loop {
            let piece = stream.next().map_err(|error| source::unreadable(&source.name, &error))?;
            let Some(piece) = piece else { break };
            let at = At { source, line: piece.line };
            match piece.text {
                Ok(text) => recording::open(text, &mut |item| self.item(item, at, &mut foreign)),
                Err(message) => self.tally.refuse(at.unusable(message)),
            }
        }
        if foreign > 0 {
            let name = &source.name;
            self.tally
                .notes
                .push(format!("{name}: skipped {foreign} that are no AdmissionReview and no audit event"));
        }
        Ok(())
    }

    fn item(&mut self, item: Item<'_>, at: At<'_>, foreign: &mut usize) {
        match item {
            Item::Review(json) => self.review(json, at),
            Item::Event(event) => self.event(&event, at),
            Item::Unreadable(message) => self.tally.refuse(at.unusable(message)),
            // Whoever names a file expects a recording in it; a directory may hold other things too.
            Item::Foreign(what) if at.source.named => {
                let message = format!("{what} is no AdmissionReview and no audit event: name a recording");
                self.tally.refuse(at.unusable(message));
            }
            Item::Foreign(_) => *foreign += 1,
        }
    }

    fn review(&mut self, json: &str, at: At<'_>) {
        let (request, unreadable) = match Review::read(json.as_bytes()) {
            Ok(review) => (review.request, None),
            Err(Unreadable::Object { request, reason, .. }) => (*request, Some(reason)),
            Err(Unreadable::NotAReview(reason)) => {
                return self.tally.refuse(
                    at.unusable(format!("{reason}: record AdmissionReviews of admission.k8s.io/v1")),
                );
            }
        };
        if request.dry_run {
            self.tally.leave_out(LeftOut::DryRun.reason());
        } else if let Some(reason) = self.period.excludes(None) {
            self.tally.leave_out(reason);
        } else {
            let circumstances = Circumstances { time: None, recorded: None };
            self.decide(&Recorded { request, unreadable }, circumstances, at);
        }
    }

    fn event(&mut self, event: &Event<'_>, at: At<'_>) {
        let taken = event.take();
        if let Taken::LeftOut(reason @ (LeftOut::AnotherStage | LeftOut::Read | LeftOut::NoResource)) = taken
        {
            return self.tally.leave_out(reason.reason());
        }
        if let Some(reason) = self.period.excludes(event.time()) {
            return self.tally.leave_out(reason);
        }
        if self.is_repeated(event.audit_id()) {
            return self.tally.leave_out("events told twice (same audit ID)");
        }
        match taken {
            Taken::LeftOut(reason) => self.tally.leave_out(reason.reason()),
            Taken::NotInFull(reason) => *self.tally.not_in_full.entry(reason.reason()).or_default() += 1,
            Taken::Requests(requests) => {
                let circumstances = Circumstances { time: event.time(), recorded: event.recorded_decision() };
                for recorded in &requests {
                    self.decide(recorded, circumstances, at);
                }
            }
        }
    }

    fn is_repeated(&mut self, audit_id: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        audit_id.hash(&mut hasher);
        !audit_id.is_empty() && !self.seen.insert(hasher.finish())
    }

    fn decide(&mut self, recorded: &Recorded<'_>, circumstances: Circumstances<'_>, at: At<'_>) {
        let request = &recorded.request;
        let decide = |policies: &PolicySet| match &recorded.unreadable {
            None => decide(policies, request, &self.inventory, self.now),
            Some(reason) => undecidable(policies, request, reason.clone()),
        };
        let decision = decide(&self.policies);
        let other = self.against.as_ref().map(decide);
        let mut worth_telling = self.tally.take(request, &decision, circumstances);
        let mut against = None;
        if let (Some(other), Some(tally)) = (&other, &mut self.tally.against) {
            against = tally.take(request, &decision, other);
            worth_telling = against.is_some();
        }
        if let Some(details) = self.tally.details.as_mut().filter(|_| worth_telling) {
            let recorded_decision = circumstances.recorded.map(str::to_owned);
            details.push(Detail {
                decided: at.told(request, &decision, circumstances.time),
                recorded_decision,
                against,
            });
        }
    }
}

/// Where a request stands in a recording.
#[derive(Clone, Copy)]
struct At<'s> {
    source: &'s Source,
    line: u32,
}

impl At<'_> {
    const fn place(self) -> Place {
        Place { line: self.line, column: 1 }
    }

    fn unusable(self, message: String) -> Unusable {
        Unusable { file: self.source.name.clone(), line: self.line, column: 1, message }
    }

    fn told(self, request: &Request<'_>, decision: &Decision, time: Option<Timestamp>) -> Decided {
        let place = |_: &str| self.place();
        Decided::new(request, decision, (&self.source.name, self.place()), place).received(time)
    }
}
