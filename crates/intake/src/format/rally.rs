//! Rally's own export of entries as CSV. (The export as JSONL, with everything of a list, is [`crate::export`].)

use super::{Definition, Means};
use crate::field::Known;

pub(super) const DEFINITION: Definition = Definition {
    name: "rally",
    marks: &["referred_by_entry_id", "effective_position", "invited_to_app_slug"],
    needed: 1,
    columns: &[
        ("id", Means::OwnId),
        ("email", Means::Field(Known::Email)),
        ("name", Means::Field(Known::Name)),
        ("interest", Means::Field(Known::Interest)),
        ("referrer", Means::Field(Known::Referrer)),
        ("locale", Means::Field(Known::Locale)),
        ("referral_code", Means::Field(Known::ReferralCode)),
        ("referral_count", Means::Field(Known::ReferralCount)),
        ("referred_by_entry_id", Means::ReferrerId),
        ("position", Means::OwnPlace),
        ("effective_position", Means::Computed),
        ("status", Means::Field(Known::Status)),
        ("variant_id", Means::Computed),
        ("metadata", Means::Document),
        ("created_at", Means::Field(Known::CreatedAt)),
        ("confirmed_at", Means::Field(Known::ConfirmedAt)),
        ("updated_at", Means::Computed),
    ],
};
