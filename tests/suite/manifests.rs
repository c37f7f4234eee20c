//! The manifests as they are shipped: held to their own policies, and the same whoever renders them.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use soc2gate::{
    installation::{Entry, Wanted, render},
    manifest,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn soc2gate(arguments: &[&str], input: &[u8]) -> Output {
    use std::io::Write;
    let mut run = Command::new(env!("CARGO_BIN_EXE_soc2gate"))
        .args(arguments)
        .current_dir(ROOT)
        .env_remove("KUBECONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever refuses the arguments reads nothing.
    let _ = run.stdin.take().unwrap().write_all(input);
    run.wait_with_output().unwrap()
}

fn documents(text: &str) -> Vec<Value> {
    let documents = manifest::parse("manifests", text).unwrap();
    documents.iter().map(|document| serde_json::from_str(&document.to_json_text()).unwrap()).collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join("manifests").join(file)).unwrap()
}

#[test]
fn the_manifests_keep_the_policies_that_they_install() {
    for choice in [&[][..], &["--select", "pss:restricted"]] {
        let arguments = [&["check", "-o", "json", "manifests"], choice].concat();
        let run = soc2gate(&arguments, b"");
        let report: Value = serde_json::from_slice(&run.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let enforced: Vec<_> = findings.iter().filter(|finding| finding["mode"] == "enforce").collect();
        assert!(enforced.is_empty() && run.status.success(), "{enforced:#?}");
        assert!(report["summary"].to_string().contains("objects"), "{report}");
    }
}

#[test]
fn what_is_printed_for_another_namespace_keeps_the_policies_there() {
    let groups = ["--installer-group", "flux", "--installer-group", "CN=Platform, OU=IT"];
    let flags = ["--namespace", "gate", "--mode", "enforce", "--cert-manager", "--monitoring"];
    let printed = soc2gate(&[&["install"], &flags[..], &groups].concat(), b"");
    assert!(printed.status.success());
    let arguments = [&["check", "-o", "json", "--gate-namespace", "gate"], &groups[..], &["-"]].concat();
    let run = soc2gate(&arguments, &printed.stdout);
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{text}");
    // To a gate that is told of another home they are somebody else's.
    let elsewhere = soc2gate(&["check", "-"], &printed.stdout);
    let text = String::from_utf8_lossy(&elsewhere.stdout);
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(
        text.contains("weakened-gate-registration") && text.contains("unrestricted-network-policy"),
        "{text}"
    );
}

#[test]
fn what_is_printed_is_what_is_rendered() {
    let run = soc2gate(&["install"], b"");
    assert_eq!(documents(std::str::from_utf8(&run.stdout).unwrap()), render(&Wanted::default()).unwrap());
    assert!(run.stderr.is_empty());
}

#[test]
fn nonsense_is_refused_before_anything_is_asked() {
    for (flags, words) in [
        (&["--namespace", "Gate"][..], "--namespace \"Gate\""),
        (&["--mode", "enforce", "--replicas", "1"], "2 replicas"),
        (&["--fail-closed", "none,guard"], "`none` beside others"),
        (&["--apply"], "--image"),
        (&["--dry-run"], "--apply"),
        (&["--fail-closed", "everything"], "everything"),
    ] {
        let run = soc2gate(&[&["install"], flags].concat(), b"");
        let told = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{flags:?}: {told}");
        assert!(told.contains(words) && run.stdout.is_empty(), "{flags:?}: {told}");
    }
}

#[test]
fn without_a_cluster_the_words_say_what_is_missing() {
    for arguments in
        [&["install", "--apply", "--image", "registry.example.com/a:1"][..], &["uninstall", "--yes"]]
    {
        let run = Command::new(env!("CARGO_BIN_EXE_soc2gate"))
            .args(arguments)
            .env("KUBECONFIG", "/nonexistent")
            .env_remove("KUBERNETES_SERVICE_HOST")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success() && told.contains("Set KUBECONFIG"), "{told}");
    }
}

/// Lists of what has names in the order of the names: kustomize puts what it patches first.
fn in_order(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, in_order(value))).collect(),
        Value::Array(items) => {
            let mut items: Vec<_> = items.into_iter().map(in_order).collect();
            if items.iter().all(|item| item["name"].is_string()) {
                items.sort_by_key(|item| item["name"].to_string());
            }
            items.into()
        }
        // kustomize writes `1` where a file says `1.0`.
        Value::Number(number) => match number.as_f64() {
            Some(whole) if whole.fract() == 0.0 => (whole as i64).into(),
            _ => number.into(),
        },
        other => other,
    }
}

