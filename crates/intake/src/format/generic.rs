//! Any file with a column of addresses. Columns with a usual name are recognised, and a caller maps the others.

use super::{Definition, Means};
use crate::field::Known;

pub(super) const DEFINITION: Definition = Definition {
    name: "generic",
    marks: &[],
    needed: 0,
    columns: &[
        ("email", Means::Field(Known::Email)),
        ("email_address", Means::Field(Known::Email)),
        ("e_mail", Means::Field(Known::Email)),
        ("mail", Means::Field(Known::Email)),
        ("name", Means::Field(Known::Name)),
        ("full_name", Means::Field(Known::Name)),
        ("first_name", Means::FirstName),
        ("firstname", Means::FirstName),
        ("last_name", Means::LastName),
        ("lastname", Means::LastName),
        ("created_at", Means::Field(Known::CreatedAt)),
        ("signed_up_at", Means::Field(Known::CreatedAt)),
        ("signup_date", Means::Field(Known::CreatedAt)),
        ("joined_at", Means::Field(Known::CreatedAt)),
        ("confirmed_at", Means::Field(Known::ConfirmedAt)),
        ("status", Means::Field(Known::Status)),
        ("referral_code", Means::Field(Known::ReferralCode)),
        ("referral_link", Means::Field(Known::ReferralCode)),
        ("referred_by", Means::Field(Known::ReferredBy)),
        ("referral_count", Means::Field(Known::ReferralCount)),
        ("unsubscribed", Means::OptedOut),
        ("unsubscribed_at", Means::UnsubscribedAt),
        ("interest", Means::Field(Known::Interest)),
        ("referrer", Means::Field(Known::Referrer)),
        ("locale", Means::Field(Known::Locale)),
        ("metadata", Means::Document),
    ],
};
