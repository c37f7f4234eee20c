//! The Trust Services Criteria that checks are filed under and speak to.
//!
//! Numbers are AICPA's (2017 criteria, revised points of focus 2022); every sentence is our own wording.

mod limits;

use std::{fmt, str::FromStr};

pub use limits::{NOT_ADDRESSED, NOT_ASSESSABLE, NotAssessable};

/// A Trust Services Criterion, or the family (`A1`, `C1`) that a folder of checks is filed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Criterion {
    CC6_1,
    CC6_2,
    CC6_3,
    CC6_6,
    CC6_7,
    CC6_8,
    CC7_1,
    CC7_2,
    CC7_3,
    CC7_4,
    CC7_5,
    CC8_1,
    A1,
    A1_1,
    A1_2,
    A1_3,
    C1,
    C1_1,
    C1_2,
}

impl Criterion {
    /// Every criterion that soc2gate knows, in the order of the criteria document.
    pub const ALL: [Self; 19] = [
        Self::CC6_1,
        Self::CC6_2,
        Self::CC6_3,
        Self::CC6_6,
        Self::CC6_7,
        Self::CC6_8,
        Self::CC7_1,
        Self::CC7_2,
        Self::CC7_3,
        Self::CC7_4,
        Self::CC7_5,
        Self::CC8_1,
        Self::A1,
        Self::A1_1,
        Self::A1_2,
        Self::A1_3,
        Self::C1,
        Self::C1_1,
        Self::C1_2,
    ];

    /// The number as auditors write it, `CC6.1`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::CC6_1 => "CC6.1",
            Self::CC6_2 => "CC6.2",
            Self::CC6_3 => "CC6.3",
            Self::CC6_6 => "CC6.6",
            Self::CC6_7 => "CC6.7",
            Self::CC6_8 => "CC6.8",
            Self::CC7_1 => "CC7.1",
            Self::CC7_2 => "CC7.2",
            Self::CC7_3 => "CC7.3",
            Self::CC7_4 => "CC7.4",
            Self::CC7_5 => "CC7.5",
            Self::CC8_1 => "CC8.1",
            Self::A1 => "A1",
            Self::A1_1 => "A1.1",
            Self::A1_2 => "A1.2",
            Self::A1_3 => "A1.3",
            Self::C1 => "C1",
            Self::C1_1 => "C1.1",
            Self::C1_2 => "C1.2",
        }
    }

    /// What the criterion is about, in our own words.
    pub const fn topic(self) -> &'static str {
        match self {
            Self::CC6_1 => {
                "information assets are protected by logical access: isolation, authentication, keys"
            }
            Self::CC6_2 => {
                "users are registered and authorized before they get credentials, and removed after"
            }
            Self::CC6_3 => "access is granted, changed and withdrawn by role and least privilege",
            Self::CC6_6 => "threats from outside the boundary are kept out",
            Self::CC6_7 => "information that is sent, moved or removed is restricted and protected",
            Self::CC6_8 => "unauthorized or malicious software is prevented or detected",
            Self::CC7_1 => "settings and changes that introduce vulnerabilities are detected",
            Self::CC7_2 => "components are watched for anomalies",
            Self::CC7_3 => "events are evaluated: incident or not, and with what impact",
            Self::CC7_4 => "incidents are answered",
            Self::CC7_5 => "what incidents damaged is restored",
            Self::CC8_1 => "changes are authorized, tested and approved before they are implemented",
            Self::A1 => "the system stays available as committed",
            Self::A1_1 => "capacity is planned for and managed",
            Self::A1_2 => "backup, recovery and environmental protection are in place",
            Self::A1_3 => "recovery is tested",
            Self::C1 => "confidential information is protected as committed",
            Self::C1_1 => "confidential information is identified and protected",
            Self::C1_2 => "confidential information is disposed of",
        }
    }

    /// The strongest claim that a gate in front of a cluster can honestly make about this criterion.
    pub const fn strongest_claim(self) -> Strength {
        match self {
            Self::CC6_2
            | Self::CC7_3
            | Self::A1
            | Self::A1_1
            | Self::A1_2
            | Self::C1
            | Self::C1_1
            | Self::C1_2 => Strength::Supporting,
            Self::A1_3 | Self::CC7_4 | Self::CC7_5 => Strength::Context,
            _ => Strength::Direct,
        }
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Criterion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|criterion| criterion.id() == text)
            .ok_or_else(|| format!("unknown criterion `{text}`, write it as `CC6.1`"))
    }
}

/// How much a check carries for a criterion, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Helps to read a sample; never counted.
    Context,
    /// One part of the evidence; another control must complete it.
    Supporting,
    /// What the check prevents or detects is what the criterion asks for.
    Direct,
}

impl Strength {
    pub const fn id(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Supporting => "supporting",
            Self::Direct => "direct",
        }
    }
}

/// One line of a check's official mapping: the criterion it speaks to, how strongly, and why.
#[derive(Clone, Copy, Debug)]
pub struct Support {
    pub criterion: Criterion,
    pub strength: Strength,
    pub reason: &'static str,
}

impl Support {
    pub const fn direct(criterion: Criterion, reason: &'static str) -> Self {
        Self { criterion, strength: Strength::Direct, reason }
    }

    pub const fn supporting(criterion: Criterion, reason: &'static str) -> Self {
        Self { criterion, strength: Strength::Supporting, reason }
    }

    pub const fn context(criterion: Criterion, reason: &'static str) -> Self {
        Self { criterion, strength: Strength::Context, reason }
    }
}

/// How bad one violation is by itself. Orders findings; decides nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const fn id(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}
