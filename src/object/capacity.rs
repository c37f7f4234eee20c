//! How much there is and must be: replicas, budgets, limits, storage.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de::Visitor};

use super::{
    owned::{IntOrString, Map, Word},
    selector::Selector,
    text::List,
};

/// The `spec` of a Scale.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Scale {
    /// Absent means none.
    pub replicas: Option<i64>,
}

/// The `spec` of a HorizontalPodAutoscaler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Autoscaler {
    pub scale_target_ref: ScaleTarget,
    /// Absent means 1.
    pub min_replicas: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ScaleTarget {
    pub kind: Word,
    pub name: Word,
}

/// The `spec` of a PodDisruptionBudget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DisruptionBudget {
    /// Absent selects nothing, empty everything (policy/v1).
    pub selector: Option<Selector>,
    pub min_available: Option<IntOrString>,
    pub max_unavailable: Option<IntOrString>,
}

/// The `spec` of a LimitRange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LimitRange {
    pub limits: List<Limit>,
}

/// The defaults that a namespace gives to what says nothing itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limit {
    /// Container, Pod or PersistentVolumeClaim.
    #[serde(rename = "type")]
    pub limit_type: Word,
    /// Limits, by resource.
    pub default: Map<IntOrString>,
    /// Requests, by resource.
    pub default_request: Map<IntOrString>,
}

/// A StorageClass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageClass {
    pub provisioner: Word,
    pub parameters: Map<Word>,
    pub reclaim_policy: Word,
}

/// What a container or a whole pod asks for.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Resources<'a> {
    #[serde(borrow)]
    pub requests: Option<Amounts<'a>>,
    #[serde(borrow)]
    pub limits: Option<Amounts<'a>>,
}

/// Amounts of the two resources that every container uses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Amounts<'a> {
    #[serde(borrow)]
    pub cpu: Option<Quantity<'a>>,
    #[serde(borrow)]
    pub memory: Option<Quantity<'a>>,
}

/// A quantity as it was written: `500m`, `1Gi`, `2`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quantity<'a>(pub Cow<'a, str>);

impl Quantity<'_> {
    /// Whether it is zero, in any spelling (`0`, `0m`, `0.0Gi`): as good as absent.
    pub fn is_zero(&self) -> bool {
        let digits = self.0.trim_start_matches(['+', '-']);
        let number = digits.trim_end_matches(|c: char| !c.is_ascii_digit());
        // The exponent of `0e3` changes nothing.
        let number = number.split(['e', 'E']).next().unwrap_or_default();
        !number.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Quantity<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Quantity<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Quantity<'de>, E> {
                Ok(Quantity(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Quantity<'de>, E> {
                Ok(Quantity(Cow::Owned(text.to_owned())))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Quantity<'de>, E> {
                Ok(Quantity(Cow::Owned(number.to_string())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Quantity<'de>, E> {
                Ok(Quantity(Cow::Owned(number.to_string())))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Quantity<'de>, E> {
                Ok(Quantity(Cow::Owned(number.to_string())))
            }
        }

        deserializer.deserialize_any(Written)
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    #[test]
    fn a_zero_is_a_zero_in_any_spelling() {
        for (text, zero) in [
            ("0", true),
            ("0m", true),
            ("0.0Gi", true),
            ("0e3", true),
            ("", true),
            ("1", false),
            ("100m", false),
            ("0.5", false),
            ("1e3", false),
            ("10Mi", false),
        ] {
            assert_eq!(Quantity(text.into()).is_zero(), zero, "{text}");
        }
    }
}
