//! The stand-in of an identity provider: OpenID Connect with an authorization code and PKCE. It lets everybody in as one person.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::{Fake, Service};

/// The name of Rally at the provider.
pub const CLIENT_ID: &str = "rally:console";

/// The secret of Rally at the provider. Its characters must be encoded in a header.
pub const CLIENT_SECRET: &str = "a secret/of+tests%";

/// How an ID token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// With the key that the provider publishes.
    Es256,
    /// With the RSA key that the provider publishes.
    Rs256,
    /// With the RSA key that the provider publishes, in the newer way.
    Ps256,
    /// Not at all.
    None,
    /// With the secret of the client.
    Hs256,
    /// With a key of somebody else, under the id of the published one.
    OtherKey,
    /// With a key that is not published.
    UnknownKey,
}

/// A code that was given out, and what the exchange must fit.
#[derive(Debug, Clone)]
struct Issued {
    redirect_uri: String,
    challenge: String,
    nonce: String,
}

/// The state of the provider.
pub struct IdProvider {
    /// Its issuer: its base URL.
    pub issuer: String,
    /// The seconds since 1970.
    pub now: i64,
    /// Claims that replace those of the person `ada@acme.example`. Null removes one.
    pub claims: Value,
    /// How ID tokens are signed.
    pub sign: Sign,
    /// Whether the person says no.
    pub denies: bool,
    /// Whether the secret is taken in the body, and not in the header.
    pub secret_in_body: bool,
    /// Where every request is led to, but those of the person.
    pub redirects_to: Option<String>,
    /// Members that replace those of the discovery document.
    pub document: Value,
    codes: HashMap<String, Issued>,
    given: u32,
    ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
    number: u32,
}

impl Fake<IdProvider> {
    /// Starts a provider whose clock stands at a second since 1970.
    pub async fn start_provider(now: i64) -> Self {
        let fake = Self::start(IdProvider::new(now)).await;
        fake.state().issuer.clone_from(&fake.base);
        fake
    }
}

