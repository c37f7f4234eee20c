//! The commands. The only place that wires the layers together.

mod access;
mod check;
mod completions;
mod decided;
mod evidence;
mod explain;
mod image;
mod install;
mod policies;
mod ramp;
mod replay;
mod rules;
mod scan;
mod serve;
mod suppressed;
mod test;
mod tokens;
mod uninstall;
mod waiting;

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::decision::printable;

/// The gate that keeps a Kubernetes cluster inside its SOC 2 criteria, and can prove it to an auditor.
#[derive(Parser)]
#[command(version, max_term_width = 110, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<serve::Serve>),
    Install(install::Install),
    Uninstall(uninstall::Uninstall),
    Check(check::Check),
    Scan(scan::Scan),
    Replay(replay::Replay),
    Test(test::Test),
    Policies(policies::Policies),
    Ramp(ramp::Ramp),
    Image(image::Image),
    Explain(explain::Explain),
    Completions(completions::Completions),
}

/// How a command prints what it has to tell.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: one object
    Json,
}

/// Runs the program.
pub fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Install(install) => install.run(),
        Command::Uninstall(uninstall) => uninstall.run(),
        Command::Check(check) => check.run(),
        Command::Scan(scan) => scan.run(),
        Command::Replay(replay) => replay.run(),
        Command::Test(test) => test.run(),
        Command::Policies(policies) => policies.run(),
        Command::Ramp(ramp) => ramp.run(),
        Command::Image(image) => image.run(),
        Command::Explain(explain) => explain.run(),
        Command::Completions(completions) => completions.run(Cli::command()),
    }
}

/// Input that cannot be used: files, flags, policies. Clap exits with the same code for an unknown flag.
const UNUSABLE: u8 = 2;

/// Tells the person at the terminal, whom no text of a file may mislead. Standard error may be closed; then there is
/// nobody left to tell.
fn tell(message: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{}", printable(&message.to_string()));
}

/// Whether somebody at a terminal wants to see colours on standard output.
fn is_coloured() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Says what is wrong, in words that name what to change, each on a line of its own.
fn complain(message: &str) {
    for line in message.lines() {
        tell(format_args!("error: {line}"));
    }
}

/// The exit code after writing to standard output: a reader that has seen enough (`| head`) is no failure.
fn written(result: io::Result<()>, otherwise: ExitCode) -> ExitCode {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            tell(format_args!("standard output cannot be written: {error}"));
            ExitCode::from(UNUSABLE)
        }
        _ => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_has_two_flags_of_one_name() {
        Cli::command().debug_assert();
    }
}
