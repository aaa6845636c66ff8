//! What every page has round its content.

use rally_domain::web_origin::WebOrigin;

use crate::assets;
use crate::brand::{Brand, is_web};
use crate::language::Language;
use crate::texts::Texts;

/// What every page has round its content.
#[derive(Debug, Clone, Copy, Default)]
pub struct Frame<'a> {
    /// The language of the page.
    pub language: Language,
    /// The brand of the workspace.
    pub brand: Brand<'a>,
    /// What stands before the paths of files: the path of the public URL, without a slash at its end. It is empty at the root of a host.
    pub root: &'a str,
    /// The origin of links, to which a form may lead beside that of the page. `None` if links mean something on the server's machine alone.
    pub origin: Option<&'a str>,
    /// The absolute URL of the page, for search engines and previews. `None` for pages that no stranger should find.
    pub canonical: Option<&'a str>,
    /// Whether search engines may list the page.
    pub listed: bool,
    /// The address of this page to which a choice of languages adds `lang`. `None` offers no choice.
    pub languages: Option<&'a str>,
    /// Whether the footer names Rally.
    pub badge: bool,
    /// The origins of the pages that may frame this one.
    pub framers: &'a [WebOrigin],
    /// Whether the page stands in a frame of another one. Then it has neither header nor footer, and tells that page its height.
    pub embedded: bool,
    /// Whether the page is only looked at. Then no control in it takes focus or clicks, and the keyboard only scrolls it.
    pub inert: bool,
}

/// A language that a page offers.
pub(crate) struct Offer {
    pub(crate) language: Language,
    pub(crate) url: String,
    pub(crate) current: bool,
}

impl Frame<'_> {
    /// Returns the texts of the page's language.
    pub(crate) const fn texts(&self) -> Texts {
        Texts::of(self.language)
    }

    /// Returns the title of the tab.
    fn title(&self, title: &str) -> String {
        self.brand.name.map_or_else(|| title.to_owned(), |name| format!("{title} – {name}"))
    }

    /// Returns the path of the style sheet of the brand's colour. The query changes with the way a colour becomes a style sheet.
    fn brand_style(&self) -> Option<String> {
        let color = self.brand.color()?;
        let version = assets::fingerprint(color.style_sheet().as_bytes());
        Some(format!("{}/assets/brand/{}.css?v={version}", self.root, color.hex()))
    }

    /// Returns the languages that the page offers.
    fn offers(&self) -> Vec<Offer> {
        let offer = |language: Language, base: &str| {
            let url = with_language(base, language);
            Offer { language, url, current: language == self.language }
        };
        self.languages.map_or_else(Vec::new, |base| Language::all().map(|language| offer(language, base)).collect())
    }

    /// Returns the origins that are told the height of the page, with spaces between them.
    fn told(&self) -> Option<String> {
        let framers: Vec<&str> = self.framers.iter().map(WebOrigin::as_str).collect();
        Some(framers.join(" ")).filter(|origins| self.embedded && !origins.is_empty())
    }

    /// Returns the absolute URL of the page, if it is one.
    fn canonical(&self) -> Option<&str> {
        self.canonical.filter(|url| is_web(url))
    }

    /// Returns the absolute URLs of the page in every language.
    fn alternates(&self) -> Vec<Offer> {
        let listed = self.canonical().filter(|_| self.listed && self.languages.is_some());
        let offer = |language, base: &str| Offer { language, url: with_language(base, language), current: false };
        listed.map_or_else(Vec::new, |base| Language::all().map(|language| offer(language, base)).collect())
    }
}

fn with_language(base: &str, language: Language) -> String {
    let separator = if base.contains('?') { '&' } else { '?' };
    format!("{base}{separator}lang={}", language.tag())
}

/// What a template needs of a page.
pub(crate) trait Framed {
    fn frame(&self) -> &Frame<'_>;

    /// Returns the title of the tab without the brand.
    fn title(&self) -> String;

    /// Returns the description for search engines and previews.
    fn description(&self) -> Option<&str> {
        None
    }

    /// Returns the paths of the page's scripts.
    fn scripts(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn texts(&self) -> Texts {
        self.frame().texts()
    }

    fn tab(&self) -> String {
        self.frame().title(&self.title())
    }

    /// Returns the title of the tab once a script has found something to be changed.
    fn tab_of_errors(&self) -> String {
        self.texts().title(&self.tab(), true)
    }

    fn brand_style(&self) -> Option<String> {
        self.frame().brand_style()
    }

    fn offers(&self) -> Vec<Offer> {
        self.frame().offers()
    }

    fn alternates(&self) -> Vec<Offer> {
        self.frame().alternates()
    }

    fn canonical(&self) -> Option<&str> {
        self.frame().canonical()
    }

    fn told(&self) -> Option<String> {
        self.frame().told()
    }
}
