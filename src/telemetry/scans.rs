//! What the background scan leaves in the metrics: the findings as they stand, and how the scan itself went.

use prometheus::{Gauge, IntCounter, IntGauge, IntGaugeVec, Opts, Registry, Result};

use super::{counter, gauge, gauges, registered, unix_now};

/// The gauges of the replica that scans; on the others they stay empty.
pub struct ScanMetrics {
    findings: IntGaugeVec,
    last: IntGauge,
    duration: Gauge,
    objects: IntGauge,
    not_scanned: IntGauge,
    failures: IntCounter,
}

/// The account of one scan, as the metrics show it.
pub struct Scanned<'s> {
    /// `[criterion, check, mode, state]` and how many: the words of the program alone.
    pub findings: &'s [([&'static str; 4], usize)],
    pub seconds: f64,
    pub objects: usize,
    /// Resources that were meant to be read and were not.
    pub not_scanned: usize,
}

impl ScanMetrics {
    /// Registers everything, at zero.
    ///
    /// # Errors
    /// When one of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self> {
        let findings = gauges(
            registry,
            "soc2gate_scan_findings",
            "Findings on what runs, at the last scan; counted once for all that one controller makes.",
            &["criterion", "check", "mode", "state"],
        )?;
        let duration = Opts::new("soc2gate_scan_duration_seconds", "How long the last whole scan took.");
        Ok(Self {
            findings,
            last: gauge(
                registry,
                "soc2gate_scan_last_timestamp_seconds",
                "Unix time at which the last whole scan ended.",
            )?,
            duration: registered(registry, Gauge::with_opts(duration)?)?,
            objects: gauge(registry, "soc2gate_scan_objects", "Objects that the last whole scan judged.")?,
            not_scanned: gauge(
                registry,
                "soc2gate_scan_unread_resources",
                "Resources that the last scan could not or may not read.",
            )?,
            failures: counter(
                registry,
                "soc2gate_scan_failures_total",
                "Scans that did not come to a whole account, and reports that could not be written.",
            )?,
        })
    }

    /// A scan has ended.
    pub fn scanned(&self, scan: &Scanned<'_>) {
        self.findings.reset();
        for (labels, count) in scan.findings {
            self.findings.with_label_values(labels).set(whole(*count));
        }
        self.duration.set(scan.seconds);
        self.objects.set(whole(scan.objects));
        self.not_scanned.set(whole(scan.not_scanned));
        self.last.set(unix_now());
    }

    /// Something went wrong.
    pub fn failed(&self) {
        self.failures.inc();
    }

    /// Another replica scans from now on: what it finds must not be counted here too.
    pub fn forget(&self) {
        self.findings.reset();
        for gauge in [&self.objects, &self.not_scanned, &self.last] {
            gauge.set(0);
        }
        self.duration.set(0.0);
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use prometheus::TextEncoder;

    use super::*;

    #[test]
    fn shows_the_last_scan_alone_and_nothing_once_another_replica_scans() {
        let registry = Registry::new();
        let metrics = ScanMetrics::register(&registry).unwrap();
        let text = || TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let scanned = |check, count| {
            let findings = [(["CC6.1", check, "enforce", "open"], count)];
            metrics.scanned(&Scanned { findings: &findings, seconds: 1.5, objects: 7, not_scanned: 0 });
        };
        scanned("privileged-container", 3);
        scanned("host-namespace", 2);
        let shown = text();
        let line = r#"soc2gate_scan_findings{check="host-namespace",criterion="CC6.1",mode="enforce",state="open"} 2"#;
        assert!(shown.contains(line) && !shown.contains("privileged-container"), "{shown}");
        assert!(shown.contains("soc2gate_scan_duration_seconds 1.5"), "{shown}");
        metrics.forget();
        assert!(!text().contains("soc2gate_scan_findings{") && text().contains("soc2gate_scan_objects 0"));
    }
}
