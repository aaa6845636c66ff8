//! Custom fields: further questions of a waitlist, and whether an answer fits.

use std::collections::HashSet;

use serde_json::{Map, Number, Value, json};
use url::Url;

use crate::character::is_blank;
use crate::document;
use crate::email::Email;
use crate::error::{FieldError, Invalid};
use crate::text::{Lines, clean, latin_digit};

/// The most custom fields of a waitlist.
pub const MAX_FIELDS: usize = 50;
pub(crate) const MAX_KEY: usize = 64;
const MAX_LABEL: usize = 200;
const MAX_OPTIONS: usize = 200;
const MAX_OPTION: usize = 200;
const MAX_LINE: usize = 500;
const MAX_TEXT: usize = 2000;

/// The type of the answer to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// One line of text, at most 500 characters.
    Text,
    /// Several lines of text, at most 2000 characters.
    Textarea,
    /// A JSON number.
    Number,
    /// A JSON boolean.
    Boolean,
    /// One of the options.
    Select,
    /// A list of distinct options.
    Multiselect,
    /// An absolute http or https URL.
    Url,
    /// An e-mail address.
    Email,
    /// A telephone number: digits, with `+ - . ( )`, `/` and spaces between them.
    Tel,
    /// A calendar date, `YYYY-MM-DD`.
    Date,
}

impl FieldType {
    /// All types.
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Textarea,
        Self::Number,
        Self::Boolean,
        Self::Select,
        Self::Multiselect,
        Self::Url,
        Self::Email,
        Self::Tel,
        Self::Date,
    ];

    /// Returns the name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Textarea => "textarea",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Select => "select",
            Self::Multiselect => "multiselect",
            Self::Url => "url",
            Self::Email => "email",
            Self::Tel => "tel",
            Self::Date => "date",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    const fn has_options(self) -> bool {
        matches!(self, Self::Select | Self::Multiselect)
    }
}

/// A custom field of a waitlist.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomField {
    /// The key of the answer in an entry's metadata: 1 to 64 characters of `[a-z0-9_]`.
    pub key: String,
    /// The text that a form shows beside the field.
    pub label: Option<String>,
    /// The type of the answer.
    pub kind: FieldType,
    /// Whether the field needs an answer.
    pub required: bool,
    /// The options of a select.
    pub options: Vec<String>,
    /// Keys that Rally does not know, such as a placeholder or a help text. Rally keeps them for the forms.
    pub extra: Map<String, Value>,
}

