//! The documentation: the OpenAPI document and its pages, all served from this binary.

use actix_web::http::header::{ContentType, LOCATION};
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Paths that are no part of the API itself.
pub const PAGES: &[&str] = &["/", "/docs", "/docs/{tail:.*}", "/docs-json", "/openapi.json"];

/// Serves a document, which every worker shares, and its pages.
pub fn configure_pages(config: &mut web::ServiceConfig, document: &web::Bytes) {
    let serve =
        |document: web::Bytes| move || std::future::ready(HttpResponse::Ok().content_type(ContentType::json()).body(document.clone()));
    config
        .route("/", web::get().to(to_docs))
        .route("/docs", web::get().to(to_docs))
        .route("/openapi.json", web::get().to(serve(document.clone())))
        .route("/docs-json", web::get().to(serve(document.clone())))
        // Without this the page asks a validator on the internet.
        .service(SwaggerUi::new("/docs/{_:.*}").config(Config::new(["/docs-json"]).validator_url("none")));
}

/// Relative to both paths, so that it holds behind a proxy that adds a prefix.
async fn to_docs() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "docs/")).finish()
}
