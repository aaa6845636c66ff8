//! The sign-up page of a waitlist.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_domain::command::SignUpRejection;
use rally_domain::consent;
use rally_domain::email::Email;
use rally_domain::entry as domain;
use rally_domain::error::Invalid;
use rally_domain::id::{EntryId, VariantId, WaitlistId};
use rally_domain::locale::Locale;
use rally_domain::paging::Limit;
use rally_domain::proof_of_work::ProofOfWork;
use rally_domain::referral::{Milestone, OldCode, ReferralCode};
use rally_domain::settings::{Badge, Confirmation, Leaderboard};
use rally_domain::text::{Description, Referrer};
use rally_domain::variant::{Variant, VariantKind, choose};
use rally_domain::waitlist::{PublicWaitlist, Waitlist};
use rally_domain::web_url::WebUrl;
use rally_pages::{
    Brand, Check, ConsentBox, Form, Frame, Hidden, Language, Leader, ListText, Notice, NoticePage, Openness, Page, Problem, Reward,
    SignUpPage, answers_of,
};
use serde_json::json;
use url::form_urlencoded;

use super::look::{self, brand_of, embedded, is_embedded, see_other, see_own, show, show_html};
use super::openness::{notice_of, notice_of_refusal, openness};
use crate::app::App;
use crate::http::body::{Body, read_as};
use crate::http::error::{ApiError, Code};
use crate::http::extract::languages::{accepted_languages, chosen_language, in_query, wanted_languages};
use crate::http::extract::public_list::NamedWaitlist;
use crate::routes::public::challenge::asks_now;
use crate::routes::public::sign_up::{JoinBody, Outcome, count, count_as, take};

/// The most leaders that a page shows.
const LEADERS: u16 = 10;

/// The names under which a link carries the code of a friend.
const CODE: [&str; 4] = ["ref", "referral_code", "kid", "ref_id"];

/// The name under which a link says where its readers come from.
const REFERRER: &str = "referrer";

/// A waitlist, for the reader of one of its pages.
pub(super) struct Reading<'a> {
    pub(super) named: &'a NamedWaitlist,
    pub(super) language: Language,
    /// The path of the sign-up page.
    pub(super) here: String,
    root: &'a str,
    origin: Option<&'a str>,
    embedded: bool,
    /// Whether an admin looks at the page before it is saved.
    is_preview: bool,
    /// The locale that the reader has chosen.
    chosen: Option<Locale>,
    /// The code of a friend, in its stored form.
    code: Option<String>,
    /// Where the reader came from.
    referrer: Option<String>,
}

impl<'a> Reading<'a> {
    /// Finds the language of the reader: the first one that Rally has, of the one that a form carries, that of the query, and those of
    /// the browser, else that of the workspace.
    ///
    /// # Errors
    /// 404 if the list is a draft.
    pub(super) async fn of(
        app: &'a App,
        named: &'a NamedWaitlist,
        request: &HttpRequest,
        posted: Option<Locale>,
    ) -> Result<Self, ApiError> {
        named.published()?;
        let chosen = posted.or_else(|| chosen_language(request));
        let wanted: Vec<Locale> = chosen.iter().cloned().chain(wanted_languages(request)).collect();
        let reading = Self { chosen, ..Self::in_one_of(app, named, &wanted, is_embedded(request)) };
        Ok(reading.sent_by(in_query(request, &CODE).as_deref(), in_query(request, &[REFERRER]).as_deref()))
    }

    fn in_one_of(app: &'a App, named: &'a NamedWaitlist, wanted: &[Locale], embedded: bool) -> Self {
        let waitlist = &named.found.waitlist;
        let language = look::choose(wanted, &named.found.default_locale);
        let root = app.ports.links.root();
        let here = format!("{root}/w/{}/{}", named.found.workspace_slug.as_str(), waitlist.slug.as_str());
        let origin = look::public_origin(&app.ports.links);
        Self { named, language, here, root, origin, embedded, is_preview: false, chosen: None, code: None, referrer: None }
    }

