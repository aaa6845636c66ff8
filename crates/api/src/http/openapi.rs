//! The OpenAPI document, generated from the routes.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Object, OpenApi as Document, RefOr, Type};
use utoipa::{Modify, OpenApi};
use utoipa_actix_web::AppExt;

use super::route_table;
use crate::routes::event_schema::webhooks;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rally",
        description = "A waitlist service: public sign-ups with referrals, and the admin surface of a console.\n\n\
            Every error has the same envelope, `Error`. Its `code` is stable.",
        license(name = "MIT OR Apache-2.0"),
    ),
    modifiers(&BearerScheme),
    // Only a query names it, so no body brings it here.
    components(schemas(crate::routes::admin::webhooks::deliveries::DeliveryStateName)),
    tags(
        (name = "Waitlists", description = "Create and change waitlists"),
        (name = "Entries", description = "The people on a waitlist"),
        (name = "Waitlist-Variants", description = "Texts of a waitlist by language, or drawn by weight"),
        (name = "Analytics", description = "Totals and a timeline of a waitlist"),
        (name = "Rally-Settings", description = "Settings of a workspace"),
        (name = "Mail-Templates", description = "The words of mail over SMTP"),
        (name = "Mails", description = "The log of mail"),
        (name = "Suppressions", description = "Addresses that get no mail"),
        (name = "Audit", description = "What admins changed"),
        (name = "Api-Keys", description = "Long-lived secrets for programs"),
        (name = "Webhooks", description = "URLs that receive events"),
        (name = "Public-Waitlist", description = "Routes that any page can call, without a token"),
        (name = "Confirmations", description = "Sign-ups that wait for the confirmation of their address"),
        (name = "Visitor", description = "A person's own entry. The token in the path is that of `status_url`"),
        (name = "Operations", description = "Routes for operators"),
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

/// The document without routes.
pub fn base() -> Document {
    Base::openapi()
}

/// The whole document.
pub fn document() -> Document {
    let (_, mut document) = actix_web::App::new().into_utoipa_app().openapi(base()).configure(route_table::document).split_for_parts();
    document.paths.paths.values_mut().flat_map(operations).for_each(name_headers);
    document.webhooks = Some(webhooks());
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

/// Names the headers that every refusal with a status has.
fn name_headers(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        let (name, of, text) = match status.as_str() {
            "401" => ("WWW-Authenticate", Type::String, "`Bearer` (RFC 6750)"),
            "429" | "503" => ("Retry-After", Type::Integer, "When to try again: in how many seconds"),
            _ => continue,
        };
        if let RefOr::T(response) = response {
            let header = HeaderBuilder::new().schema(Some(Object::with_type(of))).description(Some(text)).build();
            response.headers.insert(name.to_owned(), header.into());
        }
    }
}
