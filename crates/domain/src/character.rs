//! What a character is to the eye, by the Unicode Character Database: whether anybody sees anything of it.
//!
//! What is not here: which texts may hold which characters. See `text.rs` and `email.rs` for that.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Characters that are shown as nothing though their properties do not say so: Braille, Egyptian and musical blanks.
const BLANKS: [char; 4] = ['\u{2800}', '\u{13441}', '\u{13442}', '\u{1D159}'];

/// How a character is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// By itself.
    Alone,
    /// As part of the character before it: a combining mark.
    Combined,
    /// By no sign that everybody has: unassigned, or for private use.
    Unknown,
    /// Not at all: a control, a separator, one that is ignored or blank.
    Nothing,
}

/// How a character is shown.
pub(crate) fn shown(c: char) -> Shown {
    // Nearly all of what people write.
    if c.is_ascii_graphic() {
        return Shown::Alone;
    }
    if BLANKS.contains(&c) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) {
        return Shown::Nothing;
    }
    match CodePointMapData::<GeneralCategory>::new().get(c) {
        GeneralCategory::Control
        | GeneralCategory::Format
        | GeneralCategory::Surrogate
        | GeneralCategory::SpaceSeparator
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator => Shown::Nothing,
        GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark => Shown::Combined,
        GeneralCategory::Unassigned | GeneralCategory::PrivateUse => Shown::Unknown,
        _ => Shown::Alone,
    }
}

/// Whether nobody would see anything of a text: it is empty, or of white space, ignored and blank characters and marks alone. What
/// this version of Unicode does not know may well be seen.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(shown(c), Shown::Combined | Shown::Nothing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_blank() {
        for blank in [
            "",
            " \u{a0}\u{3000}",
            "\u{200B}\u{200C}\u{200D}\u{2060}\u{FEFF}\u{AD}",
            "\u{3164}\u{115F}\u{1160}\u{FFA0}",
            "\u{2800}\u{1D159}",
            "\u{301}\u{20DD}\u{93E}",
            "\u{34F}\u{FE0F}\u{E0100}",
            "\u{E0041}\u{FFF9}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for seen in ["a", "\u{200B}.\u{200B}", "नमस्ते", "می\u{200C}خواهم", "👩\u{200D}💻", "\u{E000}", "\u{2801}", "한"]
        {
            assert!(!is_blank(seen), "{seen:?}");
        }
    }
}