fn new_ec() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl IdProvider {
    fn new(now: i64) -> Self {
        Self {
            issuer: String::new(),
            now,
            claims: json!({}),
            sign: Sign::Es256,
            denies: false,
            secret_in_body: false,
            redirects_to: None,
            document: json!({}),
            codes: HashMap::new(),
            given: 0,
            ec: new_ec(),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
            number: 1,
        }
    }

    /// Replaces the key, under a new id.
    pub fn rotate(&mut self) {
        self.ec = new_ec();
        self.number += 1;
    }

    fn discovery(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let method = if self.secret_in_body { "client_secret_post" } else { "client_secret_basic" };
        let mut document = json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/keys"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256", "PS256"],
            "token_endpoint_auth_methods_supported": [method],
            "code_challenge_methods_supported": ["S256"],
        });
        document.as_object_mut().unwrap().extend(self.document.as_object().cloned().unwrap());
        document
    }

    fn keys(&self) -> Value {
        let point = self.ec.public_key().as_ref();
        let (x, y) = point[1..].split_at(32);
        let rsa = self.rsa.public_key();
        json!({"keys": [
            {"kty": "EC", "crv": "P-256", "use": "sig", "kid": self.key_id(), "x": encoded(x), "y": encoded(y)},
            {"kty": "RSA", "use": "sig", "kid": "rsa", "n": encoded(rsa.modulus().big_endian_without_leading_zero()),
             "e": encoded(rsa.exponent().big_endian_without_leading_zero())},
        ]})
    }

    fn key_id(&self) -> String {
        format!("key {}", self.number)
    }

    /// The person says yes at once, or no.
    fn authorize(&mut self, query: &HashMap<String, String>) -> Answer {
        let value = |name: &str| query.get(name).cloned().unwrap_or_default();
        let scopes = value("scope");
        let is_whole = value("response_type") == "code"
            && value("client_id") == CLIENT_ID
            && value("code_challenge_method") == "S256"
            && value("code_challenge").len() == 43
            && value("nonce").len() >= 22
            && value("state").len() >= 22
            && ["openid", "email"].iter().all(|scope| scopes.split(' ').any(|asked| asked == *scope));
        if !is_whole {
            return Answer::refuse(400, "the request lacks something");
        }
        let mut back = url::Url::parse(&value("redirect_uri")).unwrap();
        if self.denies {
            back.query_pairs_mut().append_pair("error", "access_denied");
        } else {
            self.given += 1;
            let code = format!("code {}", self.given);
            let issued = Issued { redirect_uri: value("redirect_uri"), challenge: value("code_challenge"), nonce: value("nonce") };
            self.codes.insert(code.clone(), issued);
            back.query_pairs_mut().append_pair("code", &code);
        }
        back.query_pairs_mut().append_pair("state", &value("state")).append_pair("iss", &self.issuer);
        Answer { status: 303, headers: format!("location: {back}\r\n"), body: String::new() }
    }

    /// Exchanges a code once.
    fn exchange(&mut self, request: &Request) -> Answer {
        let form: HashMap<String, String> = url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
        let value = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let refuse = |status, code: &str| Answer::json(status, &json!({"error": code, "error_description": crate::http::PRIVATE}));
        if !self.is_client(request, &form) {
            return refuse(401, "invalid_client");
        }
        let Some(issued) = self.codes.remove(value("code")).filter(|_| value("grant_type") == "authorization_code") else {
            return refuse(400, "invalid_grant");
        };
        let proves = encoded(digest(&SHA256, value("code_verifier").as_bytes()).as_ref()) == issued.challenge;
        if !proves || value("redirect_uri") != issued.redirect_uri {
            return refuse(400, "invalid_grant");
        }
        let id_token = self.id_token(&issued.nonce);
        Answer::json(200, &json!({"access_token": "for nothing", "token_type": "Bearer", "expires_in": 300, "id_token": id_token}))
    }

    fn is_client(&self, request: &Request, form: &HashMap<String, String>) -> bool {
        if self.secret_in_body {
            let given = (form.get("client_id").map(String::as_str), form.get("client_secret").map(String::as_str));
            return request.header("authorization").is_none() && given == (Some(CLIENT_ID), Some(CLIENT_SECRET));
        }
        let given = request.header("authorization").and_then(|header| header.strip_prefix("Basic ")).unwrap_or_default();
        let given = String::from_utf8(STANDARD.decode(given).unwrap_or_default()).unwrap_or_default();
        let decoded = |text: &str| url::form_urlencoded::parse(format!("x={text}").as_bytes()).next().map(|(_, value)| value.into_owned());
        let given = given.split_once(':').map(|(id, secret)| (decoded(id), decoded(secret)));
        given == Some((Some(CLIENT_ID.to_owned()), Some(CLIENT_SECRET.to_owned())))
    }

    fn id_token(&self, nonce: &str) -> String {
        let mut claims = json!({
            "iss": self.issuer, "sub": "1", "aud": CLIENT_ID, "exp": self.now + 300, "iat": self.now, "nonce": nonce,
            "email": "Ada@acme.example", "email_verified": true,
        });
        for (name, value) in self.claims.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        let part = |value: &Value| encoded(value.to_string().as_bytes());
        let ec = |key: &EcdsaKeyPair| EncodingKey::from_ec_der(key.to_pkcs8v1().unwrap().as_ref());
        let rsa = || {
            let der = STANDARD.encode(AsDer::<Pkcs8V1Der<'_>>::as_der(&self.rsa).unwrap().as_ref());
            EncodingKey::from_rsa_pem(format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n").as_bytes()).unwrap()
        };
        let (algorithm, kid, key) = match self.sign {
            Sign::None => return format!("{}.{}.", part(&json!({"alg": "none", "kid": self.key_id()})), part(&claims)),
            Sign::Es256 => (Algorithm::ES256, self.key_id(), ec(&self.ec)),
            Sign::OtherKey => (Algorithm::ES256, self.key_id(), ec(&new_ec())),
            Sign::UnknownKey => (Algorithm::ES256, "unknown".to_owned(), ec(&new_ec())),
            Sign::Rs256 => (Algorithm::RS256, "rsa".to_owned(), rsa()),
            Sign::Ps256 => (Algorithm::PS256, "rsa".to_owned(), rsa()),
            Sign::Hs256 => (Algorithm::HS256, self.key_id(), EncodingKey::from_secret(CLIENT_SECRET.as_bytes())),
        };
        let header = Header { kid: Some(kid), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    }
}

impl Service for IdProvider {
    fn answer(&mut self, request: &Request) -> Answer {
        let (method, path, query) = request.parts();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        if let Some(to) = self.redirects_to.as_ref().filter(|_| path != ["authorize"]) {
            return Answer { status: 307, headers: format!("location: {to}\r\n"), body: String::new() };
        }
        match (method.as_str(), &*path) {
            ("GET", [".well-known", "openid-configuration"]) => Answer::json(200, &self.discovery()),
            ("GET", ["keys"]) => Answer::json(200, &self.keys()),
            ("GET", ["authorize"]) => self.authorize(&query),
            ("POST", ["token"]) => self.exchange(request),
            _ => Answer::refuse(404, "there is no such thing"),
        }
    }

    fn tell(&self, _: &Request, _: &Answer) -> Option<String> {
        None
    }
}