impl CustomField {
    /// Reads a list of declarations.
    ///
    /// # Errors
    /// Every mistake, with its path under `path`.
    pub fn parse_list(value: &Value, path: &str) -> Result<Vec<Self>, Vec<FieldError>> {
        let one = |message: String| vec![FieldError::new(path, Invalid::new(message))];
        let items = value.as_array().ok_or_else(|| one("must be an array".to_owned()))?;
        if items.len() > MAX_FIELDS {
            return Err(one(format!("must have at most {MAX_FIELDS} fields")));
        }
        let mut errors = Vec::new();
        let mut fields: Vec<Self> = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            match Self::parse(item, &path) {
                Ok(field) => fields.push(field),
                Err(found) => errors.extend(found),
            }
            let key = item.get("key").and_then(Value::as_str).filter(|key| is_key(key));
            let before = items.iter().take(index).filter_map(|other| other.get("key")?.as_str());
            if key.is_some_and(|key| before.into_iter().any(|other| other == key)) {
                errors.push(FieldError::new(format!("{path}.key"), Invalid::new("must be unique")));
            }
        }
        if errors.is_empty() { Ok(fields) } else { Err(errors) }
    }

    fn parse(value: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let Value::Object(mut declaration) = value.clone() else {
            return Err(vec![FieldError::new(path, Invalid::new("must be an object"))]);
        };
        let mut errors = Vec::new();
        let mut report = |key: &str, message: Invalid| errors.push(FieldError::new(format!("{path}.{key}"), message));
        let mut take = |key: &str| declaration.remove(key).filter(|value| !value.is_null());

        let key = take("key").and_then(|key| key.as_str().map(str::to_owned)).unwrap_or_default();
        if !is_key(&key) {
            report("key", Invalid::new("must be 1 to 64 characters of a-z, 0-9 and _"));
        }
        let label = match take("label") {
            None => None,
            Some(Value::String(label)) => clean(&label, MAX_LABEL, Lines::One).map_err(|error| report("label", error)).ok(),
            Some(_) => {
                report("label", Invalid::new("must be a string"));
                None
            }
        };
        let kind = match take("type") {
            None => FieldType::Text,
            Some(kind) => kind.as_str().and_then(FieldType::parse).unwrap_or_else(|| {
                let names: Vec<&str> = FieldType::ALL.iter().map(|kind| kind.as_str()).collect();
                report("type", Invalid::new(format!("must be one of {}", names.join(", "))));
                FieldType::Text
            }),
        };
        let required = match take("required") {
            None => false,
            Some(required) => required.as_bool().unwrap_or_else(|| {
                report("required", Invalid::new("must be a boolean"));
                false
            }),
        };
        let options = match take("options").map(|options| parse_options(&options)) {
            Some(Ok(options)) => options,
            Some(Err(error)) => {
                report("options", error);
                Vec::new()
            }
            None if kind.has_options() => {
                report("options", Invalid::new("must be given for a select"));
                Vec::new()
            }
            None => Vec::new(),
        };
        let extra = document::parse(declaration).map_err(|error| errors.push(FieldError::new(path, error))).unwrap_or_default();
        if errors.is_empty() { Ok(Self { key, label, kind, required, options, extra }) } else { Err(errors) }
    }

    /// Returns the declaration as a JSON document.
    pub fn to_document(&self) -> Value {
        let mut document = self.extra.clone();
        document.insert("key".to_owned(), json!(self.key));
        document.insert("type".to_owned(), json!(self.kind.as_str()));
        document.insert("required".to_owned(), json!(self.required));
        if let Some(label) = &self.label {
            document.insert("label".to_owned(), json!(label));
        }
        if !self.options.is_empty() {
            document.insert("options".to_owned(), json!(self.options));
        }
        Value::Object(document)
    }

    /// Checks an answer and returns it in its stored form. `None` means no answer or an empty one.
    fn check(&self, answer: Option<&Value>) -> Result<Option<Value>, Invalid> {
        let answer = answer.filter(|answer| match answer {
            Value::Null => false,
            Value::String(text) => !is_blank(text),
            Value::Array(items) => !items.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::Object(_) => true,
        });
        match answer {
            Some(answer) => self.check_given(answer).map(Some),
            None if self.required => Err(Invalid::new("is required")),
            None => Ok(None),
        }
    }

    fn check_given(&self, answer: &Value) -> Result<Value, Invalid> {
        let text = |max, lines| {
            let text = answer.as_str().ok_or_else(|| Invalid::new("must be a string"))?;
            clean(text, max, lines)
        };
        match self.kind {
            FieldType::Text => text(MAX_LINE, Lines::One).map(Value::from),
            FieldType::Textarea => text(MAX_TEXT, Lines::Many).map(Value::from),
            FieldType::Number if answer.is_number() => Ok(answer.clone()),
            FieldType::Number => Err(Invalid::new("must be a number")),
            FieldType::Boolean if answer.is_boolean() => Ok(answer.clone()),
            FieldType::Boolean => Err(Invalid::new("must be a boolean")),
            FieldType::Select => self.option(answer).map(Value::from),
            FieldType::Multiselect => {
                let items = answer.as_array().ok_or_else(|| Invalid::new("must be an array of options"))?;
                let chosen = items.iter().map(|item| self.option(item)).collect::<Result<Vec<_>, _>>()?;
                if chosen.iter().collect::<HashSet<_>>().len() < chosen.len() {
                    return Err(Invalid::new("must not repeat an option"));
                }
                Ok(json!(chosen))
            }
            FieldType::Url => text(MAX_TEXT, Lines::One).and_then(|url| parse_http_url(&url).map(|_| Value::from(url))),
            FieldType::Email => text(Email::MAX, Lines::One).and_then(|email| Email::parse(&email).map(|_| Value::from(email))),
            FieldType::Tel => text(40, Lines::One).and_then(|tel| parse_tel(&tel).map(Value::from)),
            FieldType::Date => text(10, Lines::One).and_then(|date| check_date(&date).map(|()| Value::from(date))),
        }
    }

    /// Reads an answer that came as text, such as a cell of a CSV file, in the type of the field. `None` means that it is no such value.
    fn read_text(&self, text: &str) -> Option<Value> {
        let text = text.trim();
        match self.kind {
            FieldType::Number => {
                let whole = text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok();
                whole.or_else(|| text.parse().ok().and_then(Number::from_f64).map(Value::Number))
            }
            FieldType::Boolean => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "y" | "t" | "1" => Some(Value::Bool(true)),
                "false" | "no" | "n" | "f" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            FieldType::Multiselect => {
                let chosen = |separators: &[char]| -> Option<Vec<&str>> {
                    text.split(separators)
                        .map(|part| self.options.iter().map(String::as_str).find(|option| *option == part.trim()))
                        .collect()
                };
                chosen(&[]).or_else(|| chosen(&[';'])).or_else(|| chosen(&[',', ';'])).map(Value::from)
            }
            FieldType::Text
            | FieldType::Textarea
            | FieldType::Select
            | FieldType::Url
            | FieldType::Email
            | FieldType::Tel
            | FieldType::Date => None,
        }
    }

    fn option(&self, answer: &Value) -> Result<&str, Invalid> {
        let answer = answer.as_str().ok_or_else(|| Invalid::new("must be one of the options"))?.trim();
        let found = self.options.iter().find(|option| *option == answer);
        found.map(String::as_str).ok_or_else(|| Invalid::new("must be one of the options"))
    }
}

