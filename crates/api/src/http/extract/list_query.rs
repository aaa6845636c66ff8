//! The query of a list, and the pagination of its reply.

use rally_domain::error::{FieldError, Invalid};
use rally_domain::paging::Limit;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::http::cursor::CursorKey;
use crate::http::error::ApiError;

/// The query of a list, unparsed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// The most rows of a page.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// `pagination.next_cursor` of the previous page. It works only for the same list and filter.
    cursor: Option<String>,
}

/// The query of a list, parsed.
pub struct Listing<K, S> {
    /// The name of the list and its filter. Cursors are bound to it.
    pub name: String,
    /// The most rows of a page.
    pub limit: Limit,
    /// The key of the last row of the previous page.
    pub after: Option<K>,
    /// The filter.
    pub status: Option<S>,
}

impl ListQuery {
    /// Parses the query of a list, and the status that filters it.
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

    /// Parses the query of a list without a filter.
    pub fn parse_all<K: CursorKey>(&self, app: &App, list: &str) -> Result<Listing<K, ()>, ApiError> {
        self.parse(app, list, None, |_| Ok(()))
    }
}

/// Where the next page starts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pagination {
    /// The cursor of the next page. Null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
    /// Whether there is a next page.
    has_more: bool,
}

impl Pagination {
    /// The pagination of a page, from the key of its last row if there is another page.
    pub fn new(app: &App, list: &str, next: Option<&impl CursorKey>) -> Self {
        Self { next_cursor: next.map(|key| app.cursors.seal(list, key)), has_more: next.is_some() }
    }
}
