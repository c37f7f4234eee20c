//! A timestamp authority (RFC 3161) of our own: `openssl ts` behind two certificates made for the test.

use std::{fs, path::Path, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Somebody who vouches for when something was signed.
pub(crate) struct Authority {
    state: TempDir,
}

const LEAF: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
                    extendedKeyUsage=critical,timeStamping\n";
const SETTINGS: &str = "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\ncrypto_device = builtin\n\
                        signer_digest = sha256\ndefault_policy = 1.2.3.4\ndigests = sha256\naccuracy = secs:1\n\
                        ess_cert_id_chain = no\ness_cert_id_alg = sha256\n";

impl Authority {
    /// Nothing where there is no `openssl`, which is told.
    pub(crate) fn make() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("NOT RUN: openssl, which makes timestamps, is not on this machine");
            return None;
        }
        let state = tempfile::tempdir().unwrap();
        let path = state.path();
        fs::write(path.join("leaf.ext"), LEAF).unwrap();
        fs::write(path.join("tsa.cnf"), SETTINGS).unwrap();
        fs::write(path.join("serial"), "01\n").unwrap();
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let root = [
            "req",
            "-x509",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "2",
            "-subj",
            "/O=example/CN=root",
        ];
        openssl(path, &[&root[..], &key].concat());
        let request = ["req", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/O=example/CN=time"];
        openssl(path, &[&request[..], &key].concat());
        let sign = ["x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2"];
        openssl(path, &[&sign[..], &["-out", "leaf.pem", "-extfile", "leaf.ext"]].concat());
        Some(Self { state })
    }

    /// The response to a request for a timestamp over a signature, in base64.
    pub(crate) fn stamp(&self, signature: &[u8]) -> String {
        let path = self.state.path();
        fs::write(path.join("signature"), signature).unwrap();
        openssl(path, &["ts", "-query", "-data", "signature", "-sha256", "-cert", "-out", "query"]);
        let reply = ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-signer", "leaf.pem"];
        let with = ["-inkey", "leaf.key", "-chain", "ca.pem", "-out", "reply"];
        openssl(path, &[&reply[..], &with].concat());
        BASE64.encode(fs::read(path.join("reply")).unwrap())
    }

    /// As a `trusted_root.json` names it.
    pub(crate) fn trusted(&self) -> Value {
        let certificate = |name: &str| {
            let pem = fs::read_to_string(self.state.path().join(name)).unwrap();
            let lines = pem.lines().filter(|line| !line.starts_with("-----"));
            json!({"rawBytes": lines.collect::<String>()})
        };
        json!({
            "subject": {"organization": "example", "commonName": "time"}, "uri": "https://time.example.com",
            "certChain": {"certificates": [certificate("leaf.pem"), certificate("ca.pem")]},
            "validFor": {"start": "2020-01-01T00:00:00Z"},
        })
    }
}

fn openssl(directory: &Path, arguments: &[&str]) {
    let done = Command::new("openssl").args(arguments).current_dir(directory).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}
