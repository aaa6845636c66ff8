//! The filters and tests of templates. None of them fails for what its input is, only for how large its result would be, which a
//! check has ruled out.

use std::sync::Arc;

use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value, functions};

use super::words::Words;

/// The most characters of a name that [`is_plain_name`] accepts.
const PLAIN_NAME: usize = 60;

/// The most bytes of a text that a filter makes of several. The engine's fuel counts a result only once it is there.
const MAX_TEXT: usize = 2 * 1024 * 1024;

/// The most that `int` returns, so that sums of such numbers stay exact.
const INT: i64 = 1_000_000_000_000_000;

/// Returns the text of a text, a number or a flag. Anything else has none: a list can be endless once it is written out.
pub fn text(value: &Value) -> String {
    match value.kind() {
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Number | ValueKind::Bool => value.to_string(),
        _ => String::new(),
    }
}

/// Whether a value is missing: null, undefined or an empty text.
fn is_missing(value: &Value) -> bool {
    value.is_undefined() || value.is_none() || value.as_str() == Some("")
}

/// Adds all filters, tests and functions.
pub fn add(environment: &mut Environment<'static>, words: &Arc<Words>) {
    environment.add_filter("upper", |value: &Value| text(value).to_uppercase());
    environment.add_filter("lower", |value: &Value| text(value).to_lowercase());
    environment.add_filter("capitalize", |value: &Value| capitalize(&text(value)));
    environment.add_filter("trim", |value: &Value| text(value).trim().to_owned());
    environment.add_filter("replace", |value: &Value, from: &Value, to: &Value| replace(&text(value), &text(from), &text(to)));
    environment.add_filter("truncate", |value: &Value, most: usize| truncate(&text(value), most));
    environment.add_filter("urlencode", |value: &Value| urlencode(&text(value)));
    environment.add_filter("string", |value: &Value| text(value));
    for name in ["default", "d"] {
        environment.add_filter(name, |value: &Value, other: &Value| if is_missing(value) { other.clone() } else { value.clone() });
    }
    for name in ["length", "count"] {
        environment.add_filter(name, |value: &Value| value.len().unwrap_or(0));
    }
    for name in ["escape", "e"] {
        environment.add_filter(
            name,
            |value: &Value| {
                if value.is_safe() { value.clone() } else { Value::from_safe_string(escaped(&text(value))) }
            },
        );
    }
    environment.add_filter("first", |value: &Value| end(value, false));
    environment.add_filter("last", |value: &Value| end(value, true));
    environment.add_filter("join", join);
    environment.add_filter("int", int);
    environment.add_filter("on_color", |value: &Value| on_color(&text(value)));
    environment.add_filter("isolate", |value: &Value| format!("\u{2068}{}\u{2069}", text(value)));
    let number = Arc::clone(words);
    environment.add_filter("number", move |value: &Value| {
        let text = text(value);
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let whole = !digits.is_empty() && digits.len() <= 40 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole { number.number(&text) } else { text }
    });
    let date = Arc::clone(words);
    environment.add_filter("date", move |value: &Value| {
        let text = text(value);
        date.date(&text).unwrap_or(text)
    });

    environment.add_test("defined", |value: &Value| !value.is_undefined());
    environment.add_test("undefined", |value: &Value| value.is_undefined());
    environment.add_test("none", |value: &Value| is_missing(value));
    environment.add_test("odd", |value: &Value| i128::try_from(value.clone()).is_ok_and(|number| number % 2 != 0));
    environment.add_test("even", |value: &Value| i128::try_from(value.clone()).is_ok_and(|number| number % 2 == 0));
    environment.add_test("startingwith", |value: &Value, start: &Value| text(value).starts_with(&text(start)));
    environment.add_test("endingwith", |value: &Value, end: &Value| text(value).ends_with(&text(end)));
    environment.add_test("plain_name", |value: &Value| is_plain_name(&text(value)));

    environment.add_function("range", functions::range);
}

fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect())
}

fn truncate(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn urlencode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn end(value: &Value, last: bool) -> Value {
    if let Some(text) = value.as_str() {
        let found = if last { text.chars().next_back() } else { text.chars().next() };
        return Value::from(found.map(String::from).unwrap_or_default());
    }
    let Ok(mut items) = value.try_iter() else { return Value::from("") };
    let found = if last { items.last() } else { items.next() };
    found.unwrap_or_else(|| Value::from(""))
}

fn join(value: &Value, separator: Rest<Value>) -> Result<String, Error> {
    let separator = separator.first().map(text).unwrap_or_default();
    let Ok(items) = value.try_iter() else { return Ok(text(value)) };
    let mut joined = String::new();
    for (index, item) in items.enumerate() {
        if index > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&text(&item));
        if joined.len() > MAX_TEXT {
            return Err(too_large());
        }
    }
    Ok(joined)
}

