//! A real registry (Debian's `docker-registry`) on a loopback port, and a small pusher for it.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use soc2gate::{
    images::Found,
    object::{Digest, ImageReference},
};
use tempfile::TempDir;

pub(crate) const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry of its own; gone when it is dropped.
pub(crate) struct OciRegistry {
    process: Child,
    _state: TempDir,
    /// `127.0.0.1:port`.
    pub(crate) host: String,
}

/// One layer to attach.
pub(crate) struct Layer<'a> {
    pub(crate) media_type: &'a str,
    pub(crate) annotations: &'a [(&'a str, &'a str)],
    pub(crate) bytes: &'a [u8],
}

impl OciRegistry {
    /// Starts one; where the program is not installed it says so loudly and gives nothing.
    pub(crate) fn start() -> Option<Self> {
        let state = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let config = state.path().join("config.yml");
        let text = json!({
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": true}},
            "storage": {"filesystem": {"rootdirectory": state.path().join("data")}},
            "http": {"addr": host},
        });
        std::fs::write(&config, text.to_string()).unwrap();
        let started = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = match started {
            Ok(process) => process,
            Err(error) => {
                eprintln!(
                    "NOT RUN: docker-registry cannot be started ({error}); install it to test against it"
                );
                return None;
            }
        };
        let registry = Self { process, _state: state, host };
        let begun = Instant::now();
        while TcpStream::connect(&registry.host).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "docker-registry does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        Some(registry)
    }

    /// The reference of a repository here; with tag or digest as written: `shop/web:1`.
    pub(crate) fn image(&self, path: &str) -> ImageReference {
        ImageReference::parse(&format!("{}/{path}", self.host)).unwrap()
    }

    pub(crate) fn push_blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = sha256(bytes);
        let (status, head, _) = self.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), None, b"");
        assert_eq!(status, 202, "{head}");
        let location = header(&head, "location").unwrap();
        let path = location.strip_prefix(&format!("http://{}", self.host)).unwrap_or(&location);
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{joint}digest={digest}");
        let (status, head, _) = self.ask("PUT", &path, Some("application/octet-stream"), bytes);
        assert_eq!(status, 201, "{head}");
        digest
    }

    /// Pushes a manifest byte for byte, under its digest and, if one is given, under a tag.
    pub(crate) fn push_manifest(
        &self,
        repository: &str,
        bytes: &[u8],
        media_type: &str,
        tag: Option<&str>,
    ) -> Digest {
        let digest = sha256(bytes);
        let under = tag.unwrap_or(digest.as_str());
        let path = format!("/v2/{repository}/manifests/{under}");
        let (status, head, body) = self.ask("PUT", &path, Some(media_type), bytes);
        assert_eq!(status, 201, "{head} {}", String::from_utf8_lossy(&body));
        digest
    }

    /// An image of one layer that differs from tag to tag.
    pub(crate) fn push_image(&self, repository: &str, tag: &str) -> Digest {
        let config =
            json!({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}});
        let config = config.to_string();
        let layer = format!("the files of {repository}:{tag}");
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "config": self.descriptor(repository, "application/vnd.oci.image.config.v1+json", config.as_bytes()),
            "layers": [self.descriptor(repository, "application/vnd.oci.image.layer.v1.tar", layer.as_bytes())],
        });
        self.push_manifest(repository, manifest.to_string().as_bytes(), IMAGE_MANIFEST, Some(tag))
    }

    /// Attaches layers to an image as cosign would: as a referrer (this registry knows the tag schema only), or under
    /// the tag `.sig` or `.att`, in place of what is there.
    pub(crate) fn push_attached(
        &self,
        repository: &str,
        subject: &Digest,
        found: Found,
        layers: &[Layer<'_>],
    ) -> Digest {
        let tag = subject.as_str().replace(':', "-");
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "config": self.descriptor(repository, "application/vnd.oci.empty.v1+json", b"{}"),
            "layers": layers.iter().map(|layer| self.layer(repository, layer)).collect::<Vec<_>>(),
        });
        let suffix = match found {
            Found::SignatureTag => "sig",
            Found::AttestationTag => "att",
            Found::Referrer => {
                let kind =
                    layers.first().map_or("application/vnd.oci.empty.v1+json", |layer| layer.media_type);
                manifest["artifactType"] = kind.into();
                manifest["subject"] =
                    json!({"mediaType": IMAGE_MANIFEST, "digest": subject.as_str(), "size": 1});
                let bytes = manifest.to_string().into_bytes();
                let digest = self.push_manifest(repository, &bytes, IMAGE_MANIFEST, None);
                self.list_referrer(repository, &tag, kind, &digest, bytes.len());
                return digest;
            }
        };
        let tag = format!("{tag}.{suffix}");
        self.push_manifest(repository, manifest.to_string().as_bytes(), IMAGE_MANIFEST, Some(&tag))
    }

    /// Appends to the index that stands in for the referrers API.
    fn list_referrer(&self, repository: &str, tag: &str, kind: &str, digest: &Digest, size: usize) {
        let (status, _, body) = self.ask("GET", &format!("/v2/{repository}/manifests/{tag}"), None, b"");
        let mut index = match status {
            200 => serde_json::from_slice::<Value>(&body).unwrap(),
            _ => json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": []}),
        };
        index["manifests"].as_array_mut().unwrap().push(json!({
            "mediaType": IMAGE_MANIFEST, "artifactType": kind, "digest": digest.as_str(), "size": size,
        }));
        self.push_manifest(repository, index.to_string().as_bytes(), IMAGE_INDEX, Some(tag));
    }

    fn layer(&self, repository: &str, layer: &Layer<'_>) -> Value {
        let mut descriptor = self.descriptor(repository, layer.media_type, layer.bytes);
        for (key, value) in layer.annotations {
            descriptor["annotations"][key] = (*value).into();
        }
        descriptor
    }

    fn descriptor(&self, repository: &str, media_type: &str, bytes: &[u8]) -> Value {
        let digest = self.push_blob(repository, bytes);
        json!({"mediaType": media_type, "digest": digest.as_str(), "size": bytes.len()})
    }

    fn ask(&self, method: &str, path: &str, kind: Option<&str>, body: &[u8]) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let kind = kind.map(|kind| format!("Content-Type: {kind}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAccept: {IMAGE_INDEX}, {IMAGE_MANIFEST}\r\n{kind}Content-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head, answer[end + 4..].to_vec())
    }
}

impl Drop for OciRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The digest of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    let hex: String = digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Digest::parse(&format!("sha256:{hex}")).unwrap()
}

fn header(head: &str, name: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

#[test]
fn it_serves_what_was_pushed() {
    let Some(registry) = OciRegistry::start() else { return };
    let image = registry.push_image("shop/web", "1");
    let layer = Layer { media_type: "application/vnd.dsse.envelope.v1+json", annotations: &[], bytes: b"{}" };
    for found in [Found::Referrer, Found::SignatureTag, Found::AttestationTag] {
        registry.push_attached("shop/web", &image, found, std::slice::from_ref(&layer));
    }
    let tag = image.as_str().replace(':', "-");
    for reference in ["1", image.as_str(), &tag, &format!("{tag}.sig"), &format!("{tag}.att")] {
        let (status, head, _) =
            registry.ask("GET", &format!("/v2/shop/web/manifests/{reference}"), None, b"");
        assert_eq!(status, 200, "{reference}: {head}");
    }
    assert_eq!(registry.image("shop/web:1").name(), format!("{}/shop/web", registry.host));
}
