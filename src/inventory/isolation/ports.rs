//! Sets of ports: numbers, and names that the pod at the far end gives to numbers of its own choice.

use std::collections::BTreeSet;

use crate::object::{IntOrString, Intervals, NetworkPolicyPort, NetworkPolicyRule};

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

/// One port of the pod or address that is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    pub protocol: Protocol,
    pub number: u16,
    /// What the pod's containers call it.
    pub names: Vec<String>,
}

/// Some ports of each protocol.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports<'p> {
    tcp: OfProtocol<'p>,
    udp: OfProtocol<'p>,
    sctp: OfProtocol<'p>,
}

#[derive(Clone, Debug, Default)]
struct OfProtocol<'p> {
    numbers: Intervals,
    names: Vec<&'p str>,
}

impl Protocol {
    const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    pub const fn id(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} port {}", self.protocol.id(), self.number)?;
        match self.names.first() {
            Some(name) => write!(f, " if it is named `{name}`"),
            None => Ok(()),
        }
    }
}

impl<'p> Ports<'p> {
    /// Every port of every protocol.
    pub(super) fn all() -> Self {
        let every = OfProtocol { numbers: every(), names: Vec::new() };
        Self { tcp: every.clone(), udp: every.clone(), sctp: every }
    }

    /// What a rule opens: without ports, all of them. What no API server takes opens nothing.
    pub(super) fn of(rule: &'p NetworkPolicyRule) -> Self {
        if rule.ports.is_empty() {
            return Self::all();
        }
        let mut ports = Self::default();
        rule.ports.iter().for_each(|port| ports.add(port));
        ports
    }

    fn add(&mut self, port: &'p NetworkPolicyPort) {
        let of = match &*port.protocol {
            "" | "TCP" => &mut self.tcp,
            "UDP" => &mut self.udp,
            "SCTP" => &mut self.sctp,
            _ => return,
        };
        let number = |number: i64| u128::try_from(number).ok().filter(|number| every().contains(*number));
        match (&port.port, port.end_port) {
            (None, None) => of.numbers = every(),
            (Some(IntOrString::Int(first)), last) => {
                if let (Some(first), Some(last)) = (number(*first), number(last.unwrap_or(*first))) {
                    of.numbers.add(first, last);
                }
            }
            (Some(IntOrString::Text(name)), None) => of.names.push(name),
            (_, Some(_)) => {}
        }
    }

    /// The same where nobody gives names: an address outside has none.
    pub(super) fn without_names(mut self) -> Self {
        self.each_mut().into_iter().for_each(|of| of.names.clear());
        self
    }

    pub(super) fn contains(&self, port: &Port) -> bool {
        let of = match port.protocol {
            Protocol::Tcp => &self.tcp,
            Protocol::Udp => &self.udp,
            Protocol::Sctp => &self.sctp,
        };
        of.numbers.contains(port.number.into())
            || of.names.iter().any(|name| port.names.iter().any(|n| n == name))
    }

    /// Whether all wanted ports are in this set, by number or by name.
    pub(super) fn cover(&self, wanted: &Self) -> bool {
        self.each().into_iter().zip(wanted.each()).all(|(own, wanted)| {
            own.numbers.covers(&every())
                || own.numbers.covers(&wanted.numbers)
                    && wanted.names.iter().all(|name| own.names.contains(name))
        })
    }

    /// One of the wanted ports for each stretch that other sets do not divide. Who has the least is the hardest to
    /// cover: a number without a name, and where a name is wanted that name alone.
    pub(super) fn told_apart<'c>(&self, others: impl Iterator<Item = &'c Self> + Clone) -> Vec<Port>
    where
        'p: 'c,
    {
        let mut points = Vec::new();
        for (at, (protocol, wanted)) in Protocol::ALL.into_iter().zip(self.each()).enumerate() {
            let numbers = others.clone().filter_map(|other| other.each().into_iter().nth(at));
            let numbers = numbers.map(|of| &of.numbers).chain([&wanted.numbers]);
            let borders =
                numbers.flat_map(Intervals::ranges).flat_map(|(first, last)| [first, last.saturating_add(1)]);
            let borders: BTreeSet<_> = borders
                .chain([1])
                .filter_map(|number| u16::try_from(number).ok())
                .filter(|n| *n > 0)
                .collect();
            let named = |number: &u16, names| Port { protocol, number: *number, names };
            let nameless = borders.iter().filter(|number| wanted.numbers.contains((**number).into()));
            points.extend(nameless.map(|number| named(number, Vec::new())));
            for name in &wanted.names {
                points.extend(borders.iter().map(|number| named(number, vec![(*name).to_owned()])));
            }
        }
        points
    }

    fn each(&self) -> [&OfProtocol<'p>; 3] {
        [&self.tcp, &self.udp, &self.sctp]
    }

    fn each_mut(&mut self) -> [&mut OfProtocol<'p>; 3] {
        [&mut self.tcp, &mut self.udp, &mut self.sctp]
    }
}

fn every() -> Intervals {
    Intervals::of(1, u16::MAX.into())
}
