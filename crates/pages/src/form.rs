//! Forms: the fields of a waitlist, what was typed, and what is to be changed.

use rally_domain::custom_field::{CustomField, FieldType};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::language::Language;
use crate::markup::Markup;
use crate::number;
use crate::texts::{Message, Texts};

/// What is wrong with a field or with a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The answer is missing or does not fit. The page finds out which from what was typed.
    Refused,
    /// The address is on the waitlist already.
    Taken,
    /// The address is of a service for throw-away addresses.
    Disposable,
    /// The domain of the address takes no mail.
    NoMail,
    /// The form came back sooner than a person fills it in.
    TooFast,
    /// The check against robots was not passed.
    Check,
    /// Too many forms came from there.
    TooOften {
        /// The seconds after which the form may be sent again.
        seconds: u64,
    },
    /// The form cannot be stored at the moment.
    Unavailable,
}

/// A form as it is shown: empty, or again with what was typed and what is to be changed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form<'a> {
    /// The custom fields of the waitlist.
    pub fields: &'a [CustomField],
    /// What was typed, as names and values of a posted form. A multiselect has several values under one name.
    pub typed: &'a [(String, String)],
    /// What is to be changed, by name: `email`, `name`, `consent`, `metadata.<key>`. Any other name is told above the form.
    pub problems: &'a [(String, Problem)],
}

/// Returns the name of a custom field in a posted form, and in `problems`.
pub fn field_name(key: &str) -> String {
    format!("metadata.{key}")
}

/// Returns what a form shows for stored answers. [`answers_of`] reads the same from it.
pub fn typed_of(name: &str, metadata: &Map<String, Value>, language: Language) -> Vec<(String, String)> {
    let mut typed = vec![("name".to_owned(), name.to_owned())];
    for (key, value) in metadata {
        let mut add = |value: &Value| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number::write(number, language),
                other => other.to_string(),
            };
            typed.push((field_name(key), text));
        };
        match value {
            Value::Array(items) => items.iter().for_each(add),
            Value::String(_) | Value::Number(_) | Value::Bool(_) => add(value),
            Value::Null | Value::Object(_) => {}
        }
    }
    typed
}

/// Returns the answers of a posted form, in the types of their fields. What does not fit stays a text, so that the domain refuses it.
pub fn answers_of(fields: &[CustomField], posted: &[(String, String)], language: Language) -> Map<String, Value> {
    let mut answers = Map::new();
    for field in fields {
        let name = field_name(&field.key);
        let mut values =
            posted.iter().filter(|(posted, value)| *posted == name && !value.trim().is_empty()).map(|(_, value)| value.as_str());
        let answer = match field.kind {
            FieldType::Multiselect => {
                let chosen: Vec<&str> = values.collect();
                (!chosen.is_empty()).then(|| Value::from(chosen))
            }
            FieldType::Number => values.next().map(|text| number::parse(text, language).unwrap_or_else(|| Value::from(text))),
            FieldType::Boolean => values.next().map(|text| match text {
                "true" | "on" => Value::Bool(true),
                "false" => Value::Bool(false),
                other => Value::from(other),
            }),
            FieldType::Text
            | FieldType::Textarea
            | FieldType::Select
            | FieldType::Url
            | FieldType::Email
            | FieldType::Tel
            | FieldType::Date => values.next().map(Value::from),
        };
        if let Some(answer) = answer {
            answers.insert(field.key.clone(), answer);
        }
    }
    answers
}

/// How a control is shown and what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    Line,
    Lines,
    Choice,
    Several,
    YesNo,
    Tick,
}

/// A control of a form with all its texts.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Control {
    /// The name in a posted form.
    pub(crate) name: String,
    #[serde(skip)]
    pub(crate) id: String,
    pub(crate) shape: Shape,
    /// The attribute `type` of a line.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) inputmode: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) autocomplete: &'static str,
    /// The label as plain text, with the word for optional fields.
    pub(crate) label: String,
    #[serde(skip)]
    pub(crate) shown: Markup,
    pub(crate) required: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) options: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) placeholder: Option<String>,
    #[serde(skip)]
    pub(crate) values: Vec<String>,
    /// What to do if there is no answer.
    pub(crate) missing: String,
    /// What to do if the answer does not fit.
    pub(crate) wrong: String,
    /// What to do if the answer is too long, and the most characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) long: Option<(usize, String)>,
    #[serde(skip)]
    pub(crate) error: Option<String>,
}

