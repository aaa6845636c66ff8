//! Tells what another boost would change.

use actix_web::{post, web};
use rally_domain::ledger::BoostPreview;
use rally_domain::referral::ReferralBoost;
use rally_domain::settings::integer;
use rally_domain::use_case::referrals;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::EffectView;
use crate::app::App;
use crate::auth::permit;
use crate::http::body::Body;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::{AdminFailure, ApiError, BodyFailure};
use crate::http::extract::admin::AdminList;

/// A boost to try.
#[derive(Deserialize, ToSchema)]
#[schema(as = PreviewReferralPolicy)]
struct PreviewBody {
    /// The places that an entry would gain for each counted referral.
    #[schema(value_type = u16, required, maximum = 1000)]
    #[serde(default)]
    referral_boost: Field<Value>,
}

impl PreviewBody {
    fn parse(self) -> Result<ReferralBoost, ApiError> {
        let mut fields = Fields::default();
        let parse = |value: Value| ReferralBoost::new(integer(&value).unwrap_or(u64::MAX));
        let boost = fields.required("referral_boost", self.referral_boost, parse);
        fields.finish()?;
        boost.ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// What another boost would change.
#[derive(Serialize, ToSchema)]
#[schema(as = ReferralPolicyPreview)]
struct PreviewView {
    /// How many entries would have another effective position.
    moved: u64,
    /// Those that would move farthest, the farthest first.
    #[schema(max_items = 100)]
    effects: Vec<EffectView>,
}

impl From<BoostPreview> for PreviewView {
    fn from(found: BoostPreview) -> Self {
        Self { moved: found.moved, effects: found.effects.iter().map(EffectView::from).collect() }
    }
}

/// Try another boost
///
/// Changes nothing.
#[utoipa::path(
    tag = "Referrals", operation_id = "preview_referral_policy", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(AdminList), request_body = PreviewBody,
    responses((status = 200, description = "What would change.", body = PreviewView), AdminFailure, BodyFailure),
)]
#[post("/waitlists/{waitlist_id}/referral-policy/preview")]
pub async fn preview(app: web::Data<App>, waitlist: AdminList<permit::EntryRead>, body: Body) -> Result<web::Json<PreviewView>, ApiError> {
    let boost = body.json::<PreviewBody>().await?.parse()?;
    let found = referrals::preview(&app.ports, &waitlist, boost).await?;
    Ok(web::Json(found.into()))
}
