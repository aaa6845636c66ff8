//! What holds for every page in every state.

mod gallery;

use std::collections::BTreeSet;

use gallery::{USUAL, Words};
use rally_console::urls::{Method, ROUTES, Route};
use rally_console::{Can, assets};

/// What somebody writes who wants to break out of a text or an attribute.
const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;{{ 7 }}</textarea></option></title>";

const BREAKING: Words<'static> = Words { text: HOSTILE, email: HOSTILE, name: HOSTILE, id: HOSTILE };

fn everything() -> Can {
    Can::of(|_| true)
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
fn every_page_is_written() {
    let pages = gallery::pages(everything(), USUAL);
    assert!(pages.len() > 60, "{}", pages.len());
    for (name, html) in pages {
        assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"), "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
    }
}

#[test]
fn no_page_has_a_script_or_a_style_of_its_own() {
    for (name, html) in gallery::pages(everything(), USUAL).into_iter().chain(gallery::pages(everything(), BREAKING)) {
        let lower = html.to_lowercase();
        for script in lower.split("<script").skip(1) {
            assert!(script.starts_with(" type=\"module\" src=\"/assets/"), "{name}");
        }
        for inline in ["<style", " style=", " onclick=", " onload=", "href=\"javascript:", "src=\"data:"] {
            assert!(!lower.contains(inline), "{name} has {inline}");
        }
    }
}

#[test]
fn hostile_text_adds_no_element() {
    let pages = gallery::pages(everything(), USUAL).into_iter().zip(gallery::pages(everything(), BREAKING));
    for ((name, html), (_, hostile)) in pages {
        assert_eq!(tags(&hostile), tags(&html), "{name}");
        assert!(!hostile.contains("\"'>") && !hostile.contains("alert(1)</"), "{name}");
    }
}

#[test]
fn every_id_is_unique_and_every_reference_has_its_target() {
    for (name, html) in gallery::pages(everything(), USUAL) {
        let ids = values(&html, "id");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        let twice: Vec<&&str> = ids.iter().filter(|id| ids.iter().filter(|other| other == id).count() > 1).collect();
        assert!(twice.is_empty(), "{name} has {twice:?} twice");
        let references = ["for", "form", "aria-describedby", "aria-labelledby", "data-swap", "data-poll", "data-copy", "popovertarget"];
        let named = references.iter().flat_map(|attribute| values(&html, attribute)).flat_map(str::split_whitespace);
        let links = values(&html, "href").into_iter().filter_map(|href| href.strip_prefix('#'));
        for target in named.chain(links) {
            assert!(unique.contains(target), "{name} has no {target}");
        }
    }
}

#[test]
fn every_form_that_changes_something_has_the_token_of_the_session() {
    for (name, html) in gallery::pages(everything(), USUAL) {
        for form in html.split("<form ").skip(1).filter(|form| form.starts_with("method=\"post\"") || form.contains(" method=\"post\"")) {
            let form = form.split("</form>").next().unwrap();
            if form.contains("method=\"post\"") {
                assert_eq!(form.matches("name=\"csrf\" value=\"token\"").count(), 1, "{name}: {form}");
            }
        }
        assert!(!html.contains("csrf=") && !html.contains("?csrf"), "{name}");
    }
}

/// Whether a path fits a route, whose parameters stand for one segment each.
fn fits(route: &Route, path: &str) -> bool {
    let (pattern, segments) = (route.path.split('/'), path.split('/'));
    pattern.clone().count() == segments.clone().count()
        && pattern.zip(segments).all(|(part, segment)| part.starts_with('{') || part == segment)
}

fn is_route(method: Method, url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    ROUTES.iter().any(|route| route.method == method && fits(route, path))
}

#[test]
fn every_address_of_a_page_is_a_route() {
    let mut asked = BTreeSet::new();
    for (name, html) in gallery::pages(everything(), USUAL) {
        for url in values(&html, "href").into_iter().chain(values(&html, "src")).filter(|url| url.starts_with("/console")) {
            assert!(is_route(Method::Get, url), "{name}: no GET {url}");
        }
        for form in html.split("<form ").skip(1) {
            let form = form.split('>').next().unwrap();
            let Some(action) = form.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()) else { continue };
            let method = if form.contains("method=\"get\"") { Method::Get } else { Method::Post };
            assert!(is_route(method, action), "{name}: no {method:?} {action}");
            asked.extend(ROUTES.iter().filter(|route| route.method == method && fits(route, action)).map(|route| route.path));
        }
        for action in values(&html, "formaction") {
            assert!(is_route(Method::Post, action), "{name}: no POST {action}");
            asked.extend(ROUTES.iter().filter(|route| fits(route, action)).map(|route| route.path));
        }
    }
    let unused: Vec<&str> =
        ROUTES.iter().filter(|route| route.method == Method::Post).map(|route| route.path).filter(|path| !asked.contains(path)).collect();
    assert!(unused.is_empty(), "no page posts to {unused:?}");
}

