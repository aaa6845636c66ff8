//! The claims of an ID token (OpenID Connect Core 1.0, section 3.1.3.7). Its signature is checked before.

use rally_domain::email::Email;
use rally_domain::timestamp::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// How many seconds the clock of the provider may be ahead of ours. The expiry of a token is never extended.
const CLOCK_SKEW: f64 = 60.0;

/// The most seconds since a token was made. It comes straight from the provider, which has just made it.
const MAX_AGE: f64 = 600.0;

/// The claims of an ID token, unchecked. A claim of another type counts as missing.
#[derive(Debug, Default, Deserialize)]
pub(super) struct IdClaims {
    iss: Option<Value>,
    aud: Option<Value>,
    azp: Option<Value>,
    exp: Option<Value>,
    iat: Option<Value>,
    nbf: Option<Value>,
    nonce: Option<Value>,
    email: Option<Value>,
    email_verified: Option<Value>,
}

/// What a token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadClaim {
    /// It is of another issuer.
    #[error("the ID token is of another issuer")]
    Issuer,
    /// It is for another client.
    #[error("the ID token is for another client")]
    Audience,
    /// It has expired, or it is too old or of the future.
    #[error("the ID token has expired, or the clocks differ")]
    Time,
    /// It belongs to another sign-in.
    #[error("the ID token belongs to another sign-in")]
    Nonce,
    /// It has no address.
    #[error("the ID token has no e-mail address")]
    NoAddress,
    /// The provider has not verified the address.
    #[error("the provider has not verified the e-mail address")]
    Unverified,
}

impl IdClaims {
    /// Returns the verified address.
    ///
    /// # Errors
    /// The first claim that is not as it must be.
    pub(super) fn check(&self, expected: &Expected<'_>) -> Result<Email, BadClaim> {
        if text(&self.iss) != Some(expected.issuer) {
            return Err(BadClaim::Issuer);
        }
        if !self.is_for(expected.client_id) {
            return Err(BadClaim::Audience);
        }
        if !self.is_of_now(expected.now) {
            return Err(BadClaim::Time);
        }
        if text(&self.nonce) != Some(expected.nonce) {
            return Err(BadClaim::Nonce);
        }
        let email = text(&self.email).and_then(|email| Email::parse(email).ok()).ok_or(BadClaim::NoAddress)?;
        if self.email_verified == Some(Value::Bool(true)) { Ok(email) } else { Err(BadClaim::Unverified) }
    }

    /// Whether the token is for a client. One for several clients must say which of them it was given to.
    fn is_for(&self, client_id: &str) -> bool {
        let is_named = match &self.aud {
            Some(Value::String(audience)) => audience == client_id,
            Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == client_id),
            _ => false,
        };
        let is_alone = match &self.aud {
            Some(Value::Array(audiences)) => audiences.len() == 1,
            _ => true,
        };
        let is_given = match &self.azp {
            None => is_alone,
            Some(party) => party == client_id,
        };
        is_named && is_given
    }

    fn is_of_now(&self, now: Timestamp) -> bool {
        let now = now.unix_millis() as f64 / 1000.0;
        let number = |claim: &Option<Value>| claim.as_ref().and_then(Value::as_f64);
        let ends = number(&self.exp).is_some_and(|exp| now < exp);
        let made = number(&self.iat).is_some_and(|iat| iat <= now + CLOCK_SKEW && now - iat <= MAX_AGE);
        let starts = self.nbf.is_none() || number(&self.nbf).is_some_and(|nbf| nbf <= now + CLOCK_SKEW);
        ends && made && starts
    }
}

fn text(claim: &Option<Value>) -> Option<&str> {
    claim.as_ref().and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn checked(change: impl FnOnce(&mut Value)) -> Result<String, BadClaim> {
        let mut claims = json!({
            "iss": "https://id.example", "aud": "rally", "exp": NOW + 300, "iat": NOW, "nonce": "n", "sub": "1",
            "email": "Ada@Acme.example", "email_verified": true,
        });
        change(&mut claims);
        let claims: IdClaims = serde_json::from_value(claims).unwrap();
        let now = Timestamp::from_unix_millis(NOW * 1000).unwrap();
        let expected = Expected { issuer: "https://id.example", client_id: "rally", nonce: "n", now };
        claims.check(&expected).map(|email| email.to_string())
    }

    #[test]
    fn a_token_of_this_sign_in_names_the_address() {
        let fine: [fn(&mut Value); 7] = [
            |_| (),
            |claims| claims["aud"] = json!(["rally"]),
            |claims| claims["azp"] = json!("rally"),
            |claims| {
                claims["aud"] = json!(["other", "rally"]);
                claims["azp"] = json!("rally");
            },
            |claims| claims["iat"] = json!(NOW + 60),
            |claims| claims["iat"] = json!(NOW - 600),
            |claims| claims["nbf"] = json!(NOW + 59),
        ];
        for change in fine {
            assert_eq!(checked(change), Ok("ada@acme.example".to_owned()));
        }
    }

    #[test]
    fn what_is_not_as_it_must_be_is_told() {
        for (claim, value, wrong) in [
            ("iss", json!("https://id.example/"), BadClaim::Issuer),
            ("iss", Value::Null, BadClaim::Issuer),
            ("aud", json!("other"), BadClaim::Audience),
            ("aud", json!(["other"]), BadClaim::Audience),
            ("aud", json!(["other", "rally"]), BadClaim::Audience),
            ("aud", json!([]), BadClaim::Audience),
            ("azp", json!("other"), BadClaim::Audience),
            ("azp", json!(7), BadClaim::Audience),
            ("exp", json!(NOW), BadClaim::Time),
            ("exp", json!("later"), BadClaim::Time),
            ("exp", Value::Null, BadClaim::Time),
            ("iat", json!(NOW + 61), BadClaim::Time),
            ("iat", json!(NOW - 601), BadClaim::Time),
            ("iat", Value::Null, BadClaim::Time),
            ("nbf", json!(NOW + 61), BadClaim::Time),
            ("nbf", json!("now"), BadClaim::Time),
            ("nonce", json!("N"), BadClaim::Nonce),
            ("nonce", Value::Null, BadClaim::Nonce),
            ("email", json!("ada"), BadClaim::NoAddress),
            ("email", json!(["ada@acme.example"]), BadClaim::NoAddress),
            ("email", Value::Null, BadClaim::NoAddress),
            ("email_verified", json!(false), BadClaim::Unverified),
            ("email_verified", json!("true"), BadClaim::Unverified),
            ("email_verified", json!(1), BadClaim::Unverified),
            ("email_verified", Value::Null, BadClaim::Unverified),
        ] {
            assert_eq!(checked(|claims| claims[claim] = value.clone()), Err(wrong), "{claim}: {value}");
        }
    }
}
