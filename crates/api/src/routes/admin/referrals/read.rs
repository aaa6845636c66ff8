//! Lists referrals, and finds rings.

use actix_web::{get, web};
use rally_domain::id::EntryId;
use rally_domain::ledger::{ReferralFilter, ReferralSignal, ReferralState, Ring};
use rally_domain::paging::ReferralKey;
use rally_domain::use_case::referrals;
use rally_domain::waitlist::Waitlist;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ReferralSignalName, ReferralStateName, ReferralView};
use crate::app::App;
use crate::auth::permit;
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::admin::AdminList;
use crate::http::extract::list_query::{ListQuery, Listing, Pagination, read_filter};

/// The filter of a list of referrals, unparsed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilterQuery {
    /// Only referrals in this state.
    #[param(value_type = Option<ReferralStateName>)]
    pub(crate) state: Option<String>,
    /// Only referrals of this entry.
    #[param(value_type = Option<uuid::Uuid>)]
    pub(crate) referrer_entry_id: Option<String>,
}

impl FilterQuery {
    pub(crate) fn parse(&self, page: &ListQuery, app: &App, waitlist: &Waitlist) -> Result<Listing<ReferralKey, ReferralFilter>, ApiError> {
        let mut errors = Vec::new();
        let state = read_filter("state", self.state.as_deref(), ReferralState::parse, &mut errors);
        let referrer = read_filter("referrer_entry_id", self.referrer_entry_id.as_deref(), EntryId::parse, &mut errors);
        let filter = ReferralFilter { state, referrer };
        page.parse_filtered(app, format!("referrals/{}?{filter:?}", waitlist.id), Some(filter), errors)
    }
}

/// A page of referrals, newest first.
#[derive(Serialize, ToSchema)]
struct ReferralPage {
    data: Vec<ReferralView>,
    pagination: Pagination,
}

/// Referrals that something speaks against, and that have a code or a network in common.
#[derive(Serialize, ToSchema)]
#[schema(as = ReferralRing)]
struct RingView {
    /// Names the ring: `code:` and the referrer's id, or `network:` and a part of the network's hash.
    #[schema(example = "network:9f86d081884c7d65")]
    key: String,
    /// What speaks against its referrals.
    #[schema(value_type = Vec<ReferralSignalName>)]
    reasons: Vec<&'static str>,
    /// How many referrals it has.
    #[schema(minimum = 3)]
    size: u64,
    /// The referrers that still stand: at most 100.
    #[schema(value_type = Vec<uuid::Uuid>, max_items = 100)]
    referrer_entry_ids: Vec<String>,
    /// The entry that selects the ring as `network_of` in a bulk request. Null for a ring by code: there `referrer_entry_id` selects it.
    #[schema(required, format = Uuid)]
    network_of: Option<String>,
    #[schema(format = DateTime)]
    first_at: String,
    #[schema(format = DateTime)]
    last_at: String,
}

impl From<&Ring> for RingView {
    fn from(ring: &Ring) -> Self {
        Self {
            key: ring.key.clone(),
            reasons: ring.reasons.iter().copied().map(ReferralSignal::as_str).collect(),
            size: ring.size,
            referrer_entry_ids: ring.referrers.iter().map(ToString::to_string).collect(),
            network_of: ring.network_of.map(|id| id.to_string()),
            first_at: ring.first_at.to_string(),
            last_at: ring.last_at.to_string(),
        }
    }
}

/// The rings of a waitlist, the largest first.
#[derive(Serialize, ToSchema)]
struct RingList {
    #[schema(max_items = 100)]
    data: Vec<RingView>,
}

/// List referrals
///
/// Newest first. Rows of persons who are gone stay, and do not name them.
#[utoipa::path(
    tag = "Referrals", operation_id = "list_referrals", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(AdminList, FilterQuery, ListQuery),
    responses((status = 200, description = "A page of referrals.", body = ReferralPage), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/referrals")]
pub async fn list(
    app: web::Data<App>,
    waitlist: AdminList<permit::EntryRead>,
    filter: web::Query<FilterQuery>,
    page: web::Query<ListQuery>,
) -> Result<web::Json<ReferralPage>, ApiError> {
    let Listing { name, limit, after, status } = filter.parse(&page, &app, &waitlist)?;
    let page = app.ports.referrals.list(waitlist.id, status.unwrap_or_default(), after, limit).await?;
    Ok(web::Json(ReferralPage {
        data: page.items.iter().map(ReferralView::from).collect(),
        pagination: Pagination::new(&app, &name, page.next.as_ref()),
    }))
}

/// Find rings
///
/// Groups of at least three referrals with a score above 0 that have the code in common, or the network if it speaks against them. The
/// newest 10,000 such referrals are searched.
#[utoipa::path(
    tag = "Referrals", operation_id = "list_referral_rings", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(AdminList),
    responses((status = 200, description = "The rings.", body = RingList), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/referrals/rings")]
pub async fn rings(app: web::Data<App>, waitlist: AdminList<permit::EntryRead>) -> Result<web::Json<RingList>, ApiError> {
    let found = referrals::rings(&app.ports, waitlist.id).await?;
    Ok(web::Json(RingList { data: found.iter().map(RingView::from).collect() }))
}
