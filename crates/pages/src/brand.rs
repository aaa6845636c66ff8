//! The look of a workspace: its name, logo and colour, and the style sheet that a colour makes.

use url::Url;

/// The look of the workspace that a page belongs to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Brand<'a> {
    /// The name.
    pub name: Option<&'a str>,
    /// The address of the logo. A page shows it if it is http or https.
    pub logo_url: Option<&'a str>,
    /// The colour, `#RRGGBB`.
    pub primary_color: Option<&'a str>,
}

impl Brand<'_> {
    /// Returns the address of the logo if a page may show it.
    pub fn logo(&self) -> Option<&str> {
        self.logo_url.filter(|url| is_web(url))
    }

    /// Returns the address of the logo if previews of a page can show it. None of them shows an SVG.
    pub(crate) fn preview(&self) -> Option<&str> {
        let is_vector = |url: &str| Url::parse(url).is_ok_and(|url| url.path().to_ascii_lowercase().ends_with(".svg"));
        self.logo().filter(|url| !is_vector(url))
    }

    /// Returns the origin of the logo, for the policy of a page.
    ///
    /// A host with characters that a policy would read as its own syntax has none, so the logo is not loaded.
    pub fn logo_origin(&self) -> Option<String> {
        let origin = Url::parse(self.logo()?).ok()?.origin().ascii_serialization();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '/' | '[' | ']' | '_');
        origin.chars().all(plain).then_some(origin)
    }

    /// Returns the colour, if it is one.
    pub fn color(&self) -> Option<Color> {
        self.primary_color.and_then(Color::parse)
    }
}

/// Tells whether a text is an absolute http or https URL.
pub(crate) fn is_web(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// A colour of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color([u8; 3]);

impl Color {
    /// White.
    pub const WHITE: Self = Self([0xff; 3]);
    /// Black.
    pub const BLACK: Self = Self([0; 3]);
    /// The ground of pages in light and in dark, as in the style sheet.
    pub const GROUNDS: [Self; 2] = [Self::WHITE, Self([0x11, 0x13, 0x18])];
    /// The border of fields on those grounds.
    const BORDERS: [Self; 2] = [Self([0x86, 0x8e, 0x9c]), Self([0x7d, 0x85, 0x94])];

    /// Reads `RRGGBB`, with or without `#` before it.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// Returns the six digits, without `#`.
    pub fn hex(self) -> String {
        self.0.iter().map(|channel| format!("{channel:02x}")).collect()
    }

    /// Returns the relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// Returns the contrast with another colour, 1 to 21 (WCAG 2.2).
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Returns black or white, the one that contrasts more.
    pub fn text(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// Returns this colour with `percent` of another in it.
    fn mix(self, other: Self, percent: u32) -> Self {
        let channel = |a: u8, b: u8| {
            let mixed = (u32::from(a) * (100 - percent) + u32::from(b) * percent + 50) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self(std::array::from_fn(|index| channel(self.0[index], other.0[index])))
    }

    /// Returns the button's backgrounds: as it is, under the pointer, and pressed. The contrast with the text only grows.
    pub fn states(self) -> [Self; 3] {
        let away = if self.text() == Self::WHITE { Self::BLACK } else { Self::WHITE };
        [self, self.mix(away, 12), self.mix(away, 24)]
    }

    /// Returns the colour for edges and bars on the light and the dark ground: itself where it is seen, else a border's.
    pub fn edges(self) -> [Self; 2] {
        std::array::from_fn(|index| if self.contrast(Self::GROUNDS[index]) >= 3.0 { self } else { Self::BORDERS[index] })
    }

    /// Returns the style sheet of the colour.
    pub fn style_sheet(self) -> String {
        let [rest, hover, press] = self.states().map(Self::hex);
        let [light, dark] = self.edges().map(Self::hex);
        let text = self.text().hex();
        format!(
            ":root{{--brand:#{rest};--brand-text:#{text};--brand-hover:#{hover};--brand-press:#{press};--brand-edge:#{light}}}\n\
             @media (prefers-color-scheme:dark){{:root{{--brand-edge:#{dark}}}}}\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_colour_is_six_digits() {
        assert_eq!(Color::parse("#1A73e8").map(Color::hex).as_deref(), Some("1a73e8"));
        for bad in ["", "#fff", "red", "#12345g", "##12345", "#1234567", "#é2345"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_contrast_is_that_of_wcag() {
        assert!((Color::BLACK.contrast(Color::WHITE) - 21.0).abs() < 1e-9);
        let grey = Color::parse("767676").unwrap();
        assert!((grey.contrast(Color::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn a_logo_is_shown_from_the_web_only() {
        let logo = |url| Brand { logo_url: Some(url), ..Brand::default() };
        assert_eq!(logo("https://cdn.example:8443/a.png").logo_origin().as_deref(), Some("https://cdn.example:8443"));
        for bad in ["javascript:alert(1)", "data:image/png;base64,AA", "//cdn.example/a.png", "/a.png", "ftp://x/a.png"] {
            assert_eq!((logo(bad).logo(), logo(bad).logo_origin()), (None, None), "{bad}");
        }
        assert_eq!(logo("https://x;script-src *.example/a.png").logo_origin(), None);
        assert_eq!(logo("https://x;script-src/a.png").logo_origin(), None);
    }

    proptest! {
        #[test]
        fn the_text_of_a_button_is_readable_in_every_state(channels: [u8; 3]) {
            let color = Color(channels);
            let text = color.text();
            let contrasts = color.states().map(|state| state.contrast(text));
            prop_assert!(contrasts[0] >= 4.5, "{contrasts:?}");
            prop_assert!(contrasts[0] <= contrasts[1] && contrasts[1] <= contrasts[2], "{contrasts:?}");
            prop_assert_eq!(color.states()[0], color);
        }

        #[test]
        fn an_edge_is_seen_on_its_ground(channels: [u8; 3]) {
            for (edge, ground) in Color(channels).edges().into_iter().zip(Color::GROUNDS) {
                prop_assert!(edge.contrast(ground) >= 3.0);
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            prop_assert!(Color::parse(&text).is_none_or(|color| text.to_lowercase().ends_with(&color.hex())));
        }
    }
}
