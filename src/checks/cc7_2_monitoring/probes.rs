//! The requests that an audit policy is tried with: who asks for what, and how much of it must be recorded.

use super::audit_policy::{Attributes, AuditPolicy, Level, Stage, Target, User};

/// One thing that must be recorded, with the requests that it is made of.
pub(super) struct Expectation {
    /// What it is, in the plural: `changes of roles`.
    pub(super) what: &'static str,
    pub(super) least: Level,
    /// More would copy secrets into the log.
    pub(super) most: Level,
    /// The stage that must not be left out.
    pub(super) stage: Stage,
    askers: &'static [Asker],
    tried: &'static [Tried],
}

type Asker = Option<User<'static>>;

/// Requests to resources of one group, or to paths outside the API.
enum Tried {
    Resources { group: &'static str, resources: &'static [&'static str], verbs: Verbs, is_namespaced: bool },
    Paths(&'static [&'static str]),
}

type Verbs = &'static [&'static str];

const PERSON: Asker = Some(User { name: "ann", groups: &["system:authenticated"] });
const ADMINISTRATOR: Asker =
    Some(User { name: "kubernetes-admin", groups: &["system:masters", "system:authenticated"] });
const ACCOUNT: Asker = Some(User {
    name: "system:serviceaccount:shop:web",
    groups: &["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
});
const ANONYMOUS: Asker = Some(User { name: "system:anonymous", groups: &["system:unauthenticated"] });

const KNOWN: &[Asker] = &[PERSON, ADMINISTRATOR, ACCOUNT];
const ANYBODY: &[Asker] = &[PERSON, ADMINISTRATOR, ACCOUNT, ANONYMOUS];
/// Who failed to authenticate is nobody, and no rule about users or groups applies.
const NOBODY: &[Asker] = &[None];

const ALL: Verbs = &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
const WRITES: Verbs = &["create", "update", "patch", "delete", "deletecollection"];

const fn of(group: &'static str, resources: &'static [&'static str], verbs: Verbs) -> Tried {
    Tried::Resources { group, resources, verbs, is_namespaced: true }
}

const fn of_cluster(group: &'static str, resources: &'static [&'static str], verbs: Verbs) -> Tried {
    Tried::Resources { group, resources, verbs, is_namespaced: false }
}

const fn at_least(
    least: Level,
    what: &'static str,
    askers: &'static [Asker],
    tried: &'static [Tried],
) -> Expectation {
    Expectation { what, least, most: Level::RequestResponse, stage: Stage::ResponseComplete, askers, tried }
}

/// What holds credentials: that it was touched, and never its contents.
const fn without_contents(what: &'static str, tried: &'static [Tried]) -> Expectation {
    Expectation { most: Level::Metadata, ..at_least(Level::Metadata, what, KNOWN, tried) }
}

pub(super) const EXPECTATIONS: &[Expectation] = &[
    Expectation {
        stage: Stage::ResponseStarted,
        ..at_least(
            Level::Metadata,
            "failed authentications",
            NOBODY,
            &[
                of("", &["pods", "secrets"], &["get", "list", "create"]),
                of("apps", &["deployments"], &["list", "create"]),
                Tried::Paths(&["/api", "/apis"]),
            ],
        )
    },
    without_contents("requests for Secrets", &[of("", &["secrets"], ALL)]),
    without_contents("requests for ConfigMaps", &[of("", &["configmaps"], ALL)]),
    without_contents(
        "requests for tokens of service accounts",
        &[of("", &["serviceaccounts/token"], &["create"])],
    ),
    without_contents(
        "reviews of tokens",
        &[of_cluster("authentication.k8s.io", &["tokenreviews"], &["create"])],
    ),
    at_least(
        Level::Request,
        "changes of roles and bindings",
        KNOWN,
        &[
            of("rbac.authorization.k8s.io", &["roles", "rolebindings"], WRITES),
            of_cluster("rbac.authorization.k8s.io", &["clusterroles", "clusterrolebindings"], WRITES),
        ],
    ),
    at_least(
        Level::Request,
        "changes of admission control",
        KNOWN,
        &[of_cluster(
            "admissionregistration.k8s.io",
            &[
                "validatingwebhookconfigurations",
                "mutatingwebhookconfigurations",
                "validatingadmissionpolicies",
                "validatingadmissionpolicybindings",
            ],
            WRITES,
        )],
    ),
    at_least(
        Level::Request,
        "requests for certificates",
        KNOWN,
        &[
            of_cluster("certificates.k8s.io", &["certificatesigningrequests"], WRITES),
            of_cluster(
                "certificates.k8s.io",
                &["certificatesigningrequests/approval", "certificatesigningrequests/status"],
                &["update", "patch"],
            ),
        ],
    ),
    at_least(
        Level::Request,
        "changes of policies and exemptions",
        KNOWN,
        &[of_cluster("soc2gate.io", &["controlpolicies", "exemptions"], WRITES)],
    ),
    Expectation {
        stage: Stage::ResponseStarted,
        ..at_least(
            Level::Metadata,
            "ways into containers and nodes",
            KNOWN,
            &[
                of("", &["pods/exec", "pods/attach", "pods/portforward"], &["get", "create"]),
                of("", &["pods/proxy", "services/proxy"], &["get", "create", "update", "patch", "delete"]),
                of_cluster("", &["nodes/proxy"], &["get", "create", "update", "patch", "delete"]),
            ],
        )
    },
    at_least(
        Level::Metadata,
        "debug containers",
        KNOWN,
        &[of("", &["pods/ephemeralcontainers"], &["get", "update", "patch"])],
    ),
    at_least(
        Level::Metadata,
        "changes of workloads, Services and namespaces",
        KNOWN,
        &[
            of("", &["pods", "services", "replicationcontrollers"], WRITES),
            of_cluster("", &["namespaces"], &["create", "update", "patch", "delete"]),
            of("apps", &["deployments", "statefulsets", "daemonsets", "replicasets"], WRITES),
            of("batch", &["jobs", "cronjobs"], WRITES),
        ],
    ),
    at_least(
        Level::Metadata,
        "requests that no other rule names",
        ANYBODY,
        &[of("example.com", &["widgets", "widgets/scale"], ALL), Tried::Paths(&["/probe", "/logs/"])],
    ),
];

/// The namespaces and names that rules single out, beside ordinary ones.
pub(super) struct Vocabulary<'p> {
    namespaces: Vec<&'p str>,
    names: Vec<&'p str>,
}

/// More of a kind tell nothing new, and every one multiplies the requests.
const MOST: usize = 16;

impl<'p> Vocabulary<'p> {
    pub(super) fn of(policy: &'p AuditPolicy) -> Self {
        let mut own = Self { namespaces: vec!["shop", "kube-system"], names: vec!["web"] };
        for rule in policy.rules.iter() {
            let named = rule.resources.iter().flat_map(|resources| resources.resource_names.iter());
            for (list, words) in [
                (&mut own.namespaces, rule.namespaces.iter().collect::<Vec<_>>()),
                (&mut own.names, named.collect()),
            ] {
                for word in words {
                    if !word.is_empty() && list.len() < MOST && !list.contains(&&**word) {
                        list.push(word);
                    }
                }
            }
        }
        own
    }
}

impl Expectation {
    /// Every request that it is made of, in the policy's own words where they matter.
    pub(super) fn each(&self, words: &Vocabulary<'_>, mut judge: impl FnMut(&Attributes<'_>)) {
        for tried in self.tried {
            for user in self.askers.iter().copied() {
                tried.each(words, |verb, target| judge(&Attributes { user, verb, target }));
            }
        }
    }
}

impl Tried {
    fn each(&self, words: &Vocabulary<'_>, mut judge: impl FnMut(&str, Target<'_>)) {
        let (group, resources, verbs, is_namespaced) = match self {
            Self::Paths(paths) => return paths.iter().for_each(|path| judge("get", Target::Path(path))),
            Self::Resources { group, resources, verbs, is_namespaced } => {
                (*group, *resources, *verbs, *is_namespaced)
            }
        };
        for &resource in resources {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            for &verb in verbs {
                let of_all = matches!(verb, "list" | "watch");
                let everywhere = if is_namespaced && !of_all { &[][..] } else { &[""] };
                let namespaces = if is_namespaced { &words.namespaces[..] } else { &[] };
                // What names no object in its URL matches no rule about names.
                let unnamed =
                    of_all || verb == "deletecollection" || (verb == "create" && subresource.is_empty());
                let names = if unnamed { &[""][..] } else { &words.names };
                for namespace in everywhere.iter().chain(namespaces) {
                    for name in names {
                        judge(verb, Target::Resource { group, resource, subresource, namespace, name });
                    }
                }
            }
        }
    }
}
