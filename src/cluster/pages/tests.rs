//! Lists that expire, stumble, end early or never answer.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
};

use hyper::{Request, Response};
use kube::{
    Client,
    client::Body,
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use super::*;

/// A status and a body.
type Answer = (u16, Value);

/// Answers in turn, and the query of each request.
struct Served {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<String>>,
}

/// An API server that gives these answers, and `500` from then on.
fn pages(answers: Vec<Answer>) -> (Pages, Arc<Served>) {
    let served = Arc::new(Served { answers: Mutex::new(answers.into()), asked: Mutex::default() });
    let serving = served.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        serving.asked.lock().unwrap().push(request.uri().query().unwrap_or_default().to_owned());
        let answer = serving.answers.lock().unwrap().pop_front();
        let (code, body) = answer.unwrap_or((500, status(500, "Internal error")));
        let response = Response::builder().status(code).body(Body::from(body.to_string().into_bytes()));
        std::future::ready(Ok::<_, Infallible>(response.unwrap()))
    });
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", "Pod"));
    let api = Api::all_with(Client::new(service, "default"), &resource);
    let mut pages = Pages::of(api, false);
    pages.first_wait = Duration::from_millis(1);
    (pages, served)
}

fn page(names: &[&str], token: &str) -> (u16, Value) {
    let items: Vec<_> =
        names.iter().map(|name| json!({"metadata": {"namespace": "shop", "name": name}})).collect();
    (200, json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": token}, "items": items}))
}

fn status(code: u16, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message, "metadata": {}})
}

fn expired(token: Option<&str>) -> (u16, Value) {
    let mut expired = status(410, "The provided continue parameter is too old");
    expired["metadata"] = json!({"continue": token});
    (410, expired)
}

/// The names of everything handed over, and how it ended.
async fn all(pages: &mut Pages) -> (Vec<String>, Option<Gap>) {
    let mut names = Vec::new();
    loop {
        match pages.next().await {
            Ok(Some(page)) => names.extend(page.iter().map(|object| object.name().to_owned())),
            Ok(None) => return (names, None),
            Err(gap) => return (names, Some(gap)),
        }
    }
}

#[tokio::test]
async fn hands_over_every_object_once_whatever_stumbles() {
    let down = || (503, status(503, "etcd is away"));
    let cases: [(&str, Vec<Answer>); 7] = [
        ("one page", vec![page(&["a", "b", "c", "d"], "")]),
        ("two pages", vec![page(&["a", "b"], "t1"), page(&["c", "d"], "")]),
        ("an empty page is no end", vec![page(&["a", "b"], "t1"), page(&[], "t2"), page(&["c", "d"], "")]),
        (
            "an expired token with another one offered",
            vec![page(&["a", "b"], "t1"), expired(Some("t2")), page(&["c", "d"], "")],
        ),
        (
            "an expired token without",
            vec![page(&["a", "b"], "t1"), expired(None), page(&["a", "b", "c"], "t3"), page(&["d"], "")],
        ),
        (
            "an API server that is away for a while",
            vec![page(&["a", "b"], "t1"), down(), down(), page(&["c", "d"], "")],
        ),
        (
            "one that has too much to do",
            vec![(429, status(429, "slow down")), page(&["a", "b", "c", "d"], "")],
        ),
    ];
    for (what, answers) in cases {
        let (mut pages, _) = pages(answers);
        let (names, gap) = all(&mut pages).await;
        assert_eq!((names.join(" ").as_str(), gap), ("a b c d", None), "{what}");
    }
}

#[tokio::test]
async fn goes_on_with_the_token_that_it_was_offered() {
    let (mut pages, served) = pages(vec![page(&["a"], "t1"), expired(Some("t2")), page(&["b"], "")]);
    all(&mut pages).await;
    let asked = served.asked.lock().unwrap();
    assert!(asked[1].contains("continue=t1") && asked[2].contains("continue=t2"), "{asked:?}");
    assert!(asked.iter().all(|query| query.contains("limit=500")), "{asked:?}");
}

#[tokio::test]
async fn ends_with_the_reason_and_never_goes_round_for_ever() {
    let cases: [(&str, Vec<Answer>, Gap); 5] = [
        ("no right", vec![(403, status(403, "no"))], Gap::Forbidden("no".into())),
        ("no such resource", vec![(404, status(404, "not found"))], Gap::Absent),
        ("away for good", vec![], Gap::Failed("the API server did not answer 5 times in a row".into())),
        (
            "a token that expires again and again",
            (0..100).map(|_| expired(Some("t"))).collect(),
            Gap::Failed("the API server did not answer 5 times in a row".into()),
        ),
        (
            "a list that expires after every page",
            (0..100).flat_map(|_| [page(&["a"], "t1"), expired(None)]).collect(),
            Gap::Failed("its pages expire too soon".into()),
        ),
    ];
    for (what, answers, expected) in cases {
        let (mut pages, served) = pages(answers);
        let (_, gap) = all(&mut pages).await;
        assert_eq!(gap, Some(expected), "{what}");
        assert!(served.asked.lock().unwrap().len() < 30, "{what}");
        assert_eq!(pages.next().await.map(|page| page.is_some()), Ok(false), "{what}");
    }
}

#[tokio::test]
async fn asks_for_fewer_objects_once_they_prove_large() {
    let large = "x".repeat(1024 * 1024);
    let item = json!({"metadata": {"name": "a"}, "data": {"blob": large}});
    let first = (200, json!({"metadata": {"continue": "t"}, "items": [item]}));
    let (mut pages, served) = pages(vec![first, page(&["b"], "")]);
    all(&mut pages).await;
    assert!(served.asked.lock().unwrap()[1].contains("limit=7&"), "{:?}", served.asked);
}
