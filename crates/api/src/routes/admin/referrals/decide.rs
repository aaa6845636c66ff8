//! Decides about one referral.

use actix_web::{patch, web};
use rally_domain::ledger::ReferralState;
use rally_domain::text::DecisionReason;
use rally_domain::use_case::referrals::{self, Verdict};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ReferralStateName, ReferralView};
use crate::app::App;
use crate::auth::permit;
use crate::http::body::Body;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::{AdminFailure, ApiError, BodyFailure};
use crate::http::extract::admin::AdminReferral;

/// A decision about a referral.
#[derive(Deserialize, ToSchema)]
#[schema(as = DecideReferral)]
struct DecisionBody {
    /// The state that the referral gets.
    #[schema(value_type = ReferralStateName, required)]
    #[serde(default)]
    state: Field<String>,
    /// Why.
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    reason: Field<String>,
}

impl DecisionBody {
    fn parse(self) -> Result<Verdict, ApiError> {
        let mut fields = Fields::default();
        let verdict = parse_verdict(&mut fields, self.state, self.reason, false);
        fields.finish()?;
        verdict.ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// Reads the fields of a decision.
pub(super) fn parse_verdict(fields: &mut Fields, state: Field<String>, reason: Field<String>, dry_run: bool) -> Option<Verdict> {
    let state = fields.required("state", state, |text| ReferralState::parse(&text));
    let reason = fields.optional("reason", reason, |text| DecisionReason::parse_optional(&text));
    Some(Verdict { state: state?, reason: reason.flatten(), dry_run })
}

/// Decide about a referral
///
/// Any state can follow any other. The count of the referrer changes with it. A referral that is in the state already stays as it is.
#[utoipa::path(
    tag = "Referrals", operation_id = "decide_referral", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminReferral), request_body = DecisionBody,
    responses((status = 200, description = "The referral.", body = ReferralView), AdminFailure, BodyFailure),
)]
#[patch("/waitlists/{waitlist_id}/referrals/{id}")]
pub async fn decide(
    app: web::Data<App>,
    referral: AdminReferral<permit::EntryUpdate>,
    body: Body,
) -> Result<web::Json<ReferralView>, ApiError> {
    let verdict = body.json::<DecisionBody>().await?.parse()?;
    let decided = referrals::decide_one(&app.ports, referral.actor(), referral.waitlist.id, referral.id, verdict).await?;
    app.wake_relays();
    Ok(web::Json(ReferralView::from(&decided)))
}
