//! `soc2gate image token`: makes a token to hand in scan reports with.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use aws_lc_rs::rand;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use clap::Args;

use crate::cli::{
    UNUSABLE, complain,
    tokens::{hash, is_name},
    written,
};

/// Make a token to hand in scan reports with.
///
/// The first line is the token, shown this once; the second is its line for the file of `serve --ingest-tokens`, which
/// tells nobody the token.
#[derive(Args)]
pub(super) struct Token {
    /// Who is to bear it, as the gate's log names them: `ci-shop`.
    #[arg(value_parser = name)]
    name: String,
}

/// So that scanners for leaked secrets can know one.
const PREFIX: &str = "s2g_";

fn name(text: &str) -> Result<String, String> {
    if is_name(text) {
        Ok(text.to_owned())
    } else {
        Err("a name has at most 63 letters, digits, `-`, `_` and `.`, and no blanks".to_owned())
    }
}

impl Token {
    pub(super) fn run(&self) -> ExitCode {
        let mut bytes = [0; 32];
        if rand::fill(&mut bytes).is_err() {
            complain("no token can be made: the system gives no random bytes");
            return ExitCode::from(UNUSABLE);
        }
        let token = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
        written(self.print(&token), ExitCode::SUCCESS)
    }

    fn print(&self, token: &str) -> io::Result<()> {
        write!(io::stdout().lock(), "{token}\n{} sha256:{}\n", self.name, hash(token))
    }
}
