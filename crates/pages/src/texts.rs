//! The texts of the pages, from the files in `locales`, with numbers and dates as each language writes them.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::types::{FluentNumber, FluentNumberOptions};
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use icu_decimal::input::Decimal;
use icu_decimal::options::{DecimalFormatterOptions, GroupingStrategy};
use icu_decimal::{DecimalFormatter, DecimalFormatterPreferences};
use icu_locale_core::Locale;
use intl_memoizer::Memoizable;
use intl_memoizer::concurrent::IntlLangMemoizer;
use rally_domain::timestamp::Timestamp;
use unic_langid::LanguageIdentifier;

use crate::language::Language;
use crate::markup::{Markup, without_controls, without_isolation};

/// The files, in the order of the languages.
const FILES: [&str; 13] = [
    include_str!("../locales/en.ftl"),
    include_str!("../locales/de.ftl"),
    include_str!("../locales/fr.ftl"),
    include_str!("../locales/es.ftl"),
    include_str!("../locales/pt-BR.ftl"),
    include_str!("../locales/it.ftl"),
    include_str!("../locales/nl.ftl"),
    include_str!("../locales/pl.ftl"),
    include_str!("../locales/tr.ftl"),
    include_str!("../locales/ja.ftl"),
    include_str!("../locales/zh-Hans.ftl"),
    include_str!("../locales/ar.ftl"),
    include_str!("../locales/he.ftl"),
];

static BUNDLES: LazyLock<Vec<FluentBundle<FluentResource>>> =
    LazyLock::new(|| Language::all().map(|language| bundle(language.tag(), FILES[language.index()])).collect());

/// Reads a file of texts. What cannot be read is left out, and a test finds it.
fn bundle(tag: &str, file: &str) -> FluentBundle<FluentResource> {
    let resource = FluentResource::try_new(file.to_owned()).unwrap_or_else(|(resource, _)| resource);
    let mut bundle = FluentBundle::new_concurrent(vec![tag.parse().unwrap_or_default()]);
    bundle.set_formatter(Some(format_number));
    bundle.add_resource_overriding(resource);
    bundle
}

/// Writes a number as a language does.
struct Digits(DecimalFormatter);

impl Memoizable for Digits {
    type Args = (bool,);
    type Error = ();

    fn construct(language: LanguageIdentifier, (grouped,): Self::Args) -> Result<Self, Self::Error> {
        let language = Language::of_tag(&language.to_string()).unwrap_or_default();
        let locale: Locale = language.numbers().parse().map_err(|_| ())?;
        let strategy = if grouped { GroupingStrategy::Auto } else { GroupingStrategy::Never };
        let preferences = DecimalFormatterPreferences::from(&locale);
        DecimalFormatter::try_new(preferences, DecimalFormatterOptions::from(strategy)).map(Self).map_err(|_| ())
    }
}

fn format_number(value: &FluentValue<'_>, memoizer: &IntlLangMemoizer) -> Option<String> {
    let FluentValue::Number(number) = value else { return None };
    let integer: i64 = number.as_string().parse().ok()?;
    let format = |digits: &Digits| digits.0.format(&Decimal::from(integer)).to_string();
    memoizer.with_try_get::<Digits, _, _>((number.options.use_grouping,), format).ok()
}

/// The texts of one language.
#[derive(Debug, Clone, Copy, Default)]
pub struct Texts(Language);

impl Texts {
    /// Returns the texts of a language.
    pub const fn of(language: Language) -> Self {
        Self(language)
    }

    /// Returns a text without variables, as HTML.
    pub(crate) fn say(self, key: &'static str) -> Markup {
        self.message(key).markup()
    }

    /// Returns a text without variables, as plain text.
    pub(crate) fn plain(self, key: &'static str) -> String {
        self.message(key).plain()
    }

