//! Measures the secret engine against the labelled set and holds it to its published figures.
//!
//! `tests/fixtures/secrets/` has one file for each rule, each exclusion and each sort of manifest. A line is
//! `+` (a certain secret), `?` (a suspected one) or `-` (nothing), then `NAME=value` as a template that
//! `soc2gate::secrets::sample` expands: no value stands in the repository. `UPDATE=1` rewrites the results.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use soc2gate::secrets::{Certainty, Engine, Hit, sample::Sampler};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/secrets");
const SEED: u64 = 20_261_123;

/// What a line promises.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Secret(Certainty),
    Nothing,
}

struct Line {
    /// The file's name: the rule that a secret must be found by.
    rule: String,
    label: Label,
    name: String,
    value: String,
    /// Where to look when the engine disagrees.
    template: String,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    found: u32,
    missed: u32,
    wrong: u32,
}

impl Tally {
    fn precision(self) -> f64 {
        ratio(self.found, self.wrong)
    }

    fn recall(self) -> f64 {
        ratio(self.found, self.missed)
    }

    fn add(&mut self, other: Self) {
        self.found += other.found;
        self.missed += other.missed;
        self.wrong += other.wrong;
    }
}

fn ratio(part: u32, rest: u32) -> f64 {
    if part + rest == 0 { 1.0 } else { f64::from(part) / f64::from(part + rest) }
}

#[test]
fn finds_secrets_with_the_published_precision_and_recall() {
    let lines = labelled_set();
    let positives = lines.iter().filter(|line| line.label != Label::Nothing).count();
    assert!(positives >= 400 && lines.len() - positives >= 600, "{positives} of {}", lines.len());

    let mut tallies: BTreeMap<(Certainty, String), Tally> = BTreeMap::new();
    let mut mistakes = String::new();
    for line in &lines {
        judge(line, &mut tallies, &mut mistakes);
    }
    let total = |certainty| {
        let mut sum = Tally::default();
        tallies.iter().filter(|((of, _), _)| *of == certainty).for_each(|(_, tally)| sum.add(*tally));
        sum
    };
    let (certain, suspected) = (total(Certainty::Certain), total(Certainty::Suspected));
    println!("{mistakes}");
    assert!(certain.precision() >= 0.99, "certain precision {}", certain.precision());
    assert!(certain.recall() >= 0.95, "certain recall {}", certain.recall());
    assert!(suspected.precision() >= 0.90, "suspected precision {}", suspected.precision());
    compare(&table(&tallies, certain, suspected, positives, lines.len() - positives));
}

/// Counts one line: what it expects and found, what it missed, and whatever else was found there.
fn judge(line: &Line, tallies: &mut BTreeMap<(Certainty, String), Tally>, mistakes: &mut String) {
    let mut hits: Vec<Hit> = Vec::new();
    Engine::shared().scan(None, Some(&line.name), &line.value, &mut hits);
    let mut rest: Vec<&Hit> = hits.iter().collect();
    if let Label::Secret(certainty) = line.label {
        let tally = tallies.entry((certainty, line.rule.clone())).or_default();
        let same_rule = |hit: &Hit| hit.rule.id == line.rule && hit.certainty == certainty;
        if hits.iter().any(same_rule) {
            tally.found += 1;
            rest.retain(|hit| !same_rule(hit));
        } else {
            tally.missed += 1;
            let _ = writeln!(mistakes, "missed {} in {}={}", line.rule, line.name, line.template);
        }
    }
    for hit in rest {
        tallies.entry((hit.certainty, hit.rule.id.to_owned())).or_default().wrong += 1;
        let _ = writeln!(mistakes, "false {} in {}: {}={}", hit.rule.id, line.rule, line.name, line.template);
    }
}

fn labelled_set() -> Vec<Line> {
    let mut lines = Vec::new();
    for folder in ["rules", "exclusions", "manifests"] {
        let mut files: Vec<_> = fs::read_dir(Path::new(FIXTURES).join(folder))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        for file in files {
            let rule = file.file_stem().unwrap().to_string_lossy().into_owned();
            let mut sampler = Sampler::new(SEED);
            let text = fs::read_to_string(&file).unwrap();
            lines.extend(
                text.lines()
                    .filter(|line| !line.starts_with('#'))
                    .map(|line| parse(&rule, line, &mut sampler)),
            );
        }
    }
    lines
}

