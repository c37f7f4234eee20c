//! Finds and reads the texts that `check` was pointed at: files, directories and standard input.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::manifest::{TEXT_LIMIT, Unusable};

/// One text to judge. It may be read more than once.
pub(in crate::cli) struct Source {
    /// The name people know it by: the path as given or found, `-` for standard input.
    pub(in crate::cli) name: String,
    text: Text,
    /// Named by the person, who then expects it to hold objects; otherwise met in a directory.
    pub(in crate::cli) named: bool,
}

/// Where a text is.
enum Text {
    In(PathBuf),
    /// Standard input can be read only once, so that it is kept if it is read whole.
    Standard(OnceLock<Result<String, Unusable>>),
}

/// What standard input is called.
pub(in crate::cli) const STANDARD_INPUT: &str = "-";

/// What a list of paths leads to.
#[derive(Default)]
pub(in crate::cli) struct Sources {
    /// In the order given, directories sorted.
    pub(in crate::cli) found: Vec<Source>,
    /// Paths that lead nowhere.
    pub(in crate::cli) unusable: Vec<Unusable>,
    /// What directories hold that is no text of this kind.
    pub(in crate::cli) skipped: Vec<Skipped>,
}

/// A file or directory that was left out, and why.
pub(in crate::cli) struct Skipped {
    pub(in crate::cli) name: String,
    pub(in crate::cli) reason: &'static str,
}

