//! The policies that come with the program: the files of `policies/`, embedded, so that none can be missing.

/// File name and text of every shipped policy, in the order of their criteria.
pub const SHIPPED: &[(&str, &str)] = &[
    ("policies/cc6.1-access.yaml", include_str!("../../policies/cc6.1-access.yaml")),
    ("policies/cc6.7-secrets.yaml", include_str!("../../policies/cc6.7-secrets.yaml")),
    ("policies/cc6.8-software.yaml", include_str!("../../policies/cc6.8-software.yaml")),
];
