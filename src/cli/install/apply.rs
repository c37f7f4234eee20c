//! Applies an installation in an order in which nothing ever waits for a gate that is not there.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::plan::{Effect, MANAGER, plan};
use crate::{
    cli::{
        access::{Access, explain},
        tell,
    },
    cluster::{Id, Objects},
    installation::{Entry, Wanted},
};

/// How often is looked whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Tells what will change and, unless this is a dry run, changes it.
///
/// # Errors
/// What stood in the way, in words.
pub(super) fn run(
    access: &Access,
    wanted: &Wanted,
    objects: &[Value],
    left_out: &[Value],
    dry_run: bool,
    timeout: Duration,
) -> Result<(), String> {
    access.connected(async |client| {
        let mut cluster = Objects::new(client);
        let plan = plan(&mut cluster, objects, left_out).await?;
        for (effect, id) in &plan {
            tell(format_args!("{effect:<9} {id}"));
        }
        if dry_run {
            return Ok(());
        }
        if plan.iter().all(|(effect, _)| *effect == Effect::Keep) {
            tell("everything is as it should be");
        }
        let removed = plan.into_iter().filter(|(effect, _)| *effect == Effect::Remove).map(|(_, id)| id);
        Installing { cluster, wanted, timeout }.install(objects, removed.collect()).await
    })
}

struct Installing<'w> {
    cluster: Objects,
    wanted: &'w Wanted,
    timeout: Duration,
}

