//! The baseline of the bare framework: a route that answers with fixed bytes and does nothing else.

use std::io;

use actix_web::{App, HttpResponse, HttpServer, web};

/// Serves these bytes as JSON at every path, until the process ends.
///
/// # Errors
/// If the server cannot listen on the address.
pub async fn serve(bind: &str, body: Vec<u8>) -> io::Result<()> {
    let body = web::Bytes::from(body);
    let server = HttpServer::new(move || {
        let body = body.clone();
        let answer = move || std::future::ready(HttpResponse::Ok().content_type("application/json").body(body.clone()));
        App::new().default_service(web::to(answer))
    });
    server.bind(bind)?.run().await
}
