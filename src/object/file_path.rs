//! Paths of files as the kernel will resolve them, so that no spelling hides where one leads.

use std::fmt;

/// An absolute path without `//`, `.`, `..` and a trailing `/`, and with the links followed that every Linux system
/// has. A relative path is taken from the root, which is where a container runtime works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath(String);

/// Links of every Linux system, the second name being the real one.
const LINKS: [(&str, &str); 2] = [("/var/run", "/run"), ("/dev/fd", "/proc/self/fd")];

impl FilePath {
    /// Resolves a path by its text alone: what links the node has made besides is not in a manifest.
    pub fn resolve(text: &str) -> Self {
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                _ => parts.push(part),
            }
        }
        let path = format!("/{}", parts.join("/"));
        let followed =
            LINKS.iter().find_map(|(link, real)| beneath(&path, link).map(|rest| format!("{real}{rest}")));
        Self(followed.unwrap_or(path))
    }

    /// Whether `other` is this path or lies beneath it; `/etc` does not hold `/etcetera`.
    pub fn holds(&self, other: &Self) -> bool {
        other.is_within(&self.0)
    }

    /// Whether this is the directory, written in full, or lies beneath it.
    pub fn is_within(&self, directory: &str) -> bool {
        beneath(&self.0, directory).is_some()
    }
}

/// What follows `directory` in `path`, if the path is the directory or lies beneath it.
fn beneath<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    path.strip_prefix(directory.trim_end_matches('/')).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::FilePath;

    #[test]
    fn every_spelling_of_a_path_resolves_to_one() {
        for (written, resolved) in [
            ("/", "/"),
            ("", "/"),
            ("//", "/"),
            ("/..", "/"),
            ("/etc/", "/etc"),
            ("/etc/./kubernetes//pki/..", "/etc/kubernetes"),
            ("/../../proc", "/proc"),
            ("etc", "/etc"),
            ("/var/run", "/run"),
            ("/var/run/docker.sock", "/run/docker.sock"),
            ("/var//run/./docker.sock", "/run/docker.sock"),
            ("/var/runner", "/var/runner"),
            ("/srv/var/run", "/srv/var/run"),
            ("/dev/fd/8", "/proc/self/fd/8"),
        ] {
            assert_eq!(FilePath::resolve(written).to_string(), resolved, "{written}");
        }
    }

    #[test]
    fn a_directory_holds_itself_and_what_lies_beneath_it_only() {
        let holds = |outer: &str, inner: &str| FilePath::resolve(outer).holds(&FilePath::resolve(inner));
        assert!(holds("/", "/etc") && holds("/etc", "/etc") && holds("/etc", "/etc/ssl") && holds("/", "/"));
        assert!(!holds("/etc", "/etcetera") && !holds("/etc/ssl", "/etc") && !holds("/etc", "/"));
    }
}
