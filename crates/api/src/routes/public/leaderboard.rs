//! The leaderboard.

use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, get, web};
use rally_domain::email::Masked;
use rally_domain::entry::Leader;
use rally_domain::error::FieldError;
use rally_domain::paging::Limit;
use rally_domain::settings::Leaderboard;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::http::error::{AnyFailure, ApiError, Code, ErrorBody};
use crate::http::extract::public_list::NamedWaitlist;

/// The most rows of a leaderboard.
const MAX_LEADERS: u16 = 50;

/// The query of a leaderboard.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LeaderQuery {
    /// The most rows to return.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 50, default = 50)]
    limit: Option<String>,
}

/// A row of the leaderboard.
#[derive(Serialize, ToSchema)]
struct LeaderView<'a> {
    /// The position in the order of signing up.
    position: u64,
    /// Counted referrals.
    referral_count: u64,
    /// The address as its first character, `***`, `@` and its domain.
    #[schema(value_type = String, example = "a***@example.com")]
    masked_email: Masked<'a>,
}

impl<'a> From<&'a Leader> for LeaderView<'a> {
    fn from(leader: &'a Leader) -> Self {
        Self { position: leader.position.number(), referral_count: leader.referral_count, masked_email: leader.email.masked() }
    }
}

/// Get the leaderboard
///
/// Ordered by counted referrals, then by position. Rejected entries are left out.
#[utoipa::path(
    tag = "Public-Waitlist", operation_id = "get_leaderboard", params(NamedWaitlist, LeaderQuery),
    responses(
        (status = 200, description = "The rows.", body = Vec<LeaderView>),
        (status = 400, description = "A bad limit.", body = ErrorBody),
        (status = 404, description = "There is no such waitlist, it is not active, or it shows no leaderboard.", body = ErrorBody),
        AnyFailure,
    ),
)]
#[get("/leaderboard")]
pub async fn leaderboard(app: web::Data<App>, named: NamedWaitlist, query: web::Query<LeaderQuery>) -> Result<HttpResponse, ApiError> {
    let waitlist = named.active()?;
    if waitlist.settings.leaderboard == Leaderboard::Hidden {
        return Err(ApiError::new(Code::LeaderboardDisabled, "this waitlist shows no leaderboard"));
    }
    let rows = match &query.limit {
        Some(text) => Limit::parse(text, MAX_LEADERS),
        None => Ok(Limit::of::<MAX_LEADERS>()),
    };
    let rows = rows.map_err(|error| ApiError::validation(vec![FieldError::new("limit", error)]))?;
    let leaders = app.ports.stats.leaders(waitlist.id, rows).await?;
    let body = app
        .leaderboards
        .of((waitlist.id, rows.rows()), &leaders, |leaders| serde_json::to_vec(&leaders.iter().map(LeaderView::from).collect::<Vec<_>>()));
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(body?))
}
