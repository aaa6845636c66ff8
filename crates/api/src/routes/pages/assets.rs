//! The files that pages load, the widget, and what crawlers may read.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::LazyLock;

use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, CROSS_ORIGIN_RESOURCE_POLICY, ContentType, ETAG,
    IF_NONE_MATCH, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use rally_pages::Color;
use rally_pages::assets::{Asset, CSS, JAVASCRIPT, WIDGET, assets, fingerprint};

use crate::app::App;
use crate::http::error::{ApiError, Code};
use crate::http::extract::encoding::takes_gzip;

/// The path of a file changes with its content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The address of the widget never changes.
const FOR_MINUTES: &str = "public, max-age=300";

/// A file in memory, as it is and compressed.
struct File {
    content_type: &'static str,
    fingerprint: String,
    plain: Bytes,
    compressed: Bytes,
}

impl File {
    fn new(content_type: &'static str, bytes: &'static [u8]) -> Self {
        // Without a compressed form, every client gets the plain one.
        let compressed = compress(bytes).unwrap_or_default();
        Self { content_type, fingerprint: fingerprint(bytes), plain: Bytes::from_static(bytes), compressed: compressed.into() }
    }

    fn reply(&self, request: &HttpRequest, cache: &'static str) -> HttpResponse {
        let compressed = takes_gzip(request) && !self.compressed.is_empty();
        let etag = if compressed { format!("\"{}-gzip\"", self.fingerprint) } else { format!("\"{}\"", self.fingerprint) };
        let known = has_one_of(request, [&etag, "*"]);
        let mut reply = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        reply.insert_header((CACHE_CONTROL, cache)).insert_header((ETAG, etag)).insert_header((VARY, "Accept-Encoding"));
        // Any page may load it, also one with `Cross-Origin-Embedder-Policy`.
        reply.insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*")).insert_header((CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"));
        if known {
            return reply.finish();
        }
        reply.insert_header((CONTENT_TYPE, self.content_type));
        if !compressed {
            return reply.body(self.plain.clone());
        }
        reply.insert_header((CONTENT_ENCODING, "gzip")).body(self.compressed.clone())
    }
}

fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Tells whether the client has one of these versions (RFC 9110, section 13.1.2).
fn has_one_of(request: &HttpRequest, etags: [&str; 2]) -> bool {
    let lines = request.headers().get_all(IF_NONE_MATCH).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|held| etags.contains(&held.strip_prefix("W/").unwrap_or(held)))
}

static FILES: LazyLock<HashMap<&'static str, File>> =
    LazyLock::new(|| all().map(|asset| (asset.path.as_str(), File::new(asset.content_type, asset.bytes))).collect());

/// The files of pages and of the console.
fn all() -> impl Iterator<Item = &'static Asset> {
    assets().iter().chain(rally_console::assets::assets())
}

static WIDGET_FILE: LazyLock<File> = LazyLock::new(|| File::new(JAVASCRIPT, &WIDGET));

fn no_file() -> ApiError {
    ApiError::new(Code::NotFound, "there is no such file")
}

/// A style sheet, a script or an icon of pages.
#[get("/{name}")]
pub async fn file(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Ok(FILES.get(request.path()).ok_or_else(no_file)?.reply(&request, FOR_EVER))
}

/// The style sheet of a colour, `RRGGBB.css`.
#[get("/brand/{name}")]
pub async fn brand(name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let color = name.strip_suffix(".css").filter(|digits| !digits.starts_with('#')).and_then(Color::parse).ok_or_else(no_file)?;
    let sheet = color.style_sheet();
    let mut reply = HttpResponse::Ok();
    reply.insert_header((CACHE_CONTROL, FOR_EVER)).insert_header((ETAG, format!("\"{}\"", fingerprint(sheet.as_bytes()))));
    Ok(reply.insert_header((CONTENT_TYPE, CSS)).body(sheet))
}

/// The script of the widget.
#[get("/widget.js")]
pub async fn widget(request: HttpRequest) -> HttpResponse {
    WIDGET_FILE.reply(&request, FOR_MINUTES)
}

/// Keeps crawlers off the pages of single people, and off the console.
#[get("/robots.txt")]
pub async fn robots(app: web::Data<App>) -> HttpResponse {
    let root = app.ports.links.root();
    let closed = ["/me/", "/confirm/", "/unsubscribe/", "/console"].map(|path| format!("Disallow: {root}{path}\n")).concat();
    HttpResponse::Ok().content_type(ContentType::plaintext()).body(format!("User-agent: *\n{closed}"))
}
