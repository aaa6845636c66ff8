//! What holds for the style sheet.

use rally_pages::{Color, assets};

fn style() -> &'static str {
    let sheet = assets::assets().iter().find(|asset| asset.content_type == assets::CSS).expect("a style sheet");
    std::str::from_utf8(sheet.bytes).expect("UTF-8")
}

/// Returns a colour of the light or the dark look.
fn color(name: &str, dark: bool) -> Color {
    let (light, rest) = style().split_once("@media (prefers-color-scheme: dark)").expect("a dark look");
    let find = |text: &str| {
        let value = text.split_once(&format!("--{name}: "))?.1;
        Color::parse(value.split_once(';')?.0)
    };
    find(if dark { rest } else { light }).or_else(|| find(light)).expect("a colour")
}

#[test]
fn every_colour_is_seen_on_its_ground() {
    for dark in [false, true] {
        let ground = color("ground", dark);
        assert_eq!(ground, Color::GROUNDS[usize::from(dark)]);
        for ground in [ground, color("raised", dark)] {
            for (name, contrast) in [
                ("ink", 7.0),
                ("secondary", 4.5),
                ("good", 4.5),
                ("bad", 4.5),
                ("attention", 4.5),
                ("link", 4.5),
                ("border", 3.0),
                ("brand-edge", 3.0),
            ] {
                let found = color(name, dark).contrast(ground);
                assert!(found >= contrast, "{name} has {found:.2} on {ground:?}");
            }
        }
        for background in ["bad", "bad-hover"] {
            assert!(color(background, dark).contrast(color("bad-text", dark)) >= 4.5);
        }
    }
}

/// A browser shows the name of the brand in place of a logo that it cannot load.
#[test]
fn the_name_in_place_of_a_logo_is_seen_on_the_plate() {
    let plate = style().split(".brand img {").nth(2).expect("a plate").split('}').next().unwrap();
    let value = |name: &str| plate.lines().find_map(|line| line.trim().strip_prefix(name)?.trim_end_matches(';').strip_prefix(": "));
    let color = |name: &str| value(name).and_then(Color::parse).unwrap_or_else(|| panic!("{plate} has no {name}"));
    assert!(color("color").contrast(color("background")) >= 7.0);
}

#[test]
fn the_colour_without_a_brand_has_the_states_of_any_other() {
    let names = ["brand", "brand-hover", "brand-press"];
    let brand = color("brand", false);
    assert_eq!(names.map(|name| color(name, false)), brand.states());
    assert_eq!(color("brand-text", false), brand.text());
    assert_eq!(color("brand-edge", false), brand.edges()[0]);
}

#[test]
fn the_layout_follows_the_direction_of_the_script() {
    for line in style().lines().map(str::trim).filter(|line| !line.starts_with("@media")) {
        for physical in ["left", "right", "width:", "height:", "top:", "bottom:"] {
            let logical = line.starts_with("border-width:") || line.starts_with("line-height:");
            assert!(logical || !line.contains(physical), "{line}");
        }
    }
}

#[test]
fn the_style_sheet_loads_nothing() {
    assert!(!style().contains("url(") && !style().contains("@import"));
}
