//! The commands. The only place that wires the layers together.

mod rules;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The gate that keeps a Kubernetes cluster inside its SOC 2 criteria, and can prove it to an auditor.
#[derive(Parser)]
#[command(version, max_term_width = 110, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {}

/// Runs the program.
pub fn run() -> ExitCode {
    match Cli::parse().command {}
}
