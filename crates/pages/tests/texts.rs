//! Whether the texts are complete in every language.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};
use intl_pluralrules::{PluralCategory, PluralRuleType, PluralRules};
use rally_pages::Language;
use unic_langid::LanguageIdentifier;

const CATEGORIES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

/// What a text has: its variables, and the plurals of each choice.
#[derive(Debug, Default, PartialEq, Eq)]
struct Text {
    variables: BTreeSet<String>,
    choices: Vec<BTreeSet<String>>,
    /// Whether a number itself decides between plurals that Polish and Arabic have.
    by_number: bool,
}

impl Text {
    fn read(&mut self, pattern: &Pattern<String>) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                match expression {
                    Expression::Inline(inline) => self.read_inline(inline),
                    Expression::Select { selector, variants } => {
                        self.read_inline(selector);
                        let name = |key: &VariantKey<String>| match key {
                            VariantKey::Identifier { name } => name.clone(),
                            VariantKey::NumberLiteral { value } => value.clone(),
                        };
                        let choice: BTreeSet<String> = variants.iter().map(|variant| name(&variant.key)).collect();
                        let by_form = matches!(selector, InlineExpression::VariableReference { id } if id.name.ends_with("_form"));
                        self.by_number |= choice.contains("few") && !by_form;
                        self.choices.push(choice);
                        variants.iter().for_each(|variant| self.read(&variant.value));
                    }
                }
            }
        }
    }

    fn read_inline(&mut self, inline: &InlineExpression<String>) {
        match inline {
            InlineExpression::VariableReference { id } => drop(self.variables.insert(id.name.trim_end_matches("_form").to_owned())),
            other => panic!("only variables are used, not {other:?}"),
        }
    }
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn texts(language: Language) -> BTreeMap<String, Text> {
    let file = fs::read_to_string(folder().join("locales").join(language.tag()).with_extension("ftl")).expect("a file for each language");
    let resource = fluent_syntax::parser::parse(file).unwrap_or_else(|(_, errors)| panic!("{}: {errors:?}", language.tag()));
    let mut texts = BTreeMap::new();
    for entry in resource.body {
        if let Entry::Message(message) = entry {
            let mut text = Text::default();
            text.read(&message.value.expect("a text"));
            assert!(texts.insert(message.id.name.clone(), text).is_none(), "{} has {} twice", language.tag(), message.id.name);
        }
    }
    texts
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_language_has_the_same_texts_with_the_same_variables() {
    let english = texts(Language::default());
    for language in Language::all() {
        let texts = texts(language);
        let keys = |texts: &BTreeMap<String, Text>| texts.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&texts), keys(&english), "{}", language.tag());
        for (key, text) in texts {
            assert_eq!(text.variables, english[&key].variables, "{} in {}", key, language.tag());
            assert_eq!(text.choices.len(), english[&key].choices.len(), "{} in {}", key, language.tag());
        }
    }
}

#[test]
fn every_choice_has_the_plurals_of_its_language() {
    for language in Language::all() {
        let tag: LanguageIdentifier = language.tag().split('-').next().unwrap().parse().unwrap();
        let rules = PluralRules::create(tag, PluralRuleType::CARDINAL).unwrap();
        let category = |number: u64| match rules.select(number).unwrap() {
            PluralCategory::ZERO => "zero",
            PluralCategory::ONE => "one",
            PluralCategory::TWO => "two",
            PluralCategory::FEW => "few",
            PluralCategory::MANY => "many",
            PluralCategory::OTHER => "other",
        };
        let mut expected: BTreeSet<&str> = (0..=1000).chain([1_000_000]).map(category).collect();
        expected.insert("other");
        for (key, text) in texts(language) {
            assert!(!text.by_number || language.tag() != "ar", "{key} in Arabic: a number decides, and not its form");
            for choice in text.choices {
                let plurals: BTreeSet<&str> = CATEGORIES.into_iter().filter(|category| choice.contains(*category)).collect();
                assert!(plurals == expected || plurals.is_empty(), "{key} in {}: {plurals:?}, not {expected:?}", language.tag());
            }
        }
    }
}

#[test]
fn every_text_is_used_and_every_used_text_exists() {
    let english = texts(Language::default());
    let code: String = ["src", "templates"]
        .map(|name| files(&folder().join(name)))
        .concat()
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    for key in english.keys() {
        assert!(code.contains(&format!("\"{key}\"")), "nothing uses {key}");
    }
    for call in [".say(\"", ".plain(\"", ".message(\"", " about(\""] {
        for rest in code.split(call).skip(1) {
            let key = rest.split('"').next().unwrap();
            assert!(english.contains_key(key), "there is no text {key}");
        }
    }
}

#[test]
fn the_texts_are_calm() {
    for language in Language::all() {
        let file = fs::read_to_string(folder().join("locales").join(language.tag()).with_extension("ftl")).unwrap();
        for loud in ["!", "！", "...", "Please", "please", "Oops", "Bitte ", "bitte "] {
            assert!(!file.contains(loud), "{} says {loud}", language.tag());
        }
    }
}
