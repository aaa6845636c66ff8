//! The API of a person's own page. The token in the path is all that a client needs.

pub mod confirmation;
pub mod export;
pub mod leave;
pub mod me;

use rally_domain::entry::Friend;
use serde::Serialize;
use utoipa::ToSchema;

/// A friend who signed up with the person's code.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorReferral)]
struct FriendView {
    /// The address as its first character, `***`, `@` and its domain.
    #[schema(example = "a***@example.com")]
    masked_email: String,
    #[schema(value_type = FriendStateName)]
    state: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
}

/// Whether a referral counts.
#[derive(ToSchema)]
#[schema(as = VisitorReferralState, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
enum FriendStateName {
    /// It counts.
    Credited,
}

impl From<&Friend> for FriendView {
    fn from(friend: &Friend) -> Self {
        Self { masked_email: friend.email.masked().to_string(), state: "credited", created_at: friend.joined_at.to_string() }
    }
}
