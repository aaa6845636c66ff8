//! The document from which the widget builds its form.

use actix_web::http::header::{CACHE_CONTROL, ContentType, VARY};
use actix_web::{HttpRequest, HttpResponse, get, web};
use rally_domain::consent;
use rally_domain::variant::choose;
use rally_domain::web_url::WebUrl;
use rally_pages::WidgetForm;

use super::openness::openness;
use super::sign_up::{Reading, asked_for, challenge_of, consent_box, list_text};
use crate::app::App;
use crate::http::error::ApiError;
use crate::http::extract::public_list::NamedWaitlist;
use crate::http::middleware::cors::public_cors;

/// The form of a waitlist for the widget, or why the waitlist takes nobody. Any page may read it.
#[get("/{workspace_slug}/{waitlist_slug}/widget.json", wrap = "public_cors()")]
pub async fn widget_form(app: web::Data<App>, named: NamedWaitlist, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let reading = Reading::of(&app, &named, &request, None).await?;
    let waitlist = reading.waitlist();
    let variant = choose(&named.found.variants, &asked_for(&request), app.ports.ids.entropy());
    let variant_id = variant.map(|variant| variant.id.to_string());
    let (challenge, lost_link) = (challenge_of(&app, &named), reading.address_of("/lost-link"));
    let agreed = waitlist.settings.consent_text.as_ref().map(consent::digest);
    let form = WidgetForm {
        language: reading.language,
        brand: reading.brand(),
        list: list_text(waitlist, variant, reading.language),
        openness: openness(&app, waitlist).await?,
        fields: &waitlist.settings.custom_fields,
        consent: consent_box(waitlist, agreed.as_deref()),
        privacy_url: waitlist.settings.privacy_url.as_ref().map(WebUrl::as_str),
        terms_url: waitlist.settings.terms_url.as_ref().map(WebUrl::as_str),
        lost_link: &lost_link,
        seal: &app.seals.seal(waitlist.id, app.ports.clock.now()),
        variant_id: variant_id.as_deref(),
        challenge: challenge.as_deref(),
        elsewhere: waitlist.settings.recaptcha_site_key.is_some(),
        page_url: waitlist.settings.page_url.as_ref().map(WebUrl::as_str),
    };
    let mut reply = HttpResponse::Ok();
    reply.insert_header((CACHE_CONTROL, "no-store")).insert_header((VARY, "Accept-Language"));
    Ok(reply.content_type(ContentType::json()).body(form.json()))
}
