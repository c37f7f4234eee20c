//! Label sets that nobody has seen yet: what is still possible for each key while conditions are laid down one by one.

use std::collections::BTreeMap;

use crate::object::{Labels, Map, Operator, Selector, Word};

/// Whose label a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bearer {
    /// The pod that policies select.
    Pod,
    /// The pod at the other end.
    Peer,
    /// The namespace of the pod at the other end.
    Namespace,
}

/// One requirement of a selector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition<'p> {
    bearer: Bearer,
    key: &'p str,
    operator: Operator,
    values: Values<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Values<'p> {
    One(&'p str),
    Several(&'p [Word]),
}

/// What is known of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Holds,
    Fails,
    Open,
}

/// What the label of one key may still be.
#[derive(Clone, Debug)]
struct Domain<'p> {
    may_be_absent: bool,
    present: Present<'p>,
}

#[derive(Clone, Debug)]
enum Present<'p> {
    Only(Vec<&'p str>),
    /// Any value but these: never empty, since there are more values than anybody lists.
    AllBut(Vec<&'p str>),
}

/// Pods and a namespace of which only some things are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Sketch<'p> {
    domains: Vec<(Bearer, &'p str, Domain<'p>)>,
    /// Whether the namespace has no labels but those laid down.
    namespace_is_known: bool,
}

/// The requirements of a selector, all of which must hold.
pub(super) fn conditions<'p>(
    bearer: Bearer,
    selector: &'p Selector,
) -> impl Iterator<Item = Condition<'p>> + use<'p> {
    let labels = selector.match_labels.iter().map(move |(key, value)| Condition {
        bearer,
        key,
        operator: Operator::In,
        values: Values::One(value),
    });
    let expressions = selector.match_expressions.iter().map(move |requirement| Condition {
        bearer,
        key: &requirement.key,
        operator: requirement.operator,
        values: Values::Several(&requirement.values),
    });
    labels.chain(expressions)
}

impl<'p> Values<'p> {
    fn iter(self) -> impl Iterator<Item = &'p str> {
        let (one, several) = match self {
            Self::One(value) => (Some(value), &[][..]),
            Self::Several(values) => (None, values),
        };
        one.into_iter().chain(several.iter().map(|value| &**value))
    }

    fn contain(self, value: &str) -> bool {
        self.iter().any(|listed| listed == value)
    }
}

impl<'p> Present<'p> {
    fn allows(&self, value: &str) -> bool {
        match self {
            Self::Only(values) => values.contains(&value),
            Self::AllBut(values) => !values.contains(&value),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Only(values) if values.is_empty())
    }

    /// Keeps the listed values, or all others.
    fn keep(&mut self, listed: Values<'p>, keeps_listed: bool) {
        match (&mut *self, keeps_listed) {
            (Self::Only(values), _) => values.retain(|value| listed.contain(value) == keeps_listed),
            (Self::AllBut(_), true) => {
                let kept = listed.iter().filter(|value| self.allows(value)).collect();
                *self = Self::Only(kept);
            }
            (Self::AllBut(values), false) => values.extend(listed.iter()),
        }
    }
}

impl<'p> Domain<'p> {
    const fn anything() -> Self {
        Self { may_be_absent: true, present: Present::AllBut(Vec::new()) }
    }

    const fn absent() -> Self {
        Self { may_be_absent: true, present: Present::Only(Vec::new()) }
    }

    fn can_hold(&self, condition: &Condition<'p>) -> bool {
        let listed = || condition.values.iter().any(|value| self.present.allows(value));
        match condition.operator {
            Operator::In => listed(),
            Operator::NotIn => self.may_be_absent || self.has_unlisted(condition.values),
            Operator::Exists => !self.present.is_empty(),
            Operator::DoesNotExist => self.may_be_absent,
            Operator::Unknown => false,
        }
    }

    fn can_fail(&self, condition: &Condition<'p>) -> bool {
        condition.operator == Operator::Unknown || self.can_hold(&condition.negated())
    }

    fn has_unlisted(&self, listed: Values<'p>) -> bool {
        match &self.present {
            Present::Only(values) => values.iter().any(|value| !listed.contain(value)),
            Present::AllBut(_) => true,
        }
    }

    /// Keeps what satisfies the condition.
    fn narrow(&mut self, condition: &Condition<'p>) {
        match condition.operator {
            Operator::In => {
                self.may_be_absent = false;
                self.present.keep(condition.values, true);
            }
            Operator::NotIn => self.present.keep(condition.values, false),
            Operator::Exists => self.may_be_absent = false,
            Operator::DoesNotExist => self.present = Present::Only(Vec::new()),
            Operator::Unknown => *self = Self { may_be_absent: false, present: Present::Only(Vec::new()) },
        }
    }

