//! Every page in every state.

use rally_domain::custom_field::CustomField;
use rally_domain::timestamp::Timestamp;
use rally_domain::web_origin::WebOrigin;
use rally_pages::{
    Ask, AskPage, Brand, Check, ConfirmPage, ConsentBox, ErrorPage, Form, Frame, Friend, Hidden, IndexPage, Language, Leader, ListText,
    LostLinkPage, NextReward, Notice, NoticePage, Openness, Page, Problem, ReachedReward, Review, Reward, Section, SignUpPage, Standing,
    VisitorLinks, VisitorPage, WidgetForm,
};
use serde_json::json;

/// The texts that people and operators wrote.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    pub brand: Brand<'a>,
    pub list: &'a str,
    pub description: &'a str,
    pub text: &'a str,
    pub url: &'a str,
    pub email: &'a str,
    pub name: &'a str,
    pub rewards: [&'a str; 2],
}

/// Words as they usually are.
pub const USUAL: Words<'static> = Words {
    brand: Brand { name: Some("Acme"), logo_url: None, primary_color: Some("#0f766e") },
    list: "Early access",
    description: "Acme plans your week so that you do not have to. Join to be among the first to try it.",
    text: "I have read how Acme uses my data, and I agree.",
    url: "https://example.com/acme/early-access",
    email: "ada.lovelace@example.com",
    name: "Ada Lovelace",
    rewards: ["A T-shirt", "Three months for free"],
};

/// Returns one custom field of every type. The words are labels, hints and options.
pub fn fields(words: Words<'_>, required: bool) -> Vec<CustomField> {
    let kinds = [
        ("text", "Company"),
        ("textarea", "What would you use it for?"),
        ("number", "How many people are in your team?"),
        ("boolean", "May we call you?"),
        ("select", "Where did you hear of us?"),
        ("multiselect", "Which of these do you use?"),
        ("url", "Website"),
        ("email", "Address at work"),
        ("tel", "Telephone"),
        ("date", "When do you want to start?"),
    ];
    let usual = words.list == USUAL.list;
    let of = |text: &'static str| if usual { text.to_owned() } else { words.text.to_owned() };
    let options = if usual { json!(["A friend", "A search", "The news"]) } else { json!([words.text, "b", "c"]) };
    let declare = |(kind, label): (&str, &'static str)| {
        let key = if kind == "text" { "company".to_owned() } else { format!("a_{kind}") };
        let mut declaration = json!({"key": key, "type": kind, "label": of(label), "required": required});
        if kind.ends_with("select") {
            declaration["options"] = options.clone();
        }
        if kind == "textarea" {
            declaration["help_text"] = json!(of("A sentence or two are enough."));
            declaration["placeholder"] = json!(of("Planning our sprints"));
        }
        declaration
    };
    let declarations: Vec<_> = kinds.into_iter().map(declare).collect();
    CustomField::parse_list(&json!(declarations), "custom_fields").unwrap_or_default()
}