/// Whether a text may be the key of a field.
pub(crate) fn is_key(text: &str) -> bool {
    (1..=MAX_KEY).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

fn parse_options(value: &Value) -> Result<Vec<String>, Invalid> {
    let bad = || Invalid::new(format!("must be 1 to {MAX_OPTIONS} distinct strings of at most {MAX_OPTION} characters"));
    let items = value.as_array().filter(|items| (1..=MAX_OPTIONS).contains(&items.len())).ok_or_else(bad)?;
    let options = items.iter().map(|item| clean(item.as_str().ok_or_else(bad)?, MAX_OPTION, Lines::One)).collect::<Result<Vec<_>, _>>()?;
    let distinct = options.iter().collect::<HashSet<_>>().len() == options.len();
    if distinct && options.iter().all(|option| !option.is_empty()) { Ok(options) } else { Err(bad()) }
}

/// Reads an absolute http or https URL.
///
/// # Errors
/// If the text is anything else.
pub fn parse_http_url(text: &str) -> Result<Url, Invalid> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| Invalid::new("must be an absolute http or https URL"))
}

/// Reads a telephone number with the digits of Latin, Arabic, Persian or East Asian script, and writes it with those of Latin script.
fn parse_tel(tel: &str) -> Result<String, Invalid> {
    let tel: String = tel.chars().map(latin).collect();
    let digits = tel.chars().filter(char::is_ascii_digit).count();
    let allowed = tel.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | '(' | ')' | '/' | ' '));
    let plus_leads = tel.rfind('+').is_none_or(|index| index == 0);
    if allowed && plus_leads && (3..=20).contains(&digits) { Ok(tel) } else { Err(Invalid::new("must be a telephone number")) }
}

/// Returns the sign of Latin script for a digit or a sign of a telephone number.
fn latin(c: char) -> char {
    match c {
        '＋' => '+',
        '－' | '‐' | '‑' | '–' => '-',
        '（' => '(',
        '）' => ')',
        '\u{3000}' | '\u{a0}' => ' ',
        c => latin_digit(c),
    }
}

fn check_date(date: &str) -> Result<(), Invalid> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    match time::Date::parse(date, format) {
        Ok(_) if date.len() == 10 && !date.starts_with(['+', '-']) => Ok(()),
        _ => Err(Invalid::new("must be a date such as 2026-01-31")),
    }
}

/// The data of an entry beyond the fields that Rally knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata(Map<String, Value>);

impl Metadata {
    /// The most keys.
    pub const MAX_KEYS: usize = 50;
    /// The most bytes as JSON.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Checks a document and brings its numbers into their one form (see [`crate::document`]).
    ///
    /// # Errors
    /// If it has too many keys, is too large, or has a forbidden character anywhere.
    pub fn parse(document: Map<String, Value>) -> Result<Self, Invalid> {
        if document.len() > Self::MAX_KEYS {
            return Err(Invalid::new(format!("must have at most {} keys", Self::MAX_KEYS)));
        }
        let document = Value::Object(document::parse(document)?);
        if document.to_string().len() > Self::MAX_BYTES {
            return Err(Invalid::new(format!("must be at most {} bytes", Self::MAX_BYTES)));
        }
        match document {
            Value::Object(document) => Ok(Self(document)),
            _ => Ok(Self::default()),
        }
    }

