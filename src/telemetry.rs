//! What the outside may know about a running gate: its metrics and its logs.

mod counters;
mod inventory;
pub mod logs;
mod scans;

pub use counters::{Axis, Counters};
pub use inventory::InventoryMetrics;
pub use scans::{ScanMetrics, Scanned};

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntGauge, IntGaugeVec, Opts, Registry, Result, TextEncoder,
};

/// The words that label values are taken from.
///
/// A label takes only these values, or `other`: whoever sends us objects must not be able to grow the series
/// without bound.
pub struct Vocabulary<'a> {
    /// `allow`, `warn`, `deny`, `error`.
    pub outcomes: &'a [&'a str],
    pub operations: &'a [&'a str],
    /// The kinds that policies look at.
    pub kinds: &'a [&'a str],
    /// Every check of the catalogue with its criterion: `("CC6.1", "privileged-container")`.
    pub checks: &'a [(&'a str, &'a str)],
    pub modes: &'a [&'a str],
    /// What became of a finding: in force, exempted, there before the change.
    pub states: &'a [&'a str],
    /// Why a review could not be decoded.
    pub decode_failures: &'a [&'a str],
    pub exemption_states: &'a [&'a str],
}

/// Every metric of the program, in one registry of its own.
pub struct Metrics {
    registry: Registry,
    /// `[outcome, operation, kind]`
    pub decisions: Counters,
    /// `[check, mode, state]`; the criterion comes with the check.
    pub findings: Counters,
    /// Seconds from the head of a request to its answer.
    pub review_duration: Histogram,
    /// `[reason]`
    pub decode_failures: Counters,
    /// `[kind, operation]`
    pub invalid_definitions: Counters,
    /// Exemptions held, by state; see [`Metrics::exemptions`].
    exemptions: IntGaugeVec,
    next_end: IntGauge,
    policy: PolicyMetrics,
    /// What the background scan found.
    pub scans: ScanMetrics,
    pub server: ServerMetrics,
    pub inventory: InventoryMetrics,
}

/// What the listener itself counts.
pub struct ServerMetrics {
    /// `[code]`
    pub responses: Counters,
    pub panics: IntCounter,
    /// `[reason]`: refused at once instead of queued.
    pub shed: Counters,
    /// Reviews whose deadline passed before their answer.
    pub timeouts: IntCounter,
    pub connections: IntGauge,
    /// `[result]`: what became of scan reports that were handed in.
    pub ingests: Counters,
    /// `[reason]`
    pub handshake_failures: Counters,
    /// Connections the operating system would not hand over, as when file descriptors run out.
    pub accept_failures: IntCounter,
    /// Unix time at which the served certificate ends.
    pub certificate_expiry: IntGauge,
    pub certificate_reload_failures: IntCounter,
    pub certificate_last_reload_success: IntGauge,
}

struct PolicyMetrics {
    info: IntGaugeVec,
    load_failures: IntCounter,
    last_load_success: IntGauge,
    last_load_time: IntGauge,
}

