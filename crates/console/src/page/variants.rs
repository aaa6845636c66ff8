//! The variants of a list's texts.

use askama::Template;

use super::framed;
use crate::form::{Field, Form, Summary};
use crate::frame::{Frame, Framed};
use crate::part::{Count, Share};

/// A variant among others.
#[derive(Debug, Clone, Default)]
pub struct VariantRow {
    /// The id.
    pub id: String,
    /// `ab` or `locale`.
    pub kind: String,
    /// The language.
    pub locale: String,
    /// The title that it shows, if it replaces it.
    pub display_name: Option<String>,
    /// The weight in the pool.
    pub weight: u8,
    /// Whether it is shown.
    pub is_active: bool,
    /// The entries that saw it.
    pub signups: Count,
    /// The part of all entries.
    pub share: Share,
}

impl VariantRow {
    fn kind_text(&self) -> &'static str {
        if self.kind == "locale" { "By language" } else { "By chance" }
    }
}

/// The variants of a list: `GET {w}/variants`, with `by_variant` of the analytics.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "variants.html", whitespace = "minimize")]
pub struct VariantsPage {
    /// The frame.
    pub frame: Frame,
    /// The variants, oldest first.
    pub rows: Vec<VariantRow>,
}

framed!(VariantsPage, Variants, |_page| "Variants".to_owned());

/// A variant with a preview of the sign-up page: `POST {w}/variants` and `PATCH {w}/variants/{id}`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "variant.html", whitespace = "minimize")]
pub struct VariantPage {
    /// The frame.
    pub frame: Frame,
    /// The id. `None` for a new variant.
    pub id: Option<String>,
    /// The fields `kind` (new ones), `locale`, `weight`, `active`, `copy.display_name`, `copy.description`, `copy.confirmation_message`.
    pub form: Form,
}

framed!(VariantPage, Variants, |page| if page.id.is_some() { "Variant" } else { "New variant" }.to_owned(), |page| !page
    .form
    .errors
    .is_empty());

impl VariantPage {
    fn fields(&self) -> Vec<Field> {
        let form = &self.form;
        let kind = form.select("kind", "Who sees it", &[("ab", "People at random, by weight"), ("locale", "People who read its language")]);
        let locale = form.line("locale", "Language").hint("A tag such as en, pt-BR or zh-Hans");
        let weight = form.number("weight", "Weight").hint("From 1 to 100, against the other variants at random");
        let active = form.tick("active", "Show it");
        let copy = [
            form.line("copy.display_name", "Title").optional(),
            form.lines("copy.description", "Description", 3).optional(),
            form.lines("copy.confirmation_message", "Message after sign-up", 3).optional(),
        ];
        let first = if self.id.is_none() { vec![kind] } else { Vec::new() };
        first.into_iter().chain([locale, weight, active]).chain(copy).collect()
    }

    fn may_save(&self) -> bool {
        if self.id.is_some() { self.can().variant_update } else { self.can().variant_create }
    }

    fn action(&self) -> String {
        self.id.as_ref().map_or_else(|| self.list().new_variant(), |id| self.list().variant(id))
    }

    fn summary(&self) -> Summary {
        let fields = self.fields();
        self.form.summary(&fields)
    }
}
