//! Files that the program writes itself are committed as it writes them; `UPDATE=1` rewrites them.

use std::{fs, path::Path};

use soc2gate::policy::{Loaded, Settings, page};

fn assert_current(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "{file} is not what the program writes: run `UPDATE=1 cargo test generated`");
}

#[test]
fn the_page_of_policies_is_current() {
    let policies = Loaded::shipped().unwrap().bind(&Settings::default()).unwrap();
    assert_current("policies/README.md", &page(&policies));
}

#[test]
fn the_definitions_are_current() {
    let text = soc2gate::cluster::definitions::manifests().unwrap();
    assert_current("manifests/base/05-definitions.yaml", &text);
}

#[test]
fn the_readme_promises_no_more_checks_than_there_are() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let promised = readme.split("\nMore than ").nth(1).and_then(|rest| rest.split(" checks are live").next());
    let promised: usize = promised.unwrap().parse().unwrap();
    assert!(soc2gate::checks::all().count() > promised);
}
