//! The keys of an identity provider: parses a key set (RFC 7517), and finds the key for a token.
//!
//! Not here: fetching the set, and the claims of a token.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// An algorithm that a provider may sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signing {
    Rs256,
    Ps256,
    Es256,
    Ed25519,
}

impl Signing {
    /// The algorithm with a name in a token's header or in a key. `Ed25519` is the newer, fully specified name for what `EdDSA` means with
    /// an Ed25519 key (RFC 9864, section 2.2).
    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::Ed25519),
            _ => None,
        }
    }

    /// The algorithm of an ID token. Providers sign those with RSA or on the curve P-256.
    pub(super) fn of_id_token(name: &str) -> Option<Self> {
        match name {
            "PS256" => Some(Self::Ps256),
            name => Self::of_name(name).filter(|signing| *signing != Self::Ed25519),
        }
    }

    /// The name of the algorithm in the library that verifies signatures.
    pub(super) const fn algorithm(self) -> Algorithm {
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Ps256 => Algorithm::PS256,
            Self::Es256 => Algorithm::ES256,
            Self::Ed25519 => Algorithm::EdDSA,
        }
    }
}

/// The keys of a provider that can verify signatures.
pub(super) struct KeySet(Vec<ProviderKey>);

struct ProviderKey {
    id: Option<String>,
    signing: Signing,
    /// Whether the key names its algorithm, and so is for no other.
    is_named: bool,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

/// An entry of a key set, with the members that Rally reads.
#[derive(Deserialize)]
struct Entry {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Parses a key set. Ignores entries that are malformed, unknown or not for signatures, as RFC 7517, section 5, recommends.
    ///
    /// # Errors
    /// Fails if the document is not a key set.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let document: Document = serde_json::from_slice(bytes)?;
        let entries = document.keys.into_iter().filter_map(|entry| serde_json::from_value(entry).ok());
        Ok(Self(entries.filter_map(ProviderKey::of).collect()))
    }

    /// The keys that may have made a signature with this algorithm: those with the id, or without an id the only key of the set.
    pub(super) fn fitting(&self, id: Option<&str>, signing: Signing) -> Vec<DecodingKey> {
        // An RSA key that names no algorithm may sign in the newer way too.
        let is_either = |key: &ProviderKey| !key.is_named && (key.signing, signing) == (Signing::Rs256, Signing::Ps256);
        let makes = |key: &ProviderKey| key.signing == signing || is_either(key);
        let fits = |key: &&ProviderKey| makes(key) && (id.is_none() || key.id.as_deref() == id);
        let keys = if id.is_none() && self.0.len() > 1 { &[] } else { self.0.as_slice() };
        keys.iter().filter(fits).map(|key| key.key.clone()).collect()
    }
}

