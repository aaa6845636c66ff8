//! LaunchList's submissions. They have no time of the sign-up, so `position` gives the order.

use super::{Definition, Means};
use crate::field::Known;

pub(super) const DEFINITION: Definition = Definition {
    name: "launchlist",
    marks: &["users_referred", "is_email_verified", "is_spam"],
    needed: 1,
    columns: &[
        ("email", Means::Field(Known::Email)),
        ("name", Means::Field(Known::Name)),
        ("referral_code", Means::Field(Known::ReferralCode)),
        ("referred_by", Means::Field(Known::ReferredBy)),
        ("users_referred", Means::Field(Known::ReferralCount)),
        ("is_email_verified", Means::Field(Known::ConfirmedAt)),
        ("created_at", Means::Field(Known::CreatedAt)),
        ("position", Means::Place),
    ],
};
