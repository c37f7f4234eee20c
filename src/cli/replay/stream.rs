//! Takes JSON values out of a file of any size with no more of it in memory than the value at hand.

use std::io::{self, BufRead, Read};

use memchr::memchr2;

/// The largest value that is read, in bytes.
const LARGEST: usize = crate::manifest::TEXT_LIMIT;

/// A file of JSON values: one a line, or each over several lines.
pub(super) struct Stream<R> {
    input: R,
    /// The lines of the value at hand.
    lines: Vec<u8>,
    /// A line that was read and belongs to the next value.
    held: Vec<u8>,
    /// How many lines have been used up.
    used: u32,
    abandoned: bool,
}

/// The lines that hold a value, several on one line, or what is left of a torn one.
pub(super) struct Piece<'s> {
    /// The first of them, counted from 1.
    pub(super) line: u32,
    /// The text, or why there is none.
    pub(super) text: Result<&'s str, String>,
}

impl<R: BufRead> Stream<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, lines: Vec::new(), held: Vec::new(), used: 0, abandoned: false }
    }

    /// The next piece; nothing at the end.
    ///
    /// A line that cannot continue what came before begins a new piece, so that a line torn by a full disk costs
    /// itself and not the rest of the file.
    ///
    /// # Errors
    /// As the reader's.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        self.lines.clear();
        let mut nesting = Nesting::default();
        let mut first = self.used + 1;
        while !self.abandoned {
            let start = self.lines.len();
            self.read_line()?;
            let (before, line) = self.lines.split_at(start);
            if line.is_empty() {
                break;
            }
            if before.is_empty() && line.trim_ascii().is_empty() {
                self.lines.clear();
                first = self.used + 1;
                continue;
            }
            if !before.is_empty() && line.starts_with(b"{") && !awaits_value(before) {
                self.held = self.lines.split_off(start);
                self.used -= 1;
                break;
            }
            nesting.read(line);
            self.abandoned = self.lines.len() > LARGEST;
            if nesting.depth == 0 || nesting.in_string {
                break;
            }
        }
        if self.lines.is_empty() {
            return Ok(None);
        }
        let text = if self.abandoned {
            Err(format!(
                "a value larger than {} MiB, which ends the reading of this file: write one value a line",
                LARGEST >> 20
            ))
        } else {
            let text = std::str::from_utf8(&self.lines).map_err(|_| "this is not UTF-8".to_owned());
            text.map(|text| text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii_end())
        };
        Ok(Some(Piece { line: first, text }))
    }

    /// Appends a line, unless the file has ended.
    fn read_line(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            let room = (LARGEST + 1).saturating_sub(self.lines.len()) as u64;
            self.input.by_ref().take(room).read_until(b'\n', &mut self.lines)?;
        } else {
            self.lines.append(&mut self.held);
        }
        self.used += 1;
        Ok(())
    }
}

/// Whether an object may follow on the next line.
fn awaits_value(text: &[u8]) -> bool {
    matches!(text.trim_ascii_end().last(), Some(b'[' | b',' | b':'))
}

/// How deep in lists and objects the lines so far lead.
#[derive(Default)]
struct Nesting {
    depth: usize,
    /// Whether a string is open. None ends on another line, so that at the end of a line this one is torn.
    in_string: bool,
}

impl Nesting {
    fn read(&mut self, line: &[u8]) {
        let mut rest = line.iter();
        while let Some(byte) = rest.next() {
            match byte {
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b'"' => {
                    self.in_string = true;
                    while let Some(at) = memchr2(b'"', b'\\', rest.as_slice()) {
                        if rest.nth(at) == Some(&b'"') {
                            self.in_string = false;
                            break;
                        }
                        // Whatever is escaped ends nothing.
                        rest.next();
                    }
                    if self.in_string {
                        return;
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Stream;

    fn pieces(text: &str) -> Vec<(u32, String)> {
        let mut stream = Stream::new(text.as_bytes());
        let mut pieces = Vec::new();
        while let Some(piece) = stream.next().unwrap() {
            pieces.push((piece.line, piece.text.unwrap().split_whitespace().collect()));
        }
        pieces
    }

    #[test]
    fn values_are_told_apart_by_their_brackets_and_not_by_their_lines() {
        for (text, expected) in [
            ("", vec![]),
            ("\n\n  \n", vec![]),
            ("{\"a\":1}\n\n{\"b\":2}", vec![(1, "{\"a\":1}"), (3, "{\"b\":2}")]),
            ("\u{feff}{}\r\n{}\r\n", vec![(1, "{}"), (2, "{}")]),
            (
                "{\n \"a\": \"}\",\n \"b\": [\n{\n}\n]\n}\n{}",
                vec![(1, "{\"a\":\"}\",\"b\":[{}]}"), (8, "{}")],
            ),
            ("[\n{\"a\": 1},\n{\"b\": 2}\n]", vec![(1, "[{\"a\":1},{\"b\":2}]")]),
            ("{} {}\n{}", vec![(1, "{}{}"), (2, "{}")]),
            (r#"{"a":"\\"}"#, vec![(1, r#"{"a":"\\"}"#)]),
            (r#"{"a":"\"{"}"#, vec![(1, r#"{"a":"\"{"}"#)]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(line, text)| (line, text.to_owned())).collect();
            assert_eq!(pieces(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_torn_line_costs_itself_alone() {
        for torn in ["{\"a\":\"x", "{\"a\":\"\\", "{\"a\"", "{\"a\":{}", "{\"a\":1", "}"] {
            let pieces = pieces(&format!("{{\"n\":1}}\n{torn}\n{{\"n\":2}}\n{{\"n\":3}}\n"));
            let lines: Vec<_> = pieces.iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [1, 2, 3, 4], "{torn}");
        }
    }

    #[test]
    fn a_line_torn_where_a_value_was_due_costs_the_next_one_at_most() {
        let pieces = pieces("{\"a\":\n{\"n\":1}\n{\"n\":2}\n");
        assert_eq!(pieces, [(1, "{\"a\":{\"n\":1}".to_owned()), (3, "{\"n\":2}".to_owned())]);
    }
}
