//! Protocols, routes and the admin port.

use hyper::Request;
use hyper::header::{ALLOW, CONTENT_TYPE};
use rustls::ProtocolVersion;

use super::https::{Http, plain, review, whole};
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn speaks_http_1_and_2_over_tls_1_2_and_1_3() {
    let server = running(|_| {}).await;
    for http in [Http::One, Http::Two] {
        for (client, version) in [
            (server.client.clone(), ProtocolVersion::TLSv1_3),
            (server.client.clone().tls12(), ProtocolVersion::TLSv1_2),
        ] {
            let mut connection = client.connect(http).await.unwrap();
            assert_eq!(connection.version(), Some(version));
            let answer = connection.post("/validate", "{}").await.unwrap();
            assert_eq!((answer.status.as_u16(), answer.json()["bytes"].as_u64()), (200, Some(2)), "{http:?}");
            assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_a_connection_alive_for_many_reviews() {
    let server = running(|_| {}).await;
    for http in [Http::One, Http::Two] {
        let mut connection = server.client.connect(http).await.unwrap();
        for size in [0, 1, 5_000, 25_000, 300_000, 7 * 1024 * 1024] {
            let answer = connection.post("/validate", vec![b' '; size]).await.unwrap();
            assert_eq!(answer.json()["bytes"], size, "{http:?}");
        }
    }
    // Each kept its connection: no third was ever open.
    assert!(server.metrics.server.connections.get() <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_path_or_content_type_is_told_what_to_send() {
    let server = running(|_| {}).await;
    for http in [Http::One, Http::Two] {
        let mut connection = server.client.connect(http).await.unwrap();
        let form = Request::post("/validate").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let refusals = [
            (Request::get("/validate"), 405, "MethodNotAllowed"),
            (Request::put("/validate"), 405, "MethodNotAllowed"),
            (review("/"), 404, "NotFound"),
            (review("/validate/"), 404, "NotFound"),
            (Request::post("/validate"), 415, "UnsupportedMediaType"),
            (form, 415, "UnsupportedMediaType"),
        ];
        for (head, status, reason) in refusals {
            let answer = connection.send(head, whole("{}")).await.unwrap();
            assert_eq!(answer.status, status);
            let told = answer.json();
            assert_eq!((told["kind"].as_str(), told["reason"].as_str()), (Some("Status"), Some(reason)));
            assert!(told["message"].as_str().unwrap().contains("AdmissionReview"), "{told}");
            assert_eq!(answer.headers.contains_key(ALLOW), status == 405);
            assert_eq!(answer.text().lines().count(), 1);
        }
        assert_eq!(connection.post("/validate", "{}").await.unwrap().status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_type_with_parameters_is_json_too() {
    let server = running(|_| {}).await;
    let mut connection = server.client.connect(Http::One).await.unwrap();
    let head = Request::post("/validate").header(CONTENT_TYPE, "Application/JSON; charset=utf-8");
    assert_eq!(connection.send(head, whole("{}")).await.unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_has_a_margin_less_time_than_its_caller_waits() {
    let server = running(|_| {}).await;
    let mut connection = server.client.connect(Http::One).await.unwrap();
    for (path, millis) in [
        ("/validate", 2_700),
        ("/validate?timeout=10s", 9_500),
        ("/validate?a=b&timeout=1m30s", 29_500),
        ("/validate?timeout=500ms", 450),
        ("/validate?timeout=never", 2_700),
    ] {
        assert_eq!(connection.post(path, "{}").await.unwrap().json()["millis"], millis, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_answered_and_the_process_lives() {
    let server = running(|config| config.limits.inline = 1000).await;
    for http in [Http::One, Http::Two] {
        let mut connection = server.client.connect(http).await.unwrap();
        for size in [5, 2000] {
            let body = [b"panic".as_slice(), &vec![b' '; size - 5]].concat();
            let answer = connection.post("/validate", body).await.unwrap();
            let told = answer.json();
            assert_eq!(
                (told["failure"].as_str(), told["bytes"].as_u64()),
                (Some("panicked"), Some(size as u64))
            );
        }
        let answer = connection.post("/validate", "panic twice").await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.json()["reason"].as_str()), (500, Some("InternalError")));
        assert_eq!(connection.post("/validate", "{}").await.unwrap().status, 200);
    }
    assert_eq!(server.metrics.server.panics.get(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_port_tells_life_readiness_and_metrics() {
    let server = running(|_| {}).await;
    let mut connection = server.client.connect(Http::One).await.unwrap();
    connection.post("/validate", "{}").await.unwrap();
    let live = plain(server.admin(), Request::get("/livez")).await.unwrap();
    assert_eq!((live.status.as_u16(), live.text()), (200, "ok\n"));
    let ready = plain(server.admin(), Request::get("/readyz")).await.unwrap();
    assert_eq!((ready.status.as_u16(), ready.text()), (200, "ready\n"));
    let metrics = plain(server.admin(), Request::get("/metrics")).await.unwrap();
    for line in [
        r#"soc2gate_http_responses_total{code="200"} 1"#,
        "soc2gate_review_duration_seconds_count 1",
        "soc2gate_connections 1",
        "soc2gate_tls_certificate_last_reload_success 1",
    ] {
        assert!(metrics.text().contains(line), "{line} is missing in {}", metrics.text());
    }
    assert_eq!(plain(server.admin(), Request::get("/validate")).await.unwrap().status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_in_detail_names_what_is_degraded() {
    let server = running(|_| {}).await;
    let asked = [
        Request::get("/readyz?verbose"),
        Request::get("/readyz").header(hyper::header::ACCEPT, "application/json"),
    ];
    for head in asked {
        let detail = plain(server.admin(), head).await.unwrap().json();
        assert_eq!(detail["ready"], true);
        assert_eq!(detail["conditions"][0]["state"], "degraded");
        assert_eq!(detail["conditions"][0]["detail"], "a.yaml:1:1 is bad");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_says_which_flag_to_change() {
    let server = running(|_| {}).await;
    let taken = server.handle.address();
    let state = tempfile::tempdir().unwrap();
    let config = Config {
        listen: taken,
        admin_listen: None,
        certificate: Source::Made { state: state.path().to_owned(), names: Vec::new() },
        client_ca: None,
        limits: Limits::default(),
    };
    let handlers = handlers(Arc::default(), Arc::new(metrics()));
    let error = serve(config, handlers, std::future::pending()).await.err().unwrap().to_string();
    assert!(error.contains("--listen") && error.contains(&taken.to_string()), "{error}");
}
