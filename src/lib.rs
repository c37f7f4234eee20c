//! Keeps a Kubernetes cluster inside its SOC 2 criteria, and can prove it.
//!
//! The modules are listed bottom-up, in reading order. A module uses only the blocks above its own;
//! `tests/architecture.rs` holds us to it.

// Words: plain data.
pub mod criterion;
pub mod manifest;
pub mod object;

// The request: an object, and who asks for what.
pub mod request;

// Surroundings: what else exists.
pub mod inventory;

// Installation: what the gate itself is installed with.
pub mod installation;

// Secrets: what a credential looks like.
pub mod secrets;

// Tests: what a check is.
pub mod check;

// Catalogue: every check, one file each.
pub mod checks;

// Policy: which check, where, how hard, until when.
pub mod policy;

// Decision: the pure heart. Above this line nothing does I/O or knows the time.
pub mod decision;

// Outside: one module per neighbour.
pub mod certificates;
pub mod directory;
pub mod images;
pub mod telemetry;

// The API server: the neighbour with whom the others' words are needed.
pub mod cluster;

// Doors: what the outside asks for.
pub mod admission;
pub mod events;
pub mod scanner;

// Server: routes, limits, TLS.
pub mod server;

// Program: the commands, which wire everything.
pub mod cli;