    /// One label that is still possible; none if the absence is.
    fn example(&self) -> Option<String> {
        if self.may_be_absent {
            return None;
        }
        match &self.present {
            Present::Only(values) => values.first().map(|value| (*value).to_owned()),
            Present::AllBut(values) => {
                let fresh = (0..=values.len())
                    .map(|n| if n == 0 { "other".to_owned() } else { format!("other-{n}") });
                fresh.into_iter().find(|value| !values.contains(&&**value))
            }
        }
    }
}

impl<'p> Condition<'p> {
    pub(super) const fn of_namespace(key: &'p str, operator: Operator, value: &'p str) -> Self {
        Self { bearer: Bearer::Namespace, key, operator, values: Values::One(value) }
    }

    /// The opposite. What no API server takes never holds, and neither does its opposite: ask [`Sketch::deny`].
    const fn negated(self) -> Self {
        let operator = match self.operator {
            Operator::In => Operator::NotIn,
            Operator::NotIn => Operator::In,
            Operator::Exists => Operator::DoesNotExist,
            Operator::DoesNotExist => Operator::Exists,
            Operator::Unknown => Operator::Unknown,
        };
        Self { operator, ..self }
    }
}

impl<'p> Sketch<'p> {
    /// Says that these are all the labels of the namespace at the other end.
    pub(super) fn know_namespace(&mut self, labels: &'p Labels) {
        self.namespace_is_known = true;
        for (key, value) in labels.iter() {
            let domain = Domain { may_be_absent: false, present: Present::Only(vec![value]) };
            self.domains.push((Bearer::Namespace, key, domain));
        }
    }

    fn find(&self, condition: &Condition<'p>) -> Option<usize> {
        self.domains.iter().position(|(bearer, key, _)| *bearer == condition.bearer && *key == condition.key)
    }

    fn unseen(&self, bearer: Bearer) -> Domain<'p> {
        let is_complete = bearer == Bearer::Namespace && self.namespace_is_known;
        if is_complete { Domain::absent() } else { Domain::anything() }
    }

    /// What is known of all of some conditions together.
    pub(super) fn status(&self, conditions: &[Condition<'p>]) -> Status {
        let mut all = Status::Holds;
        for condition in conditions {
            match self.status_of(condition) {
                Status::Holds => {}
                Status::Open => all = Status::Open,
                Status::Fails => return Status::Fails,
            }
        }
        all
    }

    /// The ways in which not all of some conditions hold, which exclude each other, and the one in which all do.
    pub(super) fn split(mut self, conditions: &[Condition<'p>]) -> (Vec<Self>, Option<Self>) {
        let mut ways = Vec::new();
        for condition in conditions {
            let mut without = self.clone();
            if without.deny(condition) {
                ways.push(without);
            }
            if !self.demand(condition) {
                return (ways, None);
            }
        }
        (ways, Some(self))
    }

    fn status_of(&self, condition: &Condition<'p>) -> Status {
        let unseen;
        let domain = match self.find(condition).and_then(|at| self.domains.get(at)) {
            Some((_, _, domain)) => domain,
            None => {
                unseen = self.unseen(condition.bearer);
                &unseen
            }
        };
        match (domain.can_hold(condition), domain.can_fail(condition)) {
            (true, true) => Status::Open,
            (true, false) => Status::Holds,
            (false, _) => Status::Fails,
        }
    }

    /// Lays down that a condition holds. False if nothing is like that.
    pub(super) fn demand(&mut self, condition: &Condition<'p>) -> bool {
        if self.status_of(condition) == Status::Fails {
            return false;
        }
        match self.find(condition).and_then(|at| self.domains.get_mut(at)) {
            Some((_, _, domain)) => domain.narrow(condition),
            None => {
                let mut domain = self.unseen(condition.bearer);
                domain.narrow(condition);
                self.domains.push((condition.bearer, condition.key, domain));
            }
        }
        true
    }

    /// Lays down that all of them hold. False if nothing is like that.
    pub(super) fn demand_all(&mut self, mut conditions: impl Iterator<Item = Condition<'p>>) -> bool {
        conditions.all(|condition| self.demand(&condition))
    }

    /// Lays down that a condition does not hold. False if nothing is like that.
    fn deny(&mut self, condition: &Condition<'p>) -> bool {
        condition.operator == Operator::Unknown || self.demand(&condition.negated())
    }

    /// Labels that fit everything laid down.
    pub(super) fn example(&self, bearer: Bearer) -> Labels {
        let of_bearer = self.domains.iter().filter(|(of, _, _)| *of == bearer);
        let labels =
            of_bearer.filter_map(|(_, key, domain)| Some(((*key).to_owned(), Word(domain.example()?))));
        Map(labels.collect::<BTreeMap<_, _>>())
    }
}
