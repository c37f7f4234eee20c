//! Reads JSON (RFC 8259) with the places of its values; several documents may follow each other.

use super::node::{Key, Node, Place, Value, duplicate, duplicate_message};
use super::{DEPTH_LIMIT, NODE_LIMIT, Refusal};

const NO_VALUE: &str = "no JSON value begins here: put text in double quotes";

/// Reads all documents of a text.
pub(super) fn read(text: &str) -> Result<Vec<Node>, Refusal> {
    let mut reader = Reader { text, at: 0, counted: 0, line: 1, column: 1, nodes: 0 };
    let mut roots = Vec::new();
    reader.skip_space();
    while reader.peek().is_some() {
        roots.push(reader.value(0)?);
        reader.skip_space();
    }
    Ok(roots)
}

struct Reader<'a> {
    text: &'a str,
    /// The next byte to read.
    at: usize,
    /// The byte that `line` and `column` tell the place of: they follow on demand, so that text is counted once.
    counted: usize,
    line: usize,
    column: usize,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Node, Refusal> {
        let place = self.place();
        self.nodes += 1;
        if self.nodes > NODE_LIMIT {
            return Err(Refusal::too_many(place));
        }
        let value = match self.peek() {
            Some(b'{' | b'[') if depth >= DEPTH_LIMIT => return Err(Refusal::too_deep(place)),
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.seq(depth)?,
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Value::Bool(true))?,
            Some(b'f') => self.word("false", Value::Bool(false))?,
            Some(b'n') => self.word("null", Value::Null)?,
            Some(_) => return Err(self.refuse(NO_VALUE)),
            None => {
                return Err(
                    self.refuse("the text ends where a value is expected: add it or close what is open")
                );
            }
        };
        Ok(Node { value, place })
    }

    fn map(&mut self, depth: usize) -> Result<Value, Refusal> {
        let mut entries = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.skip(b'}') {
            return Ok(Value::Map(entries));
        }
        loop {
            self.skip_space();
            let place = self.place();
            if self.peek() != Some(b'"') {
                return Err(self.refuse("a key in double quotes is expected here"));
            }
            let key = Key { name: self.string()?, place };
            self.skip_space();
            if !self.skip(b':') {
                return Err(self.refuse("a `:` is expected between key and value"));
            }
            self.skip_space();
            entries.push((key, self.value(depth + 1)?));
            self.skip_space();
            if self.skip(b'}') {
                break;
            }
            if !self.skip(b',') {
                return Err(self.refuse("a `,` or `}` is expected here"));
            }
        }
        match duplicate(&entries) {
            Some((first, second)) => {
                Err(Refusal::content(second.place, duplicate_message(&second.name, first.place)))
            }
            None => Ok(Value::Map(entries)),
        }
    }

    fn seq(&mut self, depth: usize) -> Result<Value, Refusal> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.skip(b']') {
            return Ok(Value::Seq(items));
        }
        loop {
            self.skip_space();
            items.push(self.value(depth + 1)?);
            self.skip_space();
            if self.skip(b']') {
                return Ok(Value::Seq(items));
            }
            if !self.skip(b',') {
                return Err(self.refuse("a `,` or `]` is expected here"));
            }
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Refusal> {
        if !self.rest().starts_with(word) {
            return Err(self.refuse(NO_VALUE));
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Refusal> {
        let place = self.place();
        let start = self.at;
        self.skip(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let mut well_formed = match self.skip_digits() {
            0 => false,
            length => length == 1 || !leading_zero,
        };
        let mut whole = true;
        if self.skip(b'.') {
            whole = false;
            well_formed &= self.skip_digits() > 0;
        }
        if self.skip(b'e') || self.skip(b'E') {
            whole = false;
            let _sign = self.skip(b'+') || self.skip(b'-');
            well_formed &= self.skip_digits() > 0;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if text == "-" {
            // Likely YAML: an entry of a list, or the line between two documents.
            return Err(Refusal::syntax(place, NO_VALUE));
        }
        if !well_formed {
            return Err(Refusal::content(
                place,
                "this is no JSON number: correct it or put it in double quotes",
            ));
        }
        // Negative zero is no integer: it would lose its sign.
        if whole && text != "-0" {
            if let Ok(number) = text.parse() {
                return Ok(Value::Int(number));
            }
            if let Ok(number) = text.parse() {
                return Ok(Value::Unsigned(number));
            }
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Err(Refusal::content(place, "the number is too large: put it in double quotes")),
        }
    }

    fn string(&mut self) -> Result<String, Refusal> {
        let start = self.place();
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            let Some((run, end)) = plain.and_then(|at| Some((rest.get(..at)?, rest.as_bytes().get(at)?)))
            else {
                return Err(Refusal::syntax(start, "the string is not closed: add a `\"` at its end"));
            };
            self.at += run.len();
            match end {
                b'"' if text.is_empty() => {
                    self.at += 1;
                    return Ok(run.to_owned());
                }
                b'"' => {
                    self.at += 1;
                    text.push_str(run);
                    return Ok(text);
                }
                b'\\' => {
                    text.push_str(run);
                    text.push(self.escape()?);
                }
                _ => {
                    return Err(
                        self.refuse("a control character stands in a string: write it as `\\n` or `\\u0009`")
                    );
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Refusal> {
        let escape = self.rest().as_bytes().get(1).copied();
        let letter = match escape {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.refuse("JSON has no such escape: write a backslash as `\\\\`")),
        };
        self.at += 2;
        Ok(letter)
    }

    /// `\u` and four digits, or two of them that make a surrogate pair.
    fn unicode_escape(&mut self) -> Result<char, Refusal> {
        let unit = |text: &str| {
            let digits = text.strip_prefix("\\u")?.get(..4)?;
            let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            hexadecimal.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
        };
        let Some(first) = unit(self.rest()) else {
            return Err(self.refuse("`\\u` wants four hexadecimal digits"));
        };
        let second = self.rest().get(6..).and_then(unit);
        let decoded = match second {
            Some(second) if (0xd800..0xdc00).contains(&first) => char::decode_utf16([first, second]).next(),
            _ => char::decode_utf16([first]).next(),
        };
        let Some(Ok(letter)) = decoded else {
            return Err(self.refuse("half a surrogate pair names no character: write both halves"));
        };
        self.at += 6 * letter.len_utf16();
        Ok(letter)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_digits(&mut self) -> usize {
        let length = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += length;
        length
    }

    fn skip_space(&mut self) {
        let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.rest().bytes().take_while(space).count();
    }

    /// The place of the next byte.
    fn place(&mut self) -> Place {
        for byte in self.text.as_bytes().get(self.counted..self.at).unwrap_or_default() {
            match byte {
                b'\n' => (self.line, self.column) = (self.line + 1, 1),
                // Bytes inside a character count for nothing.
                0x80..0xc0 => {}
                _ => self.column += 1,
            }
        }
        self.counted = self.at;
        Place::new(self.line, self.column)
    }

    fn refuse(&mut self, message: &str) -> Refusal {
        let place = self.place();
        Refusal::syntax(place, message)
    }
}