    /// Notes who sent the reader. What Rally would refuse is passed over.
    fn sent_by(self, code: Option<&str>, referrer: Option<&str>) -> Self {
        let code = code.and_then(|code| shared_code(self.named, code));
        let referrer = referrer.and_then(|text| Referrer::parse(text).ok()).map(|referrer| referrer.as_str().to_owned());
        Self { code, referrer, ..self }
    }

    /// The list.
    pub(super) fn waitlist(&self) -> &'a Waitlist {
        &self.named.found.waitlist
    }

    /// The brand of its workspace.
    pub(super) fn brand(&self) -> Brand<'a> {
        brand_of(&self.named.found.brand)
    }

    /// The frame of a page that can be read in all languages under an address.
    pub(super) fn frame<'b>(&self, address: &'b str) -> Frame<'b>
    where
        'a: 'b,
    {
        let settings = &self.waitlist().settings;
        let (framers, badge) = (&settings.allowed_origins, settings.badge == Badge::Shown);
        let frame = Frame { language: self.language, brand: self.brand(), root: self.root, origin: self.origin, badge, ..Frame::default() };
        Frame { languages: Some(address), framers, embedded: self.embedded, inert: self.is_preview, ..frame }
    }

    /// Replies with a page that tells why the list takes nobody. Those who have joined find the way to their link.
    fn tell_closed(&self, status: StatusCode, notice: Notice) -> HttpResponse {
        self.tell(status, notice, Some(&self.address_of("/lost-link")), &self.carrying(self.here.clone()))
    }

    /// Replies with a page that tells one thing under an address.
    pub(super) fn tell(&self, status: StatusCode, notice: Notice, link: Option<&str>, address: &str) -> HttpResponse {
        let frame = self.frame(address);
        show(status, &NoticePage { frame, list: Some(self.waitlist().display_name.as_str()), notice, link }, &frame)
    }

    /// Returns the address of a page of the list that speaks the same language, in the same frame, and knows who sent the reader.
    pub(super) fn address_of(&self, page: &str) -> String {
        embedded(self.carrying(format!("{}{page}?lang={}", self.here, self.language.tag())), self.embedded)
    }

    /// Returns an address that tells who sent the reader.
    pub(super) fn carrying(&self, address: String) -> String {
        let sent_by = [(CODE[0], &self.code), (REFERRER, &self.referrer)];
        let pairs = sent_by.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let separator = if address.contains('?') { '&' } else { '?' };
        if query.is_empty() { address } else { format!("{address}{separator}{query}") }
    }

    /// Leads to a page of the list.
    pub(super) fn lead_to(&self, page: &str) -> HttpResponse {
        see_other(&self.address_of(page))
    }
}

/// What a form shows and carries.
struct Filled<'a> {
    variant: Option<&'a Variant>,
    seal: &'a str,
    typed: &'a [(String, String)],
    problems: &'a [(String, Problem)],
}

/// The form of a waitlist, or why it takes nobody.
#[get("/{workspace_slug}/{waitlist_slug}")]
pub async fn sign_up_page(app: web::Data<App>, named: NamedWaitlist, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let reading = Reading::of(&app, &named, &request, None).await?;
    if let Some(notice) = notice_of(openness(&app, reading.waitlist()).await?) {
        return Ok(reading.tell_closed(StatusCode::OK, notice));
    }
    let variant = match named.found.variants.as_slice() {
        [] => None,
        variants => choose(variants, &asked_for(&request), app.ports.ids.entropy()),
    };
    let around = Around::of(&app, &reading).await?;
    let key = PageKey::new(&reading, variant, &around);
    let filled = Filled { variant, seal: UNSEALED, typed: &[], problems: &[] };
    let html = app.pages.of(key, &named.found, |_| Ok(html(&app, &reading, &filled, &around).into_bytes()))?;
    let seal = app.seals.seal(reading.waitlist().id, app.ports.clock.now());
    Ok(show_html(StatusCode::OK, sealed(&html, &seal), &reading.frame(&reading.here)))
}

/// What a cached page has in place of its seal. No other text has a NUL.
const UNSEALED: &str = "\0";

