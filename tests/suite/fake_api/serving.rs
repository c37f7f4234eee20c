//! The HTTP side of the fake API server: what a request asks for, and its answer.

use std::{collections::HashMap, future::pending, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::stream;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

use super::{
    Asked, Fault, Rule, Shared,
    resources::Resource,
    store::{At, Refusal},
    watching::{Selection, Watching},
};

pub(super) type Rules = watch::Receiver<Option<Rule>>;

pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>, rules: Rules) {
    let router = Router::new().fallback(answer).with_state((shared, rules));
    axum::serve(listener, router).await.unwrap();
}

async fn answer(State((shared, rules)): State<(Arc<Shared>, Rules)>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let word = |name: header::HeaderName| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let query = Query::try_from_uri(&head.uri).map(|Query(query)| query).unwrap_or_default();
    let mut asked = asked(&head.method, head.uri.path(), &query);
    asked.query = head.uri.query().unwrap_or_default().to_owned();
    (asked.content_type, asked.user_agent) = (word(header::CONTENT_TYPE), word(header::USER_AGENT));
    shared.asked.lock().unwrap().push(asked.clone());
    match fault(&rules, &asked) {
        Some(Fault::Refuse(code)) => return refused(code),
        Some(Fault::Hang) => healed(&rules, &asked).await,
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        _ => {}
    }
    let body = axum::body::to_bytes(body, 8 << 20).await.unwrap_or_default();
    let call = Call { shared, rules, asked, query, accept: word(header::ACCEPT) };
    let response = call.answer(&body).unwrap_or_else(|refusal| json_answer(refusal.code, &refusal.status()));
    if fault(&call.rules, &call.asked) == Some(Fault::LoseAnswer) {
        healed(&call.rules, &call.asked).await;
    }
    response
}

pub(super) fn fault(rules: &Rules, asked: &Asked) -> Option<Fault> {
    rules.borrow().as_ref().and_then(|rule| rule(asked))
}

/// Waits until nothing silences this request any more.
pub(super) async fn healed(rules: &Rules, asked: &Asked) {
    let silences = |rule: &Option<Rule>| {
        let fault = rule.as_ref().and_then(|rule| rule(asked));
        matches!(fault, Some(Fault::Hang | Fault::LoseAnswer))
    };
    if rules.clone().wait_for(|rule| !silences(rule)).await.is_err() {
        pending().await
    }
}

fn refused(code: u16) -> Response {
    let reason = match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    let mut response = json_answer(code, &Refusal::new(code, reason, "refused by the test").status());
    if [429, 503].contains(&code) {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    }
    response
}

fn json_answer(code: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(code).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    (status, headers, body.to_string()).into_response()
}

/// What a request asks for, by its method and path.
fn asked(method: &Method, path: &str, query: &HashMap<String, String>) -> Asked {
    let is_set = |name: &str| query.get(name).is_some_and(|value| ["true", "1"].contains(&&**value));
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (group, version, rest) = match &*parts {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => ("", "", &[][..]),
    };
    let (namespace, rest) = match rest {
        // What comes third below a namespace is its subresource, or a resource in it.
        ["namespaces", name, part, rest @ ..] if !["status", "finalize"].contains(part) => {
            (*name, [&[*part], rest].concat())
        }
        rest => ("", rest.to_vec()),
    };
    let part = |at: usize| rest.get(at).copied().unwrap_or_default().to_owned();
    let verb = match (method, rest.len() > 1) {
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, true) => "delete",
        (&Method::DELETE, false) => "deletecollection",
        _ if is_set("watch") => "watch",
        (_, false) if !rest.is_empty() => "list",
        _ => "get",
    };
    Asked {
        verb,
        path: path.to_owned(),
        group: group.to_owned(),
        version: version.to_owned(),
        resource: part(0),
        namespace: namespace.to_owned(),
        name: part(1),
        subresource: part(2),
        is_dry_run: query.contains_key("dryRun"),
        ..Asked::default()
    }
}

/// A request that is being answered.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    pub(super) rules: Rules,
    pub(super) asked: Asked,
    query: HashMap<String, String>,
    accept: String,
}

