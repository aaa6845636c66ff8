//! Writes every page in every state and language into a folder, to be looked at: `cargo run --example gallery -- FOLDER`.

#[path = "../tests/gallery/mod.rs"]
mod gallery;

use std::io::{Error, Result};
use std::path::Path;
use std::{env, fs};

use rally_pages::{Brand, Color, Language, assets, content_security_policy};

/// Colours of brands, some of which can hardly be seen on their ground.
const COLORS: [&str; 5] = ["#0f766e", "#ffffff", "#111318", "#ffd400", "#e11d48"];

fn main() -> Result<()> {
    let folder = env::args().nth(1).ok_or_else(|| Error::other("name a folder"))?;
    let folder = Path::new(&folder);
    let logo = env::args().nth(2);
    let mut words = gallery::USUAL;
    words.brand = Brand { logo_url: logo.as_deref(), ..words.brand };
    fs::create_dir_all(folder.join("assets/brand"))?;
    for asset in assets::assets() {
        fs::write(folder.join(&asset.path[1..]), asset.bytes)?;
    }
    for color in COLORS.into_iter().filter_map(Color::parse) {
        fs::write(folder.join(format!("assets/brand/{}.css", color.hex())), color.style_sheet())?;
    }
    for color in COLORS {
        let folder = folder.join(&color[1..]);
        fs::create_dir_all(&folder)?;
        let words = gallery::Words { brand: Brand { primary_color: Some(color), ..words.brand }, ..words };
        for (name, html) in gallery::pages(Language::default(), words) {
            fs::write(folder.join(name).with_extension("html"), html)?;
        }
    }
    fs::write(folder.join("widget.js"), &*assets::WIDGET)?;
    fs::write(folder.join("policy"), content_security_policy(&words.brand, &[], None))?;
    for language in Language::all() {
        let folder = folder.join(language.tag());
        fs::create_dir_all(&folder)?;
        for (name, html) in gallery::pages(language, words) {
            fs::write(folder.join(name).with_extension("html"), html)?;
        }
        fs::write(folder.join("widget.json"), gallery::widget(language, words))?;
    }
    Ok(())
}
