//! What the gate costs beside a server that answers a constant: `cargo bench --bench server`.
//!
//! Each contestant runs in a process of its own, this one sends the load, and they take turns (A, B, A, B, ...), so
//! that whatever else the machine does meets all of them. Ratios are of medians over the rounds.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark stops at the first surprise")]
#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "it prints its table, and stops at the first surprise"
)]

#[path = "server/bodies.rs"]
mod bodies;
#[path = "server/constant.rs"]
mod constant;
#[path = "server/contestant.rs"]
mod contestant;
#[expect(dead_code, reason = "the tests use the rest of the client")]
#[path = "../suite/https.rs"]
mod https;
#[path = "server/load.rs"]
mod load;
#[path = "server/table.rs"]
mod table;

use std::time::Duration;

use clap::Parser;

use bodies::SIZES;
use contestant::{Contestant, Role};
use https::Http;
use load::Sample;

/// The gate as it is used, and so with its allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Options {
    /// Seconds of load per contestant, body, protocol and round.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Requests in flight when throughput is measured.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// The command that serves. `{listen}`, `{admin}` and `{state}` are filled in.
    #[arg(
        long,
        env = "SOC2GATE_BENCH_COMMAND",
        default_value = concat!(
            env!("CARGO_BIN_EXE_soc2gate"),
            " serve --listen {listen} --admin-listen {admin} --state {state} --log-level error"
        )
    )]
    command: String,
    /// Leaves out the gate's own binary, and compares the server layer alone.
    #[arg(long)]
    layer_only: bool,
    /// How this program starts itself as a contestant: role, address, directory of certificates.
    #[arg(long, num_args = 3, hide = true)]
    contestant: Option<Vec<String>>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match options.contestant.as_deref() {
        Some([role, address, state]) => {
            runtime.block_on(constant::serve(role, address.parse().unwrap(), state.as_ref()));
        }
        _ => runtime.block_on(compare(&options)),
    }
}

async fn compare(options: &Options) {
    let state = tempfile::tempdir().unwrap();
    contestant::make_certificate(state.path());
    let mut contestants = Vec::new();
    for role in [Role::Constant, Role::Layer, Role::Gate] {
        if role == Role::Gate && options.layer_only {
            continue;
        }
        contestants.push(Contestant::start(role, &options.command, state.path()).await);
    }
    let mut samples: Vec<Sample> = Vec::new();
    let span = Duration::from_secs_f64(options.seconds);
    for _ in 0..options.rounds {
        for http in [Http::One, Http::Two] {
            for size in SIZES {
                for contestant in &contestants {
                    samples.push(load::run(contestant, http, size, options.connections, span).await);
                }
            }
        }
    }
    println!("{}", table::markdown(&samples, options));
    for contestant in contestants {
        println!("{}: {} MiB of memory at the end", contestant.role, contestant.memory() / (1024 * 1024));
    }
}
