//! The query of a list, and the page that answers it.

use rally_domain::error::{FieldError, Invalid};
use rally_domain::paging::Limit;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::http::cursor::CursorKey;
use crate::http::error::ApiError;

/// The query of a list, as it came.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Rows of a page.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// `pagination.next_cursor` of the page before; good for the same list and filter alone.
    cursor: Option<String>,
}

/// The query of a list, parsed.
pub struct Listing<K, S> {
    /// The list with its filter, as a name cursors are bound to.
    pub name: String,
    /// Rows of a page.
    pub limit: Limit,
    /// Where to go on.
    pub after: Option<K>,
    /// The filter.
    pub status: Option<S>,
}

impl ListQuery {
    /// Reads the query of the list of that name, and the status that it is filtered by.
    pub fn parse<K: CursorKey, S>(
        &self,
        app: &App,
        list: &str,
        status: Option<&str>,
        parse_status: impl Fn(&str) -> Result<S, Invalid>,
    ) -> Result<Listing<K, S>, ApiError> {
        let mut errors = Vec::new();
        let mut report = |field: &str, error: Invalid| errors.push(FieldError::new(field, error));
        let name = format!("{list}?status={}", status.unwrap_or_default());
        let limit = self.limit.as_deref().map(|text| Limit::parse(text, Limit::MAX)).transpose();
        let limit = limit.map_err(|error| report("limit", error)).ok().flatten().unwrap_or_default();
        let status = status.map(parse_status).transpose();
        let status = status.map_err(|error| report("status", error)).ok().flatten();
        let after = self.cursor.as_deref().map(|cursor| app.cursors.open(&name, cursor)).transpose();
        let after = after.map_err(|error| report("cursor", error)).ok().flatten();
        if errors.is_empty() { Ok(Listing { name, limit, after, status }) } else { Err(ApiError::validation(errors)) }
    }
}

/// Where a list goes on.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pagination {
    /// The cursor of the next page; null on the last.
    #[schema(required)]
    next_cursor: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

impl Pagination {
    /// Of a page of the list of that name, given the key of its last row where another page follows.
    pub fn new(app: &App, list: &str, next: Option<&impl CursorKey>) -> Self {
        Self { next_cursor: next.map(|key| app.cursors.seal(list, key)), has_more: next.is_some() }
    }
}
