//! Events about denials and the record of what was found, while the API server fails in every way.

use std::time::{Duration, Instant};

use jiff::ToSpan;
use serde_json::{Value, json};
use soc2gate::cluster::{Observer, Record, Store, Watched, today};
use tempfile::TempDir;

use super::{
    fake_api::{Asked, Door, FakeApi, Fault},
    gate::{Gate, SOON, pod},
};

struct World {
    api: FakeApi,
    door: Door,
    directory: TempDir,
}

impl World {
    fn new() -> Self {
        let api = FakeApi::start();
        for name in ["shop", "soc2gate"] {
            api.put(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        }
        let door = api.door();
        Self { api, door, directory: tempfile::tempdir().unwrap() }
    }

    async fn gate(&self, identity: &str) -> Gate {
        let kubeconfig = self.door.kubeconfig(self.directory.path());
        let gate = Gate::in_cluster(&kubeconfig, &["--identity", identity, "--scan-every", "0"]);
        gate.admin_until("/readyz", |text| text.starts_with("ready")).await;
        gate
    }

    fn events(&self) -> Vec<Value> {
        self.api.all("events.k8s.io", "events")
    }

    fn observed(&self) -> Value {
        self.api.held("", "configmaps", "soc2gate", "soc2gate-observed")["data"].clone()
    }
}

fn named(name: &str) -> Value {
    let mut pod = pod(json!({"securityContext": {"privileged": true}}));
    pod["metadata"]["name"] = json!(name);
    pod
}

fn is_about_events(asked: &Asked) -> bool {
    asked.resource == "events"
}

/// Waits until a counter has counted that many.
async fn counted(gate: &Gate, metric: &str, least: u64) {
    gate.admin_until("/metrics", |text| {
        let line = text.lines().find_map(|line| line.strip_prefix(metric));
        line.is_some_and(|count| count.trim().parse::<u64>().unwrap() >= least)
    })
    .await;
}

#[tokio::test]
async fn a_denial_becomes_an_event_and_a_dry_run_none() {
    let world = World::new();
    let gate = world.gate("one").await;
    let mut dry = super::gate::review("CREATE", &named("dry"), &Value::Null);
    dry["request"]["dryRun"] = json!(true);
    assert!(!gate.post(dry.to_string()).await.allowed());
    assert!(gate.create(&pod(json!({}))).await.allowed());
    let denied = gate.create(&named("web")).await;
    counted(&gate, "soc2gate_events_written_total", 1).await;
    let events = world.events();
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!(event["metadata"]["namespace"], "shop");
    assert_eq!(event["note"], denied.message());
    for (field, expected) in [
        ("type", "Warning"),
        ("reason", "Denied"),
        ("action", "CREATE"),
        ("reportingController", "soc2gate.io/gate"),
        ("reportingInstance", "one"),
    ] {
        assert_eq!(event[field], expected, "{field}");
    }
    assert_eq!(event["regarding"]["name"], "web");
}

#[tokio::test]
async fn what_cannot_be_written_is_dropped_and_counted_by_its_reason() {
    for (fault, reason) in [
        (Fault::Refuse(403), "refused"),
        (Fault::Refuse(404), "namespace"),
        (Fault::Refuse(429), "unreachable"),
        (Fault::Refuse(503), "unreachable"),
        (Fault::Hang, "unreachable"),
    ] {
        let world = World::new();
        let gate = world.gate("one").await;
        world.door.fails_if(move |asked| is_about_events(asked).then_some(fault));
        let begun = Instant::now();
        for n in 0..50 {
            assert!(!gate.create(&named(&format!("web-{n}"))).await.allowed());
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "reviews waited");
        counted(&gate, &format!("soc2gate_events_dropped_total{{reason=\"{reason}\"}}"), 1).await;
        let tried =
            world.api.asked().iter().filter(|asked| is_about_events(asked) && asked.is_write()).count();
        match reason {
            "unreachable" => assert_eq!(tried, 1, "{fault:?}: whoever fails is left in peace"),
            _ => assert!((1..=35).contains(&tried), "{fault:?}: {tried}"),
        }
    }
}

#[tokio::test]
async fn a_thousand_denials_make_few_events_and_one_of_what_repeats() {
    let world = World::new();
    let gate = world.gate("one").await;
    let begun = Instant::now();
    for n in 0..1_000 {
        let name = if n % 2 == 0 { "same".to_owned() } else { format!("web-{n}") };
        assert!(!gate.create(&named(&name)).await.allowed());
    }
    let most = 25 + usize::try_from(begun.elapsed().as_secs()).unwrap() + 2;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let events = world.events();
    assert!((25..=most).contains(&events.len()), "{} of at most {most}", events.len());
    let same = events.iter().filter(|event| event["regarding"]["name"] == "same").count();
    assert_eq!(same, 1);
    counted(&gate, "soc2gate_events_dropped_total{reason=\"rate\"}", 400).await;
}

#[tokio::test]
async fn replicas_merge_what_they_have_seen_and_write_it_before_they_leave() {
    let world = World::new();
    let (one, two) = (world.gate("one").await, world.gate("two").await);
    assert!(!one.create(&named("web")).await.allowed());
    let mut other = pod(json!({"ports": [{"containerPort": 80, "hostPort": 80}]}));
    other["metadata"]["namespace"] = json!("bank");
    assert!(!two.create(&other).await.allowed());
    tokio::join!(one.leave(), two.leave());
    let data = world.observed();
    let today = today();
    assert_eq!(data["found.privileged-container"], format!("{today} shop\n"));
    assert_eq!(data["found.host-port"], format!("{today} bank\n"));
    let namespaces = data["namespaces"].as_str().unwrap();
    assert!(namespaces.contains("shop") && namespaces.contains("bank"), "{namespaces}");
    let watched = data["watched"].as_str().unwrap();
    assert!(watched.starts_with(&format!("{today} {today} ")) && watched.contains(" root-user"), "{watched}");
}

fn config_map(data: Value) -> Value {
    let metadata = json!({"name": "soc2gate-observed", "namespace": "soc2gate", "labels": {"kept": "yes"}});
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
}

#[tokio::test]
async fn what_another_version_wrote_is_left_alone_and_damage_begins_anew() {
    let world = World::new();
    let store = Store::of(&world.door.cluster("one"));
    let watch = |record: &mut Record| {
        record.watched.insert("root-user".to_owned(), Watched { since: today(), last: today() });
    };
    world.api.put(&config_map(json!({"format": "2", "other": "x"})));
    let refused = store.update(watch).await.unwrap_err().to_string();
    assert!(refused.contains("the format `2`") && refused.contains("delete it"), "{refused}");
    assert_eq!(world.observed()["other"], "x");

    world.api.put(&config_map(json!({"format": "1", "watched": "nonsense"})));
    assert!(store.read().await.unwrap_err().to_string().contains("is damaged: `watched`"));
    store.update(watch).await.unwrap();
    assert_eq!(store.read().await.unwrap().unwrap().watched["root-user"].since, today());
    let labels = &world.api.held("", "configmaps", "soc2gate", "soc2gate-observed")["metadata"]["labels"];
    assert_eq!(labels["kept"], "yes");
}

#[tokio::test]
async fn of_many_who_write_at_once_nobody_loses_anything() {
    let world = World::new();
    let writers = (0..8).map(|n| {
        let store = Store::of(&world.door.cluster(&n.to_string()));
        tokio::spawn(async move {
            let add = |record: &mut Record| {
                record.namespaces.insert(format!("namespace-{n}"), today());
            };
            // Whoever was too late too often tries again, as the gate does a minute later.
            while store.update(add).await.is_err() {}
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let store = Store::of(&world.door.cluster("reader"));
    assert_eq!(store.read().await.unwrap().unwrap().namespaces.len(), 8);
}

#[tokio::test]
async fn what_was_not_written_while_the_api_server_was_away_is_written_when_it_is_back() {
    let world = World::new();
    let (observer, collecting) = Observer::new(&prometheus::Registry::new()).unwrap();
    let store = Store::of(&world.door.cluster("one"));
    let running = tokio::spawn(collecting.run(store, || vec!["host-port"]));
    observer.saw("shop", ["host-port"].into_iter());
    world.door.fails(Fault::Refuse(503));
    observer.flush().await;
    assert_eq!(world.observed(), Value::Null);
    world.door.heals();
    observer.flush().await;
    assert_eq!(world.observed()["found.host-port"], format!("{} shop\n", today()));
    running.abort();
}

#[tokio::test]
async fn a_day_on_which_nobody_watched_counts_from_the_day_after() {
    let world = World::new();
    let store = Store::of(&world.door.cluster("one"));
    let before = today().saturating_sub(20.days());
    let old = |record: &mut Record| {
        let last = today().saturating_sub(5.days());
        record.watched.insert("root-user".to_owned(), Watched { since: before, last });
        record.watched.insert("host-port".to_owned(), Watched { since: before, last: today() });
    };
    store.update(old).await.unwrap();
    world.gate("one").await.leave().await;
    let begun = Instant::now();
    loop {
        let watched = store.read().await.unwrap().unwrap().watched;
        if watched["root-user"].last == today() {
            assert_eq!((watched["root-user"].since, watched["host-port"].since), (today(), before));
            return;
        }
        assert!(begun.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
