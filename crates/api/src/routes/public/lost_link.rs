//! Sends people their own link once more. The reply tells nothing of the address.

use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, post, web};
use rally_domain::email::Email;
use rally_domain::use_case::confirm;
use rally_domain::waitlist::Waitlist;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::http::body::Body;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::{AnyFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::public_list::NamedWaitlist;
use crate::routes::schema::AcceptedView;

/// The address of a person.
#[derive(Deserialize, ToSchema)]
#[schema(as = LostLink)]
pub(in crate::routes) struct LostLinkBody {
    /// The address that is on the waitlist.
    #[schema(value_type = String, required, format = Email, max_length = 254, example = "ada@example.com")]
    #[serde(default)]
    email: Field<String>,
}

impl LostLinkBody {
    fn parse(self) -> Result<Email, ApiError> {
        let mut fields = Fields::default();
        let email = fields.required("email", self.email, |text| Email::parse(&text));
        fields.finish()?;
        email.ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// Send a lost link
///
/// If the address is on the waitlist, its owner gets a mail with their own link. The reply is always the same.
#[utoipa::path(
    tag = "Public-Waitlist", operation_id = "send_lost_link", params(NamedWaitlist), request_body = LostLinkBody,
    responses(
        (status = 202, description = "The mail is sent, if the address is on the waitlist.", body = AcceptedView),
        (status = 403, description = "The waitlist takes no forms from pages of this origin.", body = ErrorBody),
        (status = 404, description = "There is no such waitlist.", body = ErrorBody),
        (status = 429, description = "Too many requests from this address.", body = ErrorBody),
        BodyFailure, AnyFailure,
    ),
)]
#[post("/lost-link")]
pub async fn send(app: web::Data<App>, named: NamedWaitlist, request: HttpRequest, body: Body) -> Result<HttpResponse, ApiError> {
    named.check_origin(&app, &request)?;
    let client = app.proxies.client(&request);
    app.limits.take_address(client, named.found.waitlist.id)?;
    send_to(&app, &named.found.waitlist, body.json::<LostLinkBody>().await?, client).await?;
    Ok(HttpResponse::Accepted().json(AcceptedView::new()))
}

/// Sends the link of a list to an address, if the address is on the list.
///
/// # Errors
/// 400 if it is no address.
pub(in crate::routes) async fn send_to(app: &App, waitlist: &Waitlist, body: LostLinkBody, client: Option<IpAddr>) -> Result<(), ApiError> {
    confirm::send_link(&app.ports, waitlist, body.parse()?, client).await?;
    app.wake_relays();
    Ok(())
}
