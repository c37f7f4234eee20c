//! Keeps a Kubernetes cluster inside its SOC 2 criteria, and can prove it.
//!
//! The modules are listed bottom-up, in reading order. A module uses only the blocks above its own;
//! `tests/architecture.rs` holds us to it.

pub mod secrets;
