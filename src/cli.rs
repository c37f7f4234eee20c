//! The commands. The only place that wires the layers together.

mod rules;
mod serve;

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};

/// The gate that keeps a Kubernetes cluster inside its SOC 2 criteria, and can prove it to an auditor.
#[derive(Parser)]
#[command(version, max_term_width = 110, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
}

/// Runs the program.
pub fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
    }
}

/// Says on standard error what is wrong, in words that name what to change.
fn complain(message: &str) {
    let mut err = std::io::stderr().lock();
    for line in message.lines() {
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(err, "error: {line}");
    }
}
