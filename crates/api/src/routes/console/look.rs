//! What the pages of the console have in common: replies, notices, links to other pages of a list, and errors.

use std::collections::BTreeSet;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, ContentType, LOCATION, REFERER};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use rally_console::page::{ErrorPage, SignInPage};
use rally_console::urls::{Urls, page_above};
use rally_console::{Count, Form, Frame, Notice, NoticeTone, Page, Pager};
use serde_json::{Map, Value};
use url::{Position, Url, form_urlencoded};

use super::doors::{Outside, Pairs};
use crate::app::App;
use crate::http::cursor::CursorKey;
use crate::http::error::{ApiError, Code};
use crate::http::extract::languages::in_query;

/// Replies with a page.
pub(super) fn show(page: &impl Page) -> HttpResponse {
    show_as(StatusCode::OK, page)
}

/// Replies with a page and a status.
pub(super) fn show_as(status: StatusCode, page: &impl Page) -> HttpResponse {
    HttpResponse::build(status).content_type(ContentType::html()).body(page.html())
}

/// Replies with a page that a frame of another page shows, under a policy of its own.
pub(super) fn show_framed(html: String, policy: &str) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::html()).insert_header((CONTENT_SECURITY_POLICY, policy)).body(html)
}

/// Leads to another page.
pub(super) fn see_other(url: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, url)).finish()
}

/// Leads to a page that says what was done.
pub(super) fn done(url: &str, what: Done) -> HttpResponse {
    see_other(&format!("{url}{}done={}", separator(url), what.name()))
}

/// Leads to a page that says what was done to how many entries.
pub(super) fn done_to(url: &str, what: Done, number: usize) -> HttpResponse {
    see_other(&format!("{url}{}done={}&number={number}", separator(url), what.name()))
}

/// What comes before one more parameter of an address.
fn separator(url: &str) -> char {
    if url.contains('?') { '&' } else { '?' }
}

/// Leads to a page that says how many events are sent once more.
pub(super) fn replayed(url: &str, events: u64) -> HttpResponse {
    see_other(&format!("{url}?replayed={events}"))
}

/// Leads to a page that says what was done, how many of all could not be changed, and why: a code for each of those.
pub(super) fn done_but(url: &str, what: Done, failed: &[Code], all: usize) -> HttpResponse {
    if failed.is_empty() {
        return done_to(url, what, all);
    }
    let name = if failed.len() < all { "failed" } else { "unchanged" };
    let why: BTreeSet<&str> = failed.iter().map(|code| code.as_str()).collect();
    let why = why.into_iter().collect::<Vec<_>>().join(".");
    see_other(&format!("{url}{}{name}={}&why={why}", separator(url), failed.len()))
}

