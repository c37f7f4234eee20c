//! What is known of the objects of one kind: for each its newest version, and the last that could be used.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    cluster::{News as Told, Raw},
    policy::Flaw,
};

/// The objects of one kind by name.
#[derive(Debug)]
pub struct Held<T> {
    objects: BTreeMap<String, Holding<T>>,
}

/// One object.
#[derive(Clone, Debug)]
pub struct Holding<T> {
    pub uid: String,
    /// The version of the newest spec.
    pub generation: i64,
    /// The version of the whole object, as far as it is known.
    pub resource_version: String,
    /// The newest spec, in JSON.
    pub spec: String,
    /// What is said of it, as it stands.
    pub status: Option<Value>,
    /// Why the newest version cannot be used; nothing if it can.
    pub flaws: Vec<Flaw>,
    /// The last version that could be used, with its generation.
    pub in_force: Option<(i64, T)>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Nothing that anybody would want to know.
    Nothing,
    /// Only what is said of an object has changed.
    Status,
    /// What is in force may have.
    Content,
}

/// Reads a version: name and spec.
pub type Judge<'j, T> = &'j dyn Fn(&str, &str) -> Result<T, Vec<Flaw>>;

#[derive(Deserialize)]
struct Parts<'o> {
    #[serde(borrow, default)]
    spec: Option<&'o RawValue>,
    #[serde(default)]
    status: Option<Value>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { objects: BTreeMap::new() }
    }
}

impl<T> Held<T> {
    /// Takes in what a watch tells of one object.
    pub fn take(&mut self, told: &Told<'_>, judge: Judge<'_, T>) -> News {
        match told {
            Told::Is(object) => self.see(object, judge),
            Told::Gone(_, name) => match self.objects.remove(*name) {
                Some(_) => News::Content,
                None => News::Nothing,
            },
            Told::Whole | Told::Lost(_) | Told::Forbidden(_) => News::Nothing,
        }
    }

    fn see(&mut self, object: &Raw, judge: Judge<'_, T>) -> News {
        // What is JSON but has no spec is refused below, by its reader.
        let parts = serde_json::from_str(object.json()).unwrap_or(Parts { spec: None, status: None });
        let spec = parts.spec.map_or("null", RawValue::get);
        let (uid, generation, resource_version) = object.version();
        // Deleted and made anew: what the one before was good for is no concern of the other's.
        let before = self.objects.get_mut(object.name()).filter(|before| before.uid == uid);
        if let Some(before) = before {
            before.resource_version = resource_version.to_owned();
            let is_said = before.status != parts.status;
            before.status = parts.status;
            if before.spec == spec {
                before.generation = generation;
                return if is_said { News::Status } else { News::Nothing };
            }
            (before.generation, before.spec) = (generation, spec.to_owned());
            before.judge(object.name(), judge);
            return News::Content;
        }
        let mut holding = Holding {
            uid: uid.to_owned(),
            generation,
            resource_version: resource_version.to_owned(),
            spec: spec.to_owned(),
            status: parts.status,
            flaws: Vec::new(),
            in_force: None,
        };
        holding.judge(object.name(), judge);
        self.objects.insert(object.name().to_owned(), holding);
        News::Content
    }

    /// Reads every newest version again, for what it is judged by has changed.
    pub fn judge_again(&mut self, judge: Judge<'_, T>) {
        for (name, holding) in &mut self.objects {
            holding.judge(name, judge);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Holding<T>)> {
        self.objects.iter().map(|(name, holding)| (name.as_str(), holding))
    }

    /// What is in force, by name.
    pub fn in_force(&self) -> impl Iterator<Item = (&str, &T)> {
        self.iter().filter_map(|(name, holding)| Some((name, &holding.in_force.as_ref()?.1)))
    }

    /// The objects whose newest version cannot be used, each with the reasons.
    pub fn unusable(&self) -> impl Iterator<Item = (&str, &Holding<T>)> {
        self.iter().filter(|(_, holding)| !holding.flaws.is_empty())
    }
}

impl<T> Holding<T> {
    fn judge(&mut self, name: &str, judge: Judge<'_, T>) {
        match judge(name, &self.spec) {
            Ok(read) => (self.in_force, self.flaws) = (Some((self.generation, read)), Vec::new()),
            Err(flaws) => self.flaws = flaws,
        }
    }

