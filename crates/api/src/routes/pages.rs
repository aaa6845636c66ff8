//! The documentation: the OpenAPI document and its pages, all served from this binary.

use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use utoipa::openapi::OpenApi as Document;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Paths that are no part of the API itself.
pub const PAGES: &[&str] = &["/", "/docs", "/docs/{tail:.*}", "/docs-json", "/openapi.json"];

/// Serves a document and its pages.
pub fn configure_pages(config: &mut web::ServiceConfig, document: &Document) {
    let copy = document.clone();
    config
        .route("/", web::get().to(to_docs))
        .route("/docs", web::get().to(to_docs))
        .route("/openapi.json", web::get().to(move || std::future::ready(HttpResponse::Ok().json(&copy))))
        // Without this the page asks a validator on the internet.
        .service(SwaggerUi::new("/docs/{_:.*}").url("/docs-json", document.clone()).config(Config::default().validator_url("none")));
}

/// Relative to both paths, so that it holds behind a proxy that adds a prefix.
async fn to_docs() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "docs/")).finish()
}
