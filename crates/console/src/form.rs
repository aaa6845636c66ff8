//! Forms: what was typed, what is wrong, and the controls.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::advice::advice;

/// What a form shows in its fields, and what is to be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// Names and values: what is stored, or what was posted. A name may come several times.
    pub values: Vec<(String, String)>,
    /// Names of fields, and what to do about each. A name without a field is told at the top.
    pub errors: Vec<(String, String)>,
}

impl Form {
    /// Shows values.
    pub fn new<N: Into<String>, V: Into<String>>(values: impl IntoIterator<Item = (N, V)>) -> Self {
        Self { values: values.into_iter().map(|(name, value)| (name.into(), value.into())).collect(), errors: Vec::new() }
    }

    /// Shows errors at their fields, each with what to do about it.
    #[must_use]
    pub fn refused<N: Into<String>, V: Into<String>>(mut self, errors: impl IntoIterator<Item = (N, V)>) -> Self {
        self.errors = errors.into_iter().map(|(name, error)| (name.into(), advice(&error.into()))).collect();
        self
    }

    /// Returns the first value of a field.
    pub fn value(&self, name: &str) -> &str {
        self.values.iter().find(|(typed, _)| typed == name).map_or("", |(_, value)| value)
    }

    /// Whether a field has a value among others.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.values.iter().any(|(typed, other)| typed == name && other == value)
    }

    /// Whether a box is ticked.
    pub fn is_ticked(&self, name: &str) -> bool {
        self.has(name, "true")
    }

    /// Returns what to do about a field. Lines of which the same is said are told together.
    pub(crate) fn error(&self, name: &str) -> Option<String> {
        let mut told: Vec<(Vec<&str>, &str)> = Vec::new();
        for (_, error) in self.errors.iter().filter(|(field, _)| concerns(field, name)) {
            let numbered = error.strip_prefix("Line ").and_then(|rest| rest.split_once(": "));
            let (line, text) = numbered.map_or((None, error.as_str()), |(line, text)| (Some(line), text));
            match told.iter_mut().find(|(lines, other)| *other == text && lines.is_empty() == line.is_none()) {
                Some((lines, _)) => lines.extend(line),
                None => told.push((line.into_iter().collect(), text)),
            }
        }
        let words = |(lines, text): &(Vec<&str>, &str)| match lines.split_last() {
            None => (*text).to_owned(),
            Some((line, [])) => format!("Line {line}: {text}"),
            Some((last, others)) => format!("Lines {} and {last}: {text}", others.join(", ")),
        };
        (!told.is_empty()).then(|| told.iter().map(words).collect::<Vec<_>>().join("; "))
    }

    fn field(&self, name: &str, label: &str, control: Control) -> Field {
        Field {
            id: id_of(name),
            name: name.to_owned(),
            label: label.to_owned(),
            value: self.value(name).to_owned(),
            hint: String::new(),
            error: self.error(name),
            row: String::new(),
            optional: false,
            for_choices: false,
            of_form: "",
            control,
        }
    }

    pub(crate) fn line(&self, name: &str, label: &str) -> Field {
        self.field(name, label, Control::Line { kind: "text", inputmode: "", autocomplete: "off" })
    }

    pub(crate) fn url(&self, name: &str, label: &str) -> Field {
        self.field(name, label, Control::Line { kind: "url", inputmode: "url", autocomplete: "off" })
    }

    pub(crate) fn email(&self, name: &str, label: &str) -> Field {
        self.field(name, label, Control::Line { kind: "email", inputmode: "email", autocomplete: "off" })
    }

    pub(crate) fn number(&self, name: &str, label: &str) -> Field {
        self.field(name, label, Control::Line { kind: "text", inputmode: "numeric", autocomplete: "off" })
    }

    pub(crate) fn lines(&self, name: &str, label: &str, rows: u8) -> Field {
        self.field(name, label, Control::Lines { rows, code: false })
    }

    pub(crate) fn code(&self, name: &str, label: &str, rows: u8) -> Field {
        self.field(name, label, Control::Lines { rows, code: true })
    }

    pub(crate) fn tick(&self, name: &str, label: &str) -> Field {
        let ticked = self.is_ticked(name);
        self.field(name, label, Control::Tick { ticked })
    }

    pub(crate) fn file(&self, name: &str, label: &str) -> Field {
        self.field(name, label, Control::File)
    }

    pub(crate) fn select(&self, name: &str, label: &str, choices: &[(&str, &str)]) -> Field {
        let mut choices: Vec<Choice> = choices.iter().map(|(value, label)| Choice::new(value, label)).collect();
        let value = self.value(name);
        // A value that is not offered stays as it is unless somebody chooses another.
        if !value.is_empty() && choices.iter().all(|choice| choice.value != value) {
            choices.push(Choice::new(value, value));
        }
        for choice in &mut choices {
            choice.chosen = choice.value == value;
        }
        self.field(name, label, Control::Select(choices))
    }

    pub(crate) fn several(&self, name: &str, label: &str, choices: &[Choice]) -> Field {
        let mut choices = choices.to_vec();
        for choice in &mut choices {
            choice.chosen = self.has(name, &choice.value);
        }
        self.field(name, label, Control::Several(choices))
    }

    /// Sums up what is to be changed.
    pub(crate) fn summary<'f>(&self, fields: impl IntoIterator<Item = &'f Field>) -> Summary {
        let fields: Vec<&Field> = fields.into_iter().collect();
        Summary { title: "Nothing was saved yet", changes: self.changes(&fields) }
    }

    /// Returns what is to be changed, in the order of the fields, then what belongs to no field.
    pub(crate) fn changes(&self, fields: &[&Field]) -> Vec<Change> {
        let of_field = |field: &&Field| {
            let row = if field.row.is_empty() { String::new() } else { format!("{}, ", field.row) };
            Some(Change { id: Some(field.id.clone()), text: format!("{row}{}: {}", field.label, field.error.as_ref()?) })
        };
        let mut changes: Vec<Change> = fields.iter().filter_map(of_field).collect();
        for (name, error) in &self.errors {
            if !fields.iter().any(|field| concerns(name, &field.name)) {
                changes.push(Change { id: None, text: error.clone() });
            }
        }
        changes
    }
}

