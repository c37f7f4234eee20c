//! Leaving in order: at the end of the server, and of a connection grown old.

use std::sync::atomic::AtomicBool;

use hyper::Request;
use hyper::header::CONNECTION;

use super::https::{Http, plain};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_completes_what_is_in_flight() {
    let server = running(|config| config.limits.inline = 0).await;
    let mut held = Vec::new();
    for http in [Http::One, Http::Two] {
        let mut connection = server.client.connect(http).await.unwrap();
        held.push(tokio::spawn(
            async move { connection.post("/validate?timeout=30s", "wait").await.unwrap() },
        ));
    }
    let desk = Arc::clone(&server.desk);
    eventually("two reviews are in flight", || desk.waiting() == 2).await;
    let (client, admin) = (server.client.clone(), server.admin());
    let left = tokio::spawn(server.left());
    let begun = Instant::now();
    while client.connect(Http::One).await.is_ok() {
        assert!(begun.elapsed() < SOON, "the door stays open");
    }
    assert_eq!(plain(admin, Request::get("/readyz")).await.unwrap().status, 503);
    assert!(!left.is_finished());
    desk.release();
    for held in held {
        assert_eq!(held.await.unwrap().json()["bytes"], 4);
    }
    assert_eq!(left.await.unwrap(), Left::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_is_lost_before_the_door_closes() {
    let server = running(|config| config.limits.drain_delay = SOON * 10).await;
    let mut one = server.client.connect(Http::One).await.unwrap();
    one.post("/validate", "{}").await.unwrap();
    let (client, admin) = (server.client.clone(), server.admin());
    let leaving = tokio::spawn(server.left());
    let begun = Instant::now();
    loop {
        let ready = plain(admin, Request::get("/readyz")).await.unwrap();
        if ready.status == 503 {
            assert!(ready.text().contains("shutting down"), "{}", ready.text());
            break;
        }
        assert!(begun.elapsed() < SOON, "readiness stays");
    }
    // Whoever has not heard of it is still answered, and asked to connect anew next time.
    for http in [Http::One, Http::Two] {
        let mut late = client.connect(http).await.unwrap();
        assert_eq!(late.post("/validate", "{}").await.unwrap().status, 200, "{http:?}");
    }
    assert_eq!(one.post("/validate", "{}").await.unwrap().headers[CONNECTION], "close");
    leaving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_hold_up_the_drain() {
    let server = running(|_| {}).await;
    let mut idle = Vec::new();
    for http in [Http::One, Http::Two] {
        let mut connection = server.client.connect(http).await.unwrap();
        connection.post("/validate", "{}").await.unwrap();
        idle.push(connection);
    }
    let left = tokio::time::timeout(SOON, server.left()).await.expect("idle connections are closed");
    assert_eq!(left, Left::Drained);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_at_the_drain_deadline_is_cut() {
    let server = running(|config| {
        config.limits.inline = 0;
        config.limits.drain = Duration::from_millis(50);
    })
    .await;
    let mut connection = server.client.connect(Http::One).await.unwrap();
    let held = tokio::spawn(async move { connection.post("/validate?timeout=30s", "wait").await });
    let desk = Arc::clone(&server.desk);
    eventually("a review is in flight", || desk.waiting() == 1).await;
    assert_eq!(server.left().await, Left::Cut(1));
    assert!(held.await.unwrap().is_err());
    desk.release();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_1_connection_grown_old_ends_with_an_answer_that_says_so() {
    let server = running(|config| config.limits.age = Duration::from_millis(50)).await;
    for _ in 0..3 {
        let mut connection = server.client.connect(Http::One).await.unwrap();
        let begun = Instant::now();
        while !connection.post("/validate", "{}").await.unwrap().headers.contains_key(CONNECTION) {
            assert!(begun.elapsed() < SOON, "the connection never ages");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_2_connection_grown_old_ends_and_every_request_taken_is_answered() {
    let server = running(|config| config.limits.age = Duration::from_millis(50)).await;
    let mut answered = 0;
    for _ in 0..3 {
        let mut connection = server.client.connect(Http::Two).await.unwrap();
        let begun = Instant::now();
        // A request sent while GOAWAY is on its way fails, or stays in hyper's queue for ever: either way it was
        // never taken, which the server's own count shows.
        let patience = Duration::from_secs(5);
        while let Ok(Ok(answer)) = tokio::time::timeout(patience, connection.post("/validate", "{}")).await {
            assert_eq!(answer.status, 200);
            assert!(begun.elapsed() < SOON, "the connection never ages");
            answered += 1;
        }
    }
    assert!(answered > 0);
    assert_eq!(server.metrics.server.responses.value(&["200"]), answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_under_load_loses_no_request() {
    let server = running(|config| config.limits.drain_delay = Duration::from_secs(1)).await;
    let leaving = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (client, leaving) = (server.client.clone(), Arc::clone(&leaving));
            tokio::spawn(async move {
                // Like an API server: one connection until told otherwise, and then another endpoint.
                while !leaving.load(Ordering::SeqCst) {
                    let mut connection = client.connect(Http::One).await.expect("a connection");
                    let mut told = false;
                    while !told {
                        let answer = connection.post("/validate", "{}").await.expect("an answer");
                        assert_eq!(answer.status, 200);
                        told = answer.headers.contains_key(CONNECTION);
                    }
                }
            })
        })
        .collect();
    let metrics = Arc::clone(&server.metrics);
    eventually("reviews are answered", || metrics.server.responses.value(&["200"]) > 100).await;
    leaving.store(true, Ordering::SeqCst);
    assert_eq!(server.left().await, Left::Drained);
    for caller in callers {
        caller.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_request_on_its_way_when_the_door_closes_is_answered() {
    let server = running(|_| {}).await;
    let mut late = server.client.connect(Http::One).await.unwrap();
    let (client, metrics) = (server.client.clone(), Arc::clone(&server.metrics));
    eventually("the connection is open", || metrics.server.connections.get() == 1).await;
    let left = tokio::spawn(server.left());
    let begun = Instant::now();
    while client.stream(Http::One).await.is_ok() {
        assert!(begun.elapsed() < SOON, "the door stays open");
    }
    assert_eq!(late.post("/validate", "{}").await.unwrap().headers[CONNECTION], "close");
    assert_eq!(left.await.unwrap(), Left::Drained);
}