#[test]
fn what_a_session_may_not_do_is_not_offered() {
    let reads = Can::of(|action| action.ends_with(".read"));
    for (name, html) in gallery::pages(reads, USUAL) {
        // These pages follow a request that only a session that may do it can make.
        if [
            "lists-notice",
            "referrals-of",
            "new-",
            "import",
            "confirm-",
            "decide",
            "secret-",
            "sign-in",
            "workspaces",
            "sessions",
            "error-",
        ]
        .iter()
        .any(|start| name.starts_with(start))
        {
            continue;
        }
        let may = |method, url: &str| {
            let path = url.split(['?', '#']).next().unwrap_or_default();
            let route = ROUTES.iter().find(|route| route.method == method && fits(route, path)).unwrap();
            route.action.is_empty() || route.action.ends_with(".read")
        };
        for form in html.split("<form ").skip(1) {
            let Some(action) = form.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()) else { continue };
            // Settings are shown, and cannot be saved.
            let offers = form.split("</form>").next().unwrap().contains("<button class=\"main\"");
            let is_get = form.split('>').next().unwrap().contains("method=\"get\"");
            assert!(!offers || may(if is_get { Method::Get } else { Method::Post }, action), "{name} offers {action}");
        }
        for url in values(&html, "href").into_iter().filter(|url| url.starts_with("/console/w/")) {
            assert!(may(Method::Get, url), "{name} links to {url}");
        }
        let single =
            html.split("<form method=\"post\" action=\"").skip(1).filter(|form| form.contains("><input type=\"hidden\" name=\"csrf\""));
        for form in single {
            let action = form.split('"').next().unwrap();
            let saves = ["/settings", "/mail", "/suppressions/check"].iter().any(|end| action.ends_with(end));
            let shown = saves || action.contains("/mail/templates/") || action.contains("/variants/");
            assert!(shown || may(Method::Post, action), "{name} offers {action}");
        }
    }
}

#[test]
fn every_key_is_in_the_list_of_keys() {
    let pages = gallery::pages(everything(), USUAL);
    let (_, help) = pages.iter().find(|(name, _)| name == "help").unwrap();
    let keys: BTreeSet<&str> = pages.iter().flat_map(|(_, html)| values(html, "data-key")).collect();
    assert!(keys.len() > 15);
    for key in keys {
        let shown = key.split(' ').map(|key| format!("<kbd>{key}</kbd>")).collect::<Vec<_>>().join(" ");
        assert!(help.contains(&shown), "{key} is not listed");
    }
}

#[test]
fn a_page_is_small() {
    let files: usize = assets::assets().iter().map(|asset| asset.bytes.len()).sum();
    assert!(files < 60_000, "{files}");
    for (name, html) in gallery::pages(everything(), USUAL) {
        assert!(html.len() + files < 150_000, "{name}: {} bytes and {files} of files", html.len());
    }
}

#[test]
fn a_list_is_only_shared_while_people_can_sign_up() {
    for (name, html) in gallery::pages(everything(), USUAL) {
        let is_shut = ["draft", "paused", "closed"].iter().any(|status| name.ends_with(&format!("-{status}")));
        let is_empty = html.contains("<h2>Nobody has signed up yet</h2>") || html.contains("<h2>No entry yet</h2>");
        let shares = html.contains("<p>Share the page, ") || html.contains(" Share the page of ");
        assert_eq!(shares, is_empty && !is_shut, "{name}");
    }
}

