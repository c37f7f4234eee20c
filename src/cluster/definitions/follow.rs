//! Watches the objects of one of the gate's kinds for as long as the gate runs, also while the kind is not defined.

use std::time::Duration;

use kube::{Client, core::ApiResource};
use tokio::sync::watch;

use crate::cluster::{self, News, Raw, Resource};

/// What a watch tells.
#[derive(Debug)]
pub enum Told<'a> {
    /// A change, or that a list is whole.
    News(News<'a>),
    /// The API server does not know the kind: its definition is not installed.
    NotDefined,
}

/// An installation defines the kinds and starts the gate in whichever order.
const PAUSE_UNDEFINED: Duration = Duration::from_secs(3);

/// Tells everything about the objects of a kind; does not return.
pub async fn follow(client: Client, kind: ApiResource, mut tell: impl FnMut(Told<'_>) + Send) {
    let resource = Resource { api: kind, is_namespaced: false };
    let never = watch::Sender::new(0);
    loop {
        let told = |news: News<'_>| tell(Told::News(news));
        cluster::follow::<Raw>(client.clone(), resource.clone(), never.subscribe(), told).await;
        tell(Told::NotDefined);
        tokio::time::sleep(PAUSE_UNDEFINED).await;
    }
}