impl Control {
    pub(crate) fn value(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }

    pub(crate) fn is_chosen(&self, option: &str) -> bool {
        self.values.iter().any(|value| value == option)
    }

    /// Returns the id of one of several inputs. The first has the id of the control, so that a link leads to it.
    pub(crate) fn id_of(&self, index: &usize) -> String {
        if *index == 0 { self.id.clone() } else { format!("{}-{index}", self.id) }
    }

    /// Returns the ids of what describes the control.
    pub(crate) fn described_by(&self) -> String {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint ", self.id)).unwrap_or_default();
        format!("{hint}{}-error", self.id)
    }

    /// Returns the direction of what is typed, where the kind of answer decides it.
    pub(crate) fn direction(&self) -> &'static str {
        if matches!(self.kind, "email" | "url" | "tel") { "ltr" } else { "auto" }
    }

    fn explain(&self, problem: Problem, texts: Texts) -> String {
        let blank = self.values.iter().all(|value| value.trim().is_empty());
        match problem {
            Problem::Refused if blank => self.missing.clone(),
            Problem::Refused => match &self.long {
                Some((max, long)) if self.value().trim().chars().count() > *max => long.clone(),
                _ => self.wrong.clone(),
            },
            other => explain(other, texts),
        }
    }
}

/// Returns what to do about a problem that needs no name of a field.
pub(crate) fn explain(problem: Problem, texts: Texts) -> String {
    texts.plain(match problem {
        Problem::TooOften { seconds } => return in_minutes(texts.message("error-too-often"), seconds).plain(),
        Problem::Refused => "error-form",
        Problem::Taken => "error-email-taken",
        Problem::Disposable => "error-email-disposable",
        Problem::NoMail => "error-email-no-mail",
        Problem::TooFast => "error-too-fast",
        Problem::Check => "error-check",
        Problem::Unavailable => "error-unavailable",
    })
}

/// Fills the minutes to wait into a text. A part of a minute is a whole one.
pub(crate) fn in_minutes(message: Message<'_>, seconds: u64) -> Message<'_> {
    message.number("minutes", seconds.div_ceil(60).max(1))
}

/// A line of the summary of what is to be changed.
pub(crate) struct Change {
    /// The control that it leads to.
    pub(crate) id: Option<String>,
    pub(crate) text: String,
}

impl Form<'_> {
    fn values(&self, name: &str) -> Vec<String> {
        self.typed.iter().filter(|(typed, _)| typed == name).map(|(_, value)| value.clone()).collect()
    }

    fn problem(&self, name: &str) -> Option<Problem> {
        self.problems.iter().find(|(field, _)| field == name).map(|(_, problem)| *problem)
    }

    fn filled(&self, mut control: Control, texts: Texts) -> Control {
        control.values = self.values(&control.name);
        control.error = self.problem(&control.name).map(|problem| control.explain(problem, texts));
        control
    }

    /// Returns whether a box was ticked.
    pub(crate) fn is_ticked(&self, name: &str) -> bool {
        self.values(name).iter().any(|value| matches!(value.as_str(), "true" | "on"))
    }

    /// Returns whether the box beside the text with a digest was ticked, and not that beside another one.
    pub(crate) fn agrees_to(&self, sha256: &str) -> bool {
        self.is_ticked("consent") || self.values("consent").iter().any(|ticked| ticked == sha256)
    }

    /// Returns what to do about the box of consent, if it is to be ticked.
    pub(crate) fn consent_error(&self, texts: Texts) -> Option<String> {
        self.problem("consent").map(|_| texts.plain("error-consent"))
    }

    pub(crate) fn email(&self, texts: Texts) -> Control {
        self.filled(email(texts), texts)
    }

    pub(crate) fn name(&self, texts: Texts) -> Control {
        self.filled(name(texts), texts)
    }

    pub(crate) fn custom(&self, texts: Texts) -> Vec<Control> {
        self.fields.iter().map(|field| self.filled(custom(field, texts), texts)).collect()
    }

    /// Returns what is to be changed, in the order of the controls, then what concerns the whole form.
    pub(crate) fn changes(&self, controls: &[Control], texts: Texts) -> Vec<Change> {
        let of_control = |control: &Control| Some(Change { id: Some(control.id.clone()), text: control.error.clone()? });
        let consent = self.consent_error(texts).map(|text| Change { id: Some("consent".to_owned()), text });
        let known = |name: &str| name == "consent" || controls.iter().any(|control| control.name == name);
        let mut changes: Vec<Change> = controls.iter().filter_map(of_control).chain(consent).collect();
        for (_, problem) in self.problems.iter().filter(|(name, _)| !known(name)) {
            let text = explain(*problem, texts);
            if changes.iter().all(|change| change.text != text) {
                changes.push(Change { id: None, text });
            }
        }
        changes
    }
}

