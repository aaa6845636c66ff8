//! Statements that the DSL cannot express, or whose text it would change with the number of rows. Here the text is fixed, so the
//! server plans a statement once per connection and not once per call.

/// Makes a statement of fixed text with binds in their order. Each text is a literal, or an expression in parentheses.
macro_rules! statement {
    ($(#[$doc:meta])+ $name:ident { $head:tt $($field:ident: $sql:ty = $rust:ty, $text:tt)* }) => {
        $(#[$doc])+
        struct $name { $($field: $rust,)* }

        impl diesel::query_builder::QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name {
            fn walk_ast<'b>(&'b self, mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>) -> diesel::QueryResult<()> {
                out.push_sql($head);
                $(
                    out.push_bind_param::<$sql, _>(&self.$field)?;
                    out.push_sql($text);
                )*
                Ok(())
            }
        }

        impl diesel::query_builder::Query for $name {
            type SqlType = diesel::sql_types::Untyped;
        }
    };
}
pub(crate) use statement;
