//! The referral ledger on the admin surface.

pub mod bulk;
pub mod decide;
pub mod preview;
pub mod read;

use rally_domain::ledger::{Effect, Referral, ReferralSignal};
use rally_domain::text::{DecisionReason, Subject};
use serde::Serialize;
use utoipa::ToSchema;

/// A row of the referral ledger.
#[derive(Serialize, ToSchema)]
#[schema(as = Referral)]
struct ReferralView {
    #[schema(format = Uuid)]
    id: String,
    /// The entry whose code was used. Null if it is gone.
    #[schema(required, format = Uuid)]
    referrer_entry_id: Option<String>,
    /// The entry that signed up with it. Null if it is gone.
    #[schema(required, format = Uuid)]
    referred_entry_id: Option<String>,
    #[schema(value_type = ReferralStateName)]
    state: &'static str,
    /// How much speaks against the referral.
    #[schema(maximum = 100)]
    score: u8,
    /// What speaks against it.
    #[schema(value_type = Vec<ReferralSignalName>)]
    reasons: Vec<&'static str>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When somebody decided about it last. Null if nobody did.
    #[schema(required, format = DateTime)]
    decided_at: Option<String>,
    /// Who did.
    #[schema(required)]
    decided_by: Option<String>,
    /// Why, in the words of the admin.
    #[schema(required, max_length = 500)]
    reason: Option<String>,
}

impl From<&Referral> for ReferralView {
    fn from(referral: &Referral) -> Self {
        let decision = referral.decision.as_ref();
        Self {
            id: referral.id.to_string(),
            referrer_entry_id: referral.referrer.map(|id| id.to_string()),
            referred_entry_id: referral.referred.map(|id| id.to_string()),
            state: referral.state.as_str(),
            score: referral.score,
            reasons: referral.reasons.iter().copied().map(ReferralSignal::as_str).collect(),
            created_at: referral.created_at.to_string(),
            decided_at: decision.map(|decision| decision.at.to_string()),
            decided_by: decision.and_then(|decision| decision.by.as_ref()).map(Subject::to_string),
            reason: decision.and_then(|decision| decision.reason.as_ref()).map(DecisionReason::to_string),
        }
    }
}

/// How the place of an entry changes.
#[derive(Serialize, ToSchema)]
#[schema(as = ReferralEffect)]
struct EffectView {
    #[schema(format = Uuid)]
    entry_id: String,
    referral_count_before: u64,
    referral_count_after: u64,
    effective_position_before: u64,
    effective_position_after: u64,
}

impl From<&Effect> for EffectView {
    fn from(effect: &Effect) -> Self {
        Self {
            entry_id: effect.entry_id.to_string(),
            referral_count_before: effect.count_before,
            referral_count_after: effect.count_after,
            effective_position_before: effect.effective_before.number(),
            effective_position_after: effect.effective_after.number(),
        }
    }
}

/// Whether a referral counts.
#[derive(ToSchema)]
#[schema(as = ReferralState, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum ReferralStateName {
    /// It counts.
    Credited,
    /// It waits for a decision.
    Withheld,
    /// It was taken back.
    Revoked,
}

/// What speaks against a referral.
#[derive(ToSchema)]
#[schema(as = ReferralSignal, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum ReferralSignalName {
    /// Referrer and friend read the same mailbox.
    SameMailbox,
    /// The friend signed up from the network of the referrer, or of three other friends of a day.
    SameNetwork,
    /// The code brought more friends in an hour than the list expects.
    Burst,
    /// The address is a throw-away one.
    Disposable,
    /// The person was erased before, and is back.
    Returning,
}