fn frame(words: Words<'_>, language: Language) -> Frame<'_> {
    Frame { language, brand: words.brand, badge: true, ..Frame::default() }
}

/// Returns every page in every state, with a name for each.
pub fn pages(language: Language, words: Words<'_>) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let mut add = |name: &str, page: &dyn Page| pages.push((name.to_owned(), page.html()));
    sign_ups(language, words, &mut add);
    visitors(language, words, &mut add);
    asking(language, words, &mut add);
    telling(language, words, &mut add);
    pages
}

fn sign_ups(language: Language, words: Words<'_>, add: &mut dyn FnMut(&str, &dyn Page)) {
    let rewards = [Reward { count: 3, text: words.rewards[0] }, Reward { count: 10, text: words.rewards[1] }];
    let leaders = [
        Leader { masked_email: "g***@example.com", friends: 1204 },
        Leader { masked_email: words.email, friends: 12 },
        Leader { masked_email: "a***@a-rather-long-domain.example.org", friends: 1 },
    ];
    let plain = SignUpPage {
        frame: Frame {
            canonical: Some("https://rally.example.com/w/acme/early-access"),
            listed: true,
            languages: Some("/w/acme/early-access"),
            ..frame(words, language)
        },
        list: ListText { name: words.list, description: Some(words.description), lang: None },
        action: "/w/acme/early-access",
        form: Form::default(),
        hidden: Hidden {
            lang: Some("de"),
            seal: words.text,
            variant_id: Some("0199c0de-0000-7000-8000-000000000000"),
            referral_code: None,
            referrer: None,
        },
        check: Check::None,
        consent: None,
        privacy_url: None,
        terms_url: None,
        lost_link: None,
        invited: false,
        rewards: &[],
        leaders: &[],
    };
    add("sign-up", &plain);
    let fields_optional = fields(words, false);
    let full = SignUpPage {
        frame: Frame { languages: Some("/w/acme/early-access?ref=ABCD2345"), ..plain.frame },
        form: Form { fields: &fields_optional, ..Form::default() },
        hidden: Hidden { referral_code: Some(words.text), referrer: Some(words.text), ..plain.hidden },
        consent: Some(ConsentBox { text: words.text, sha256: words.text }),
        privacy_url: Some(words.url),
        terms_url: Some(words.url),
        lost_link: Some("/w/acme/early-access/lost-link"),
        invited: true,
        rewards: &rewards,
        leaders: &leaders,
        ..plain
    };
    add("sign-up-full", &full);
    let fields_required = fields(words, true);
    let names: Vec<String> = fields_required.iter().map(|field| rally_pages::field_name(&field.key)).collect();
    let fixed = ["email", "name", "consent"].into_iter().map(str::to_owned);
    let missing: Vec<(String, Problem)> = fixed.clone().chain(names.clone()).map(|name| (name, Problem::Refused)).collect();
    let empty = Form { fields: &fields_required, typed: &[], problems: &missing };
    add("sign-up-missing", &SignUpPage { form: empty, ..full });
    let typed: Vec<(String, String)> = fixed.chain(names).map(|name| (name, words.text.to_owned())).collect();
    let wrong: Vec<(String, Problem)> = missing.iter().skip(1).cloned().chain([("email".to_owned(), Problem::Taken)]).collect();
    add("sign-up-wrong", &SignUpPage { form: Form { fields: &fields_required, typed: &typed, problems: &wrong }, ..full });
    let fast = [("form".to_owned(), Problem::TooFast)];
    let typed = [("email".to_owned(), words.email.to_owned()), ("name".to_owned(), words.name.to_owned())];
    add("sign-up-too-fast", &SignUpPage { form: Form { fields: &[], typed: &typed, problems: &fast }, ..plain });
    add(
        "sign-up-work",
        &SignUpPage { check: Check::Work { challenge: "/v1/waitlists/acme/early-access/challenge", is_needed: true }, ..plain },
    );
    add("sign-up-elsewhere", &SignUpPage { check: Check::Elsewhere { page: None }, ..plain });
    add("sign-up-own-page", &SignUpPage { check: Check::Elsewhere { page: Some(words.url) }, ..plain });
    let framers = ["https://acme.example", "http://localhost:5173"].map(|origin| WebOrigin::parse(origin).expect("an origin"));
    let embedded = Frame { framers: &framers, embedded: true, ..frame(words, language) };
    add("sign-up-embedded", &SignUpPage { frame: embedded, ..full });
    add("sign-up-preview", &SignUpPage { frame: Frame { inert: true, ..full.frame }, ..full });
    add("sign-up-embedded-nowhere", &SignUpPage { frame: Frame { framers: &[], ..embedded }, ..plain });
}

fn visitors(language: Language, words: Words<'_>, add: &mut dyn FnMut(&str, &dyn Page)) {
    let at = |millis| Timestamp::from_unix_millis(millis).expect("an instant of this century");
    let (joined, later) = (at(1_764_144_000_000), at(1_767_225_599_000));
    let friends = [
        Friend { masked_email: Some("g***@example.com"), waiting: false, joined_at: joined },
        Friend { masked_email: Some(words.email), waiting: true, joined_at: later },
        Friend { masked_email: None, waiting: false, joined_at: joined },
    ];
    let rewards = [
        ReachedReward { count: 1, text: words.rewards[0], reached: true, reached_at: Some(joined) },
        ReachedReward { count: 10, text: words.rewards[1], reached: false, reached_at: None },
    ];
    let fields = fields(words, false);
    let metadata = json!({"company": words.text, "a_multiselect": ["The news"], "a_boolean": true, "a_number": 12, "a_date": "2026-02-03"});
    let typed = rally_pages::typed_of(words.name, metadata.as_object().expect("an object"), language);
    let listed = Standing::Listed { place: 1204, ahead: 1203, total: 15_310, review: Review::None };
    let page = VisitorPage {
        frame: frame(words, language),
        list: words.list,
        standing: listed,
        message: None,
        openness: Openness::Open,
        boost: 3,
        share_url: "https://rally.example.com/w/acme/early-access?ref=ABCD2345",
        referral_count: 3,
        friends: &friends,
        more_friends: 12,
        rewards: &rewards,
        next_reward: Some(NextReward { count: 10, text: words.rewards[1], remaining: 7 }),
        email: words.email,
        form: Form { fields: &fields, typed: &typed, problems: &[] },
        subscribed: true,
        chooses_mail: true,
        joined_at: joined,
        confirmed_at: Some(later),
        links: VisitorLinks {
            answers: "/me/t/answers",
            language: "/me/t/language",
            mail: "/me/t/mail",
            export: "/me/t/export",
            leave: "/me/t/leave",
        },
        saved: None,
    };
    add("visitor", &page);
    let standing = Standing::Listed { place: 1, ahead: 0, total: 1, review: Review::Waiting };
    let alone = VisitorPage {
        standing,
        boost: 0,
        message: Some(words.description),
        referral_count: 0,
        friends: &[],
        more_friends: 0,
        rewards: &[],
        next_reward: None,
        subscribed: false,
        chooses_mail: true,
        confirmed_at: None,
        form: Form { fields: &[], typed: &typed, problems: &[] },
        ..page
    };
    add("visitor-alone", &alone);
    let standing = Standing::Listed { place: 1_234_567, ahead: 1, total: 2_000_000, review: Review::Approved };
    let next_reward = Some(NextReward { count: 2, text: words.rewards[0], remaining: 1 });
    add("visitor-approved", &VisitorPage { standing, boost: 1, more_friends: 1, next_reward, saved: Some(Section::Mail), ..page });
    add("visitor-saved", &VisitorPage { saved: Some(Section::Language), ..alone });
    for (name, openness) in [("paused", Openness::Paused), ("closed", Openness::Closed), ("full", Openness::Full)] {
        add(&format!("visitor-{name}"), &VisitorPage { openness, ..page });
    }
    add("visitor-closed-alone", &VisitorPage { openness: Openness::Closed, ..alone });
    add("visitor-rejected", &VisitorPage { standing: Standing::Rejected, ..page });
    let problems = [("name".to_owned(), Problem::Refused), ("metadata.a_url".to_owned(), Problem::Refused)];
    let typed = [("name".to_owned(), " ".to_owned()), ("metadata.a_url".to_owned(), words.text.to_owned())];
    add("visitor-problems", &VisitorPage { form: Form { fields: &fields, typed: &typed, problems: &problems }, ..page });
    let confirm = ConfirmPage {
        frame: frame(words, language),
        list: words.list,
        name: words.name,
        email: words.email,
        expires_at: later,
        action: "/confirm/t",
        refuse: "/confirm/t/refuse",
    };
    add("confirm", &confirm);
}

fn asking(language: Language, words: Words<'_>, add: &mut dyn FnMut(&str, &dyn Page)) {
    let ask = |ask, back| AskPage { frame: frame(words, language), ask, action: "/t", back };
    add("leave", &ask(Ask::Leave { list: words.list }, Some("/me/t")));
    add("refuse", &ask(Ask::Refuse, Some("/confirm/t")));
    add("unsubscribe", &ask(Ask::Unsubscribe { masked_email: words.email }, None));
    let back = Some("/w/acme/early-access");
    let frame = frame(words, language);
    let lost = LostLinkPage { frame, list: words.list, action: "/w/acme/early-access/lost-link", form: Form::default(), back };
    add("lost-link", &lost);
    let typed = [("email".to_owned(), words.text.to_owned())];
    let problems = [("email".to_owned(), Problem::Refused)];
    add("lost-link-wrong", &LostLinkPage { form: Form { fields: &[], typed: &typed, problems: &problems }, ..lost });
}

fn telling(language: Language, words: Words<'_>, add: &mut dyn FnMut(&str, &dyn Page)) {
    let notices = [
        ("paused", Notice::Paused),
        ("closed", Notice::Closed),
        ("full", Notice::Full),
        ("mailbox", Notice::Mailbox { expires_in: Some(604_800) }),
        ("mailbox-hour", Notice::Mailbox { expires_in: Some(60) }),
        ("mailbox-open", Notice::Mailbox { expires_in: None }),
        ("lost-link-sent", Notice::LostLinkSent),
        ("confirmed", Notice::Confirmed),
        ("expired", Notice::Expired),
        ("refused", Notice::Refused),
        ("left", Notice::Left),
        ("unsubscribed", Notice::Unsubscribed),
    ];
    for (name, notice) in notices {
        add(name, &NoticePage { frame: frame(words, language), list: Some(words.list), notice, link: Some("/there") });
    }
    for status in [403, 404, 405, 410, 422, 429, 503] {
        add(
            &format!("error-{status}"),
            &ErrorPage { frame: frame(words, language), status, retry_after: Some(600), request_id: Some(words.text) },
        );
    }
    add(
        "index",
        &IndexPage { frame: Frame { languages: Some("/"), ..frame(words, language) }, console: Some("/console"), docs: Some("/docs/") },
    );
}

/// Returns the document of the widget.
pub fn widget(language: Language, words: Words<'_>) -> String {
    let fields = fields(words, false);
    let form = WidgetForm {
        language,
        brand: words.brand,
        list: ListText { name: words.list, description: Some(words.description), lang: None },
        openness: Openness::Open,
        fields: &fields,
        consent: Some(ConsentBox { text: words.text, sha256: words.text }),
        privacy_url: Some(words.url),
        terms_url: Some(words.url),
        lost_link: words.url,
        seal: words.text,
        variant_id: None,
        challenge: None,
        elsewhere: false,
        page_url: Some(words.url),
    };
    form.json()
}
