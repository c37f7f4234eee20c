//! Which check, where, how hard, until when: policies and exemptions, read and indexed when they load.

mod applies;
mod choice;
mod exemption;
mod file;
mod loaded;
mod page;
mod set;
mod shipped;

pub use applies::{Applies, Match, Selector};
pub use choice::Choice;
pub use exemption::{Exemption, ExemptionState, Exemptions, Subject};
pub use file::{CheckEntry, ControlPolicy, ExemptionLimits};
pub use loaded::Loaded;
pub use page::page;
pub use set::{Bound, PolicySet, Settings};
pub use shipped::SHIPPED;

use serde::Deserialize;

/// How hard a check is applied. Pod Security's words; `audit` is the dry run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Not evaluated at all.
    Off,
    /// Recorded only.
    Audit,
    /// Admitted with a warning.
    Warn,
    /// Denied.
    Enforce,
}

impl Mode {
    pub const ALL: [Self; 4] = [Self::Off, Self::Audit, Self::Warn, Self::Enforce];

    pub const fn id(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

impl std::str::FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.id() == text)
            .ok_or_else(|| format!("unknown mode `{text}`, use enforce, warn, audit or off"))
    }
}