    /// Why the newest version cannot be used, in one line.
    pub fn trouble(&self) -> String {
        let flaws: Vec<_> = self.flaws.iter().map(ToString::to_string).collect();
        flaws.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An object whose spec is a number; even ones can be used.
    fn object(name: &str, uid: &str, generation: i64, spec: i64) -> Raw {
        with_status(name, uid, generation, spec, "null")
    }

    fn with_status(name: &str, uid: &str, generation: i64, spec: i64, status: &str) -> Raw {
        let metadata = format!(
            r#"{{"name":"{name}","uid":"{uid}","generation":{generation},"resourceVersion":"{generation}"}}"#
        );
        let json = format!(r#"{{"metadata":{metadata},"spec":{spec},"status":{status}}}"#);
        serde_json::from_str(&json).unwrap()
    }

    fn judge(_: &str, spec: &str) -> Result<i64, Vec<Flaw>> {
        match spec.parse::<i64>() {
            Ok(number) if number % 2 == 0 => Ok(number),
            _ => Err(vec![Flaw::new("spec", "is odd")]),
        }
    }

    fn take(held: &mut Held<i64>, objects: impl IntoIterator<Item = Raw>) -> News {
        let objects = objects.into_iter();
        objects.map(|object| held.take(&Told::Is(&object), &judge)).max().unwrap_or(News::Nothing)
    }

    fn in_force(held: &Held<i64>) -> Vec<(&str, i64)> {
        held.in_force().map(|(name, number)| (name, *number)).collect()
    }

    #[test]
    fn a_bad_version_leaves_the_last_good_one_in_force() {
        let mut held = Held::default();
        assert_eq!(take(&mut held, [object("a", "u", 1, 2)]), News::Content);
        assert_eq!(take(&mut held, [object("a", "u", 2, 3)]), News::Content);
        assert_eq!(in_force(&held), [("a", 2)]);
        let (_, holding) = held.unusable().next().unwrap();
        assert_eq!(
            (holding.generation, holding.in_force, &*holding.trouble()),
            (2, Some((1, 2)), "spec: is odd")
        );
        take(&mut held, [object("a", "u", 3, 4)]);
        assert_eq!((in_force(&held), held.unusable().count()), (vec![("a", 4)], 0));
    }

    #[test]
    fn what_never_was_good_is_not_in_force_and_what_is_made_anew_inherits_nothing() {
        let mut held = Held::default();
        take(&mut held, [object("a", "u", 1, 1), object("b", "u", 1, 2)]);
        assert_eq!(in_force(&held), [("b", 2)]);
        take(&mut held, [object("b", "another", 1, 3)]);
        assert_eq!(in_force(&held), []);
    }

    #[test]
    fn what_is_gone_is_in_force_no_more() {
        let mut held = Held::default();
        take(&mut held, [object("a", "u", 1, 2), object("b", "u", 1, 4)]);
        assert_eq!(take(&mut held, [object("b", "u", 1, 4)]), News::Nothing, "told again");
        assert_eq!(held.take(&Told::Gone("", "b"), &judge), News::Content);
        assert_eq!(held.take(&Told::Gone("", "b"), &judge), News::Nothing);
        assert_eq!(held.take(&Told::Whole, &judge), News::Nothing);
        assert_eq!(in_force(&held), [("a", 2)]);
    }

    #[test]
    fn what_is_said_of_an_object_is_no_change_of_it() {
        let mut held = Held::default();
        take(&mut held, [object("a", "u", 1, 2)]);
        let said = || with_status("a", "u", 1, 2, r#"{"findings":1}"#);
        assert_eq!(take(&mut held, [said()]), News::Status);
        assert_eq!(take(&mut held, [said()]), News::Nothing);
    }

    #[test]
    fn what_objects_are_judged_by_may_change() {
        let mut held = Held::default();
        take(&mut held, [object("a", "u", 1, 2), object("b", "u", 5, 3)]);
        held.judge_again(&|_, spec| match spec {
            "3" => Ok(3),
            _ => Err(vec![Flaw::new("", "is not three")]),
        });
        assert_eq!(in_force(&held), [("a", 2), ("b", 3)], "the one before stays");
        assert_eq!(held.unusable().map(|(name, _)| name).collect::<Vec<_>>(), ["a"]);
    }
}
