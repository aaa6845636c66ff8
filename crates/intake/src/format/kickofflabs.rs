//! KickoffLabs' leads. `social_id` is the code that a person shared, and `parent_id` names the referrer by id.

use super::{Definition, Means};
use crate::field::Known;

pub(super) const DEFINITION: Definition = Definition {
    name: "kickofflabs",
    marks: &["family_name", "social_id", "social_url", "when", "verified_email", "parent_id"],
    needed: 2,
    columns: &[
        ("id", Means::Id),
        ("email", Means::Field(Known::Email)),
        ("name", Means::Field(Known::Name)),
        ("first_name", Means::FirstName),
        ("family_name", Means::LastName),
        ("last_name", Means::LastName),
        ("social_id", Means::Field(Known::ReferralCode)),
        ("parent_id", Means::ReferrerId),
        ("referrals", Means::Field(Known::ReferralCount)),
        ("when", Means::Field(Known::CreatedAt)),
        ("created_at", Means::Field(Known::CreatedAt)),
        ("verified_email", Means::Field(Known::ConfirmedAt)),
        ("verified", Means::Field(Known::ConfirmedAt)),
        ("opted_out", Means::OptedOut),
        ("referrer", Means::Field(Known::Referrer)),
        ("rank", Means::Place),
        ("custom_fields", Means::Document),
    ],
};
