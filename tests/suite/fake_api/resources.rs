//! Which resources the fake API server serves: the usual ones, and those of definitions.

use serde_json::{Value, json};

use super::store::now;

/// A resource as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
    pub(crate) kind: String,
    pub(crate) is_namespaced: bool,
    /// Its status is written through the subresource only.
    pub(crate) has_status: bool,
    /// Who replaces one must say which version they read, and items of its lists tell their kind.
    pub(crate) is_custom: bool,
}

impl Resource {
    /// A custom one in namespaces, with a status of its own.
    pub(crate) fn new(api_version: &str, kind: &str, plural: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            kind: kind.to_owned(),
            is_namespaced: true,
            has_status: true,
            is_custom: true,
        }
    }

    /// Its objects are in no namespace.
    pub(crate) fn cluster_wide(self) -> Self {
        Self { is_namespaced: false, ..self }
    }

    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// As errors name it: `leases.coordination.k8s.io`.
    pub(super) fn full_name(&self) -> String {
        [&*self.plural, &*self.group].join(".").trim_end_matches('.').to_owned()
    }
}

/// In namespaces: API version, resources with their kinds.
const IN_NAMESPACES: [(&str, &str); 9] = [
    (
        "v1",
        "pods=Pod services=Service configmaps=ConfigMap secrets=Secret serviceaccounts=ServiceAccount \
         events=Event limitranges=LimitRange resourcequotas=ResourceQuota podtemplates=PodTemplate \
         replicationcontrollers=ReplicationController persistentvolumeclaims=PersistentVolumeClaim",
    ),
    (
        "apps/v1",
        "deployments=Deployment statefulsets=StatefulSet daemonsets=DaemonSet replicasets=ReplicaSet",
    ),
    ("batch/v1", "jobs=Job cronjobs=CronJob"),
    ("coordination.k8s.io/v1", "leases=Lease"),
    ("events.k8s.io/v1", "events=Event"),
    ("networking.k8s.io/v1", "networkpolicies=NetworkPolicy ingresses=Ingress"),
    ("rbac.authorization.k8s.io/v1", "roles=Role rolebindings=RoleBinding"),
    ("policy/v1", "poddisruptionbudgets=PodDisruptionBudget"),
    ("autoscaling/v2", "horizontalpodautoscalers=HorizontalPodAutoscaler"),
];

/// In none.
const CLUSTER_WIDE: [(&str, &str); 6] = [
    ("v1", "namespaces=Namespace nodes=Node persistentvolumes=PersistentVolume"),
    ("rbac.authorization.k8s.io/v1", "clusterroles=ClusterRole clusterrolebindings=ClusterRoleBinding"),
    ("storage.k8s.io/v1", "storageclasses=StorageClass"),
    ("apiextensions.k8s.io/v1", "customresourcedefinitions=CustomResourceDefinition"),
    (
        "admissionregistration.k8s.io/v1",
        "validatingwebhookconfigurations=ValidatingWebhookConfiguration \
         validatingadmissionpolicies=ValidatingAdmissionPolicy \
         validatingadmissionpolicybindings=ValidatingAdmissionPolicyBinding",
    ),
    ("certificates.k8s.io/v1", "certificatesigningrequests=CertificateSigningRequest"),
];

/// Of these the status is a part like any other.
const WITHOUT_STATUS: [&str; 11] = [
    "configmaps",
    "secrets",
    "serviceaccounts",
    "events",
    "leases",
    "roles",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
    "networkpolicies",
    "storageclasses",
];

pub(super) fn built_in() -> Vec<Resource> {
    let in_namespaces = IN_NAMESPACES.iter().map(|(api, list)| (true, api, list));
    let all = in_namespaces.chain(CLUSTER_WIDE.iter().map(|(api, list)| (false, api, list)));
    all.flat_map(|(is_namespaced, api, list)| {
        list.split_whitespace().filter_map(|pair| pair.split_once('=')).map(move |(plural, kind)| {
            let has_status = !WITHOUT_STATUS.contains(&plural);
            Resource { is_namespaced, has_status, is_custom: false, ..Resource::new(api, kind, plural) }
        })
    })
    .collect()
}

