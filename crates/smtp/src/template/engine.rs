//! The port `TemplateEngine`.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};

use minijinja::machinery::{Token, parse, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use moka::sync::Cache;
use rally_domain::locale::Locale;
use rally_domain::mail::{MailKind, RenderError, Rendered, TemplateError, TemplatePart, TemplateSource};
use rally_domain::port::TemplateEngine;

use super::check::{Fault, MAX_RENDERED, check};
use super::variables::{Sample, sample, variables};
use super::words::Words;
use super::{built_in, filters};

/// What a rendering may cost: twice what the check lets a template cost, because the check estimates it.
const FUEL: u64 = 40_000;
/// How deep a rendering may nest: a little deeper than what the check accepts.
const RECURSION: usize = 50;
/// The most tokens of one `{{ }}` or `{% %}`: what is compiled for one nests as deep as it has tokens.
const MAX_TOKENS: usize = 200;
/// The most `elif` of a part. They nest too.
const MAX_ELIF: usize = 50;
/// How much is kept compiled, in bytes: a few hundred parts. The same few templates render nearly every mail.
const MAX_KEPT: u64 = 8 * 1024 * 1024;
/// What a compiled part takes at least, in bytes: the engine reserves room for its instructions.
const LEAST: usize = 16 * 1024;

/// Templates in the language of Jinja, with the built-in ones in thirteen languages.
///
/// A template is sandboxed: it reaches no file and no other template, its work and its result are bounded, and in HTML every value
/// is escaped.
pub struct Templates {
    languages: Vec<Language>,
    neutral: Language,
    /// Parts that were rendered lately, by their language, the part and the hash of their source.
    kept: Cache<(&'static str, TemplatePart, u64), Arc<Compiled>>,
    hasher: RandomState,
}

struct Language {
    words: Arc<Words>,
    environment: Environment<'static>,
    /// The built-in template of each kind, once it was asked for.
    built_in: [OnceLock<TemplateSource>; MailKind::ALL.len()],
}

/// A part that was checked and compiled.
struct Compiled {
    part: TemplatePart,
    source: String,
    /// It has this part alone.
    environment: Environment<'static>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templates").finish_non_exhaustive()
    }
}

impl Default for Templates {
    fn default() -> Self {
        Self::new()
    }
}

impl Templates {
    /// Reads the built-in languages.
    pub fn new() -> Self {
        let weight = |_: &_, compiled: &Arc<Compiled>| u32::try_from(LEAST + compiled.source.len()).unwrap_or(u32::MAX);
        Self {
            languages: Words::all().into_iter().map(Language::new).collect(),
            neutral: Language::new(Words::neutral()),
            kept: Cache::builder().weigher(weight).max_capacity(MAX_KEPT).build(),
            hasher: RandomState::new(),
        }
    }

    /// Returns the variables of a kind, each with what it is, for people who write templates.
    pub fn variables(kind: MailKind) -> impl Iterator<Item = (&'static str, &'static str)> {
        variables(kind).map(|variable| (variable.name, variable.note))
    }

    /// Returns the language whose numbers and dates a locale has.
    fn language(&self, locale: &Locale) -> &Language {
        self.languages.iter().find(|language| language.words.serves(locale)).unwrap_or(&self.neutral)
    }

    fn parts(&self, locale: &Locale, source: &TemplateSource, data: &Value) -> Result<Rendered, TemplateError> {
        let render = |part, source: &str| self.compiled(locale, part, source)?.render(data);
        let subject = one_line(&render(TemplatePart::Subject, &source.subject)?);
        let text = render(TemplatePart::Text, &source.text)?;
        let html = source.html.as_deref().map(|html| render(TemplatePart::Html, html)).transpose()?;
        Ok(Rendered { subject, text, html })
    }

    /// Compiles a part, unless it was rendered lately.
    fn compiled(&self, locale: &Locale, part: TemplatePart, source: &str) -> Result<Arc<Compiled>, TemplateError> {
        let language = self.language(locale);
        let key = (language.words.tag, part, self.hasher.hash_one(source));
        if let Some(kept) = self.kept.get(&key).filter(|kept| kept.source == source) {
            return Ok(kept);
        }
        // a template that was never checked must do no harm: fuel alone does not bound how the engine compares lists of lists
        walked(None, part, source)?;
        let compiled = Arc::new(language.compile(part, source)?);
        self.kept.insert(key, compiled.clone());
        Ok(compiled)
    }

    fn check_part(&self, kind: MailKind, locale: &Locale, part: TemplatePart, source: &str) -> Result<(), TemplateError> {
        walked(Some(kind), part, source)?;
        let compiled = self.language(locale).compile(part, source)?;
        for case in [Sample::Usual, Sample::Nulls, Sample::Largest] {
            let rendered = compiled.render(&value(sample(kind, case)))?;
            if rendered.trim().is_empty() {
                return Err(TemplateError { part, line: None, reason: "is empty once it is rendered".to_owned() });
            }
        }
        Ok(())
    }
}

impl TemplateEngine for Templates {
    fn locales(&self) -> Vec<Locale> {
        self.languages.iter().map(|language| Locale::from_stored(language.words.tag.to_owned())).collect()
    }

    fn built_in(&self, kind: MailKind, locale: &Locale) -> TemplateSource {
        let found = self.languages.iter().find(|language| language.words.tag == locale.as_str());
        found.unwrap_or(&self.languages[0]).built_in(kind).clone()
    }

    fn unsubscribe(&self, locales: &[Locale]) -> String {
        let found = locales.iter().find_map(|locale| self.languages.iter().find(|language| language.words.serves(locale)));
        found.unwrap_or(&self.languages[0]).words.sentences["unsubscribe"].clone()
    }

    fn check(&self, kind: MailKind, locale: &Locale, source: &TemplateSource) -> Result<(), Vec<TemplateError>> {
        let parts = [
            (TemplatePart::Subject, Some(&source.subject)),
            (TemplatePart::Text, Some(&source.text)),
            (TemplatePart::Html, source.html.as_ref()),
        ];
        let checked = parts.into_iter().filter_map(|(part, source)| self.check_part(kind, locale, part, source?).err());
        let errors: Vec<TemplateError> = checked.collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn render(&self, locale: &Locale, source: &TemplateSource, data: &str) -> Result<Rendered, RenderError> {
        let told = |reason: String| RenderError(TemplateError { part: TemplatePart::Subject, line: None, reason });
        let data: serde_json::Value = serde_json::from_str(data).map_err(|_| told("the data is not JSON".to_owned()))?;
        self.parts(locale, source, &value(data)).map_err(RenderError)
    }

    fn example(&self, kind: MailKind) -> String {
        sample(kind, Sample::Usual).to_string()
    }
}

impl Language {
    fn new(words: Words) -> Self {
        let words = Arc::new(words);
        let mut environment = Environment::empty();
        environment.set_syntax(syntax());
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION);
        // a check has told what is unknown; data of an older mail may lack what a newer template names
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_auto_escape_callback(|name| if name == name_of_html() { AutoEscape::Html } else { AutoEscape::None });
        environment.set_formatter(write);
        filters::add(&mut environment, &words);
        Self { words, environment, built_in: Default::default() }
    }

    fn built_in(&self, kind: MailKind) -> &TemplateSource {
        self.built_in[kind as usize].get_or_init(|| built_in::source(kind, &self.words))
    }

    fn compile(&self, part: TemplatePart, source: &str) -> Result<Compiled, TemplateError> {
        let mut environment = self.environment.clone();
        environment.add_template_owned(name(part), source.to_owned()).map_err(|error| described(part, &error))?;
        Ok(Compiled { part, source: source.to_owned(), environment })
    }
}

impl Compiled {
    fn render(&self, data: &Value) -> Result<String, TemplateError> {
        let part = self.part;
        let template = self.environment.get_template(name(part)).map_err(|error| described(part, &error))?;
        let rendered = template.render(data.clone()).map_err(|error| described(part, &error))?;
        if rendered.len() as u64 > MAX_RENDERED {
            return Err(TemplateError { part, line: None, reason: "the result is larger than 1 MiB".to_owned() });
        }
        Ok(rendered)
    }
}

/// A line that has a tag alone leaves no line behind.
fn syntax() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    builder.build().expect("the delimiters are the usual ones")
}

