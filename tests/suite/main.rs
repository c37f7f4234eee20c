//! Tests through the real doors: HTTPS for the webhook, the binary for the command line.

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod library;
#[cfg(test)]
mod metamorphic;
#[cfg(test)]
mod pod_security;
