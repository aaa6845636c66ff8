//! What the framework itself can do: a route that answers with fixed bytes and nothing around it.

use std::io;

use actix_web::{App, HttpResponse, HttpServer, web};

/// Serves those bytes as JSON at every path, until the process is ended.
///
/// # Errors
/// When it cannot listen there.
pub async fn serve(bind: &str, body: Vec<u8>) -> io::Result<()> {
    let body = web::Bytes::from(body);
    let server = HttpServer::new(move || {
        let body = body.clone();
        let answer = move || std::future::ready(HttpResponse::Ok().content_type("application/json").body(body.clone()));
        App::new().default_service(web::to(answer))
    });
    server.bind(bind)?.run().await
}
