//! Tells what a recording is made of: AdmissionReviews, audit events, and lists of either.

use serde_json::value::RawValue;

use crate::{
    decision::printable,
    events::{Event, TypeMeta},
};

/// One thing that was recorded.
pub(super) enum Item<'b> {
    /// An AdmissionReview as JSON.
    Review(&'b str),
    Event(Box<Event<'b>>),
    /// Something else, and what.
    Foreign(String),
    /// It should be one of these and cannot be read; with the reason.
    Unreadable(String),
}

/// Hands over everything that a text of JSON values holds, lists taken apart.
pub(super) fn open<'b>(text: &'b str, take: &mut dyn FnMut(Item<'b>)) {
    if !text.trim_ascii_start().starts_with(['{', '[']) {
        return take(Item::Foreign("text that is no JSON object".to_owned()));
    }
    for value in serde_json::Deserializer::from_str(text).into_iter::<&'b RawValue>() {
        match value {
            Ok(value) => open_value(value, take),
            // What follows a syntax error has no beginning.
            Err(error) => return take(Item::Unreadable(format!("this is no JSON: {error}"))),
        }
    }
}

fn open_value<'b>(value: &'b RawValue, take: &mut dyn FnMut(Item<'b>)) {
    let mut pending = vec![(value, false)];
    while let Some((value, is_event)) = pending.pop() {
        let opened = match value.get().as_bytes().first() {
            _ if is_event => Ok(event(value.get())),
            Some(b'[') => Err((value, false)),
            Some(b'{') => object(value),
            _ => Ok(Item::Foreign("a value that is no object".to_owned())),
        };
        match opened {
            Ok(item) => take(item),
            Err((list, of_events)) => match serde_json::from_str::<Vec<&'b RawValue>>(list.get()) {
                Ok(items) => pending.extend(items.into_iter().rev().map(|item| (item, of_events))),
                Err(error) => take(Item::Unreadable(format!("items: {error}"))),
            },
        }
    }
}

/// An object, or the items of one that is a list and whether they are events.
fn object(value: &RawValue) -> Result<Item<'_>, (&RawValue, bool)> {
    let head: TypeMeta<'_> = match serde_json::from_str(value.get()) {
        Ok(head) => head,
        Err(error) => return Ok(Item::Unreadable(error.to_string())),
    };
    let kind = head.kind.as_deref().unwrap_or_default();
    let api_version = head.api_version.as_deref().unwrap_or_default();
    if kind == "AdmissionReview" {
        return Ok(Item::Review(value.get()));
    }
    if Event::is_kind(api_version, kind) {
        return Ok(event(value.get()));
    }
    match head.items {
        // The items of an EventList do not repeat what they are.
        Some(items) if api_version == "audit.k8s.io/v1" && kind == "EventList" => Err((items, true)),
        Some(items) if kind.ends_with("List") => Err((items, false)),
        _ if kind.is_empty() => Ok(Item::Foreign("an object without a kind".to_owned())),
        _ => {
            let short = |text: &str| printable(&text.chars().take(60).collect::<String>()).into_owned();
            Ok(Item::Foreign(format!("kind `{}` of `{}`", short(kind), short(api_version))))
        }
    }
}

fn event(text: &str) -> Item<'_> {
    match Event::read(text) {
        Ok(event) => Item::Event(Box::new(event)),
        Err(error) => Item::Unreadable(format!("audit event: {error}")),
    }
}
