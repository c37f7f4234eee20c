//! The coverage statement: what is in force and what is not, without a flattering word.

use std::process::Command;

use serde_json::Value;

/// What `soc2gate policies --coverage` prints under these further arguments.
fn coverage(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_soc2gate"))
        .args(["policies", "--coverage"])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&coverage(&[&["-o", "json"], args].concat())).unwrap()
}

/// The row of a criterion.
fn row<'c>(coverage: &'c Value, criterion: &str) -> &'c Value {
    let rows = coverage["criteria"].as_array().unwrap();
    rows.iter().find(|row| row["criterion"] == criterion).unwrap_or_else(|| panic!("no row {criterion}"))
}

fn holds(list: &Value, check: &str) -> bool {
    list.as_array().unwrap().iter().any(|id| id == check)
}

#[test]
fn a_criterion_that_nothing_speaks_to_says_so() {
    let text = coverage(&[]);
    for criterion in ["A1.3", "C1.2", "CC7.4", "CC7.5"] {
        let from = text.find(&format!("\n{criterion}: ")).unwrap();
        let section = text[from + 1..].split("\n\n").next().unwrap();
        assert!(section.contains("nothing here speaks to it"), "{section}");
    }
    for family in ["PI1", "P1 to P8"] {
        let line = text.lines().find(|line| line.trim_start().starts_with(family)).unwrap();
        assert!(line.contains("not addressed"), "{line}");
    }
    assert!(text.contains("Not assessable here"), "{text}");
}

#[test]
fn checks_are_counted_by_their_official_mapping_and_listed_by_their_folder() {
    let coverage = json(&[]);
    let access = row(&coverage, "CC6.1");
    assert!(holds(&access["direct"], "privileged-container"));
    assert!(holds(&row(&coverage, "CC6.8")["supporting"], "privileged-container"));
    // Hard-coded secrets are filed where users look for them, and counted where auditors do.
    let secrets = row(&coverage, "CC6.7");
    assert!(secrets["filed"].as_array().unwrap().iter().any(|filed| filed["check"] == "hardcoded-secret"));
    assert!(holds(&secrets["context"], "hardcoded-secret") && !holds(&secrets["direct"], "hardcoded-secret"));
    assert!(holds(&access["direct"], "hardcoded-secret"));
}

#[test]
fn a_check_that_waits_for_its_parameter_counts_for_nothing() {
    let coverage = json(&[]);
    let software = row(&coverage, "CC6.8");
    let filed = software["filed"].as_array().unwrap();
    let registry = filed.iter().find(|filed| filed["check"] == "untrusted-registry").unwrap();
    assert_eq!(registry["waitsFor"], "allow");
    assert!(!holds(&software["direct"], "untrusted-registry"));
    assert!(holds(&software["direct"], "mutable-image-tag"));
}

#[test]
fn a_check_that_is_off_covers_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let policy = "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {name: cc6.1-access}\nspec:\n  criterion: CC6.1\n  \
                  control: Less.\n  checks:\n  - {id: host-port, mode: warn}\n  - {id: privileged-container, mode: 'off'}\n";
    std::fs::write(directory.path().join("p.yaml"), policy).unwrap();
    let coverage = json(&["--policies", directory.path().to_str().unwrap()]);
    let access = row(&coverage, "CC6.1");
    assert_eq!(access["filed"], serde_json::json!([{"check": "host-port", "mode": "warn"}]));
    assert!(!holds(&access["direct"], "privileged-container"));
}
