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

/// Makes a row of a table, and a statement of fixed text that inserts any number of such rows. Each column is named once, with its
/// SQL type and its Rust type. One more column of the table gets a copy of another.
macro_rules! insert {
    (
        $(#[$row_doc:meta])+ $row:ident of $table:ident { $first:ident: $first_sql:ty = $first_rust:ty, $($column:ident: $sql:ty = $rust:ty,)+ }
        $(#[$doc:meta])+ $insert:ident, with $copy:ident = $source:ident
    ) => {
        $(#[$row_doc])+
        #[derive(diesel::Queryable, diesel::Selectable)]
        #[diesel(table_name = crate::schema::$table, check_for_backend(diesel::pg::Pg))]
        pub(crate) struct $row {
            pub(crate) $first: $first_rust,
            $(pub(crate) $column: $rust,)+
        }

        $(#[$doc])+
        pub(crate) struct $insert {
            $first: Vec<$first_rust>,
            $($column: Vec<$rust>,)+
        }

        impl From<Vec<$row>> for $insert {
            fn from(rows: Vec<$row>) -> Self {
                let number = rows.len();
                let mut columns = Self { $first: Vec::with_capacity(number), $($column: Vec::with_capacity(number),)+ };
                for row in rows {
                    columns.$first.push(row.$first);
                    $(columns.$column.push(row.$column);)+
                }
                columns
            }
        }

        impl diesel::query_builder::QueryId for $insert {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $insert {
            fn walk_ast<'b>(&'b self, mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>) -> diesel::QueryResult<()> {
                out.push_sql(concat!(
                    "INSERT INTO ", stringify!($table), " (", stringify!($first), $(", ", stringify!($column),)+ ", ", stringify!($copy),
                    ") SELECT new.*, new.", stringify!($source), " FROM unnest(",
                ));
                out.push_bind_param::<diesel::sql_types::Array<$first_sql>, _>(&self.$first)?;
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<diesel::sql_types::Array<$sql>, _>(&self.$column)?;
                )+
                out.push_sql(concat!(") AS new (", stringify!($first), $(", ", stringify!($column),)+ ")"));
                Ok(())
            }
        }

        impl diesel::query_builder::Query for $insert {
            type SqlType = diesel::sql_types::Untyped;
        }
    };
}
pub(crate) use insert;
