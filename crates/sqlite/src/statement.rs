//! Statements of fixed text. The DSL prepares an update, an insert with ON CONFLICT and a text of one's own again for each call.

/// Makes a statement of fixed text with binds in their order. SQLite prepares it once for each connection.
macro_rules! statement {
    ($(#[$doc:meta])+ $name:ident -> $result:ty { $head:tt $($field:ident: $sql:ty = $rust:ty, $text:tt)* }) => {
        $(#[$doc])+
        #[derive(diesel::query_builder::QueryId)]
        pub(crate) struct $name { $(pub(crate) $field: $rust,)* }

        impl diesel::query_builder::QueryFragment<diesel::sqlite::Sqlite> for $name {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::sqlite::Sqlite>,
            ) -> diesel::QueryResult<()> {
                out.push_sql($head);
                $(
                    out.push_bind_param::<$sql, _>(&self.$field)?;
                    out.push_sql($text);
                )*
                Ok(())
            }
        }

        impl diesel::query_builder::Query for $name {
            type SqlType = $result;
        }

        impl diesel::RunQueryDsl<diesel::SqliteConnection> for $name {}
    };
}
pub(crate) use statement;