impl ProviderKey {
    /// The key of an entry. Its type and curve determine the one algorithm, and the header of a token cannot choose another.
    fn of(entry: Entry) -> Option<Self> {
        let (signing, key) = match (entry.kty.as_str(), entry.crv.as_deref()) {
            ("RSA", _) if entry.alg.as_deref() == Some("PS256") => (Signing::Ps256, DecodingKey::from_rsa_components(&entry.n?, &entry.e?)),
            ("RSA", _) => (Signing::Rs256, DecodingKey::from_rsa_components(&entry.n?, &entry.e?)),
            ("EC", Some("P-256")) => (Signing::Es256, DecodingKey::from_ec_components(&entry.x?, &entry.y?)),
            ("OKP", Some("Ed25519")) => (Signing::Ed25519, DecodingKey::from_ed_components(&entry.x?)),
            _ => return None,
        };
        // A key may state its purpose in three members. All of them must fit (RFC 7517, sections 4.2 to 4.4).
        let usable = entry.purpose.is_none_or(|purpose| purpose == "sig")
            && entry.key_ops.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
            && entry.alg.as_ref().is_none_or(|name| Signing::of_name(name).or_else(|| Signing::of_id_token(name)) == Some(signing));
        Some(Self { id: entry.kid, signing, is_named: entry.alg.is_some(), key: key.ok()? }).filter(|_| usable)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ED: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    /// The number of keys for `Ed25519` with the id `a` in a set with one entry.
    fn found(entry: Value) -> usize {
        set(json!([entry])).fitting(Some("a"), Signing::Ed25519).len()
    }

    fn set(keys: Value) -> KeySet {
        KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_key_is_for_what_it_says_in_every_way() {
        let with = |more: Value| {
            let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": ED, "kid": "a"});
            key.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
            found(key)
        };
        for fine in [
            json!({}),
            json!({"alg": "EdDSA"}),
            json!({"alg": "Ed25519", "use": "sig"}),
            json!({"use": null, "key_ops": ["sign", "verify"], "x5c": 7}),
        ] {
            assert_eq!(with(fine.clone()), 1, "{fine}");
        }
        for other in [
            json!({"use": "enc"}),
            json!({"use": 7}),
            json!({"key_ops": ["encrypt"]}),
            json!({"key_ops": []}),
            json!({"key_ops": "verify"}),
            json!({"use": "sig", "key_ops": ["deriveKey"]}),
            json!({"alg": "ES256"}),
            json!({"alg": "ECDH-ES"}),
            json!({"alg": ["EdDSA"]}),
            json!({"kty": "EC"}),
            json!({"kty": "oct", "k": "AAAA"}),
            json!({"crv": "X25519"}),
            json!({"x": "not base64"}),
            json!({"x": null}),
            json!({"kid": "b"}),
            json!({"kid": 1}),
        ] {
            assert_eq!(with(other.clone()), 0, "{other}");
        }
    }

    #[test]
    fn an_entry_that_nobody_can_read_takes_no_other_with_it() {
        let good = json!({"kty": "OKP", "crv": "Ed25519", "x": ED, "kid": "a"});
        let keys = set(json!([7, null, "key", [], {}, {"kty": "future"}, {"kty": "RSA", "n": 1}, good]));
        assert_eq!(keys.fitting(Some("a"), Signing::Ed25519).len(), 1);
        assert!(set(json!([])).fitting(None, Signing::Ed25519).is_empty());
        for none in ["", "[]", "{}", r#"{"keys": {}}"#, "<html>"] {
            assert!(KeySet::parse(none.as_bytes()).is_err(), "{none}");
        }
    }

    #[test]
    fn an_rsa_key_that_names_no_algorithm_signs_in_both_ways() {
        let of = |alg: Value| json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a", "alg": alg});
        let both =
            |alg: Value| [Signing::Rs256, Signing::Ps256].map(|signing| set(json!([of(alg.clone())])).fitting(Some("a"), signing).len());
        assert_eq!(both(Value::Null), [1, 1]);
        assert_eq!((both(json!("RS256")), both(json!("PS256")), both(json!("RS512"))), ([1, 0], [0, 1], [0, 0]));
        for (name, signing) in [("RS256", Some(Signing::Rs256)), ("PS256", Some(Signing::Ps256)), ("ES256", Some(Signing::Es256))] {
            assert_eq!(Signing::of_id_token(name), signing);
        }
        for other in ["none", "HS256", "EdDSA", "RS512", "es256"] {
            assert_eq!(Signing::of_id_token(other), None, "{other}");
        }
        assert_eq!(Signing::of_name("PS256"), None, "a token of the API is signed in the ways that are documented");
    }

    #[test]
    fn keys_of_one_id_are_told_apart_by_what_they_are_for() {
        let signing = json!({"kty": "OKP", "crv": "Ed25519", "x": ED, "kid": "a"});
        let encryption = json!({"kty": "OKP", "crv": "X25519", "x": ED, "kid": "a", "use": "enc"});
        let rsa = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a"});
        let keys = set(json!([encryption, rsa, signing, signing]));
        assert_eq!(keys.fitting(Some("a"), Signing::Ed25519).len(), 2);
        assert_eq!(keys.fitting(Some("a"), Signing::Rs256).len(), 1);
        assert_eq!(keys.fitting(Some("a"), Signing::Es256).len(), 0);
        assert_eq!(keys.fitting(None, Signing::Ed25519).len(), 0);
        // A key that is not for signatures does not count.
        assert_eq!(set(json!([encryption, signing])).fitting(None, Signing::Ed25519).len(), 1);
    }
}
