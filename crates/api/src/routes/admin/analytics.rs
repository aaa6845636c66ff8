//! Analytics on the admin surface, from the counters.

use actix_web::{get, web};
use rally_domain::analytics::{Analytics, DaySpan, TopReferral, VariantSignups, share};
use rally_domain::error::{FieldError, Invalid};
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::Waitlist;
use serde::{Deserialize, Serialize};
use time::Date;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::permit;
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::admin::AdminList;
use crate::routes::schema::KindName;

/// The totals of a waitlist at one moment. Days are in UTC, and weeks start on Monday.
#[derive(Serialize, ToSchema)]
#[schema(as = Analytics)]
struct AnalyticsView {
    #[schema(format = Uuid)]
    waitlist_id: String,
    total_entries: u64,
    /// Sign-ups that wait for their confirmation. They are no entries.
    awaiting_confirmation: u64,
    by_status: ByStatus,
    signups_today: u64,
    signups_this_week: u64,
    signups_this_month: u64,
    /// Entries that another entry referred.
    referred_count: u64,
    /// Referred entries divided by all entries. 0 if there are none.
    viral_coefficient: f64,
    /// The ten most frequent sources of sign-ups. Null stands for no source.
    top_referrers: Vec<TopReferrerView>,
    /// The ten entries with the most referrals that are not rejected.
    top_referrals: Vec<TopReferralView>,
    /// Sign-ups by the variant that the person saw. Deleted variants keep theirs. Null stands for no variant.
    by_variant: Vec<VariantSignupsView>,
}

/// Entries by status.
#[derive(Serialize, ToSchema)]
struct ByStatus {
    pending: u64,
    approved: u64,
    rejected: u64,
}

/// A source, and the number of sign-ups from it.
#[derive(Serialize, ToSchema)]
#[schema(as = TopReferrer)]
struct TopReferrerView {
    #[schema(required)]
    referrer: Option<String>,
    count: u64,
}

/// An entry that referred others.
#[derive(Serialize, ToSchema)]
#[schema(as = TopReferral)]
struct TopReferralView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Email)]
    email: String,
    name: String,
    referral_code: String,
    referral_count: u64,
    position: u64,
    effective_position: u64,
}

/// The sign-ups of a variant.
#[derive(Serialize, ToSchema)]
#[schema(as = VariantSignups)]
struct VariantSignupsView {
    #[schema(required, format = Uuid)]
    variant_id: Option<String>,
    #[schema(required, value_type = Option<KindName>)]
    kind: Option<&'static str>,
    #[schema(required)]
    locale: Option<String>,
    signups: u64,
    /// Its share of all entries, from 0 to 1.
    share: f64,
}

impl AnalyticsView {
    fn new(waitlist: &Waitlist, analytics: &Analytics, awaiting_confirmation: u64, today: Date) -> Self {
        let counters = &analytics.counters;
        let total = counters.total();
        Self {
            waitlist_id: waitlist.id.to_string(),
            total_entries: total,
            awaiting_confirmation,
            by_status: ByStatus { pending: counters.pending, approved: counters.approved, rejected: counters.rejected },
            signups_today: analytics.signups_today(today),
            signups_this_week: analytics.signups_this_week(today),
            signups_this_month: analytics.signups_this_month(today),
            referred_count: counters.referred,
            viral_coefficient: analytics.viral_coefficient(),
            top_referrers: analytics
                .top_referrers
                .iter()
                .map(|(referrer, count)| TopReferrerView { referrer: referrer.as_ref().map(ToString::to_string), count: *count })
                .collect(),
            top_referrals: analytics.top_referrals.iter().map(|row| TopReferralView::new(row, waitlist)).collect(),
            by_variant: analytics.by_variant.iter().map(|row| VariantSignupsView::new(row, total)).collect(),
        }
    }
}

impl TopReferralView {
    fn new(row: &TopReferral, waitlist: &Waitlist) -> Self {
        Self {
            id: row.id.to_string(),
            email: row.email.to_string(),
            name: row.name.to_string(),
            referral_code: row.referral_code.to_string(),
            referral_count: row.referral_count,
            position: row.position.number(),
            effective_position: row.position.effective(row.referral_count, waitlist.settings.referral_boost).number(),
        }
    }
}

