//! `soc2gate completions`: lets a shell complete commands and flags.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, Command};
use clap_complete::Shell;

use super::written;

/// Print the completions for a shell.
#[derive(Args)]
pub(super) struct Completions {
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, mut program: Command) -> ExitCode {
        // Written at once: the generator panics where a pipe is closed.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "soc2gate", &mut script);
        written(io::stdout().lock().write_all(&script), ExitCode::SUCCESS)
    }
}
