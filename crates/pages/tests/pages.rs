//! What holds for every page in every state and language.

mod gallery;

use std::collections::BTreeSet;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use gallery::{USUAL, Words};
use rally_pages::{Brand, Language, assets};

/// What somebody writes who wants to break out of a text or an attribute.
const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;{{ 7 }}</textarea></option>";
const HOSTILE_URL: &str = "https://example.com/\"'><script>alert(1)</script>";

const BREAKING: Words<'static> = Words {
    brand: Brand { name: Some(HOSTILE), logo_url: Some(HOSTILE_URL), primary_color: Some("#0f766e") },
    list: HOSTILE,
    description: HOSTILE,
    text: HOSTILE,
    url: HOSTILE_URL,
    email: HOSTILE,
    name: HOSTILE,
    rewards: [HOSTILE, HOSTILE],
};

fn every_page(words: Words<'_>) -> impl Iterator<Item = (Language, String, String)> {
    Language::all().flat_map(move |language| gallery::pages(language, words).into_iter().map(move |(name, html)| (language, name, html)))
}

/// Returns the tags of a page in their order.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).filter_map(|rest| rest.split([' ', '>', '\n']).next()).collect()
}

/// Returns the values of an attribute in a page.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    html.split(&format!(" {attribute}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn a_page_names_its_language_and_direction() {
    for (language, name, html) in every_page(USUAL) {
        let head = format!("<html lang=\"{}\" dir=\"{}\"", language.tag(), language.direction().as_str());
        assert!(html.starts_with("<!doctype html>") && html.contains(&head), "{name} in {}", language.tag());
    }
}

/// A suppression holds for all waitlists of a workspace.
#[test]
fn the_end_of_mail_is_that_of_a_sender_and_not_of_a_list() {
    for (language, name, html) in every_page(USUAL).filter(|(_, name, _)| name == "unsubscribe") {
        assert!(!html.contains(USUAL.list), "{name} in {}", language.tag());
    }
    let (_, _, english) = every_page(USUAL).find(|(_, name, _)| name == "unsubscribe").unwrap();
    assert!(english.contains("Unsubscribe from this sender?") && english.contains("whatever the waitlist"), "{english}");
    let found = every_page(USUAL).find(|(_, _, html)| html.contains("mail about this waitlist"));
    assert_eq!(found.map(|(_, name, _)| name), None);
}

#[test]
fn no_page_has_a_script_or_a_style_of_its_own() {
    for (language, name, html) in every_page(USUAL).chain(every_page(BREAKING)) {
        let lower = html.to_lowercase();
        for script in lower.split("<script").skip(1) {
            assert!(script.starts_with(" type=\"module\" src=\"/assets/"), "{name} in {}", language.tag());
        }
        for inline in ["<style", " style=", " onclick=", " onload=", "href=\"javascript:", "src=\"data:"] {
            assert!(!lower.contains(inline), "{name} in {} has {inline}", language.tag());
        }
    }
}

#[test]
fn hostile_text_adds_no_element() {
    let usual = Words { brand: Brand { logo_url: Some("https://example.com/logo.png"), ..USUAL.brand }, ..USUAL };
    for ((language, name, html), (_, _, hostile)) in every_page(usual).zip(every_page(BREAKING)) {
        assert_eq!(tags(&hostile), tags(&html), "{name} in {}", language.tag());
    }
}

#[test]
fn only_web_addresses_become_links() {
    for url in ["javascript:alert(1)", "data:text/html,x", "//example.com", "ftp://example.com"] {
        let words = Words { url, brand: Brand { logo_url: Some(url), ..USUAL.brand }, ..USUAL };
        for (name, html) in gallery::pages(Language::default(), words) {
            assert!(!html.contains(&format!("href=\"{url}")) && !html.contains("<img"), "{name} with {url}");
        }
    }
}

#[test]
fn a_page_in_a_frame_is_the_content_alone() {
    for (name, html) in gallery::pages(Language::default(), USUAL).into_iter().filter(|(name, _)| name.contains("embedded")) {
        assert!(html.contains("<body class=\"embed\"") && !html.contains("<footer") && !html.contains("<header"), "{name}");
        let tells = html.contains("/assets/embed.");
        assert_eq!(tells, html.contains("data-framers=\"https://acme.example http://localhost:5173\""), "{name}");
        assert_eq!(tells, name == "sign-up-embedded", "{name}");
        let leaves: Vec<&str> = html.split("<a ").skip(1).filter(|link| link.starts_with("href=\"http")).collect();
        assert!(leaves.iter().all(|link| link.contains("target=\"_blank\"")), "{name}: {leaves:?}");
    }
}

