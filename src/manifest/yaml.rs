//! Builds documents from YAML's events: aliases, merge keys and tags are resolved here, within fixed budgets.

mod merge;

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Marker, Options, Parser, ScalarStyle, ScanError, Span, Tag, options};

use self::merge::Merge;
use super::node::{Key, Node, Place, Value, duplicate, duplicate_message};
use super::{DEPTH_LIMIT, NODE_LIMIT, Refusal, scalar};

/// How much aliases may copy in one text, in bytes: enough for any template, far too little for a bomb.
const COPY_LIMIT: usize = 16 << 20;

/// Reads all documents of a text.
pub(super) fn read(text: &str) -> Result<Vec<Node>, Refusal> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options()) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        builder.take(event, span)?;
    }
    Ok(builder.roots)
}

/// Text is taken apart as libyaml does it, which Kubernetes' reader is a translation of.
fn options() -> Options {
    options! {
        emit_comments: false,
        block_scalar_eof_without_line_feed: true,
        flow_nesting_limit: DEPTH_LIMIT + 1,
        block_nesting_limit: DEPTH_LIMIT + 1,
    }
}

#[derive(Default)]
struct Builder {
    roots: Vec<Node>,
    /// The lists and maps that are still open, outermost first.
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    copied: usize,
    nodes: usize,
}

/// A list or map whose end has not been read.
struct Open {
    place: Place,
    anchor: usize,
    children: Children,
}

enum Children {
    Seq(Vec<Node>),
    Map { entries: Vec<(Key, Node)>, merge: Option<Merge>, waiting: Option<Waiting> },
}

/// A key whose value has not been read.
enum Waiting {
    Key(Key),
    Merge(Place),
}

/// What an anchor stands for.
struct Anchored {
    node: Node,
    bytes: usize,
    height: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Refusal> {
        let place = place(span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                // The parser spells an empty scalar `~`, which is not what `!!str` makes of it.
                let text = if style == ScalarStyle::Plain && span.is_empty() { "" } else { &*text };
                if self.at_key() && is_merge(text, style, tag.as_deref()) {
                    self.begin_merge(place)
                } else {
                    let value = value(text, style, tag.as_deref());
                    let value = value.map_err(|message| Refusal::content(place, message))?;
                    self.finish(Node { value, place }, anchor)
                }
            }
            Event::SequenceStart(_, anchor, tag) => {
                let children = Children::Seq(Vec::new());
                self.begin(Open { place, anchor, children }, tag.as_deref(), "seq")
            }
            Event::MappingStart(_, anchor, tag) => {
                let children = Children::Map { entries: Vec::new(), merge: None, waiting: None };
                self.begin(Open { place, anchor, children }, tag.as_deref(), "map")
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, place),
            _ => Ok(()),
        }
    }

    /// Whether the next node is a key.
    fn at_key(&self) -> bool {
        let children = self.open.last().map(|open| &open.children);
        matches!(children, Some(Children::Map { waiting: None, .. }))
    }

    fn begin(&mut self, open: Open, tag: Option<&Tag>, kind: &str) -> Result<(), Refusal> {
        if self.open.len() >= DEPTH_LIMIT {
            return Err(Refusal::too_deep(open.place));
        }
        if self.at_key() {
            return Err(Refusal::content(open.place, scalar::COMPLEX_KEY));
        }
        if let Some(tag) = tag.filter(|tag| !is_bare(tag) && tag.core_suffix() != Some(kind)) {
            return Err(Refusal::content(open.place, unknown_tag(tag)));
        }
        self.open.push(open);
        Ok(())
    }

    fn begin_merge(&mut self, place: Place) -> Result<(), Refusal> {
        let Some(Open { children: Children::Map { merge, waiting, .. }, .. }) = self.open.last_mut() else {
            return Ok(());
        };
        if let Some(first) = merge {
            return Err(Refusal::content(place, duplicate_message("<<", first.place)));
        }
        *waiting = Some(Waiting::Merge(place));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Refusal> {
        let Some(Open { place, anchor, children }) = self.open.pop() else { return Ok(()) };
        let value = match children {
            Children::Seq(items) => Value::Seq(items),
            Children::Map { mut entries, merge, .. } => {
                if let Some((first, second)) = duplicate(&entries) {
                    let message = duplicate_message(&second.name, first.place);
                    return Err(Refusal::content(second.place, message));
                }
                if let Some(merge) = merge {
                    merge.into_entries(&mut entries)?;
                }
                Value::Map(entries)
            }
        };
        self.finish(Node { value, place }, anchor)
    }

    /// Remembers a finished node if it has an anchor, and puts it where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Refusal> {
        if anchor != 0 {
            let (bytes, height) = measure(&node);
            self.count_copy(bytes, node.place)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), bytes, height });
        }
        self.attach(node)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Refusal> {
        let Some(Anchored { bytes, height, .. }) = self.anchors.get(&anchor) else {
            return Err(Refusal::content(
                place,
                "the alias stands inside its own anchor: write the value out",
            ));
        };
        if self.open.len() + height > DEPTH_LIMIT {
            return Err(Refusal::too_deep(place));
        }
        self.count_copy(*bytes, place)?;
        let value = self.anchors.get(&anchor).map_or(Value::Null, |anchored| anchored.node.value.clone());
        self.attach(Node { value, place })
    }

    fn count_copy(&mut self, bytes: usize, place: Place) -> Result<(), Refusal> {
        self.copied += bytes;
        if self.copied > COPY_LIMIT {
            return Err(Refusal::content(place, "aliases copy too much: write the values out"));
        }
        Ok(())
    }

    fn attach(&mut self, node: Node) -> Result<(), Refusal> {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT {
            return Err(Refusal::too_many(node.place));
        }
        match self.open.last_mut().map(|open| &mut open.children) {
            None => self.roots.push(node),
            Some(Children::Seq(items)) => items.push(node),
            Some(Children::Map { entries, merge, waiting }) => match waiting.take() {
                Some(Waiting::Key(key)) => entries.push((key, node)),
                Some(Waiting::Merge(place)) => {
                    *merge = Some(Merge { place, below: entries.len(), source: node })
                }
                None => {
                    let Node { value, place } = node;
                    let name = scalar::key(value).map_err(|message| Refusal::content(place, message))?;
                    *waiting = Some(Waiting::Key(Key { name, place }));
                }
            },
        }
        Ok(())
    }
}

