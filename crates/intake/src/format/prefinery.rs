//! Prefinery's users. `applied at` is when a person signed up. There is no column of positions.

use super::{Definition, Means};
use crate::field::Known;

pub(super) const DEFINITION: Definition = Definition {
    name: "prefinery",
    marks: &["applied_at"],
    needed: 1,
    columns: &[
        ("email", Means::Field(Known::Email)),
        ("name", Means::Field(Known::Name)),
        ("first_name", Means::FirstName),
        ("last_name", Means::LastName),
        ("status", Means::Field(Known::Status)),
        ("applied_at", Means::Field(Known::CreatedAt)),
    ],
};