fn by_identity(objects: Vec<Value>) -> Vec<Value> {
    let mut objects: Vec<_> = objects.into_iter().map(in_order).collect();
    objects.sort_by_key(|object| format!("{} {}", object["kind"], object["metadata"]));
    objects
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn kustomize_renders_what_the_program_renders() {
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        return eprintln!("NOT RUN: kustomize_renders_what_the_program_renders needs kubectl");
    }
    let directory = tempfile::tempdir().unwrap();
    copy(&Path::new(ROOT).join("manifests"), directory.path());
    let components = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../overlays/enforce]\n\
                      components: [../components/cert-manager, ../components/monitoring]\n";
    fs::create_dir(directory.path().join("all")).unwrap();
    fs::write(directory.path().join("all/kustomization.yaml"), components).unwrap();
    let enforce =
        || Wanted { ceiling: "enforce", fail_closed: BTreeSet::from([Entry::Guard]), ..Wanted::default() };
    for (folder, wanted) in [
        (".", Wanted::default()),
        ("overlays/warn", Wanted { ceiling: "warn", ..Wanted::default() }),
        ("overlays/enforce", enforce()),
        ("all", Wanted { cert_manager: true, monitoring: true, ..enforce() }),
    ] {
        let run =
            Command::new("kubectl").arg("kustomize").arg(directory.path().join(folder)).output().unwrap();
        assert!(run.status.success(), "{folder}: {}", String::from_utf8_lossy(&run.stderr));
        let kustomized = by_identity(documents(std::str::from_utf8(&run.stdout).unwrap()));
        let rendered = by_identity(render(&wanted).unwrap());
        for (kustomized, rendered) in kustomized.iter().zip(&rendered) {
            assert_eq!(kustomized, rendered, "{folder}");
        }
        assert_eq!(kustomized.len(), rendered.len(), "{folder}");
    }
}

#[test]
fn the_component_for_images_gives_the_gate_its_files_and_the_way_to_registries() {
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        return eprintln!("NOT RUN: the component for images needs kubectl");
    }
    let directory = tempfile::tempdir().unwrap();
    copy(&Path::new(ROOT).join("manifests"), directory.path());
    let text = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base]\ncomponents: [../components/images]\n";
    fs::create_dir(directory.path().join("own")).unwrap();
    fs::write(directory.path().join("own/kustomization.yaml"), text).unwrap();
    let run = Command::new("kubectl").arg("kustomize").arg(directory.path().join("own")).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let rendered = String::from_utf8(run.stdout).unwrap();
    for words in [
        "name: SOC2GATE_REGISTRIES",
        "name: SOC2GATE_IMAGE_STORE",
        "mountPath: /var/lib/soc2gate/images",
        "port: 53",
    ] {
        assert!(rendered.contains(words), "{words} is missing");
    }
}

/// Every word of a text that could be the name of a metric of ours.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("soc2gate_")).collect()
}

fn sources(folder: &Path, texts: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, texts);
        } else {
            texts.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn alerts_ask_for_metrics_that_there_are() {
    let mut program = String::new();
    sources(&Path::new(ROOT).join("src"), &mut program);
    let there = metrics(&program);
    let alerts = documents(&read("components/monitoring/prometheus-rule.yaml"));
    let rules = alerts[0]["spec"]["groups"][0]["rules"].as_array().unwrap();
    assert!(rules.len() > 10);
    for rule in rules {
        for metric in metrics(rule["expr"].as_str().unwrap()) {
            assert!(there.contains(metric), "{}: {metric}", rule["alert"]);
        }
    }
}

#[test]
fn the_registration_on_disk_asks_what_the_one_in_the_api_asks() {
    let [mut on_disk] = <[Value; 1]>::try_from(documents(&read("static/webhooks/soc2gate.yaml"))).unwrap();
    let [mut in_api] = <[Value; 1]>::try_from(documents(&read("base/40-webhook.yaml"))).unwrap();
    for webhook in on_disk["webhooks"].as_array_mut().unwrap() {
        let client = webhook["clientConfig"].take();
        assert!(client["service"].is_null() && client["url"].as_str().unwrap().starts_with("https://"));
    }
    in_api["webhooks"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(|webhook| drop(webhook["clientConfig"].take()));
    assert_eq!(on_disk["webhooks"], in_api["webhooks"]);
}

#[test]
fn what_lies_on_disk_bears_the_name_that_only_the_disk_may_give() {
    let policies = documents(&read("static/policies/soc2gate.yaml"));
    let webhooks = documents(&read("static/webhooks/soc2gate.yaml"));
    for object in policies.iter().chain(&webhooks) {
        assert!(object["metadata"]["name"].as_str().unwrap().ends_with(".static.k8s.io"));
        assert!(object["spec"]["paramKind"].is_null());
    }
    assert_eq!(policies[1]["spec"]["policyName"], policies[0]["metadata"]["name"]);
}