/// A plain `<<`, or anything that `!!merge` says is one.
fn is_merge(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> bool {
    text == "<<"
        && match tag {
            None => style == ScalarStyle::Plain,
            Some(tag) => is_bare(tag) || tag.suffix_in_namespace(YAML).as_deref() == Some("merge"),
        }
}

/// The namespace of YAML's own tags, written `!!`.
const YAML: &str = "tag:yaml.org,2002:";

fn value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    match tag {
        None if style == ScalarStyle::Plain => scalar::plain(text),
        None => Ok(Value::String(text.to_owned())),
        // To Kubernetes a bare `!` means "as if it were plain", even before a quote: `! "true"` is a boolean.
        Some(tag) if is_bare(tag) => scalar::plain(text),
        Some(tag) => match tag.suffix_in_namespace(YAML) {
            Some(kind) => scalar::tagged(&kind, text),
            None => Err(unknown_tag(tag)),
        },
    }
}

fn is_bare(tag: &Tag) -> bool {
    tag.parts() == ("", "!") || tag.parts() == ("!", "")
}

fn unknown_tag(tag: &Tag) -> String {
    format!("tag `{}` is not known or does not fit here: remove it", tag.original().escape_debug())
}

/// The bytes and the levels that a node takes.
fn measure(node: &Node) -> (usize, usize) {
    let own = size_of::<(Key, Node)>();
    let sum =
        |(bytes, height): (usize, usize), (more, deeper): (usize, usize)| (bytes + more, height.max(deeper));
    match &node.value {
        Value::String(text) => (own + text.len(), 0),
        Value::Seq(items) => {
            let (bytes, height) = items.iter().map(measure).fold((0, 0), sum);
            (own + bytes, height + 1)
        }
        Value::Map(entries) => {
            let names: usize = entries.iter().map(|(key, _)| key.name.len()).sum();
            let (bytes, height) = entries.iter().map(|(_, child)| measure(child)).fold((0, 0), sum);
            (own + names + bytes, height + 1)
        }
        _ => (own, 0),
    }
}

fn place(mark: Marker) -> Place {
    Place::new(mark.line(), mark.col() + 1)
}

/// The parser's complaint in words that say what to do.
fn syntax(error: &ScanError) -> Refusal {
    let place = place(*error.marker());
    let message = match error.kind() {
        ErrorKind::RecursionLimitExceeded => return Refusal::too_deep(place),
        ErrorKind::MappingValueNotAllowed => {
            "a `key: value` cannot stand here: mend the indentation, or quote the text that holds `: `"
                .to_owned()
        }
        ErrorKind::TabInIndentation | ErrorKind::TabInBlockIndentation => {
            "a tab is used for indentation: use spaces".to_owned()
        }
        ErrorKind::UnknownAnchor => {
            "the alias has no anchor above it: define it or quote the text".to_owned()
        }
        ErrorKind::UnexpectedCharacter { character } => {
            format!("a text cannot begin with `{}`: put it in quotes", character.escape_debug())
        }
        ErrorKind::UnclosedFlowCollection { open } => {
            format!("`{open}` is not closed: close it, or quote the text")
        }
        ErrorKind::UnclosedQuotedScalar => {
            "the quoted text is not closed: add the quote at its end".to_owned()
        }
        _ => format!("this is not YAML ({}): mend the text here", error.info()),
    };
    Refusal::syntax(place, message)
}
