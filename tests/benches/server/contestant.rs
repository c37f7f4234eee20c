//! A server under test: a process of its own, and what it has used.

use std::fmt;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use soc2gate::certificates::{Source, Store};

use super::https::{Client, Http};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Answers a constant, with axum.
    Constant,
    /// Our server layer, answering the same constant.
    Layer,
    /// The real thing.
    Gate,
}

impl fmt::Display for Role {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.pad(match self {
            Self::Constant => "constant",
            Self::Layer => "server layer",
            Self::Gate => "soc2gate",
        })
    }
}

pub(crate) struct Contestant {
    pub(crate) role: Role,
    pub(crate) client: Client,
    process: Child,
}

/// All contestants show the same certificate.
pub(crate) fn make_certificate(state: &Path) {
    let source = Source::Made { state: state.to_owned(), names: Vec::new() };
    Store::new(source, None).news().unwrap();
}

/// How long a contestant may take to start.
const START: Duration = Duration::from_secs(10);

impl Contestant {
    pub(crate) async fn start(role: Role, command: &str, state: &Path) -> Self {
        let (listen, admin) = (free_address(), free_address());
        let state_text = state.to_string_lossy();
        let words: Vec<String> = if role == Role::Gate {
            let filled = command
                .replace("{listen}", &listen.to_string())
                .replace("{admin}", &admin.to_string())
                .replace("{state}", &state_text);
            filled.split_whitespace().map(str::to_owned).collect()
        } else {
            let myself = std::env::current_exe().unwrap().to_string_lossy().into_owned();
            vec![myself, "--contestant".into(), role.to_string(), listen.to_string(), state_text.into_owned()]
        };
        let (program, arguments) = words.split_first().expect("a command");
        let process = Command::new(program).args(arguments).spawn().expect("the command starts");
        let client = Client::new(listen, &fs::read(state.join("ca.crt")).unwrap());
        let mut contestant = Self { role, client, process };
        contestant.wait().await;
        contestant
    }

    async fn wait(&mut self) {
        let begun = Instant::now();
        while self.client.connect(Http::One).await.is_err() {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "{} ended: {ended:?}", self.role);
            assert!(begun.elapsed() < START, "{} does not listen", self.role);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// CPU time used so far by all threads.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let nanos = tasks.filter_map(|task| {
            let told = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            told.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// Bytes of memory in use.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() * 1024
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        let _ended_already = self.process.kill().is_err();
        let _reaped = self.process.wait().is_ok();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