/// Whether the path of an error is that of a field, or of a part of it: `options[2]` is told at `options`.
fn concerns(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

/// Returns the id of a field.
pub(crate) fn id_of(name: &str) -> String {
    let id: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("f-{}", id.trim_matches('-'))
}

/// One of several values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The value in a posted form.
    pub value: String,
    /// The words beside it.
    pub label: String,
    /// Whether it is chosen. A page sets this itself where the form says what is chosen.
    pub chosen: bool,
}

impl Choice {
    /// Creates a choice that is not chosen.
    pub fn new(value: &str, label: &str) -> Self {
        Self { value: value.to_owned(), label: label.to_owned(), chosen: false }
    }
}

/// A line of the summary of what is to be changed.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) id: Option<String>,
    pub(crate) text: String,
}

/// The summary of what is to be changed, at the top of a form.
#[derive(Debug, Clone, Template)]
#[template(path = "summary.html", whitespace = "minimize")]
pub(crate) struct Summary {
    pub(crate) title: &'static str,
    pub(crate) changes: Vec<Change>,
}

impl HtmlSafe for Summary {}

/// How a field is filled in.
#[derive(Debug, Clone)]
pub(crate) enum Control {
    Line { kind: &'static str, inputmode: &'static str, autocomplete: &'static str },
    Lines { rows: u8, code: bool },
    Select(Vec<Choice>),
    Several(Vec<Choice>),
    Tick { ticked: bool },
    File,
}

/// A field with its label, hint and error.
#[derive(Debug, Clone, Template)]
#[template(path = "field.html", whitespace = "minimize")]
pub(crate) struct Field {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) label: String,
    /// The row that the field is in, such as "Question 2". The summary of what is to be changed names it.
    row: String,
    value: String,
    hint: String,
    error: Option<String>,
    optional: bool,
    /// Whether it is in sight only where a choice of several is asked for.
    for_choices: bool,
    /// The id of the form, if the field stands outside of it.
    of_form: &'static str,
    control: Control,
}

impl HtmlSafe for Field {}

impl Field {
    pub(crate) fn hint(mut self, hint: &str) -> Self {
        hint.clone_into(&mut self.hint);
        self
    }

    pub(crate) fn in_row(mut self, row: &str) -> Self {
        row.clone_into(&mut self.row);
        self
    }

    pub(crate) const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    pub(crate) const fn for_choices(mut self) -> Self {
        self.for_choices = true;
        self
    }

    pub(crate) const fn of_form(mut self, id: &'static str) -> Self {
        self.of_form = id;
        self
    }

    pub(crate) fn secret(mut self) -> Self {
        self.control = Control::Line { kind: "password", inputmode: "", autocomplete: "off" };
        self
    }

    pub(crate) fn day(mut self) -> Self {
        self.control = Control::Line { kind: "date", inputmode: "", autocomplete: "off" };
        self
    }

    pub(crate) fn moment(mut self) -> Self {
        self.control = Control::Line { kind: "datetime-local", inputmode: "", autocomplete: "off" };
        self
    }

    fn described_by(&self) -> String {
        let hint = if self.hint.is_empty() { String::new() } else { format!("{}-hint ", self.id) };
        format!("{hint}{}-error", self.id)
    }

    /// Returns the id of one of several boxes. The first has the id of the field, so that a link leads to it.
    fn box_id(&self, index: &usize) -> String {
        if *index == 0 { self.id.clone() } else { format!("{}-{index}", self.id) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_form_keeps_what_was_typed_and_says_what_to_do() {
        let form = Form::new([("slug", "Early Access")]).refused([("slug", "use a-z"), ("other", "try again")]);
        let field = form.line("slug", "Address");
        let html = field.to_string();
        assert!(html.contains("value=\"Early Access\"") && html.contains("aria-invalid=\"true\""), "{html}");
        let changes = form.changes(&[&field]);
        let told: Vec<(Option<&str>, &str)> = changes.iter().map(|change| (change.id.as_deref(), change.text.as_str())).collect();
        assert_eq!(told, [(Some("f-slug"), "Address: Use a-z"), (None, "Try again")]);
    }

    #[test]
    fn lines_with_the_same_mistake_are_told_together() {
        let errors = ["Line 1: Enter an origin", "Line 2: Use less", "Line 4: Enter an origin", "Keep at most 50", "Keep at most 50"];
        let form = Form::default().refused(errors.map(|error| ("origins", error)));
        assert_eq!(form.error("origins").as_deref(), Some("Lines 1 and 4: Enter an origin; Line 2: Use less; Keep at most 50"));
        assert_eq!(form.error("others"), None);
    }

    #[test]
    fn a_value_that_is_not_offered_is_kept() {
        let html = Form::new([("locale", "sv")]).select("locale", "Language", &[("en", "English")]).to_string();
        assert!(html.contains("<option value=\"sv\" selected>sv</option>"), "{html}");
    }

    #[test]
    fn a_name_with_brackets_has_a_plain_id() {
        assert_eq!(id_of("settings.custom_fields[0].key"), "f-settings-custom-fields-0--key");
    }
}
