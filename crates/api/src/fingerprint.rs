//! Fingerprints of request bodies. Two spellings of the same JSON have the same fingerprint, and different JSON has different ones.
//!
//! RFC 8785 has a canonical form for every document whose numbers are doubles. Any other number is hashed after that form with its
//! exact value, so that 2^53 and 2^53 + 1 differ.

use std::collections::BTreeMap;

use rally_domain::error::Fault;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::http::body::Document;

/// The fingerprint of a body, or of a request without a body.
///
/// # Errors
/// Fails if the body is not the JSON that it was read as.
pub fn fingerprint(body: Option<&Document>) -> Result<[u8; 32], Fault> {
    let mut hash = Sha256::new();
    let value = body.map_or(&Value::Null, |body| &body.value);
    hash.update(serde_json_canonicalizer::to_vec(value).map_err(Fault::unexpected)?);
    if let Some(body) = body {
        let mut exact = BTreeMap::new();
        let raw: &RawValue = serde_json::from_slice(&body.bytes).map_err(Fault::unexpected)?;
        collect(raw, String::new(), &mut exact).map_err(Fault::unexpected)?;
        for (path, decimal) in exact {
            // JSON text contains no NUL, so the path and the number cannot be confused.
            hash.update([b"\0", path.as_bytes(), b"\0", decimal.as_bytes()].concat());
        }
    }
    Ok(hash.finalize().into())
}

/// Collects the numbers that are not exactly a double, each under its pointer (RFC 6901, with the keys in JSON).
fn collect(raw: &RawValue, path: String, exact: &mut BTreeMap<String, String>) -> serde_json::Result<()> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            // A repeated key counts once, with its last value. Reading a body has the same rule.
            for (key, item) in serde_json::from_str::<BTreeMap<String, &RawValue>>(text)? {
                collect(item, format!("{path}/{}", Value::from(key)), exact)?;
            }
        }
        Some(b'[') => {
            for (index, item) in serde_json::from_str::<Vec<&RawValue>>(text)?.into_iter().enumerate() {
                collect(item, format!("{path}/{index}"), exact)?;
            }
        }
        Some(b'-' | b'0'..=b'9') => {
            let double = serde_json_canonicalizer::to_string(&serde_json::from_str::<Value>(text)?)?;
            let decimal = decimal(text);
            if decimal != self::decimal(&double) {
                exact.insert(path, decimal);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Writes a number of JSON (RFC 8259, section 6) in a unique way: as an integer that does not end in 0, times a power of ten.
fn decimal(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    // An exponent that does not fit the type becomes its limit. No body needs to distinguish such numbers.
    let limit = if exponent.starts_with('-') { i128::MIN } else { i128::MAX };
    let exponent = exponent.parse().unwrap_or(limit).saturating_sub_unsigned(fraction.len() as u128);
    format!("{sign}{significant}e{}", exponent.saturating_add_unsigned((digits.len() - significant.len()) as u128))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> [u8; 32] {
        let document = Document { value: serde_json::from_str(text).unwrap(), bytes: text.as_bytes().to_vec().into() };
        fingerprint(Some(&document)).unwrap()
    }

    fn plain(text: &str) -> [u8; 32] {
        Sha256::digest(serde_json_canonicalizer::to_vec(&serde_json::from_str::<Value>(text).unwrap()).unwrap()).into()
    }

    #[test]
    fn bodies_that_say_the_same_have_one_fingerprint() {
        assert_eq!(of(r#"{"a": 1, "b": {"c": "ü", "d": [1.0]}}"#), of(r#"{"b":{"d":[1],"c":"\u00fc"},"a":1e0}"#));
        assert_ne!(of(r#"{"a": [1, 2]}"#), of(r#"{"a": [2, 1]}"#));
        assert_ne!(of(r#"{"a": "1"}"#), of(r#"{"a": 1}"#));
        assert_eq!(of(r#"{"a": 1, "a": 2}"#), of(r#"{"a": 2}"#));
        assert_eq!(of(r#"{"a": 9007199254740993, "b": 0}"#), of(r#"{"b": -0.0, "a": 9007199254740993.00e+0}"#));
        assert_eq!(of(r#"{"a": 12345678901234567890123}"#), of(r#"{"a": 0.12345678901234567890123E23}"#));
        assert_ne!(fingerprint(None).unwrap(), of("{}"));
    }

    #[test]
    fn numbers_that_no_double_tells_apart_are_told_apart() {
        for (one, other) in [
            ("9007199254740992", "9007199254740993"),
            ("18446744073709551615", "18446744073709551614"),
            ("18446744073709551616", "18446744073709551617"),
            ("-9007199254740993", "9007199254740993"),
            ("0.1", "0.10000000000000000001"),
            ("1e-400", "0"),
            ("1e-400", "2e-400"),
        ] {
            for around in ["{\"a\": @}", "{\"a\": [{\"b\": [0, @]}]}"] {
                assert_ne!(of(&around.replace('@', one)), of(&around.replace('@', other)), "{one} {other}");
            }
        }
        // The place of a number matters.
        assert_ne!(of(r#"{"a": 9007199254740993, "b": 9007199254740992}"#), of(r#"{"a": 9007199254740992, "b": 9007199254740993}"#));
        assert_ne!(of(r#"{"a": {"b": 9007199254740993}, "c": 1}"#), of(r#"{"a": {"b": 9007199254740992}, "c": 1}"#));
    }

    #[test]
    fn what_doubles_can_say_is_said_as_rfc_8785_has_it() {
        for text in [r#"{"a": [0.1, 1e21, -3, 9007199254740992, 1.5e-7, 100]}"#, r#"{"\ud83d\ude00": 1, "\ufb33": 2}"#] {
            assert_eq!(of(text), plain(text));
        }
    }

    proptest! {
        #[test]
        fn a_double_is_its_own_decimal(number in any::<f64>().prop_filter("JSON has finite numbers alone", |number| number.is_finite())) {
            let text = format!("{{\"a\": {}}}", serde_json::to_string(&number).unwrap());
            prop_assert_eq!(of(&text), plain(&text));
        }
    }
}