fn replace(text: &str, from: &str, to: &str) -> Result<String, Error> {
    let most = text.matches(from).count().saturating_mul(to.len()).saturating_add(text.len());
    if most > MAX_TEXT { Err(too_large()) } else { Ok(text.replace(from, to)) }
}

fn too_large() -> Error {
    Error::new(ErrorKind::OutOfFuel, "the result of a filter is too large")
}

fn int(value: &Value) -> i64 {
    let number = i128::try_from(value.clone()).ok().or_else(|| text(value).trim().parse().ok());
    let number = number.or_else(|| f64::try_from(value.clone()).ok().map(|number| number as i128));
    number.unwrap_or(0).clamp(-i128::from(INT), i128::from(INT)) as i64
}

/// Returns black or white, whichever contrasts more with a colour (WCAG 2, relative luminance). Without a colour it is white.
fn on_color(color: &str) -> &'static str {
    let Some(hex) = color.strip_prefix('#').filter(|hex| hex.len() == 6 && hex.is_ascii()) else { return "#ffffff" };
    let Ok(rgb) = u32::from_str_radix(hex, 16) else { return "#ffffff" };
    let channel = |shift: u32| {
        let value = f64::from((rgb >> shift) & 0xff) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * channel(16) + 0.7152 * channel(8) + 0.0722 * channel(0);
    let (on_black, on_white) = ((luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05));
    if on_white >= on_black { "#ffffff" } else { "#000000" }
}

/// Whether a name can be shown in a mail that a stranger may have caused: at most 60 characters, and letters, spaces,
/// apostrophes and hyphens alone. Mail programs make links of addresses, of phone numbers and of whatever has a dot in it,
/// in any script: none of these passes.
fn is_plain_name(name: &str) -> bool {
    let names = || name.split([' ', '-']);
    let plain = |char: char| char.is_alphabetic() || matches!(char, ' ' | '\'' | '’' | 'ʼ' | '-') || is_mark(char);
    name.chars().count() <= PLAIN_NAME
        && name.chars().any(char::is_alphabetic)
        && name.chars().all(plain)
        && !names().any(|part| part.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("www")))
}

/// The marks of names that Unicode does not count among letters: accents, viramas, and tone marks.
fn is_mark(char: char) -> bool {
    matches!(u32::from(char),
        0x0300..=0x036f | 0x093c | 0x094d | 0x09bc | 0x09cd | 0x0a3c | 0x0a4d | 0x0abc | 0x0acd | 0x0b3c | 0x0b4d | 0x0bcd | 0x0c4d
        | 0x0ccd | 0x0d4d | 0x0dca | 0x0e47..=0x0e4e | 0x0ec8..=0x0ecd | 0x1039 | 0x103a | 0x17c9..=0x17d3)
}

/// Escapes a text for HTML.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_nothing_that_mail_programs_make_a_link_of() {
        for name in
            ["Maria Rossi", "Jean-Luc O’Neill", "李小龍", "محمد علي", "שרה כהן", "नरेन्द्र", "สมชาย ใจดี", "José", "Jose\u{301}", "Somebody"]
        {
            assert!(is_plain_name(name), "{name:?}");
        }
        for name in [
            "",
            " ",
            "-",
            "evil.example",
            "evil。example",
            "evil．example",
            "evil․example",
            "evil｡example",
            "https://evil",
            "a/b",
            "a@b",
            "mailto:x",
            "www evil",
            "WWWevil",
            "Win 1000",
            "+49 30 1234567",
            "٣٤٥٦٧٨",
            "<b>",
            "a\nb",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{200b}b",
            "{{ 1 }}",
            "A & B",
        ] {
            assert!(!is_plain_name(name), "{name:?}");
        }
        assert!(is_plain_name(&"é".repeat(60)) && !is_plain_name(&"é".repeat(61)));
    }

    #[test]
    fn text_on_a_colour_is_black_or_white_by_contrast() {
        for (color, on) in [
            ("#000000", "#ffffff"),
            ("#FFFFFF", "#000000"),
            ("#2457d6", "#ffffff"),
            ("#ffd400", "#000000"),
            ("#767676", "#000000"),
            ("#757575", "#ffffff"),
            ("#6f6f6f", "#ffffff"),
            ("", "#ffffff"),
            ("red", "#ffffff"),
            ("#ééé", "#ffffff"),
        ] {
            assert_eq!(on_color(color), on, "{color}");
        }
    }

    #[test]
    fn small_filters() {
        assert_eq!(capitalize("ärGER im büro"), "Ärger im büro");
        assert_eq!((truncate("Maria Rossi", 7), truncate("Maria", 5), truncate("Maria", 0)), ("Maria…".into(), "Maria".into(), "…".into()));
        assert_eq!(urlencode("a b&é/-._~"), "a%20b%26%C3%A9%2F-._~");
        assert_eq!(int(&Value::from("12")), 12);
        assert_eq!((int(&Value::from("x")), int(&Value::from(u64::MAX)), int(&Value::from(-1.9))), (0, INT, -1));
    }
}
