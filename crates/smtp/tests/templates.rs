//! Templates as operators write them, and the built-in ones.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use rally_domain::email::Email;
use rally_domain::id::{MailId, WorkspaceId};
use rally_domain::locale::Locale;
use rally_domain::mail::{Content, Links, Mail, MailKind, MailSetup, MailTest, Rendered, Sender, TemplateSource, Transport};
use rally_domain::port::TemplateEngine;
use rally_domain::secret::StoreSecret;
use rally_domain::slug::Slug;
use rally_domain::timestamp::Timestamp;
use rally_domain::workspace::WorkspaceSettings;
use rally_smtp::Templates;
use serde_json::{Value, json};

fn english() -> Locale {
    Locale::english()
}

fn locale(tag: &str) -> Locale {
    Locale::parse(tag).unwrap()
}

fn text(text: &str) -> TemplateSource {
    TemplateSource { subject: "s".to_owned(), text: text.to_owned(), html: None }
}

/// Checks a text of a welcome mail, and returns the first fault.
fn fault(engine: &Templates, source: &str) -> Option<String> {
    let errors = engine.check(MailKind::Welcome, &english(), &text(source)).err()?;
    Some(errors[0].to_string())
}

fn rendered(engine: &Templates, tag: &str, source: &str, data: &Value) -> String {
    engine.render(&locale(tag), &text(source), &data.to_string()).unwrap().text
}

fn data(kind: MailKind) -> Value {
    serde_json::from_str(&Templates::new().example(kind)).unwrap()
}

/// Renders a source that was not checked.
fn forced(engine: &Templates, source: &str) -> Result<String, String> {
    let data = engine.example(MailKind::Welcome);
    engine.render(&english(), &text(source), &data).map(|rendered| rendered.text).map_err(|error| error.0.to_string())
}

fn every_built_in(engine: &Templates) -> Vec<(MailKind, Locale, TemplateSource)> {
    let all = MailKind::ALL.into_iter().flat_map(|kind| engine.locales().into_iter().map(move |locale| (kind, locale)));
    all.map(|(kind, locale)| (kind, locale.clone(), engine.built_in(kind, &locale))).collect()
}

#[test]
fn a_source_that_was_rendered_is_not_taken_for_another() {
    let engine = Templates::new();
    let data = json!({"entry": {"effective_position": 12345, "name": "<b>"}}).to_string();
    let source = "{{ entry.effective_position|number }} {{ entry.name }}";
    for _ in 0..2 {
        for (tag, text, html) in [("en", "12,345 <b>", "12,345 &lt;b&gt;"), ("de", "12.345 <b>", "12.345 &lt;b&gt;")] {
            let both = TemplateSource { subject: source.to_owned(), text: source.to_owned(), html: Some(source.to_owned()) };
            let rendered = engine.render(&locale(tag), &both, &data).unwrap();
            assert_eq!((rendered.subject.as_str(), rendered.text.as_str(), rendered.html.as_deref()), (text, text, Some(html)), "{tag}");
        }
    }
    assert_eq!(rendered(&engine, "en", "{{ entry.name }}", &json!({"entry": {"name": "Ada"}})), "Ada");
}

#[test]
fn what_is_refused_stays_refused() {
    let engine = Templates::new();
    for _ in 0..2 {
        assert!(forced(&engine, "{% include 'text' %}").is_err());
        assert!(forced(&engine, "{{ open").is_err());
    }
}

/// Returns the URLs of a text or of HTML, each once, in order.
fn urls(text: &str) -> Vec<String> {
    let stops = |char: char| char.is_whitespace() || "\"<>'".contains(char);
    let mut urls: Vec<String> = text.match_indices("https://").map(|(at, _)| text[at..].split(stops).next().unwrap().to_owned()).collect();
    urls.sort();
    urls.dedup();
    urls
}

/// Asserts that every element that is opened is closed, in order.
fn assert_balanced(html: &str) {
    let mut open = Vec::new();
    for tag in html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        match tag {
            _ if tag.starts_with('!') => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "in {html}"),
            _ if ["meta", "br", "img"].contains(&name.as_str()) => {}
            _ => open.push(name),
        }
    }
    assert_eq!(open, [] as [&str; 0], "in {html}");
}

#[test]
fn there_are_thirteen_languages() {
    let tags: Vec<String> = Templates::new().locales().iter().map(ToString::to_string).collect();
    assert_eq!(tags, ["en", "de", "fr", "es", "pt-BR", "it", "nl", "pl", "tr", "ja", "zh-Hans", "ar", "he"]);
    assert_eq!(Templates::new().built_in(MailKind::Link, &locale("sv")), Templates::new().built_in(MailKind::Link, &english()));
}

#[test]
fn every_built_in_template_is_one_that_an_operator_could_have_written() {
    let engine = Templates::new();
    for (kind, locale, source) in every_built_in(&engine) {
        source.check_sizes().unwrap();
        assert_eq!(engine.check(kind, &locale, &source), Ok(()), "{kind:?} {locale}");
    }
}

