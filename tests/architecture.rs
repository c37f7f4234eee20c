//! Holds the house to its plan: imports go down only, the engine stays pure, files and the root keep their shape.

#![cfg(test)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a folder, with its text.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// The layer of each module: its block in `src/lib.rs`, counted from the bottom of the house.
fn layers() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let blocks = text.split("\n\n").enumerate();
    blocks
        .flat_map(|(layer, block)| {
            block.lines().filter_map(move |line| {
                let module = line.strip_prefix("pub mod ")?.strip_suffix(';')?;
                Some((module.to_owned(), layer))
            })
        })
        .collect()
}

/// The top-level modules that a text names as `crate::x`, also in a braced import. Tests may look anywhere.
fn used(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut modules = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            modules.push(word(rest));
            continue;
        };
        let (mut depth, mut item) = (1, String::new());
        for character in list.chars() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => {
                    modules.push(word(item.trim()));
                    item.clear();
                    continue;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
            item.push(character);
        }
        modules.push(word(item.trim()));
    }
    modules.retain(|module| !module.is_empty());
    modules
}

/// The module of `lib.rs` that a file belongs to.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned()
}

#[test]
fn imports_go_down_only() {
    let layers = layers();
    let mut wrong = Vec::new();
    for (path, text) in sources(&root().join("src")) {
        let module = module_of(&path);
        let Some(own) = layers.get(&module) else { continue };
        for other in used(&text) {
            if let Some(layer) = layers.get(&other)
                && other != module
                && layer >= own
            {
                wrong.push(format!("{}: uses {other}, which does not come earlier", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_module_stands_in_a_block() {
    let layers = layers();
    let modules = sources(&root().join("src")).into_iter().map(|(path, _)| module_of(&path));
    let missing: Vec<_> = modules.filter(|m| !layers.contains_key(m) && m != "lib" && m != "main").collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn the_engine_knows_no_clock_no_network_and_no_disk() {
    let engine = layers().get("decision").copied().unwrap();
    let layers = layers();
    let banned = [
        "tokio::",
        "axum::",
        "hyper",
        "kube::",
        "rustls",
        "std::fs",
        "std::net::Tcp",
        "SystemTime::now",
        "Instant::now",
        "Timestamp::now",
        "println!",
        "tracing::",
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources(&root().join("src")) {
        if layers.get(&module_of(&path)).is_none_or(|layer| *layer > engine) {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            wrong.extend(
                banned
                    .iter()
                    .filter(|word| line.contains(*word))
                    .map(|word| format!("{}: {word}", path.display())),
            );
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn nothing_between_a_review_and_its_answer_waits() {
    let waits =
        [".await", "async ", "block_on", "std::net::Tcp", "tokio::", "Mutex", "RwLock", "thread::sleep"];
    let mut wrong = Vec::new();
    let engine = layers().get("decision").copied().unwrap();
    let layers = layers();
    for (path, text) in sources(&root().join("src")) {
        let module = module_of(&path);
        let is_engine = layers.get(&module).is_some_and(|layer| *layer <= engine);
        if !is_engine && module != "admission" {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let found = waits.iter().filter(|word| line.contains(*word));
            wrong.extend(found.map(|word| format!("{}: {word}", path.display())));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_file_opens_with_why_it_exists_and_fits_its_room() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests"] {
        for (path, text) in sources(&root().join(folder)) {
            if !text.starts_with("//! ") {
                wrong.push(format!("{}: no opening sentence", path.display()));
            }
            let lines = text.lines().count();
            if folder == "src" && lines > 400 {
                wrong.push(format!("{}: {lines} lines", path.display()));
            }
            if path.ends_with("mod.rs") {
                wrong.push(format!("{}: put it beside its folder", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_module_is_a_drawer() {
    for (path, _) in sources(&root().join("src")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(
            !["utils", "util", "common", "helpers", "helper", "manager", "misc"].contains(&&*name),
            "{}",
            path.display()
        );
    }
}

#[test]
fn the_visible_root_is_what_the_readme_says() {
    let mut visible: Vec<_> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    visible.sort();
    let expected = [
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "certs",
        "manifests",
        "policies",
        "src",
        "tests",
    ];
    assert_eq!(visible, expected);
}

#[test]
fn nobody_is_ever_called_by_the_word_that_only_an_auditor_may_use() {
    // Assembled, or this file would find itself.
    let word = ["compl", "iant"].concat();
    let mut texts = sources(&root().join("src"));
    for folder in ["policies", "manifests"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                texts.push((path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    texts.push((root().join("README.md"), fs::read_to_string(root().join("README.md")).unwrap()));
    for (path, text) in texts {
        assert!(!text.to_lowercase().contains(&word), "{}", path.display());
    }
}