pub(crate) fn email(texts: Texts) -> Control {
    let label = texts.plain("email");
    Control {
        kind: "email",
        inputmode: "email",
        autocomplete: "email",
        missing: texts.plain("error-email-missing"),
        wrong: texts.plain("error-email"),
        long: long(254, &label, texts),
        ..line("email".to_owned(), label, texts)
    }
}

pub(crate) fn name(texts: Texts) -> Control {
    let label = texts.plain("name");
    Control {
        autocomplete: "name",
        missing: texts.plain("error-name-missing"),
        long: long(200, &label, texts),
        ..line("name".to_owned(), label, texts)
    }
}

/// Returns a required line of text.
fn line(name: String, label: String, texts: Texts) -> Control {
    let about = |key| texts.message(key).text("label", &label).apart();
    Control {
        id: name.replace('.', "-"),
        name,
        shape: Shape::Line,
        kind: "text",
        inputmode: "",
        autocomplete: "",
        shown: Markup::of_text(&label),
        required: true,
        options: Vec::new(),
        hint: None,
        placeholder: None,
        values: Vec::new(),
        missing: about("error-missing"),
        wrong: about("error-characters"),
        long: None,
        error: None,
        label,
    }
}

fn long(max: u16, label: &str, texts: Texts) -> Option<(usize, String)> {
    let text = texts.message("error-long").text("label", label).number("max", u64::from(max)).apart();
    Some((usize::from(max), text))
}

pub(crate) fn custom(field: &CustomField, texts: Texts) -> Control {
    let label = field.label.as_deref().filter(|label| !label.is_empty()).unwrap_or(&field.key);
    let about = |key| texts.message(key).text("label", label).apart();
    let extra = |keys: &[&str]| {
        let text = keys.iter().find_map(|key| field.extra.get(*key)?.as_str());
        text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
    };
    let (shape, kind, inputmode, wrong, max) = match field.kind {
        FieldType::Text => (Shape::Line, "text", "", "error-characters", Some(500)),
        FieldType::Textarea => (Shape::Lines, "text", "", "error-characters", Some(2000)),
        FieldType::Number => (Shape::Line, "text", "decimal", "error-number", None),
        FieldType::Boolean if field.required => (Shape::YesNo, "radio", "", "error-choose", None),
        FieldType::Boolean => (Shape::Tick, "checkbox", "", "error-choose", None),
        FieldType::Select => (Shape::Choice, "select", "", "error-choose", None),
        FieldType::Multiselect => (Shape::Several, "checkbox", "", "error-choose", None),
        FieldType::Url => (Shape::Line, "url", "url", "error-url", Some(2000)),
        FieldType::Email => (Shape::Line, "email", "email", "error-field-email", None),
        FieldType::Tel => (Shape::Line, "tel", "tel", "error-tel", None),
        FieldType::Date => (Shape::Line, "date", "", "error-date", None),
    };
    let asks_to_choose = matches!(shape, Shape::Choice | Shape::Several | Shape::YesNo);
    let optional = || texts.message("optional").text("label", label);
    Control {
        shape,
        kind,
        inputmode,
        autocomplete: autocomplete(&field.key, field.kind),
        shown: if field.required { Markup::of_text(label) } else { optional().markup() },
        required: field.required,
        options: field.options.clone(),
        hint: extra(&["help_text", "help", "hint"]),
        placeholder: extra(&["placeholder"]),
        missing: about(if asks_to_choose { "error-choose" } else { "error-missing" }),
        wrong: about(wrong),
        long: max.and_then(|max| long(max, label, texts)),
        label: if field.required { label.to_owned() } else { optional().plain() },
        ..line(field_name(&field.key), label.to_owned(), texts)
    }
}

