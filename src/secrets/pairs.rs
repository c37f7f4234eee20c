//! Finds names and values inside a text: dotenv, properties, YAML lines, flags, URL queries, connection strings.

use std::ops::Range;

/// A value inside a text and the name it stands behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair<'t> {
    pub(super) key: &'t str,
    pub(super) value: &'t str,
    /// Where the value stands in the text.
    pub(super) span: Range<usize>,
}

/// All pairs of a text: one for each line that is one, and those inside lines. Linear in the text.
pub(super) fn each<'t>(text: &'t str, mut visit: impl FnMut(Pair<'t>)) {
    let bytes = text.as_bytes();
    let mut start = 0;
    // Prose has few of these characters, so it is skipped many bytes at a time.
    while let Some(next) = bytes.get(start..).and_then(|rest| memchr::memchr3(b'=', b':', b'-', rest)) {
        let at = start + next;
        let from = memchr::memrchr(b'\n', bytes.get(start..at).unwrap_or_default())
            .map_or(start, |newline| start + newline + 1);
        let end = bytes
            .get(at..)
            .and_then(|rest| memchr::memchr(b'\n', rest))
            .map_or(bytes.len(), |newline| at + newline + 1);
        in_line(text.get(from..end).unwrap_or_default(), |pair| visit(moved(pair, from)));
        start = end;
    }
}

fn in_line<'t>(line: &'t str, mut visit: impl FnMut(Pair<'t>)) {
    let whole = of_line(line);
    let taken = whole.as_ref().map_or(0, |pair| pair.span.start);
    if let Some(pair) = whole {
        visit(pair);
    }
    inside(line, taken, &mut visit);
    flags(line, &mut visit);
}

fn moved(mut pair: Pair<'_>, by: usize) -> Pair<'_> {
    pair.span = pair.span.start + by..pair.span.end + by;
    pair
}

/// `export NAME="value"`, `name: value`, `name = value`, `- --name=value`, `"name": "value",`.
fn of_line(line: &str) -> Option<Pair<'_>> {
    let body = line.trim_start();
    let body = ["export ", "set ", "ENV ", "- ", "SetEnv "]
        .iter()
        .find_map(|word| body.strip_prefix(word))
        .unwrap_or(body);
    let body = body.trim_start().trim_start_matches('-').trim_start_matches(['"', '\'']);
    let key_length = body.bytes().position(|b| !is_key(b))?;
    let (key, rest) = body.split_at_checked(key_length)?;
    let rest = rest.trim_start_matches(['"', '\'']).trim_start_matches([' ', '\t']);
    let assigned = rest.strip_prefix('=').map(|rest| rest.strip_prefix(['=', '>']).unwrap_or(rest));
    // Only YAML and its like separate with a colon, and then a space follows.
    let mapped = || rest.strip_prefix(':').filter(|rest| rest.starts_with([' ', '\t', '"']));
    let value = unquoted(assigned.or_else(mapped)?.trim_matches([' ', '\t', '\r', '\n']), assigned.is_some());
    (!key.is_empty() && !value.is_empty()).then(|| Pair { key, value, span: span_of(line, value) })
}

/// What the quotes enclose, or the text up to a comment or a trailing comma; in an assignment, where a command
/// may follow, up to the first space.
fn unquoted(text: &str, assigned: bool) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            return rest.split_once(quote).map_or(rest, |(inner, _)| inner);
        }
    }
    let text = if assigned { text.split([' ', '\t']).next().unwrap_or(text) } else { text };
    let text = text.split_once(" #").map_or(text, |(value, _)| value.trim_end());
    text.strip_suffix([',', ';']).unwrap_or(text)
}

/// `key=value` anywhere in a line, ended by what ends a parameter. Those before `from` are known already.
fn inside<'t>(line: &'t str, from: usize, mut visit: impl FnMut(Pair<'t>)) {
    let bytes = line.as_bytes();
    for at in memchr::memchr_iter(b'=', bytes) {
        let value_start = at + 1;
        if value_start <= from {
            continue;
        }
        let key_start = at
            - bytes.iter().take(at).rev().take(MOST_KEY).take_while(|b| is_key(**b) || **b == b' ').count();
        // Before the value is read: in a text of nothing but equals signs no value has a key.
        let Some(key) = line.get(key_start..at).map(last_phrase).filter(|key| key.len() > 1) else {
            continue;
        };
        let Some(rest) = line.get(value_start..) else { continue };
        let length = parameter_length(rest.as_bytes());
        let Some(value) = rest.get(..length) else { continue };
        if !value.is_empty() {
            visit(Pair { key, value, span: value_start..value_start + length });
        }
    }
}

