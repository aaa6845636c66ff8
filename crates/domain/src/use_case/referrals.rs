//! What an admin does with the referral ledger.

use crate::actor::Actor;
use crate::command::{DecideReferrals, DecideReferralsRejection, Decided, Selected};
use crate::error::{CommandError, Fault};
use crate::id::{ReferralId, WaitlistId};
use crate::ledger::{BoostPreview, Referral, ReferralState, Ring};
use crate::port::Ports;
use crate::referral::ReferralBoost;
use crate::text::DecisionReason;
use crate::waitlist::Waitlist;

/// What somebody decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The state that the referrals get.
    pub state: ReferralState,
    /// Why.
    pub reason: Option<DecisionReason>,
    /// Whether nothing is written.
    pub dry_run: bool,
}

/// Decides about the selected referrals of a list.
///
/// # Errors
/// If the list is gone.
pub async fn decide(
    ports: &Ports,
    actor: Actor,
    waitlist_id: WaitlistId,
    selected: Selected,
    verdict: Verdict,
) -> Result<Decided, CommandError<DecideReferralsRejection>> {
    let Verdict { state, reason, dry_run } = verdict;
    let event_ids = DecideReferrals::event_ids(&selected, &*ports.ids);
    let now = ports.clock.now();
    ports.referrals.decide(DecideReferrals { waitlist_id, selected, state, reason, dry_run, event_ids, actor, now }).await
}

/// Decides about one referral of a list.
///
/// # Errors
/// If the list has no such referral.
pub async fn decide_one(
    ports: &Ports,
    actor: Actor,
    waitlist_id: WaitlistId,
    id: ReferralId,
    verdict: Verdict,
) -> Result<Referral, CommandError<DecideReferralsRejection>> {
    let decided = decide(ports, actor, waitlist_id, Selected::Ids(vec![id]), verdict).await?;
    decided.referrals.into_iter().next().ok_or(CommandError::Rejected(DecideReferralsRejection::NoSuchReferral))
}

/// Finds the rings of a list.
///
/// # Errors
/// If the store fails.
pub async fn rings(ports: &Ports, waitlist_id: WaitlistId) -> Result<Vec<Ring>, Fault> {
    Ok(Ring::find(&ports.referrals.suspects(waitlist_id, Ring::SEARCHED).await?))
}

/// Tells what another boost would change on a list.
///
/// # Errors
/// If the store fails.
pub async fn preview(ports: &Ports, waitlist: &Waitlist, boost: ReferralBoost) -> Result<BoostPreview, Fault> {
    let standings = ports.referrals.standings(waitlist.id).await?;
    Ok(BoostPreview::of(&standings, waitlist.settings.referral_boost, boost))
}