#[test]
fn every_built_in_template_says_the_same_as_text_and_as_html() {
    let engine = Templates::new();
    for (kind, locale, source) in every_built_in(&engine) {
        let mail = engine.render(&locale, &source, &engine.example(kind)).unwrap();
        let html = mail.html.unwrap();
        let context = format!("{kind:?} {locale}\n{}\n{html}", mail.text);
        let logo = "https://example.com/logo.png";
        let in_html: Vec<String> = urls(&html).into_iter().filter(|url| url != logo).collect();
        assert_eq!(in_html, urls(&mail.text), "{context}");
        let needed: &[&str] = match kind {
            MailKind::Confirm => &["confirm_url", "refuse_url"],
            MailKind::Welcome => &["referral_url", "status_url", "unsubscribe_url"],
            MailKind::Invited => &["invite_url", "status_url", "unsubscribe_url"],
            MailKind::Link => &["status_url"],
            MailKind::Approved | MailKind::Rejected => &["status_url", "unsubscribe_url"],
        };
        let data = data(kind);
        let mut wanted: Vec<&str> = needed.iter().map(|name| data.get(name).unwrap_or(&data["entry"][name]).as_str().unwrap()).collect();
        wanted.sort_unstable();
        assert_eq!(urls(&mail.text), wanted, "{context}");
        for url in wanted {
            assert!(mail.text.lines().any(|line| line == url), "{url} stands on a line of its own: {context}");
        }
        for part in [&mail.subject, &mail.text, &html] {
            assert!(!part.contains("{{") && !part.contains("{%") && !part.contains("[["), "{context}");
            assert!(!part.contains('{') || *part == html, "{context}");
        }
        for part in [&mail.text, &html] {
            assert!(part.contains("Early access") && part.contains("maria@example.com") && part.contains("Acme"), "{context}");
            assert!(part.contains("Maria Rossi"), "{context}");
        }
        assert!(mail.subject.contains("Early access") && !mail.subject.contains('\n'), "{context}");
        assert!(!mail.text.contains("\n\n\n") && !mail.text.contains("[["), "{context}");
        assert_balanced(&html);
        let rtl = ["ar", "he"].contains(&locale.as_str());
        let (dir, side) = if rtl { ("rtl", "right") } else { ("ltr", "left") };
        assert!(html.contains(&format!("<html lang=\"{locale}\" dir=\"{dir}\">")), "{context}");
        let logical = html.replacen(&format!("align=\"{side}\""), "", 1);
        assert!(!logical.contains("left") && !logical.contains("right"), "the layout is logical: {context}");
    }
}

#[test]
fn a_built_in_template_does_without_brand_and_invitation() {
    let engine = Templates::new();
    for (kind, locale, source) in every_built_in(&engine) {
        let mut data = data(kind);
        data["brand"] = json!({"name": null, "logo_url": null, "primary_color": null});
        data["invite_url"] = Value::Null;
        let mail = engine.render(&locale, &source, &data.to_string()).unwrap();
        let html = mail.html.unwrap();
        for part in [&mail.text, &html] {
            let words = part.split(|char: char| !char.is_alphanumeric() && char != '-').map(str::to_lowercase);
            let missing = words.filter(|word| ["none", "null", "undefined"].contains(&word.as_str())).count();
            // in CSS: the button has no underline, and the first sentence is hidden
            assert_eq!(missing, part.matches("text-decoration: none").count() + part.matches("display: none").count(), "{part}");
        }
        assert!(!html.contains("<img") && html.contains("background-color: #2457d6") && html.contains("color: #ffffff"), "{html}");
        assert_eq!(urls(&mail.text), urls(&html));
        assert!(mail.text.ends_with("Early access\n"), "{}", mail.text);
        if kind == MailKind::Invited {
            assert!(mail.text.contains("https://rally.example.com/me/"), "{}", mail.text);
        }
        assert_balanced(&html);
    }
}

/// Gmail and others drop the elements `html` and `body`, with what their attributes say.
#[test]
fn a_built_in_template_keeps_its_direction_and_colours_without_html_and_body() {
    let engine = Templates::new();
    for (kind, locale, source) in every_built_in(&engine) {
        let html = engine.render(&locale, &source, &engine.example(kind)).unwrap().html.unwrap();
        let body = html.split("<body").nth(1).unwrap().split_once('>').unwrap().1;
        let (dir, align) = if ["ar", "he"].contains(&locale.as_str()) { ("rtl", "right") } else { ("ltr", "left") };
        let tags = |name: &str| body.split(&format!("<{name} ")).skip(1).map(|rest| rest.split('>').next().unwrap()).collect::<Vec<_>>();
        let has = |tag: &str, all: &[String]| all.iter().all(|part| tag.contains(part.as_str()));
        let colours = "background-color: #ffffff; color: #16181d;".to_owned();
        let direction = [format!("lang=\"{locale}\""), format!("dir=\"{dir}\"")];
        assert!(has(tags("table")[0], &direction) && has(tags("table")[0], &["class=\"ground\"".to_owned(), colours.clone()]), "{html}");
        assert!(has(tags("div")[0], &direction), "{html}");
        let cell = tags("td").into_iter().find(|cell| cell.contains("font-family")).unwrap().to_owned();
        assert!(has(&cell, &[format!("align=\"{align}\""), "class=\"ground\"".to_owned(), colours]), "{html}");
    }
}

#[test]
fn a_built_in_template_is_led_by_the_logo_or_else_the_name() {
    let engine = Templates::new();
    let head = |brand: Value| {
        let mut data = data(MailKind::Welcome);
        data["brand"] = brand;
        let source = engine.built_in(MailKind::Welcome, &english());
        let html = engine.render(&english(), &source, &data.to_string()).unwrap().html.unwrap();
        html.split("font-family").nth(1).unwrap().split("<h1").next().unwrap().to_owned()
    };
    let with_logo = head(json!({"name": "Acme & Co", "logo_url": "https://example.com/logo.png", "primary_color": null}));
    assert!(with_logo.contains("alt=\"Acme &amp; Co\""), "{with_logo}");
    // a wide logo keeps its shape, a dark one stands on a light plate
    assert!(with_logo.contains("width: auto; height: auto; max-width: 100%; max-height: 40px;"), "{with_logo}");
    assert!(with_logo.contains("class=\"plate\"") && engine.built_in(MailKind::Welcome, &english()).html.unwrap().contains(".plate {"));
    let named = head(json!({"name": "Acme & Co", "logo_url": null, "primary_color": null}));
    assert!(named.contains("<bdi>Acme &amp; Co</bdi>") && !named.contains("<img"), "{named}");
    let without = head(json!({"name": null, "logo_url": null, "primary_color": null}));
    assert!(!without.contains("<bdi>") && !without.contains("<img"), "{without}");
}

