//! `soc2gate image ingest`: hands a scan report to the gate that is to judge by it.

mod post;

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use hyper::{StatusCode, header::HeaderValue};
use serde::Deserialize;

use crate::{
    cli::{UNUSABLE, complain, tell, written},
    decision::printable,
    images::{self, oci},
    object::Digest,
};
use post::{Address, Answer, Post};

/// Hand in a scan report, so that the gate judges the image by it from then on.
///
/// Exits with 1 if the gate refuses it, and with 2 if it cannot be handed in at all.
#[derive(Args)]
pub(super) struct Ingest {
    /// The report, Trivy's or Grype's JSON; `-` for standard input.
    report: PathBuf,
    /// What it is a scan of, if not the first digest that the report names.
    #[arg(long, value_parser = digest)]
    digest: Option<Digest>,
    /// The gate: `https://gate.example.com:8443`.
    #[arg(long, value_name = "URL", value_parser = Address::parse)]
    server: Address,
    /// CA certificates in PEM to trust beside the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// File with the token that `soc2gate image token` made; without it the token is taken from the variable
    /// `SOC2GATE_INGEST_TOKEN`.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Never a flag: arguments of programs can be seen by everybody on the machine.
const TOKEN: &str = "SOC2GATE_INGEST_TOKEN";

fn digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text).ok_or_else(|| "it is no digest: write `sha256:` and 64 digits".to_owned())
}

/// What the gate says of a report that it keeps.
#[derive(Deserialize)]
struct Kept {
    digest: String,
    report: String,
    scanner: String,
    vulnerabilities: u64,
    /// Whether the gate had it before.
    #[serde(skip)]
    is_known: bool,
}

impl Ingest {
    pub(super) fn run(&self) -> ExitCode {
        match self.hand_in() {
            Ok(Ok(kept)) => written(kept.print(), ExitCode::SUCCESS),
            Ok(Err(reason)) => {
                tell(format_args!("refused: {reason}"));
                ExitCode::FAILURE
            }
            Err(reason) => {
                complain(&reason);
                ExitCode::from(UNUSABLE)
            }
        }
    }

    /// What is kept, or why the gate refuses it.
    fn hand_in(&self) -> Result<Result<Kept, String>, String> {
        let token = self.token()?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| "the token holds characters that no token has".to_owned())?;
        authorization.set_sensitive(true);
        let name = self.report.display();
        let report = read(&self.report).map_err(|error| format!("{name}: {error}"))?;
        let digest = match &self.digest {
            Some(digest) => digest.clone(),
            None => first_subject(&report).map_err(|reason| format!("{name}: {reason}"))?,
        };
        let tls = oci::client_config(self.ca.as_deref()).map_err(|error| error.to_string())?;
        let path = format!("/v1/images/{digest}/scans");
        let post = Post { address: &self.server, path, authorization, body: report.into(), tls };
        post.send().map(|answer| read_answer(&answer, &self.server, &token))?
    }

    fn token(&self) -> Result<String, String> {
        let text = match &self.token_file {
            Some(path) => fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?,
            None => std::env::var(TOKEN).map_err(|_| {
                format!("there is no token: name its file with `--token-file`, or set {TOKEN}")
            })?,
        };
        match text.trim() {
            "" => Err("the token is empty".to_owned()),
            token => Ok(token.to_owned()),
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path != Path::new("-") {
        return fs::read(path);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn first_subject(report: &[u8]) -> Result<Digest, String> {
    let named = images::subjects(report)?;
    named.into_iter().next().ok_or_else(|| "it names no digest: say which with `--digest`".to_owned())
}

/// # Errors
/// When what answered is no gate.
fn read_answer(answer: &Answer, server: &Address, token: &str) -> Result<Result<Kept, String>, String> {
    if answer.status.is_success() {
        return serde_json::from_slice(&answer.body)
            .map(|kept| Ok(Kept { is_known: answer.status != StatusCode::CREATED, ..kept }))
            .map_err(|_| format!("{server} does not answer as a gate does"));
    }
    // A proxy's page of an error may repeat what was sent.
    let told: Option<Told> = serde_json::from_slice(&answer.body).ok();
    let text = told.map_or_else(|| String::from_utf8_lossy(&answer.body).into_owned(), |told| told.message);
    let text = text.replace(token, "[token]");
    let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = said.chars().take(LONGEST_REASON).collect();
    let said = if said.is_empty() { "no reason given".to_owned() } else { said };
    let hint = match answer.status {
        StatusCode::NOT_FOUND => " (does the gate run with `--ingest-tokens`?)",
        _ => "",
    };
    Ok(Err(format!("{said} ({}){hint}", answer.status.as_u16())))
}

const LONGEST_REASON: usize = 1_000;

/// Why the gate refuses, of its `metav1.Status`.
#[derive(Deserialize)]
struct Told {
    message: String,
}

impl Kept {
    fn print(&self) -> io::Result<()> {
        let stored = if self.is_known { "already stored" } else { "stored" };
        let Self { digest, report, scanner, vulnerabilities, .. } = self;
        let found = if *vulnerabilities == 1 { "vulnerability" } else { "vulnerabilities" };
        let line =
            format!("{stored}: scan of {digest} by {scanner}, {vulnerabilities} {found}, report {report}");
        writeln!(io::stdout().lock(), "{}", printable(&line))
    }
}
