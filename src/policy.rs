//! Which check, where, how hard, until when: policies and exemptions, read and indexed when they load.

mod applies;
mod choice;
mod coverage;
mod definition;
mod exemption;
mod file;
mod loaded;
mod page;
mod set;
mod shipped;

pub use applies::{Applies, Match};
pub use choice::Choice;
pub use coverage::{Coverage, Row};
pub use definition::{Definition, Flaw};
pub use exemption::{Exemption, ExemptionState, Exemptions, Subject};
pub use file::{API_VERSION, CheckEntry, ControlPolicy, ExemptionLimits};
pub use loaded::Loaded;
pub use page::page;
pub use set::{Bound, PolicySet, Settings};
pub use shipped::SHIPPED;

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// How hard a check is applied. Pod Security's words; `audit` is the dry run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl<'de> Deserialize<'de> for Mode {
    /// To YAML as Kubernetes reads it, `off` without quotes is the boolean `false`; people write it so all the same.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;

        impl Visitor<'_> for Word {
            type Value = Mode;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mode: `enforce`, `warn`, `audit` or `off`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Mode, E> {
                text.parse().map_err(|_| E::unknown_variant(text, &["enforce", "warn", "audit", "off"]))
            }

            fn visit_bool<E: Error>(self, on: bool) -> Result<Mode, E> {
                if on {
                    Err(E::unknown_variant("on", &["enforce", "warn", "audit", "off"]))
                } else {
                    Ok(Mode::Off)
                }
            }
        }

        deserializer.deserialize_any(Word)
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
