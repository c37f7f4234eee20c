//! How a check looks at a request: the loops are written here, once, and a check sees one thing at a time.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::{
    check::{Ask, Gathering, Report},
    manifest::{Node, Unusable},
    object::{ContainerAt, ImageAt, ImagePrefix, Kind, PodAt, RuleAt, SubjectAt},
};

/// How a check looks, before its parameters are read.
pub enum Examine {
    EachPod(fn(&PodAt<'_>, &Ask<'_>, &mut Report)),
    EachContainer(fn(&ContainerAt<'_>, &Ask<'_>, &mut Report)),
    EachImage(fn(&ImageAt<'_>, &Ask<'_>, &mut Report)),
    /// Each rule of a Role or ClusterRole.
    EachRule(fn(&RuleAt<'_>, &Ask<'_>, &mut Report)),
    /// Each subject of a RoleBinding or ClusterRoleBinding.
    EachSubject(fn(&SubjectAt<'_>, &Ask<'_>, &mut Report)),
    /// The whole request, for objects of these kinds.
    Whole(Kinds, fn(&Ask<'_>, &mut Report)),
    /// Reads its parameters once, when the policy loads, and returns how to look.
    Configured(Kinds, fn(&Params<'_>) -> Result<Examiner, Unusable>),
}

type OnPod = Box<dyn Fn(&PodAt<'_>, &Ask<'_>, &mut Report) + Send + Sync>;
type OnContainer = Box<dyn Fn(&ContainerAt<'_>, &Ask<'_>, &mut Report) + Send + Sync>;
type OnImage = Box<dyn Fn(&ImageAt<'_>, &Ask<'_>, &mut Report) + Send + Sync>;
type OnRule = Box<dyn Fn(&RuleAt<'_>, &Ask<'_>, &mut Report) + Send + Sync>;
type OnSubject = Box<dyn Fn(&SubjectAt<'_>, &Ask<'_>, &mut Report) + Send + Sync>;
type OnRequest = Box<dyn Fn(&Ask<'_>, &mut Report) + Send + Sync>;

/// A check with its parameters read, ready to look.
pub enum Examiner {
    Pod(OnPod),
    Container(OnContainer),
    Image(OnImage),
    Rule(OnRule),
    Subject(OnSubject),
    Whole(OnRequest),
    /// A mandatory parameter is empty, so the check can only say that it cannot assess.
    Unfilled {
        parameter: &'static str,
    },
}

/// Which kinds a check concerns; for all others it costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// The nine kinds with a pod spec.
    PodSpecs,
    /// Those nine and these.
    PodSpecsAnd(&'static [Kind]),
    /// Role and ClusterRole.
    Roles,
    /// RoleBinding and ClusterRoleBinding.
    Bindings,
    These(&'static [Kind]),
    /// Every kind that the gate is asked about, known or not.
    Any,
}

impl Kinds {
    pub fn contains(self, kind: Kind) -> bool {
        match self {
            Self::PodSpecs => kind.has_pod_spec(),
            Self::PodSpecsAnd(others) => kind.has_pod_spec() || others.contains(&kind),
            Self::Roles => matches!(kind, Kind::Role | Kind::ClusterRole),
            Self::Bindings => matches!(kind, Kind::RoleBinding | Kind::ClusterRoleBinding),
            Self::These(kinds) => kinds.contains(&kind),
            Self::Any => true,
        }
    }
}

impl Examine {
    pub const fn kinds(&self) -> Kinds {
        match self {
            Self::EachPod(_) | Self::EachContainer(_) | Self::EachImage(_) => Kinds::PodSpecs,
            Self::EachRule(_) => Kinds::Roles,
            Self::EachSubject(_) => Kinds::Bindings,
            Self::Whole(kinds, _) | Self::Configured(kinds, _) => *kinds,
        }
    }

    /// Reads the parameters.
    ///
    /// # Errors
    /// The parameter that the check refuses, with its place in the policy.
    pub fn configure(&self, params: &Params<'_>) -> Result<Examiner, Unusable> {
        if !matches!(self, Self::Configured(..)) {
            params.read::<NoParameters>()?;
        }
        Ok(match self {
            Self::EachPod(look) => Examiner::Pod(Box::new(*look)),
            Self::EachContainer(look) => Examiner::Container(Box::new(*look)),
            Self::EachImage(look) => Examiner::Image(Box::new(*look)),
            Self::EachRule(look) => Examiner::Rule(Box::new(*look)),
            Self::EachSubject(look) => Examiner::Subject(Box::new(*look)),
            Self::Whole(_, look) => Examiner::Whole(Box::new(*look)),
            Self::Configured(_, build) => return build(params),
        })
    }
}

impl Examiner {
    /// Examines the object of `ask`.
    pub fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        let pod = || ask.object.and_then(|object| object.pod());
        match self {
            Self::Pod(look) => {
                if let Some(pod) = pod() {
                    look(&pod, ask, report);
                }
            }
            Self::Container(look) => {
                for container in pod().iter().flat_map(PodAt::containers) {
                    look(&container, ask, report);
                }
            }
            Self::Image(look) => {
                for image in pod().iter().flat_map(PodAt::images) {
                    look(&image, ask, report);
                }
            }
            Self::Rule(look) => {
                for rule in ask.object.into_iter().flat_map(|object| object.rules()) {
                    look(&rule, ask, report);
                }
            }
            Self::Subject(look) => {
                for subject in ask.object.into_iter().flat_map(|object| object.subjects()) {
                    look(&subject, ask, report);
                }
            }
            Self::Whole(look) => look(ask, report),
            Self::Unfilled { parameter } => report.not_assessable(crate::check::Missing::NotKnownHere(
                format!("the parameter `{parameter}` is empty in the policy").into(),
            )),
        }
    }
}

/// The parameters of a check, as the policy wrote them.
#[derive(Clone, Copy, Debug)]
pub struct Params<'n> {
    node: Option<&'n Node>,
    standard: bool,
    home: Home<'n>,
    gathering: Option<&'n Gathering>,
}

/// Where the gate itself lives, for the checks that keep it.
#[derive(Clone, Copy, Debug)]
pub struct Home<'n> {
    pub namespace: &'n str,
    /// The groups whose members install and upgrade it, beside those that a policy names.
    pub installers: &'n [String],
}

impl Default for Home<'_> {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Home<'_> {
    /// As the manifests have it.
    pub const DEFAULT: Self = Self { namespace: crate::installation::NAMESPACE, installers: &[] };
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NoParameters {}

impl<'n> Params<'n> {
    /// None given: the defaults of the catalogue.
    pub const DEFAULT: Self = Self { node: None, standard: false, home: Home::DEFAULT, gathering: None };

    /// The letter of the standard that the check is a control of, whatever a policy says.
    pub const STANDARD: Self = Self { standard: true, ..Self::DEFAULT };

    pub const fn of(node: &'n Node) -> Self {
        Self { node: Some(node), ..Self::DEFAULT }
    }

    /// The same for a gate that lives there.
    #[must_use]
    pub const fn at(self, home: Home<'n>) -> Self {
        Self { home, ..self }
    }

    /// The same, leaving with `gathering` what registries are to be asked for.
    #[must_use]
    pub const fn gathering(self, gathering: &'n Gathering) -> Self {
        Self { gathering: Some(gathering), ..self }
    }

    /// Says that signatures by this key count: its fingerprint and its SubjectPublicKeyInfo (DER).
    pub fn wants_key(&self, fingerprint: &Arc<str>, key: &Arc<[u8]>) {
        if let Some(gathering) = self.gathering {
            gathering.borrow_mut().keys.insert(fingerprint.clone(), key.clone());
        }
    }

    /// Says that images may come from here, so that its registry may be asked about them.
    pub fn wants_registry(&self, prefix: &ImagePrefix) {
        if let Some(gathering) = self.gathering {
            gathering.borrow_mut().registries.push(prefix.clone());
        }
    }

    /// Where the gate lives, unless a parameter says otherwise.
    pub const fn home(&self) -> Home<'n> {
        self.home
    }

    /// Whether the letter of the standard is asked for, without our own refinements.
    pub const fn is_standard(&self) -> bool {
        self.standard
    }

    /// Reads them into the check's own type, which refuses unknown fields.
    ///
    /// # Errors
    /// The field that does not fit, with its place in the policy.
    pub fn read<T: DeserializeOwned + Default>(&self) -> Result<T, Unusable> {
        self.node.map_or_else(|| Ok(T::default()), |node| T::deserialize(node))
    }

    /// A refusal of a parameter that parses but makes no sense.
    pub fn refuse(&self, message: impl Into<String>) -> Unusable {
        let (line, column) = self.node.map_or((0, 0), |node| (node.place.line, node.place.column));
        Unusable { file: String::new(), line, column, message: message.into() }
    }
}
