//! Waitlister's subscribers. `joined_at` is in milliseconds, and `deliverability` also says who unsubscribed.

use super::{Definition, Means};
use crate::field::Known;

pub(super) const DEFINITION: Definition = Definition {
    name: "waitlister",
    marks: &["deliverability", "points", "referring_domain", "joined_with", "joined_at"],
    needed: 2,
    columns: &[
        ("email", Means::Field(Known::Email)),
        ("name", Means::Field(Known::Name)),
        ("referral_code", Means::Field(Known::ReferralCode)),
        ("referred_by", Means::Field(Known::ReferredBy)),
        ("referral_count", Means::Field(Known::ReferralCount)),
        ("joined_at", Means::Field(Known::CreatedAt)),
        ("deliverability", Means::Deliverability),
        ("position", Means::Place),
        ("metadata", Means::Document),
    ],
};