/// Up to what ends a parameter. An equals sign ends it too, unless it is base64's padding: so a text of nothing
/// but equals signs is read once, not once for each.
fn parameter_length(rest: &[u8]) -> usize {
    let ends = |at: usize, byte: u8| {
        b"&;, \t\r\n\"'`\\<>|".contains(&byte)
            || (byte == b'=' && rest.get(at + 1).is_some_and(|next| next.is_ascii_alphanumeric()))
    };
    rest.iter().enumerate().position(|(at, byte)| ends(at, *byte)).unwrap_or(rest.len())
}

/// The longest key worth reading.
const MOST_KEY: usize = 64;

/// `Account Key` is two words in a connection string; of a command line only the last word counts.
fn last_phrase(text: &str) -> &str {
    let text = text.trim();
    let word = text.rsplit(' ').next().unwrap_or(text);
    word.trim_start_matches('-')
}

/// `--name value` of a command line that stands in one string.
fn flags<'t>(line: &'t str, mut visit: impl FnMut(Pair<'t>)) {
    let bytes = line.as_bytes();
    for at in memchr::memmem::find_iter(bytes, b"--") {
        let Some(rest) = line.get(at + 2..) else { continue };
        let length = rest.bytes().take(MOST_KEY).take_while(|b| is_key(*b)).count();
        let Some((flag, rest)) = rest.split_at_checked(length) else { continue };
        let Some(rest) = rest.strip_prefix(' ').filter(|_| !flag.is_empty() && !flag.starts_with('-')) else {
            continue;
        };
        let rest = rest.trim_start_matches(' ');
        let word = rest.split([' ', '\t', '\r', '\n']).next().unwrap_or_default();
        let value = word.trim_matches(['"', '\'']);
        if !value.is_empty() && !value.starts_with('-') {
            visit(Pair { key: flag, value, span: span_of(line, value) });
        }
    }
}

fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'@')
}

/// Where a part of a text stands in it.
fn span_of(text: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr().addr()).saturating_sub(text.as_ptr().addr());
    start..start + part.len()
}

/// The name directly before a position: `token: `, `"token":"`, `--token=`, `TOKEN=Bearer `.
pub(super) fn key_before(text: &str, at: usize) -> Option<&str> {
    let head = text.get(..at)?;
    let from = head.len().saturating_sub(2 * MOST_KEY);
    let head = head.get((from..=head.len()).find(|i| head.is_char_boundary(*i))?..)?;
    let head = head.rsplit(['\n', '\r']).next()?;
    let head = head.trim_end_matches(['"', '\'', ' ', '\t']);
    let head =
        ["Bearer", "Basic", "token"].iter().find_map(|scheme| head.strip_suffix(scheme)).unwrap_or(head);
    let head = head.trim_end_matches(['"', '\'', ' ', '\t']).strip_suffix(['=', ':'])?;
    let head = head.trim_end_matches(['"', '\'', ' ', '\t']);
    let length = head.bytes().rev().take_while(|b| is_key(*b)).count();
    let key = head.get(head.len() - length..)?.trim_start_matches('-');
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        each(text, |pair| {
            assert_eq!(text.get(pair.span.clone()), Some(pair.value));
            found.push((pair.key, pair.value));
        });
        found
    }

    #[test]
    fn reads_dotenv_properties_and_yaml() {
        let text =
            "# comment\nexport A_B=\"one two\"\nc.d = three # four\ne-f: 'five'\n\"g\": \"six\",\nh:\n";
        assert_eq!(pairs(text), [("A_B", "one two"), ("c.d", "three"), ("e-f", "five"), ("g", "six")]);
    }

    #[test]
    fn reads_flags_of_a_command_line() {
        assert_eq!(
            pairs("tool --user=me --password hunter2 --verbose --x"),
            [("user", "me"), ("password", "hunter2")]
        );
    }

    #[test]
    fn reads_parameters_of_urls_and_connection_strings() {
        let url = "jdbc:postgresql://db/x?user=me&password=hunter2";
        assert_eq!(pairs(url), [("user", "me"), ("password", "hunter2")]);
        let string = "Server=db;User Id=me;Password=hunter2;";
        assert_eq!(pairs(string)[1..], [("Id", "me"), ("Password", "hunter2")]);
    }

    #[test]
    fn names_what_stands_before_a_token() {
        for head in ["token: ", "{\"token\":\"", "--token=", "x --token ='", "Token: ", "token=Bearer "] {
            assert_eq!(
                key_before(head, head.len()).map(str::to_lowercase).as_deref(),
                Some("token"),
                "{head}"
            );
        }
        assert_eq!(key_before("just ", 5), None);
        assert_eq!(key_before("é: é", 1), None);
    }
}
