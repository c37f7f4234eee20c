//! Sets of ports: numbers, and names that the pod at the far end gives to numbers of its own choice.

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

    /// Adds everything in another set.
    pub(super) fn add_all(&mut self, other: &Self) {
        for (own, other) in self.each_mut().into_iter().zip(other.each()) {
            own.numbers.add_all(&other.numbers);
            own.names.extend(other.names.iter().filter(|name| !own.names.contains(name)).collect::<Vec<_>>());
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

    /// A port of the wanted ones that is not in this set, if there is one: a number that some pod leaves nameless, or
    /// else a name that some pod gives to a number outside.
    pub(super) fn lacks(&self, wanted: &Self) -> Option<Port> {
        Protocol::ALL.into_iter().zip(self.each()).zip(wanted.each()).find_map(|((protocol, own), wanted)| {
            let port =
                |number: u128, names| Some(Port { protocol, number: u16::try_from(number).ok()?, names });
            if let Some(number) = wanted.numbers.without(&own.numbers).first() {
                return port(number, Vec::new());
            }
            let name = wanted.names.iter().find(|name| !own.names.contains(name))?;
            port(every().without(&own.numbers).first()?, vec![(*name).to_owned()])
        })
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
