//! The fake API server, as the gate's own client sees it.

use std::{pin::pin, time::Duration};

use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::{
    apps::v1::Deployment,
    coordination::v1::Lease,
    core::v1::{ConfigMap, Pod},
};
use kube::{
    Api, Client, Discovery, ResourceExt,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    core::{ApiResource, GroupVersionKind, PartialObjectMeta},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};
use soc2gate::cluster::{Raw, Resources};

use super::{Asked, Door, FakeApi, Fault, Resource};

const SOON: Duration = Duration::from_secs(10);

fn started() -> (FakeApi, Door, Client) {
    let api = FakeApi::start();
    let door = api.door();
    let client = door.client();
    (api, door, client)
}

fn config_map(name: &str, value: &str) -> ConfigMap {
    let object = json!({"metadata": {"name": name, "labels": {"team": name}}, "data": {"key": value}});
    serde_json::from_value(object).unwrap()
}

fn shop(client: &Client) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), "shop")
}

fn code<T: std::fmt::Debug>(outcome: kube::Result<T>) -> u16 {
    match outcome {
        Err(kube::Error::Api(status)) => status.code,
        other => panic!("{other:?}"),
    }
}

/// What comes next; panics if nothing comes.
async fn next<T>(stream: &mut (impl Stream<Item = T> + Unpin)) -> T {
    tokio::time::timeout(SOON, stream.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn tells_what_it_serves_in_both_ways_and_learns_from_definitions() {
    let (api, door, client) = started();
    api.unserve("batch", "cronjobs");
    api.serve(Resource::new("example.com/v1", "Fleet", "fleets").cluster_wide());
    api.serve(Resource::new("gateway.networking.k8s.io/v1", "Gateway", "gateways"));
    api.put(&json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "exemptions.soc2gate.io"},
        "spec": {
            "group": "soc2gate.io", "scope": "Cluster", "names": {"kind": "Exemption", "plural": "exemptions"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}}],
        },
    }));
    let resources = Resources::discover(&door.cluster("a").client).await.unwrap();
    assert!(resources.get("apps", "deployments").unwrap().is_namespaced);
    assert!(!resources.get("example.com", "fleets").unwrap().is_namespaced);
    assert!(!resources.get("", "namespaces").unwrap().is_namespaced);
    assert!(!resources.get("soc2gate.io", "exemptions").unwrap().is_namespaced);
    assert_eq!(resources.get("gateway.networking.k8s.io", "gateways").unwrap().api.kind, "Gateway");
    assert!(resources.get("batch", "cronjobs").is_none() && resources.get("batch", "jobs").is_some());
    let classic = Discovery::new(client.clone()).run().await.unwrap();
    let kind = GroupVersionKind::gvk("apps", "v1", "Deployment");
    assert_eq!(classic.resolve_gvk(&kind).unwrap().0.plural, "deployments");
    let definition =
        api.held("apiextensions.k8s.io", "customresourcedefinitions", "", "exemptions.soc2gate.io");
    assert_eq!(definition["status"]["conditions"][1]["type"], "Established");
    assert_eq!(client.apiserver_version().await.unwrap().minor, "33");
}

