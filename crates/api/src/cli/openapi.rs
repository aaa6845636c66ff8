//! `rally openapi`: prints the OpenAPI document.

use rally_domain::error::Fault;

use super::failure::Failure;
use super::output::print;
use crate::http::openapi;

pub(super) fn print_document() -> Result<(), Failure> {
    print(&openapi::document().to_pretty_json().map_err(Fault::unexpected)?)
}
