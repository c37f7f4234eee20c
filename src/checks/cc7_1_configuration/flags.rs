//! Reads the flags of a component as the component itself reads them. One parser for every check of a control plane.

use std::borrow::Cow;

use super::component::{Component, Word, list_of_flags};
use crate::{
    check::{Missing, Report, quoted},
    object::{ContainerAt, Place},
};

/// The command line of a component, with the environment that etcd reads too.
pub(in crate::checks) struct CommandLine<'o> {
    component: Component,
    at: ContainerAt<'o>,
    /// What stands behind the program's name.
    words: Vec<Word<'o>>,
}

/// A flag with its value.
pub(in crate::checks) struct Given<'c> {
    pub(in crate::checks) value: Cow<'c, str>,
    /// As written: `--profiling=true`.
    pub(in crate::checks) written: String,
    pub(in crate::checks) place: Place,
}

/// What a command line says about a flag.
pub(in crate::checks) enum Setting<'c> {
    Absent,
    Given(Given<'c>),
    /// It is set, or may be, by something that is not in the manifest.
    Hidden,
}

impl<'o> CommandLine<'o> {
    pub(super) fn of(component: Component, at: ContainerAt<'o>, mut words: Vec<Word<'o>>) -> Self {
        // Behind a bare `--` there are no flags.
        if let Some(end) = words.iter().position(|word| word.text == "--") {
            words.truncate(end);
        }
        Self { component, at, words }
    }

    /// The text of a flag; of several the last, as programs take it. An empty one is as good as none.
    pub(in crate::checks) fn text(&self, name: &str) -> Setting<'_> {
        match self.find(name, None) {
            Setting::Given(given) if given.value.is_empty() => Setting::Absent,
            setting => setting,
        }
    }

    /// The items of a flag that takes a list, of all its repetitions together.
    pub(in crate::checks) fn list(&self, name: &str) -> Setting<'_> {
        let all = self.words.iter().enumerate().filter_map(|(at, word)| self.value(at, word, name, None));
        let all: Vec<_> = all.filter(|value| !value.is_empty()).collect();
        match self.text(name) {
            Setting::Given(given) if all.len() > 1 => {
                Setting::Given(Given { value: Cow::Owned(all.join(",")), ..given })
            }
            setting => setting,
        }
    }

    /// A switch: alone it means `true`, and only `=` gives it another value.
    fn switch(&self, name: &str) -> Setting<'_> {
        self.find(name, Some("true"))
    }

    fn find(&self, name: &str, alone: Option<&'static str>) -> Setting<'_> {
        let given = |(at, word)| Some((word, self.value(at, word, name, alone)?));
        if let Some((word, value)) = self.words.iter().enumerate().rev().find_map(given) {
            return self.setting(value, word.text.to_string(), self.place(word, name));
        }
        // A word that only the kubelet can fill in may be any flag.
        if self.words.iter().any(|word| word.text.starts_with("$(")) {
            return Setting::Hidden;
        }
        if self.component == Component::Etcd { self.environment(name) } else { Setting::Absent }
    }

    /// The value that a word gives to a flag, if it is this flag.
    fn value<'c>(
        &'c self,
        at: usize,
        word: &'c Word<'o>,
        name: &str,
        alone: Option<&'static str>,
    ) -> Option<&'c str> {
        let flag = match (word.text.strip_prefix("--"), self.component) {
            (Some(flag), _) => flag,
            (None, Component::Etcd) => word.text.strip_prefix('-')?,
            (None, Component::ApiServer) => return None,
        };
        let (own, value) = flag.split_once('=').map_or((flag, None), |(own, value)| (own, Some(value)));
        // The API server takes `_` for `-` in names; etcd does not.
        let is_same = |(own, wanted): (u8, u8)| {
            own == wanted || (own == b'_' && wanted == b'-' && self.component == Component::ApiServer)
        };
        if own.len() != name.len() || !own.bytes().zip(name.bytes()).all(is_same) {
            return None;
        }
        value.or(alone).or_else(|| Some(self.words.get(at + 1).map_or("", |next| &next.text)))
    }

    /// What etcd takes from `ETCD_CERT_FILE` and its like where the command line is silent.
    fn environment(&self, name: &str) -> Setting<'_> {
        let container = self.at.container;
        let variable = format!("ETCD_{}", name.to_ascii_uppercase().replace('-', "_"));
        let Some((at, own)) = container.env.iter().enumerate().rfind(|(_, own)| *own.name == *variable)
        else {
            return if container.env_from.is_empty() { Setting::Absent } else { Setting::Hidden };
        };
        if own.value_from.is_some() {
            return Setting::Hidden;
        }
        if own.value.is_empty() {
            return Setting::Absent;
        }
        let place = self.at.item("env", at, &format!("name={variable}")).field("value");
        self.setting(&own.value, format!("{variable}={}", &*own.value), place)
    }

    fn setting<'c>(&self, value: &'c str, written: String, place: Place) -> Setting<'c> {
        if value.contains("$(") {
            return Setting::Hidden;
        }
        Setting::Given(Given { value: Cow::Borrowed(value), written, place })
    }

    fn place(&self, word: &Word<'_>, name: &str) -> Place {
        self.at.item(word.list, word.position, &format!("--{name}"))
    }

    /// Where a flag would stand.
    fn absence(&self) -> Place {
        self.at.at(list_of_flags(&self.at))
    }

    /// Reports a flag that is not there.
    pub(in crate::checks) fn report_absent(&self, flag: &str, report: &mut Report) {
        report.violation_of(self.absence(), flag, format!("has no `--{flag}`"));
    }

    /// Says that a flag could not be read.
    pub(in crate::checks) fn report_hidden(&self, flag: &str, report: &mut Report) {
        let program = self.component.program();
        let reason = format!("what {program} takes for `--{flag}` is not in the manifest");
        report.not_assessable(Missing::NotKnownHere(reason.into()));
    }

    /// Asks for a flag with a value.
    pub(in crate::checks) fn demand(&self, flag: &str, report: &mut Report) {
        match self.text(flag) {
            Setting::Absent => self.report_absent(flag, report),
            Setting::Hidden => self.report_hidden(flag, report),
            Setting::Given(_) => {}
        }
    }

    /// Asks for a switch to stand at `wanted`; `default` is where it stands when nobody sets it.
    pub(in crate::checks) fn demand_switch(
        &self,
        flag: &str,
        wanted: bool,
        default: bool,
        report: &mut Report,
    ) {
        match self.switch(flag) {
            Setting::Absent if wanted == default => {}
            Setting::Absent => {
                report.violation_of(self.absence(), flag, format!("does not set `--{flag}={wanted}`"));
            }
            Setting::Hidden => self.report_hidden(flag, report),
            Setting::Given(given) if truth(&given.value) == Some(wanted) => {}
            Setting::Given(given) => given.report(report),
        }
    }
}

impl Given<'_> {
    /// Reports the flag as it is written.
    pub(in crate::checks) fn report(self, report: &mut Report) {
        let what = format!("sets {}", quoted(&self.written));
        report.violation_of(self.place, &self.written, what);
    }
}

/// A truth value as Go reads it.
fn truth(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
