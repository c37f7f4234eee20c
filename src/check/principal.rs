//! The users, groups and service accounts that a policy's parameters name.

use serde::Deserialize;

use crate::{
    object::{List, SubjectAt, Text},
    request::Requester,
};

/// Somebody, or with a `*` at the end of a name everybody whose name begins so. Written `{kind, name, namespace}`;
/// only a service account has a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub enum Principal {
    User(Pattern),
    Group(Pattern),
    ServiceAccount { namespace: Pattern, name: Pattern },
}

/// A name, or the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    Exactly(String),
    Beginning(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: WrittenKind,
    name: String,
    namespace: Option<String>,
}

#[derive(Deserialize)]
enum WrittenKind {
    User,
    Group,
    ServiceAccount,
}

impl Principal {
    /// The group of this name.
    pub fn group(name: &str) -> Self {
        Self::Group(Pattern::Exactly(name.to_owned()))
    }

    /// Whether it means this requester.
    pub fn includes(&self, requester: &Requester<'_>) -> bool {
        match self {
            Self::User(name) => name.fits(requester.username()),
            Self::Group(name) => requester.groups.iter().any(|group| name.fits(group)),
            Self::ServiceAccount { .. } => requester
                .service_account()
                .is_some_and(|(of_namespace, of_name)| self.is_account(of_namespace, of_name)),
        }
    }

    /// Whether it means the service account of this name.
    pub fn is_account(&self, of_namespace: &str, of_name: &str) -> bool {
        match self {
            Self::ServiceAccount { namespace, name } => namespace.fits(of_namespace) && name.fits(of_name),
            Self::User(_) | Self::Group(_) => false,
        }
    }

    /// Whether it means this subject of a binding. A service account may be bound by its user name too.
    pub fn is_subject(&self, at: &SubjectAt<'_>) -> bool {
        let name = &*at.subject.name;
        let user =
            |name: Text<'_>| self.includes(&Requester { username: Some(name), groups: List::default() });
        match &*at.subject.kind {
            "User" => user(name.into()),
            "ServiceAccount" => user(format!("system:serviceaccount:{}:{name}", at.namespace()).into()),
            "Group" => self.includes(&Requester { username: None, groups: List(vec![name.into()]) }),
            _ => false,
        }
    }
}

impl Pattern {
    fn parse(field: &str, text: &str) -> Result<Self, String> {
        let (start, is_prefix) = text.strip_suffix('*').map_or((text, false), |start| (start, true));
        if text.is_empty() {
            return Err(format!("`{field}` is empty: write the name"));
        }
        if start.contains('*') {
            return Err(format!(
                "`{field}` has a `*` that is not its last character: only there it means anything"
            ));
        }
        Ok(if is_prefix { Self::Beginning(start.to_owned()) } else { Self::Exactly(start.to_owned()) })
    }

    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Exactly(name) => !text.is_empty() && name == text,
            Self::Beginning(start) => !text.is_empty() && text.starts_with(start),
        }
    }

    fn is_everything(&self) -> bool {
        matches!(self, Self::Beginning(start) if start.is_empty())
    }
}

impl TryFrom<Written> for Principal {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let name = Pattern::parse("name", &written.name)?;
        let namespace = written.namespace.map(|text| Pattern::parse("namespace", &text)).transpose()?;
        // Every account of one namespace is a sensible thing to say; everybody is not.
        let too_wide = || Err("would mean everybody: name somebody, or turn the check off".to_owned());
        match (written.kind, namespace) {
            (WrittenKind::User | WrittenKind::Group, Some(_)) => {
                Err("only a ServiceAccount has a `namespace`: leave it out".to_owned())
            }
            (WrittenKind::User | WrittenKind::Group, None) if name.is_everything() => too_wide(),
            (WrittenKind::User, None) => Ok(Self::User(name)),
            (WrittenKind::Group, None) => Ok(Self::Group(name)),
            (WrittenKind::ServiceAccount, None) => {
                Err("a ServiceAccount needs its `namespace`: accounts of one name exist in many".to_owned())
            }
            (WrittenKind::ServiceAccount, Some(namespace)) if namespace.is_everything() => too_wide(),
            (WrittenKind::ServiceAccount, Some(namespace)) => Ok(Self::ServiceAccount { namespace, name }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Principal;
    use crate::{
        manifest,
        object::{List, Text},
        request::Requester,
    };

    fn read(text: &str) -> Result<Principal, String> {
        let documents = manifest::parse("params", text).unwrap();
        documents[0].decode().map_err(|error| error.message)
    }

    fn includes(principal: &str, username: &str, groups: &[&str]) -> bool {
        let groups = List(groups.iter().map(|group| Text::from(*group)).collect());
        read(principal).unwrap().includes(&Requester { username: Some(username.into()), groups })
    }

    #[test]
    fn a_principal_means_whom_it_names_and_nobody_else() {
        assert!(includes("{kind: User, name: ann}", "ann", &[]));
        assert!(!includes("{kind: User, name: ann}", "anna", &[]));
        assert!(!includes("{kind: User, name: ann}", "", &["ann"]));
        assert!(includes("{kind: User, name: 'ops:*'}", "ops:ann", &[]));
        assert!(includes("{kind: Group, name: platform}", "ann", &["dev", "platform"]));
        assert!(!includes("{kind: Group, name: platform}", "platform", &[]));
    }

    #[test]
    fn a_service_account_is_known_by_namespace_and_name() {
        let argo = "{kind: ServiceAccount, namespace: argocd, name: 'argocd-*'}";
        assert!(includes(argo, "system:serviceaccount:argocd:argocd-server", &[]));
        assert!(!includes(argo, "system:serviceaccount:shop:argocd-server", &[]));
        assert!(!includes(argo, "system:serviceaccount:argocd:web", &[]));
        assert!(!includes(argo, "argocd-server", &[]));
        let all = "{kind: ServiceAccount, namespace: argocd, name: '*'}";
        assert!(includes(all, "system:serviceaccount:argocd:web", &[]));
        assert!(!includes(all, "system:serviceaccount:argocd-2:web", &[]));
    }

    #[test]
    fn a_principal_that_could_only_be_a_mistake_is_refused() {
        for text in [
            "{kind: User, name: ''}",
            "{kind: User, name: '*'}",
            "{kind: Group, name: '*'}",
            "{kind: User, name: 'a*b'}",
            "{kind: User, name: '**'}",
            "{kind: User, name: a, namespace: b}",
            "{kind: ServiceAccount, name: a}",
            "{kind: ServiceAccount, name: a, namespace: '*'}",
            "{kind: Robot, name: a}",
            "{kind: User, name: a, email: b}",
            "{kind: User}",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