/// Outlook for Windows knows neither `max-width` nor the padding of a link.
#[test]
fn a_built_in_template_has_its_width_and_its_button_in_outlook() {
    let engine = Templates::new();
    for (kind, locale, source) in every_built_in(&engine) {
        let html = engine.render(&locale, &source, &engine.example(kind)).unwrap().html.unwrap();
        assert_eq!((html.matches("<!--[if mso]>").count(), html.matches("<![endif]-->").count()), (2, 2), "{html}");
        assert!(html.contains("<!--[if mso]><table role=\"presentation\" width=\"512\""), "{html}");
        assert!(html.contains("mso-padding-alt: 12px 24px;\"><a "), "{html}");
    }
}

#[test]
fn a_built_in_template_begins_with_a_sentence_that_is_not_its_subject() {
    let engine = Templates::new();
    for (kind, locale, source) in every_built_in(&engine) {
        let mail = engine.render(&locale, &source, &engine.example(kind)).unwrap();
        let html = mail.html.unwrap();
        let body = html.split("<body").nth(1).unwrap().split_once('>').unwrap().1;
        let plain = |html: &str| html.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect::<String>();
        let first = plain(body.split("</div>").next().unwrap());
        let first = first.trim();
        let title = plain(html.split("<h1").nth(1).unwrap().split("</h1>").next().unwrap());
        assert!(!first.is_empty() && first.chars().count() <= 140, "{kind:?} {locale}: {first}");
        assert!(first != mail.subject && first != title, "{kind:?} {locale}: {first}");
        assert!(body.trim_start().starts_with("<div") && body.contains("display: none;"), "{html}");
    }
}

#[test]
fn a_rejected_person_is_promised_no_place() {
    let engine = Templates::new();
    for locale in engine.locales() {
        let source = engine.built_in(MailKind::Link, &locale);
        let [pending, approved, rejected] = ["pending", "approved", "rejected"].map(|status| {
            let mut data = data(MailKind::Link);
            data["entry"]["status"] = json!(status);
            let mail = engine.render(&locale, &source, &data.to_string()).unwrap();
            [mail.text, mail.html.unwrap()]
        });
        assert_eq!(pending, approved, "{locale}");
        assert!(pending.iter().zip(&rejected).all(|(pending, rejected)| pending != rejected), "{locale}");
    }
    let mut data = data(MailKind::Link);
    data["entry"]["status"] = json!("rejected");
    let mail = engine.render(&english(), &engine.built_in(MailKind::Link, &english()), &data.to_string()).unwrap();
    assert!(!mail.text.contains("your place") && mail.text.contains("what is stored about you"), "{}", mail.text);
}

#[test]
fn a_built_in_template_does_not_say_that_the_reader_signed_up() {
    let engine = Templates::new();
    let source = engine.built_in(MailKind::Welcome, &english());
    let mail = engine.render(&english(), &source, &engine.example(MailKind::Welcome)).unwrap();
    let why = "because the address maria@example.com was signed up for the waitlist “Early access”. If it was not you, you can stop";
    assert!(mail.text.contains(why), "{}", mail.text);
}

/// An operator shows it to others, and opens its links.
#[test]
fn a_mail_that_tries_a_template_says_only_what_is_so() {
    let engine = Templates::new();
    let links = Links::new("https://acme.example/rally", StoreSecret::new([7; 32]));
    let workspace_id = WorkspaceId::new(uuid::Uuid::nil());
    let setup = MailSetup::by(Transport::Smtp, &WorkspaceSettings::unset(workspace_id), &Slug::parse("acme").unwrap());
    let sender = Sender { name: None, address: Email::parse("hello@acme.example").unwrap() };
    let now = Timestamp::parse("2031-01-31T09:00:00Z").unwrap();
    for (kind, locale, source) in every_built_in(&engine) {
        let tried = MailTest { kind, locale: locale.clone(), to: Email::parse("me@else.example").unwrap(), now };
        let mail = Mail::test(MailId::new(uuid::Uuid::nil()), &setup, &links, workspace_id, tried, &engine.example(kind));
        let rendered = engine.render(&locale, &source, &mail.data).unwrap();
        let message = mail.message(Content::Rendered(rendered), Some(&sender), &links).unwrap();
        assert_eq!(message.unsubscribe_url, None, "nobody would be suppressed");
        let Content::Rendered(Rendered { subject, text, html }) = message.content else { panic!("{:?}", message.content) };
        assert!(subject.contains("Early access"), "{subject}");
        for part in [text, html.unwrap()] {
            assert!(part.contains("me@else.example") && !part.contains("maria@"), "{part}");
            let ours = |url: &String| url.starts_with("https://acme.example/rally/") || url.starts_with("https://app.example.com/");
            assert!(urls(&part).iter().all(ours), "{part}");
            assert_eq!(part.contains("me/3wVbYxqk8nD2mT5rJ7sLpA"), kind != MailKind::Confirm, "{part}");
        }
        let data: Value = serde_json::from_str(&mail.data).unwrap();
        assert_eq!(data["entry"]["locale"], locale.as_str());
        let expires_at = data.get("expires_at").map(|at| at.as_str().unwrap());
        assert_eq!(expires_at, (kind == MailKind::Confirm).then_some("2031-02-07T09:00:00.000Z"));
    }
}

#[test]
fn a_link_that_is_added_has_the_words_of_a_language_that_is_known() {
    let words = |locales: &[&str]| Templates::new().unsubscribe(&locales.iter().map(|tag| locale(tag)).collect::<Vec<_>>());
    assert_eq!((words(&["de-CH", "fr"]), words(&["sv", "de"])), ("Mails abbestellen".to_owned(), "Mails abbestellen".to_owned()));
    assert_eq!((words(&["sv", "da"]), words(&[])), ("Unsubscribe".to_owned(), "Unsubscribe".to_owned()));
}