const fn name(part: TemplatePart) -> &'static str {
    part.as_str()
}

const fn name_of_html() -> &'static str {
    TemplatePart::Html.as_str()
}

/// Writes a value. What is missing is nothing.
fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let text = filters::text(value);
    if matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe() {
        out.write_str(&filters::escaped(&text))?;
    } else {
        out.write_str(&text)?;
    }
    Ok(())
}

/// Makes a value of data. What is null is an empty text, so that a template needs no word for it.
fn value(data: serde_json::Value) -> Value {
    match data {
        serde_json::Value::Null => Value::from(""),
        serde_json::Value::Bool(flag) => Value::from(flag),
        serde_json::Value::String(text) => Value::from(text),
        serde_json::Value::Array(items) => items.into_iter().map(value).collect(),
        serde_json::Value::Object(fields) => Value::from_pairs(fields.into_iter().map(|(name, field)| (name, value(field)))),
        serde_json::Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), ..) => Value::from(number),
            (None, Some(number), _) => Value::from(number),
            (None, None, number) => Value::from(number.unwrap_or_default()),
        },
    }
}

/// Checks the syntax tree of a part.
fn walked(kind: Option<MailKind>, part: TemplatePart, source: &str) -> Result<(), TemplateError> {
    within_bounds(part, source)?;
    let tree = parse(source, name(part), syntax()).map_err(|error| described(part, &error))?;
    let told = |Fault { line, reason }| TemplateError { part, line, reason };
    check(kind, part == TemplatePart::Html, &tree).map_err(told)
}

