//! Signatures (Standard Webhooks 1.0, "Signature scheme", the symmetric one).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rally_domain::webhook::SigningKey;
use sha2::Sha256;

/// Returns the value of `webhook-signature`: `v1,` and a base64 text for each key, with spaces between.
///
/// The base64 text is an HMAC-SHA256 over the id, the seconds since 1970 and the body, with dots between them.
pub fn sign(keys: &[SigningKey], id: &str, seconds: i64, body: &str) -> String {
    let signatures: Vec<String> = keys.iter().map(|key| format!("v1,{}", STANDARD.encode(mac(key, id, seconds, body)))).collect();
    signatures.join(" ")
}

fn mac(key: &SigningKey, id: &str, seconds: i64, body: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any length is a key");
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_has_its_signature() {
        let key = SigningKey::new(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let signature = sign(std::slice::from_ref(&key), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let both = sign(&[key.clone(), key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(both, format!("{signature} {signature}"));
    }
}