    /// Starts a text with variables.
    pub(crate) fn message<'a>(self, key: &'static str) -> Message<'a> {
        Message { language: self.0, key, arguments: FluentArgs::new() }
    }

    /// Returns the title of a tab, which says first whether something is to be changed.
    pub(crate) fn title(self, title: &str, has_problems: bool) -> String {
        if has_problems { self.message("title-error").text("title", title).plain() } else { title.to_owned() }
    }

    /// Writes a whole number with the digits and separators of the language.
    pub(crate) fn number(self, number: &u64) -> String {
        let digits = Digits::construct(self.0.tag().parse().unwrap_or_default(), (true,));
        digits.map_or_else(|()| number.to_string(), |digits| digits.0.format(&Decimal::from(*number)).to_string())
    }

    /// Writes a date as people say it, with the exact time in the markup and on hover.
    pub(crate) fn date(self, instant: &Timestamp) -> Markup {
        let exact = instant.to_string();
        let hover = format!("{} {} UTC", &exact[..10], &exact[11..16]);
        Markup::of_html(format!("<time datetime=\"{exact}\" title=\"{hover}\">{}</time>", self.day(&exact)))
    }

    /// Writes a date as people say it, with the time of day: something ends then.
    pub(crate) fn moment(self, instant: &Timestamp) -> Markup {
        let exact = instant.to_string();
        let digit = |c: char| c.to_digit(10).map_or_else(|| c.to_string(), |digit| self.number(&digit.into()));
        let time: String = exact[11..16].chars().map(digit).collect();
        Markup::of_html(format!("<time datetime=\"{exact}\">{} <bdi dir=\"ltr\">{time} UTC</bdi></time>", self.day(&exact)))
    }

    fn day(self, exact: &str) -> Markup {
        let [year, month, day] = [&exact[..4], &exact[5..7], &exact[8..10]].map(|part| part.parse::<u32>().unwrap_or_default());
        let date = self.message("date").number("month", month.into()).ungrouped("year", year);
        let date = if day == 1 { date.text("day", &self.plain("first-day")) } else { date.ungrouped("day", day) };
        Markup::of_message(&date.plain())
    }
}

/// Returns a number with the plural of another one. In Arabic the last two digits decide from 100 on
/// ([CLDR](https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html#ar)), which `intl_pluralrules` does not know.
const fn form(number: u64) -> u64 {
    match number % 100 {
        0..=2 if number >= 100 => 100,
        last => last,
    }
}

/// A text whose variables are being filled in.
pub(crate) struct Message<'a> {
    language: Language,
    key: &'static str,
    arguments: FluentArgs<'a>,
}

impl Message<'_> {
    /// Fills in a number, and as `…_form` one that is small enough for the rules of plurals.
    pub(crate) fn number(mut self, name: &'static str, number: u64) -> Self {
        self.arguments.set(name, number);
        self.arguments.set(format!("{name}_form"), form(number));
        self
    }

    /// Fills in a number without separators, such as a year.
    fn ungrouped(mut self, name: &'static str, number: u32) -> Self {
        let options = FluentNumberOptions { use_grouping: false, ..FluentNumberOptions::default() };
        self.arguments.set(name, FluentValue::Number(FluentNumber::new(f64::from(number), options)));
        self
    }

    /// Fills in a text of a person or an operator.
    pub(crate) fn text(mut self, name: &'static str, text: &str) -> Self {
        self.arguments.set(name, FluentValue::from(without_controls(text)));
        self
    }

    /// Returns the text as HTML.
    pub(crate) fn markup(self) -> Markup {
        Markup::of_message(&self.format())
    }

    /// Returns the text for a place that takes no HTML, and where what was filled in keeps its own direction: `C++` in an Arabic sentence.
    pub(crate) fn apart(self) -> String {
        let text = self.format();
        if text.chars().any(is_right_to_left) { text.into_owned() } else { without_isolation(&text) }
    }

    /// Returns the text for a place that takes no HTML.
    pub(crate) fn plain(self) -> String {
        without_isolation(&self.format())
    }

    fn format(&self) -> Cow<'_, str> {
        let bundle = &BUNDLES[self.language.index()];
        let pattern = bundle.get_message(self.key).and_then(|message| message.value());
        pattern.map_or(Cow::Borrowed(self.key), |pattern| bundle.format_pattern(pattern, Some(&self.arguments), &mut Vec::new()))
    }
}

