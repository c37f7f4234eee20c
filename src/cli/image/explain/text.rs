//! What is known of an image, as people read it.

use std::io::{self, Write};

use comfy_table::{Cell, Color, Row};
use jiff::Timestamp;

use super::known::{Known, Verdict};
use crate::cli::policies;

pub(super) fn write(
    out: &mut impl Write,
    known: &Known,
    now: Timestamp,
    is_coloured: bool,
) -> io::Result<()> {
    writeln!(out, "{}", known.image)?;
    match (&known.digest, known.digest_from) {
        (Some(digest), Some("reference")) => writeln!(out, "digest: {digest}")?,
        (Some(digest), from) => writeln!(
            out,
            "digest: {digest}, as the {} says: what is known is of this digest, and a node may pull another",
            from.unwrap_or("scan")
        )?,
        (None, _) => writeln!(out, "digest: unknown")?,
    }
    for platform in &known.platforms {
        writeln!(out, "platform: {platform}")?;
    }
    writeln!(out, "registry: {}", known.registry)?;
    section(
        out,
        "Scans",
        &["OF", "SCANNER", "SCANNED", "DATABASE", "FOUND", "FIXABLE", "FROM", "SIGNED BY"],
        {
            known.scans.iter().map(|row| {
                vec![
                    short(&row.digest),
                    row.scanner.clone(),
                    when(row.scanned_at, now),
                    when(row.database_at, now),
                    row.vulnerabilities.to_string(),
                    row.fixable.to_string(),
                    row.source.clone(),
                    row.signer.clone().unwrap_or_default(),
                ]
            })
        },
    )?;
    section(out, "Attestations", &["OF", "WHAT", "SIGNED BY", "SIGNED", "NAMING"], {
        known.attestations.iter().map(|row| {
            vec![
                short(&row.digest),
                row.claim.clone(),
                row.signer.clone(),
                when(row.signed_at, now),
                row.named.clone().unwrap_or_default(),
            ]
        })
    })?;
    section(out, "Not believed", &["OF", "WHAT", "WHY"], {
        known.refused.iter().map(|row| vec![short(&row.digest), row.what.clone(), row.reason.clone()])
    })?;
    section(out, "VEX", &["VULNERABILITY", "STATUS", "WHY", "AUTHOR", "SAID", "SIGNED BY"], {
        known.vex.iter().map(|row| {
            vec![
                row.vulnerability.clone(),
                row.status.to_owned(),
                row.why.clone(),
                row.author.clone(),
                when(Some(row.at), now),
                row.signer.clone().unwrap_or_default(),
            ]
        })
    })?;
    section(out, "Checks", &["CHECK", "MODE", "VERDICT", ""], {
        known.checks.iter().map(|row| {
            vec![Cell::new(row.check), Cell::new(row.mode), painted(row, is_coloured), Cell::new(&row.words)]
        })
    })?;
    writeln!(out, "\nA pod with this image: {}", known.decision)
}

fn section(
    out: &mut impl Write,
    title: &str,
    header: &[&str],
    rows: impl Iterator<Item: Into<Row>>,
) -> io::Result<()> {
    let mut table = policies::table(header);
    table.add_rows(rows);
    if table.is_empty() {
        return writeln!(out, "\n{title}: none");
    }
    writeln!(out, "\n{title}")?;
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The algorithm and twelve digits.
fn short(digest: &str) -> String {
    digest.get(..19).unwrap_or(digest).to_owned()
}

/// The day, and how long ago it was.
fn when(then: Option<Timestamp>, now: Timestamp) -> String {
    let Some(then) = then else { return "unknown".to_owned() };
    let seconds = now.duration_since(then).as_secs();
    let ago = match seconds {
        ..0 => "in the future".to_owned(),
        0..3_600 => format!("{} min ago", seconds / 60),
        3_600..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    };
    format!("{} ({ago})", then.strftime("%F"))
}

fn painted(row: &Verdict, is_coloured: bool) -> Cell {
    let cell = Cell::new(row.verdict);
    match row.verdict {
        "violated" if is_coloured => cell.fg(Color::Red),
        "unknown" if is_coloured => cell.fg(Color::Yellow),
        "passed" if is_coloured => cell.fg(Color::Green),
        _ => cell,
    }
}
