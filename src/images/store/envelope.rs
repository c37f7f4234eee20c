//! A stored report with who handed it in, when, and for which image.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::object::Digest;

/// A report, byte for byte as it came, and what goes with it. As a file it is one JSON object whose last field is the
/// report.
#[derive(Debug)]
pub struct Envelope<'a> {
    digest: Digest,
    head: Head,
    /// The head as it is written, up to where the report begins.
    front: Vec<u8>,
    report: &'a [u8],
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Head {
    digest: String,
    by: String,
    received_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound: Option<Bound>,
}

/// What ties the report to the image, where the report itself does not.
#[derive(Debug, Serialize, Deserialize)]
enum Bound {
    #[serde(rename = "by the caller")]
    ByTheCaller,
}

/// What stands between head and report. No field of the head can hold it, since quotes are escaped there.
const SEAM: &[u8] = b",\"report\":";
const END: &[u8] = b"}";

impl<'a> Envelope<'a> {
    /// An envelope around a report handed in now.
    ///
    /// # Errors
    /// Never in practice: the head is plain text.
    pub fn new(
        digest: &Digest,
        by: &str,
        received_at: Timestamp,
        is_bound_by_caller: bool,
        report: &'a [u8],
    ) -> Result<Self, serde_json::Error> {
        let bound = is_bound_by_caller.then_some(Bound::ByTheCaller);
        let head = Head { digest: digest.to_string(), by: by.to_owned(), received_at, bound };
        let mut front = serde_json::to_vec(&head)?;
        front.pop();
        front.extend_from_slice(SEAM);
        Ok(Self { digest: digest.clone(), head, front, report })
    }

    /// Reads a file of the store.
    ///
    /// # Errors
    /// In words, what is wrong with it: another program wrote it, or it is not whole.
    pub fn read(path: &Path, content: &'a [u8]) -> Result<Self, String> {
        let foreign = || "it is no report that was handed in here: it belongs elsewhere".to_owned();
        let seam = memchr::memmem::find(content, SEAM).ok_or_else(foreign)?;
        let (front, report) = content.split_at_checked(seam + SEAM.len()).ok_or_else(foreign)?;
        let head = [content.get(..seam).unwrap_or_default(), END].concat();
        let head: Head = serde_json::from_slice(&head).map_err(|_| foreign())?;
        let digest = Digest::parse(&head.digest).ok_or_else(foreign)?;
        let report = report.strip_suffix(END).ok_or("it is not whole: hand the report in again")?;
        let envelope = Self { digest, head, front: front.to_vec(), report };
        if path.file_name().is_some_and(|name| *name == *envelope.file_name()) {
            Ok(envelope)
        } else {
            Err("it is not what was handed in under this name: hand the report in again".to_owned())
        }
    }

    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The name of the token.
    pub fn by(&self) -> &str {
        &self.head.by
    }

    pub fn received_at(&self) -> Timestamp {
        self.head.received_at
    }

    pub fn report(&self) -> &'a [u8] {
        self.report
    }

    pub fn is_bound_by_caller(&self) -> bool {
        self.head.bound.is_some()
    }

    /// The digest of the report.
    pub fn report_digest(&self) -> String {
        format!("sha256:{}", self.report_hex())
    }

    /// The image, then the report: `sha256-<hex>.<hex>.json`.
    pub(super) fn file_name(&self) -> String {
        format!("{}.{}.json", self.digest.as_str().replace(':', "-"), self.report_hex())
    }

    /// Where it comes from, for people.
    pub(super) fn origin(&self, path: &Path) -> String {
        let vouched =
            if self.is_bound_by_caller() { ", who alone says that it is of this image" } else { "" };
        format!("{}, handed in by {}{vouched}", path.display(), self.head.by)
    }

    /// What the file consists of.
    pub(super) fn parts(&self) -> [&[u8]; 3] {
        [&self.front, self.report, END]
    }

    /// How large the file is.
    pub(super) fn bytes(&self) -> u64 {
        self.parts().iter().map(|part| part.len() as u64).sum()
    }

    fn report_hex(&self) -> String {
        digest(&SHA256, self.report).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