#[test]
fn no_control_in_a_preview_takes_focus_or_clicks() {
    for (name, html) in gallery::pages(Language::default(), USUAL) {
        let is_inert = html.contains("<body inert") && html.contains("dir=\"ltr\" tabindex=\"0\">");
        assert_eq!(is_inert, name == "sign-up-preview", "{name}");
    }
}

#[test]
fn a_link_that_opens_a_tab_says_so() {
    for (language, name, html) in every_page(USUAL) {
        let links = html.split("<a ").skip(1).filter(|link| link.contains("target=\"_blank\""));
        for link in links {
            let text = link.split("</a>").next().unwrap();
            assert!(text.contains(" <span class=\"apart\">"), "{name} in {}: {text}", language.tag());
        }
    }
}

#[test]
fn a_page_without_a_form_leads_to_one() {
    for (name, html) in gallery::pages(Language::default(), USUAL).into_iter().filter(|(name, _)| name.starts_with("sign-up-")) {
        let is_elsewhere = matches!(name.as_str(), "sign-up-elsewhere" | "sign-up-own-page");
        assert_eq!(html.contains("<form"), !is_elsewhere, "{name}");
        assert_eq!(html.contains(&format!("class=\"button main\" href=\"{}\"", USUAL.url)), name == "sign-up-own-page", "{name}");
    }
}

#[test]
fn the_page_of_a_person_has_a_title_of_its_own() {
    let pages = gallery::pages(Language::default(), USUAL);
    let title = |name: &str| {
        let html = &pages.iter().find(|(page, _)| page == name).unwrap().1;
        html.split("<title>").nth(1).unwrap().split("</title>").next().unwrap().to_owned()
    };
    assert_eq!(title("sign-up"), "Early access – Acme");
    assert_eq!(title("visitor"), "Your place – Early access – Acme");
    assert_eq!(title("visitor-problems"), "Error: Your place – Early access – Acme");
    assert_eq!(title("visitor-rejected"), "Not this time – Early access – Acme");
}

#[test]
fn a_page_with_errors_says_so_in_its_tab() {
    for language in Language::all() {
        let pages = gallery::pages(language, USUAL);
        let html = |name: &str| &pages.iter().find(|(page, _)| page == name).unwrap().1;
        let title = |html: &str| html.split("<title>").nth(1).unwrap().split("</title>").next().unwrap().to_owned();
        for (page, with_errors) in [("sign-up", "sign-up-too-fast"), ("visitor", "visitor-problems"), ("lost-link", "lost-link-wrong")] {
            assert_eq!(values(html(page), "data-tab"), [title(html(with_errors))], "{page} in {}", language.tag());
        }
    }
}

#[test]
fn a_name_of_another_script_leaves_the_title_on_its_side() {
    for (language, name, html) in every_page(USUAL) {
        assert!(!html.contains("<h1 dir="), "{name} in {}", language.tag());
    }
}

#[test]
fn a_preview_has_a_picture_that_it_can_show() {
    for (logo, preview) in [("https://acme.example/logo.png?v=.svg", true), ("https://acme.example/Logo.SVG?v=1", false)] {
        let words = Words { brand: Brand { logo_url: Some(logo), ..USUAL.brand }, ..USUAL };
        let (_, html) = gallery::pages(Language::default(), words).swap_remove(0);
        let tags = [format!("property=\"og:image\" content=\"{logo}\""), "property=\"og:image:alt\" content=\"Acme\"".to_owned()];
        assert_eq!(tags.map(|tag| html.contains(&tag)), [preview; 2], "{logo}");
        assert!(html.contains("<img"), "{logo}");
    }
}

#[test]
fn a_section_that_was_saved_says_so() {
    for (name, html) in gallery::pages(Language::default(), USUAL).into_iter().filter(|(name, _)| name.starts_with("visitor")) {
        let section = match name.as_str() {
            "visitor-approved" => "Mail",
            "visitor-saved" => "Language",
            _ => {
                assert!(!html.contains("id=\"saved\""), "{name}");
                continue;
            }
        };
        let open = html.split("<details open>").nth(1).unwrap().split("</details>").next().unwrap();
        let told = "<p class=\"notice good\" id=\"saved\" role=\"status\" tabindex=\"-1\">Saved</p>";
        assert!(open.contains(&format!("<h2>{section}</h2>")) && open.contains(told), "{name}: {open}");
    }
}

#[test]
fn a_list_that_takes_nobody_leads_those_who_have_joined_to_their_link() {
    let ask = "Already on the waitlist? Get your link again";
    for (name, html) in gallery::pages(Language::default(), USUAL) {
        let is_shut = matches!(name.as_str(), "paused" | "closed" | "full");
        assert_eq!(html.contains(&format!("<p><a href=\"/there\">{ask}</a></p>")), is_shut, "{name}");
        assert!(!name.starts_with("sign-up-full") && name != "sign-up-embedded" || html.contains(ask), "{name}");
    }
}