/// Returns a cached page with its seal. A page without a form has no place for one.
fn sealed(html: &[u8], seal: &str) -> Vec<u8> {
    match memchr::memchr(0, html) {
        Some(place) => [&html[..place], seal.as_bytes(), &html[place + 1..]].concat(),
        None => html.to_vec(),
    }
}

/// What makes an empty form different from that of another reader of the list.
#[derive(PartialEq, Eq, Hash)]
pub struct PageKey {
    list: WaitlistId,
    language: &'static str,
    chosen: Option<Locale>,
    is_embedded: bool,
    variant: Option<VariantId>,
    code: Option<String>,
    referrer: Option<String>,
    needs_work: bool,
    leaders: Option<SameLeaders>,
}

impl PageKey {
    fn new(reading: &Reading<'_>, variant: Option<&Variant>, around: &Around) -> Self {
        Self {
            list: reading.waitlist().id,
            language: reading.language.tag(),
            chosen: reading.chosen.clone(),
            is_embedded: reading.embedded,
            variant: variant.map(|variant| variant.id),
            code: reading.code.clone(),
            referrer: reading.referrer.clone(),
            needs_work: around.needs_work,
            leaders: around.leaders.clone().map(SameLeaders),
        }
    }
}

/// Leaders that are equal if they were read at once. The ports give the same ones for a moment.
struct SameLeaders(Arc<[domain::Leader]>);

impl PartialEq for SameLeaders {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SameLeaders {}

impl Hash for SameLeaders {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).cast::<()>().hash(state);
    }
}

/// What a form shows beside the list, and is not of the form.
struct Around {
    /// Whether a proof of work is asked for now.
    needs_work: bool,
    /// Those who lead, if the list shows them.
    leaders: Option<Arc<[domain::Leader]>>,
}

impl Around {
    async fn of(app: &App, reading: &Reading<'_>) -> Result<Self, ApiError> {
        let waitlist = reading.waitlist();
        let needs_work = waitlist.settings.proof_of_work != ProofOfWork::Off && asks_now(app, waitlist).await?;
        Ok(Self { needs_work, leaders: leaders(app, waitlist).await? })
    }
}

/// The form of a waitlist as an admin sees it before it is saved. It is not sent anywhere, and no link of it can be followed: the pages
/// behind the links refuse to stand in the frame of the preview.
pub async fn preview(app: &App, shown: PublicWaitlist, variant: Option<&Variant>) -> Result<HttpResponse, ApiError> {
    let named = NamedWaitlist { asked: shown.workspace_slug.clone(), found: Arc::new(shown) };
    let reading = Reading { is_preview: true, ..Reading::in_one_of(app, &named, &[], false) };
    render(app, &reading, StatusCode::OK, &Filled { variant, seal: "", typed: &[], problems: &[] }).await
}

/// Returns the locales for which a variant is chosen: the chosen one alone, else all that the browser wants.
pub(super) fn asked_for(request: &HttpRequest) -> Vec<Locale> {
    chosen_language(request).map_or_else(|| accepted_languages(request.headers()), |locale| vec![locale])
}

/// Returns a code that may be one of somebody on the list, in its stored form. An old code keeps its letters.
fn shared_code(named: &NamedWaitlist, code: &str) -> Option<String> {
    match ReferralCode::parse(code) {
        Ok(own) => Some(own.as_str().to_owned()),
        Err(_) if named.found.has_old_codes => OldCode::parse(code).ok().map(|old| old.as_str().to_owned()),
        Err(_) => None,
    }
}

async fn render(app: &App, reading: &Reading<'_>, status: StatusCode, filled: &Filled<'_>) -> Result<HttpResponse, ApiError> {
    let around = Around::of(app, reading).await?;
    Ok(show_html(status, html(app, reading, filled, &around), &reading.frame(&reading.here)))
}

