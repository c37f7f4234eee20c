//! The `soc2gate` program: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    soc2gate::cli::run()
}
