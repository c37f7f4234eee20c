//! Certificates that change under load, and callers that must show one.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

use super::https::Http;
use super::*;

/// A CA made for one test.
struct Ca {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate and its key, in PEM.
    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn server(&self) -> (String, String) {
        self.issue("localhost", ExtendedKeyUsagePurpose::ServerAuth)
    }
}

/// A Secret mounted the way kubelet does it: links through `..data`, which is swapped by renaming.
struct Mount {
    place: TempDir,
    version: usize,
}

impl Mount {
    fn new((certificate, key): &(String, String)) -> Self {
        let mut mount = Self { place: tempfile::tempdir().unwrap(), version: 0 };
        mount.swap(certificate, key);
        for name in ["tls.crt", "tls.key"] {
            std::os::unix::fs::symlink(format!("..data/{name}"), mount.path(name)).unwrap();
        }
        mount
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn swap(&mut self, certificate: &str, key: &str) {
        self.version += 1;
        let version = self.path(&format!("..version_{}", self.version));
        fs::create_dir(&version).unwrap();
        fs::write(version.join("tls.crt"), certificate).unwrap();
        fs::write(version.join("tls.key"), key).unwrap();
        std::os::unix::fs::symlink(&version, self.path("..data_tmp")).unwrap();
        fs::rename(self.path("..data_tmp"), self.path("..data")).unwrap();
    }

    fn source(&self) -> Source {
        Source::Files { certificate: self.path("tls.crt"), key: self.path("tls.key") }
    }
}

async fn shown(client: &Client) -> Vec<u8> {
    client.connect(Http::One).await.unwrap().certificate().to_vec()
}

async fn until_another_is_shown(client: &Client, before: &[u8]) {
    let begun = Instant::now();
    while shown(client).await == before {
        assert!(begun.elapsed() < SOON, "the new certificate is never shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_over_under_load_without_a_failed_request() {
    let ca = Ca::new();
    let mut mount = Mount::new(&ca.server());
    let server = running(|config| config.certificate = mount.source()).await;
    let client = Client::new(server.handle.address(), ca.pem.as_bytes());
    let done = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = [Http::One, Http::Two, Http::One, Http::Two]
        .map(|http| {
            let (client, done) = (client.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    let mut connection = client.connect(http).await.expect("a connection");
                    for _ in 0..3 {
                        assert_eq!(connection.post("/validate", "{}").await.expect("an answer").status, 200);
                    }
                }
            })
        })
        .into();
    let mut kept = client.connect(Http::One).await.unwrap();
    for _ in 0..3 {
        let before = shown(&client).await;
        let (certificate, key) = ca.server();
        mount.swap(&certificate, &key);
        until_another_is_shown(&client, &before).await;
        // A connection made before the change goes on.
        assert_eq!(kept.post("/validate", "{}").await.unwrap().status, 200);
    }
    done.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(server.metrics.server.certificate_last_reload_success.get(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_written_pair_keeps_the_old_one_until_it_is_whole() {
    let ca = Ca::new();
    let mut mount = Mount::new(&ca.server());
    let server = running(|config| config.certificate = mount.source()).await;
    let client = Client::new(server.handle.address(), ca.pem.as_bytes());
    let (before, metrics) = (shown(&client).await, Arc::clone(&server.metrics));
    let (certificate, key) = ca.server();
    let (_, other_key) = ca.server();
    let mut refused = 0;
    for (certificate, key) in
        [(&certificate, &other_key), (&certificate[..60].to_owned(), &key), (&certificate, &"".to_owned())]
    {
        mount.swap(certificate, key);
        refused += 1;
        eventually("the pair is refused", || metrics.server.certificate_reload_failures.get() == refused)
            .await;
        assert_eq!(shown(&client).await, before);
        assert_eq!(metrics.server.certificate_last_reload_success.get(), 0);
    }
    let detail = https::plain(server.admin(), hyper::Request::get("/readyz?verbose")).await.unwrap();
    assert_eq!((detail.status.as_u16(), &detail.json()["conditions"][2]["state"]), (200, &"degraded".into()));
    mount.swap(&certificate, &key);
    until_another_is_shown(&client, &before).await;
    eventually("it is well again", || metrics.server.certificate_last_reload_success.get() == 1).await;
    assert_eq!(metrics.server.certificate_reload_failures.get(), refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_vanish_for_a_while_keep_the_old_pair() {
    let ca = Ca::new();
    let mount = Mount::new(&ca.server());
    let server = running(|config| config.certificate = mount.source()).await;
    let client = Client::new(server.handle.address(), ca.pem.as_bytes());
    let metrics = Arc::clone(&server.metrics);
    fs::remove_file(mount.path("..data")).unwrap();
    eventually("it is noticed", || metrics.server.certificate_last_reload_success.get() == 0).await;
    assert_eq!(client.connect(Http::One).await.unwrap().post("/validate", "{}").await.unwrap().status, 200);
    std::os::unix::fs::symlink(mount.path("..version_1"), mount.path("..data")).unwrap();
    eventually("it is well again", || metrics.server.certificate_last_reload_success.get() == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_does_not_fit_is_no_start() {
    let ca = Ca::new();
    let mount = Mount::new(&(ca.server().0, ca.server().1));
    let config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        admin_listen: None,
        certificate: mount.source(),
        client_ca: None,
        limits: Limits::default(),
    };
    let handlers = handlers(Arc::default(), Arc::new(metrics()));
    let error = serve(config, handlers, std::future::pending()).await.err().unwrap().to_string();
    assert!(error.contains("do not fit together"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificates_end_is_in_the_metrics() {
    let server = running(|_| {}).await;
    let pem = fs::read(server.path().join("tls.crt")).unwrap();
    let end = soc2gate::certificates::expiry(&pem).unwrap();
    assert_eq!(server.metrics.server.certificate_expiry.get(), end);
}

/// Whether a caller gets an answer. In TLS 1.3 it learns only then that its certificate was refused.
async fn answered(client: &Client) -> bool {
    match client.connect(Http::One).await {
        Ok(mut connection) => connection.post("/validate", "{}").await.is_ok(),
        Err(_) => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_client_ca_only_its_callers_are_served() {
    let (ca, stranger) = (Ca::new(), Ca::new());
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("client-ca.crt");
    fs::write(&file, &ca.pem).unwrap();
    let server = running(|config| config.client_ca = Some(file.clone())).await;
    let usage = ExtendedKeyUsagePurpose::ClientAuth;
    let (certificate, key) = ca.issue("kube-apiserver", usage.clone());
    let (foreign, foreign_key) = stranger.issue("kube-apiserver", usage);
    for client in [server.client.clone(), server.client.clone().tls12()] {
        assert!(!answered(&client).await, "a caller without a certificate is served");
        let invited = client.clone().identity(certificate.as_bytes(), key.as_bytes());
        assert!(answered(&invited).await);
        let foreigner = client.identity(foreign.as_bytes(), foreign_key.as_bytes());
        assert!(!answered(&foreigner).await, "a caller of another CA is served");
    }
    let metrics = Arc::clone(&server.metrics);
    let refused = || metrics.server.handshake_failures.value(&["client-certificate"]);
    eventually("every refusal is counted", || refused() == 4).await;

    // The file is taken over without a restart, and a bad one is not.
    fs::write(&file, "not a certificate").unwrap();
    eventually("the bad file is refused", || metrics.server.certificate_last_reload_success.get() == 0).await;
    assert!(answered(&server.client.clone().identity(certificate.as_bytes(), key.as_bytes())).await);
    fs::write(&file, &stranger.pem).unwrap();
    eventually("the other CA is taken", || metrics.server.certificate_last_reload_success.get() == 1).await;
    assert!(answered(&server.client.clone().identity(foreign.as_bytes(), foreign_key.as_bytes())).await);
    assert!(!answered(&server.client.clone().identity(certificate.as_bytes(), key.as_bytes())).await);
}
