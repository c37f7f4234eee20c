//! The commands. The only place that wires the parts of the program together.

mod check;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps a Kubernetes cluster inside its SOC 2 criteria, and can prove it.
#[derive(Parser)]
#[command(name = "soc2gate", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(check::Args),
}

/// Runs the program with the arguments it was started with.
pub fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Check(args) => check::run(&args),
    }
}
