//! Writes every page in every state into a folder, to be looked at: `cargo run -p rally-console --example console_gallery -- FOLDER`.

#[path = "../tests/gallery/mod.rs"]
mod gallery;

use std::io::{Error, Result};
use std::path::Path;
use std::{env, fs};

use rally_console::{Can, assets, policy};

fn main() -> Result<()> {
    let folder = env::args().nth(1).ok_or_else(|| Error::other("name a folder"))?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder.join("assets"))?;
    for asset in rally_pages::assets::assets().iter().chain(assets::assets()) {
        fs::write(folder.join(&asset.path[1..]), asset.bytes)?;
    }
    fs::write(folder.join("policy"), policy::CONSOLE)?;
    let (all, reads) = (Can::of(|_| true), Can::of(|action| action.ends_with(".read")));
    let (text, email) = ("Donaudampfschifffahrt".repeat(9), format!("{}@{}.example", "a".repeat(64), "b".repeat(63)));
    let long = gallery::Words { text: &text, email: &email, name: &text, id: gallery::USUAL.id };
    for (name, can, words) in [("all", all, gallery::USUAL), ("reads", reads, gallery::USUAL), ("long", all, long)] {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        for (name, html) in gallery::pages(can, words) {
            fs::write(folder.join(name).with_extension("html"), html)?;
        }
    }
    Ok(())
}
