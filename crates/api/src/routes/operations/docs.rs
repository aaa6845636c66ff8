//! The documentation: the OpenAPI document and pages that show it, all served from this binary.

use actix_web::http::header::{ContentType, LOCATION};
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Paths that are not part of the API.
pub const PAGES: &[&str] = &["/docs", "/docs/{tail:.*}", "/docs-json", "/openapi.json"];

/// Serves the document, which all worker threads share, and its pages.
pub fn configure_pages(config: &mut web::ServiceConfig, document: &web::Bytes) {
    let serve =
        |document: web::Bytes| move || std::future::ready(HttpResponse::Ok().content_type(ContentType::json()).body(document.clone()));
    config
        .route("/docs", web::get().to(to_docs))
        .route("/openapi.json", web::get().to(serve(document.clone())))
        .route("/docs-json", web::get().to(serve(document.clone())))
        // Without this setting, the page asks a validator on the internet.
        .service(SwaggerUi::new("/docs/{_:.*}").config(Config::new(["/docs-json"]).validator_url("none")));
}

/// Redirects to the pages. The target is relative, so that it also works behind a proxy that adds a prefix.
async fn to_docs() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "docs/")).finish()
}
