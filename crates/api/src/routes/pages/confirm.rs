//! The targets of the links in the mail that asks for a confirmation. Opening a page changes nothing, because programs open the links of
//! mail too.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_domain::actor::Actor;
use rally_domain::confirmation::{KeptRequest, RequestState, SignUpRequest};
use rally_domain::entry::Entry;
use rally_domain::use_case;
use rally_domain::use_case::visit::variant_of;
use rally_domain::variant::Variant;
use rally_pages::{Ask, AskPage, ConfirmPage, Notice, NoticePage};

use super::look::{Look, in_chosen_language, see_own, show};
use super::openness::notice_of_refusal;
use crate::app::App;
use crate::http::error::{ApiError, Code};
use crate::http::extract::requested::Linked;
use crate::routes::visitor::confirmation::Place;

/// A request, with what its pages need.
struct Opened {
    kept: KeptRequest,
    place: Place,
    /// The entry that the request became, if it is still there.
    entry: Option<Entry>,
    /// The variant that the person saw.
    variant: Option<Variant>,
}

impl Opened {
    async fn of(app: &App, kept: KeptRequest) -> Result<Self, ApiError> {
        let place = Place::find(app, kept.workspace_id, kept.waitlist_id).await?;
        let (entry, variant_id) = match &kept.state {
            RequestState::Waiting(sent) => (None, sent.variant_id),
            RequestState::Confirmed(id) => {
                let entry = app.ports.entries.find_by_id(*id).await?;
                let variant_id = entry.as_ref().and_then(|entry| entry.variant_id);
                (entry, variant_id)
            }
            RequestState::Refused => (None, None),
        };
        let variant = variant_of(&app.ports, kept.waitlist_id, variant_id).await?;
        Ok(Self { kept, place, entry, variant })
    }

    /// The look of the pages, in the language of the person.
    async fn look<'a>(&'a self, app: &'a App, request: &HttpRequest) -> Result<Look<'a>, ApiError> {
        let person = match &self.kept.state {
            RequestState::Waiting(sent) => sent.profile.locale.as_ref(),
            RequestState::Confirmed(_) => self.entry.as_ref().and_then(|entry| entry.profile.locale.as_ref()),
            RequestState::Refused => None,
        };
        Look::of(app, request, person, (&self.place.waitlist, &self.place.brand)).await
    }

    /// The name of the list, as the person saw it.
    fn list(&self) -> &str {
        self.place.waitlist.words(self.variant.as_ref()).display_name.as_str()
    }

    /// Says that the link has expired, if it has.
    fn expired(&self, app: &App, look: &Look<'_>) -> Option<HttpResponse> {
        self.kept.is_over(app.ports.clock.now()).then(|| self.tell_expired(look))
    }

    fn tell_expired(&self, look: &Look<'_>) -> HttpResponse {
        self.tell(look, StatusCode::GONE, Notice::Expired, Some(&self.form(look)))
    }

    fn tell_confirmed(&self, app: &App, look: &Look<'_>, status: StatusCode) -> HttpResponse {
        // Whoever has only this mail is not to learn a link that has taken the place of the first one.
        let first = self.entry.as_ref().filter(|entry| entry.link_generation == 0);
        let link = first.map(|entry| app.ports.links.status(entry.id, entry.link_generation));
        self.tell(look, status, Notice::Confirmed, link.as_deref())
    }

    /// Returns the page that a look at the link shows: it asks, or says what became of the sign-up.
    fn page(&self, app: &App, look: &Look<'_>, ask: impl FnOnce(&SignUpRequest) -> HttpResponse) -> HttpResponse {
        if let Some(expired) = self.expired(app, look) {
            return expired;
        }
        match &self.kept.state {
            RequestState::Waiting(sent) => ask(sent),
            RequestState::Confirmed(_) => self.tell_confirmed(app, look, StatusCode::OK),
            RequestState::Refused => self.tell(look, StatusCode::OK, Notice::Refused, Some(&self.form(look))),
        }
    }

    fn form(&self, look: &Look<'_>) -> String {
        look.sign_up(&self.place.workspace.slug, &self.place.waitlist.slug)
    }

    fn tell(&self, look: &Look<'_>, status: StatusCode, notice: Notice, link: Option<&str>) -> HttpResponse {
        let frame = look.frame();
        show(status, &NoticePage { frame, list: Some(self.list()), notice, link }, &frame)
    }

