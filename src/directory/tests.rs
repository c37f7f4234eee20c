//! What a directory tells when its files come, change and go.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::mpsc::{Receiver, channel};

use super::*;

const SOON: Duration = Duration::from_secs(20);

fn told(directory: &mut Directory) -> Vec<String> {
    let mut told = Vec::new();
    directory.round(&mut |change| told.push(word(&change))).unwrap();
    told
}

fn word(change: &Change<'_>) -> String {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    match change {
        Change::File { path, content } => format!("{}={}", name(path), String::from_utf8_lossy(content)),
        Change::Unreadable { path, .. } => format!("{}?", name(path)),
        Change::Gone { path } => format!("{} gone", name(path)),
        Change::Settled => "settled".to_owned(),
    }
}

fn yaml(path: &Path) -> Directory {
    Directory::new(path, extensions(&["yaml", "yml"]))
}

/// Swaps a ConfigMap mount the way kubelet does.
fn mount(at: &Path, version: &str, content: &str) {
    let version = at.join(format!("..{version}"));
    fs::create_dir(&version).unwrap();
    fs::write(version.join("a.yaml"), content).unwrap();
    symlink(&version, at.join("..data_tmp")).unwrap();
    fs::rename(at.join("..data_tmp"), at.join("..data")).unwrap();
    if !at.join("a.yaml").is_symlink() {
        symlink("..data/a.yaml", at.join("a.yaml")).unwrap();
    }
}

fn write_at_once(path: &Path, content: &str) {
    let beside = path.with_extension("new");
    fs::write(&beside, content).unwrap();
    fs::rename(beside, path).unwrap();
}

fn watched(path: &Path) -> (Watch, Receiver<String>) {
    let (sender, told) = channel();
    let mut directory = yaml(path);
    directory.round(&mut |_| {}).unwrap();
    let every = Duration::from_millis(5);
    let tell = move |change: Change<'_>| drop(sender.send(word(&change)));
    (directory.watch(every, tell).unwrap(), told)
}

#[test]
fn the_first_round_tells_every_file_and_an_empty_directory_too() {
    let place = tempfile::tempdir().unwrap();
    assert_eq!(told(&mut yaml(place.path())), ["settled"]);
    fs::write(place.path().join("a.yaml"), "1").unwrap();
    fs::write(place.path().join("b.yml"), "2").unwrap();
    assert_eq!(told(&mut yaml(place.path())), ["a.yaml=1", "b.yml=2", "settled"]);
}

#[test]
fn skips_hidden_entries_other_extensions_and_directories() {
    let place = tempfile::tempdir().unwrap();
    for name in [".a.yaml", "..b.yaml", "c.txt", "README"] {
        fs::write(place.path().join(name), "x").unwrap();
    }
    fs::create_dir(place.path().join("d.yaml")).unwrap();
    assert_eq!(told(&mut yaml(place.path())), ["settled"]);
}

#[test]
fn tells_only_what_changed() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("a.yaml"), "1").unwrap();
    fs::write(place.path().join("b.yaml"), "2").unwrap();
    let mut directory = yaml(place.path());
    told(&mut directory);
    assert!(told(&mut directory).is_empty());
    fs::write(place.path().join("a.yaml"), "3").unwrap();
    fs::remove_file(place.path().join("b.yaml")).unwrap();
    assert_eq!(told(&mut directory), ["b.yaml gone", "a.yaml=3", "settled"]);
}

#[test]
fn a_touched_file_with_the_same_content_is_not_told() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("a.yaml"), "1").unwrap();
    let mut directory = yaml(place.path());
    told(&mut directory);
    fs::remove_file(place.path().join("a.yaml")).unwrap();
    fs::write(place.path().join("a.yaml"), "1").unwrap();
    assert!(told(&mut directory).is_empty());
}

#[test]
fn follows_the_links_of_a_mounted_config_map_through_a_swap() {
    let place = tempfile::tempdir().unwrap();
    mount(place.path(), "2026_01", "old");
    let mut directory = yaml(place.path());
    assert_eq!(told(&mut directory), ["a.yaml=old", "settled"]);
    mount(place.path(), "2026_02", "new");
    assert_eq!(told(&mut directory), ["a.yaml=new", "settled"]);
}

#[test]
fn a_file_over_the_limit_is_unreadable_and_told_once() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("a.yaml"), "12345").unwrap();
    let mut directory = yaml(place.path());
    directory.largest = 4;
    assert_eq!(told(&mut directory), ["a.yaml?", "settled"]);
    assert!(told(&mut directory).is_empty());
    fs::write(place.path().join("a.yaml"), "1234").unwrap();
    assert_eq!(told(&mut directory), ["a.yaml=1234", "settled"]);
}

#[test]
fn a_missing_directory_is_an_error_that_names_the_reason() {
    let place = tempfile::tempdir().unwrap();
    let error = yaml(&place.path().join("nowhere")).round(&mut |_| {}).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_watch_tells_a_change_and_then_that_it_settled() {
    let place = tempfile::tempdir().unwrap();
    let (_watch, told) = watched(place.path());
    write_at_once(&place.path().join("a.yaml"), "1");
    assert_eq!(told.recv_timeout(SOON).unwrap(), "a.yaml=1");
    assert_eq!(told.recv_timeout(SOON).unwrap(), "settled");
}

#[test]
fn a_watch_tells_that_its_directory_vanished_and_goes_on_when_it_is_back() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("policies");
    fs::create_dir(&path).unwrap();
    let (_watch, told) = watched(&path);
    fs::remove_dir(&path).unwrap();
    assert_eq!(told.recv_timeout(SOON).unwrap(), "policies?");
    fs::create_dir(&path).unwrap();
    write_at_once(&path.join("a.yaml"), "1");
    assert_eq!(told.recv_timeout(SOON).unwrap(), "a.yaml=1");
}

#[test]
fn a_watch_tells_that_its_directory_came_back_unchanged() {
    let place = tempfile::tempdir().unwrap();
    let (path, aside) = (place.path().join("policies"), place.path().join("aside"));
    fs::create_dir(&path).unwrap();
    let (_watch, told) = watched(&path);
    fs::rename(&path, &aside).unwrap();
    assert_eq!(told.recv_timeout(SOON).unwrap(), "policies?");
    fs::rename(&aside, &path).unwrap();
    assert_eq!(told.recv_timeout(SOON).unwrap(), "settled");
}

#[test]
fn a_dropped_watch_ends() {
    let place = tempfile::tempdir().unwrap();
    let (watch, told) = watched(place.path());
    drop(watch);
    // The sender lives in the thread: it is gone when the thread is.
    assert!(
        told.recv_timeout(SOON).is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
}

#[test]
fn contents_hold_what_the_directory_holds() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("a.yaml"), "1").unwrap();
    fs::write(place.path().join("b.yaml"), "2").unwrap();
    let mut directory = yaml(place.path());
    let (mut contents, mut settled) = (Contents::default(), false);
    directory.round(&mut |change| settled |= contents.apply(&change)).unwrap();
    fs::remove_file(place.path().join("a.yaml")).unwrap();
    directory.round(&mut |change| settled |= contents.apply(&change)).unwrap();
    assert!(settled);
    assert_eq!(contents.files.into_values().collect::<Vec<_>>(), [b"2"]);
}

#[test]
fn a_file_without_read_permission_is_told_as_unreadable() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("a.yaml");
    fs::write(&path, "1").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads it all the same.
    let expected = if File::open(&path).is_ok() { "a.yaml=1" } else { "a.yaml?" };
    assert_eq!(told(&mut yaml(place.path())), [expected, "settled"]);
}
