//! Decides the request that a case describes.

use std::path::Path;

use jiff::Timestamp;
use serde::de::DeserializeSeed;

use super::{
    inventory::inventory_of,
    suite::{Asked, Case, Suite, Verb},
};
use crate::{
    cli::check::source,
    decision::{Decision, decide},
    inventory::Inventory,
    manifest::{self, Content, Document, Node, Unusable, open},
    object::{Kind, List, Object, OfKind, Text},
    policy::PolicySet,
    request::{OldObject, Operation, Request, Requester},
};

/// Decides one case of a suite.
///
/// # Errors
/// What in the case could not be sent to an API server, with its place.
pub(super) fn decided(
    suite: &Suite,
    position: usize,
    case: &Case,
    policies: &PolicySet,
    now: Timestamp,
) -> Result<Decision, Unusable> {
    let sent = Sent { suite, position };
    let inventory = sent.inventory()?;
    let object = sent.object(case)?;
    let old = sent.old_object()?;
    let old_json = old.as_ref().map(Document::to_json_text);
    let Some(subject) = object.as_ref().or(old.as_ref()) else {
        return Err(sent.unusable("object", "is missing: write the object, or name its file in `objectFile`"));
    };
    let kind = kind_of(subject);
    let read = |document: &Document| unfit(OfKind(kind).deserialize(&document.root).map(drop), document);
    old.as_ref().map_or(Ok(()), read)?;
    let subject = unfit(OfKind(kind).deserialize(&subject.root), subject)?;
    let Some(asked) = &case.request else {
        return Ok(decide(policies, &Request::of_manifest(subject), &inventory, now));
    };
    sent.validate(asked, object.as_ref(), old.as_ref())?;
    let mut request = asked.request(subject, sent.operation(asked, old.is_some()));
    if let (Some(Operation::Update), Some(json)) = (request.operation, &old_json) {
        request.old = OldObject::new(json);
    }
    Ok(decide(policies, &request, &inventory, now))
}

fn unfit<T>(read: Result<T, Unusable>, document: &Document) -> Result<T, Unusable> {
    read.map_err(|unfit| Unusable { file: document.file.to_string(), ..unfit })
}

/// The kind and its API version, as a manifest writes them.
fn identity(document: &Document) -> (&str, &str) {
    let field = |name: &str| document.root.get(name).and_then(Node::as_str).unwrap_or_default();
    (field("apiVersion"), field("kind"))
}

fn kind_of(document: &Document) -> Kind {
    let (api_version, kind) = identity(document);
    Kind::of_manifest(api_version, kind)
}

impl Asked {
    fn request<'r>(&'r self, subject: Object<'r>, operation: Operation) -> Request<'r> {
        let text = |own: &'r Option<String>, else_of: &Text<'r>| {
            own.as_deref().map_or_else(|| else_of.clone(), Text::from)
        };
        let groups = self.groups.iter().flatten().map(|group| Text::from(group.as_str())).collect();
        let is_known = self.user.is_some() || self.groups.is_some();
        let requester = is_known
            .then(|| Requester { username: self.user.as_deref().map(Text::from), groups: List(groups) });
        let request = Request {
            kind: subject.kind,
            kind_name: subject.kind_name.clone(),
            group: subject.kind.group().into(),
            resource: subject.kind.resource().split('/').next().unwrap_or_default().into(),
            subresource: text(&self.subresource, &Text::default()),
            name: text(&self.name, &subject.metadata.name),
            namespace: text(&self.namespace, &subject.metadata.namespace),
            operation: Some(operation),
            requester,
            dry_run: self.dry_run,
            ..Request::default()
        };
        match operation {
            Operation::Delete => Request { going: Some(subject), ..request },
            Operation::Create | Operation::Update | Operation::Connect => {
                Request { object: Some(subject), ..request }
            }
        }
    }
}

/// A case of a suite on its way to a request.
#[derive(Clone, Copy)]
struct Sent<'s> {
    suite: &'s Suite,
    position: usize,
}