impl Call {
    pub(super) fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", |value| value)
    }

    fn answer(&self, body: &[u8]) -> Result<Response, Refusal> {
        if self.asked.resource.is_empty() {
            return self.about_the_server();
        }
        let resource = self.resource()?;
        let Asked { verb, namespace, name, subresource, is_dry_run, .. } = &self.asked;
        let [namespace, name, subresource] = [namespace, name, subresource].map(String::clone);
        let at = At { resource, namespace, name, subresource };
        let body = || match body {
            [] => Ok(Value::Null),
            body => serde_json::from_slice(body).map_err(|error| Refusal::bad_request(error.to_string())),
        };
        let object = match *verb {
            "list" => return self.list(&at),
            "watch" => return self.watch(&at),
            "get" => self.shared.store().get(&at)?,
            "create" => {
                let body = fitting(&at, body()?)?;
                let created = self.shared.change(|store| store.create(&at, body, *is_dry_run))?;
                return Ok(json_answer(201, &self.shown(&created, &at.resource)));
            }
            "update" => {
                let body = fitting(&at, body()?)?;
                self.shared.change(|store| store.replace(&at, body, *is_dry_run))?
            }
            "patch" => self.patch(&at, &body()?)?,
            "delete" => {
                let options = body()?;
                self.shared.change(|store| store.delete(&at, &options, *is_dry_run))?
            }
            _ => return self.delete_all(&at),
        };
        Ok(json_answer(200, &self.shown(&object, &at.resource)))
    }

    fn patch(&self, at: &At, patch: &Value) -> Result<Arc<Value>, Refusal> {
        let content_type = &*self.asked.content_type;
        if content_type.starts_with("application/apply-patch") && self.query("fieldManager").is_empty() {
            return Err(Refusal::bad_request("fieldManager is required for apply patch"));
        }
        if content_type.starts_with("application/strategic") && at.resource.is_custom {
            return Err(Refusal::new(
                415,
                "UnsupportedMediaType",
                "custom resources take no strategic patch",
            ));
        }
        self.shared.change(|store| store.patch(at, content_type, patch, self.asked.is_dry_run))
    }

    fn resource(&self) -> Result<Resource, Refusal> {
        let Asked { group, version, resource, subresource, .. } = &self.asked;
        let known = self.shared.store().resources();
        let served = known
            .into_iter()
            .find(|one| (&one.group, &one.version, &one.plural) == (group, version, resource));
        let served =
            served.filter(|one| subresource.is_empty() || (subresource == "status" && one.has_status));
        served
            .ok_or_else(|| Refusal::new(404, "NotFound", "the server could not find the requested resource"))
    }

    /// The object as the caller wants it: in the version of the path, whole or its metadata alone.
    pub(super) fn shown(&self, object: &Value, resource: &Resource) -> Value {
        if self.accept.contains("as=PartialObjectMetadata") {
            let metadata = &object["metadata"];
            return json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            });
        }
        let mut shown = object.clone();
        shown["apiVersion"] = resource.api_version().into();
        shown["kind"] = resource.kind.clone().into();
        shown
    }

    pub(super) fn selection(&self, at: &At) -> Selection {
        Selection::new(at, self.query("labelSelector"), self.query("fieldSelector"))
    }

    fn list(&self, at: &At) -> Result<Response, Refusal> {
        let selection = self.selection(at);
        let mut store = self.shared.store();
        let (version, mut items) = match self.query("continue") {
            "" => {
                let all = store.all(&at.resource.group, &at.resource.plural).into_iter();
                (store.version(), all.filter(|object| selection.takes(object)).collect())
            }
            token => store.rest(token)?,
        };
        let limit = self.query("limit").parse().ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let rest = items.split_off(limit.min(items.len()));
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if !rest.is_empty() {
            metadata["remainingItemCount"] = rest.len().into();
            metadata["continue"] = store.keep_rest(version, rest).into();
        }
        drop(store);
        let is_partial = self.accept.contains("as=PartialObjectMetadata");
        let item = |object: &Arc<Value>| {
            let mut shown = self.shown(object, &at.resource);
            if !is_partial && !at.resource.is_custom {
                let fields = shown.as_object_mut().unwrap();
                fields.remove("apiVersion");
                fields.remove("kind");
            }
            shown
        };
        let items: Vec<_> = items.iter().map(item).collect();
        let (kind, api_version) = if is_partial {
            ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned())
        } else {
            (format!("{}List", at.resource.kind), at.resource.api_version())
        };
        let list = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items});
        Ok(json_answer(200, &list))
    }

    fn delete_all(&self, at: &At) -> Result<Response, Refusal> {
        let selection = self.selection(at);
        let word =
            |object: &Value, field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let deleted: Result<Vec<_>, _> = self.shared.change(|store| {
            let all = store.all(&at.resource.group, &at.resource.plural).into_iter();
            let chosen = all.filter(|object| selection.takes(object));
            let each = |object: Arc<Value>| {
                let (namespace, name) = (word(&object, "namespace"), word(&object, "name"));
                let at = At { namespace, name, ..at.clone() };
                store.delete(&at, &Value::Null, self.asked.is_dry_run)
            };
            chosen.map(each).collect()
        });
        let items: Vec<_> = deleted?.iter().map(|object| self.shown(object, &at.resource)).collect();
        let (kind, api_version) = (format!("{}List", at.resource.kind), at.resource.api_version());
        let metadata = json!({"resourceVersion": self.shared.store().version().to_string()});
        let list = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items});
        Ok(json_answer(200, &list))
    }

    fn about_the_server(&self) -> Result<Response, Refusal> {
        let Asked { path, group, version, .. } = &self.asked;
        let resources = self.shared.store().resources();
        let answer = match &**path {
            "/livez" | "/readyz" | "/healthz" => return Ok("ok".into_response()),
            "/version" => json!({"major": "1", "minor": "33", "gitVersion": "v1.33.0"}),
            "/api" | "/apis" if self.accept.contains("APIGroupDiscoveryList") => {
                let mut response =
                    json_answer(200, &super::resources::aggregated(&resources, path == "/api"));
                let kind = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
                response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
                return Ok(response);
            }
            "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
            "/apis" => super::resources::groups(&resources),
            _ => super::resources::listed(&resources, group, version).ok_or_else(|| {
                Refusal::new(404, "NotFound", "the server could not find the requested resource")
            })?,
        };
        Ok(json_answer(200, &answer))
    }

    fn watch(&self, at: &At) -> Result<Response, Refusal> {
        let streams_list = self.query("sendInitialEvents") == "true";
        if streams_list && self.query("resourceVersionMatch") != "NotOlderThan" {
            return Err(Refusal::invalid("sendInitialEvents needs resourceVersionMatch=NotOlderThan"));
        }
        let call = Call {
            shared: self.shared.clone(),
            rules: self.rules.clone(),
            asked: self.asked.clone(),
            query: self.query.clone(),
            accept: self.accept.clone(),
        };
        let watching = Watching::new(call, at);
        let lines = stream::unfold(watching, async |mut watching| Some((watching.next().await?, watching)));
        let body = Body::from_stream(lines);
        Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
    }
}

/// The body must be of the kind that the path names.
fn fitting(at: &At, mut body: Value) -> Result<Value, Refusal> {
    let Some(fields) = body.as_object_mut() else { return Err(Refusal::bad_request("an object is needed")) };
    let wanted = [("apiVersion", at.resource.api_version()), ("kind", at.resource.kind.clone())];
    for (field, wanted) in wanted {
        let given = fields.entry(field).or_insert_with(|| wanted.clone().into());
        if *given != *wanted {
            return Err(Refusal::bad_request(format!(
                "{field} is {given}, and not {wanted:?} as in the path"
            )));
        }
    }
    for (field, wanted) in [("namespace", &at.namespace), ("name", &at.name)] {
        let given = body["metadata"][field].as_str().unwrap_or_default();
        if !given.is_empty() && !wanted.is_empty() && given != wanted {
            return Err(Refusal::bad_request(format!(
                "the {field} {given:?} is not {wanted:?} as in the path"
            )));
        }
    }
    Ok(body)
}
