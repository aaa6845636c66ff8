//! The files that pages load: style sheet, scripts and icon, under names that change with their content, and the widget.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::language::Language;
use crate::texts::Texts;

/// A file that a page loads. Its path changes with its content, so it may be cached for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// The path below the root of the server, `/assets/…`.
    pub path: String,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub bytes: &'static [u8],
}

/// The script of the widget. Its address never changes, so it needs an `ETag`.
///
/// It has the texts that it shows if it cannot load its form, by language.
pub static WIDGET: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let texts: BTreeMap<&str, [String; 2]> = Language::all()
        .map(|language| (language.tag(), ["form-unavailable", "try-again"].map(|key| Texts::of(language).plain(key))))
        .collect();
    let json = serde_json::to_string(&texts).expect("texts serialise");
    include_str!("../assets/widget.js").replacen(NO_TEXTS, &format!("const TEXTS = {json};"), 1).into_bytes()
});

/// The line of the widget that takes the texts.
const NO_TEXTS: &str = "const TEXTS = {};";

/// The type of the scripts, also of the widget.
pub const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
/// The type of the style sheets, also of those that colours make.
pub const CSS: &str = "text/css; charset=utf-8";

const FILES: [(&str, &str, &str, &[u8]); 6] = [
    ("style", "css", CSS, include_bytes!("../assets/style.css")),
    ("form", "js", JAVASCRIPT, include_bytes!("../assets/form.js")),
    ("share", "js", JAVASCRIPT, include_bytes!("../assets/share.js")),
    ("work", "js", JAVASCRIPT, include_bytes!("../assets/work.js")),
    ("embed", "js", JAVASCRIPT, include_bytes!("../assets/embed.js")),
    ("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |(name, extension, content_type, bytes): (&str, &str, _, _)| {
        let path = format!("/assets/{name}.{}.{extension}", fingerprint(bytes));
        Asset { path, content_type, bytes }
    };
    FILES.into_iter().map(asset).collect()
});

/// Returns all files that pages load, but for the style sheets of colours.
pub fn assets() -> &'static [Asset] {
    &ASSETS
}

/// Returns the first 12 hexadecimal digits of the SHA-256 of some bytes, as in the paths. It also serves as an `ETag`.
pub fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the path of a file by its position in [`FILES`].
fn path(index: usize) -> &'static str {
    &ASSETS[index].path
}

pub(crate) fn style() -> &'static str {
    path(0)
}

pub(crate) fn form() -> &'static str {
    path(1)
}

pub(crate) fn share() -> &'static str {
    path(2)
}

pub(crate) fn work() -> &'static str {
    path(3)
}

pub(crate) fn embed() -> &'static str {
    path(4)
}

pub(crate) fn icon() -> &'static str {
    path(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_content() {
        for asset in assets() {
            assert!(asset.path.contains(&fingerprint(asset.bytes)), "{}", asset.path);
        }
        assert!(style().ends_with(".css") && icon().ends_with(".svg"));
        assert!([form(), share(), work(), embed()].iter().all(|path| path.ends_with(".js")));
    }

    #[test]
    fn the_widget_can_say_in_every_language_that_it_has_no_form() {
        let script = std::str::from_utf8(&WIDGET).unwrap();
        assert!(!script.contains(NO_TEXTS));
        for language in Language::all() {
            let told = Texts::of(language).plain("form-unavailable");
            assert!(script.contains(&format!("\"{}\":[\"{told}\"", language.tag())), "{}", language.tag());
        }
    }
}
