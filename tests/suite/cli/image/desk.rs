//! A gate that takes reports, as far as its clients see: HTTPS, and answers that were written beforehand.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// A gate with one answer for each connection.
pub(super) struct Desk {
    pub(super) url: String,
    /// In PEM.
    pub(super) ca: String,
    serving: std::sync::Mutex<Option<thread::JoinHandle<Vec<Asked>>>>,
}

/// What a client sent.
pub(super) struct Asked {
    pub(super) line: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        &self.headers.iter().find(|(found, _)| found == name).unwrap().1
    }
}

impl Desk {
    /// Answers with status, further headers and body.
    pub(super) fn open(answers: &[(u16, &str, &str)]) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let config = ServerConfig::builder_with_provider(soc2gate::server::install_provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let config = Arc::new(config);
        let answers: Vec<String> = answers.iter().map(written).collect();
        let serving = thread::spawn(move || {
            answers.iter().filter_map(|answer| serve(&listener, &config, answer).ok()).collect()
        });
        Self { url, ca: made.cert.pem(), serving: Some(serving).into() }
    }

    /// What was asked, once every answer is given.
    pub(super) fn close(&self) -> Vec<Asked> {
        self.serving.lock().unwrap().take().unwrap().join().unwrap()
    }
}

fn written((status, headers, body): &(u16, &str, &str)) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
}

fn serve(listener: &TcpListener, config: &Arc<ServerConfig>, answer: &str) -> std::io::Result<Asked> {
    let (stream, _) = listener.accept()?;
    let connection = ServerConnection::new(config.clone()).unwrap();
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let line = lines.remove(0);
    let headers: Vec<_> = lines
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").unwrap().1.parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let stream = reader.get_mut();
    stream.write_all(answer.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(Asked { line, headers, body })
}
