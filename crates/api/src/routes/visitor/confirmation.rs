//! The confirmation of a sign-up, for operators who build their own page for it. The token in the path is the authority.

use actix_web::{HttpResponse, get, post, web};
use rally_domain::actor::Actor;
use rally_domain::confirmation::{KeptRequest, RequestState};
use rally_domain::email::Email;
use rally_domain::id::{WaitlistId, WorkspaceId};
use rally_domain::referral::ReferralBoost;
use rally_domain::use_case;
use rally_domain::use_case::confirm::ConfirmedEntry;
use rally_domain::waitlist::Waitlist;
use rally_domain::workspace::{Brand, Workspace};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::error::{AnyFailure, ApiError, ErrorBody, LinkFailure};
use crate::http::extract::requested::Requested;
use crate::routes::public::info::BrandView;
use crate::routes::public::sign_up::JoinedView;
use crate::routes::schema::RequestStateName;

/// A sign-up that waits for its confirmation, or what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Confirmation)]
struct ConfirmationView<'a> {
    waitlist: ConfirmationWaitlistView,
    brand: BrandView<'a>,
    /// The address without most of its letters. Null if the sign-up was refused: then Rally keeps no address.
    #[schema(required, example = "a***@example.com")]
    masked_email: Option<String>,
    #[schema(value_type = RequestStateName)]
    state: &'static str,
    /// When the link ends.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// The waitlist of a sign-up.
#[derive(Serialize, ToSchema)]
#[schema(as = ConfirmationWaitlist)]
struct ConfirmationWaitlistView {
    slug: String,
    display_name: String,
    workspace_slug: String,
}

impl<'a> ConfirmationView<'a> {
    fn new(kept: &KeptRequest, email: Option<&Email>, place: &'a Place) -> Self {
        Self {
            waitlist: ConfirmationWaitlistView {
                slug: place.waitlist.slug.to_string(),
                display_name: place.waitlist.display_name.to_string(),
                workspace_slug: place.workspace.slug.to_string(),
            },
            brand: BrandView::from(&place.brand),
            masked_email: email.map(|email| email.masked().to_string()),
            state: kept.state.as_str(),
            expires_at: kept.expires_at.to_string(),
        }
    }
}

/// The list of a request, and its workspace.
pub struct Place {
    /// The list.
    pub waitlist: Waitlist,
    /// Its workspace.
    pub workspace: Workspace,
    /// The brand of the workspace.
    pub brand: Brand,
}

impl Place {
    /// Finds the list of a request.
    ///
    /// # Errors
    /// 404 if it was deleted just now.
    pub async fn find(app: &App, workspace_id: WorkspaceId, waitlist_id: WaitlistId) -> Result<Self, ApiError> {
        let waitlist = app.ports.waitlists.find(workspace_id, waitlist_id).await?.ok_or_else(ApiError::no_confirmation)?;
        let workspace = app.ports.workspaces.find(workspace_id).await?.ok_or_else(ApiError::no_confirmation)?;
        let brand = app.ports.settings.get(workspace_id).await?.brand;
        Ok(Self { waitlist, workspace, brand })
    }
}

/// Show a sign-up that waits for its confirmation
///
/// Reading it changes nothing, because programs open the links of mail too.
#[utoipa::path(
    tag = "Confirmations", operation_id = "get_confirmation", params(Requested),
    responses(
        (status = 200, description = "The sign-up, or what became of it.", body = ConfirmationView),
        (status = 410, description = "The link has expired.", body = ErrorBody),
        LinkFailure, AnyFailure,
    ),
)]
#[get("")]
pub async fn get(app: web::Data<App>, Requested(kept): Requested) -> Result<HttpResponse, ApiError> {
    let place = Place::find(&app, kept.workspace_id, kept.waitlist_id).await?;
    let email = match &kept.state {
        RequestState::Waiting(request) => Some(request.profile.email.clone()),
        RequestState::Confirmed(entry) => app.ports.entries.find(kept.waitlist_id, *entry).await?.map(|entry| entry.profile.email),
        RequestState::Refused => None,
    };
    Ok(HttpResponse::Ok().json(ConfirmationView::new(&kept, email.as_ref(), &place)))
}

/// Confirm a sign-up
///
/// The person is on the list from now on. A repeated confirmation gives the same entry until the link ends.
#[utoipa::path(
    tag = "Confirmations", operation_id = "confirm", params(Requested),
    responses(
        (status = 201, description = "The person is on the waitlist.", body = JoinedView),
        (status = 200, description = "The person was on the waitlist: the sign-up was confirmed before.", body = JoinedView),
        (status = 409, description = "The address came on the waitlist in another way, or the person has another link by now.", body = ErrorBody),
        (status = 410, description = "The link has expired, or the sign-up was refused.", body = ErrorBody),
        (status = 422, description = "The waitlist is not active, or it is full. The sign-up goes on waiting.", body = ErrorBody),
        LinkFailure, AnyFailure,
    ),
)]
#[post("")]
pub async fn confirm(app: web::Data<App>, Requested(kept): Requested) -> Result<HttpResponse, ApiError> {
    let (workspace_id, waitlist_id) = (kept.workspace_id, kept.waitlist_id);
    let ConfirmedEntry { entry, is_new } = use_case::confirm::confirm(&app.ports, Actor::Visitor, kept).await?;
    app.wake_relays();
    let (mut reply, boost) = if is_new {
        // A new entry has no referrals, whatever they are worth.
        (HttpResponse::Created(), ReferralBoost::default())
    } else {
        let waitlist = app.ports.waitlists.find(workspace_id, waitlist_id).await?.ok_or_else(ApiError::no_confirmation)?;
        (HttpResponse::Ok(), waitlist.settings.referral_boost)
    };
    Ok(reply.json(JoinedView::new(&entry, boost, &app.ports.links)))
}

/// Refuse a sign-up
///
/// Whoever did not sign up deletes what was sent with the address. The workspace sends no more mail to it.
#[utoipa::path(
    tag = "Confirmations", operation_id = "refuse_confirmation", params(Requested),
    responses(
        (status = 204, description = "The sign-up is refused, now or before."),
        (status = 409, description = "The sign-up was confirmed.", body = ErrorBody),
        (status = 410, description = "The link has expired.", body = ErrorBody),
        LinkFailure, AnyFailure,
    ),
)]
#[post("/refuse")]
pub async fn refuse(app: web::Data<App>, Requested(kept): Requested) -> Result<HttpResponse, ApiError> {
    use_case::confirm::refuse(&app.ports, kept.id).await?;
    Ok(HttpResponse::NoContent().finish())
}
