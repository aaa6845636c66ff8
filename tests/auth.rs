//! Which callers the admin surface accepts, and which actor its commands name.

use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rally_api::auth::issue_api_key;
use rally_contracts::samples::create_api_key;
use rally_domain::actor::Actor;
use rally_domain::id::{ApiKeyId, WebhookId};
use rally_domain::port::MockWebhookStore;
use rally_domain::text::{KeyName, Subject};
use rally_tests::{JWT_SECRET, Kind, Reply, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

fn signed(claims: &Value, secret: &str) -> String {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}

fn seconds(server: &TestServer) -> i64 {
    server.ports.clock.now().unix_millis() / 1000
}

async fn list_as(server: &TestServer, token: &str) -> Reply {
    let path = format!("/v1/workspaces/{}/waitlists", server.workspace.id);
    send(server.request(Method::GET, &path).bearer_auth(token)).await
}

#[apply(on_both_stores)]
async fn only_a_valid_token_is_let_in(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (id, now) = (server.workspace.id.to_string(), seconds(&server));
    let good = json!({"sub": "a", "exp": now + 60, "workspace_id": id, "scope": "*"});
    list_as(&server, &signed(&good, JWT_SECRET)).await.expect(200);
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        signed(&claims, JWT_SECRET)
    };
    let mut without_end = good.clone();
    without_end.as_object_mut().unwrap().remove("exp");
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(json!({"alg": "none", "typ": "JWT"})), part(good.clone()));
    let shouted = format!("{}.{}.", part(json!({"alg": "None"})), part(good.clone()));
    let valid = signed(&good, JWT_SECRET);
    let stripped = valid.rsplit_once('.').unwrap().0.to_owned() + ".";
    for token in [
        "",
        "x",
        "a.b.c",
        &unsigned,
        &shouted,
        &stripped,
        &valid[..valid.len() - 2],
        &signed(&good, "another secret that is long enough"),
        &signed(&without_end, JWT_SECRET),
        &with("exp", json!(now)),
        &with("exp", json!(now - 1)),
        &with("exp", json!("tomorrow")),
        &with("exp", json!(-1)),
        &with("nbf", json!(now + 60)),
        &with("nbf", json!("now")),
        &with("sub", json!(7)),
        &with("sub", json!("x".repeat(256))),
        &with("sub", json!("a\u{202e}b")),
        &with("workspace_id", json!(7)),
        &with("workspace_id", json!("acme")),
        &with("workspace_id", Value::Null),
        &"x".repeat(9000),
    ] {
        let reply = list_as(&server, token).await;
        reply.refused(401, "unauthorized");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    list_as(&server, &with("exp", json!(now as f64 + 60.5))).await.expect(200);
    list_as(&server, &with("nbf", json!(now - 5))).await.expect(200);
}

#[apply(on_both_stores)]
async fn what_is_critical_and_not_understood_is_refused(kind: Kind) {
    let server = TestServer::start(kind).await;
    let claims = json!({"sub": "a", "exp": seconds(&server) + 60, "workspace_id": server.workspace.id.to_string(), "scope": "*"});
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    let under = |header: Value| signed_under(&header, &key, Algorithm::HS256, &claims);
    list_as(&server, &under(json!({"alg": "HS256", "b64": true}))).await.expect(200);
    for crit in [json!(["b64"]), json!(["exp"]), json!([]), json!("exp"), Value::Null] {
        list_as(&server, &under(json!({"alg": "HS256", "crit": crit, "b64": true}))).await.refused(401, "unauthorized");
    }
}

#[apply(on_both_stores)]
async fn the_authorization_header_is_read_strictly(kind: Kind) {
    let server = TestServer::start(kind).await;
    let path = format!("/v1/workspaces/{}/waitlists", server.workspace.id);
    let token = server.token("*");
    let get = || server.request(Method::GET, &path);
    send(get()).await.refused(401, "unauthorized");
    send(get().header("authorization", format!("bearer {token}"))).await.expect(200);
    for header in [token.clone(), format!("Basic {token}"), "Bearer".to_owned(), format!("Bearer  {token} x")] {
        send(get().header("authorization", header)).await.refused(401, "unauthorized");
    }
    send(get().bearer_auth(&token).header("authorization", "Bearer other")).await.refused(401, "unauthorized");
}

