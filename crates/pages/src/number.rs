//! Numbers in fields: as a form shows them, and as people type them.

use rally_domain::text::latin_digit;
use serde_json::{Number, Value};

use crate::language::Language;

/// Writes a number as a person would type it: with the decimal sign of a language, without signs between thousands.
pub(crate) fn write(number: &Number, language: Language) -> String {
    let (decimal, _) = language.separators();
    // JSON may write an exponent, which nobody types.
    let plain = match number.as_f64() {
        Some(float) if number.is_f64() => float.to_string(),
        _ => number.to_string(),
    };
    plain.replace('.', &decimal.to_string())
}

/// Reads a number with the digits of any of the languages and the separators of one.
pub(crate) fn parse(text: &str, language: Language) -> Option<Value> {
    let (decimal, thousands) = language.separators();
    let ascii: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’')).map(|c| plain(c, language)).collect();
    let (decimal, thousands) = (plain(decimal, language), plain(thousands, language));
    let number = if ascii.contains(decimal) {
        ascii.replace(thousands, "").replace(decimal, ".")
    } else if is_grouped(&ascii, thousands) {
        ascii.replace(thousands, "")
    } else {
        ascii.replace(thousands, ".")
    };
    let start = number.strip_prefix(['+', '-']).unwrap_or(&number);
    if !start.starts_with(|c: char| c.is_ascii_digit()) || !start.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let number = number.strip_prefix('+').unwrap_or(&number);
    let whole = number.parse::<i64>().ok().map(Number::from);
    whole.or_else(|| number.parse::<f64>().ok().and_then(Number::from_f64)).map(Value::Number)
}

/// Writes digits, separators and the minus of other scripts as ASCII does.
fn plain(c: char, language: Language) -> char {
    match c {
        '\u{66B}' => '.',
        '\u{66C}' => ',',
        '\u{2212}' | '\u{FF0D}' => '-',
        '،' if language.tag() == "ar" => ',',
        c => latin_digit(c),
    }
}

/// Tells whether a sign stands before every three digits, as between thousands.
fn is_grouped(text: &str, thousands: char) -> bool {
    let mut groups = text.trim_start_matches(['+', '-']).split(thousands);
    let first = groups.next().unwrap_or_default();
    let mut rest = groups.peekable();
    (1..=3).contains(&first.len()) && rest.peek().is_some() && rest.all(|group| group.len() == 3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str, tag: &str) -> Option<Value> {
        parse(text, Language::of_tag(tag).unwrap())
    }

    #[test]
    fn a_number_is_read_as_its_language_writes_it() {
        for (text, tag, number) in [
            ("12", "en", json!(12)),
            (" -3 ", "de", json!(-3)),
            ("1,204", "en", json!(1204)),
            ("1.204", "de", json!(1204)),
            ("1,5", "de", json!(1.5)),
            ("1,5", "en", json!(1.5)),
            ("1.5", "de", json!(1.5)),
            ("1.204.567,5", "it", json!(1_204_567.5)),
            ("1 204,5", "fr", json!(1204.5)),
            ("1.250", "fr", json!(1.25)),
            ("12.500", "pl", json!(12.5)),
            ("1250,75", "pl", json!(1250.75)),
            ("1’204.5", "en", json!(1204.5)),
            ("١٬٢٠٤٫٥", "ar", json!(1204.5)),
            ("１２", "ja", json!(12)),
            ("+7", "pl", json!(7)),
            ("−7", "tr", json!(-7)),
        ] {
            assert_eq!(read(text, tag), Some(number), "{text} in {tag}");
        }
        for number in [1e-7, 1e22, -2.5] {
            let shown = write(&Number::from_f64(number).unwrap(), Language::default());
            assert_eq!(read(&shown, "en").and_then(|value| value.as_f64()), Some(number), "{shown}");
        }
        for text in ["", "many", "1e5", "inf", "NaN", "0x10", "1.2.3", "--1", "-", ".", "+-1"] {
            assert_eq!(read(text, "en"), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            for language in Language::all() {
                prop_assert!(parse(&text, language).is_none_or(|value| value.is_number()));
            }
        }

        #[test]
        fn a_shown_number_reads_back(number in -1e9..1e9_f64, places in 0..6_i32) {
            let rounded = (number * 10_f64.powi(places)).round() / 10_f64.powi(places);
            let shown = Number::from_f64(rounded).unwrap();
            for language in Language::all() {
                let read = parse(&write(&shown, language), language).and_then(|value| value.as_f64());
                prop_assert_eq!(read, Some(rounded), "{} in {}", write(&shown, language), language.tag());
            }
        }

        #[test]
        fn a_written_number_reads_back(number in 0_u64..1_000_000_000_000) {
            for language in Language::all() {
                let written = crate::texts::Texts::of(language).number(&number);
                prop_assert_eq!(parse(&written, language), Some(json!(number)), "{} in {}", written, language.tag());
            }
        }
    }
}