fn html(app: &App, reading: &Reading<'_>, filled: &Filled<'_>, around: &Around) -> String {
    let waitlist = reading.waitlist();
    let (code, referrer) = (reading.code.as_deref(), reading.referrer.as_deref());
    let address = reading.carrying(reading.here.clone());
    let canonical = format!("{}{}", app.ports.links.base(), &reading.here[app.ports.links.root().len()..]);
    let is_listed = !reading.embedded;
    let frame = Frame { canonical: Some(&*canonical).filter(|_| is_listed), listed: is_listed, ..reading.frame(&address) };
    let milestones = waitlist.settings.referral_rewards.reached(u64::MAX);
    let rewards: Vec<Reward<'_>> =
        milestones.into_iter().map(|Milestone { count, reward }| Reward { count: *count, text: reward }).collect();
    let challenge = challenge_of(app, reading.named);
    let work = match challenge.as_deref() {
        Some(challenge) => Check::Work { challenge, is_needed: around.needs_work },
        None => Check::None,
    };
    let leaders = around.leaders.as_deref().unwrap_or_default();
    let leaders: Vec<(String, u64)> = leaders.iter().map(|leader| (leader.email.masked().to_string(), leader.referral_count)).collect();
    let leaders: Vec<Leader<'_>> = leaders.iter().map(|(masked, friends)| Leader { masked_email: masked, friends: *friends }).collect();
    let variant_id = filled.variant.map(|variant| variant.id.to_string());
    let (lost_link, action) = (reading.address_of("/lost-link"), embedded(reading.here.clone(), reading.embedded));
    let own_page = own_page(waitlist, code);
    let agreed = waitlist.settings.consent_text.as_ref().map(consent::digest);
    let page = SignUpPage {
        frame,
        list: list_text(waitlist, filled.variant, reading.language),
        action: &action,
        form: Form { fields: &waitlist.settings.custom_fields, typed: filled.typed, problems: filled.problems },
        hidden: Hidden {
            lang: reading.chosen.as_ref().map(Locale::as_str),
            seal: filled.seal,
            variant_id: variant_id.as_deref(),
            referral_code: code,
            referrer,
        },
        check: match waitlist.settings.recaptcha_site_key {
            Some(_) => Check::Elsewhere { page: own_page.as_deref() },
            None => work,
        },
        consent: consent_box(waitlist, agreed.as_deref()),
        privacy_url: waitlist.settings.privacy_url.as_ref().map(WebUrl::as_str),
        terms_url: waitlist.settings.terms_url.as_ref().map(WebUrl::as_str),
        lost_link: Some(&lost_link),
        invited: code.is_some(),
        rewards: &rewards,
        leaders: &leaders,
    };
    page.html()
}

/// The words of a list, and their language if a variant is in another one than the page.
pub(super) fn list_text<'a>(waitlist: &'a Waitlist, variant: Option<&'a Variant>, page: Language) -> ListText<'a> {
    let words = waitlist.words(variant);
    let of_words = variant.filter(|variant| variant.kind == VariantKind::Locale && variant.copy.display_name.is_some());
    let lang = of_words.map(|variant| variant.locale.as_str()).filter(|tag| Language::of_tag(tag) != Some(page));
    ListText { name: words.display_name.as_str(), description: words.description.map(Description::as_str), lang }
}

/// Returns the box beside what people agree to, for a text with a digest.
pub(super) fn consent_box<'a>(waitlist: &'a Waitlist, sha256: Option<&'a str>) -> Option<ConsentBox<'a>> {
    Some(ConsentBox { text: waitlist.settings.consent_text.as_ref()?.as_str(), sha256: sha256? })
}

/// Returns the operator's own page of a list, with the code of a friend.
fn own_page(waitlist: &Waitlist, code: Option<&str>) -> Option<String> {
    let page = waitlist.settings.page_url.as_ref()?;
    Some(code.map_or_else(|| page.as_str().to_owned(), |code| page.with_query("ref", code)))
}

/// Returns the address of challenges for a list, if the list may ask for a proof of work.
pub(super) fn challenge_of(app: &App, named: &NamedWaitlist) -> Option<String> {
    let (workspace, waitlist) = (&named.found.workspace_slug, &named.found.waitlist);
    let path = || format!("{}/v1/waitlists/{}/{}/challenge", app.ports.links.root(), workspace.as_str(), waitlist.slug.as_str());
    (waitlist.settings.proof_of_work != ProofOfWork::Off).then(path)
}