/// From the 50 µs of a small review to the 10 s after which the API server has long given up.
const REVIEW_BUCKETS: [f64; 19] = [
    0.000_05, 0.000_1, 0.000_15, 0.000_2, 0.000_3, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1,
    0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Every status the server answers with.
const CODES: [&str; 14] =
    ["200", "201", "400", "401", "404", "405", "408", "413", "415", "422", "429", "500", "503", "507"];

impl Metrics {
    /// Registers everything, at zero.
    ///
    /// # Errors
    /// Only when two metrics were given one name, which is a mistake in this file.
    pub fn new(words: &Vocabulary<'_>) -> Result<Self> {
        let registry = Registry::new();
        registry.register(Box::new(ProcessCollector::for_self()))?;
        let build = gauges(&registry, "soc2gate_build_info", "The version that runs.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let review_duration = registered(
            &registry,
            Histogram::with_opts(
                HistogramOpts::new(
                    "soc2gate_review_duration_seconds",
                    "Time from the head of a request to its answer.",
                )
                .buckets(REVIEW_BUCKETS.to_vec()),
            )?,
        )?;
        Ok(Self {
            decisions: Counters::register(
                &registry,
                "soc2gate_decisions_total",
                "Decisions made.",
                vec![
                    Axis::one("outcome", words.outcomes),
                    Axis::one("operation", words.operations),
                    Axis::one("kind", words.kinds),
                ],
            )?,
            findings: Counters::register(
                &registry,
                "soc2gate_findings_total",
                "Findings drawn by reviewed objects.",
                vec![
                    Axis::two(["criterion", "check"], words.checks),
                    Axis::one("mode", words.modes),
                    Axis::one("state", words.states),
                ],
            )?,
            review_duration,
            decode_failures: Counters::register(
                &registry,
                "soc2gate_decode_failures_total",
                "Requests that could not be read as a review.",
                vec![Axis::one("reason", words.decode_failures)],
            )?,
            invalid_definitions: Counters::register(
                &registry,
                "soc2gate_invalid_definitions_total",
                "Policies and exemptions refused because they could never be in force.",
                vec![Axis::one("kind", words.kinds), Axis::one("operation", words.operations)],
            )?,
            exemptions: exemptions(&registry, words)?,
            next_end: gauge(
                &registry,
                "soc2gate_exemption_next_end_seconds",
                "Unix time at which the next of the active exemptions ends; 0 if there is none.",
            )?,
            policy: PolicyMetrics::register(&registry)?,
            scans: ScanMetrics::register(&registry)?,
            server: ServerMetrics::register(&registry)?,
            inventory: InventoryMetrics::register(&registry)?,
            registry,
        })
    }

    /// For metrics that other modules keep themselves.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Everything in the Prometheus text format.
    ///
    /// # Errors
    /// When a metric cannot be encoded.
    pub fn text(&self) -> Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// A policy set was loaded and is in force from now on.
    pub fn policy_loaded(&self, digest: &str) {
        // One series only: the digest of a set that is no longer in force would read as if both were.
        self.policy.info.reset();
        self.policy.info.with_label_values(&[digest]).set(1);
        self.policy.last_load_success.set(1);
        self.policy.last_load_time.set(unix_now());
    }

    /// A policy set was refused; the one before stays in force.
    pub fn policy_load_failed(&self) {
        self.policy.load_failures.inc();
        self.policy.last_load_success.set(0);
    }

    /// When the next of the active exemptions ends, in seconds of Unix time; none if no one is active.
    pub fn next_exemption_ends(&self, at: Option<i64>) {
        self.next_end.set(at.unwrap_or(0));
    }

    /// How many exemptions are in this state now.
    pub fn exemptions(&self, state: &str, count: usize) {
        self.exemptions.with_label_values(&[state]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

impl ServerMetrics {
    fn register(registry: &Registry) -> Result<Self> {
        let certificate_last_reload_success = gauge(
            registry,
            "soc2gate_tls_certificate_last_reload_success",
            "Whether the newest certificate on disk is the one served.",
        )?;
        Ok(Self {
            responses: Counters::register(
                registry,
                "soc2gate_http_responses_total",
                "Answers by HTTP status.",
                vec![Axis::one("code", &CODES)],
            )?,
            panics: counter(registry, "soc2gate_panics_total", "Reviews whose handler panicked.")?,
            shed: Counters::register(
                registry,
                "soc2gate_shed_requests_total",
                "Requests refused at once under overload.",
                vec![Axis::one("reason", &["requests", "memory"])],
            )?,
            timeouts: counter(
                registry,
                "soc2gate_review_timeouts_total",
                "Reviews whose deadline passed before their answer.",
            )?,
            connections: gauge(registry, "soc2gate_connections", "Connections open to the webhook port.")?,
            ingests: Counters::register(
                registry,
                "soc2gate_image_ingests_total",
                "Scan reports that were handed in.",
                vec![Axis::one(
                    "result",
                    &["stored", "already", "unauthorized", "unusable", "too-large", "busy", "full", "failed"],
                )],
            )?,
            handshake_failures: Counters::register(
                registry,
                "soc2gate_tls_handshake_failures_total",
                "TLS handshakes that did not complete.",
                vec![Axis::one("reason", &["timeout", "client-certificate", "protocol", "closed"])],
            )?,
            accept_failures: counter(
                registry,
                "soc2gate_accept_failures_total",
                "Connections the operating system would not hand over.",
            )?,
            certificate_expiry: gauge(
                registry,
                "soc2gate_tls_certificate_expiry_seconds",
                "Unix time at which the served certificate ends.",
            )?,
            certificate_reload_failures: counter(
                registry,
                "soc2gate_tls_certificate_reload_failures_total",
                "New certificates on disk that could not be used.",
            )?,
            certificate_last_reload_success,
        })
    }
}

impl PolicyMetrics {
    fn register(registry: &Registry) -> Result<Self> {
        Ok(Self {
            info: gauges(registry, "soc2gate_policy_info", "The policy set in force.", &["digest"])?,
            load_failures: counter(
                registry,
                "soc2gate_policy_load_failures_total",
                "Policy sets that were refused.",
            )?,
            last_load_success: gauge(
                registry,
                "soc2gate_policy_last_load_success",
                "Whether the newest policy set is the one in force.",
            )?,
            last_load_time: gauge(
                registry,
                "soc2gate_policy_last_load_timestamp_seconds",
                "Unix time at which the policy set in force was loaded.",
            )?,
        })
    }
}

fn exemptions(registry: &Registry, words: &Vocabulary<'_>) -> Result<IntGaugeVec> {
    let exemptions = gauges(registry, "soc2gate_exemptions", "Exemptions held, by state.", &["state"])?;
    for state in words.exemption_states {
        exemptions.with_label_values(&[state]).set(0);
    }
    Ok(exemptions)
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter> {
    registered(registry, IntCounter::new(name, help)?)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> Result<IntGauge> {
    registered(registry, IntGauge::new(name, help)?)
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec> {
    registered(registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
}

fn registered<T: Collector + Clone + 'static>(registry: &Registry, metric: T) -> Result<T> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}

fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn metrics() -> Metrics {
        Metrics::new(&Vocabulary {
            outcomes: &["allow", "deny"],
            operations: &["CREATE", "UPDATE"],
            kinds: &["Pod", "Deployment"],
            checks: &[("CC6.1", "privileged-container"), ("CC6.8", "mutable-tag")],
            modes: &["enforce", "warn"],
            states: &["active", "exempted"],
            decode_failures: &["syntax"],
            exemption_states: &["active", "expired"],
        })
        .unwrap()
    }

    #[test]
    fn counts_a_decision_under_its_words() {
        let metrics = metrics();
        metrics.decisions.count(&["deny", "CREATE", "Pod"]);
        let text = metrics.text().unwrap();
        let line = r#"soc2gate_decisions_total{kind="Pod",operation="CREATE",outcome="deny"} 1"#;
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn a_finding_carries_the_criterion_of_its_check() {
        let metrics = metrics();
        metrics.findings.count(&["mutable-tag", "warn", "exempted"]);
        let text = metrics.text().unwrap();
        let line = r#"{check="mutable-tag",criterion="CC6.8",mode="warn",state="exempted"} 1"#;
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn only_the_digest_in_force_is_shown() {
        let metrics = metrics();
        metrics.policy_loaded("aaaa");
        metrics.policy_loaded("bbbb");
        let text = metrics.text().unwrap();
        assert!(text.contains(r#"soc2gate_policy_info{digest="bbbb"} 1"#), "{text}");
        assert!(!text.contains("aaaa"), "{text}");
    }

    #[test]
    fn a_refused_policy_set_shows_until_the_next_good_one() {
        let metrics = metrics();
        metrics.policy_loaded("aaaa");
        metrics.policy_load_failed();
        assert!(metrics.text().unwrap().contains("soc2gate_policy_last_load_success 0"));
        metrics.policy_loaded("bbbb");
        assert!(metrics.text().unwrap().contains("soc2gate_policy_last_load_success 1"));
        assert!(metrics.text().unwrap().contains("soc2gate_policy_load_failures_total 1"));
    }

    #[test]
    fn shows_the_process_and_the_build() {
        let text = metrics().text().unwrap();
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
        assert!(text.contains("soc2gate_build_info{version="), "{text}");
    }
}
