//! Callers that send too much, too many, too slowly or nothing at all.

use futures::stream;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, EXPECT, RETRY_AFTER};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::https::{Http, review, streamed, whole};
use super::*;

const MIB: usize = 1024 * 1024;

/// Reads until the server closes; what it said before.
async fn until_closed(mut stream: impl AsyncReadExt + Unpin) -> String {
    let mut said = Vec::new();
    // A connection that is cut instead of closed has ended as well.
    let reading = stream.read_to_end(&mut said);
    let _cut = tokio::time::timeout(SOON, reading).await.expect("the server closes the connection").is_err();
    String::from_utf8_lossy(&said).into_owned()
}

fn chunks(count: usize) -> super::https::Body {
    let chunk = Bytes::from(vec![b' '; MIB]);
    streamed(stream::iter(std::iter::repeat_n(chunk, count)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_whether_its_length_is_told_or_not() {
    let server = running(|_| {}).await;
    for http in [Http::One, Http::Two] {
        for body in [whole(vec![b' '; 7 * MIB + 1]), whole(vec![b' '; 12 * MIB]), chunks(8), chunks(20)] {
            let mut connection = server.client.connect(http).await.unwrap();
            let answer = connection.send(review("/validate"), body).await.unwrap();
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["reason"]),
                (413, &"RequestEntityTooLarge".into())
            );
            assert!(answer.text().contains("7340032 bytes"), "{}", answer.text());
        }
        let mut connection = server.client.connect(http).await.unwrap();
        let answer = connection.send(review("/validate"), chunks(7)).await.unwrap();
        assert_eq!(answer.json()["bytes"], 7 * MIB, "{http:?}");
    }
    assert_eq!(server.metrics.server.responses.value(&["413"]), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_asks_before_sending_too_much_is_refused_at_once() {
    let server = running(|_| {}).await;
    let mut stream = server.client.stream(Http::One).await.unwrap();
    let head = "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(until_closed(stream).await.starts_with("HTTP/1.1 413"));
    let mut connection = server.client.connect(Http::One).await.unwrap();
    let head = review("/validate").header(EXPECT, "100-continue");
    assert_eq!(connection.send(head, whole("{}")).await.unwrap().json()["bytes"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_lies_is_refused() {
    let server = running(|_| {}).await;
    for lengths in
        ["Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: -1\r\n", "Content-Length: 5x\r\n"]
    {
        let mut stream = server.client.stream(Http::One).await.unwrap();
        let head = format!(
            "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{lengths}\r\n12345"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        assert!(until_closed(stream).await.starts_with("HTTP/1.1 400"), "{lengths}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversize_head_is_refused() {
    let server = running(|_| {}).await;
    let mut connection = server.client.connect(Http::One).await.unwrap();
    let head = review("/validate").header("x-padding", "x".repeat(200_000));
    let refused = connection.send(head, whole("{}")).await;
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status == 431));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_never_comes_is_closed() {
    let server = running(|config| config.limits.handshake = Duration::from_millis(50)).await;
    let stream = TcpStream::connect(server.handle.address()).await.unwrap();
    assert_eq!(until_closed(stream).await, "");
    let metrics = Arc::clone(&server.metrics);
    eventually("it is counted", || metrics.server.handshake_failures.value(&["timeout"]) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_request_is_closed() {
    let server = running(|config| config.limits.first_request = Duration::from_millis(50)).await;
    for http in [Http::One, Http::Two] {
        let stream = server.client.stream(http).await.unwrap();
        until_closed(stream).await;
        // A caller that says hello in HTTP/2 and then nothing is no better.
        let mut stream = server.client.stream(Http::Two).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        until_closed(stream).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_comes_too_slowly_is_closed_also_after_a_good_request() {
    let server = running(|config| config.limits.head_read = Duration::from_millis(100)).await;
    let good = "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                Content-Length: 2\r\n\r\n{}";
    for before in ["", good] {
        let mut stream = server.client.stream(Http::One).await.unwrap();
        stream.write_all(before.as_bytes()).await.unwrap();
        if !before.is_empty() {
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200");
        }
        let begun = Instant::now();
        let mut closed = false;
        while !closed && begun.elapsed() < SOON {
            // One byte of an endless header at a time: each alone is in time.
            let sent = stream.write_all(b"G").await.is_ok() && stream.flush().await.is_ok();
            let mut rest = [0; 4096];
            let read = tokio::time::timeout(Duration::from_millis(10), stream.read(&mut rest)).await;
            closed = !sent || matches!(read, Ok(Ok(0) | Err(_)));
        }
        assert!(closed, "the server waits for ever");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_outlives_the_head_deadline() {
    let server = running(|config| config.limits.head_read = Duration::from_millis(40)).await;
    let mut connection = server.client.connect(Http::One).await.unwrap();
    connection.post("/validate", "{}").await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(connection.post("/validate", "{}").await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_idle_for_too_long_is_closed() {
    let server = running(|config| config.limits.idle = Duration::from_millis(50)).await;
    let mut connection = server.client.connect(Http::One).await.unwrap();
    connection.post("/validate", "{}").await.unwrap();
    let metrics = Arc::clone(&server.metrics);
    eventually("the idle connection is closed", || metrics.server.connections.get() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_comes_too_slowly_is_refused() {
    let server = running(|config| config.limits.body_read = Duration::from_millis(50)).await;
    for http in [Http::One, Http::Two] {
        let mut connection = server.client.connect(http).await.unwrap();
        let answer = connection.send(review("/validate"), streamed(stream::pending())).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.json()["reason"]), (408, &"Timeout".into()));
        assert_eq!(answer.headers.contains_key(CONNECTION), http == Http::One);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_slower_than_the_callers_own_timeout_is_refused() {
    let server = running(|_| {}).await;
    let mut connection = server.client.connect(Http::One).await.unwrap();
    let begun = Instant::now();
    let answer =
        connection.send(review("/validate?timeout=200ms"), streamed(stream::pending())).await.unwrap();
    assert_eq!(answer.status, 408);
    assert!(begun.elapsed() >= Duration::from_millis(180) && begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_not_decided_in_time_is_answered_as_failed() {
    let server = running(|config| config.limits.inline = 0).await;
    for http in [Http::One, Http::Two] {
        let mut connection = server.client.connect(http).await.unwrap();
        let begun = Instant::now();
        let answer = connection.post("/validate?timeout=200ms", "wait").await.unwrap();
        assert_eq!(answer.json()["failure"], "timed out", "{http:?}");
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    assert_eq!(server.metrics.server.timeouts.get(), 2);
    server.desk.release();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_over_the_cap_are_shed_at_once() {
    let server = running(|config| {
        config.limits.inline = 0;
        config.limits.in_flight = 2;
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut connection = server.client.connect(Http::One).await.unwrap();
        held.push(tokio::spawn(
            async move { connection.post("/validate?timeout=30s", "wait").await.unwrap() },
        ));
    }
    let desk = Arc::clone(&server.desk);
    eventually("two reviews are in flight", || desk.waiting() == 2).await;
    for http in [Http::One, Http::Two] {
        let mut connection = server.client.connect(http).await.unwrap();
        let answer = connection.post("/validate?timeout=30s", "{}").await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.json()["kind"]), (503, &"Status".into()));
        assert_eq!(answer.headers[RETRY_AFTER], "1");
    }
    assert_eq!(server.metrics.server.shed.value(&["requests"]), 2);
    server.desk.release();
    for held in held {
        assert_eq!(held.await.unwrap().status, 200);
    }
    let mut connection = server.client.connect(Http::One).await.unwrap();
    assert_eq!(connection.post("/validate", "{}").await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_over_the_memory_cap_are_shed_at_once() {
    let server = running(|config| config.limits.body_memory = 2 * MIB).await;
    let mut connection = server.client.connect(Http::Two).await.unwrap();
    let answer = connection.post("/validate", vec![b' '; 3 * MIB]).await.unwrap();
    assert_eq!(answer.status, 503);
    assert_eq!(server.metrics.server.shed.value(&["memory"]), 1);
    assert_eq!(connection.post("/validate", vec![b' '; MIB]).await.unwrap().status, 200);
    assert_eq!(connection.post("/validate", vec![b' '; MIB]).await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_over_the_cap_wait_for_one_to_end() {
    let server = running(|config| config.limits.connections = 1).await;
    let mut first = server.client.connect(Http::One).await.unwrap();
    first.post("/validate", "{}").await.unwrap();
    let client = server.client.clone();
    let second = tokio::spawn(async move {
        let mut connection = client.connect(Http::One).await.unwrap();
        connection.post("/validate", "{}").await.unwrap()
    });
    assert_eq!(first.post("/validate", "{}").await.unwrap().status, 200);
    assert!(!second.is_finished());
    drop(first);
    assert_eq!(second.await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_answers_no_ping_is_closed() {
    let server = running(|config| {
        config.limits.ping = Duration::from_millis(50);
        config.limits.ping_timeout = Duration::from_millis(50);
    })
    .await;
    let mut stream = server.client.stream(Http::Two).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    // One whole request, so that the deadline of the first is met: GET https://localhost/ in HPACK.
    stream.write_all(b"\0\0\x0e\x01\x05\0\0\0\x01\x82\x87\x84\x01\x09localhost").await.unwrap();
    until_closed(stream).await;
    assert_eq!(server.metrics.server.responses.value(&["404"]), 1);
}
