//! A connection to a pod, a Service or a node as the checks of ways in see it, and who is permitted to make one.

use serde::Deserialize;

use crate::{
    check::{Ask, Examiner, Missing, Principal, Report, quoted},
    object::{Body, ConnectOptions, Place, Word},
    request::{Request, Requester},
    secrets,
};

/// A connection that somebody asks for.
pub(super) struct Connection<'r> {
    pub(super) request: &'r Request<'r>,
    pub(super) requester: &'r Requester<'r>,
    options: Option<&'r ConnectOptions>,
    /// What the pod acts as, where that is known.
    account: Option<&'r str>,
}

impl<'r> Connection<'r> {
    /// The connection that the request is about. A manifest has no requester and connects to nothing.
    pub(super) fn of(ask: &Ask<'r>, report: &mut Report) -> Option<Self> {
        let request = ask.request;
        let Some(requester) = &request.requester else {
            let reason = "a connection is made by a request, not by a manifest";
            report.not_assessable(Missing::NotKnownHere(reason.into()));
            return None;
        };
        let options = match ask.object.map(|object| &object.body) {
            Some(Body::Connect(options)) => Some(options),
            _ => None,
        };
        let account = ask.inventory.target(request).map(|pod| &*pod.account);
        Some(Self { request, requester, options, account })
    }

    fn container(&self) -> &'r str {
        self.options.map_or("", |options| &options.container)
    }

    /// The command, its words joined by a space.
    pub(super) fn command(&self) -> String {
        let words = self.options.iter().flat_map(|options| options.command.iter().map(|word| &**word));
        words.collect::<Vec<_>>().join(" ")
    }

    /// The program that the command begins with.
    pub(super) fn program(&self) -> String {
        self.options
            .and_then(|options| options.command.first())
            .and_then(program)
            .map_or_else(|| "a command that is not shown".to_owned(), quoted)
    }

    pub(super) fn has_terminal(&self) -> bool {
        self.options.is_some_and(|options| options.tty == Some(true))
    }

    /// What is asked for behind a proxy, with the `/` that it begins with.
    pub(super) fn path(&self) -> String {
        let path = self.options.map_or("", |options| &options.path);
        format!("{}{path}", if path.starts_with('/') { "" } else { "/" })
    }

    /// The pod and, as far as it is known, its container and its account.
    pub(super) fn target(&self) -> String {
        let container = match self.container() {
            "" => String::new(),
            name => format!("container {} of ", quoted(name)),
        };
        let account = match self.account {
            None | Some("default") => String::new(),
            Some(name) => format!(", which acts as account {}", quoted(name)),
        };
        format!("{container}pod {}{account}", quoted(&self.request.name))
    }

    /// Reports the connection: `what` is the rest of a sentence that begins with its resource.
    pub(super) fn refuse(&self, what: String, report: &mut Report) {
        let place = Place::of(self.request.kind.resource()).in_container(self.container());
        report.violation_of(place, &self.request.name, what);
    }
}

/// The program in the first word of a command. A whole line may stand in that word, or an assignment, and secrets in
/// both: what follows the program's name is cut off, and a name that could be a secret is not shown.
fn program(word: &Word) -> Option<&str> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    let program = word.trim_start().split(|c| !belongs(c)).next().unwrap_or_default();
    (!program.is_empty() && secrets::may_be_shown(program)).then_some(program)
}

/// Parameters of a check whose connections differ by requester and namespace alone.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Parameters {
    allow: Vec<Permit>,
}

impl Parameters {
    /// Reports every connection that is not permitted, in these words.
    pub(super) fn refusing(self, words: fn(&Connection<'_>) -> String) -> Examiner {
        Examiner::Whole(Box::new(move |ask, report| {
            let Some(connection) = Connection::of(ask, report) else { return };
            let namespace = &*connection.request.namespace;
            if !self.allow.iter().any(|permit| permit.covers(connection.requester, namespace)) {
                connection.refuse(words(&connection), report);
            }
        }))
    }
}

/// Who may do something where.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Permit {
    principals: Only<Principal>,
    #[serde(default)]
    namespaces: Only<NamespaceName>,
}

impl Permit {
    pub(super) fn covers(&self, requester: &Requester<'_>, namespace: &str) -> bool {
        self.principals.include(requester) && self.namespaces.name(namespace)
    }
}

/// A list that narrows. Left out it narrows nothing; one that came out empty could mean everything or nothing, and
/// is refused.
#[derive(Deserialize)]
#[serde(try_from = "Vec<T>", bound(deserialize = "T: Deserialize<'de>"))]
pub(super) struct Only<T>(Option<Vec<T>>);

impl<T> Default for Only<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> TryFrom<Vec<T>> for Only<T> {
    type Error = &'static str;

    fn try_from(list: Vec<T>) -> Result<Self, Self::Error> {
        if list.is_empty() {
            return Err("the list is empty: fill it, or remove what it stands in");
        }
        Ok(Self(Some(list)))
    }
}

impl<T> Only<T> {
    pub(super) fn any(&self, fits: impl Fn(&T) -> bool) -> bool {
        self.0.as_ref().is_none_or(|list| list.iter().any(fits))
    }
}

impl Only<Principal> {
    pub(super) fn include(&self, requester: &Requester<'_>) -> bool {
        self.any(|principal| principal.includes(requester))
    }
}

impl Only<NamespaceName> {
    pub(super) fn name(&self, namespace: &str) -> bool {
        self.any(|name| name.0 == namespace)
    }
}

/// A namespace by its full name.
#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct NamespaceName(String);

impl TryFrom<String> for NamespaceName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        if name.is_empty() || name.contains('*') {
            return Err("write each namespace by its full name");
        }
        Ok(Self(name))
    }
}
