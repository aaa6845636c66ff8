//! The files that the console loads, under names that change with their content.

use std::sync::LazyLock;

use rally_pages::assets::{CSS, JAVASCRIPT, fingerprint};

pub use rally_pages::assets::Asset;

const STYLE: &[u8] = include_bytes!("../assets/console.css");
const SCRIPT: &[u8] = include_bytes!("../assets/console.js");

static ASSETS: LazyLock<[Asset; 2]> = LazyLock::new(|| {
    let asset = |extension: &str, content_type, bytes: &'static [u8]| {
        let path = format!("/assets/console.{}.{extension}", fingerprint(bytes));
        Asset { path, content_type, bytes }
    };
    [asset("css", CSS, STYLE), asset("js", JAVASCRIPT, SCRIPT)]
});

/// Returns the files that only the console loads. The icon is one of [`rally_pages::assets::assets`].
pub fn assets() -> &'static [Asset] {
    &*ASSETS
}

pub(crate) fn style() -> &'static str {
    &ASSETS[0].path
}

pub(crate) fn script() -> &'static str {
    &ASSETS[1].path
}

pub(crate) fn icon() -> &'static str {
    let icon = rally_pages::assets::assets().iter().find(|asset| asset.path.ends_with(".svg"));
    icon.map_or("", |asset| &asset.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_content() {
        assert!(assets().iter().all(|asset| asset.path.contains(&fingerprint(asset.bytes))));
        assert!(style().ends_with(".css") && script().ends_with(".js") && icon().ends_with(".svg"));
    }

    #[test]
    fn the_script_is_small() {
        assert!(SCRIPT.len() < 17_408, "{} bytes", SCRIPT.len());
    }
}