#[apply(on_both_stores)]
async fn the_cookie_is_read_only_on_requests_that_change_nothing(kind: Kind) {
    let server = TestServer::start(kind).await;
    let path = format!("/v1/workspaces/{}/waitlists", server.workspace.id);
    let token = server.token("*");
    let get = || server.request(Method::GET, &path);
    let cookie = format!("theme=dark; auth_token={token}");
    send(get().header("cookie", &cookie)).await.expect(200);
    send(get().header("cookie", "auth_token=x")).await.refused(401, "unauthorized");
    let body = json!({"slug": "early", "display_name": "Early"});
    send(server.request(Method::POST, &path).header("cookie", &cookie).json(&body)).await.refused(401, "unauthorized");
    send(server.request(Method::POST, &path).bearer_auth(&token).json(&body)).await.expect(201);
}

/// A token for a workspace, or for all with `*`, that is valid for a minute.
fn token(server: &TestServer, workspace: &str, scope: &str) -> String {
    signed(&json!({"sub": "a", "exp": seconds(server) + 60, "workspace_id": workspace, "scope": scope}), JWT_SECRET)
}

async fn get_as(server: &TestServer, token: String, path: &str) -> Reply {
    send(server.request(Method::GET, &format!("/v1/workspaces/{path}")).bearer_auth(token)).await
}

#[apply(on_both_stores)]
async fn a_token_is_good_only_for_its_actions(kind: Kind) {
    let server = TestServer::start(kind).await;
    let mine = server.workspace.id.to_string();
    for (workspace, scope) in [(mine.as_str(), "waitlist.read"), (&mine, "*.read"), ("*", "waitlist.*")] {
        list_as(&server, &token(&server, workspace, scope)).await.expect(200);
    }
    for scope in ["", "entry.read", "waitlist.update waitlists.read", "waitlist"] {
        let refused = list_as(&server, &token(&server, &mine, scope)).await.refused(403, "forbidden");
        assert!(refused["message"].as_str().unwrap().contains("waitlist.read"), "{refused}");
    }
}

#[apply(on_both_stores)]
async fn a_token_is_good_only_for_its_workspace(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let other = rally_contracts::samples::workspace(&server.ports, "other").await.id;
    let (mine, all) = (token(&server, &server.workspace.id.to_string(), "*"), token(&server, "*", "*"));
    let nowhere = "00000000-0000-7000-8000-000000000000";
    for workspace in [other.to_string().as_str(), nowhere] {
        get_as(&server, mine.clone(), &format!("{workspace}/waitlists")).await.refused(403, "forbidden");
    }
    for workspace in [nowhere, "17"] {
        get_as(&server, all.clone(), &format!("{workspace}/waitlists")).await.refused(404, "workspace_not_found");
    }
    // An object of another workspace is not found.
    for path in [format!("{other}/waitlists/{list}"), format!("{other}/waitlists/{list}/entries")] {
        get_as(&server, all.clone(), &path).await.refused(404, "waitlist_not_found");
    }
}

#[apply(on_both_stores)]
async fn who_may_call_is_asked_before_what_they_send(kind: Kind) {
    let server = TestServer::start(kind).await;
    let path = format!("/v1/workspaces/{}/waitlists", server.workspace.id);
    send(server.request(Method::POST, &path).body("not json")).await.refused(401, "unauthorized");
    send(server.request(Method::POST, &path).bearer_auth(server.token("waitlist.read")).body("not json")).await.refused(403, "forbidden");
}

/// An identity provider's keys, made for one test.
struct Provider {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn pem(kind: &str, der: &[u8]) -> Vec<u8> {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der)).into_bytes()
}

