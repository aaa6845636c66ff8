//! What is kept of a request until its reply is ready.

use actix_web::dev::ServiceRequest;
use actix_web::web;
use rally_pages::Language;

use crate::app::App;
use crate::http::extract::languages::wanted_languages;
use crate::http::surface::Surface;

/// What is kept of a request until its reply is ready.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// The id of the request.
    pub(super) id: String,
    /// Who the path is for.
    pub(super) surface: Surface,
    /// The language of an error, if it is a page.
    pub(super) language: Language,
    /// What stands before the paths of files, if the error is a page.
    pub(super) root: String,
}

impl Origin {
    /// Keeps what a reply to this request will need.
    pub(super) fn of(request: &ServiceRequest, id: String) -> Self {
        let surface = Surface::of(request.match_info().as_str());
        if !surface.is_for_people() {
            return Self { id, surface, language: Language::default(), root: String::new() };
        }
        let language = Language::choose(&wanted_languages(request.request())).unwrap_or_default();
        let root = request.app_data::<web::Data<App>>().map(|app| app.ports.links.root().to_owned());
        Self { id, surface, language, root: root.unwrap_or_default() }
    }
}
