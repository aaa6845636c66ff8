//! Decides about many referrals in one request.

use std::collections::HashSet;

use actix_web::{post, web};
use rally_domain::actor::Actor;
use rally_domain::command::{DecideReferrals, Decided, Selected};
use rally_domain::error::{FieldError, Invalid};
use rally_domain::id::{EntryId, ReferralId, WaitlistId};
use rally_domain::use_case::referrals::{self, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::decide::parse_verdict;
use super::{EffectView, ReferralStateName};
use crate::app::App;
use crate::auth::permit;
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure};
use crate::http::extract::admin::AdminList;

/// Which referrals, and the state that they get. Exactly one of `ids`, `referrer_entry_id` and `network_of` selects them.
#[derive(Deserialize, ToSchema)]
#[schema(as = DecideReferrals)]
struct BulkBody {
    /// Ids of referrals. A repeated id counts once, and one of another waitlist selects nothing.
    #[schema(value_type = Option<Vec<uuid::Uuid>>, min_items = 1, max_items = 1000)]
    #[serde(default)]
    ids: Field<Vec<String>>,
    /// The oldest 1,000 referrals of this entry that are not in the state yet.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    referrer_entry_id: Field<String>,
    /// The oldest 1,000 referrals from the network of this entry that are not in the state yet.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    network_of: Field<String>,
    /// The state that the referrals get.
    #[schema(value_type = ReferralStateName, required)]
    #[serde(default)]
    state: Field<String>,
    /// Why.
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    reason: Field<String>,
    /// Whether nothing is written, and the reply says what would be.
    #[schema(value_type = Option<bool>, default = false)]
    #[serde(default)]
    dry_run: Field<bool>,
}

impl BulkBody {
    fn parse(self) -> Result<(Selected, Verdict), ApiError> {
        let mut fields = Fields::default();
        let ids = fields.optional("ids", self.ids, |ids| match ids.len() {
            1..=DecideReferrals::MAX => Ok(ids),
            _ => Err(Invalid::new(format!("must have 1 to {} ids", DecideReferrals::MAX))),
        });
        let is_given = |field: &Field<String>| !matches!(field, Field::Absent | Field::Null);
        let given = usize::from(ids.is_some()) + usize::from(is_given(&self.referrer_entry_id)) + usize::from(is_given(&self.network_of));
        let referrer = fields.optional("referrer_entry_id", self.referrer_entry_id, |text| EntryId::parse(&text));
        let network_of = fields.optional("network_of", self.network_of, |text| EntryId::parse(&text));
        let dry_run = fields.optional("dry_run", self.dry_run, Ok).unwrap_or(false);
        let verdict = parse_verdict(&mut fields, self.state, self.reason, dry_run);
        let ids = ids.map(|ids| parse_ids(&mut fields, &ids));
        fields.finish()?;
        if given != 1 {
            let reason = Invalid::new("must be given, or else referrer_entry_id or network_of: exactly one of the three");
            return Err(ApiError::validation(vec![FieldError::new("ids", reason)]));
        }
        let selected = ids.map(Selected::Ids).or(referrer.map(Selected::Referrer)).or(network_of.map(Selected::NetworkOf));
        selected.zip(verdict).ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// Reads ids without repetitions.
fn parse_ids(fields: &mut Fields, ids: &[String]) -> Vec<ReferralId> {
    let mut seen = HashSet::new();
    let mut parsed = Vec::with_capacity(ids.len());
    for (index, id) in ids.iter().enumerate() {
        match ReferralId::parse(id) {
            Ok(id) if seen.insert(id) => parsed.push(id),
            Ok(_) => {}
            Err(error) => fields.report(&format!("ids[{index}]"), error),
        }
    }
    parsed
}

/// What came of a decision about many referrals.
#[derive(Serialize, ToSchema)]
#[schema(as = DecidedReferrals)]
struct BulkView {
    /// How many referrals were taken.
    matched: usize,
    /// How many of them changed.
    changed: u64,
    /// Whether more are selected than were taken. The same request takes the next ones.
    more: bool,
    /// The entries whose referrals change, the largest change first.
    #[schema(max_items = 100)]
    effects: Vec<EffectView>,
}

impl From<Decided> for BulkView {
    fn from(decided: Decided) -> Self {
        let effects = decided.effects.iter().map(EffectView::from).collect();
        Self { matched: decided.referrals.len(), changed: decided.changed, more: decided.more, effects }
    }
}

/// Decides about referrals from the body of a request.
///
/// # Errors
/// If a field is bad, or the list is gone.
pub(crate) async fn decide_from(app: &App, actor: Actor, waitlist_id: WaitlistId, body: Value) -> Result<Decided, ApiError> {
    decide_by(app, actor, waitlist_id, read_as(body)?).await
}

async fn decide_by(app: &App, actor: Actor, waitlist_id: WaitlistId, body: BulkBody) -> Result<Decided, ApiError> {
    let (selected, verdict) = body.parse()?;
    let decided = referrals::decide(&app.ports, actor, waitlist_id, selected, verdict).await?;
    app.wake_relays();
    Ok(decided)
}

/// Decide about many referrals
///
/// Repeating a request changes nothing more, and another state takes a decision back. With `dry_run` the reply says what would change.
#[utoipa::path(
    tag = "Referrals", operation_id = "decide_referrals", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminList), request_body = BulkBody,
    responses((status = 200, description = "What changed.", body = BulkView), AdminFailure, BodyFailure),
)]
#[post("/waitlists/{waitlist_id}/referrals/bulk")]
pub async fn decide_many(
    app: web::Data<App>,
    waitlist: AdminList<permit::EntryUpdate>,
    body: Body,
) -> Result<web::Json<BulkView>, ApiError> {
    Ok(web::Json(decide_by(&app, waitlist.actor(), waitlist.id, body.json().await?).await?.into()))
}