impl Provider {
    fn new() -> Self {
        Self {
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            ed25519: Ed25519KeyPair::generate().unwrap(),
        }
    }

    fn jwks(&self) -> Value {
        let rsa = self.rsa.public_key();
        let point = self.p256.public_key().as_ref();
        json!({"keys": [
            {"kty": "RSA", "kid": "rsa", "n": base64url(rsa.modulus().big_endian_without_leading_zero()), "e": "AQAB"},
            {"kty": "EC", "crv": "P-256", "kid": "p256", "x": base64url(&point[1..33]), "y": base64url(&point[33..])},
            {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": base64url(self.ed25519.public_key())},
        ]})
    }

    fn key(&self, algorithm: Algorithm) -> EncodingKey {
        match algorithm {
            Algorithm::RS256 => {
                EncodingKey::from_rsa_pem(&pem("PRIVATE KEY", AsDer::<Pkcs8V1Der<'_>>::as_der(&self.rsa).unwrap().as_ref())).unwrap()
            }
            Algorithm::ES256 => EncodingKey::from_ec_der(self.p256.to_pkcs8v1().unwrap().as_ref()),
            Algorithm::EdDSA => EncodingKey::from_ed_der(self.ed25519.to_pkcs8().unwrap().as_ref()),
            // A known attack: the public key as a shared secret.
            _ => {
                EncodingKey::from_secret(&pem("PUBLIC KEY", AsDer::<PublicKeyX509Der<'_>>::as_der(self.rsa.public_key()).unwrap().as_ref()))
            }
        }
    }

    fn sign(&self, algorithm: Algorithm, kid: Option<&str>, claims: &Value) -> String {
        jsonwebtoken::encode(&Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) }, claims, &self.key(algorithm)).unwrap()
    }

    /// Signs with a header that says whatever it says.
    fn sign_under(&self, header: &Value, algorithm: Algorithm, claims: &Value) -> String {
        signed_under(header, &self.key(algorithm), algorithm, claims)
    }
}

fn signed_under(header: &Value, key: &EncodingKey, algorithm: Algorithm, claims: &Value) -> String {
    let message = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_provider_can_sign_for_rally() {
    let (keys, provider) = (Provider::new(), MockServer::start().await);
    let fetches = Mock::given(path("/jwks")).respond_with(ResponseTemplate::new(200).set_body_json(keys.jwks())).expect(1);
    fetches.mount(&provider).await;
    let url = format!("{}/jwks", provider.uri());
    let server = TestServer::start_with(Kind::Sqlite, |settings| rally_api::boot::config::Settings {
        jwks_url: Some(url),
        jwt_issuer: Some("https://id.example".to_owned()),
        jwt_audience: Some("rally".to_owned()),
        ..settings
    })
    .await;
    let good = json!({
        "sub": "a", "exp": seconds(&server) + 60, "workspace_id": server.workspace.id.to_string(), "scope": "*",
        "iss": "https://id.example", "aud": ["other", "rally"],
    });
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        keys.sign(Algorithm::RS256, Some("rsa"), &claims)
    };
    list_as(&server, &keys.sign(Algorithm::RS256, Some("rsa"), &good)).await.expect(200);
    list_as(&server, &keys.sign(Algorithm::ES256, Some("p256"), &good)).await.expect(200);
    list_as(&server, &keys.sign(Algorithm::EdDSA, Some("ed"), &good)).await.expect(200);
    list_as(&server, &server.token("*")).await.expect(200);
    for token in [
        with("iss", json!("https://evil.example")),
        with("aud", json!("other")),
        with("aud", Value::Null),
        with("exp", json!(seconds(&server))),
        keys.sign(Algorithm::EdDSA, Some("rsa"), &good),
        keys.sign(Algorithm::HS256, Some("rsa"), &good),
        keys.sign(Algorithm::RS256, None, &good),
    ] {
        list_as(&server, &token).await.refused(401, "unauthorized");
    }
    // Unknown key ids cost the provider nothing: no fetch follows the one above.
    for n in 0..20 {
        list_as(&server, &keys.sign(Algorithm::RS256, Some(&format!("unknown-{n}")), &good)).await.refused(401, "unauthorized");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_a_token_is_the_one_that_is_for_it() {
    let (keys, provider) = (Provider::new(), MockServer::start().await);
    // One id for all keys, keys for other purposes, and entries that cannot be read.
    let mut set = keys.jwks();
    let others = [
        json!({"kty": "RSA", "kid": "rsa", "use": "enc", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "rsa", "key_ops": ["wrapKey"], "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "rsa", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "rsa", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "EC", "crv": "P-256", "kid": "rsa", "x": "AA", "y": "AA"}),
        json!({"kty": "oct", "kid": "rsa", "k": base64url(JWT_SECRET)}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "kid": "rsa", "pub": "AA"}),
        json!({"kty": "EC", "crv": "secp256k1", "kid": "p256", "x": "AA", "y": "AA"}),
        json!({"kty": "RSA", "kid": 7}),
        json!("key"),
        Value::Null,
    ];
    let entries = set["keys"].as_array_mut().unwrap();
    entries.splice(0..0, others);
    entries.push(json!({"kty": "OKP", "crv": "Ed25519", "kid": "named", "alg": "Ed25519", "use": "sig", "key_ops": ["verify"],
        "x": base64url(keys.ed25519.public_key())}));
    entries.push(json!({"kty": "OKP", "crv": "Ed25519", "kid": "unfit", "use": "enc", "x": base64url(keys.ed25519.public_key())}));
    Mock::given(path("/jwks")).respond_with(ResponseTemplate::new(200).set_body_json(set)).mount(&provider).await;
    let url = format!("{}/jwks", provider.uri());
    let server =
        TestServer::start_with(Kind::Sqlite, |settings| rally_api::boot::config::Settings { jwks_url: Some(url), ..settings }).await;
    let claims = json!({"sub": "a", "exp": seconds(&server) + 60, "workspace_id": "*", "scope": "*"});
    let under = |header: Value, algorithm| keys.sign_under(&header, algorithm, &claims);
    for good in [
        under(json!({"alg": "RS256", "kid": "rsa"}), Algorithm::RS256),
        under(json!({"alg": "ES256", "kid": "p256"}), Algorithm::ES256),
        under(json!({"alg": "EdDSA", "kid": "ed"}), Algorithm::EdDSA),
        under(json!({"alg": "Ed25519", "kid": "ed"}), Algorithm::EdDSA),
        under(json!({"alg": "EdDSA", "kid": "named"}), Algorithm::EdDSA),
        under(json!({"alg": "Ed25519", "kid": "named"}), Algorithm::EdDSA),
    ] {
        list_as(&server, &good).await.expect(200);
    }
    for bad in [
        under(json!({"alg": "RS256", "kid": "rsa", "crit": ["exp"]}), Algorithm::RS256),
        under(json!({"alg": "Ed25519", "kid": "unfit"}), Algorithm::EdDSA),
        under(json!({"alg": "Ed25519", "kid": "rsa"}), Algorithm::EdDSA),
        under(json!({"alg": "RS256", "kid": "ed"}), Algorithm::EdDSA),
        under(json!({"alg": "PS256", "kid": "rsa"}), Algorithm::RS256),
        under(json!({"alg": "ed25519", "kid": "ed"}), Algorithm::EdDSA),
        under(json!({"alg": "none", "kid": "ed"}), Algorithm::EdDSA),
        under(json!({"alg": "HS256", "kid": "rsa"}), Algorithm::HS256),
        under(json!({"kid": "ed"}), Algorithm::EdDSA),
        under(json!({"alg": "EdDSA", "kid": 7}), Algorithm::EdDSA),
    ] {
        list_as(&server, &bad).await.refused(401, "unauthorized");
    }
}

/// The keys come from where the settings say, and from nowhere that this place leads to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_behind_a_redirect_are_nobodys() {
    let (keys, provider) = (Provider::new(), MockServer::start().await);
    Mock::given(path("/elsewhere")).respond_with(ResponseTemplate::new(200).set_body_json(keys.jwks())).mount(&provider).await;
    let redirect = ResponseTemplate::new(302).insert_header("location", "/elsewhere");
    Mock::given(path("/jwks")).respond_with(redirect).mount(&provider).await;
    let url = format!("{}/jwks", provider.uri());
    let server =
        TestServer::start_with(Kind::Sqlite, |settings| rally_api::boot::config::Settings { jwks_url: Some(url), ..settings }).await;
    let claims = json!({"sub": "a", "exp": seconds(&server) + 60, "workspace_id": "*", "scope": "*"});
    list_as(&server, &keys.sign(Algorithm::RS256, Some("rsa"), &claims)).await.refused(503, "service_unavailable");
    let asked = provider.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| request.url.path() == "/jwks"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_does_not_answer_is_told_as_such() {
    let server = TestServer::start_with(Kind::Sqlite, |settings| rally_api::boot::config::Settings {
        jwks_url: Some("http://127.0.0.1:1/jwks".to_owned()),
        ..settings
    })
    .await;
    let (keys, claims) = (Provider::new(), json!({"sub": "a", "exp": seconds(&server) + 60, "workspace_id": "*", "scope": "*"}));
    list_as(&server, &keys.sign(Algorithm::RS256, Some("rsa"), &claims)).await.refused(503, "service_unavailable");
    list_as(&server, &keys.sign(Algorithm::RS256, Some("rsa"), &claims)).await.refused(503, "service_unavailable");
    list_as(&server, &server.token("*")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_on_a_listed_origin_may_call_the_admin_surface() {
    let server = TestServer::start_with(Kind::Sqlite, |settings| rally_api::boot::config::Settings {
        admin_origins: Some("https://console.example".to_owned()),
        ..settings
    })
    .await;
    let from = |origin: &'static str| send(server.admin_request(Method::GET, "/waitlists").header("origin", origin));
    let allowed = from("https://console.example").await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://console.example"));
    let exposed = allowed.header("access-control-expose-headers").unwrap();
    for name in ["content-disposition", "idempotent-replay", "x-request-id"] {
        assert!(exposed.contains(name), "{exposed}");
    }
    assert_eq!(from("https://evil.example").await.header("access-control-allow-origin"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_names_the_bearer_of_the_token_or_the_api_key() {
    let named: Arc<Mutex<Vec<Actor>>> = Arc::default();
    let server = TestServer::start_on(Kind::Sqlite, |ports| {
        let (mut webhooks, named) = (MockWebhookStore::new(), named.clone());
        webhooks.expect_delete().returning(move |command| {
            named.lock().unwrap().push(command.actor);
            Ok(true)
        });
        ports.webhooks = Arc::new(webhooks);
    })
    .await;
    let (key, secret) = issue_api_key(
        &*server.ports.clock,
        ApiKeyId::new(server.ports.ids.uuid()),
        server.workspace.id,
        KeyName::parse("a key").unwrap(),
        "*",
    );
    server.ports.api_keys.insert(create_api_key(key.clone())).await.unwrap();
    let exp = seconds(&server) + 60;
    let token = |subject: Value| {
        let claims = json!({"sub": subject, "exp": exp, "workspace_id": server.workspace.id.to_string(), "scope": "*"});
        signed(&claims, JWT_SECRET)
    };
    let path = format!("/v1/workspaces/{}/webhooks/{}", server.workspace.id, WebhookId::new(server.ports.ids.uuid()));
    for bearer in [&token(json!("ada")), &token(json!(" ")), &token(Value::Null), secret.expose_secret()] {
        send(server.request(Method::DELETE, &path).bearer_auth(bearer).header("x-request-id", "r-7")).await.expect(204);
    }
    let expected = [Actor::token(Subject::parse("ada").ok()), Actor::token(None), Actor::token(None), Actor::api_key(&key)];
    assert_eq!(*named.lock().unwrap(), expected.map(|actor| actor.in_request("r-7")));
}
