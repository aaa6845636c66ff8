//! The OpenAPI document, generated from the routes, and what follows from it: which methods a path takes.

use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::path::PathItem;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{IntoResponses, Modify, OpenApi};
use utoipa_actix_web::AppExt;

use crate::http::error::ErrorBody;
use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rally",
        description = "A waitlist service: public sign-ups with referrals, and the admin surface of a console.\n\n\
            Every failure has the same envelope, `Error`; its `code` is stable.",
        license(name = "MIT OR Apache-2.0"),
    ),
    modifiers(&BearerScheme),
    tags(
        (name = "Waitlists", description = "Create and change waitlists"),
        (name = "Entries", description = "The people on a waitlist"),
        (name = "Waitlist-Variants", description = "Copy by locale, or drawn by weight"),
        (name = "Analytics", description = "Totals and a timeline of a waitlist"),
        (name = "Rally-Settings", description = "What a workspace has set"),
        (name = "Webhooks", description = "Where events are sent"),
        (name = "Public-Waitlist", description = "What anybody can call from a page"),
        (name = "Operations", description = "For those who run Rally"),
    ),
)]
struct Base;

struct BearerScheme;

impl Modify for BearerScheme {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    }
}

/// The document every route is added to.
pub fn base() -> Document {
    Base::openapi()
}

/// The whole document.
pub fn document() -> Document {
    let (_, document) = actix_web::App::new().into_utoipa_app().openapi(base()).configure(routes::configure).split_for_parts();
    document
}

/// What every route may answer when Rally itself cannot.
#[derive(IntoResponses)]
pub enum AnyFailure {
    /// Something broke.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// The store does not answer.
    #[response(status = 503)]
    Unavailable(ErrorBody),
}

/// What every admin route may answer to those it does not let in.
#[derive(IntoResponses)]
pub enum AdminFailure {
    /// No valid token.
    #[response(status = 401)]
    Unauthorized(ErrorBody),
    /// The token does not allow this, or not here.
    #[response(status = 403)]
    Forbidden(ErrorBody),
    /// There is no such workspace, or nothing of this id in it.
    #[response(status = 404)]
    NotFound(ErrorBody),
    /// More requests than a token may make; `Retry-After`, `RateLimit` and `RateLimit-Policy` say when to come again.
    #[response(status = 429)]
    TooMany(ErrorBody),
    /// Something broke.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// The store does not answer.
    #[response(status = 503)]
    Unavailable(ErrorBody),
}

/// What every route that reads a body may answer to a bad one.
#[derive(IntoResponses)]
pub enum BodyFailure {
    /// Not JSON, or fields that are not what they must be, all of them named.
    #[response(status = 400)]
    Invalid(ErrorBody),
    /// The body did not arrive within 10 seconds.
    #[response(status = 408)]
    Timeout(ErrorBody),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(ErrorBody),
    /// The body is not `application/json`.
    #[response(status = 415)]
    WrongType(ErrorBody),
}

/// Which methods every documented path takes: what an unmatched request is answered with.
pub struct RouteTable(Vec<(ResourceDef, Vec<Method>)>);

impl RouteTable {
    /// The table of a document.
    pub fn new(document: &Document) -> Self {
        let row = |(path, item): (&String, &PathItem)| (ResourceDef::new(path.as_str()), methods(item));
        let pages = routes::PAGES.iter().map(|path| (ResourceDef::new(*path), vec![Method::GET, Method::HEAD]));
        Self(document.paths.paths.iter().map(row).chain(pages).collect())
    }

    /// The methods of a path, for `Allow`; `None` when there is no such path.
    pub fn allowed(&self, path: &str) -> Option<String> {
        let mut names: Vec<&str> =
            self.0.iter().filter(|(pattern, _)| pattern.is_match(path)).flat_map(|(_, methods)| methods).map(Method::as_str).collect();
        if names.is_empty() {
            return None;
        }
        names.sort_unstable();
        names.dedup();
        Some(names.join(", "))
    }
}

fn methods(item: &PathItem) -> Vec<Method> {
    let documented = [
        (item.get.is_some(), Method::GET),
        (item.get.is_some(), Method::HEAD),
        (item.post.is_some(), Method::POST),
        (item.put.is_some(), Method::PUT),
        (item.patch.is_some(), Method::PATCH),
        (item.delete.is_some(), Method::DELETE),
        (true, Method::OPTIONS),
    ];
    documented.into_iter().filter(|(there, _)| *there).map(|(_, method)| method).collect()
}