    fn ask(&self, look: &Look<'_>, request: &HttpRequest, sent: &SignUpRequest) -> HttpResponse {
        let here = format!("{}{}", look.root(), request.path());
        let refusal = in_chosen_language(format!("{here}/refuse"), request);
        let (action, frame) = (in_chosen_language(here.clone(), request), look.frame_at(&here));
        let page = ConfirmPage {
            frame,
            list: self.list(),
            name: sent.profile.name.as_str(),
            email: &sent.profile.email.masked().to_string(),
            expires_at: self.kept.expires_at,
            action: &action,
            refuse: &refusal,
        };
        show(StatusCode::OK, &page, &frame)
    }
}

/// Asks for the confirmation of a sign-up.
#[get("/{token}")]
pub async fn confirm_page(app: web::Data<App>, request: HttpRequest, Linked(kept): Linked) -> Result<HttpResponse, ApiError> {
    let opened = Opened::of(&app, kept).await?;
    let look = opened.look(&app, &request).await?;
    Ok(opened.page(&app, &look, |sent| opened.ask(&look, &request, sent)))
}

/// Puts the person on the list, and leads to their own page. A list that takes nobody now says so, and the sign-up goes on waiting.
#[post("/{token}")]
pub async fn confirm(app: web::Data<App>, request: HttpRequest, Linked(kept): Linked) -> Result<HttpResponse, ApiError> {
    if kept.is_over(app.ports.clock.now()) {
        let opened = Opened::of(&app, kept).await?;
        let look = opened.look(&app, &request).await?;
        return Ok(opened.tell_expired(&look));
    }
    let confirmed = use_case::confirm::confirm(&app.ports, Actor::Visitor, kept.clone()).await.map_err(ApiError::from);
    app.wake_relays();
    let error = match confirmed {
        Ok(confirmed) => {
            return Ok(see_own(&app, &request, &app.ports.links.status(confirmed.entry.id, confirmed.entry.link_generation)));
        }
        Err(error) => error,
    };
    let opened = Opened::of(&app, kept).await?;
    let look = opened.look(&app, &request).await?;
    if error.code == Code::ConfirmationRefused {
        return Ok(opened.tell(&look, StatusCode::GONE, Notice::Refused, Some(&opened.form(&look))));
    }
    if matches!(error.code, Code::EmailTaken | Code::AlreadyConfirmed) {
        // The person has come on the list in another way, or has another link since.
        return Ok(opened.tell(&look, StatusCode::CONFLICT, Notice::Confirmed, None));
    }
    let notice = notice_of_refusal(&error, opened.place.waitlist.status).ok_or(error)?;
    Ok(opened.tell(&look, StatusCode::UNPROCESSABLE_ENTITY, notice, None))
}

/// Asks whether a sign-up is to be refused.
#[get("/{token}/refuse")]
pub async fn refuse_page(app: web::Data<App>, request: HttpRequest, Linked(kept): Linked) -> Result<HttpResponse, ApiError> {
    let opened = Opened::of(&app, kept).await?;
    let look = opened.look(&app, &request).await?;
    let ask = |_: &SignUpRequest| {
        let here = format!("{}{}", look.root(), request.path());
        let back = here.strip_suffix("/refuse").map(|back| in_chosen_language(back.to_owned(), &request));
        let (action, frame) = (in_chosen_language(here.clone(), &request), look.frame_at(&here));
        show(StatusCode::OK, &AskPage { frame, ask: Ask::Refuse, action: &action, back: back.as_deref() }, &frame)
    };
    Ok(opened.page(&app, &look, ask))
}

/// Refuses a sign-up, and leads back to the page, which then says so.
#[post("/{token}/refuse")]
pub async fn refuse(app: web::Data<App>, request: HttpRequest, Linked(kept): Linked) -> Result<HttpResponse, ApiError> {
    let opened = Opened::of(&app, kept).await?;
    let look = opened.look(&app, &request).await?;
    if let Some(expired) = opened.expired(&app, &look) {
        return Ok(expired);
    }
    match use_case::confirm::refuse(&app.ports, opened.kept.id).await.map_err(ApiError::from) {
        Err(error) if error.code == Code::AlreadyConfirmed => Ok(opened.tell_confirmed(&app, &look, StatusCode::CONFLICT)),
        refused => refused.map(|()| see_own(&app, &request, &in_chosen_language(app.ports.links.refuse(opened.kept.id), &request))),
    }
}