#[tokio::test]
async fn creates_replaces_and_deletes_as_kubernetes_does() {
    let (api, _door, client) = started();
    let (maps, params) = (shop(&client), PostParams::default());
    let first = maps.create(&params, &config_map("a", "1")).await.unwrap();
    assert!(first.uid().is_some() && first.creation_timestamp().is_some());
    assert_eq!(first.namespace().as_deref(), Some("shop"));
    assert_eq!(code(maps.create(&params, &config_map("a", "1")).await), 409);
    assert_eq!(code(maps.replace("b", &params, &config_map("b", "1")).await), 404);
    let mut second = first.clone();
    second.data.get_or_insert_default().insert("key".to_owned(), "2".to_owned());
    let second = maps.replace("a", &params, &second).await.unwrap();
    assert_ne!(second.resource_version(), first.resource_version());
    assert_eq!(code(maps.replace("a", &params, &first).await), 409);
    // What changes nothing makes no new version.
    let again = maps.replace("a", &params, &second).await.unwrap();
    assert_eq!(again.resource_version(), second.resource_version());
    let named: ConfigMap = serde_json::from_value(json!({"metadata": {"generateName": "made-"}})).unwrap();
    assert!(maps.create(&params, &named).await.unwrap().name_any().starts_with("made-0"));
    assert_eq!(code(maps.create(&params, &ConfigMap::default()).await), 422);
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    maps.create(&dry, &config_map("dry", "1")).await.unwrap();
    assert_eq!(code(maps.get("dry").await), 404);
    let stale = DeleteParams::default()
        .preconditions(kube::api::Preconditions { resource_version: first.resource_version(), uid: None });
    assert_eq!(code(maps.delete("a", &stale).await), 409);
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    assert_eq!(api.held("", "configmaps", "shop", "a"), Value::Null);
    let verbs: Vec<_> = api.writes().iter().map(|asked| asked.verb).collect();
    assert_eq!(verbs.iter().filter(|verb| **verb == "create").count(), 4, "{verbs:?}");
    // Somebody who hinders a deletion is waited for.
    let mut held = config_map("held", "1");
    held.metadata.finalizers = Some(vec!["example.com/wait".to_owned()]);
    maps.create(&params, &held).await.unwrap();
    maps.delete("held", &DeleteParams::default()).await.unwrap();
    assert!(maps.get("held").await.unwrap().metadata.deletion_timestamp.is_some());
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    maps.patch("held", &PatchParams::default(), &release).await.unwrap();
    assert_eq!(code(maps.get("held").await), 404);
    maps.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    assert_eq!(api.all("", "configmaps"), Vec::<Value>::new());
}

#[tokio::test]
async fn patches_in_each_of_the_ways() {
    let (_api, _door, client) = started();
    let (maps, params) = (shop(&client), PatchParams::default());
    maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let data = |patched: kube::Result<ConfigMap>| patched.unwrap().data.unwrap_or_default();
    let json_patch = |steps: Value| Patch::<()>::Json(serde_json::from_value(steps).unwrap());
    let steps = json!([
        {"op": "test", "path": "/data/key", "value": "1"},
        {"op": "add", "path": "/data/a~1b", "value": "x"},
        {"op": "move", "from": "/data/key", "path": "/data/moved"},
    ]);
    let after = data(maps.patch("a", &params, &json_patch(steps.clone())).await);
    assert_eq!(
        after.into_iter().collect::<Vec<_>>(),
        [("a/b", "x"), ("moved", "1")].map(|(k, v)| (k.into(), v.into()))
    );
    assert_eq!(code(maps.patch("a", &params, &json_patch(steps)).await), 422);
    let merge = Patch::Merge(json!({"data": {"moved": null, "more": "2"}}));
    assert_eq!(data(maps.patch("a", &params, &merge).await).len(), 2);
    let stale = Patch::Merge(json!({"metadata": {"resourceVersion": "1"}, "data": {"more": "3"}}));
    assert_eq!(code(maps.patch("a", &params, &stale).await), 409);
    // Applying creates what is not there, and merges lists by name.
    let applied = |image: &str, name: &str| {
        let container = json!({"name": name, "image": image});
        Patch::Apply(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"selector": {}, "template": {"spec": {"containers": [container]}}},
        }))
    };
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "shop");
    let apply = PatchParams::apply("soc2gate").force();
    let first = deployments.patch("web", &apply, &applied("app:1", "app")).await.unwrap();
    deployments.patch("web", &apply, &applied("log:1", "log")).await.unwrap();
    let second = deployments.patch("web", &apply, &applied("app:2", "app")).await.unwrap();
    let pod = second.spec.unwrap().template.spec.unwrap();
    assert_eq!(
        pod.containers.iter().map(|one| one.image.clone().unwrap()).collect::<Vec<_>>(),
        ["app:2", "log:1"]
    );
    assert_eq!((first.metadata.generation, second.metadata.generation), (Some(1), Some(3)));
    // The status is written by itself, and nothing else with it.
    let status = Patch::Merge(json!({"spec": {"replicas": 9}, "status": {"replicas": 1}}));
    let third = deployments.patch_status("web", &params, &status).await.unwrap();
    assert_eq!((third.status.unwrap().replicas, third.spec.unwrap().replicas), (Some(1), None));
    let main =
        deployments.patch("web", &params, &Patch::Merge(json!({"status": {"replicas": 7}}))).await.unwrap();
    assert_eq!((main.status.unwrap().replicas, main.metadata.generation), (Some(1), Some(3)));
    assert_eq!(code(maps.patch_status("a", &params, &status).await), 404);
}