impl VariantSignupsView {
    fn new(row: &VariantSignups, total: u64) -> Self {
        let variant = row.variant.as_ref();
        Self {
            variant_id: variant.map(|variant| variant.id.to_string()),
            kind: variant.map(|variant| variant.kind.as_str()),
            locale: variant.map(|variant| variant.locale.to_string()),
            signups: row.signups,
            share: share(row.signups, total),
        }
    }
}

/// The time that a timeline covers.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TimelineQuery {
    /// The first instant in RFC 3339, or a date, which means the start of that UTC day.
    #[param(value_type = String, required, example = "2026-01-01T00:00:00Z")]
    since: Option<String>,
    /// The instant that the timeline ends before, at most 3660 days later.
    #[param(value_type = String, required, example = "2026-02-01T00:00:00Z")]
    until: Option<String>,
}

impl TimelineQuery {
    fn parse(&self) -> Result<DaySpan, ApiError> {
        let mut errors = Vec::new();
        let mut read = |name: &str, text: Option<&String>| {
            let parsed = text.ok_or_else(|| Invalid::new("is required")).and_then(|text| parse_instant(text));
            parsed.map_err(|error| errors.push(FieldError::new(name, error))).ok()
        };
        let (since, until) = (read("since", self.since.as_ref()), read("until", self.until.as_ref()));
        let (Some(since), Some(until)) = (since, until) else { return Err(ApiError::validation(errors)) };
        DaySpan::new(since, until).map_err(|error| ApiError::validation(vec![FieldError::new("until", error)]))
    }
}

/// Parses an instant, or a calendar date (ISO 8601), which means its first instant in UTC.
fn parse_instant(text: &str) -> Result<Timestamp, Invalid> {
    let date_alone = text.len() == "2026-01-31".len();
    if date_alone { Timestamp::parse(&format!("{text}T00:00:00Z")) } else { Timestamp::parse(text) }
}

/// Sign-ups by UTC day, oldest first, including days without sign-ups.
#[derive(Serialize, ToSchema)]
struct Timeline {
    #[schema(value_type = GranularityName)]
    granularity: &'static str,
    points: Vec<Point>,
}

/// The length of time that a point covers.
#[derive(ToSchema)]
#[schema(as = Granularity, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
enum GranularityName {
    Day,
}

/// The sign-ups of a day.
#[derive(Serialize, ToSchema)]
struct Point {
    #[schema(format = Date, example = "2026-01-31")]
    date: String,
    count: u64,
}

/// Totals of a waitlist
#[utoipa::path(
    tag = "Analytics", operation_id = "get_analytics", security(("bearer" = [])), extensions(("x-action" = json!("rally.read"))),
    params(AdminList),
    responses((status = 200, description = "The totals.", body = AnalyticsView), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/analytics")]
pub async fn totals(app: web::Data<App>, waitlist: AdminList<permit::RallyRead>) -> Result<web::Json<AnalyticsView>, ApiError> {
    let today = app.ports.clock.now().day();
    let analytics = app.ports.stats.analytics(waitlist.id, today).await?;
    let awaiting = app.ports.confirmations.count(waitlist.id, app.ports.clock.now()).await?;
    Ok(web::Json(AnalyticsView::new(&waitlist, &analytics, awaiting, today)))
}

/// Sign-ups of a waitlist by day
///
/// Every UTC day that the time from `since` until just before `until` touches.
#[utoipa::path(
    tag = "Analytics", operation_id = "get_timeline", security(("bearer" = [])), extensions(("x-action" = json!("rally.read"))),
    params(AdminList, TimelineQuery),
    responses((status = 200, description = "The days.", body = Timeline), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/analytics/timeline")]
pub async fn timeline(
    app: web::Data<App>,
    waitlist: AdminList<permit::RallyRead>,
    query: web::Query<TimelineQuery>,
) -> Result<web::Json<Timeline>, ApiError> {
    let span = query.parse()?;
    let counts = app.ports.stats.timeline(waitlist.id, span).await?;
    let points = span.fill(&counts).into_iter().map(|(day, count)| Point { date: day.to_string(), count }).collect();
    Ok(web::Json(Timeline { granularity: "day", points }))
}
