//! The documentation: the OpenAPI document and pages that show it, all served from this binary.

use std::io::Read;

use actix_web::http::header::{CONTENT_ENCODING, ContentType, LOCATION, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::read::GzDecoder;
use rally_domain::error::Fault;
use utoipa_swagger_ui::Config;

use crate::http::error::{ApiError, Code};
use crate::http::extract::encoding::takes_gzip;

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
        .app_data(web::Data::new(Config::new(["/docs-json"]).validator_url("none")))
        .route("/docs/{path:.*}", web::get().to(file));
}

/// A file of the pages. The binary has them compressed.
async fn file(request: HttpRequest, path: web::Path<String>, config: web::Data<Config<'static>>) -> Result<HttpResponse, ApiError> {
    let found = utoipa_swagger_ui::serve(&path, config.into_inner()).map_err(|error| Fault::unexpected(error.to_string()))?;
    let file = found.ok_or_else(|| ApiError::new(Code::NotFound, "there is no such page"))?;
    let mut reply = HttpResponse::Ok();
    reply.content_type(file.content_type).insert_header((VARY, "Accept-Encoding"));
    if !file.gzpipped {
        return Ok(reply.body(file.bytes.into_owned()));
    }
    if takes_gzip(&request) {
        return Ok(reply.insert_header((CONTENT_ENCODING, "gzip")).body(file.bytes.into_owned()));
    }
    let mut plain = Vec::new();
    GzDecoder::new(&*file.bytes).read_to_end(&mut plain).map_err(Fault::unexpected)?;
    Ok(reply.body(plain))
}

/// Redirects to the pages. The target is relative, so that it also works behind a proxy that adds a prefix.
async fn to_docs() -> HttpResponse {
    HttpResponse::Found().insert_header((LOCATION, "docs/")).finish()
}
