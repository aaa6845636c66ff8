//! JSON documents that people send along and that Rally keeps: what may be in them, and the one form of their numbers.
//!
//! Stores keep what a number is, not how it was written: one as text, another as a decimal without an exponent and without a
//! negative zero. So that a reader gets the same bytes from every store, a number has one form before it is stored and after it
//! was read: zero has no sign, and a whole number that fits 64 bits has neither exponent nor fraction once it is so large that
//! JSON would be written with an exponent. Any other number is as it was.

use serde_json::{Map, Number, Value};

use crate::error::Invalid;
use crate::text::{Lines, check_characters};

/// Takes a document that somebody sent: its text is held against the rules of [`crate::text`], down to the last key and string
/// (values may have line breaks), and its numbers are brought into their one form.
///
/// # Errors
/// When any key or string holds a forbidden character.
pub fn parse(document: Map<String, Value>) -> Result<Map<String, Value>, Invalid> {
    check(&document)?;
    Ok(from_stored(document))
}

/// Takes over a document that a store kept: its numbers are brought into their one form, for the store may have spelt them in
/// another.
pub fn from_stored(mut document: Map<String, Value>) -> Map<String, Value> {
    document.values_mut().for_each(settle);
    document
}

fn check(document: &Map<String, Value>) -> Result<(), Invalid> {
    document.iter().try_for_each(|(key, value)| {
        check_characters(key, Lines::One)?;
        check_value(value)
    })
}

fn check_value(value: &Value) -> Result<(), Invalid> {
    match value {
        Value::String(text) => check_characters(text, Lines::Many),
        Value::Array(items) => items.iter().try_for_each(check_value),
        Value::Object(document) => check(document),
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

/// The one form of a number, where it is not in it already.
fn settled(number: &Number) -> Option<Number> {
    /// From here on JSON has an exponent, and there are no fractions.
    const LARGE: f64 = 1e16;
    let float = number.as_f64().filter(|_| number.is_f64())?;
    if float == 0.0 {
        return Number::from_f64(0.0);
    }
    if float.abs() < LARGE {
        return None;
    }
    // The digits that say which float it is, with zeros up to the decimal point: what a decimal makes of them.
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

    /// What is kept of a number of that spelling.
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

    /// Floats of every magnitude, and many of those that 64 bits of whole numbers overlap with.
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
        /// PostgreSQL's `jsonb` writes a number out in full: read back, that is in the same form.
        #[test]
        fn a_number_written_out_in_full_is_the_same(number in floats()) {
            let json = Value::from(number).to_string();
            let full = number.to_string();
            let full = if json.contains(".0") && !full.contains('.') { format!("{full}.0") } else { full };
            let unsigned = if number == 0.0 { "0.0" } else { &full };
            prop_assert_eq!(kept(&json), kept(unsigned));
        }

        #[test]
        fn what_is_in_its_form_stays_and_is_what_it_was(number in floats()) {
            let form = kept(&Value::from(number).to_string());
            prop_assert_eq!(kept(&form), form.clone());
            prop_assert_eq!(form.parse::<f64>().unwrap(), number);
        }

        #[test]
        fn whole_numbers_of_64_bits_are_as_they_were(unsigned in any::<u64>(), signed in any::<i64>()) {
            prop_assert_eq!(kept(&unsigned.to_string()), unsigned.to_string());
            prop_assert_eq!(kept(&signed.to_string()), signed.to_string());
        }
    }
}