/// Returns those who lead, if the list shows them.
async fn leaders(app: &App, waitlist: &Waitlist) -> Result<Option<Arc<[domain::Leader]>>, ApiError> {
    if waitlist.settings.leaderboard == Leaderboard::Hidden {
        return Ok(None);
    }
    Ok(Some(app.ports.stats.leaders(waitlist.id, Limit::of::<LEADERS>()).await?))
}

/// A form that was posted.
struct Posted(Vec<(String, String)>);

impl Posted {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, value)| given == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The locale that the reader of the form has chosen.
    fn chosen(&self) -> Option<Locale> {
        self.value("lang").and_then(|tag| Locale::parse(tag).ok())
    }

    /// The same fields as in a sign-up over the API.
    fn body(&self, reading: &Reading<'_>) -> Result<JoinBody, ApiError> {
        let answers = answers_of(&reading.waitlist().settings.custom_fields, &self.0, reading.language);
        read_as(json!({
            "email": self.value("email").unwrap_or_default().trim(),
            "name": self.value("name").unwrap_or_default(),
            "referral_code": self.value("referral_code"),
            "referrer": self.value(REFERRER).filter(|text| Referrer::parse(text).is_ok()),
            "metadata": answers,
            "locale": reading.chosen.as_ref().map(Locale::as_str),
            "consent": self.value("consent").is_some_and(|ticked| ticked != "false"),
            // The box has the digest of the text beside it.
            "consent_sha256": self.value("consent").filter(|ticked| !matches!(*ticked, "true" | "on")),
            "proof_of_work": self.value("proof_of_work"),
            "variant_id": self.value("variant_id").filter(|id| VariantId::parse(id).is_ok()),
        }))
    }
}

/// Signs a person up, and leads to their own page or to one about their mailbox. What does not fit comes back with what was typed.
#[post("/{workspace_slug}/{waitlist_slug}")]
pub async fn post_sign_up(app: web::Data<App>, named: NamedWaitlist, request: HttpRequest, body: Body) -> Result<HttpResponse, ApiError> {
    named.published()?;
    named.check_origin(&app, &request)?;
    let posted = Posted(body.form().await?);
    let reading = Reading::of(&app, &named, &request, posted.chosen()).await?;
    let reading = reading.sent_by(posted.value("referral_code"), posted.value(REFERRER));
    let outcome = sign_up(&app, &reading, &request, &posted).await;
    match outcome {
        Ok(Sent::OnTheList(url)) => Ok(see_own(&app, &request, &embedded(url, reading.embedded))),
        Ok(Sent::MustConfirm) => Ok(reading.lead_to("/mailbox")),
        Err(error) => show_again(&app, &reading, &posted, error).await,
    }
}

/// Where a form that was taken leads.
enum Sent {
    /// To the person's own page.
    OnTheList(String),
    /// To the page about the mailbox.
    MustConfirm,
}

async fn sign_up(app: &App, reading: &Reading<'_>, request: &HttpRequest, posted: &Posted) -> Result<Sent, ApiError> {
    let waitlist = reading.waitlist();
    app.limits.take_address(app.proxies.client(request), waitlist.id).inspect_err(|error| count_as(error.code.as_str()))?;
    // A list that takes nobody says so before anything that is wrong with the form.
    match openness(app, waitlist).await? {
        Openness::Open => {}
        Openness::Full => return Err(refuse(SignUpRejection::WaitlistFull)),
        Openness::Paused | Openness::Closed => return Err(refuse(SignUpRejection::WaitlistNotActive)),
    }
    if posted.value("website").is_some() {
        count_as("bot");
        return Ok(lead_a_bot(app, waitlist));
    }
    // A form without a seal of this list is taken as one that was shown just now.
    let missing = posted.value("form").and_then(|seal| app.seals.missing(waitlist.id, seal, app.ports.clock.now()));
    if missing != Some(0) {
        count_as(Code::TooFast.as_str());
        return Err(ApiError::new(Code::TooFast, "the form came back too fast"));
    }
    let outcome = take(app, &reading.named.found, request, posted.body(reading)?).await;
    count(&outcome);
    Ok(match outcome? {
        Outcome::OnTheList(entry) => Sent::OnTheList(app.ports.links.status(entry.id, entry.link_generation)),
        Outcome::MustConfirm(_) => Sent::MustConfirm,
        Outcome::Bot(_) => lead_a_bot(app, waitlist),
    })
}