macro_rules! done {
    ($($name:ident = $code:literal $text:literal)+) => {
        /// What was done, as the next page says it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Done { $($name,)+ }

        impl Done {
            /// What a request says that was done.
            pub(super) fn of(request: &HttpRequest) -> Option<Self> {
                let named = in_query(request, &["done"])?;
                Self::ALL.iter().copied().find(|done| done.name() == named)
            }

            const ALL: &'static [Self] = &[$(Self::$name,)+];

            const fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

done! {
    Saved = "saved" "Saved."
    Created = "created" "Created."
    CreatedBefore = "created-before" "That was created already. Its key was shown once: revoke it if you did not copy it."
    IssuedBefore = "issued-before" "That was done already. Its secret was shown once: rotate it if you did not copy it."
    Deleted = "deleted" "Deleted."
    Erased = "erased" "Erased. Nothing of the person is left but the numbers."
    Approved = "approved" "Approved."
    ApprovedAgain = "approved-again" "Approved again."
    Rejected = "rejected" "Rejected."
    RejectedAfterAll = "rejected-after-all" "Rejected after all."
    Invited = "invited" "Invited."
    NewLink = "new-link" "The old link has ended. The new one is below."
    Sent = "sent" "The mail is on its way."
    Tested = "tested" "The test event is on its way. It shows below within seconds."
    Confirmed = "confirmed" "Confirmed. The person is on the list."
    Suppressed = "suppressed" "Suppressed. The address gets no more mail."
    Lifted = "lifted" "Lifted. The address gets mail again, unless another reason is left."
    Revoked = "revoked" "Revoked. The key works no more, and its sessions have ended."
    Decided = "decided" "Decided. Counts and places have moved with it."
    Ended = "ended" "Ended."
    Begun = "begun" "It has begun, and goes on while you do something else."
    Cancelled = "cancelled" "Cancelled. What was done stays."
    Busy = "busy" "Nothing has begun: other work on this list goes on. Wait until it is done, or cancel it."
    Unticked = "unticked" "Nothing was changed. Tick entries first, or choose all of them."
    Resent = "resent" "The event is on its way. It shows below within seconds."
    Activated = "activated" "The list is active. People can sign up."
    Paused = "paused" "The list is paused. Nobody can sign up until you activate it again."
    Closed = "closed" "The list is closed. Nobody can sign up."
}

impl Done {
    const fn tone(self) -> NoticeTone {
        match self {
            Self::Unticked => NoticeTone::Bad,
            _ => NoticeTone::Good,
        }
    }

    /// What was done to so many entries, if that can be said.
    fn text_of(self, number: Count) -> Option<String> {
        let entries = number.of("entry", "entries");
        Some(match self {
            Self::Approved => format!("{entries} approved."),
            Self::Rejected => format!("{entries} rejected."),
            Self::Deleted => format!("{entries} deleted."),
            Self::Invited => format!("{} invited.", number.of("person", "people")),
            Self::Erased => {
                let left = number.of("person", "people");
                format!("{left} erased. Nothing of {} is left but the numbers.", if number == Count(1) { "the person" } else { "them" })
            }
            _ => return None,
        })
    }
}

/// What a page says first, by the query of its request.
pub(super) fn notices(request: &HttpRequest) -> Vec<Notice> {
    let number = |name: &str| in_query(request, &[name]).and_then(|number| number.parse().ok()).map(Count);
    let good = Done::of(request).map(|done| {
        let text = number("number").and_then(|number| done.text_of(number)).unwrap_or_else(|| done.text().to_owned());
        Notice { tone: done.tone(), text, undo: None }
    });
    let why = || reasons(&in_query(request, &["why"]).unwrap_or_default());
    let unchanged = |number: Count| format!("{} could not be changed{}.", number.of("entry", "entries"), why());
    let bad = number("failed").map(|failed| trouble(format!("{} All others were.", unchanged(failed))));
    let none = number("unchanged").map(|none| trouble(unchanged(none)));
    let replayed = number("replayed");
    let replayed = replayed.map(|events| Notice { text: replayed_text(events), ..Notice::default() });
    good.into_iter().chain(bad).chain(none).chain(replayed).collect()
}

/// Why entries could not be changed, as the end of a sentence: each code in words.
fn reasons(codes: &str) -> String {
    let known = Code::ALL.iter().filter(|code| codes.split('.').any(|name| name == code.as_str()));
    let reasons: Vec<&str> = known.map(|code| reason(*code)).collect();
    if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", or ")) }
}

/// Why entries could not be changed.
const fn reason(code: Code) -> &'static str {
    match code {
        Code::EntryNotFound => "gone",
        Code::InvalidTransition => "the status cannot change in this way",
        Code::EntryNotApproved => "not approved",
        Code::AlreadyUser => "in the app already",
        Code::NoLinkedApp => "no app and no link to invite with is set",
        Code::UnknownApp => "the service that invites does not know the app",
        Code::UpstreamFailed => "the service that invites failed",
        Code::UpstreamTimeout => "the service that invites did not answer in time",
        Code::ServiceUnavailable => "no time was left",
        _ => "something broke, and the log has the cause",
    }
}

fn replayed_text(events: Count) -> String {
    match events {
        Count(0) => "No event fits, so nothing is sent.".to_owned(),
        Count(1) => "1 event is on its way.".to_owned(),
        events => format!("{} are on their way.", events.of("event", "events")),
    }
}

/// A notice of something that could not be done.
pub(super) fn trouble(text: String) -> Notice {
    Notice { tone: NoticeTone::Bad, text, undo: None }
}

/// The links to other pages of a list whose rows are under an address.
pub(super) fn pager(
    app: &App,
    (address, query): (&str, &[(&str, &str)]),
    name: &str,
    (is_first, next): (bool, Option<&impl CursorKey>),
    swap: &'static str,
) -> Pager {
    let link = |cursor: Option<String>| {
        let given = query.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (*name, (*value).to_owned()));
        let pairs: Vec<(&str, String)> = given.chain(cursor.map(|cursor| ("cursor", cursor))).collect();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        if query.is_empty() { address.to_owned() } else { format!("{address}?{query}") }
    };
    Pager { first: (!is_first).then(|| link(None)), next: next.map(|key| link(Some(app.cursors.seal(name, key)))), swap }
}

/// The errors of a refused form, by field. An error of another kind is none of the form's.
///
/// # Errors
/// If the form is not to blame.
pub(super) fn refused(error: ApiError) -> Result<Pairs, ApiError> {
    match error.code.status() {
        409 if error.code == Code::SlugTaken => Ok(vec![("slug".to_owned(), error.message)]),
        400 if !error.errors.is_empty() => Ok(error.errors.iter().map(|error| (error.field.clone(), error.message.to_string())).collect()),
        400 | 408 | 409 | 413 | 422 | 429 | 502 | 504 => Ok(vec![(String::new(), error.message)]),
        403 if error.code == Code::ScopeExceedsMaker => Ok(vec![(String::new(), error.message)]),
        _ => Err(error),
    }
}

