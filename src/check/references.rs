//! The image references of one object, parsed once however many checks read them.

use std::cell::OnceCell;

use crate::object::{ImageReference, ImageReferenceError, Object};

/// Parsed when the first check asks. Borrows nothing, so that an [`super::Ask`] stays plain.
#[derive(Debug, Default)]
pub struct References(OnceCell<Vec<Result<ImageReference, ImageReferenceError>>>);

impl References {
    /// The reference at this place among the images of the object. Every call must be about the same object.
    ///
    /// # Errors
    /// Why it is none.
    pub fn of(&self, object: &Object<'_>, position: usize) -> Result<&ImageReference, ImageReferenceError> {
        let all = self.0.get_or_init(|| {
            let images = object.pod().into_iter().flat_map(|pod| pod.images());
            images.map(|at| ImageReference::parse(at.reference)).collect()
        });
        // No position is beyond the end, as they are counted over the same images.
        all.get(position)
            .map_or(Err(ImageReferenceError::Empty), |parsed| parsed.as_ref().map_err(|error| *error))
    }
}