#[tokio::test]
async fn lists_in_pieces_by_selectors_and_metadata_alone() {
    let (api, _door, client) = started();
    for number in 0..5 {
        shop(&client).create(&PostParams::default(), &config_map(&format!("m{number}"), "1")).await.unwrap();
    }
    let maps: Api<ConfigMap> = Api::all(client.clone());
    let first = maps.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!((first.items.len(), first.metadata.remaining_item_count), (2, Some(3)));
    // A list that is read in pieces is that of its beginning.
    shop(&client).create(&PostParams::default(), &config_map("m9", "1")).await.unwrap();
    let token = first.metadata.continue_.unwrap();
    let rest = maps.list(&ListParams::default().continue_token(&token)).await.unwrap();
    assert_eq!((rest.items.len(), rest.metadata.resource_version), (3, first.metadata.resource_version));
    api.expire_continue_tokens();
    assert_eq!(code(maps.list(&ListParams::default().continue_token(&token)).await), 410);
    for (labels, fields, count) in [
        ("team=m1", "", 1),
        ("team!=m1", "", 5),
        ("team in (m1, m2),team notin (m2)", "", 1),
        ("team,!other", "", 6),
        ("", "metadata.name=m3", 1),
        ("", "metadata.name!=m3,metadata.namespace=shop", 5),
    ] {
        let params = ListParams::default().labels(labels).fields(fields);
        assert_eq!(maps.list(&params).await.unwrap().items.len(), count, "{labels} {fields}");
    }
    assert_eq!(maps.list_metadata(&ListParams::default()).await.unwrap().items.len(), 6);
    let one = shop(&client).get_metadata("m1").await.unwrap();
    assert_eq!(one.types.unwrap().kind, "PartialObjectMetadata");
    let pods = Resources::discover(&client).await.unwrap();
    let raw: Api<Raw> = pods.get("", "configmaps").unwrap().everywhere(&client);
    assert!(!raw.list(&ListParams::default()).await.unwrap().items[0].json().contains("apiVersion"));
}

#[tokio::test]
async fn watches_tell_what_comes_into_and_leaves_the_selection() {
    let (api, _door, client) = started();
    let pod = |name: &str, team: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "labels": {"team": team}}, "spec": {"containers": []},
        })
    };
    api.put(&pod("a", "x"));
    let pods: Api<Pod> = Api::all(client.clone());
    let since = pods.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let params = WatchParams::default().labels("team=x").timeout(2);
    let mut events = pin!(pods.watch(&params, &since).await.unwrap());
    api.put(&pod("b", "x"));
    api.put(&pod("a", "y"));
    api.put(&pod("c", "y"));
    let mut told = Vec::new();
    let mut bookmarks = 0;
    while let Some(event) = events.try_next().await.unwrap() {
        match event {
            WatchEvent::Added(pod) => told.push(format!("added {}", pod.name_any())),
            WatchEvent::Deleted(pod) => told.push(format!("deleted {}", pod.name_any())),
            WatchEvent::Bookmark(_) => bookmarks += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, ["added b", "deleted a"]);
    assert!(bookmarks > 0);
}

/// Waits until this name is told.
async fn until(stream: &mut (impl Stream<Item = watcher::Result<String>> + Unpin), name: &str) {
    while next(stream).await.ok().as_deref() != Some(name) {}
}

