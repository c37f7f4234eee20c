//! `soc2gate image`: what CI and people do with the evidence of images.

mod explain;
mod ingest;
mod token;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// Hand in scans of images, make the tokens to do so, and explain what is known of an image.
#[derive(Args)]
pub(super) struct Image {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Explain(Box<explain::Explain>),
    Ingest(ingest::Ingest),
    Token(token::Token),
}

impl Image {
    pub(super) fn run(&self) -> ExitCode {
        match &self.command {
            Command::Explain(explain) => explain.run(),
            Command::Ingest(ingest) => ingest.run(),
            Command::Token(token) => token.run(),
        }
    }
}