/// Mail that an older program stored has no word on it.
#[test]
fn a_built_in_template_promises_what_the_list_has() {
    let engine = Templates::new();
    let text = |kind, locale: &Locale, friends: [Option<u64>; 2]| {
        let mut data = data(kind);
        for (name, number) in ["referral_boost", "rewards"].into_iter().zip(friends) {
            let waitlist = data["waitlist"].as_object_mut().unwrap();
            match number {
                Some(number) => waitlist.insert(name.to_owned(), json!(number)),
                None => waitlist.remove(name),
            };
        }
        let mail = engine.render(locale, &engine.built_in(kind, locale), &data.to_string()).unwrap();
        let html = mail.html.unwrap();
        assert_balanced(&html);
        [mail.text, html]
    };
    let told = |kind, friends, promises: [bool; 2]| {
        for part in text(kind, &english(), friends) {
            let found = ["can move you up", "rewards"].map(|promise| part.contains(promise));
            assert_eq!(found, promises, "{friends:?}: {part}");
            assert!(!part.contains("\n\n\n"), "{part}");
        }
    };
    for (friends, promises) in [
        ([Some(3), Some(1)], [true, true]),
        ([Some(1), Some(0)], [true, false]),
        ([Some(0), Some(2)], [false, true]),
        ([Some(0), Some(0)], [false, false]),
        ([None, None], [false, false]),
    ] {
        told(MailKind::Welcome, friends, promises);
        told(MailKind::Approved, friends, [false, promises[1]]);
    }
    for locale in engine.locales() {
        for kind in [MailKind::Welcome, MailKind::Approved] {
            let [all, none] = [[Some(3), Some(1)], [Some(0), Some(0)]].map(|friends| text(kind, &locale, friends));
            assert!(all.iter().zip(&none).all(|(all, none)| all != none), "{kind:?} {locale}");
            assert_eq!(none, text(kind, &locale, [None, None]));
        }
    }
}

#[test]
fn a_built_in_template_greets_by_a_plain_name_alone() {
    let engine = Templates::new();
    for name in ["evil.example", "Visit https://evil", "x".repeat(61).as_str(), "+49 30 1234567", "a\u{202e}b", "evil。example"] {
        for (kind, locale, source) in every_built_in(&engine) {
            let mut data = data(kind);
            data["entry"]["name"] = json!(name);
            let mail = engine.render(&locale, &source, &data.to_string()).unwrap();
            assert!(!mail.subject.contains(name) && !mail.text.contains(name) && !mail.html.unwrap().contains(name), "{kind:?} {locale}");
        }
    }
}

#[test]
fn what_a_stranger_typed_is_text_in_html() {
    let engine = Templates::new();
    let source = TemplateSource {
        subject: "{{ entry.name }}".to_owned(),
        text: "{{ entry.name }}".to_owned(),
        html: Some("<p title=\"{{ entry.name }}\">{{ entry.name|upper }}{% set x %}{{ entry.name }}{% endset %}{{ x }}</p>".to_owned()),
    };
    assert_eq!(engine.check(MailKind::Confirm, &english(), &source), Ok(()));
    let data = json!({"entry": {"name": "<b>\"a\" & 'b'\n{{ 1 }}"}});
    let Rendered { subject, text, html } = engine.render(&english(), &source, &data.to_string()).unwrap();
    assert_eq!(subject, "<b>\"a\" & 'b' {{ 1 }}");
    assert_eq!(text, "<b>\"a\" & 'b'\n{{ 1 }}");
    let escaped = "&lt;b&gt;&quot;a&quot; &amp; &#39;b&#39;\n{{ 1 }}";
    let upper = "&lt;B&gt;&quot;A&quot; &amp; &#39;B&#39;\n{{ 1 }}";
    assert_eq!(html.unwrap(), format!("<p title=\"{escaped}\">{upper}{escaped}</p>"));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let engine = Templates::new();
    for (source, reason) in [
        ("{{ entry.nmae }}", "line 1: unknown variable `entry.nmae`"),
        ("\n\n{{ entry['nmae'] }}", "line 3: unknown variable `entry.nmae`"),
        ("{{ foo }}", "line 1: unknown variable `foo`"),
        ("{{ confirm_url }}", "line 1: unknown variable `confirm_url`: mail of kind welcome does not have it, only confirm"),
        ("{% if brand.name %}a{% else %}\n{{ foo }}{% endif %}", "line 2: unknown variable `foo`"),
        ("{% if brand.name %}a{% else %}\n{{ 'x'|shout }}{% endif %}", "line 2: unknown filter `shout`"),
        ("{% if brand.name is loud %}a{% endif %}", "line 1: unknown test `loud`"),
        ("{% if brand.name %}a{% else %}{{ now() }}{% endif %}", "line 1: unknown function `now`"),
        ("{% for x in [] %}{{ y }}{% endfor %}", "line 1: unknown variable `y`"),
        ("{% for x in [1] %}{% endfor %}{{ x }}", "line 1: unknown variable `x`"),
        ("{% macro m(a) %}{{ b }}{% endmacro %}x", "line 1: unknown variable `b`"),
        ("{% filter shout %}a{% endfilter %}", "line 1: unknown filter `shout`"),
        ("{% set x = entry.nmae %}x", "line 1: unknown variable `entry.nmae`"),
        ("{% with x = 1 %}{% endwith %}{{ x }}", "line 1: unknown variable `x`"),
        ("{% if brand.name %}{% set x = 1 %}{% endif %}{{ x }}", "line 1: `x` is not set in every case"),
        ("{{ entry }}", "line 1: a text or a number is needed here, this is a group of variables"),
        ("{{ entry.name.first }}", "line 1: `.first` is unknown here: this is a text"),
        ("{{ entry.name.upper() }}", "line 1: `.upper()` is not supported"),
        ("{{ entry.name + 1 }}", "line 1: `+` needs numbers"),
        ("{{ 1 / entry.position }}", "line 1: `/` needs a whole number above 0"),
        ("{{ entry.position % 0 }}", "line 1: `%` needs a whole number above 0"),
        ("{% for c in entry.name %}{% endfor %}", "line 1: a loop needs a list or `range`"),
        ("{% for i in range(entry.position) %}{% endfor %}", "line 1: `range` needs whole numbers"),
        ("{{ none }}", "line 1: `none` is not needed"),
        ("{{ entry is startingwith 'a' }}", "line 1: a text or a number is needed here"),
        ("{{ entry.name|safe }}", "line 1: `safe` is not supported"),
        ("{{ entry.name|replace('a') }}", "line 1: the filter `replace` takes 2 arguments"),
        ("{{ entry.name is startingwith }}", "line 1: the test `startingwith` takes 1 arguments"),
        ("{% autoescape false %}a{% endautoescape %}", "line 1: `autoescape` is not supported"),
        ("{% include 'x' %}", "line 1: `include` is not supported"),
        ("{% include '/etc/passwd' ignore missing %}", "line 1: `include` is not supported"),
        ("{% import 'x' as y %}", "line 1: `import` is not supported"),
        ("{% from 'x' import y %}", "line 1: `from` is not supported"),
        ("{% extends 'x' %}", "line 1: `extends` is not supported"),
        ("{% block b %}{% endblock %}", "line 1: `block` is not supported"),
        ("a\n{% macro m() %}{% endmacro %}{% call m() %}{% endcall %}", "line 2: `call` is not supported"),
        ("{% set entry = 1 %}", "line 1: `entry` has a meaning already"),
        ("a\n{% if %}", "line 2: syntax error"),
        ("a\nb\n{{ entry.name ", "line 3: syntax error"),
        ("{% if brand.name %}", "line 1: syntax error"),
        ("{% nope %}", "line 1: syntax error"),
        ("{% if false %}a{% endif %}", "is empty once it is rendered"),
        // it is empty for a workspace without a name, and for a person with an odd name
        ("{{ brand.name }}", "is empty once it is rendered"),
        ("{% if entry.name is plain_name %}a{% endif %}", "is empty once it is rendered"),
    ] {
        let told = fault(&engine, source).unwrap_or_default();
        assert!(told.starts_with(reason), "{source}: {told}");
    }
    let all = TemplateSource { subject: "{{ a }}".to_owned(), text: "{{ b }}".to_owned(), html: Some("{{ c }}".to_owned()) };
    let parts: Vec<&str> = engine.check(MailKind::Link, &english(), &all).unwrap_err().iter().map(|error| error.part.as_str()).collect();
    assert_eq!(parts, ["subject", "text", "html"]);
}