/// Refuses what would nest too deep to be compiled.
fn within_bounds(part: TemplatePart, source: &str) -> Result<(), TemplateError> {
    let (mut tokens, mut elif) = (0, 0);
    for token in tokenize(source, false, syntax()) {
        // the parser tells of errors
        let Ok((token, span)) = token else { return Ok(()) };
        let told = |reason: String| Err(TemplateError { part, line: Some(usize::from(span.start_line)), reason });
        match token {
            Token::VariableStart | Token::BlockStart | Token::VariableEnd | Token::BlockEnd => tokens = 0,
            Token::Ident("elif") => elif += 1,
            _ => {}
        }
        tokens += 1;
        if tokens > MAX_TOKENS {
            return told(format!("is too long: at most {MAX_TOKENS} words and signs in one tag"));
        }
        if elif > MAX_ELIF {
            return told(format!("has too many `elif`: at most {MAX_ELIF}"));
        }
    }
    Ok(())
}

/// Joins the lines of a subject.
fn one_line(text: &str) -> String {
    let clean: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn described(part: TemplatePart, error: &Error) -> TemplateError {
    let reason = match error.kind() {
        ErrorKind::OutOfFuel => "takes too much work: it repeats too much, or uses long texts too often".to_owned(),
        kind => match error.detail() {
            Some(detail) => format!("{kind}: {detail}"),
            None => kind.to_string(),
        },
    };
    TemplateError { part, line: error.line(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiled_parts_are_kept_within_a_bound() {
        let templates = Templates::new();
        let locale = Locale::from_stored("en".to_owned());
        for number in 0..1000 {
            let source = TemplateSource { subject: format!("No. {number}"), text: "Hello".to_owned(), html: None };
            let rendered = templates.render(&locale, &source, "{}").unwrap();
            assert_eq!(rendered.subject, format!("No. {number}"));
        }
        templates.kept.run_pending_tasks();
        let kept = templates.kept.weighted_size();
        assert!(kept <= MAX_KEPT, "{kept} bytes are kept");
        assert!(templates.kept.entry_count() > 100, "nearly nothing is kept");
    }
}
