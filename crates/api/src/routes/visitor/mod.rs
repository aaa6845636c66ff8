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
    /// The address as its first character, `***`, `@` and its domain. Null if the friend is gone.
    #[schema(required, example = "a***@example.com")]
    masked_email: Option<String>,
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
    /// It does not count, or not yet.
    Waiting,
}

impl From<&Friend> for FriendView {
    fn from(friend: &Friend) -> Self {
        Self {
            masked_email: friend.email.as_ref().map(|email| email.masked().to_string()),
            state: if friend.is_credited { "credited" } else { "waiting" },
            created_at: friend.joined_at.to_string(),
        }
    }
}
