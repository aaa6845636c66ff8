//! What all pages have in common: the language of the reader, the brand of the workspace, and the reply.

use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, ContentType, HOST, LOCATION, VARY};
use actix_web::{HttpRequest, HttpResponse};
use rally_domain::locale::Locale;
use rally_domain::mail::Links;
use rally_domain::settings::Badge;
use rally_domain::slug::Slug;
use rally_domain::waitlist::Waitlist;
use rally_domain::web_origin::WebOrigin;
use rally_domain::workspace;
use rally_pages::{Brand, ErrorPage, Frame, Language, Page, content_security_policy};

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::extract::languages::{accepted_languages, chosen_language, in_query, keep_person_locale};

/// Whether a page is asked for as the content of a frame.
pub(super) fn is_embedded(request: &HttpRequest) -> bool {
    in_query(request, &["embed"]).as_deref() == Some("1")
}

/// Returns the address of a page that a frame leads to: the same one, for the content of a frame.
pub(super) fn embedded(url: String, is_embedded: bool) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    if is_embedded { format!("{url}{separator}embed=1") } else { url }
}

/// Returns an address with the language that the reader chose in a menu, so that the page behind a form speaks it too.
pub(super) fn in_chosen_language(url: String, request: &HttpRequest) -> String {
    in_language(url, chosen_language(request).as_ref())
}

fn in_language(url: String, chosen: Option<&Locale>) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    match chosen {
        Some(locale) => format!("{url}{separator}lang={locale}"),
        None => url,
    }
}

/// The look of a page for the person of an entry or a sign-up request.
pub(super) struct Look<'a> {
    language: Language,
    brand: Brand<'a>,
    framers: &'a [WebOrigin],
    badge: bool,
    root: &'a str,
    origin: Option<&'a str>,
    embedded: bool,
    /// The language that the reader chose in a menu.
    chosen: Option<Locale>,
}

impl<'a> Look<'a> {
    /// Finds the look of a page. The language is the first one that Rally has: that of the query, that of the person, those of the
    /// browser, and that of the workspace.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) async fn of(
        app: &'a App,
        request: &HttpRequest,
        person: Option<&Locale>,
        (waitlist, brand): (&'a Waitlist, &'a workspace::Brand),
    ) -> Result<Self, ApiError> {
        keep_person_locale(request, person);
        let wanted: Vec<Locale> =
            chosen_language(request).into_iter().chain(person.cloned()).chain(accepted_languages(request.headers())).collect();
        let language = match Language::choose(&wanted) {
            Some(language) => language,
            None => choose(&[], &app.ports.settings.get(waitlist.workspace_id).await?.default_locale),
        };
        let framers = &waitlist.settings.allowed_origins;
        let links = &app.ports.links;
        let (root, origin) = (links.root(), public_origin(links));
        Ok(Self {
            language,
            brand: brand_of(brand),
            framers,
            badge: waitlist.settings.badge == Badge::Shown,
            root,
            origin,
            embedded: is_embedded(request),
            chosen: chosen_language(request),
        })
    }

    /// The language.
    pub(super) const fn language(&self) -> Language {
        self.language
    }

    /// What stands before the paths of pages.
    pub(super) const fn root(&self) -> &'a str {
        self.root
    }

    /// The frame of a page for one person.
    pub(super) fn frame(&self) -> Frame<'a> {
        let Self { language, brand, framers, badge, root, origin, embedded, .. } = *self;
        Frame { language, brand, root, origin, badge, framers, embedded, ..Frame::default() }
    }

    /// Returns the address of a page that this one leads to, in the same frame.
    pub(super) fn lead(&self, url: String) -> String {
        embedded(url, self.embedded)
    }

    /// Returns an address with the language that the reader chose in a menu.
    pub(super) fn keep_language(&self, url: String) -> String {
        in_language(url, self.chosen.as_ref())
    }

    /// The frame of a page that can be read in all languages under an address.
    pub(super) fn frame_at<'b>(&self, address: &'b str) -> Frame<'b>
    where
        'a: 'b,
    {
        Frame { languages: Some(address), ..self.frame() }
    }

    /// The path of the sign-up page of a list.
    pub(super) fn sign_up(&self, workspace: &Slug, list: &Slug) -> String {
        self.lead(format!("{}/w/{}/{}", self.root, workspace.as_str(), list.as_str()))
    }
}

/// Returns the first wanted language that Rally has, else the one of a default.
pub(super) fn choose(wanted: &[Locale], default: &Locale) -> Language {
    Language::choose(wanted).or_else(|| Language::choose(std::slice::from_ref(default))).unwrap_or_default()
}

/// Returns the brand of a workspace, as pages show it.
pub(super) fn brand_of(brand: &workspace::Brand) -> Brand<'_> {
    Brand { name: brand.name.as_deref(), logo_url: brand.logo_url.as_deref(), primary_color: brand.primary_color.as_deref() }
}

/// Replies with a page. Its policy allows the logo of the brand, and the frames of the list.
pub(super) fn show(status: StatusCode, page: &impl Page, frame: &Frame<'_>) -> HttpResponse {
    show_html(status, page.html(), frame)
}

/// Replies with the text of a page.
pub(super) fn show_html(status: StatusCode, html: impl MessageBody + 'static, frame: &Frame<'_>) -> HttpResponse {
    let mut reply = HttpResponse::build(status);
    reply
        .content_type(ContentType::html())
        .insert_header((CONTENT_LANGUAGE, frame.language.tag()))
        .insert_header((VARY, "Accept-Language"));
    reply.insert_header((CONTENT_SECURITY_POLICY, content_security_policy(&frame.brand, frame.framers, frame.origin))).body(html)
}

/// Leads to another page after a form was carried out.
pub(super) fn see_other(url: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, url)).finish()
}

/// The origin of links, if others than this machine know it.
pub(super) fn public_origin(links: &Links) -> Option<&str> {
    (!links.are_local()).then(|| links.origin())
}

/// Leads to a page of this server, which a link names. If links mean something on this machine alone, and the request came by another
/// name, the page is named by its path: whoever sent the form may be elsewhere.
pub(super) fn see_own(app: &App, request: &HttpRequest, link: &str) -> HttpResponse {
    let links = &app.ports.links;
    let asked = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let is_other = links.origin().split_once("://").map(|(_, host)| host) != asked;
    match link.strip_prefix(links.origin()) {
        Some(path) if links.are_local() && is_other => see_other(path),
        _ => see_other(link),
    }
}

/// Renders the page of an error.
pub fn error_page(error: &ApiError, status: StatusCode, request_id: &str, (language, root): (Language, &str)) -> HttpResponse {
    let frame = Frame { language, root, badge: true, ..Frame::default() };
    show(status, &ErrorPage { frame, status: status.as_u16(), retry_after: error.retry_after, request_id: Some(request_id) }, &frame)
}
