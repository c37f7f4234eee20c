//! The load: one stream for latency, many for throughput.

use std::time::{Duration, Instant};

use super::bodies::Size;
use super::contestant::{Contestant, Role};
use super::https::{Connection, Http};

/// What one contestant did in one round.
pub(crate) struct Sample {
    pub(crate) role: Role,
    pub(crate) http: Http,
    pub(crate) size: Size,
    /// Microseconds of the server's CPU per request, at full load.
    pub(crate) cpu: f64,
    /// Microseconds, one request at a time.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Requests per second, at full load.
    pub(crate) throughput: f64,
}

/// A third of the time for latency, the rest for throughput.
pub(crate) async fn run(
    contestant: &Contestant,
    http: Http,
    size: Size,
    connections: usize,
    span: Duration,
) -> Sample {
    let mut latencies = stream(contestant.client.connect(http).await.unwrap(), size, span / 3).await;
    latencies.sort_unstable();
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(contestant.client.connect(http).await.unwrap());
    }
    let (cpu, begun) = (contestant.cpu(), Instant::now());
    let running: Vec<_> =
        streams.into_iter().map(|connection| tokio::spawn(stream(connection, size, span * 2 / 3))).collect();
    let mut requests = 0;
    for stream in running {
        requests += stream.await.unwrap().len();
    }
    let (cpu, took) = (contestant.cpu().saturating_sub(cpu), begun.elapsed());
    let requests = requests as f64;
    Sample {
        role: contestant.role,
        http,
        size,
        cpu: micros(cpu) / requests,
        p50: percentile(&latencies, 0.50),
        p99: percentile(&latencies, 0.99),
        throughput: requests / took.as_secs_f64(),
    }
}

/// One request after the other; how long each took.
async fn stream(mut connection: Connection, size: Size, span: Duration) -> Vec<Duration> {
    let body = size.body();
    let mut took = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < span {
        let sent = Instant::now();
        let answer = connection.post("/validate?timeout=10s", body.clone()).await.unwrap();
        took.push(sent.elapsed());
        // Looked for in the text: reading every answer would make the load the slowest part.
        let text = answer.text();
        assert!(answer.status == 200 && text.contains(r#""allowed":true"#), "{} {text}", answer.status);
    }
    took
}

fn percentile(sorted: &[Duration], part: f64) -> f64 {
    let at = (sorted.len() as f64 * part) as usize;
    sorted.get(at.min(sorted.len().saturating_sub(1))).copied().map_or(f64::NAN, micros)
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}
