//! Asks that every container says what it needs and how much memory it may take.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Amounts, ContainerAt, ContainerList, IntOrString, LimitRange, Map, Quantity, Resources},
};

pub(super) const CHECK: Check = Check {
    id: "unbounded-resources",
    criterion: Criterion::A1,
    tsc: &[Support::supporting(Criterion::A1_1, "the capacity that workloads need is known and bounded")],
    severity: Severity::Medium,
    needs: &[Need::Optional(Part::LimitRanges)],
    title: "container without bounds on its resources",
    why: "Without requests the scheduler packs pods where they starve; without a memory limit one leak takes the node \
          and all its neighbours down.",
    fix: "Set requests for CPU and memory and a limit for memory, from what it was seen to use.",
    references: &[
        Reference::Nsa("t4.0"),
        Reference::Nsa("t4.1"),
        Reference::Kubernetes("Resource Management for Pods and Containers"),
    ],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {memory: 256Mi}}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

/// An amount that a container must state.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Bound {
    #[serde(rename = "requests.cpu")]
    RequestsCpu,
    #[serde(rename = "requests.memory")]
    RequestsMemory,
    #[serde(rename = "limits.cpu")]
    LimitsCpu,
    #[serde(rename = "limits.memory")]
    LimitsMemory,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    require: Vec<Bound>,
}

impl Default for Parameters {
    fn default() -> Self {
        // A CPU limit slows a container down where nobody else needs the CPU.
        Self { require: vec![Bound::RequestsCpu, Bound::RequestsMemory, Bound::LimitsMemory] }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { require } = params.read()?;
    if require.is_empty() {
        return Err(params.refuse("`require` is empty: name an amount, or set the mode to off"));
    }
    Ok(Examiner::Container(Box::new(move |at, ask, report| unbounded(at, &require, ask, report))))
}

fn unbounded(at: &ContainerAt<'_>, require: &[Bound], ask: &Ask<'_>, report: &mut Report) {
    // The API takes no resources of an ephemeral container: it shares what the pod has.
    if at.list == ContainerList::EphemeralContainers {
        return;
    }
    let (own, of_pod) = (at.container.resources.as_ref(), at.pod.spec.resources.as_ref());
    for bound in require {
        if bound.is_met(own) || bound.is_met(of_pod) {
            continue;
        }
        // What was set to nothing is not given a default.
        let zero = bound.amount(own);
        if zero.is_none() && bound.has_default(ask) {
            continue;
        }
        let what = match zero {
            Some(zero) => format!("is {}, which is as good as unset", quoted(&zero.0)),
            None => "is not set".to_owned(),
        };
        report.violation(at.at("resources").field(bound.field()), what);
    }
}

impl Bound {
    const fn field(self) -> &'static str {
        match self {
            Self::RequestsCpu => "requests.cpu",
            Self::RequestsMemory => "requests.memory",
            Self::LimitsCpu => "limits.cpu",
            Self::LimitsMemory => "limits.memory",
        }
    }

    const fn resource(self) -> &'static str {
        match self {
            Self::RequestsCpu | Self::LimitsCpu => "cpu",
            Self::RequestsMemory | Self::LimitsMemory => "memory",
        }
    }

    /// What a request falls back to: the API server copies the limit.
    const fn fallback(self) -> Option<Self> {
        match self {
            Self::RequestsCpu => Some(Self::LimitsCpu),
            Self::RequestsMemory => Some(Self::LimitsMemory),
            Self::LimitsCpu | Self::LimitsMemory => None,
        }
    }

    fn amount<'r>(self, resources: Option<&'r Resources<'_>>) -> Option<&'r Quantity<'r>> {
        let resources = resources?;
        let of = |amounts: &'r Option<Amounts<'_>>| {
            let amounts = amounts.as_ref()?;
            if self.resource() == "cpu" { amounts.cpu.as_ref() } else { amounts.memory.as_ref() }
        };
        match self {
            Self::RequestsCpu | Self::RequestsMemory => of(&resources.requests),
            Self::LimitsCpu | Self::LimitsMemory => of(&resources.limits),
        }
    }

    fn is_met(self, resources: Option<&Resources<'_>>) -> bool {
        match self.amount(resources) {
            Some(amount) => !amount.is_zero(),
            None => self.fallback().is_some_and(|limit| limit.is_met(resources)),
        }
    }

    /// Whether a LimitRange of the namespace fills it in.
    fn has_default(self, ask: &Ask<'_>) -> bool {
        let known = ask.inventory.limit_ranges.ready();
        let ranges = known.and_then(|known| known.get(&*ask.request.namespace));
        ranges.is_some_and(|ranges| ranges.values().any(|range| self.is_default_of(range)))
    }

    fn is_default_of(self, range: &LimitRange) -> bool {
        let gives = |amounts: &Map<IntOrString>| {
            amounts.get(self.resource()).is_some_and(|amount| !Quantity(amount.to_string().into()).is_zero())
        };
        let is_limit = self.fallback().is_none();
        range.limits.iter().filter(|limit| *limit.limit_type == *"Container").any(|limit| {
            // Without a default of its own, a request gets the default of the limit.
            let of_limit = is_limit || !limit.default_request.contains_key(self.resource());
            (!is_limit && gives(&limit.default_request)) || (of_limit && gives(&limit.default))
        })
    }
}
