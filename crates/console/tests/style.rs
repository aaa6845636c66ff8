//! What holds for the style sheet.

use rally_console::assets;
use rally_pages::assets::CSS;

fn sheet(assets: &'static [rally_pages::assets::Asset]) -> &'static str {
    let sheet = assets.iter().find(|asset| asset.content_type == CSS).expect("a style sheet");
    std::str::from_utf8(sheet.bytes).expect("UTF-8")
}

/// Returns the tokens of the light and the dark look.
fn tokens(sheet: &str) -> [Vec<(&str, &str)>; 2] {
    let (light, rest) = sheet.split_once("@media (prefers-color-scheme: dark)").expect("a dark look");
    [light, rest.split_once("\n}\n").expect("an end").0]
        .map(|text| text.lines().filter_map(|line| line.trim().strip_prefix("--")?.trim_end_matches(';').split_once(": ")).collect())
}

#[test]
fn the_tokens_are_those_of_the_pages() {
    let [console, pages] = [sheet(assets::assets()), sheet(rally_pages::assets::assets())].map(tokens);
    for (console, pages) in console.iter().zip(&pages) {
        let shared = console.iter().filter(|(name, _)| *name != "column").filter_map(|(name, value)| {
            let (_, other) = pages.iter().find(|(other, _)| other == name)?;
            Some((name, value, other))
        });
        let shared: Vec<_> = shared.collect();
        assert!(shared.len() > 8);
        for (name, value, other) in shared {
            assert_eq!(value, other, "--{name}");
        }
    }
}

#[test]
fn the_layout_follows_the_direction_of_the_script() {
    for line in sheet(assets::assets()).lines().map(str::trim).filter(|line| !line.starts_with("@media")) {
        for physical in ["left", "right", "width:", "height:", "top:", "bottom:"] {
            let logical = line.starts_with("stroke-width:") || line.starts_with("line-height:");
            assert!(logical || !line.contains(physical), "{line}");
        }
    }
}

#[test]
fn the_style_sheet_loads_nothing() {
    assert!(!sheet(assets::assets()).contains("url(") && !sheet(assets::assets()).contains("@import"));
}
