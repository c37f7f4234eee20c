//! CC7.1: the control plane is set up as the standard says.

mod anonymous_api_access;
mod component;
mod flags;
mod permissive_authorization_mode;
mod shell;
mod static_token_file;
mod unauthenticated_etcd;
mod unencrypted_etcd_data;
mod weak_etcd_client;

use serde::de::DeserializeOwned;

use crate::{
    check::{Ask, Check, Missing, Report},
    object::{Body, Kind},
};

pub(super) use component::Component;
pub(super) use flags::{CommandLine, Setting};

pub(super) const CHECKS: &[&Check] = &[
    &unencrypted_etcd_data::CHECK,
    &unauthenticated_etcd::CHECK,
    &anonymous_api_access::CHECK,
    &permissive_authorization_mode::CHECK,
    &weak_etcd_client::CHECK,
    &static_token_file::CHECK,
];

/// The configuration file under examination, if it is of one of these kinds. What no API server would take for one
/// cannot be judged.
pub(super) fn configuration<T: DeserializeOwned>(
    kinds: &[Kind],
    ask: &Ask<'_>,
    report: &mut Report,
) -> Option<T> {
    let object = ask.object.filter(|object| kinds.contains(&object.kind))?;
    let Body::Tree(content) = &object.body else { return None };
    match T::deserialize(content) {
        Ok(configuration) => Some(configuration),
        // The error may repeat a value, and such files hold keys.
        Err(_) => {
            let reason = format!("the file is no {} that an API server takes", object.kind.name());
            report.not_assessable(Missing::NotKnownHere(reason.into()));
            None
        }
    }
}