/// What to do with a path that is met in a directory.
#[derive(Clone, Copy)]
pub(in crate::cli) enum Fit {
    /// A directory is entered, a file read.
    Take,
    /// Left out, and the person is told.
    Skip(&'static str),
    /// Of another kind altogether.
    Ignore,
}

/// Follows the paths to manifests. Symbolic links are followed, each directory once.
pub(in crate::cli) fn find(paths: &[PathBuf]) -> Sources {
    find_fit(paths, manifest)
}

/// Follows the paths to texts of any kind, which `fit` knows by their names.
pub(in crate::cli) fn find_fit(paths: &[PathBuf], fit: fn(&Path) -> Fit) -> Sources {
    let mut sources = Sources::default();
    for path in paths {
        let name = path.display().to_string();
        if path.as_os_str() == STANDARD_INPUT {
            sources.found.push(Source { name, text: Text::Standard(OnceLock::new()), named: true });
        } else if path.is_dir() {
            walk(path, fit, &mut sources);
        } else {
            sources.found.push(Source { name, text: Text::In(path.clone()), named: true });
        }
    }
    sources
}

fn walk(root: &Path, fit: fn(&Path) -> Fit, sources: &mut Sources) {
    let mut visited = HashSet::new();
    // A stack instead of recursion; children go on it in reverse, so that they come off sorted.
    let mut pending = vec![root.to_owned()];
    while let Some(path) = pending.pop() {
        let name = path.display().to_string();
        match fit(&path) {
            Fit::Skip(reason) => sources.skipped.push(Skipped { name, reason }),
            _ if path.is_dir() => match entries(&path, &mut visited) {
                Ok(children) => pending.extend(children.into_iter().rev()),
                Err(error) => sources.unusable.push(unreadable(&name, &error)),
            },
            Fit::Take => sources.found.push(Source { name, text: Text::In(path), named: false }),
            Fit::Ignore => {}
        }
    }
}

/// What a directory holds, sorted; nothing if it has been visited through another link.
fn entries(directory: &Path, visited: &mut HashSet<PathBuf>) -> io::Result<Vec<PathBuf>> {
    if !visited.insert(directory.canonicalize()?) {
        return Ok(Vec::new());
    }
    let mut paths = directory.read_dir()?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Whether a file's name ends in one of these, in whatever case.
pub(in crate::cli) fn has_extension(path: &Path, known: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    known.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

fn manifest(path: &Path) -> Fit {
    match unfit(path) {
        Some(reason) => Fit::Skip(reason),
        None if has_extension(path, &["yaml", "yml", "json"]) => Fit::Take,
        None => Fit::Ignore,
    }
}

/// Why a path met in a directory is not for an API server, if it is not.
fn unfit(path: &Path) -> Option<&'static str> {
    let beside = |sibling: &str| path.parent().is_some_and(|parent| parent.join(sibling).is_file());
    match path.file_name()?.to_str()? {
        ".git" => Some("the history of a repository"),
        "kustomization.yaml" | "kustomization.yml" => {
            Some("instructions for kustomize: check what it renders")
        }
        "Chart.yaml" => Some("the description of a Helm chart: check what `helm template` renders"),
        "values.yaml" | "values.yml" => Some("values for a Helm chart: check what `helm template` renders"),
        "templates" if beside("Chart.yaml") => Some("Helm templates: check what `helm template` renders"),
        _ => None,
    }
}

impl Source {
    /// The bytes as they come.
    ///
    /// # Errors
    /// [`Unusable`] when it cannot be opened.
    pub(in crate::cli) fn open(&self) -> Result<Box<dyn Read>, Unusable> {
        match &self.text {
            Text::Standard(_) => Ok(Box::new(io::stdin().lock())),
            Text::In(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(unreadable(&self.name, &error)),
            },
        }
    }

    /// The text.
    ///
    /// # Errors
    /// [`Unusable`] when it cannot be read or is no UTF-8; too large a text is left to the parser to refuse.
    pub(in crate::cli) fn read(&self) -> Result<Cow<'_, str>, Unusable> {
        match &self.text {
            Text::In(_) => self.read_whole().map(Cow::Owned),
            Text::Standard(kept) => match kept.get_or_init(|| self.read_whole()) {
                Ok(text) => Ok(Cow::Borrowed(text)),
                Err(unusable) => Err(unusable.clone()),
            },
        }
    }

    fn read_whole(&self) -> Result<String, Unusable> {
        let mut bytes = Vec::new();
        let limit = TEXT_LIMIT as u64 + 1;
        let read = self.open()?.take(limit).read_to_end(&mut bytes);
        read.map_err(|error| unreadable(&self.name, &error))?;
        let whole = bytes.len() <= TEXT_LIMIT;
        String::from_utf8(bytes).or_else(|error| match error.utf8_error().error_len() {
            // The limit cut a character in two.
            None if !whole => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
            _ => Err(not_text(&self.name, error.as_bytes(), error.utf8_error().valid_up_to())),
        })
    }
}

pub(in crate::cli) fn unreadable(name: &str, error: &io::Error) -> Unusable {
    let message = match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory: correct the path".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read: change its permissions".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    Unusable { file: name.to_owned(), line: 0, column: 0, message }
}

fn not_text(name: &str, bytes: &[u8], at: usize) -> Unusable {
    let before = bytes.get(..at).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let last = String::from_utf8_lossy(before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default());
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (line, column) = (number(line), number(last.chars().count() + 1));
    Unusable {
        file: name.to_owned(),
        line,
        column,
        message: "this is not UTF-8: save the file as UTF-8".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "a: 1").unwrap();
        }
        root
    }

    fn relative(root: &Path, name: &str) -> String {
        Path::new(name).strip_prefix(root).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn directories_are_walked_in_order_without_what_is_not_for_an_api_server() {
        let root = tree(&[
            "b.yml",
            "a/z.json",
            "a/a.YAML",
            "a/readme.md",
            "kustomization.yaml",
            ".git/x.yaml",
            "chart/Chart.yaml",
            "chart/values.yaml",
            "chart/crds/crd.yaml",
            "chart/templates/x.yaml",
            "templates/y.yaml",
        ]);
        let sources = find(&[root.path().to_owned()]);
        let found: Vec<_> = sources.found.iter().map(|source| relative(root.path(), &source.name)).collect();
        assert_eq!(found, ["a/a.YAML", "a/z.json", "b.yml", "chart/crds/crd.yaml", "templates/y.yaml"]);
        let skipped: Vec<_> =
            sources.skipped.iter().map(|skipped| relative(root.path(), &skipped.name)).collect();
        assert_eq!(
            skipped,
            [".git", "chart/Chart.yaml", "chart/templates", "chart/values.yaml", "kustomization.yaml"]
        );
        assert!(sources.found.iter().all(|source| !source.named));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_its_own_directory_ends() {
        let root = tree(&["a/x.yaml"]);
        std::os::unix::fs::symlink(root.path(), root.path().join("a/loop")).unwrap();
        assert_eq!(find(&[root.path().to_owned()]).found.len(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_unusable() {
        let root = tempfile::tempdir().unwrap();
        let latin = root.path().join("latin.yaml");
        std::fs::write(&latin, b"a: 1\nb: \xe9t\xe9\n").unwrap();
        let sources = find(&[latin, root.path().join("gone.yaml")]);
        let errors: Vec<_> =
            sources.found.iter().map(|source| source.read().unwrap_err().to_string()).collect();
        assert!(
            errors[0].ends_with("latin.yaml:2:4: this is not UTF-8: save the file as UTF-8"),
            "{errors:?}"
        );
        assert!(errors[1].ends_with("gone.yaml: no such file or directory: correct the path"), "{errors:?}");
    }
}
