//! How a character is shown, by the Unicode Character Database: whether a reader sees anything of it.
//!
//! What is not here: the characters that a text may have. See `text.rs` and `email.rs`.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Blanks of Braille, Egyptian and musical scripts. They show nothing, but their properties do not say so.
const BLANKS: [char; 4] = ['\u{2800}', '\u{13441}', '\u{13442}', '\u{1D159}'];

/// How a character is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// By itself.
    Alone,
    /// As part of the character before it: a combining mark.
    Combined,
    /// By a sign that not everybody has: an unassigned or a private-use character.
    Unknown,
    /// Not at all: a control, a separator, an ignorable or a blank character.
    Nothing,
}

/// Returns how a character is shown.
pub(crate) fn shown(c: char) -> Shown {
    // The fast path: most text is ASCII.
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

/// Whether a reader sees nothing of a text.
///
/// Such a text is empty, or has only white space, ignorable and blank characters, and marks. A character that this version of Unicode does
/// not know counts as visible.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(shown(c), Shown::Combined | Shown::Nothing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_visible_character_is_blank() {
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
