//! Tests through the real doors: HTTPS for the webhook, the binary for the command line.

#[cfg(test)]
mod availability;
#[cfg(test)]
mod bypasses;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod change;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod confidentiality;
#[cfg(test)]
mod control_plane;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod events;
#[cfg(test)]
mod fake_api;
#[cfg(test)]
mod following;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod https;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod images;
#[cfg(test)]
mod keeping;
#[cfg(test)]
mod leadership;
#[cfg(test)]
mod library;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod metamorphic;
#[cfg(test)]
mod monitoring;
#[cfg(test)]
mod network;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod oci_registry;
#[cfg(test)]
mod pod_security;
#[cfg(test)]
mod rbac;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod reviews;
#[cfg(test)]
mod secret_checks;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod server;
#[cfg(test)]
mod sigstore;
#[cfg(test)]
mod surroundings;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod transport;
