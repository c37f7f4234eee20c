//! Keeps a Kubernetes cluster inside its SOC 2 criteria, and can prove it.
//!
//! The modules are listed bottom-up, in reading order. A module uses only the blocks above its own;
//! `tests/architecture.rs` holds us to it.

// 7 outside: one module per neighbour.
pub mod certificates;
pub mod directory;
pub mod telemetry;

// 9 server: routes, limits, TLS.
pub mod server;
