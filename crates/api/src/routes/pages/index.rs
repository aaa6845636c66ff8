//! The first page of a server.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, web};
use rally_pages::{Frame, IndexPage, Language};

use super::look::show;
use crate::app::App;
use crate::http::extract::languages::wanted_languages;

/// Shows where to go.
#[get("/")]
pub async fn index(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let root = app.ports.links.root();
    let language = Language::choose(&wanted_languages(&request)).unwrap_or_default();
    let here = format!("{root}/");
    let frame = Frame { language, root, languages: Some(&here), badge: true, ..Frame::default() };
    let console = format!("{root}/console");
    show(StatusCode::OK, &IndexPage { frame, console: Some(&console), docs: Some(&format!("{root}/docs/")) }, &frame)
}
