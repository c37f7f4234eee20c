//! Who changes what is stored: the questions that every check of changes asks first.

use crate::{
    check::{Ask, Missing, Principal, Report, quoted},
    object::{Kind, Object, Place},
    request::{Operation, Requester},
};

impl<'r> Ask<'r> {
    /// The requester, unless it is the cluster itself at work or one of `allowed`. Where the door knows no requester
    /// the report says so.
    pub fn outsider(&self, allowed: &[Principal], report: &mut Report) -> Option<&'r Requester<'r>> {
        let Some(requester) = &self.request.requester else {
            report.not_assessable(Missing::NotKnownHere("the requester is not known".into()));
            return None;
        };
        let is_allowed = requester.is_component() || allowed.iter().any(|one| one.includes(requester));
        (!is_allowed).then_some(requester)
    }

    /// Reports a requester who changes what is stored and may not. `deed` says what is done where that is more than the
    /// operation.
    pub fn refuse_change(&self, requester: &Requester<'_>, deed: Option<&str>, report: &mut Report) {
        if !self.changes_something() {
            return;
        }
        let request = self.request;
        let deed = deed.or(request.operation.map(Operation::verb)).unwrap_or("change");
        let (user, kind) = (requester.username(), request.kind_name());
        let (who, name) = (quoted(user), quoted(request.display_name()));
        let what = format!("is {who}, who may not {deed} {kind} {name}");
        report.violation_of(Place::of("userInfo.username"), user, what);
    }

    /// Whether the request changes what is stored. An UPDATE of nothing but `status` or `managedFields` does not.
    pub fn changes_something(&self) -> bool {
        match self.request.operation {
            Some(Operation::Create | Operation::Delete) => true,
            Some(Operation::Update) => !self.leaves_as_it_was(),
            Some(Operation::Connect) | None => false,
        }
    }

    /// Hands the object as it was on UPDATE to a function: for checks that seldom ask for it, and so do not declare
    /// to need it.
    pub fn with_old<T>(&self, look: impl FnOnce(&Object<'_>) -> T) -> Option<T> {
        if let Some(old) = self.old {
            return Some(look(old));
        }
        self.request.old.read(self.request.kind).ok().flatten().map(|old| look(&old))
    }

    fn leaves_as_it_was(&self) -> bool {
        let Some(object) = self.object else { return false };
        // The ratchet shows the old object as both; it changed nothing.
        if self.old.is_some_and(|old| std::ptr::eq(old, object)) {
            return true;
        }
        // Of these not every field is read, and not every version of Kubernetes counts their generations.
        let is_told_by_generation = matches!(
            object.kind,
            Kind::Pod | Kind::Service | Kind::Secret | Kind::ServiceAccount | Kind::ClusterTrustBundle
        );
        if is_told_by_generation && object.metadata.generation.is_none() {
            return false;
        }
        self.with_old(|old| old == object) == Some(true)
    }
}
