//! Reads through all objects of a resource, page by page, so that never more than one page of them is in memory.

use std::time::Duration;

use kube::{
    Api,
    api::ListParams,
    core::{ObjectList, Status},
};

use super::Raw;

/// The most objects of one page.
const MOST: u32 = 500;

/// What a page should have in bytes at most, as far as the pages before tell: some ConfigMaps have a mebibyte.
const BYTES: usize = 8 * 1024 * 1024;

/// How often one page is asked for, and how often a list may be begun anew.
const TRIES: u32 = 5;

/// How long one answer may take. The client itself waits for minutes while the API server is overloaded.
const PATIENCE: Duration = Duration::from_secs(60);

/// The wait before the second try; it doubles from one try to the next.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// All objects of one list, in the order of their namespaces and names.
pub struct Pages {
    api: Api<Raw>,
    /// Which objects, if not all.
    fields: Option<String>,
    at: At,
    limit: u32,
    /// Where the last page ended. An API server lists in the order of its keys.
    last: Option<String>,
    begun_anew: u32,
    first_wait: Duration,
}

#[derive(Clone)]
enum At {
    Start,
    Token(String),
    End,
}

/// Why there are no more pages although there may be more objects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    /// The resource is not, or no longer, served.
    #[error("the cluster does not serve it")]
    Absent,
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    Failed(String),
}

/// What to do about an answer that is no page.
enum Next {
    TryAgain(Option<Duration>),
    /// With the token for a list that is not consistent, if one was offered.
    GoOn(Option<String>),
    GiveUp(Gap),
}

impl Pages {
    /// All objects of `api`, of which `few` says that they are large.
    pub fn of(api: Api<Raw>, few: bool) -> Self {
        Self {
            api,
            fields: None,
            at: At::Start,
            limit: if few { MOST / 10 } else { MOST },
            last: None,
            begun_anew: 0,
            first_wait: FIRST_WAIT,
        }
    }

    /// Only those that fit a field selector.
    #[must_use]
    pub fn matching(mut self, fields: String) -> Self {
        self.fields = Some(fields);
        self
    }

    /// The next objects; none at the end. An empty page is no end.
    ///
    /// # Errors
    /// A [`Gap`] once it was tried often enough; then the list is at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<Raw>>, Gap> {
        let mut wait = self.first_wait;
        for _ in 0..TRIES {
            let token = match &self.at {
                At::End => return Ok(None),
                At::Start => None,
                At::Token(token) => Some(token.clone()),
            };
            let params = ListParams {
                limit: Some(self.limit),
                continue_token: token,
                field_selector: self.fields.clone(),
                ..ListParams::default()
            };
            let next = match tokio::time::timeout(PATIENCE, self.api.list(&params)).await {
                Ok(Ok(list)) => return Ok(Some(self.take(list))),
                Ok(Err(error)) => judge(&error),
                Err(_) => Next::TryAgain(None),
            };
            match next {
                Next::TryAgain(asked_for) => {
                    tokio::time::sleep(asked_for.unwrap_or(wait)).await;
                    wait *= 2;
                }
                Next::GoOn(Some(token)) => self.at = At::Token(token),
                Next::GoOn(None) if self.begun_anew < TRIES => {
                    self.begun_anew += 1;
                    self.at = At::Start;
                }
                Next::GoOn(None) => return Err(self.end(Gap::Failed("its pages expire too soon".to_owned()))),
                Next::GiveUp(gap) => return Err(self.end(gap)),
            }
        }
        Err(self.end(Gap::Failed(format!("the API server did not answer {TRIES} times in a row"))))
    }

    fn end(&mut self, gap: Gap) -> Gap {
        self.at = At::End;
        gap
    }

    fn take(&mut self, list: ObjectList<Raw>) -> Vec<Raw> {
        let ObjectList { metadata, items, .. } = list;
        self.at = match metadata.continue_ {
            Some(token) if !token.is_empty() => At::Token(token),
            _ => At::End,
        };
        let bytes: usize = items.iter().map(|object| object.json().len()).sum();
        if let Some(average) = bytes.checked_div(items.len()) {
            let fitting = u32::try_from(BYTES / average.max(1)).unwrap_or(MOST);
            self.limit = fitting.clamp(1, MOST);
        }
        let ended = items.last().map(key);
        // Begun anew, the list goes through what was handed over before.
        let before = self.last.clone().filter(|_| self.begun_anew > 0);
        let is_new = |object: &Raw| before.as_ref().is_none_or(|before| key(object) > *before);
        let items: Vec<_> = items.into_iter().filter(is_new).collect();
        self.last = self.last.take().max(ended);
        items
    }
}

/// Where an object stands in the order of an API server.
fn key(object: &Raw) -> String {
    format!("{}/{}", object.namespace(), object.name())
}

/// What an error means for the list.
fn judge(error: &kube::Error) -> Next {
    let kube::Error::Api(status) = error else {
        return match error {
            // What was sent does not decode: it will not the next time.
            kube::Error::SerdeError(error) => Next::GiveUp(Gap::Failed(error.to_string())),
            _ => Next::TryAgain(None),
        };
    };
    match status.code {
        410 => {
            let token = status.metadata.as_ref().and_then(|metadata| metadata.continue_.clone());
            Next::GoOn(token.filter(|token| !token.is_empty()))
        }
        404 => Next::GiveUp(Gap::Absent),
        401 | 403 => Next::GiveUp(Gap::Forbidden(status.message.clone())),
        429 | 500.. => Next::TryAgain(asked_for(status)),
        _ => Next::GiveUp(Gap::Failed(status.message.clone())),
    }
}

/// How long the API server asks to wait.
fn asked_for(status: &Status) -> Option<Duration> {
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(u64::from(seconds).min(PATIENCE.as_secs())))
}

#[cfg(test)]
mod tests;
