//! The document from which the widget builds its form.

use rally_domain::custom_field::CustomField;
use serde::Serialize;

use crate::brand::{Brand, Color, is_web};
use crate::form::{self, Control, Problem};
use crate::language::Language;
use crate::page::{ConsentBox, ListText};
use crate::texts::Texts;

/// Whether a waitlist takes people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// It does.
    Open,
    /// It is paused.
    Paused,
    /// It is closed.
    Closed,
    /// It is full.
    Full,
}

/// What the widget shows: the form of a waitlist, or why there is none.
#[derive(Debug, Clone, Copy)]
pub struct WidgetForm<'a> {
    /// The language of the texts.
    pub language: Language,
    /// The brand of the workspace.
    pub brand: Brand<'a>,
    /// The words of the waitlist.
    pub list: ListText<'a>,
    /// Whether it takes people.
    pub openness: Openness,
    /// The custom fields.
    pub fields: &'a [CustomField],
    /// The box that must be ticked.
    pub consent: Option<ConsentBox<'a>>,
    /// The privacy policy: http or https.
    pub privacy_url: Option<&'a str>,
    /// The terms: http or https.
    pub terms_url: Option<&'a str>,
    /// The address at which somebody who has joined gets the link again. It may begin at the root of the server.
    pub lost_link: &'a str,
    /// The sealed time of the first showing.
    pub seal: &'a str,
    /// The id of the variant that is shown.
    pub variant_id: Option<&'a str>,
    /// The address of challenges, if the widget has to solve one. It may begin at the root of the server.
    pub challenge: Option<&'a str>,
    /// Whether the waitlist needs a check that the widget cannot show.
    pub elsewhere: bool,
    /// The operator's own page, which can: http or https.
    pub page_url: Option<&'a str>,
}

#[derive(Serialize)]
struct Document<'a> {
    lang: &'a str,
    dir: &'a str,
    /// The locale of numbers.
    numbers: &'a str,
    /// The signs between whole digits and fraction, and between thousands.
    separators: (char, char),
    name: &'a str,
    /// The language of the name and the description, if it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    /// What is told in place of the form.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<Told<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<String>,
    controls: Vec<Control>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<Consent<'a>>,
    links: Vec<Link<'a>>,
    form: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<&'a str>,
    texts: Words,
}

#[derive(Serialize)]
struct Told<'a> {
    title: String,
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Link<'a>>,
}

#[derive(Serialize)]
struct Consent<'a> {
    text: &'a str,
    sha256: &'a str,
    missing: String,
}

#[derive(Serialize)]
struct Link<'a> {
    text: String,
    url: &'a str,
}

/// The minutes to wait that the widget can tell. It takes the next one, because it knows no plurals.
const WAITS: [u64; 9] = [1, 2, 3, 5, 10, 15, 20, 30, 60];

/// The texts that do not belong to a control. Those under `errors` have the codes of the API.
#[derive(Serialize)]
struct Words {
    join: String,
    choose: String,
    yes: String,
    no: String,
    leave_empty: String,
    working: String,
    sending: String,
    opens_new_tab: String,
    form_open: String,
    joined: String,
    place: String,
    open: String,
    mailbox: String,
    mailbox_body: String,
    mailbox_spam: String,
    errors: Errors,
}

#[derive(Serialize)]
struct Errors {
    email_taken: String,
    /// What to do if only the server knows why an address does not fit.
    email_refused: String,
    validation_failed: String,
    captcha_failed: String,
    proof_of_work_failed: String,
    too_many_requests: String,
    /// What is told if requests are allowed again after so many minutes.
    too_many_requests_for: [(u64, String); WAITS.len()],
    waitlist_not_active: String,
    waitlist_full: String,
    origin_not_allowed: String,
    network: String,
    /// What to do if the page is not open over a secure connection, without which the browser cannot solve a challenge.
    insecure: String,
    other: String,
}

impl WidgetForm<'_> {
    /// Writes the document.
    pub fn json(&self) -> String {
        let texts = Texts::of(self.language);
        let controls = [form::email(texts), form::name(texts)].into_iter();
        let document = Document {
            lang: self.language.tag(),
            dir: self.language.direction().as_str(),
            numbers: self.language.numbers(),
            separators: self.language.separators(),
            name: self.list.name,
            words: self.list.lang,
            description: self.list.description,
            closed: self.closed(texts),
            color: self.brand.color().map(|color: Color| format!("#{}", color.hex())),
            controls: controls.chain(self.fields.iter().map(|field| form::custom(field, texts))).collect(),
            consent: self.consent.map(|ConsentBox { text, sha256 }| Consent { text, sha256, missing: texts.plain("error-consent") }),
            links: self.links(texts),
            form: self.seal,
            variant_id: self.variant_id,
            challenge: self.challenge,
            texts: words(texts),
        };
        serde_json::to_string(&document).expect("texts serialise")
    }

    fn links(&self, texts: Texts) -> Vec<Link<'_>> {
        let link = |key, url| Link { text: texts.plain(key), url };
        let web = |url: &&str| is_web(url);
        let privacy = self.privacy_url.filter(web).map(|url| link("privacy", url));
        let terms = self.terms_url.filter(web).map(|url| link("terms", url));
        std::iter::once(link("lost-link-ask", self.lost_link)).chain(privacy).chain(terms).collect()
    }

    fn closed(&self, texts: Texts) -> Option<Told<'_>> {
        let elsewhere = self.page_url.filter(|url| self.openness == Openness::Open && is_web(url));
        let (title, body) = match self.openness {
            Openness::Open if self.elsewhere => (self.list.name.to_owned(), "captcha-elsewhere"),
            Openness::Open => return None,
            Openness::Paused => (texts.plain("paused-title"), "paused-body"),
            Openness::Closed => (texts.plain("closed-title"), "closed-body"),
            Openness::Full => (texts.plain("full-title"), "full-body"),
        };
        Some(Told { title, body: texts.plain(body), link: elsewhere.map(|url| Link { text: texts.plain("captcha-open"), url }) })
    }
}

fn words(texts: Texts) -> Words {
    let problem = |problem| form::explain(problem, texts);
    let too_often = |minutes| problem(Problem::TooOften { seconds: minutes * 60 });
    Words {
        join: texts.plain("join"),
        choose: texts.plain("choose"),
        yes: texts.plain("yes"),
        no: texts.plain("no"),
        leave_empty: texts.plain("leave-empty"),
        working: texts.plain("work-running"),
        sending: texts.plain("sending"),
        opens_new_tab: texts.plain("tab-new"),
        form_open: texts.plain("form-open"),
        joined: texts.plain("joined-title"),
        place: texts.plain("place"),
        open: texts.plain("page-open"),
        mailbox: texts.plain("mailbox-title"),
        mailbox_body: texts.plain("mailbox-body"),
        mailbox_spam: texts.plain("mailbox-spam"),
        errors: Errors {
            email_taken: problem(Problem::Taken),
            email_refused: texts.plain("error-email-other"),
            validation_failed: problem(Problem::Refused),
            captcha_failed: problem(Problem::Check),
            proof_of_work_failed: problem(Problem::Check),
            too_many_requests: too_often(1),
            too_many_requests_for: WAITS.map(|minutes| (minutes, too_often(minutes))),
            // It holds for a list that is paused and for one that is closed.
            waitlist_not_active: texts.plain("paused-body"),
            waitlist_full: texts.plain("full-title"),
            origin_not_allowed: texts.plain("forbidden-body"),
            network: texts.plain("error-network"),
            insecure: texts.plain("work-secure"),
            other: problem(Problem::Unavailable),
        },
    }
}