fn parse(rule: &str, line: &str, sampler: &mut Sampler) -> Line {
    let (mark, pair) = line.split_once(' ').unwrap();
    let label = match mark {
        "+" => Label::Secret(Certainty::Certain),
        "?" => Label::Secret(Certainty::Suspected),
        "-" => Label::Nothing,
        _ => panic!("unknown label in {line}"),
    };
    let (name, template) = pair.split_once('=').unwrap();
    // In JSON an escaped line end belongs to the string.
    let is_json =
        template.starts_with(['{', '[']) && !template.starts_with("[[") && !template.starts_with("[default]");
    let value = if is_json { template.to_owned() } else { template.replace("\\n", "\n") };
    Line {
        rule: rule.to_owned(),
        label,
        name: name.to_owned(),
        value: sampler.expand(&value),
        template: template.to_owned(),
    }
}

fn table(
    tallies: &BTreeMap<(Certainty, String), Tally>,
    certain: Tally,
    suspected: Tally,
    positives: usize,
    negatives: usize,
) -> String {
    let mut out = format!(
        "# Secret engine: precision and recall\n\nMeasured on the {positives} secrets and {negatives} other values of this folder, \
         which a test compares with this page.\n\n| rule | certainty | true positives | false positives | false \
         negatives | precision | recall |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n"
    );
    let mut row = |rule: &str, certainty: Certainty, tally: Tally| {
        let word = if certainty == Certainty::Certain { "certain" } else { "suspected" };
        let _ = writeln!(
            out,
            "| {rule} | {word} | {} | {} | {} | {:.3} | {:.3} |",
            tally.found,
            tally.wrong,
            tally.missed,
            tally.precision(),
            tally.recall()
        );
    };
    row("**all**", Certainty::Certain, certain);
    row("**all**", Certainty::Suspected, suspected);
    for ((certainty, rule), tally) in tallies.iter().rev().filter(|((of, _), _)| *of == Certainty::Suspected)
    {
        row(rule, *certainty, *tally);
    }
    for ((certainty, rule), tally) in tallies.iter().filter(|((of, _), _)| *of == Certainty::Certain) {
        row(rule, *certainty, *tally);
    }
    out
}

/// Compares the page with the committed one, or rewrites it with `UPDATE=1`.
fn compare(page: &str) {
    let path = Path::new(FIXTURES).join("RESULTS.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, page).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(page == committed, "the results changed; look at them and run the test with UPDATE=1\n{page}");
}

#[test]
fn every_rule_has_its_own_file_of_examples() {
    for rule in Engine::rules() {
        assert!(Path::new(FIXTURES).join(format!("rules/{}.txt", rule.id)).is_file(), "{}", rule.id);
    }
}

/// How long this thread has been at work (Linux), so that whatever else the machine does counts for nothing; elsewhere
/// the time that has passed.
fn at_work(since: std::time::Instant) -> std::time::Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| since.elapsed(), std::time::Duration::from_nanos)
}

/// Shapes that make backtracking engines, and careless loops, slow. A generous bar: linear work takes a few ms.
#[test]
fn takes_linear_time_whatever_the_shape() {
    const UNITS: &[&str] = &[
        "a",
        "eyJ.eyJ.",
        "eyJ",
        "://",
        "a://b:c",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "=",
        "--",
        "-- ",
        "--a ",
        "password=",
        "Password=;",
        "glpat-",
        "xoxb-",
        "LS0tLS1CRUdJTi",
        "{",
        "[",
        "a=",
        "T3BlbkFJ",
        "AZDO",
        "client-key-data",
        "\n",
        "a:\n",
        "Basic ",
        "sk-T3BlbkFJ-",
        "PuTTY-User-Key-File-",
        "%3D",
        "kind: Config clusters: token: ",
        "é",
        "@",
        ":@",
    ];
    let since = std::time::Instant::now();
    for unit in UNITS {
        let text = unit.repeat((1 << 20) / unit.len());
        let start = at_work(since);
        for chunk in 0..4 {
            let part: String = text.chars().skip(chunk).take(60_000).collect();
            Engine::shared().scan(None, Some("DB_PASSWORD"), &part, &mut Vec::new());
        }
        let taken = at_work(since) - start;
        assert!(taken.as_secs_f64() < 6.0, "{unit:?} takes {taken:?}");
        let _ = Engine::shared().redact(text.get(..60_000).unwrap_or_default());
    }
}
