//! Sign-ups that wait for their confirmation.

use actix_web::{HttpResponse, get, post, web};
use rally_console::Count;
use rally_console::page::{ConfirmPage, ConfirmationRow, ConfirmationsPage};
use rally_domain::confirmation::{RequestState, SignUpRequest};
use rally_domain::id::RequestId;
use rally_domain::settings::Confirmation;
use rally_domain::use_case;

use super::doors::{OpenedList, Posted};
use super::look::{Done, done, pager, show};
use crate::auth::permit;
use crate::http::error::ApiError;
use crate::http::extract::list_query::{ListQuery, Listing};

type Update = Posted<OpenedList<permit::EntryUpdate>>;

/// The path of a sign-up: the workspace, the list and the sign-up.
type Place = web::Path<(String, String, String)>;

fn id_of(place: &Place) -> Result<RequestId, ApiError> {
    RequestId::parse(&place.2).map_err(|_| ApiError::no_confirmation())
}

/// Lists the sign-ups that wait, oldest first.
#[get("/w/{ws}/lists/{list}/confirmations")]
pub async fn list(door: OpenedList<permit::EntryRead>, query: web::Query<ListQuery>) -> Result<HttpResponse, ApiError> {
    let (app, waitlist, now) = (&door.app, &door.waitlist, door.app.ports.clock.now());
    let Listing { name, limit, after, .. } = query.parse_all(app, &format!("console/confirmations/{}", waitlist.id))?;
    let is_first = after.is_none();
    let page = app.ports.confirmations.list(waitlist.id, now, after, limit).await?;
    let address = (&*door.list_urls().confirmations(), &[][..]);
    Ok(show(&ConfirmationsPage {
        frame: door.frame(),
        is_on: waitlist.settings.email_confirmation == Confirmation::Required,
        waiting: Count(app.ports.confirmations.count(waitlist.id, now).await?),
        rows: page.items.iter().map(row).collect(),
        pager: pager(app, address, &name, (is_first, page.next.as_ref()), "confirmations"),
    }))
}

fn row(request: &SignUpRequest) -> ConfirmationRow {
    ConfirmationRow {
        id: request.id.to_string(),
        email: request.profile.email.to_string(),
        name: request.profile.name.to_string(),
        requested_at: request.requested_at.into(),
        expires_at: request.expires_at.into(),
        mails_sent: Count(u64::from(request.mails_sent)),
        last_mail_at: request.last_mail_at.map(Into::into),
    }
}

/// Sends the mail once more.
#[post("/w/{ws}/lists/{list}/confirmations/{request}/resend")]
pub async fn resend(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    use_case::confirm::resend(&posted.app.ports, posted.admin.actor(), posted.waitlist.id, id_of(&place)?).await?;
    posted.app.wake_relays();
    Ok(done(&posted.list_urls().confirmations(), Done::Sent))
}

/// Confirms a sign-up for its person.
#[post("/w/{ws}/lists/{list}/confirmations/{request}/confirm")]
pub async fn confirm(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let kept = posted.app.ports.confirmations.find(id_of(&place)?).await?;
    let kept = kept.filter(|kept| kept.waitlist_id == posted.waitlist.id).ok_or_else(ApiError::no_confirmation)?;
    use_case::confirm::confirm(&posted.app.ports, posted.admin.actor(), kept).await?;
    posted.app.wake_relays();
    Ok(done(&posted.list_urls().confirmations(), Done::Confirmed))
}

/// Deletes a sign-up, after asking.
#[post("/w/{ws}/lists/{list}/confirmations/{request}/delete")]
pub async fn delete(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let id = id_of(&place)?;
    if !posted.is_confirmed() {
        let kept = posted.app.ports.confirmations.find(id).await?.filter(|kept| kept.waitlist_id == posted.waitlist.id);
        let Some(RequestState::Waiting(request)) = kept.map(|kept| kept.state) else { return Err(ApiError::no_confirmation()) };
        return Ok(show(&ConfirmPage::delete_confirmation(posted.frame(), &id.to_string(), request.profile.email.as_str())));
    }
    let deleted = use_case::confirm::delete(&posted.app.ports, posted.admin.actor(), posted.waitlist.id, id).await?;
    deleted.then_some(()).ok_or_else(ApiError::no_confirmation)?;
    Ok(done(&posted.list_urls().confirmations(), Done::Deleted))
}
