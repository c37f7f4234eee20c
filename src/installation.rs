//! What the gate is installed with: the shipped manifests as data, for a gate as somebody wants it.
//!
//! Pure: what is applied, and where, is the business of `soc2gate install`.

mod field;
mod move_to;
mod own;
mod render;
mod shipped;
mod wanted;

#[cfg(test)]
mod tests;

pub use own::{is_own_role_rule, is_own_traffic_rule};
pub use render::{everything, left_out, registration, render};
pub use wanted::{Entry, Wanted};

/// The namespace that the manifests name.
pub const NAMESPACE: &str = "soc2gate";

/// The group that the guard lets change the gate.
pub const INSTALLERS: &str = "soc2gate:installers";

/// What every object of the installation is labelled with: `app.kubernetes.io/part-of: soc2gate`.
pub const PART_OF: (&str, &str) = ("app.kubernetes.io/part-of", "soc2gate");