/// Returns the purpose of a field that asks about the person, by its usual keys.
fn autocomplete(key: &str, kind: FieldType) -> &'static str {
    match (kind, key) {
        (FieldType::Tel, _) => "tel",
        (FieldType::Text, "company" | "organization" | "organisation") => "organization",
        (FieldType::Text, "job_title" | "role") => "organization-title",
        (FieldType::Text, "city") => "address-level2",
        (FieldType::Text, "country") => "country-name",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> Vec<CustomField> {
        let declarations = json!([
            {"key": "company"}, {"key": "team", "type": "number"}, {"key": "call", "type": "boolean"},
            {"key": "tools", "type": "multiselect", "options": ["a", "b"]}, {"key": "plan", "type": "select", "options": ["x"], "required": true},
        ]);
        CustomField::parse_list(&declarations, "custom_fields").unwrap()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_optional_field_says_so() {
        for field in fields() {
            let control = custom(&field, Texts::of(Language::default()));
            let told = [control.label.ends_with(" (optional)"), control.shown.to_string().ends_with(" (optional)")];
            assert_eq!(told, [!field.required; 2], "{}", field.key);
        }
    }

    #[test]
    fn posted_answers_have_the_types_of_their_fields() {
        let posted = pairs(&[
            ("metadata.company", "Acme"),
            ("metadata.team", "1.204"),
            ("metadata.call", "true"),
            ("metadata.tools", "a"),
            ("metadata.tools", "b"),
            ("metadata.plan", ""),
            ("metadata.other", "x"),
        ]);
        let answers = answers_of(&fields(), &posted, Language::of_tag("de").unwrap());
        assert_eq!(Value::Object(answers), json!({"company": "Acme", "team": 1204, "call": true, "tools": ["a", "b"]}));
        let unfit = answers_of(&fields(), &pairs(&[("metadata.team", "many"), ("metadata.call", "maybe")]), Language::default());
        assert_eq!(Value::Object(unfit), json!({"team": "many", "call": "maybe"}));
    }

    #[test]
    fn stored_answers_are_shown_as_they_are_typed() {
        let metadata = json!({"company": "Acme", "team": 12, "call": false, "tools": ["a", "b"], "deep": {"a": 1}, "none": null});
        let typed = typed_of("Ada", metadata.as_object().unwrap(), Language::default());
        let names: Vec<&str> = typed.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["name", "metadata.call", "metadata.company", "metadata.team", "metadata.tools", "metadata.tools"]);
        let back = answers_of(&fields(), &typed, Language::default());
        assert_eq!(Value::Object(back), json!({"company": "Acme", "team": 12, "call": false, "tools": ["a", "b"]}));
    }

    #[test]
    fn an_error_says_what_to_do_about_what_was_typed() {
        let texts = Texts::of(Language::default());
        let fields = fields();
        let error = |typed: &[(&str, &str)], name: &str, problem| {
            let (typed, problems) = (pairs(typed), [(name.to_owned(), problem)]);
            let form = Form { fields: &fields, typed: &typed, problems: &problems };
            let controls: Vec<Control> = [form.email(texts), form.name(texts)].into_iter().chain(form.custom(texts)).collect();
            let changes = form.changes(&controls, texts);
            assert_eq!(changes.len(), 1);
            (changes[0].id.clone(), changes[0].text.clone())
        };
        let told = |id: &str, text: &str| (Some(id.to_owned()), text.to_owned());
        assert_eq!(error(&[], "email", Problem::Refused), told("email", "Enter your e-mail address"));
        assert_eq!(error(&[("email", "x")], "email", Problem::Refused), told("email", "Enter an e-mail address like name@example.com"));
        assert_eq!(error(&[("name", &"x".repeat(201))], "name", Problem::Refused), told("name", "Shorten “Name” to 200 characters"));
        assert_eq!(error(&[], "metadata.plan", Problem::Refused), told("metadata-plan", "Choose an option for “plan”"));
        assert_eq!(error(&[], "consent", Problem::Refused), told("consent", "Tick the box to join"));
        assert_eq!(error(&[], "metadata", Problem::Refused).0, None);
        let often = |seconds| error(&[], "form", Problem::TooOften { seconds }).1;
        assert_eq!(often(0), "That was too often. Wait a minute and send the form again");
        assert_eq!(often(60), often(0));
        assert_eq!(often(661), "That was too often. Wait 12 minutes and send the form again");
        assert_eq!(error(&[], "form", Problem::TooFast), (None, "Look over your answers and send the form again".to_owned()));
    }
}