#[test]
fn nobody_is_asked_to_invite_friends_who_cannot_join() {
    let texts = [
        ("visitor", ""),
        ("visitor-paused", "<h2>This waitlist is taking a break</h2>\n<p>Friends cannot join at the moment."),
        ("visitor-full", "<h2>This waitlist is full</h2>\n<p>Friends cannot join at the moment."),
        ("visitor-closed", "<h2>This waitlist is closed</h2>\n<p>Friends cannot join any more."),
        ("visitor-closed-alone", "<h2>This waitlist is closed</h2>\n<p>Friends cannot join any more."),
    ];
    let pages = gallery::pages(Language::default(), USUAL);
    for (name, told) in texts {
        let html = &pages.iter().find(|(page, _)| page == name).unwrap().1;
        let asks = ["data-copy", "<progress", "can move you up", "mailto:"].map(|part| html.contains(part));
        assert_eq!(asks, [name == "visitor"; 4], "{name}");
        assert!(html.contains(told), "{name}");
        // A reward that was reached stays, also on a closed list.
        let shown = USUAL.rewards.map(|reward| html.contains(&format!("<span dir=\"auto\">{reward}</span>")));
        assert_eq!(shown, [!name.ends_with("alone"), !name.starts_with("visitor-closed")], "{name}");
        assert_eq!(html.contains("<h2>Your friends"), name != "visitor-closed-alone", "{name}");
    }
}

#[test]
fn every_id_is_unique_and_every_reference_has_its_target() {
    for (language, name, html) in every_page(USUAL) {
        let ids = values(&html, "id");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "{name}");
        let described = values(&html, "aria-describedby").into_iter().flat_map(str::split_whitespace);
        let links = values(&html, "href").into_iter().filter_map(|href| href.strip_prefix('#'));
        for target in values(&html, "for").into_iter().chain(described).chain(links) {
            assert!(unique.contains(target), "{name} in {} has no {target}", language.tag());
        }
    }
}

#[test]
fn every_refused_field_says_what_to_do() {
    for (language, name, html) in every_page(USUAL).filter(|(_, name, _)| matches!(name.as_str(), "sign-up-missing" | "sign-up-wrong")) {
        let errors = html.matches("class=\"error\"").count();
        let empty =
            html.split("class=\"error\" id=\"").skip(1).filter(|rest| rest.split('>').nth(1).is_some_and(|text| text.starts_with('<')));
        assert_eq!((errors, empty.count()), (13, 0), "{name} in {}", language.tag());
        assert_eq!(html.matches("<li><a href=\"#").count(), 13, "{name} in {}", language.tag());
        assert!(html.contains("aria-invalid=\"true\""));
    }
}

#[test]
fn a_page_is_small() {
    let files: usize = assets::assets().iter().map(|asset| asset.bytes.len()).sum();
    for (language, name, html) in every_page(USUAL) {
        assert!(html.len() + files < 60_000, "{name} in {}: {} bytes and {files} of files", language.tag(), html.len());
    }
}

#[test]
fn the_widget_is_small() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&assets::WIDGET).unwrap();
    let size = gzip.finish().unwrap().len();
    assert!(size <= 12_288, "{size} bytes");
}

#[test]
fn the_document_of_the_widget_has_every_control_with_its_texts() {
    for language in Language::all() {
        let document: serde_json::Value = serde_json::from_str(&gallery::widget(language, BREAKING)).unwrap();
        assert_eq!((document["lang"].as_str(), document["dir"].as_str()), (Some(language.tag()), Some(language.direction().as_str())));
        let controls = document["controls"].as_array().unwrap();
        assert_eq!(controls.len(), 12);
        assert!(
            controls
                .iter()
                .all(|control| ["label", "missing", "wrong"].iter().all(|key| control[key].as_str().is_some_and(|text| !text.is_empty())))
        );
        assert_eq!(document["name"], HOSTILE);
        let waits = document["texts"]["errors"]["too_many_requests_for"].as_array().unwrap();
        assert!(waits.iter().is_sorted_by_key(|wait| wait[0].as_u64()) && waits.iter().all(|wait| wait[1].is_string()));
    }
}

#[test]
fn a_page_says_how_long_to_wait() {
    let pages = gallery::pages(Language::default(), USUAL);
    let html = &pages.iter().find(|(page, _)| page == "error-429").unwrap().1;
    assert!(html.contains("<p>Wait <bdi>10</bdi> minutes and try again.</p>"), "{html}");
}

#[test]
fn every_page_ends_where_its_document_ends() {
    for (language, name, html) in every_page(USUAL) {
        assert!(html.trim_end().ends_with("</html>"), "{name} in {}", language.tag());
    }
}
