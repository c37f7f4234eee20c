//! `soc2gate image explain`: everything that is known of one image, and what the policies in force make of it.

mod gather;
mod known;
mod text;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use jiff::Timestamp;

use crate::{
    cli::{Format, UNUSABLE, complain, evidence::Evidence, is_coloured, rules::Rules, written},
    object::ImageReference,
};
use known::Known;

/// Explain an image: its digest, scans with their age, signatures with their identity, VEX, and the verdict of every
/// check.
#[derive(Args)]
pub(super) struct Explain {
    /// The image, as a manifest names it.
    #[arg(value_parser = reference)]
    image: ImageReference,
    /// Ask the image's registry, reached as this file says. It must be one that policies allow (`untrusted-registry`).
    #[arg(long, value_name = "FILE", env = "SOC2GATE_REGISTRIES")]
    registries: Option<PathBuf>,
    /// Trust root of a private Sigstore (`trusted_root.json`), beside the public one; may be repeated.
    #[arg(long = "sigstore-root", value_name = "FILE", requires = "registries")]
    sigstore_roots: Vec<PathBuf>,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    evidence: Evidence,
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

fn reference(text: &str) -> Result<ImageReference, String> {
    ImageReference::parse(text).map_err(|error| format!("`{text}` is no image reference: {error}"))
}

impl Explain {
    /// Exits with 1 if an enforced check would deny the image, or could not tell.
    pub(super) fn run(&self) -> ExitCode {
        let now = Timestamp::now();
        let known = match gather::gather(self, now) {
            Ok(known) => known,
            Err(errors) => {
                errors.iter().for_each(|error| complain(&error.to_string()));
                return ExitCode::from(UNUSABLE);
            }
        };
        let code = if known.is_denied() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        written(self.print(&known, now), code)
    }

    fn print(&self, known: &Known, now: Timestamp) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.output {
            Format::Text => text::write(&mut out, known, now, is_coloured())?,
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, known)?;
                writeln!(out)?;
            }
        }
        out.flush()
    }
}
