//! listmonk's export of subscribers. `attributes` is a JSON object.

use super::{Definition, Means};
use crate::field::Known;

pub(super) const DEFINITION: Definition = Definition {
    name: "listmonk",
    marks: &["uuid", "attributes", "updated_at"],
    needed: 2,
    columns: &[
        ("email", Means::Field(Known::Email)),
        ("name", Means::Field(Known::Name)),
        ("attributes", Means::Document),
        ("status", Means::Field(Known::Status)),
        ("created_at", Means::Field(Known::CreatedAt)),
    ],
};