#[test]
fn what_explodes_is_refused_at_once() {
    let engine = Templates::new();
    let nested = |depth: usize| "{% for i in range(1000) %}".repeat(depth) + "x" + &"{% endfor %}".repeat(depth);
    let doubling = "{% set a = 'xxxxxxxxxx' %}".to_owned() + &"{% set a = a ~ a %}".repeat(60) + "{{ a }}";
    let calls = |name: &str, called: &str| format!("{{% macro {name}() %}}{}{{% endmacro %}}", format!("{{{{ {called}() }}}}").repeat(60));
    let chained = format!("{{% macro a() %}}x{{% endmacro %}}{}{}{}{{{{ d() }}}}", calls("b", "a"), calls("c", "b"), calls("d", "c"));
    let hostile = [
        ("{{ 'x' * 1000000000 }}".to_owned(), "`*` needs numbers"),
        ("{{ [1] * 1000000000 }}".to_owned(), "`*` needs numbers"),
        ("{% for i in range(1000000000) %}x{% endfor %}".to_owned(), "`range` needs whole numbers"),
        ("{% for i in range(100000) %}x{% endfor %}".to_owned(), "`range` has at most 1000 turns"),
        ("{% with %}".repeat(60) + "x" + &"{% endwith %}".repeat(60), "nests too deep"),
        (nested(2), "takes too much work"),
        (nested(20), "takes too much work"),
        (nested(40), "nests too deep"),
        (
            "{% set a = 'x' %}".to_owned() + &"{% set a = (a ~ a)|isolate|replace('x', a) %}".repeat(60) + "{{ [a, a]|join(a) }}",
            "can be larger than 1 MiB",
        ),
        (doubling, "can be larger than 1 MiB"),
        ("{% set a = 'x' %}{% for i in range(100) %}{% set a = a ~ a %}{% endfor %}".to_owned(), "a variable grows"),
        ("{{ 10 ** 10 ** 10 }}".to_owned(), "`**` is not supported"),
        ("{{ entry.position * entry.position * 99999999999 }}".to_owned(), "this number can become too large"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_owned(), "`m` cannot be called here"),
        ("{% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(m) }}".to_owned(), "`m` is a macro"),
        ("{% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(1) }}".to_owned(), "`f` is a variable"),
        ("{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}".to_owned(), "`b` cannot be called here"),
        (chained, "takes too much work"),
        ("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}".to_owned(), "`recursive` is not supported"),
        ("{{ '%1000000000d'|format(1) }}".to_owned(), "unknown filter `format`"),
        ("{{ 'a'|indent(1000000000) }}".to_owned(), "unknown filter `indent`"),
        ("{{ range(1000)|list|join('x') }}".to_owned(), "unknown filter `list`"),
        ("{{ range(1000)|join(entry.referral_url)|replace('', entry.referral_url) }}".to_owned(), "can be larger than 1 MiB"),
        ("{{ namespace(a=1) }}".to_owned(), "unknown function `namespace`"),
        ("{{ debug() }}".to_owned(), "unknown function `debug`"),
        (format!("{{{{ 'a'{} }}}}", "|upper".repeat(5_000)), "is too long"),
        (format!("{{{{ 1{} }}}}", " + 1".repeat(7_000)), "is too long"),
        (format!("{{{{ {}1{} }}}}", "(".repeat(9_000), ")".repeat(9_000)), "is too long"),
        (format!("{{{{ {}1 }}}}", "not ".repeat(7_000)), "is too long"),
        (format!("{{{{ {}1{} }}}}", "[".repeat(160), "]".repeat(160)), "is too long"),
        (format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(2_000)), "has too many `elif`"),
        ("{% if 1 %}".repeat(2_500), "syntax error"),
        ("{{ entry.name }}".repeat(2_000), "can be larger than 1 MiB"),
        ("{{ entry.name|upper|lower|upper|length }}".repeat(700), "takes too much work"),
        ((0..800).map(|i| format!("{{% set a{i}=1 %}}")).collect::<String>() + &"{% if 1 %}{% endif %}".repeat(800), "takes too much work"),
    ];
    let started = Instant::now();
    for (source, reason) in &hostile {
        let head: String = source.chars().take(80).collect();
        let told = fault(&engine, source).unwrap_or_default();
        assert!(told.contains(reason), "{head}: {told}");
        // a source that was never checked does no harm either
        drop(forced(&engine, source));
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_source_that_was_never_checked_ends_as_an_error() {
    let engine = Templates::new();
    for source in [
        "{{ 'x' * 1000000000 }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% include 'x' %}",
        "{{ 1 / 0 }}",
        "{{ entry.name|format }}",
    ] {
        assert!(forced(&engine, source).is_err(), "{source}");
    }
    for (start, grow) in
        [("[1]", "[a, a]"), ("'x'", "a ~ a"), ("'x'", "a|replace('x', 'xxxx')"), ("['x']", "[a|join, a|join]"), ("[1]", "a + a")]
    {
        for end in [
            "{{ a }}",
            "{{ a ~ 'x' }}",
            "{{ a == [a] }}",
            "{{ a < a }}",
            "{{ a|join }}",
            "{{ 'x' in a }}",
            "{{ a is startingwith 'x' }}",
            "{{ a|length }}",
        ] {
            let source = format!("{{% set a = {start} %}}{}{end}", format!("{{% set a = {grow} %}}").repeat(60));
            let started = Instant::now();
            drop(forced(&engine, &source));
            assert!(started.elapsed() < Duration::from_secs(5), "{source}");
        }
    }
    assert!(forced(&engine, "{{ entry.nmae }}").is_err());
    assert_eq!(rendered(&engine, "en", "{{ entry.id }}{{ entry.id|upper }}{{ brand.name ~ confirm_url }}|", &json!({"entry": {}})), "|");
}

#[test]
fn the_language_does_what_its_document_says() {
    let engine = Templates::new();
    let data = data(MailKind::Welcome);
    for (source, result) in [
        ("{% raw %}{{ entry.nmae }}{% endraw %}", "{{ entry.nmae }}"),
        ("{# {{ entry.nmae }} #}a", "a"),
        ("{% if entry.position > 1000 and brand.name %}a{% elif brand.name %}b{% else %}c{% endif %}", "a"),
        ("{{ 'a' if entry.status == 'approved' else 'b' }}", "b"),
        ("{% for x in ['a', 'b'] %}{{ loop.index }}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}", "1a, 2b"),
        ("{% for x in ['a', 'b', 'c'] if x != 'b' %}{{ x }}{% else %}none{% endfor %}", "ac"),
        ("{% for x in range(1, 6, 2) %}{{ x }}{% endfor %}", "135"),
        ("{{ range(3)|length }}{{ range(3)|last }}{{ 2 in range(3) }}", "32True"),
        ("{% for x in range(4) if x != 1 %}{{ loop.length + loop.revindex }}{{ loop.revindex0 }} {% endfor %}", "62 51 40 "),
        ("{% for x in range(3) %}{{ loop.length + loop.index0 }}{{ loop.first }}{% endfor %}", "3True4False5False"),
        ("{% set x = entry.name|upper %}{{ x }}", "MARIA ROSSI"),
        ("{% set x %}a{{ 1 }}{% endset %}{{ x ~ 'b' }}", "a1b"),
        ("{% with a = 1, b = a + 1 %}{{ a }}{{ b }}{% endwith %}", "12"),
        ("{% filter upper %}a{% endfilter %}", "A"),
        ("{% macro b(x, y='z') %}<{{ x }}{{ y }}>{% endmacro %}{{ b(1) }}{{ b(x=2, y=3) }}", "<1z><23>"),
        (
            "{% macro a(n) %}{{ n + 1 }}{% endmacro %}{% macro b(n) %}{{ a(n) }}{{ entry.locale }}{% endmacro %}{{ b(entry.position) }}",
            "1235en",
        ),
        ("{{ entry.position + 1 }} {{ entry.position // 2 }} {{ entry.position % 10 }} {{ -entry.position }}", "1235 617 4 -1234"),
        ("{{ 'ari' in entry.name }} {{ 'x' not in ['x'] }} {{ 1 < 2 < 3 }}", "True False True"),
        ("{{ entry['name']|first }}{{ entry.name|last }}{{ entry.name|length }}{{ [1, 2]|join('-') }}", "Mi111-2"),
        (
            "{{ 'a b'|urlencode }}{{ ' a '|trim }}{{ 'aBC'|capitalize }}{{ 'abc'|truncate(2) }}{{ 'abc'|replace('b', 'x') }}",
            "a%20baAbca…axc",
        ),
        ("{{ entry.position|number }} {{ '2026-03-12T14:05:00Z'|date }} {{ 'soon'|date }}", "1,234 12 March 2026, 14:05 UTC soon"),
        ("{{ brand.primary_color|on_color }} {{ '7'|int + 1 }} {{ entry.name is plain_name }}", "#ffffff 8 True"),
        (
            "{{ entry.name is startingwith 'Ma' }}{{ 2 is even }}{{ 2 is odd }}{{ brand.name is none }}{{ brand.name is defined }}",
            "TrueTrueFalseFalseTrue",
        ),
        ("a\n  {% if true %}\nb\n  {% endif %}\nc\n", "a\nb\nc\n"),
    ] {
        assert_eq!(fault(&engine, source), None, "{source}");
        assert_eq!(rendered(&engine, "en", source, &data), result, "{source}");
    }
    let nulls = json!({"brand": {"name": null, "primary_color": null}, "waitlist": {"display_name": "L"}});
    for (source, result) in [
        ("{{ brand.name }}|{{ brand.name ~ 'x' }}|{{ brand.name|upper }}", "|x|"),
        ("{{ brand.name or waitlist.display_name }} {{ brand.name|default('d') }} {{ brand.name is none }}", "L d True"),
        ("{{ brand.primary_color|on_color }}{% if not brand.name %}-{% endif %}", "#ffffff-"),
    ] {
        assert_eq!(fault(&engine, &format!("x{source}")), None, "{source}");
        assert_eq!(rendered(&engine, "en", source, &nulls), result, "{source}");
    }
}

#[test]
fn numbers_and_dates_are_the_locales() {
    let engine = Templates::new();
    let data = json!({"entry": {"effective_position": 1_234_567}, "expires_at": "2026-03-12T14:05:00.000Z"});
    for (tag, result) in [
        ("de", "1.234.567 12. März 2026, 14:05 UTC"),
        ("de-CH", "1.234.567 12. März 2026, 14:05 UTC"),
        ("pt-PT", "1.234.567 12 de março de 2026, 14:05 UTC"),
        ("ar", "١٬٢٣٤٬٥٦٧ ١٢ مارس ٢٠٢٦، ١٤:٠٥ UTC"),
        ("sv", "1\u{202f}234\u{202f}567 2026-03-12 14:05 UTC"),
    ] {
        assert_eq!(rendered(&engine, tag, "{{ entry.effective_position|number }} {{ expires_at|date }}", &data), result, "{tag}");
    }
}

#[test]
fn the_document_has_every_variable_and_an_example_that_works() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/MAIL.md")).unwrap();
    for kind in MailKind::ALL {
        for (name, note) in Templates::variables(kind) {
            assert!(document.contains(&format!("| `{name}` | {note} |")), "| `{name}` | {note} |");
        }
    }
    let example = document.split("```jinja\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(fault(&Templates::new(), example), None);
}

/// A person reads the mail and then the page.
#[test]
fn mail_and_page_say_the_same_thing_in_the_same_words() {
    let file = |path: String| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for locale in Templates::new().locales() {
        let mail: Value = serde_json::from_str(&file(format!("locales/{locale}.json"))).unwrap();
        let pages = file(format!("../pages/locales/{locale}.ftl"));
        for (sentence, text) in [
            ("welcome_title", "joined-title"),
            ("welcome_place_label", "place"),
            ("open_page", "page-open"),
            ("approved_title", "review-approved"),
            ("rejected_title", "rejected-title"),
            ("confirm_button", "confirm-button"),
            ("confirm_refuse", "confirm-refuse"),
            ("unsubscribe", "unsubscribe-button"),
            ("unsubscribe", "mail-stop"),
        ] {
            let on_page = pages.lines().find_map(|line| line.strip_prefix(&format!("{text} = "))).unwrap();
            assert_eq!(mail["sentences"][sentence], on_page, "{sentence} and {text} in {locale}");
        }
        let sentence = |name: &str| mail["sentences"][name].as_str().unwrap();
        assert!(sentence("welcome_place").starts_with(sentence("welcome_place_label")), "{locale}");
    }
}

fn any_text(most: usize) -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(vec!['"', '<', '{', '}', '%', '\u{10ffff}', '\u{202e}', 'ß', 'ŉ', '.', 'a', ' ', '0', '\n']);
    let char = prop_oneof![any::<char>(), hostile];
    prop_oneof![prop::collection::vec(char, 0..most).prop_map(String::from_iter), Just("\u{10ffff}".repeat(most)), Just("ΐ".repeat(most))]
}

