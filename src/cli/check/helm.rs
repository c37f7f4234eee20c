//! What Helm writes around manifests: the template that each was rendered from, and what is no manifest at all.

use crate::manifest::{Document, Unusable};

/// The templates that the documents of one text were rendered from, as `helm template` notes them: for each `---` the
/// lines above it, and a name if one follows.
pub(super) struct Templates(Vec<(usize, String)>);

/// Stands between the beginning of a document and the template's name.
const NOTE: &str = "# Source: ";

impl Templates {
    /// Finds the notes: each on the line after a document's `---`.
    pub(super) fn of(text: &str) -> Self {
        let mut found: Vec<(usize, String)> = Vec::new();
        if text.contains(NOTE) {
            let mut begins = false;
            for (line, content) in text.lines().enumerate() {
                if begins
                    && let (Some(name), Some((_, last))) = (content.strip_prefix(NOTE), found.last_mut())
                {
                    name.trim().clone_into(last);
                }
                begins = content.split_whitespace().next() == Some("---") && content.starts_with('-');
                if begins {
                    found.push((line, String::new()));
                }
            }
        }
        Self(found)
    }

    /// The template of the document that this line (counted from 1) belongs to, if the text tells it.
    pub(super) fn at(&self, line: u32) -> Option<&str> {
        let before = self.0.partition_point(|(begin, _)| *begin < line as usize);
        let (_, name) = self.0.get(before.checked_sub(1)?)?;
        Some(name.as_str()).filter(|name| !name.is_empty())
    }
}

/// What Helm's report about a release holds beside manifests: its head, and notes for people at its end.
const REPORT: [&str; 2] = ["LAST DEPLOYED", "NOTES"];
const ADVICE: &str =
    "this is Helm's report about a release, with notes for people: check what `helm template` prints";

/// Refuses a document that is a part of such a report, or has one at its end.
pub(super) fn refuse(document: &Document) -> Option<Unusable> {
    let field = REPORT.into_iter().find(|field| document.root.get(field).is_some())?;
    Some(document.unusable(document.place(field), ADVICE))
}

/// Says what to do about a text that cannot be read because it is such a report.
pub(super) fn explain(text: &str, mut unusable: Unusable) -> Unusable {
    let is_report = |line: &str| {
        REPORT.iter().any(|field| line.strip_prefix(field).is_some_and(|rest| rest.starts_with(':')))
    };
    if text.lines().any(is_report) {
        ADVICE.clone_into(&mut unusable.message);
    }
    unusable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_document_has_the_template_that_is_noted_above_it() {
        let text = "---\n# Source: web/templates/a.yaml\n# licence\na: 1\n---\nb: 1\n--- \n# Source: web/templates/c.yaml\r\nc: |\n  ---\n  # Source: no\nd: 1\n--- {e: 1}\n";
        let templates = Templates::of(text);
        for (line, expected) in [
            (4, Some("web/templates/a.yaml")),
            (6, None),
            (9, Some("web/templates/c.yaml")),
            (12, Some("web/templates/c.yaml")),
            (13, None),
        ] {
            assert_eq!(templates.at(line), expected, "line {line}");
        }
        assert_eq!(Templates::of("a: 1").at(1), None);
    }
}