    /// Wraps a document from a store without a check, because it was parsed before it was stored.
    pub fn from_stored(document: Map<String, Value>) -> Self {
        Self(document::from_stored(document))
    }

    /// Returns the document.
    pub fn document(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Reads answers that came as texts, such as the cells of a CSV file, in the types of their fields: numbers, booleans (`true`, `yes`,
    /// `y`, `t` and `1`, and their opposites) and options with commas or semicolons between them. Any other text stays as it is.
    #[must_use]
    pub fn reading_texts(mut self, fields: &[CustomField]) -> Self {
        for field in fields {
            let read = self.0.get(&field.key).and_then(Value::as_str).and_then(|text| field.read_text(text));
            if let Some(answer) = read {
                self.0.insert(field.key.clone(), answer);
            }
        }
        Self(document::from_stored(self.0))
    }

    /// Checks the answers against the declared fields and returns them in their stored form.
    ///
    /// Declared texts are trimmed, and empty answers are dropped. Undeclared keys stay as they are.
    ///
    /// # Errors
    /// Every declared field without a fitting answer, as `metadata.<key>`.
    pub fn answering(mut self, fields: &[CustomField]) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        for field in fields {
            match field.check(self.0.get(&field.key)) {
                Ok(Some(answer)) => {
                    self.0.insert(field.key.clone(), answer);
                }
                Ok(None) => {
                    self.0.remove(&field.key);
                }
                Err(error) => errors.push(FieldError::new(format!("metadata.{}", field.key), error)),
            }
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(value: Value) -> Result<Vec<CustomField>, Vec<FieldError>> {
        CustomField::parse_list(&value, "custom_fields")
    }

    fn answer(declaration: Value, answer: Value) -> Result<Value, Vec<FieldError>> {
        let fields = fields(json!([declaration])).unwrap();
        let metadata = Metadata::parse(answer.as_object().cloned().unwrap()).unwrap();
        metadata.answering(&fields).map(|metadata| Value::Object(metadata.document().clone()))
    }

    #[test]
    fn a_text_is_read_in_the_type_of_its_field() {
        let fields = fields(json!([
            {"key": "number", "type": "number"}, {"key": "news", "type": "boolean"}, {"key": "co"},
            {"key": "many", "type": "multiselect", "options": ["a", "b", "c, d"]},
        ]));
        let read = |answers: Value| {
            let metadata = Metadata::parse(answers.as_object().cloned().unwrap()).unwrap().reading_texts(fields.as_ref().unwrap());
            Value::Object(metadata.document().clone())
        };
        assert_eq!(
            read(json!({"number": " 6 ", "news": "Yes", "co": "7", "many": "a; b", "other": "1"})),
            json!({"number": 6, "news": true, "co": "7", "many": ["a", "b"], "other": "1"})
        );
        assert_eq!(read(json!({"number": "-1.5", "news": "0", "many": "c, d"})), json!({"number": -1.5, "news": false, "many": ["c, d"]}));
        assert_eq!(read(json!({"number": "1e16"})), json!({"number": 10_000_000_000_000_000_i64}));
        assert_eq!(read(json!({"many": "a,b"})), json!({"many": ["a", "b"]}));
        assert_eq!(read(json!({"number": 6, "news": true, "many": ["a"]})), json!({"number": 6, "news": true, "many": ["a"]}));
        for wrong in
            [json!({"number": "NaN"}), json!({"number": "six"}), json!({"news": "maybe"}), json!({"many": "a,z"}), json!({"many": ""})]
        {
            assert_eq!(read(wrong.clone()), wrong);
        }
    }

    #[test]
    fn a_declaration_fills_in_defaults_and_keeps_unknown_keys() {
        let parsed = fields(json!([{"key": "company", "placeholder": "Acme"}])).unwrap();
        assert_eq!(parsed[0].to_document(), json!({"key": "company", "type": "text", "required": false, "placeholder": "Acme"}));
        assert_eq!(CustomField::parse_list(&json!([parsed[0].to_document()]), "x").unwrap(), parsed);
    }

    #[test]
    fn every_bad_declaration_is_named() {
        let errors = fields(json!([
            {"key": "Bad Key"}, {"key": "a", "type": "color"}, {"key": "b", "type": "select"}, {"key": "c"}, {"key": "c"},
            {"key": "d", "type": "select", "options": ["x", "x"]}, {"key": "e", "required": "yes", "label": 1}, 7,
        ]));
        let paths: Vec<String> = errors.unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(
            paths,
            [
                "custom_fields[0].key",
                "custom_fields[1].type",
                "custom_fields[2].options",
                "custom_fields[4].key",
                "custom_fields[5].options",
                "custom_fields[6].label",
                "custom_fields[6].required",
                "custom_fields[7]",
            ]
        );
        assert!(fields(json!({})).is_err());
        let many: Vec<Value> = (0..51).map(|n| json!({"key": format!("k{n}")})).collect();
        assert!(fields(json!(many)).is_err());
    }

    #[test]
    fn an_answer_must_fit_its_field() {
        let table = [
            (json!({"type": "text"}), json!("  hi "), json!(5)),
            (json!({"type": "textarea"}), json!("a\nb"), json!([])),
            (json!({"type": "number"}), json!(1.5), json!("1.5")),
            (json!({"type": "boolean"}), json!(false), json!("false")),
            (json!({"type": "select", "options": ["a", "b"]}), json!("a"), json!("c")),
            (json!({"type": "multiselect", "options": ["a", "b"]}), json!(["b", "a"]), json!(["a", "a"])),
            (json!({"type": "url"}), json!("https://example.com/x"), json!("javascript:alert(1)")),
            (json!({"type": "email"}), json!("ada@example.com"), json!("ada")),
            (json!({"type": "tel"}), json!("+49 (30) 123-456"), json!("call me")),
            (json!({"type": "tel"}), json!("03/123"), json!("12")),
            (json!({"type": "date"}), json!("2024-02-29"), json!("2023-02-29")),
        ];
        for (mut declaration, good, bad) in table {
            declaration["key"] = json!("k");
            declaration["required"] = json!(true);
            assert!(answer(declaration.clone(), json!({"k": good})).is_ok(), "{declaration} {good}");
            if bad != json!([]) {
                assert!(answer(declaration.clone(), json!({"k": bad})).is_err(), "{declaration} {bad}");
            }
            for missing in [json!({}), json!({"k": null}), json!({"k": "  "}), json!({"k": "\u{200B}\u{3164}"}), json!({"k": []})] {
                let errors = answer(declaration.clone(), missing).unwrap_err();
                assert_eq!(errors[0].field, "metadata.k");
            }
        }
    }

    #[test]
    fn a_telephone_number_is_kept_with_latin_digits() {
        for (typed, kept) in [("٠٥٥١٢٣٤٥٦٧", "0551234567"), ("０３－１２３４－５６７８", "03-1234-5678"), ("＋۴۹ （30） 1", "+49 (30) 1")]
        {
            assert_eq!(answer(json!({"key": "phone", "type": "tel"}), json!({"phone": typed})).unwrap(), json!({"phone": kept}));
        }
        assert!(answer(json!({"key": "phone", "type": "tel"}), json!({"phone": "１２"})).is_err());
    }

    #[test]
    fn undeclared_answers_are_kept_and_empty_ones_are_dropped() {
        let kept = answer(json!({"key": "company"}), json!({"company": "  ", "other": " as is "}));
        assert_eq!(kept.unwrap(), json!({"other": " as is "}));
        assert_eq!(answer(json!({"key": "company"}), json!({"company": " Acme "})).unwrap(), json!({"company": "Acme"}));
    }

    #[test]
    fn metadata_has_bounds() {
        let keys = |n: usize| (0..n).map(|i| (format!("k{i}"), json!(1))).collect::<Map<_, _>>();
        assert!(Metadata::parse(keys(50)).is_ok());
        assert!(Metadata::parse(keys(51)).is_err());
        let sized = |n: usize| [("k".to_owned(), json!("x".repeat(n)))].into_iter().collect::<Map<_, _>>();
        assert!(Metadata::parse(sized(Metadata::MAX_BYTES - 8)).is_ok());
        assert!(Metadata::parse(sized(Metadata::MAX_BYTES - 7)).is_err());
    }
}