#[test]
fn what_is_known_of_an_import_is_one_sentence() {
    for (name, html) in gallery::pages(everything(), USUAL).iter().filter(|(name, _)| name.starts_with("import-")) {
        assert!(name != "import-unread" || html.contains("<p>Choose a file that is not empty</p>"), "{html}");
        let about = html.split("</dl>").nth(1).and_then(|rest| rest.split("<p class=\"hint capital\">").nth(1)).unwrap();
        let known = ["prefinery, UTF-8, separated by semicolon, started <time", "started <time", "prefinery</p>"];
        assert!(known.iter().any(|known| about.starts_with(known)), "{name}: {}", about.split("</p>").next().unwrap());
    }
}

#[test]
fn a_refusal_says_what_the_session_lacks() {
    let pages = gallery::pages(everything(), USUAL);
    for (name, says) in [
        ("error-403", "It lacks the action <code>entry.update</code>"),
        ("error-403-owners", "Only a session of all workspaces creates a workspace"),
        ("error-403-csrf", "This form is not of this session"),
    ] {
        let (_, html) = pages.iter().find(|(other, _)| other == name).unwrap();
        assert!(html.contains(says), "{name}");
    }
}

#[test]
fn a_question_says_whom_it_concerns() {
    let pages = gallery::pages(everything(), USUAL);
    let who = "<bdi>ada.lovelace@example.com</bdi>";
    for (name, says) in [
        ("confirm-entries", format!("<p>{}, {who} and 1,199 more</p>", [who; 4].join(", "))),
        ("confirm-erasures", format!("<p>{who}</p>")),
        ("confirm-key", "<p><bdi>rally_live_7Kq2…</bdi></p>".to_owned()),
    ] {
        let (_, html) = pages.iter().find(|(other, _)| other == name).unwrap();
        assert!(html.contains(&says), "{name}: {html}");
    }
}

#[test]
fn what_a_table_may_cut_is_in_the_title() {
    let pages = gallery::pages(everything(), USUAL);
    for (name, html) in pages.iter().filter(|(_, html)| html.contains("<table class=\"") && html.contains(" fits\"")) {
        let cells = html.split("<t").filter(|cell| cell.split('>').next().unwrap().contains("fits\"") && !cell.contains("scope=\"col\""));
        for cell in cells {
            assert!(cell.contains("fits\" title=\""), "{name}: <t{cell}");
        }
    }
    let fitted = pages.iter().filter(|(_, html)| html.contains("<th scope=\"row\" class=\"fits\" title=\"ada.lovelace@example.com\">"));
    assert!(fitted.count() >= 2);
}

/// Pages refuse to stand in the frame of a preview, so no link in it may be followed.
#[test]
fn no_control_in_the_preview_of_a_mail_takes_focus_or_clicks() {
    let pages = gallery::pages(everything(), USUAL);
    let (_, html) = pages.iter().find(|(name, _)| name == "mail-preview").unwrap();
    assert!(html.contains("srcdoc=\"&lt;html tabindex=&quot;0&quot;&gt;&lt;body inert&gt;"), "{html}");
}

#[test]
fn what_is_to_be_changed_in_a_row_names_the_row() {
    let pages = gallery::pages(everything(), USUAL);
    let (_, html) = pages.iter().find(|(name, _)| name == "settings-refused").unwrap();
    for told in [
        ">Question 1, Key: Enter another one: this one is there already</a>",
        ">Question 2, Options: Enter at most 200 characters</a>",
        ">Reward 1, Friends: Enter another number: two rewards have this one</a>",
    ] {
        assert!(html.contains(told), "{told}");
    }
}

#[test]
fn a_refused_form_keeps_what_was_typed_and_leads_to_each_error() {
    let pages = gallery::pages(everything(), USUAL);
    let refused: Vec<&(String, String)> = pages.iter().filter(|(name, _)| name.ends_with("-refused")).collect();
    assert!(refused.len() >= 5, "{}", refused.len());
    for (name, html) in refused {
        assert!(html.contains("<title>Error: "), "{name}");
        assert!(html.contains("role=\"alert\"") && html.contains("aria-invalid=\"true\"") && html.contains("<li><a href=\"#f-"), "{name}");
    }
}