/// A form that was refused: what was typed, and what is to be changed.
pub(super) fn typed(form: &Pairs, errors: Pairs) -> Form {
    Form::new(form.clone()).refused(errors)
}

/// The fields of a form as a body of the API. A field without a value is null.
pub(super) fn body_of(form: &Pairs, names: &[&str]) -> Map<String, Value> {
    let value = |name: &str| form.iter().find(|(given, _)| given == name).map(|(_, value)| value.trim()).filter(|value| !value.is_empty());
    names.iter().map(|name| ((*name).to_owned(), value(name).map_or(Value::Null, Value::from))).collect()
}

/// Whether an address may be led to after signing in: a page of the console. A browser must find it as it is written.
pub(super) fn is_own_page(next: &str) -> bool {
    let is_written_so = |url: Url| url[Position::BeforePath..] == *next;
    let rest = next.strip_prefix("/console").filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    rest.is_some_and(|_| !next.contains('#') && Url::parse(&format!("http://rally.invalid{next}")).is_ok_and(is_written_so))
}

/// Renders an error of the console. A request without a session is led to the page that signs in.
pub fn error_page(error: &ApiError, status: StatusCode, request_id: &str, request: Option<&HttpRequest>) -> HttpResponse {
    let app = request.and_then(|request| App::of(request).ok());
    let root = app.map(|app| app.ports.links.root().to_owned()).unwrap_or_default();
    if let Some((app, request)) = app.zip(request).filter(|_| error.code == Code::Unauthorized) {
        if *request.method() == Method::GET {
            return see_other(&sign_in_address(&root, request));
        }
        // The page with the form, which the person can open again after signing in.
        let from = request.headers().get(REFERER).and_then(|from| from.to_str().ok()).and_then(|from| Url::parse(from).ok());
        let next = from.map(|from| from[Position::BeforePath..Position::AfterQuery].to_owned());
        let next = next.as_deref().and_then(|next| next.strip_prefix(&*root)).filter(|next| is_own_page(next)).unwrap_or_default();
        return show_as(status, &SignInPage { next: next.to_owned(), is_unsaved: true, ..Outside { app: app.clone() }.sign_in_page() });
    }
    // An address that only takes a form stays in the address bar after a refused one. Its last part may look like an entry's id.
    let is_lost = matches!(status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_FOUND);
    if let Some(request) = request.filter(|request| is_lost && *request.method() == Method::GET)
        && let Some(page) = page_above(request.path())
    {
        return see_other(&format!("{root}{page}"));
    }
    let known = request.and_then(|request| request.extensions().get::<Frame>().cloned());
    let frame = Frame { notices: Vec::new(), ..known.unwrap_or_else(|| Frame { root, ..Frame::default() }) };
    let says = matches!(status.as_u16(), 400 | 409 | 422);
    let page = ErrorPage {
        frame,
        status: status.as_u16(),
        action: error.action.map(|action| action.as_str().to_owned()),
        is_for_owners: false,
        message: says.then(|| error.message.clone()),
        retry_after: error.retry_after.map(Count),
        request_id: Some(request_id.to_owned()),
        back: None,
    };
    show_as(status, &page)
}

fn sign_in_address(root: &str, request: &HttpRequest) -> String {
    let wanted = match request.query_string() {
        "" => request.path().to_owned(),
        query => format!("{}?{query}", request.path()),
    };
    if wanted == "/console" || !is_own_page(&wanted) {
        return Urls::new(root).sign_in();
    }
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", &wanted).finish();
    format!("{}?{query}", Urls::new(root).sign_in())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_console_are_led_to() {
        for own in ["/console", "/console/w/acme?status=draft", "/console?x"] {
            assert!(is_own_page(own), "{own}");
        }
        for other in [
            "",
            "/",
            "//evil.example",
            "/consoles",
            "https://evil.example/console",
            "/console/\\evil",
            "/console/\r\nx",
            "/console#x",
            "/console/../w/demo/early-access",
            "/console/%2e%2e/w/demo",
            "/console/./w",
        ] {
            assert!(!is_own_page(other), "{other}");
        }
    }

    #[test]
    fn every_notice_has_a_name_of_its_own() {
        for (index, done) in Done::ALL.iter().enumerate() {
            assert_eq!(Done::ALL.iter().position(|other| other.name() == done.name()), Some(index));
        }
    }
}