impl Installing<'_> {
    async fn install(mut self, objects: &[Value], removed: Vec<Id>) -> Result<(), String> {
        let is_registration = |object: &&Value| Id::of(object).kind == "ValidatingWebhookConfiguration";
        for object in objects {
            if !is_registration(&object) {
                self.apply(object).await?;
                continue;
            }
            // A gate that has never answered must not be waited for, and a running one must not be left unasked meanwhile.
            let waited_for = self.waited_for(&Id::of(object)).await?;
            let early = with_fail_closed(object, &(&waited_for & &self.wanted.fail_closed));
            self.apply(&early).await?;
            if early != *object {
                self.until_it_answers(&Id::of(object)).await?;
                self.apply(object).await?;
            }
        }
        for id in removed {
            self.cluster.delete(&id).await.map_err(|error| format!("{id}: {}", explain(&error)))?;
        }
        tell(format_args!("installed in {} mode", self.wanted.ceiling));
        Ok(())
    }

    async fn apply(&mut self, object: &Value) -> Result<(), String> {
        let id = Id::of(object);
        let refused = |error| format!("{id}: {}", explain(&error));
        let applied = self.cluster.apply(object, MANAGER, false).await.map_err(refused)?;
        if applied.is_none() {
            return Err(format!("{id}: the cluster serves no such kind any more: run it again"));
        }
        if id.kind == "CustomResourceDefinition" {
            self.until(&id, "the API server does not serve the definition", is_established).await?;
        }
        Ok(())
    }

    /// The entries of the registration as it is for which the cluster waits already.
    async fn waited_for(&mut self, id: &Id) -> Result<BTreeSet<Entry>, String> {
        let live = self.cluster.get(id).await.map_err(|error| format!("{id}: {}", explain(&error)))?;
        let live = live.unwrap_or_default();
        Ok(Entry::ALL.into_iter().filter(|entry| waits(&live, *entry)).collect())
    }

    /// Waits until the API server can reach the gate: replicas that answer, and a CA to know them by.
    async fn until_it_answers(&mut self, registration: &Id) -> Result<(), String> {
        let namespace = &self.wanted.namespace;
        let deployment = Id {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: namespace.clone(),
            name: "soc2gate".to_owned(),
        };
        let how = format!(
            "the gate does not answer yet, so that nothing waits for it: look at `kubectl -n {namespace} get pods`, then run \
             this again"
        );
        let replicas = u64::from(self.wanted.replicas.min(2));
        self.until(&deployment, &how, |live| is_available(live, replicas)).await?;
        let how = "no CA has been written into its `caBundle`, so that nothing waits for it: look at the log of the gate, \
                   or of cert-manager, then run this again";
        self.until(registration, how, has_ca).await
    }

    async fn until(&mut self, id: &Id, how: &str, has_come: impl Fn(&Value) -> bool) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let live = self.cluster.get(id).await.map_err(|error| format!("{id}: {}", explain(&error)))?;
            if live.as_ref().is_some_and(&has_come) {
                return Ok(());
            }
            if begun.elapsed() >= self.timeout {
                return Err(format!("{id}: {how}"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// The registration with exactly these entries waiting.
fn with_fail_closed(registration: &Value, entries: &BTreeSet<Entry>) -> Value {
    let mut registration = registration.clone();
    let webhooks = registration.get_mut("webhooks").and_then(Value::as_array_mut);
    for webhook in webhooks.into_iter().flatten().filter_map(Value::as_object_mut) {
        let waits = entries.iter().any(|entry| webhook.get("name") == Some(&json!(entry.webhook())));
        webhook.insert("failurePolicy".to_owned(), if waits { "Fail" } else { "Ignore" }.into());
    }
    registration
}

fn webhooks(registration: &Value) -> impl Iterator<Item = &Value> {
    registration.get("webhooks").and_then(Value::as_array).into_iter().flatten()
}

fn waits(registration: &Value, entry: Entry) -> bool {
    let name = json!(entry.webhook());
    webhooks(registration).any(|webhook| {
        webhook.get("name") == Some(&name) && webhook.get("failurePolicy") == Some(&json!("Fail"))
    })
}

fn has_ca(registration: &Value) -> bool {
    let ca = |webhook: &Value| Some(!webhook.get("clientConfig")?.get("caBundle")?.as_str()?.is_empty());
    webhooks(registration).all(|webhook| ca(webhook).unwrap_or(false))
}

/// Whether so many pods of the Deployment's present template are ready.
fn is_available(deployment: &Value, replicas: u64) -> bool {
    let number = |part: &str, field: &str| deployment.get(part)?.get(field)?.as_u64();
    let available = number("status", "availableReplicas").unwrap_or(0);
    let updated = number("status", "updatedReplicas").unwrap_or(0);
    number("status", "observedGeneration") >= number("metadata", "generation")
        && available.min(updated) >= replicas
}

/// Whether the API server serves what a definition defines.
fn is_established(definition: &Value) -> bool {
    let conditions = definition.get("status").and_then(|status| status.get("conditions"));
    let holds = |condition: &Value| {
        condition.get("type") == Some(&json!("Established"))
            && condition.get("status") == Some(&json!("True"))
    };
    conditions.and_then(Value::as_array).is_some_and(|conditions| conditions.iter().any(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(policies: &[(&str, &str)], ca: Option<&str>) -> Value {
        let webhook = |(name, policy): &(&str, &str)| json!({"name": format!("{name}.soc2gate.io"), "failurePolicy": policy, "clientConfig": {"caBundle": ca}});
        json!({"webhooks": policies.iter().map(webhook).collect::<Vec<_>>()})
    }

    #[test]
    fn an_entry_waits_where_it_says_fail() {
        let live = registration(&[("guard", "Fail"), ("access", "Ignore")], None);
        assert!(waits(&live, Entry::Guard));
        assert!(!waits(&live, Entry::Access) && !waits(&live, Entry::Workloads));
        assert!(!waits(&Value::Null, Entry::Guard));
        let changed = with_fail_closed(&live, &BTreeSet::from([Entry::Access]));
        assert_eq!(changed, registration(&[("guard", "Ignore"), ("access", "Fail")], None));
    }

    #[test]
    fn a_registration_without_a_ca_reaches_nobody() {
        assert!(has_ca(&registration(&[("guard", "Fail"), ("access", "Fail")], Some("Y2E="))));
        assert!(!has_ca(&registration(&[("guard", "Fail")], Some(""))));
        assert!(!has_ca(&registration(&[("guard", "Fail")], None)));
    }

    #[test]
    fn a_deployment_is_available_when_its_present_template_is() {
        let deployment = |generation: u64, observed: u64, updated: u64, available: u64| {
            json!({
                "metadata": {"generation": generation},
                "status": {"observedGeneration": observed, "updatedReplicas": updated, "availableReplicas": available},
            })
        };
        assert!(is_available(&deployment(2, 2, 2, 2), 2));
        assert!(!is_available(&deployment(3, 2, 2, 2), 2), "the change has not been looked at");
        assert!(!is_available(&deployment(2, 2, 1, 2), 2), "one is of the template before");
        assert!(!is_available(&deployment(2, 2, 2, 1), 2));
        assert!(!is_available(&json!({"metadata": {"generation": 1}}), 1));
    }

    #[test]
    fn a_definition_is_served_once_it_is_established() {
        let definition =
            |status: &str| json!({"status": {"conditions": [{"type": "Established", "status": status}]}});
        assert!(is_established(&definition("True")));
        assert!(!is_established(&definition("False")) && !is_established(&Value::Null));
    }
}
