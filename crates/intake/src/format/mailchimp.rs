//! Mailchimp's export of an audience. `OPTIN_TIME` is often empty, and then `CONFIRM_TIME` is when the person signed up.

use super::{Definition, Means};
use crate::field::Known;

pub(super) const DEFINITION: Definition = Definition {
    name: "mailchimp",
    marks: &[
        "member_rating",
        "optin_time",
        "optin_ip",
        "confirm_time",
        "confirm_ip",
        "gmtoff",
        "dstoff",
        "last_changed",
        "leid",
        "euid",
        "unsub_time",
    ],
    needed: 2,
    columns: &[
        ("email_address", Means::Field(Known::Email)),
        ("email", Means::Field(Known::Email)),
        ("name", Means::Field(Known::Name)),
        ("first_name", Means::FirstName),
        ("last_name", Means::LastName),
        ("optin_time", Means::Field(Known::CreatedAt)),
        ("confirm_time", Means::Field(Known::ConfirmedAt)),
        ("unsub_time", Means::UnsubscribedAt),
    ],
};