/// Whether a character is a letter of Hebrew or Arabic script.
const fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tag: &str) -> Texts {
        Texts::of(Language::of_tag(tag).unwrap())
    }

    #[test]
    fn a_number_is_written_as_its_language_does() {
        for (tag, written) in [
            ("en", "1,234,567"),
            ("de", "1.234.567"),
            ("fr", "1\u{202f}234\u{202f}567"),
            ("pl", "1\u{a0}234\u{a0}567"),
            ("ja", "1,234,567"),
            ("ar", "١٬٢٣٤٬٥٦٧"),
        ] {
            assert_eq!(texts(tag).number(&1_234_567), written, "{tag}");
            let said = texts(tag).message("total").number("total", 1_234_567).plain();
            assert!(said.contains(written), "{said}");
        }
        assert_eq!(texts("es").number(&1234), "1234");
    }

    #[test]
    fn a_text_takes_the_plural_of_its_number() {
        let ahead = |tag, number| texts(tag).message("ahead").number("ahead", number).plain();
        assert_eq!(ahead("en", 0), "Nobody is ahead of you");
        assert_eq!(ahead("en", 1), "1 person is ahead of you");
        assert_eq!(ahead("en", 1204), "1,204 people are ahead of you");
        assert_eq!(ahead("pl", 2), "Przed Tobą są 2 osoby");
        assert_eq!(ahead("pl", 5), "Przed Tobą jest 5 osób");
        assert_eq!(ahead("ar", 2), "شخصان قبلك");
        assert_eq!(ahead("he", 1), "אדם אחד לפניך");
    }

    /// Of two people with one effective position, the earlier one stays ahead. So a friend may move nobody.
    #[test]
    fn a_friend_is_said_to_move_a_person_up_to_the_boost() {
        let moves = |tag, boost| texts(tag).message("move-up-body").number("boost", boost).plain();
        assert_eq!(moves("en", 1), "Each friend who joins with your link can move you up by 1 place.");
        assert_eq!(moves("en", 3), "Each friend who joins with your link can move you up by up to 3 places.");
        for (tag, most) in [("de", "bis zu 3"), ("fr", "3 places au maximum"), ("pl", "maksymalnie o 3"), ("ja", "最大 3"), ("ar", "حتى ٣")]
        {
            assert!(moves(tag, 3).contains(most), "{}", moves(tag, 3));
        }
    }

    #[test]
    fn a_date_is_said_and_exact_in_its_markup() {
        let instant = Timestamp::parse("2026-11-05T09:07:00Z").unwrap();
        for (tag, said) in [("en", "5 November 2026"), ("de", "5. November 2026"), ("ja", "2026年11月5日"), ("ar", "٥ نوفمبر ٢٠٢٦")]
        {
            let html = format!("<time datetime=\"2026-11-05T09:07:00.000Z\" title=\"2026-11-05 09:07 UTC\">{said}</time>");
            assert_eq!(texts(tag).date(&instant).to_string(), html);
            let time = if tag == "ar" { "٠٩:٠٧" } else { "09:07" };
            let html = format!("<time datetime=\"2026-11-05T09:07:00.000Z\">{said} <bdi dir=\"ltr\">{time} UTC</bdi></time>");
            assert_eq!(texts(tag).moment(&instant).to_string(), html);
        }
        let first = Timestamp::parse("2026-12-01T09:07:00Z").unwrap();
        for (tag, said) in [("en", ">1 December"), ("fr", ">1er décembre"), ("it", ">1º dicembre"), ("ar", ">١ ديسمبر")] {
            assert!(texts(tag).date(&first).to_string().contains(said), "{}", texts(tag).date(&first));
        }
    }

    #[test]
    fn the_last_two_digits_decide_about_arabic_plurals() {
        let ahead = |number| texts("ar").message("ahead").number("ahead", number).plain();
        for (number, said) in [
            (0, "لا أحد قبلك"),
            (1, "شخص واحد قبلك"),
            (2, "شخصان قبلك"),
            (3, "٣ أشخاص قبلك"),
            (11, "١١ شخصًا قبلك"),
            (100, "١٠٠ شخص قبلك"),
            (101, "١٠١ شخص قبلك"),
            (102, "١٠٢ شخص قبلك"),
            (103, "١٠٣ أشخاص قبلك"),
            (111, "١١١ شخصًا قبلك"),
            (200, "٢٠٠ شخص قبلك"),
            (1003, "١٬٠٠٣ أشخاص قبلك"),
            (12337, "١٢٬٣٣٧ شخصًا قبلك"),
        ] {
            assert_eq!(ahead(number).replace(['\u{2068}', '\u{2069}'], ""), said, "{number}");
        }
    }

    #[test]
    fn a_value_is_isolated_and_cannot_end_its_isolation() {
        let html = texts("ar").message("leave-title").text("list", "\u{2069}<b>\u{202E}x").markup().to_string();
        assert!(html.contains("<bdi>&lt;b&gt;x</bdi>"), "{html}");
    }
}
