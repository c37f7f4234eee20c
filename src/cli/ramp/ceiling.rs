//! The ceiling under which the gate runs, as its Deployment says, and the patch that takes it away.

use serde_json::{Value, json};

use crate::policy::Mode;

const FLAG: &str = "--mode-ceiling";
const VARIABLE: &str = "SOC2GATE_MODE_CEILING";

/// A ceiling, and where it is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ceiling {
    pub(super) mode: Mode,
    /// The Deployment that sets it and the JSON patch against it; none if only a flag of this command says so.
    pub(super) patch: Option<(String, Value)>,
}

/// The ceiling that a Deployment (apps/v1) sets, if it runs the gate and sets one.
pub(super) fn of_deployment(deployment: &Value) -> Option<Ceiling> {
    let name = deployment.pointer("/metadata/name")?.as_str()?;
    let containers = deployment.pointer("/spec/template/spec/containers")?.as_array()?;
    let found = containers.iter().enumerate().find_map(|(at, container)| {
        let at = format!("/spec/template/spec/containers/{at}");
        of_list(container, &at, "args")
            .or_else(|| of_list(container, &at, "command"))
            .or_else(|| of_environment(container, &at))
    });
    found.map(|(mode, operations)| Ceiling { mode, patch: Some((name.to_owned(), operations)) })
}

fn of_list(container: &Value, at: &str, list: &str) -> Option<(Mode, Value)> {
    let words = container.get(list)?.as_array()?;
    let is_flag = |word: &Value| word.as_str().is_some_and(|word| word.split('=').next() == Some(FLAG));
    let position = words.iter().position(is_flag)?;
    let flag = words.get(position)?;
    let test = |at: &str, value: &Value| json!({"op": "test", "path": at, "value": value});
    let path = format!("{at}/{list}/{position}");
    let remove = json!({"op": "remove", "path": path});
    match flag.as_str()?.split_once('=') {
        Some((_, mode)) => Some((mode.parse().ok()?, json!([test(&path, flag), remove]))),
        None => {
            let value = words.get(position + 1)?;
            let next = format!("{at}/{list}/{}", position + 1);
            // What is removed first lets the next one take its place.
            let operations = json!([test(&path, flag), test(&next, value), remove, remove]);
            Some((value.as_str()?.parse().ok()?, operations))
        }
    }
}

fn of_environment(container: &Value, at: &str) -> Option<(Mode, Value)> {
    let variables = container.get("env")?.as_array()?;
    let is_it = |variable: &Value| variable.get("name").and_then(Value::as_str) == Some(VARIABLE);
    let position = variables.iter().position(is_it)?;
    let mode = variables.get(position)?.get("value")?.as_str()?.parse().ok()?;
    let path = format!("{at}/env/{position}");
    let test = json!({"op": "test", "path": format!("{path}/name"), "value": VARIABLE});
    Some((mode, json!([test, {"op": "remove", "path": path}])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(container: Value) -> Value {
        json!({"metadata": {"name": "soc2gate"}, "spec": {"template": {"spec": {"containers": [
            {"name": "proxy", "args": ["run"]}, container,
        ]}}}})
    }

    #[test]
    fn finds_the_ceiling_wherever_a_deployment_sets_it_and_takes_away_nothing_else() {
        let at = "/spec/template/spec/containers/1";
        for (container, path, removed) in [
            (json!({"args": ["serve", "--mode-ceiling=audit"]}), "args/1", 1),
            (json!({"args": ["serve", "--mode-ceiling", "audit", "--cluster"]}), "args/1", 2),
            (json!({"command": ["soc2gate", "serve", "--mode-ceiling=audit"]}), "command/2", 1),
            (json!({"env": [{"name": "A"}, {"name": VARIABLE, "value": "audit"}]}), "env/1", 1),
        ] {
            let found = of_deployment(&deployment(container.clone())).unwrap();
            assert_eq!(found.mode, Mode::Audit);
            let (name, operations) = found.patch.unwrap();
            let removals: Vec<_> =
                operations.as_array().unwrap().iter().filter(|one| one["op"] == "remove").collect();
            assert_eq!((name.as_str(), removals.len()), ("soc2gate", removed), "{container}");
            assert!(removals.iter().all(|one| one["path"] == format!("{at}/{path}")), "{operations}");
        }
    }

    #[test]
    fn without_one_there_is_none() {
        for container in [
            json!({}),
            json!({"args": ["serve", "--mode-ceiling"]}),
            json!({"args": ["serve", "--mode-ceilings=audit"]}),
            json!({"env": [{"name": VARIABLE, "valueFrom": {}}]}),
        ] {
            assert_eq!(of_deployment(&deployment(container.clone())), None, "{container}");
        }
        assert_eq!(of_deployment(&json!({})), None);
    }
}