/// Parts of templates that pass the check.
const FRAGMENTS: [&str; 22] = [
    "{{ entry.name }}",
    "{{ entry.name|upper|truncate(20) }}",
    "{{ brand.name|default('x')|replace('a', waitlist.slug) }}",
    "{% if entry.name == brand.name %}a{% elif 'a' in entry.name %}{{ entry.email|first }}{% endif %}",
    "{% if entry.position == 7 %}{{ entry.position // 7 }}{% endif %}",
    "{{ entry.position * entry.effective_position - 3 }}",
    "{{ entry.name|int + entry.position }}",
    "{{ (entry.name or brand.name) ~ entry.position ~ true }}",
    "{% for x in [entry.name, entry.position, 'x'] %}{{ loop.index }}{{ x }}{% endfor %}",
    "{{ [entry.name, brand.name]|join(', ')|length }}",
    "{% set a = entry.name|capitalize %}{{ a|last }}",
    "{% macro m(x, y=1) %}{{ x|lower }}{{ y + 1 }}{% endmacro %}{{ m(entry.name) }}",
    "{{ entry.name|date }}{{ entry.name|number }}{{ entry.name|on_color }}",
    "{{ brand.primary_color|on_color }}{{ entry.email|urlencode }}",
    "{% if entry.name is plain_name %}{{ entry.name|isolate }}{% endif %}",
    "{{ entry.name < entry.position }}{{ entry.name in [1, 'a', entry.email] }}",
    "{{ entry.name|escape }}{{ entry.name|e|trim|string }}",
    "{% filter upper %}{{ waitlist.display_name }}{% endfilter %}",
    "{% for i in range(0, 30, 3) %}{% if i is even %}{{ i % 4 }}{% endif %}{% endfor %}",
    "{{ entry.position / 3 }}{{ entry.name is startingwith brand.name }}",
    "{{ entry.name if entry.position > 9 else entry.position }}",
    "{{ '' | default(entry.name) | default(entry.position) }}{{ []|first }}{{ [entry.name]|last }}",
];

