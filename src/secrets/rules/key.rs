//! Rules for keys and tokens that a standard defines, whoever issues them.

use super::super::rule::{Class, Rule, token};
use super::judge;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "age-key",
        title: "age identity",
        documentation: "https://age-encryption.org/v1",
        class: Class::PrivateKey,
        find: token(&["AGE-SECRET-KEY-1"], r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}", judge::age),
        example: "[[age]]",
        lookalike: "AGE-SECRET-KEY-1[[bech:58]]",
    },
    Rule {
        id: "jwt",
        title: "JSON Web Token",
        documentation: "https://www.rfc-editor.org/rfc/rfc7519",
        class: Class::ProviderToken,
        find: token(
            &["eyJ", "ewog", "eyAi"],
            r"e[yw][0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{4,}\.[0-9A-Za-z_-]*",
            judge::jwt,
        ),
        example: "[[jwt]]",
        lookalike: "eyJ[[alnum:30]].eyJ[[alnum:30]].[[alnum:43]]",
    },
];
