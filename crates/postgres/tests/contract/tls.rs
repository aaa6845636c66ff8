//! TLS to the server, as `sslmode` in the URL asks for it.

use rally_domain::error::Fault;
use rally_domain::port::StoreHealth;
use rally_pgtest::Cluster;
use rally_postgres::{PgOptions, PgStore};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// A certificate for `localhost` with its key, and the certificate of the authority that signed it.
fn certificates() -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    (certificate.pem(), key.serialize_pem(), authority.pem())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_what_the_url_asks_for() {
    let (certificate, key, authority) = certificates();
    let cluster = Cluster::start(Some((&certificate, &key)));
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("ca.pem");
    std::fs::write(&root, authority).unwrap();
    let (port, root) = (cluster.port(), root.to_string_lossy().replace('/', "%2F"));
    // Whether a connection succeeds, and whether it is encrypted.
    let asked = async |host: &str, query: String| {
        let url = format!("postgres://rally@{host}:{port}/postgres{query}");
        let store = PgStore::new(&url, &PgOptions { connections: 1, ..PgOptions::default() })?;
        store.ping().await?;
        store.is_encrypted().await
    };
    for (host, query, encrypted) in [
        ("localhost", String::new(), true),
        ("localhost", "?sslmode=disable".to_owned(), false),
        ("localhost", "?sslmode=prefer".to_owned(), true),
        ("127.0.0.1", "?sslmode=require".to_owned(), true),
        ("127.0.0.1", format!("?sslmode=require&sslrootcert={root}"), true),
        ("127.0.0.1", format!("?sslmode=verify-ca&sslrootcert={root}"), true),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={root}"), true),
    ] {
        assert_eq!(asked(host, query.clone()).await.unwrap(), encrypted, "{host}{query}");
    }
    for (host, query) in [
        // The certificate has another name, and the system does not know its authority.
        ("127.0.0.1", format!("?sslmode=verify-full&sslrootcert={root}")),
        ("localhost", "?sslmode=verify-full".to_owned()),
        ("localhost", "?sslmode=verify-ca".to_owned()),
    ] {
        let refused = asked(host, query.clone()).await;
        assert!(matches!(refused, Err(Fault::Unavailable(_))), "{host}{query}: {refused:?}");
    }
    assert!(PgStore::new("postgres://h/d?sslmode=verify-full&sslrootcert=%2Fnone.pem", &PgOptions::default()).is_err());
    assert!(PgStore::new("postgres://h/d?sslmode=perhaps", &PgOptions::default()).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tls_on_the_server_only_those_who_need_it_are_turned_away() {
    let cluster = Cluster::start(None);
    for (mode, answers) in [("prefer", true), ("disable", true), ("require", false), ("verify-full", false)] {
        let url = format!("postgres://rally@127.0.0.1:{}/postgres?sslmode={mode}", cluster.port());
        let store = PgStore::new(&url, &PgOptions::default()).unwrap();
        assert_eq!(store.ping().await.is_ok(), answers, "{mode}");
    }
}

/// Every connection of the pool leads to a server that is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_restarted_is_found_again() {
    let cluster = Cluster::start(None);
    let store = PgStore::new(&cluster.url(), &PgOptions { connections: 8, ..PgOptions::default() }).unwrap();
    for outcome in futures_util::future::join_all((0..8).map(|_| store.ping())).await {
        outcome.unwrap();
    }
    cluster.stop_at_once();
    assert!(matches!(store.ping().await, Err(Fault::Unavailable(_))));
    cluster.start_again();
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    for outcome in futures_util::future::join_all((0..16).map(|_| store.ping())).await {
        outcome.unwrap();
    }
}
