//! The real kubectl, so that what it prints is what users see.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// What kubectl said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) is_done: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The warnings, one each.
    pub(crate) fn warnings(&self) -> Vec<&str> {
        self.err.lines().filter_map(|line| line.strip_prefix("Warning: ")).collect()
    }

    /// What remains on standard error beside warnings.
    pub(crate) fn complaint(&self) -> String {
        let lines = self.err.lines().filter(|line| !line.starts_with("Warning: "));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Panics unless it was done.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert!(self.is_done, "{}", self.err);
        self
    }

    /// Panics unless this entry denied it by this check.
    #[track_caller]
    pub(crate) fn denied_by(self, entry: &str, check: &str) -> Self {
        let denial = format!("admission webhook \"{entry}.soc2gate.io\" denied the request: ");
        assert!(!self.is_done && self.err.contains(&denial) && self.err.contains(check), "{check}: {self:?}");
        self
    }

    /// Panics unless it was done with a warning by this check.
    #[track_caller]
    pub(crate) fn warned_by(self, check: &str) -> Self {
        let is_warned = self.warnings().iter().any(|warning| warning.contains(check));
        assert!(self.is_done && is_warned, "{check}: {self:?}");
        self
    }
}

/// Runs kubectl with these words, split at spaces.
pub(crate) fn kubectl(words: &str) -> Said {
    run(&words.split_whitespace().collect::<Vec<_>>(), "")
}

/// The same with an object on standard input, for `-f -`.
pub(crate) fn kubectl_with(words: &str, object: &Value) -> Said {
    run(&words.split_whitespace().collect::<Vec<_>>(), &object.to_string())
}

/// Runs kubectl with these arguments as they are.
pub(crate) fn run(arguments: &[&str], input: &str) -> Said {
    let mut child = Command::new("kubectl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl must be on the PATH");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { is_done: output.status.success(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// The object as the API server has it; null if it has none.
pub(crate) fn get(words: &str) -> Value {
    let said = kubectl(&format!("get {words} -o json --ignore-not-found"));
    serde_json::from_str(&said.done().out).unwrap_or_default()
}

/// How long a test waits for what must happen.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, holds: impl FnMut() -> bool) {
    assert!(holds_within(SOON, holds), "never: {what}");
}

pub(crate) fn holds_within(time: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if begun.elapsed() > time {
            return false;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A Pod that breaks nothing enforced, with these fields in its container.
pub(crate) fn pod(name: &str, container: Value) -> Value {
    let image = format!("registry.example.com/shop/app:1.0@sha256:{}", "1".repeat(64));
    let mut fields = json!({"name": "app", "image": image});
    fields.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [fields]},
    })
}

/// The same, privileged.
pub(crate) fn privileged(name: &str) -> Value {
    pod(name, json!({"securityContext": {"privileged": true}}))
}

/// Something that makes pods of this template.
pub(crate) fn workload(api_version: &str, kind: &str, name: &str, pod: &Value) -> Value {
    let template = json!({"metadata": {"labels": {"app": name}}, "spec": pod["spec"]});
    let selector = json!({"matchLabels": {"app": name}});
    let mut finite = template.clone();
    finite["spec"]["restartPolicy"] = "Never".into();
    let head = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    let mut object = head;
    match kind {
        "PodTemplate" => object["template"] = template,
        "ReplicationController" => object["spec"] = json!({"selector": {"app": name}, "template": template}),
        "StatefulSet" => {
            object["spec"] = json!({"selector": selector, "serviceName": name, "template": template});
        }
        "Job" => object["spec"] = json!({"template": finite}),
        "CronJob" => {
            let job = json!({"spec": {"template": finite}});
            object["spec"] = json!({"schedule": "0 0 1 1 *", "jobTemplate": job});
        }
        _ => object["spec"] = json!({"selector": selector, "template": template}),
    }
    object
}
