//! Takes apart the script of `sh -c`, where it does nothing but start one program.

use std::borrow::Cow;

/// The words of the one command that a script runs. Nothing where a shell would do more than pass words on: several
/// commands, variables, substitutions, patterns.
pub(super) fn words(script: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut reader = Reader::default();
    let mut characters = script.trim().chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next()? {
                '\n' => {}
                escaped => reader.push(escaped),
            },
            '\'' => loop {
                match characters.next()? {
                    '\'' => break reader.quote(),
                    quoted => reader.push(quoted),
                }
            },
            '"' => loop {
                match characters.next()? {
                    '"' => break reader.quote(),
                    '$' | '`' => return None,
                    '\\' => reader.push(characters.next()?),
                    quoted => reader.push(quoted),
                }
            },
            ' ' | '\t' => reader.end_word(),
            '&' if reader.redirects || characters.peek() == Some(&'>') => {}
            '>' | '<' => reader.redirect(),
            '$' | '`' | ';' | '&' | '|' | '(' | ')' | '{' | '}' | '*' | '?' | '[' | '#' | '~' | '\n' => {
                return None;
            }
            plain => reader.push(plain),
        }
    }
    reader.end_word();
    Some(command(reader.words))
}

/// Without what only the shell reads: `exec` and the assignments before the command.
fn command(words: Vec<String>) -> Vec<Cow<'static, str>> {
    let is_before = |word: &String| word == "exec" || is_assignment(word);
    words.into_iter().skip_while(is_before).map(Cow::Owned).collect()
}

fn is_assignment(word: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    word.split_once('=').is_some_and(|(name, _)| !name.is_empty() && name.chars().all(is_name))
}

#[derive(Default)]
struct Reader {
    words: Vec<String>,
    word: String,
    /// Quotes make a word, an empty one too.
    is_quoted: bool,
    /// The next word is where to redirect to.
    redirects: bool,
}

impl Reader {
    fn push(&mut self, character: char) {
        self.word.push(character);
    }

    fn quote(&mut self) {
        self.is_quoted = true;
    }

    fn redirect(&mut self) {
        // The number of a file belongs to the sign: `2>`.
        if self.word.bytes().all(|byte| byte.is_ascii_digit()) {
            self.word.clear();
        }
        self.end_word();
        self.redirects = true;
    }

    fn end_word(&mut self) {
        if self.word.is_empty() && !self.is_quoted {
            return;
        }
        let word = std::mem::take(&mut self.word);
        self.is_quoted = false;
        if !std::mem::take(&mut self.redirects) {
            self.words.push(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_script_that_starts_one_program_is_read_as_the_shell_reads_it() {
        for (script, expected) in [
            ("exec /usr/local/bin/kube-apiserver --a=b --c d", "/usr/local/bin/kube-apiserver|--a=b|--c|d"),
            ("kube-apiserver --a='b c' \"--d=e\" ''", "kube-apiserver|--a=b c|--d=e|"),
            ("etcd --a=b 1>>/var/log/etcd.log 2>&1", "etcd|--a=b"),
            ("etcd --a=b &>/dev/null", "etcd|--a=b"),
            ("etcd > /dev/null --a=b", "etcd|--a=b"),
            ("\n  etcd \\\n  --a=b\\ c\n", "etcd|--a=b c"),
            ("GOGC=50 exec etcd", "etcd"),
        ] {
            assert_eq!(words(script).map(|words| words.join("|")).as_deref(), Some(expected), "{script}");
        }
    }

    #[test]
    fn a_script_that_does_more_is_not_read() {
        for script in [
            "exec etcd $ARGS",
            "etcd --name=\"$(hostname)\"",
            "etcd `cat flags`",
            "set -e; exec etcd",
            "sleep 1 && etcd",
            "etcd | tee log",
            "etcd &",
            "if true\nthen etcd\nfi",
            "etcd --name='x",
            "etcd --files=*",
            "etcd \\",
        ] {
            assert_eq!(words(script), None, "{script}");
        }
    }
}
