//! Checks that a server fits this store: it is new enough, its database is in UTF-8, and its error messages are those that
//! [`crate::fault`] knows. The last needs a trial. A server may have been built without other languages, or may lack the language
//! that it is set to.

use rally_domain::error::Fault;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// The oldest version, in the form of `server_version_num`.
const OLDEST: i32 = 140_000;

/// PostgreSQL's own message for a division by zero.
const KNOWN_WORDS: &str = "division by zero";

/// The facts about a server.
#[derive(Debug, Clone)]
struct Server {
    /// `server_version_num`.
    version: i32,
    /// `server_encoding`.
    encoding: String,
    /// `lc_messages`.
    language: String,
    /// The quoted name of the database.
    database: String,
    /// The server's message for a division by zero.
    words: String,
}

/// Asks a server about itself. A slow answer is not a misfit.
///
/// # Errors
/// If the server does not answer, or does not fit. In the second case the fault says what to do.
pub(crate) async fn check(client: &Client) -> Result<(), Fault> {
    let question = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), \
        current_setting('lc_messages'), quote_ident(current_database())";
    let row = client.query_one(question, &[]).await.map_err(Fault::unavailable)?;
    let words = match client.simple_query("SELECT 1 / 0").await {
        Ok(_) => return Err(Fault::unexpected("the server divides by zero")),
        Err(error) => match error.as_db_error() {
            Some(answer) if *answer.code() == SqlState::DIVISION_BY_ZERO => answer.message().to_owned(),
            _ => return Err(Fault::unavailable(error)),
        },
    };
    let server = Server { version: row.get(0), encoding: row.get(1), language: row.get(2), database: row.get(3), words };
    misfit(&server).map_or(Ok(()), |misfit| Err(Fault::unexpected(misfit)))
}

/// Why a server does not fit, or `None` if it does.
fn misfit(server: &Server) -> Option<String> {
    let Server { version, encoding, language, database, words } = server;
    if *version < OLDEST {
        return Some(format!("the server is PostgreSQL {}, which is older than 14", release(*version)));
    }
    if encoding != "UTF8" {
        return Some(format!("the database {database} is in {encoding}: create it anew with ENCODING 'UTF8' TEMPLATE template0"));
    }
    if words != KNOWN_WORDS {
        return Some(format!(
            "the server's messages are in the language of lc_messages = '{language}', which hides what an error is: \
             have a superuser run ALTER DATABASE {database} SET lc_messages = 'C'"
        ));
    }
    None
}

/// A version as people write it: 13.4, or 9.6 before version 10.
fn release(version: i32) -> String {
    if version >= 100_000 {
        format!("{}.{}", version / 10_000, version % 10_000)
    } else {
        format!("{}.{}", version / 10_000, version / 100 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_fit_is_told_what_to_do() {
        let fits = Server {
            version: 140_000,
            encoding: "UTF8".to_owned(),
            language: "C".to_owned(),
            database: "rally".to_owned(),
            words: KNOWN_WORDS.to_owned(),
        };
        assert_eq!(misfit(&fits), None);
        // The server is set to a language that it does not have.
        assert_eq!(misfit(&Server { language: "de_DE.UTF-8".to_owned(), ..fits.clone() }), None);
        for (server, said) in [
            (Server { version: 130_023, ..fits.clone() }, "PostgreSQL 13.23, which is older than 14"),
            (Server { version: 90_624, ..fits.clone() }, "PostgreSQL 9.6, which is older than 14"),
            (Server { encoding: "LATIN1".to_owned(), ..fits.clone() }, "in LATIN1"),
            (Server { encoding: "SQL_ASCII".to_owned(), ..fits.clone() }, "in SQL_ASCII"),
            (
                Server { words: "Division durch Null".to_owned(), language: "de_DE.UTF-8".to_owned(), ..fits.clone() },
                "lc_messages = 'de_DE.UTF-8', which hides what an error is: \
                 have a superuser run ALTER DATABASE rally SET lc_messages = 'C'",
            ),
        ] {
            let misfit = misfit(&server).unwrap();
            assert!(misfit.contains(said) && misfit.lines().count() == 1, "{misfit}");
        }
    }
}
