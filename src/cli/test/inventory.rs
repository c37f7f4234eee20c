//! The inventory that a case describes by the objects that also exist.

use crate::{
    inventory::{Inventory, Survey},
    manifest::{Document, Unusable},
    request::object_of,
};

/// The inventory of a cluster in which these objects exist and no others.
///
/// # Errors
/// The field whose type no API server would accept.
pub(super) fn inventory_of(documents: &[Document]) -> Result<Inventory, Unusable> {
    let mut survey = Survey::default();
    for document in documents {
        survey.see(&object_of(document)?);
    }
    Ok(survey.inventory(Inventory::default()))
}