/// Expressions, whether they make sense or not.
fn any_expression() -> impl Strategy<Value = String> {
    let leaves =
        ["entry.name", "entry.position", "brand.name", "x", "loop.index", "'a'", "'7'", "7", "0.5", "true", "range(3)", "['a', 7]"];
    prop::sample::select(leaves.to_vec()).prop_map(str::to_owned).boxed().prop_recursive(3, 12, 3, |inner| {
        let operators = ["+", "-", "*", "//", "%", "/", "~", "==", "<", ">=", "in", "not in", "and", "or"];
        let filters =
            ["upper", "int", "length", "first", "last", "join('-')", "default(x)", "d('b')", "truncate(3)", "number", "date", "e"];
        let more = ["replace('a', entry.name)", "on_color", "isolate", "urlencode", "trim", "string", "capitalize"];
        let filters: Vec<&str> = filters.into_iter().chain(more).collect();
        let tests = ["none", "odd", "even", "plain_name", "defined", "startingwith 'a'", "endingwith x"];
        prop_oneof![
            3 => (inner.clone(), prop::sample::select(operators.to_vec()), inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            3 => (inner.clone(), prop::sample::select(filters)).prop_map(|(a, filter)| format!("({a})|{filter}")),
            1 => (inner.clone(), prop::sample::select(tests.to_vec())).prop_map(|(a, test)| format!("(({a}) is {test})")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            1 => inner.prop_map(|a| format!("(-{a})")),
        ]
    })
}

/// Templates, whether they make sense or not.
fn any_template() -> impl Strategy<Value = String> {
    let print = any_expression().prop_map(|e| format!("{{{{ {e} }}}}")).boxed();
    let piece = print.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (any_expression(), inner.clone(), inner.clone()).prop_map(|(e, a, b)| format!("{{% if {e} %}}{a}{{% else %}}{b}{{% endif %}}")),
            (any_expression(), inner.clone()).prop_map(|(e, a)| format!("{{% for x in {e} %}}{a}{{% else %}}b{{% endfor %}}")),
            (any_expression(), inner.clone()).prop_map(|(e, a)| format!("{{% set x = {e} %}}{a}")),
            (any_expression(), inner.clone()).prop_map(|(e, a)| format!("{{% with x = {e} %}}{a}{{% endwith %}}")),
            inner.clone().prop_map(|a| format!("{{% set x %}}{a}{{% endset %}}{{{{ x }}}}")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("{a}{b}")),
        ]
    });
    piece.prop_map(|piece| format!("{{% set x = 'x' %}}a{piece}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_passes_the_check_renders(body in any_template(), name in any_text(20), brand in any_text(5), position in 0..=i64::MAX) {
        thread_local!(static ENGINE: Templates = Templates::new());
        ENGINE.with(|engine| {
            if engine.check(MailKind::Welcome, &english(), &text(&body)).is_ok() {
                let data = json!({"entry": {"name": name, "position": position}, "brand": {"name": brand}});
                let mail = engine.render(&english(), &text(&body), &data.to_string());
                prop_assert!(mail.is_ok(), "{mail:?} of {body}");
            }
            Ok(())
        })?;
    }
}

