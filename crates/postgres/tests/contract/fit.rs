//! A server that does not fit is told apart from one that cannot be reached.

use rally_domain::error::Fault;
use rally_postgres::{PgOptions, PgStore};

async fn check(url: &str) -> Result<(), Fault> {
    PgStore::new(url, &PgOptions::default()).unwrap().check_server().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_another_encoding_does_not_fit() {
    check(&rally_pgtest::new_database().await).await.unwrap();
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let url = rally_pgtest::new_database_with(&format!("ENCODING '{encoding}' TEMPLATE template0")).await;
        let Err(Fault::Unexpected(said)) = check(&url).await else { panic!("{encoding} fits") };
        assert!(said.to_string().contains(encoding), "{said}");
    }
}

/// An answer of another kind says nothing about the server's language.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_as_asked_is_unavailable() {
    let Err(Fault::Unavailable(_)) = check("postgres://rally@127.0.0.1:1/none").await else { panic!("nobody is there") };
    let url = rally_pgtest::new_database().await;
    // Reading the settings fails, with a message of the server.
    rally_pgtest::execute(
        &url,
        "CREATE FUNCTION public.current_setting(text) RETURNS text LANGUAGE plpgsql AS \
        $$ BEGIN RAISE 'canceling statement due to statement timeout' USING ERRCODE = '57014'; END $$",
    )
    .await;
    let name = url.rsplit_once('/').unwrap().1.split('?').next().unwrap();
    rally_pgtest::execute(&url, &format!("ALTER DATABASE {name} SET search_path = public, pg_catalog")).await;
    let Err(Fault::Unavailable(said)) = check(&url).await else { panic!("it said nothing of itself") };
    assert!(said.source().is_some_and(|said| said.to_string().contains("canceling statement")), "{said:?}");
}