/// The resources that a definition defines, one for each version that is served.
pub(super) fn defined(definition: &Value) -> Vec<Resource> {
    let spec = &definition["spec"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let versions = spec["versions"].as_array().into_iter().flatten();
    let served = versions.filter(|version| version["served"] == true);
    served
        .map(|version| {
            let api_version = format!("{}/{}", word(&spec["group"]), word(&version["name"]));
            let names = [&spec["names"]["kind"], &spec["names"]["plural"]].map(word);
            Resource {
                is_namespaced: spec["scope"] == "Namespaced",
                has_status: version["subresources"].get("status").is_some(),
                ..Resource::new(&api_version, &names[0], &names[1])
            }
        })
        .collect()
}

/// What a definition's controller writes when all is well.
pub(super) fn established(definition: &Value) -> Value {
    let condition = |kind: &str| {
        json!({
            "type": kind, "status": "True", "reason": "Fine", "message": "", "lastTransitionTime": now(),
        })
    };
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    let stored: Vec<_> =
        versions.filter(|version| version["storage"] == true).map(|one| &one["name"]).collect();
    json!({
        "conditions": [condition("NamesAccepted"), condition("Established")],
        "acceptedNames": definition["spec"]["names"],
        "storedVersions": stored,
    })
}

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// The groups with their versions, each in the order it was given.
fn by_group(resources: &[Resource]) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for Resource { group, version, .. } in resources {
        match groups.iter_mut().find(|(known, _)| known == group) {
            Some((_, versions)) if versions.contains(&&**version) => {}
            Some((_, versions)) => versions.push(version),
            None => groups.push((group, vec![version])),
        }
    }
    groups
}

fn of<'a>(resources: &'a [Resource], group: &'a str, version: &'a str) -> impl Iterator<Item = &'a Resource> {
    resources.iter().filter(move |resource| resource.group == group && resource.version == version)
}

/// Aggregated discovery, of the core group or of all others.
pub(super) fn aggregated(resources: &[Resource], is_core: bool) -> Value {
    let resource = |resource: &Resource| {
        let kind = json!({"group": resource.group, "version": resource.version, "kind": resource.kind});
        let status =
            json!({"subresource": "status", "responseKind": kind, "verbs": ["get", "patch", "update"]});
        json!({
            "resource": resource.plural, "responseKind": kind, "verbs": VERBS,
            "scope": if resource.is_namespaced { "Namespaced" } else { "Cluster" },
            "singularResource": resource.kind.to_lowercase(),
            "subresources": resource.has_status.then_some(status).into_iter().collect::<Vec<_>>(),
        })
    };
    let groups = by_group(resources).into_iter().filter(|(group, _)| group.is_empty() == is_core);
    let items = groups.map(|(group, versions)| {
        let versions = versions.into_iter().map(|version| {
            let resources: Vec<_> = of(resources, group, version).map(resource).collect();
            json!({"version": version, "freshness": "Current", "resources": resources})
        });
        json!({"metadata": {"name": group}, "versions": versions.collect::<Vec<_>>()})
    });
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
        "items": items.collect::<Vec<_>>(),
    })
}

/// The groups, the core one aside.
pub(super) fn groups(resources: &[Resource]) -> Value {
    let groups = by_group(resources).into_iter().filter(|(group, _)| !group.is_empty());
    let groups = groups.map(|(group, versions)| {
        let version =
            |version: &&str| json!({"groupVersion": format!("{group}/{version}"), "version": version});
        let versions: Vec<_> = versions.iter().map(version).collect();
        json!({"name": group, "versions": versions, "preferredVersion": versions[0]})
    });
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups.collect::<Vec<_>>()})
}

/// The resources of one version of a group, if it is served.
pub(super) fn listed(resources: &[Resource], group: &str, version: &str) -> Option<Value> {
    let mut list = Vec::new();
    for resource in of(resources, group, version) {
        let one = |name: String, verbs: &[&str]| {
            json!({
                "name": name, "singularName": "", "namespaced": resource.is_namespaced,
                "kind": resource.kind, "verbs": verbs,
            })
        };
        list.push(one(resource.plural.clone(), &VERBS));
        if resource.has_status {
            list.push(one(format!("{}/status", resource.plural), &["get", "patch", "update"]));
        }
    }
    let api_version = of(resources, group, version).next()?.api_version();
    Some(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": list}),
    )
}