#[test]
fn what_may_nest_in_each_other_renders() {
    let engine = Templates::new();
    let with = |depth: usize, inner: &str| "{% with %}".repeat(depth) + inner + &"{% endwith %}".repeat(depth);
    let macros = |depth: usize| {
        let call = |number: usize| format!("{{{{ m{number}() }}}}");
        let each = |number: usize| {
            format!("{{% macro m{number}() %}}{}{{% endmacro %}}", if number == 0 { "x".to_owned() } else { call(number - 1) })
        };
        (0..depth).map(each).collect::<String>() + &call(depth - 1)
    };
    let mixed = |depth: usize| format!("{{% macro m() %}}{}{{% endmacro %}}{}", with(depth, "x"), with(depth, "{{ m() }}"));
    let (mut accepted, mut refused) = (0, 0);
    for source in (1..60).flat_map(|depth| [with(depth, "x"), macros(depth), mixed(depth)]) {
        if let Some(reason) = fault(&engine, &source) {
            assert!(reason.contains("nests too deep"), "{reason}");
            refused += 1;
        } else {
            assert_eq!(forced(&engine, &source).as_deref(), Ok("x"), "{source}");
            accepted += 1;
        }
    }
    assert!(accepted > 25 && refused > 25, "{accepted} {refused}");
}

#[test]
fn every_fragment_passes_the_check() {
    let engine = Templates::new();
    for fragment in FRAGMENTS {
        assert_eq!(fault(&engine, &format!("x{fragment}")), None, "{fragment}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_passes_the_check_renders_with_whatever_data(
        fragments in prop::collection::vec(prop::sample::select(&FRAGMENTS[..]), 1..12),
        name in any_text(200),
        brand in prop::option::of(any_text(200)),
        list in any_text(200),
        position in 0..=i64::MAX,
    ) {
        thread_local!(static ENGINE: Templates = Templates::new());
        ENGINE.with(|engine| {
            let mut seen_macro = false;
            let fragments = fragments.into_iter().filter(|fragment| {
                !fragment.contains("macro") || !std::mem::replace(&mut seen_macro, true)
            });
            let body = format!("x{}", fragments.collect::<String>());
            let source = TemplateSource { subject: body.chars().take(1).collect(), text: body.clone(), html: Some(body) };
            if let Err(errors) = engine.check(MailKind::Welcome, &english(), &source) {
                let bounds = |reason: &str| reason.contains("too much work") || reason.contains("larger than 1 MiB");
                prop_assert!(errors.iter().all(|error| bounds(&error.reason)), "{errors:?} of {source:?}");
                return Ok(());
            }
            let mut data = data(MailKind::Welcome);
            data["entry"]["name"] = json!(name);
            data["entry"]["email"] = json!(name);
            data["entry"]["position"] = json!(position);
            data["entry"]["effective_position"] = json!(position / 2);
            data["waitlist"]["display_name"] = json!(list);
            data["brand"] = json!({"name": brand, "logo_url": null, "primary_color": brand});
            for tag in ["en", "ar", "sv"] {
                let mail = engine.render(&locale(tag), &source, &data.to_string());
                prop_assert!(mail.is_ok(), "{mail:?} of {source:?}");
            }
            Ok(())
        })?;
    }
}
