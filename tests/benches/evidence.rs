//! Memory and time of image evidence: a fleet of 50,000 scan reports must leave room for everything else in 200 MiB.
//!
//! `cargo bench --bench evidence`. The fleet is modelled on what scanners write: each report lists 300
//! vulnerabilities, 200 of one of 400 base images (drawn from 20,000 that exist in distributions) and 100 of its own
//! programs (drawn from 100,000 that exist in language ecosystems).

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and may fail where it stands"
)]

use std::{fmt::Write, fs, path::PathBuf, time::Instant};

use soc2gate::{
    images::Reports,
    inventory::{Source, image_evidence::Evidence},
    object::Digest,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn main() {
    // Run as a test it only shows that it still runs.
    let reports = if std::env::args().any(|argument| argument == "--bench") { 50_000 } else { 50 };
    let before = resident();
    let (mut loaded, mut parsing, mut bytes) = (Reports::default(), 0.0, 0);
    let mut text = String::new();
    for number in 0..reports {
        write_report(&mut text, number);
        bytes += text.len();
        let begun = Instant::now();
        loaded.apply(&PathBuf::from(format!("/var/lib/soc2gate/reports/{number}.json")), text.as_bytes());
        parsing += begun.elapsed().as_secs_f64();
    }
    assert_eq!(loaded.problems().count(), 0);
    let begun = Instant::now();
    let Source::Ready(evidence) = loaded.snapshot() else { return };
    let snapshot = begun.elapsed().as_secs_f64() * 1e3;
    let after = resident();

    let now = "2026-06-15T00:00:00Z".parse().unwrap();
    let begun = Instant::now();
    let mut listed = 0;
    for number in 0..reports {
        let digest = Digest::parse(&digest(number)).unwrap();
        if let Evidence::Scanned(judged) = evidence.of(&digest, now, &|_| true) {
            listed += judged.iter().map(|of| evidence.vulnerabilities(of.newest).count()).sum::<usize>();
        }
    }
    let lookup = begun.elapsed().as_secs_f64() * 1e6 / reports as f64;
    println!("reports                {reports}, {} MB of JSON, {listed} vulnerabilities", bytes / 1_000_000);
    println!("memory                 {} MiB, the snapshot included", after.saturating_sub(before) / 1024);
    println!("read                   {parsing:.1} s, {:.0} MB/s", bytes as f64 / 1e6 / parsing);
    println!("snapshot               {snapshot:.1} ms");
    println!("look-up and full list  {lookup:.1} us");
}

/// Resident memory of this process in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

fn digest(number: u64) -> String {
    format!("sha256:{number:064x}")
}

fn write_report(text: &mut String, number: u64) {
    text.clear();
    let repository = format!("registry.example.com/team{}/service{}", number % 50, number % 2_000);
    let _ = write!(
        text,
        "{{\"SchemaVersion\":2,\"CreatedAt\":\"2026-06-14T03:14:51.482913744Z\",\"Metadata\":{{\"OS\":{{\"Family\":\"debian\"}},\
         \"RepoTags\":[\"{repository}:{number}\"],\"RepoDigests\":[\"{repository}@{}\"]}},\"Results\":[{{\"Class\":\"os-pkgs\",\
         \"Vulnerabilities\":[",
        digest(number)
    );
    let base = number % 400;
    let (mut of_base, mut own) = (Dice(base), Dice(number + 1_000_000));
    for position in 0..300_u64 {
        let comma = if position == 0 { "" } else { "," };
        let (which, kind) = if position < 200 {
            (of_base.below(20_000), "deb/debian")
        } else {
            (20_000 + own.below(100_000), "npm")
        };
        let severity = ["LOW", "MEDIUM", "HIGH", "CRITICAL"].get(which as usize % 4).unwrap_or(&"UNKNOWN");
        let _ = write!(
            text,
            "{comma}{{\"VulnerabilityID\":\"CVE-2026-{which}\",\"PkgName\":\"package{0}\",\"PkgIdentifier\":{{\"PURL\":\
             \"pkg:{kind}/package{0}@1.{0}.3-1~deb12u1?arch=amd64&distro=debian-12.11\"}},\"InstalledVersion\":\"1.{0}.3\",\
             \"FixedVersion\":\"1.{0}.4\",\"Status\":\"fixed\",\"SeveritySource\":\"nvd\",\"Severity\":\"{severity}\",\
             \"Title\":\"a title\",\"VendorSeverity\":{{\"nvd\":{1},\"redhat\":2}}}}",
            which / 3,
            which % 4 + 1
        );
    }
    text.push_str("]}]}");
}