/// Refuses a form, and counts it.
fn refuse(rejection: SignUpRejection) -> ApiError {
    let error = ApiError::from(rejection);
    count_as(error.code.as_str());
    error
}

/// Leads a program where a person would go: to a link like any other, which is nobody's.
fn lead_a_bot(app: &App, waitlist: &Waitlist) -> Sent {
    match waitlist.settings.email_confirmation {
        Confirmation::Required => Sent::MustConfirm,
        Confirmation::Off => Sent::OnTheList(app.ports.links.status(EntryId::new(app.ports.ids.uuid()), 0)),
    }
}

/// Shows the form again with what is to be changed, or a page that says why the list takes nobody.
async fn show_again(app: &App, reading: &Reading<'_>, posted: &Posted, error: ApiError) -> Result<HttpResponse, ApiError> {
    let waitlist = reading.waitlist();
    if let Some(notice) = notice_of_refusal(&error, waitlist.status) {
        return Ok(reading.tell_closed(StatusCode::UNPROCESSABLE_ENTITY, notice));
    }
    let Some((status, problems)) = problems_of(&error) else { return Err(error) };
    let now = app.ports.clock.now();
    let first = posted.value("form").filter(|seal| app.seals.missing(waitlist.id, seal, now).is_some());
    let seal = first.map_or_else(|| app.seals.seal(waitlist.id, now), str::to_owned);
    let shown = posted.value("variant_id");
    let variant = reading.named.found.variants.iter().find(|variant| shown == Some(variant.id.to_string().as_str()));
    let filled = Filled { variant, seal: &seal, typed: &posted.0, problems: &problems };
    let mut reply = render(app, reading, status, &filled).await?;
    if let Some(seconds) = error.retry_after {
        reply.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(reply)
}

/// Returns the problem with an answer. What was typed does not show that an address gets no mail.
fn problem_of(message: &Invalid) -> Problem {
    match message {
        message if *message == Email::DISPOSABLE => Problem::Disposable,
        message if *message == Email::NO_MAIL => Problem::NoMail,
        _ => Problem::Refused,
    }
}

/// Returns the problem of a form that came too often.
pub(super) fn too_often(error: &ApiError) -> Problem {
    Problem::TooOften { seconds: error.retry_after.unwrap_or(60) }
}

/// Returns the status and the problems of a form that was refused. `None` means that the form has no part in it.
fn problems_of(error: &ApiError) -> Option<(StatusCode, Vec<(String, Problem)>)> {
    let one = |name: &str, problem| vec![(name.to_owned(), problem)];
    let (status, problems) = match error.code {
        Code::ValidationFailed => {
            let problems = error.errors.iter().map(|error| (error.field.clone(), problem_of(&error.message))).collect();
            (StatusCode::UNPROCESSABLE_ENTITY, problems)
        }
        Code::EmailTaken => (StatusCode::UNPROCESSABLE_ENTITY, one("email", Problem::Taken)),
        Code::CaptchaFailed | Code::ProofOfWorkFailed => (StatusCode::UNPROCESSABLE_ENTITY, one("form", Problem::Check)),
        Code::TooFast => (StatusCode::UNPROCESSABLE_ENTITY, one("form", Problem::TooFast)),
        Code::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, one("form", too_often(error))),
        Code::ServiceUnavailable => (StatusCode::SERVICE_UNAVAILABLE, one("form", Problem::Unavailable)),
        _ => return None,
    };
    Some((status, problems))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_stands_in_its_place_alone() {
        assert_eq!(sealed(b"<form>\0</form></html>", "seal"), b"<form>seal</form></html>");
        assert_eq!(sealed(b"<p>elsewhere</p></html>", "seal"), b"<p>elsewhere</p></html>");
    }
}
