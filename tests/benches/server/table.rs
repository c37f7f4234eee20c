//! The result, as Markdown.

use super::Options;
use super::bodies::SIZES;
use super::contestant::Role;
use super::https::Http;
use super::load::Sample;

/// A row per protocol, body and contestant, each beside the constant server of the same rounds.
pub(crate) fn markdown(samples: &[Sample], options: &Options) -> String {
    let mut text = format!(
        "Medians of {} rounds; throughput with {} connections. Ratio: to the constant server.\n\n\
         | protocol | body | server | CPU µs/request | ratio | p50 µs | p99 µs | p99 over constant µs | requests/s |\n\
         | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        options.rounds, options.connections
    );
    for (http, protocol) in [(Http::One, "HTTP/1.1"), (Http::Two, "HTTP/2")] {
        for size in SIZES {
            for role in [Role::Constant, Role::Layer, Role::Gate] {
                let of = |role: Role, value: fn(&Sample) -> f64| {
                    let same =
                        |sample: &&Sample| sample.http == http && sample.size == size && sample.role == role;
                    median(samples.iter().filter(same).map(value).collect())
                };
                let (cpu, p99) = (of(role, |sample| sample.cpu), of(role, |sample| sample.p99));
                if cpu.is_nan() {
                    continue;
                }
                text += &format!(
                    "| {protocol} | {size} | {role} | {cpu:.1} | {:.2} | {:.0} | {p99:.0} | {:+.0} | {:.0} |\n",
                    cpu / of(Role::Constant, |sample| sample.cpu),
                    of(role, |sample| sample.p50),
                    p99 - of(Role::Constant, |sample| sample.p99),
                    of(role, |sample| sample.throughput),
                );
            }
        }
    }
    text
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
