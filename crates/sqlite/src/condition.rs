//! Conditions of fixed text, for partial indexes.

use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Bool;
use diesel::sqlite::Sqlite;

/// A condition of fixed text.
///
/// A partial index serves only a statement that has the condition of the index in its text. The DSL binds values, and the planner does not
/// look at them (`SQLITE_ENABLE_QPSG`), so a statement of the DSL reads the whole table or the whole list. A statement with
/// `diesel::dsl::sql` would be prepared again for each call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition(pub(crate) &'static str);

impl QueryId for Condition {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Sqlite> for Condition {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

impl Expression for Condition {
    type SqlType = Bool;
}

impl<T> AppearsOnTable<T> for Condition {}

impl<G> ValidGrouping<G> for Condition {
    type IsAggregate = is_aggregate::Never;
}
