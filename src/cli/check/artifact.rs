//! Names files as CI servers look for them: from the directory that the command runs in, with `/` between the parts.

use std::path::{Component, Path, PathBuf};

use super::source::STANDARD_INPUT;

/// Where the command runs.
pub(super) struct Workspace(PathBuf);

impl Workspace {
    pub(super) fn here() -> Self {
        // Where it cannot be told, absolute paths stay as they are.
        Self(std::env::current_dir().unwrap_or_default())
    }

    /// The path of a file, relative if it lies beneath the workspace; nothing for standard input.
    pub(super) fn path(&self, file: &str) -> Option<String> {
        if file == STANDARD_INPUT {
            return None;
        }
        let path = Path::new(file);
        let path = path.strip_prefix(&self.0).unwrap_or(path);
        let mut parts: Vec<String> = Vec::new();
        for component in path.components() {
            match component {
                Component::CurDir => {}
                Component::RootDir => parts.push(String::new()),
                other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
            }
        }
        Some(parts.join("/"))
    }

    /// The same as a URI reference. Standard input has no address: `stdin` stands for it.
    pub(super) fn uri(&self, file: &str) -> String {
        let Some(path) = self.path(file) else { return "stdin".to_owned() };
        let scheme = if path.starts_with('/') { "file://" } else { "" };
        path.bytes().fold(scheme.to_owned(), |mut uri, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    uri.push(char::from(byte));
                }
                _ => uri.push_str(&format!("%{byte:02X}")),
            }
            uri
        })
    }
}

/// Whether a URI is a relative reference.
pub(super) fn is_relative(uri: &str) -> bool {
    // Colons of file names are encoded.
    !uri.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_workspace_and_in_the_characters_of_a_uri() {
        let workspace = Workspace("/home/ann/shop".into());
        for (file, path, uri) in [
            ("deploy/web.yaml", "deploy/web.yaml", "deploy/web.yaml"),
            ("./deploy//web.yaml", "deploy/web.yaml", "deploy/web.yaml"),
            ("/home/ann/shop/deploy/web.yaml", "deploy/web.yaml", "deploy/web.yaml"),
            (
                "/home/ann/shopping/web.yaml",
                "/home/ann/shopping/web.yaml",
                "file:///home/ann/shopping/web.yaml",
            ),
            ("../web.yaml", "../web.yaml", "../web.yaml"),
            ("a b%#?:é.yaml", "a b%#?:é.yaml", "a%20b%25%23%3F%3A%C3%A9.yaml"),
        ] {
            assert_eq!(workspace.path(file).as_deref(), Some(path), "{file}");
            assert_eq!(workspace.uri(file), uri, "{file}");
            assert_eq!(is_relative(uri), !uri.starts_with("file:"), "{file}");
        }
        assert_eq!((workspace.path("-"), &*workspace.uri("-")), (None, "stdin"));
    }
}