#[tokio::test]
async fn watchers_stay_current_through_drops_and_forgotten_history() {
    let (api, _door, client) = started();
    let object = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}});
    api.put(&object("a"));
    let whole: Api<ConfigMap> = Api::all(client.clone());
    let resource = ApiResource::erase::<ConfigMap>(&());
    let metadata: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(client.clone(), &resource);
    let config = || watcher::Config::default().timeout(2);
    let lists = watcher(whole, config()).default_backoff().applied_objects().map_ok(|map| map.name_any());
    let streams = watcher(metadata, config().streaming_lists()).default_backoff().applied_objects();
    let streams = streams.map_ok(|map| map.name_any());
    let (mut lists, mut streams) = (lists.boxed(), streams.boxed());
    for (number, trouble) in [
        |_: &FakeApi| {},
        FakeApi::drop_watches,
        |api: &FakeApi| {
            api.forget_history();
            api.drop_watches();
        },
    ]
    .iter()
    .enumerate()
    {
        let name = format!("new-{number}");
        trouble(&api);
        api.put(&object(&name));
        until(&mut lists, &name).await;
        until(&mut streams, &name).await;
    }
    let watches = api.asked().into_iter().filter(|asked| asked.verb == "watch");
    assert!(watches.filter(|asked| asked.query.contains("sendInitialEvents=true")).count() >= 2);
}

#[tokio::test]
async fn fails_on_demand_at_one_door_and_not_at_the_other() {
    let (api, door, client) = started();
    let other = shop(&api.door().client());
    let maps = shop(&client);
    door.fails_if(|asked| (asked.verb == "create").then_some(Fault::Refuse(403)));
    assert_eq!(code(maps.create(&PostParams::default(), &config_map("a", "1")).await), 403);
    maps.list(&ListParams::default()).await.unwrap();
    other.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    let soon = Duration::from_millis(200);
    for fault in [Fault::Hang, Fault::LoseAnswer, Fault::Refuse(503), Fault::Refuse(429)] {
        door.fails(fault);
        let name = format!("{fault:?}").to_lowercase().replace(['(', ')'], "");
        let written = config_map(&name, "1");
        let params = PostParams::default();
        let create = maps.create(&params, &written);
        assert!(tokio::time::timeout(soon, create).await.is_err(), "{fault:?} is waited for");
        let was_done = other.get_opt(&name).await.unwrap().is_some();
        assert_eq!(was_done, fault == Fault::LoseAnswer, "{fault:?}");
    }
    door.fails(Fault::Delay(soon));
    let begun = std::time::Instant::now();
    maps.get("a").await.unwrap();
    assert!(begun.elapsed() >= soon);
    // A watch behind a cut network says nothing, and all of it when the network is back.
    door.heals();
    let mut events = pin!(maps.watch(&WatchParams::default(), "0").await.unwrap());
    while !matches!(next(&mut events).await.unwrap(), WatchEvent::Added(map) if map.name_any() == "loseanswer")
    {
    }
    door.fails(Fault::Hang);
    other.create(&PostParams::default(), &config_map("late", "1")).await.unwrap();
    assert!(tokio::time::timeout(soon, events.next()).await.is_err());
    door.heals();
    while !matches!(next(&mut events).await.unwrap(), WatchEvent::Added(map) if map.name_any() == "late") {}
}

#[tokio::test]
async fn a_kubeconfig_leads_to_it_and_every_request_is_kept() {
    let (api, door, _client) = started();
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = kube::config::Kubeconfig::read_from(door.kubeconfig(directory.path())).unwrap();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default()).await.unwrap();
    let leases: Api<Lease> = Api::namespaced(Client::try_from(config).unwrap(), "soc2gate");
    let lease: Lease = serde_json::from_value(json!({"metadata": {"name": "one"}, "spec": {}})).unwrap();
    leases.create(&PostParams::default(), &lease).await.unwrap();
    // Nobody replaces a Lease without having read it.
    assert_eq!(code(leases.replace("one", &PostParams::default(), &lease).await), 422);
    let asked: Vec<_> = api.asked();
    let Asked { verb, group, resource, namespace, name, .. } = &asked[1];
    let told = [*verb, group, resource, namespace, name];
    assert_eq!(told, ["update", "coordination.k8s.io", "leases", "soc2gate", "one"]);
    assert_eq!(asked[0].name, "");
    assert!(!asked[0].content_type.is_empty());
}
