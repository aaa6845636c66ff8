//! The targets of the links in mail: a person's own page, and the end of mail to them.

use std::fmt::{self, Display};

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_domain::entry::EntryStatus;
use rally_domain::mail::Links;
use rally_domain::use_case::link;
use rally_domain::use_case::visit::{self, Visit};

use super::html::{Escaped, page};
use crate::app::App;
use crate::http::error::ApiError;
use crate::http::extract::visitor::Visitor;

/// A person's own page: the place, the link to share, friends and rewards.
#[get("/me/{token}")]
pub async fn visitor(app: web::Data<App>, visitor: Visitor) -> Result<HttpResponse, ApiError> {
    let visit = visit::look(&app.ports, &visitor.0).await?;
    let body = VisitorPage { links: &app.ports.links, person: &visitor.0, visit: &visit };
    Ok(page(StatusCode::OK, visitor.0.waitlist.display_name.as_str(), body))
}

/// The body of a person's own page.
struct VisitorPage<'a> {
    links: &'a Links,
    person: &'a visit::Visitor,
    visit: &'a Visit,
}

impl Display for VisitorPage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { links, person, visit } = self;
        let (entry, rewards) = (&person.entry, &person.waitlist.settings.referral_rewards);
        match visit.ahead {
            None => writeln!(f, "<p>You were not chosen this time.</p>")?,
            Some(ahead) => {
                writeln!(f, "<p>Your place is <strong>{}</strong>.</p>", person.place().number())?;
                writeln!(f, "<p>{ahead} of {} people are before you.</p>", visit.total)?;
            }
        }
        if entry.status == EntryStatus::Approved {
            writeln!(f, "<p>You are approved.</p>")?;
        }
        let share = links.referral(&person.workspace_slug, &person.waitlist.slug, &entry.referral_code);
        let share = Escaped(&share);
        writeln!(f, "<p>Your link to share: <a href=\"{share}\">{share}</a></p>")?;
        writeln!(f, "<p>Friends who joined with your link: {}</p>", entry.referral_count)?;
        let friends: Vec<String> = visit.friends.iter().map(|friend| friend.email.masked().to_string()).collect();
        list(f, friends.iter().map(|friend| Escaped(friend).to_string()))?;
        let reached = rewards.reached(u64::MAX).into_iter();
        list(
            f,
            reached.map(|milestone| {
                let state = if milestone.count <= entry.referral_count { "reached" } else { "not reached yet" };
                format!("{} friends: {} ({state})", milestone.count, Escaped(&milestone.reward))
            }),
        )?;
        if !visit.is_subscribed {
            return write!(f, "<p>You get no mail.</p>");
        }
        write!(f, "<p><a href=\"{}\">Get no more mail</a></p>", Escaped(&links.unsubscribe(entry.id)))
    }
}

/// Writes a list of items that are HTML, if there are any.
fn list(f: &mut fmt::Formatter<'_>, items: impl ExactSizeIterator<Item = String>) -> fmt::Result {
    if items.len() == 0 {
        return Ok(());
    }
    writeln!(f, "<ul>")?;
    items.into_iter().try_for_each(|item| writeln!(f, "<li>{item}</li>"))?;
    writeln!(f, "</ul>")
}

/// Asks whether mail is to end. Opening the page changes nothing, because programs open the links of mail too.
#[get("/unsubscribe/{token}")]
pub async fn unsubscribe_page(app: web::Data<App>, request: HttpRequest, token: web::Path<String>) -> Result<HttpResponse, ApiError> {
    app.limits.take_link(app.proxies.client(&request))?;
    let entry = link::find_recipient(&app.ports, &token).await?;
    let masked = entry.profile.email.masked().to_string();
    let body =
        format!("<p>No more mail will be sent to {}.</p>\n<form method=\"post\"><button>Unsubscribe</button></form>", Escaped(&masked));
    Ok(page(StatusCode::OK, "Get no more mail", body))
}

/// Ends mail. A mail program sends this request by itself (RFC 8058), and its body does not matter.
#[post("/unsubscribe/{token}")]
pub async fn unsubscribe(app: web::Data<App>, token: web::Path<String>) -> Result<HttpResponse, ApiError> {
    link::unsubscribe(&app.ports, &token).await?;
    Ok(page(StatusCode::OK, "You get no more mail", "<p>You are still on the waitlist.</p>"))
}
