//! GetWaitlist's sign-ups. `priority` counts from 0 and moves with referrals.

use super::{Definition, Means};
use crate::field::Known;

pub(super) const DEFINITION: Definition = Definition {
    name: "getwaitlist",
    marks: &["amount_referred", "referral_token", "referred_by_signup_token", "removed_date", "removed_priority"],
    needed: 1,
    columns: &[
        ("email", Means::Field(Known::Email)),
        ("name", Means::Field(Known::Name)),
        ("first_name", Means::FirstName),
        ("last_name", Means::LastName),
        ("referral_token", Means::Field(Known::ReferralCode)),
        ("referral_link", Means::Field(Known::ReferralCode)),
        ("referred_by_signup_token", Means::Field(Known::ReferredBy)),
        ("amount_referred", Means::Field(Known::ReferralCount)),
        ("created_at", Means::Field(Known::CreatedAt)),
        ("verified", Means::Field(Known::ConfirmedAt)),
        ("priority", Means::Place),
        ("metadata", Means::Document),
    ],
};
