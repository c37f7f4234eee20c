//! The walk over the tokens that volumes project into a pod.

use super::{
    place::{Place, PodAt},
    volume::TokenProjection,
};

/// One projected token and where it stands.
#[derive(Clone, Debug)]
pub struct TokenAt<'o> {
    pub token: &'o TokenProjection<'o>,
    place: Place,
}

impl<'o> PodAt<'o> {
    /// Every token that a volume projects, mounted or not.
    pub fn tokens(&self) -> impl Iterator<Item = TokenAt<'o>> + use<'o> {
        let pod = *self;
        self.spec.volumes.iter().enumerate().flat_map(move |(position, volume)| {
            let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter());
            sources.enumerate().filter_map(move |(source, projected)| {
                let token = projected.service_account_token.as_ref()?;
                let volume = pod.item("volumes", position, &format!("name={}", &*volume.name));
                let place = volume.item("projected.sources", source, &format!("path={}", &*token.path));
                Some(TokenAt { token, place })
            })
        })
    }
}

impl TokenAt<'_> {
    /// A field of the token.
    pub fn at(&self, field: &str) -> Place {
        self.place.clone().field("serviceAccountToken").field(field)
    }
}
