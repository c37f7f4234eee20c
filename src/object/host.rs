//! The hosts that Ingresses, listeners and routes answer to: the walks over them, written once.

use super::{Body, Listener, Object, Place, Word};

/// One host and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct HostAt<'o> {
    /// As written; empty means every host.
    pub host: &'o str,
    field: Field<'o>,
}

#[derive(Clone, Copy, Debug)]
enum Field<'o> {
    /// `spec.rules[*].host` of an Ingress.
    Rule(usize),
    /// `spec.defaultBackend` of an Ingress, which takes what no rule takes.
    DefaultBackend,
    /// `spec.listeners[*].hostname` of a Gateway or ListenerSet.
    Listener(ListenerAt<'o>),
    /// `spec.hostnames[*]` of a route.
    Hostname(usize),
}

/// One listener of a Gateway or ListenerSet.
#[derive(Clone, Copy, Debug)]
pub struct ListenerAt<'o> {
    pub listener: &'o Listener,
    position: usize,
}

impl<'a> Object<'a> {
    /// The hosts that an Ingress, a Gateway, a ListenerSet or a route answers to. A route without any takes those of
    /// its listeners, and so yields none. Listeners whose protocol knows no hosts are left out.
    pub fn hosts(&self) -> impl Iterator<Item = HostAt<'_>> {
        let (rules, default_backend) = match &self.body {
            Body::Ingress(ingress) => (&ingress.rules[..], ingress.default_backend.as_ref()),
            _ => (&[][..], None),
        };
        let hostnames: &[Word] = match &self.body {
            Body::Route(route) => &route.hostnames,
            _ => &[],
        };
        let of_rules = rules
            .iter()
            .enumerate()
            .map(|(position, rule)| HostAt { host: &rule.host, field: Field::Rule(position) });
        let of_default = default_backend.map(|_| HostAt { host: "", field: Field::DefaultBackend });
        let of_listeners = self
            .listeners()
            .filter(|at| at.has_hosts())
            .map(|at| HostAt { host: &at.listener.hostname, field: Field::Listener(at) });
        let of_routes = hostnames
            .iter()
            .enumerate()
            .map(|(position, host)| HostAt { host, field: Field::Hostname(position) });
        of_rules.chain(of_default).chain(of_listeners).chain(of_routes)
    }

    /// The listeners of a Gateway or ListenerSet. The only loop over them in the program.
    pub fn listeners(&self) -> impl Iterator<Item = ListenerAt<'_>> {
        let listeners: &[Listener] = match &self.body {
            Body::Gateway(gateway) => &gateway.listeners,
            _ => &[],
        };
        listeners.iter().enumerate().map(|(position, listener)| ListenerAt { listener, position })
    }
}

impl HostAt<'_> {
    /// The field that says which host. Its key is the host and not where it stands.
    pub fn place(&self) -> Place {
        let spec = Place::of("spec");
        let by_host = format!("host={}", if self.host.is_empty() { "*" } else { self.host });
        match self.field {
            Field::Rule(position) => spec.item("rules", position, &by_host).field("host"),
            Field::DefaultBackend => spec.field("defaultBackend"),
            Field::Listener(at) => at.at("hostname"),
            Field::Hostname(position) => spec.item("hostnames", position, &by_host),
        }
    }

    pub const fn is_default_backend(&self) -> bool {
        matches!(self.field, Field::DefaultBackend)
    }

    /// The host by name, in lower case, where traffic for it is drawn to a namespace: a listener opens a door, an
    /// Ingress or a route decides who is behind it.
    pub fn claimed(&self) -> Option<String> {
        let claims = matches!(self.field, Field::Rule(_) | Field::Hostname(_));
        (claims && !self.host.is_empty()).then(|| self.host.to_ascii_lowercase())
    }
}

impl<'o> ListenerAt<'o> {
    /// A field of the listener.
    pub fn at(&self, field: &str) -> Place {
        let name = format!("name={}", self.listener.name);
        Place::of("spec").item("listeners", self.position, &name).field(field)
    }

    fn has_hosts(&self) -> bool {
        !matches!(&*self.listener.protocol, "TCP" | "UDP")
    }
}
