//! Tests through the real doors: HTTPS for the webhook, the binary for the command line.

#[cfg(test)]
mod secrets;