impl Sent<'_> {
    fn unusable(self, path: &str, message: &str) -> Unusable {
        self.suite.document.unusable(self.suite.place(self.position, path), message)
    }

    /// What an API server would never send.
    fn validate(
        self,
        asked: &Asked,
        object: Option<&Document>,
        old: Option<&Document>,
    ) -> Result<(), Unusable> {
        let operation = self.operation(asked, old.is_some());
        let has = (object.is_some(), old.is_some());
        match (operation, has) {
            (Operation::Create | Operation::Connect, (_, true)) => {
                return Err(
                    self.unusable("request.oldObject", "belongs to UPDATE and DELETE alone: remove it")
                );
            }
            (Operation::Update, (false, _)) => {
                return Err(self.unusable("object", "is missing: an UPDATE has the object as it shall be"));
            }
            (Operation::Delete, (true, true)) => {
                let message = "is what a DELETE removes, and so is `object`: keep one of the two";
                return Err(self.unusable("request.oldObject", message));
            }
            _ => {}
        }
        if let (Some(object), Some(old)) = (object, old)
            && identity(object) != identity(old)
        {
            return Err(
                self.unusable("request.oldObject", "is of another kind than the object: an UPDATE keeps it")
            );
        }
        let own = object.or(old).and_then(|subject| subject.root.get("metadata")?.get("namespace")?.as_str());
        match (&asked.namespace, own) {
            (Some(namespace), Some(own)) if namespace != own && !own.is_empty() => Err(self.unusable(
                "request.namespace",
                "is not the namespace of the object: leave it out there or here",
            )),
            _ => Ok(()),
        }
    }

    /// The operation named, or the one that the old object implies.
    fn operation(self, asked: &Asked, has_old: bool) -> Operation {
        let implied = if has_old { Operation::Update } else { Operation::Create };
        asked.operation.map_or(implied, Verb::operation)
    }

    fn object(self, case: &Case) -> Result<Option<Document>, Unusable> {
        let Some(file) = &case.object_file else { return self.inline(&["object"]) };
        if self.suite.written(self.position, &["object"]).is_some() {
            return Err(self.unusable("objectFile", "and `object` are both given: keep one of the two"));
        }
        let beside = Path::new(&*self.suite.document.file).parent().unwrap_or(Path::new(""));
        let path = beside.join(file);
        let mut documents = Vec::new();
        for source in source::find(&[path]).found {
            documents.extend(manifest::parse(&source.name, &source.read()?)?);
        }
        match (documents.pop(), documents.is_empty()) {
            (Some(document), true) => self.one(document).map(Some),
            _ => Err(self.unusable("objectFile", "does not hold exactly one object: name a file that does")),
        }
    }

    fn old_object(self) -> Result<Option<Document>, Unusable> {
        self.inline(&["request", "oldObject"])
    }

    fn inline(self, fields: &[&str]) -> Result<Option<Document>, Unusable> {
        let written = self.suite.written(self.position, fields);
        written.map(|node| self.one(self.document(node))).transpose()
    }

    fn document(self, node: &Node) -> Document {
        Document { file: self.suite.document.file.clone(), root: node.clone() }
    }

    /// The object of a document that is no list.
    fn one(self, document: Document) -> Result<Document, Unusable> {
        let place = document.root.place;
        let file = document.file.to_string();
        match open(document) {
            Content::Objects(mut objects) if objects.len() == 1 => {
                objects.pop().ok_or_else(|| self.unusable("object", "is missing"))
            }
            Content::Objects(_) => Err(Unusable {
                file,
                line: place.line,
                column: place.column,
                message: "is a list: write one object".to_owned(),
            }),
            Content::Foreign(foreign) => Err(foreign),
        }
    }

    /// What else exists; without a word about it nobody knows.
    fn inventory(self) -> Result<Inventory, Unusable> {
        let Some(written) = self.suite.written(self.position, &["inventory"]) else {
            return Ok(Inventory::default());
        };
        let items = written
            .as_seq()
            .ok_or_else(|| self.unusable("inventory", "is no list: write a list of objects"))?;
        let mut documents = Vec::new();
        for item in items {
            match open(self.document(item)) {
                Content::Objects(objects) => documents.extend(objects),
                Content::Foreign(foreign) => return Err(foreign),
            }
        }
        inventory_of(&documents)
    }
}
