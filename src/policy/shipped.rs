//! The policies that come with the program: the files of `policies/`, embedded, so that none can be missing.

/// File name and text of every shipped policy, in the order of their criteria.
pub const SHIPPED: &[(&str, &str)] = &[
    ("policies/cc6.1-access.yaml", include_str!("../../policies/cc6.1-access.yaml")),
    ("policies/cc6.2-identity.yaml", include_str!("../../policies/cc6.2-identity.yaml")),
    ("policies/cc6.3-privilege.yaml", include_str!("../../policies/cc6.3-privilege.yaml")),
    ("policies/cc6.6-boundary.yaml", include_str!("../../policies/cc6.6-boundary.yaml")),
    ("policies/cc6.7-secrets.yaml", include_str!("../../policies/cc6.7-secrets.yaml")),
    ("policies/cc6.8-software.yaml", include_str!("../../policies/cc6.8-software.yaml")),
    ("policies/cc7.1-configuration.yaml", include_str!("../../policies/cc7.1-configuration.yaml")),
    ("policies/cc7.2-monitoring.yaml", include_str!("../../policies/cc7.2-monitoring.yaml")),
    ("policies/cc8.1-change.yaml", include_str!("../../policies/cc8.1-change.yaml")),
    ("policies/a1-availability.yaml", include_str!("../../policies/a1-availability.yaml")),
    ("policies/c1-confidentiality.yaml", include_str!("../../policies/c1-confidentiality.yaml")),
];
