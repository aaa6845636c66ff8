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
    /// The query of the page after a cursor, or of the first one.
    pub fn after(cursor: Option<String>) -> Self {
        Self { limit: None, cursor }
    }

    /// Whether this asks for the first page.
    pub fn is_first(&self) -> bool {
        self.cursor.is_none()
    }

    /// Parses the query of a list, and the status that filters it.
    pub fn parse<K: CursorKey, S>(
        &self,
        app: &App,
        list: &str,
        status: Option<&str>,
        parse_status: impl Fn(&str) -> Result<S, Invalid>,
    ) -> Result<Listing<K, S>, ApiError> {
        let name = format!("{list}?status={}", status.unwrap_or_default());
        let mut errors = Vec::new();
        let status = read_filter("status", status, parse_status, &mut errors);
        self.parse_filtered(app, name, status, errors)
    }

    /// Parses the query of a list that something else filters. The name of the list contains the filter, and the mistakes in the filter are
    /// reported with those in the query.
    pub fn parse_filtered<K: CursorKey, S>(
        &self,
        app: &App,
        name: String,
        filter: Option<S>,
        filter_errors: Vec<FieldError>,
    ) -> Result<Listing<K, S>, ApiError> {
        let mut errors = Vec::new();
        let limit = read_filter("limit", self.limit.as_deref(), |text| Limit::parse(text, Limit::MAX), &mut errors).unwrap_or_default();
        errors.extend(filter_errors);
        let after = read_filter("cursor", self.cursor.as_deref(), |cursor| app.cursors.open(&name, cursor), &mut errors);
        if errors.is_empty() { Ok(Listing { name, limit, after, status: filter }) } else { Err(ApiError::validation(errors)) }
    }

    /// Parses the query of a list without a filter.
    pub fn parse_all<K: CursorKey>(&self, app: &App, list: &str) -> Result<Listing<K, ()>, ApiError> {
        self.parse(app, list, None, |_| Ok(()))
    }
}

/// Reads one parameter of a query, and notes a mistake in it.
pub fn read_filter<T>(
    field: &str,
    text: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, Invalid>,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    let parsed = text.map(parse).transpose();
    parsed.map_err(|error| errors.push(FieldError::new(field, error))).ok().flatten()
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
    /// The pagination of a page, from the cursor of the next one if there is one.
    pub fn of_cursor(next_cursor: Option<String>) -> Self {
        Self { has_more: next_cursor.is_some(), next_cursor }
    }

    /// The pagination of a page, from the key of its last row if there is another page.
    pub fn new(app: &App, list: &str, next: Option<&impl CursorKey>) -> Self {
        Self { next_cursor: next.map(|key| app.cursors.seal(list, key)), has_more: next.is_some() }
    }
}
