//! Finds the API server and etcd among the pods: the static pods of a control plane, or the manifests for them.

use std::borrow::Cow;

use super::{flags::CommandLine, shell};
use crate::{
    check::{Ask, Missing, Report},
    object::{Container, ContainerAt, ContainerList, Kind, Object, PodAt},
};

/// A component whose command line is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::checks) enum Component {
    ApiServer,
    Etcd,
}

/// What starts a program with the words that follow its own flags.
const WRAPPERS: [&str; 5] = ["go-runner", "env", "nice", "tini", "dumb-init"];

/// One word of a container's command and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word<'o> {
    pub(super) text: Cow<'o, str>,
    pub(super) list: &'static str,
    pub(super) position: usize,
}

/// What a container tells about a component.
enum Started<'o> {
    /// It runs something else.
    Other,
    /// It runs the component, with these words.
    With(Vec<Word<'o>>),
    /// It runs the component, or may, in a way that its manifest does not show.
    Unreadable,
}

impl Component {
    pub(super) const fn program(self) -> &'static str {
        match self {
            Self::ApiServer => "kube-apiserver",
            Self::Etcd => "etcd",
        }
    }

    /// The command line with which the pod under examination runs this component; nothing if it does not. Where it
    /// does and nobody could read how, the report says so.
    pub(in crate::checks) fn command_line<'o>(
        self,
        ask: &Ask<'o>,
        report: &mut Report,
    ) -> Option<CommandLine<'o>> {
        let object = ask.object.filter(|object| is_static(object))?;
        let pod = object.pod()?;
        let is_named = is_labelled(&pod, self.program());
        let mut is_hidden = false;
        for at in pod.containers().filter(|at| at.list == ContainerList::Containers) {
            match self.started(at.container, is_named) {
                Started::With(words) => return Some(CommandLine::of(self, at, words)),
                Started::Unreadable => is_hidden = true,
                Started::Other => {}
            }
        }
        if is_hidden || (is_named && object.kind == Kind::Pod && !pod.spec.containers.is_empty()) {
            let program = self.program();
            let reason = format!("the manifest does not show the command line that {program} runs with");
            report.not_assessable(Missing::NotKnownHere(reason.into()));
        }
        None
    }

    fn started<'o>(self, container: &'o Container<'o>, is_named: bool) -> Started<'o> {
        let words = container_words(container);
        let Some(first) = words.first() else { return Started::Other };
        if container.command.is_empty() && first.text.starts_with('-') {
            // The image's own entry point; what it starts only the label tells.
            return if is_named { Started::With(words) } else { Started::Other };
        }
        if is_shell(&first.text) {
            return self.started_by_script(words);
        }
        self.after_program(words).map_or(Started::Other, Started::With)
    }

    fn started_by_script<'o>(self, words: Vec<Word<'o>>) -> Started<'o> {
        let is_option = |word: &Word<'_>| word.text.starts_with('-') && word.text.contains('c');
        let mut rest = words.into_iter().skip(1).skip_while(|word| !is_option(word)).skip(1);
        let Some(script) = rest.next() else { return Started::Other };
        let Some(read) = shell::words(&script.text) else {
            let names = |word: &str| self.is_program(word.trim_matches(['"', '\'']), true);
            let runs_it = script.text.split(|c: char| c.is_whitespace() || c == ';').any(names);
            return if runs_it { Started::Unreadable } else { Started::Other };
        };
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let place = |text| Word { text: owned(text), list: script.list, position: script.position };
        self.after_program(read.into_iter().map(place).collect()).map_or(Started::Other, Started::With)
    }

    /// What stands behind the program's own name, if it is the program that the words start.
    fn after_program<'o>(self, mut words: Vec<Word<'o>>) -> Option<Vec<Word<'o>>> {
        let first = words.first()?;
        // One program that holds all components is told by its first argument which of them to be.
        let is_told = |word: &Word<'_>| self == Self::ApiServer && word.text == self.program();
        let at = if self.is_program(&first.text, false) {
            0
        } else if words.get(1).is_some_and(is_told) {
            1
        } else if WRAPPERS.contains(&base_name(&first.text)) {
            words.iter().position(|word| self.is_program(&word.text, false))?
        } else {
            return None;
        };
        Some(words.split_off(at + 1))
    }

    /// Whether a word names the program. Inside a script that could not be read, a file of that name may be anything.
    fn is_program(self, word: &str, in_script: bool) -> bool {
        let name = base_name(word);
        let is_flag = word.starts_with('-');
        name == self.program()
            && !is_flag
            && (!in_script || name == word || word.ends_with(&format!("bin/{name}")))
    }
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or_default()
}

fn is_shell(word: &str) -> bool {
    matches!(base_name(word), "sh" | "bash" | "ash" | "dash")
}

/// Whether a pod is one that a kubelet runs by itself, or may be its manifest. A pod that a controller made is not.
fn is_static(object: &Object<'_>) -> bool {
    let metadata = &object.metadata;
    object.kind == Kind::Pod
        && matches!(&*metadata.namespace, "kube-system" | "")
        && metadata.controller().is_none_or(|owner| &*owner.kind == "Node")
}

fn is_labelled(pod: &PodAt<'_>, program: &str) -> bool {
    let labels = &pod.metadata.labels;
    ["component", "k8s-app"].iter().any(|key| labels.get(key) == Some(program))
}

fn container_words<'o>(container: &'o Container<'o>) -> Vec<Word<'o>> {
    let listed = [("command", &container.command), ("args", &container.args)];
    let words = listed.into_iter().flat_map(|(list, words)| {
        let word = move |(position, text): (usize, &'o crate::object::Text<'o>)| Word {
            text: Cow::Borrowed(&**text),
            list,
            position,
        };
        words.iter().enumerate().map(word)
    });
    words.collect()
}

/// The list of a container that holds its flags.
pub(super) fn list_of_flags(at: &ContainerAt<'_>) -> &'static str {
    if at.container.command.is_empty() { "args" } else { "command" }
}
