//! JSON documents from clients that Rally keeps: their depth, their characters, and the one form of their numbers.
//!
//! Stores keep the value of a number, not its spelling. One store keeps a text, and another keeps a decimal without an exponent and without
//! a negative zero. A reader must get the same bytes from every store. Therefore a number gets one form before it is stored and after it is
//! read:
//!
//! - Zero has no sign.
//! - A whole number that fits 64 bits and is so large that JSON would use an exponent has neither an exponent nor a fraction.
//! - Any other number stays as it is.
//!
//! The feature `arbitrary_precision` of `serde_json` keeps the spelling of numbers. No crate of a program that uses this one may turn it
//! on.

use serde_json::{Map, Number, Value};

use crate::error::Invalid;
use crate::text::{Lines, check_characters};

/// The most levels of arrays and objects in a document, itself among them. Rally puts documents into others, such as events and lines of
/// an export, and readers of JSON take so many levels and no more.
pub const MAX_DEPTH: usize = 32;

/// Checks a document from a client and brings its numbers into their one form.
///
/// Every key and string must keep the rules of [`crate::text`]. Values may have line breaks.
///
/// # Errors
/// If it has too many levels, or a key or string has a forbidden character.
pub fn parse(document: Map<String, Value>) -> Result<Map<String, Value>, Invalid> {
    check(&document, MAX_DEPTH - 1)?;
    Ok(from_stored(document))
}

/// Returns how many levels of arrays and objects a JSON text has. Of a text that is no JSON, the number says nothing.
pub fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Takes a document from a store and brings its numbers into their one form. The store may spell them differently.
pub fn from_stored(mut document: Map<String, Value>) -> Map<String, Value> {
    document.values_mut().for_each(settle);
    document
}

/// Checks a document whose values may have so many levels.
fn check(document: &Map<String, Value>, levels: usize) -> Result<(), Invalid> {
    document.iter().try_for_each(|(key, value)| {
        check_characters(key, Lines::One)?;
        check_value(value, levels)
    })
}

fn check_value(value: &Value, levels: usize) -> Result<(), Invalid> {
    let inside = || levels.checked_sub(1).ok_or_else(|| Invalid::new(format!("must have at most {MAX_DEPTH} levels")));
    match value {
        Value::String(text) => check_characters(text, Lines::Many),
        Value::Array(items) => {
            let levels = inside()?;
            items.iter().try_for_each(|item| check_value(item, levels))
        }
        Value::Object(document) => check(document, inside()?),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn settle(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(settled) = settled(number) {
                *number = settled;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(document) => document.values_mut().for_each(settle),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Returns the one form of a number, or `None` if the number has that form already.
fn settled(number: &Number) -> Option<Number> {
    /// From here on JSON uses an exponent, and no float has a fraction.
    const LARGE: f64 = 1e16;
    let float = number.as_f64().filter(|_| number.is_f64())?;
    if float == 0.0 {
        return Number::from_f64(0.0);
    }
    if float.abs() < LARGE {
        return None;
    }
    // The shortest digits of the float, with zeros up to the decimal point. A decimal column keeps the same digits.
    let digits = float.to_string();
    digits.parse::<u64>().map(Number::from).or_else(|_| digits.parse::<i64>().map(Number::from)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    /// Returns the stored form of a number in that spelling.
    fn kept(number: &str) -> String {
        let document = serde_json::from_str(&format!("{{\"n\": [{{\"m\": {number}}}]}}")).unwrap();
        from_stored(document)["n"][0]["m"].to_string()
    }

    #[test]
    fn a_document_is_checked_down_to_its_last_key() {
        assert!(parse(object(json!({"a": [{"b": "line\nbreak"}, 1, null]}))).is_ok());
        assert!(parse(object(json!({"a": [{"b\u{0}": 1}]}))).is_err());
        assert!(parse(object(json!({"a": [["\u{202E}"]]}))).is_err());
        assert!(parse(object(json!({"key\n": 1}))).is_err());
    }

    #[test]
    fn a_document_has_so_many_levels() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let of = |levels: usize| object(serde_json::from_str(&format!("{{\"a\": {}}}", nested(levels - 1))).unwrap());
        assert!(parse(of(MAX_DEPTH)).is_ok());
        assert!(parse(of(MAX_DEPTH + 1)).is_err());
        let text = br#"{"a[[[": [{"b\"{{": "]]"}, []], "c": {}}"#;
        assert_eq!([depth(text), depth(nested(200).as_bytes()), depth(b"7"), depth(b"]")], [3, 200, 0, 0]);
    }

    #[test]
    fn a_number_has_one_form() {
        for (spelt, form) in [
            ("-0", "0.0"),
            ("-0.0", "0.0"),
            ("0", "0"),
            ("0.1e1", "1.0"),
            ("1E5", "100000.0"),
            ("2.50", "2.5"),
            ("1e16", "10000000000000000"),
            ("3.667660290815539e17", "366766029081553900"),
            ("-3.667660290815539e17", "-366766029081553900"),
            ("9007199254740993", "9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "1.8446744073709552e+19"),
            ("-9223372036854775809", "-9.223372036854776e+18"),
            ("1e-7", "1e-7"),
            ("5e-324", "5e-324"),
        ] {
            assert_eq!(kept(spelt), form, "{spelt}");
        }
    }

    /// Floats of every magnitude, and many in the range of whole numbers of 64 bits.
    fn floats() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<f64>().prop_filter("is in JSON", |number| number.is_finite()),
            -2e19..2e19_f64,
            -1e3..1e3_f64,
            any::<i64>().prop_map(|whole| whole as f64),
            Just(-0.0),
        ]
    }

    proptest! {
        /// PostgreSQL's `jsonb` writes a number out in full. Such a number must get the same form when it is read back.
        #[test]
        fn a_number_written_out_in_full_is_the_same(number in floats()) {
            let json = Value::from(number).to_string();
            let full = number.to_string();
            let full = if json.contains(".0") && !full.contains('.') { format!("{full}.0") } else { full };
            let unsigned = if number == 0.0 { "0.0" } else { &full };
            prop_assert_eq!(kept(&json), kept(unsigned));
        }

        #[test]
        fn a_number_in_its_one_form_keeps_its_form_and_value(number in floats()) {
            let form = kept(&Value::from(number).to_string());
            prop_assert_eq!(kept(&form), form.clone());
            prop_assert_eq!(form.parse::<f64>().unwrap(), number);
        }

        #[test]
        fn whole_numbers_of_64_bits_stay_as_they_are(unsigned in any::<u64>(), signed in any::<i64>()) {
            prop_assert_eq!(kept(&unsigned.to_string()), unsigned.to_string());
            prop_assert_eq!(kept(&signed.to_string()), signed.to_string());
        }
    }
}
