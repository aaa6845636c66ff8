//! The sign-up.

use actix_web::{HttpRequest, HttpResponse, post, web};
use rally_domain::command::SignUpRejection;
use rally_domain::custom_field::Metadata;
use rally_domain::email::Email;
use rally_domain::entry::Entry;
use rally_domain::error::FieldError;
use rally_domain::id::{EntryId, VariantId};
use rally_domain::locale::{Locale, preferred};
use rally_domain::mail::Links;
use rally_domain::profile::Profile;
use rally_domain::referral::{OldCode, ReferralBoost, ReferralCode};
use rally_domain::settings::Confirmation;
use rally_domain::text::{Interest, PersonName, Referrer};
use rally_domain::timestamp::Timestamp;
use rally_domain::use_case;
use rally_domain::use_case::entry_job::last_position;
use rally_domain::use_case::join::{Join, Joined};
use rally_domain::waitlist::{PublicWaitlist, Waitlist};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::challenge::Work;
use crate::app::App;
use crate::http::body::Body;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::{AnyFailure, ApiError, BodyFailure, Code, ErrorBody, tell_standings};
use crate::http::extract::languages::accepted_languages;
use crate::http::extract::public_list::NamedWaitlist;
use crate::http::standing::Standing;
use crate::routes::schema::{EntryStatusName, RequestedName};

/// A new entry.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateEntry)]
pub(in crate::routes) struct JoinBody {
    /// E-mail address. It can sign up once on a waitlist, whatever its case.
    #[schema(value_type = String, required, format = Email, max_length = 254, example = "ada@example.com")]
    #[serde(default)]
    email: Field<String>,
    /// Full name.
    #[schema(value_type = String, required, min_length = 1, max_length = 200, example = "Ada Lovelace")]
    #[serde(default)]
    name: Field<String>,
    /// What the person wants to use the product for.
    #[schema(value_type = Option<String>, max_length = 2000)]
    #[serde(default)]
    interest: Field<String>,
    /// Where the person heard of the waitlist.
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    referrer: Field<String>,
    /// The referral code of another entry. An unknown code is ignored.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    referral_code: Field<String>,
    /// Answers to the custom fields, and anything else to keep: at most 50 keys and 16 KiB.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    metadata: Field<Map<String, Value>>,
    /// The language of mail to the person, as a BCP 47 tag. Without a well-formed tag, that of `Accept-Language`, else of the workspace.
    #[schema(value_type = Option<String>, example = "de")]
    #[serde(default)]
    locale: Field<String>,
    /// The captcha's token. Required if `recaptcha_site_key` is set.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    recaptcha_token: Field<String>,
    /// The solution of a challenge of this list. Required if the list asks for a proof of work.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    proof_of_work: Field<String>,
    /// The variant that the person saw.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    variant_id: Field<String>,
    /// Whether the person agrees to the waitlist's `consent_text`. It must be true if there is such a text.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    consent: Field<bool>,
    /// The SHA-256 of the `consent_text` that the person saw, in hexadecimal digits. If the text is another one by now, the sign-up is
    /// refused at `consent`.
    #[schema(value_type = Option<String>, pattern = "^[0-9A-Fa-f]{64}$")]
    #[serde(default)]
    consent_sha256: Field<String>,
    /// The field of the widget that people do not see.
    #[schema(ignore)]
    #[serde(default)]
    website: Field<String>,
    /// The sealed time at which the widget was first shown.
    #[schema(ignore)]
    #[serde(default)]
    form: Field<String>,
}

impl JoinBody {
    /// Whether a program filled in what people do not see. Only forms of this server have that field, and their seal.
    fn is_of_a_bot(&self, app: &App, waitlist: &Waitlist) -> bool {
        let is_of_a_form =
            matches!(&self.form, Field::Given(seal) if app.seals.missing(waitlist.id, seal, app.ports.clock.now()).is_some());
        is_of_a_form && matches!(&self.website, Field::Given(text) if !text.is_empty())
    }

    /// The solution of a challenge.
    fn solution(&self) -> Option<&str> {
        match &self.proof_of_work {
            Field::Given(solution) if !solution.is_empty() => Some(solution),
            Field::Absent | Field::Null | Field::Wrong | Field::Given(_) => None,
        }
    }

    /// Returns how many milliseconds are missing until the widget may send its form. Requests of other programs carry no time.
    fn missing_time(&self, app: &App, waitlist: &Waitlist) -> u64 {
        let Field::Given(seal) = &self.form else { return 0 };
        app.seals.missing(waitlist.id, seal, app.ports.clock.now()).unwrap_or(0)
    }

    fn parse(self, app: &App, list: &PublicWaitlist, mut accepted: Vec<Locale>, now: Timestamp) -> Result<Join, ApiError> {
        let (mut fields, settings) = (Fields::default(), &list.waitlist.settings);
        let is_blocked = |email: &Email| settings.addresses.block(email, &app.ports.disposable);
        let email = fields.required("email", self.email, |text| match Email::parse(&text)? {
            email if is_blocked(&email) => Err(Email::DISPOSABLE),
            email => Ok(email),
        });
        let name = fields.required("name", self.name, |text| PersonName::parse(&text));
        let interest = fields.optional("interest", self.interest, |text| Interest::parse_optional(&text));
        let referrer = fields.optional("referrer", self.referrer, |text| Referrer::parse_optional(&text));
        let given = fields.optional("referral_code", self.referral_code, Ok);
        let metadata = match &self.metadata {
            Field::Absent | Field::Null => Some(Metadata::default()),
            Field::Wrong | Field::Given(_) => fields.optional("metadata", self.metadata, Metadata::parse),
        };
        let metadata = metadata.map(|metadata| metadata.answering(&settings.custom_fields).map_err(|errors| fields.extend(errors)));
        if let Field::Given(tag) = self.locale {
            accepted.splice(..0, Locale::parse(&tag));
        }
        let captcha_token = fields.optional("recaptcha_token", self.recaptcha_token, Ok);
        let variant_id = fields.optional("variant_id", self.variant_id, |text| VariantId::parse(&text));
        let seen = fields.optional("consent_sha256", self.consent_sha256, Ok);
        let consent = settings.consent(matches!(self.consent, Field::Given(true)), seen.as_deref(), now);
        let consent = consent.map_err(|error| fields.extend(vec![FieldError::new("consent", error)]));
        fields.finish()?;
        let (Some(email), Some(name), Some(Ok(metadata)), Ok(consent)) = (email, name, metadata, consent) else {
            return Err(ApiError::validation(Vec::new()));
        };
        Ok(Join {
            profile: Profile {
                email,
                name,
                interest: interest.flatten(),
                referrer: referrer.flatten(),
                locale: Some(preferred(&accepted, &list.default_locale).unwrap_or(&list.default_locale).clone()),
                metadata,
                consent,
            },
            friends_code: given.as_deref().and_then(|text| ReferralCode::parse(text).ok()),
            given_code: given.as_deref().and_then(|text| old_code(list, text)),
            variant_id,
            captcha_token: captcha_token.filter(|token| !token.is_empty()),
            proof: None,
            address: None,
            origin: None,
        })
    }
}

/// Returns a code that may be one of an earlier service. Most codes are Rally's, and are not looked for among old ones if there were none a
/// moment ago. Any other code is, because an import may have just brought it.
fn old_code(list: &PublicWaitlist, text: &str) -> Option<OldCode> {
    let may_be_old = list.has_old_codes || ReferralCode::parse(text).is_err();
    OldCode::parse(text).ok().filter(|_| may_be_old)
}

/// The entry of a person who signed up.
#[derive(Serialize, ToSchema)]
pub struct JoinedView {
    #[schema(format = Uuid)]
    id: String,
    /// The address as it is stored.
    #[schema(format = Email)]
    email: String,
    name: String,
    /// The position in the order of signing up.
    position: u64,
    /// The position, improved by referrals.
    effective_position: u64,
    #[schema(value_type = EntryStatusName)]
    status: &'static str,
    /// The code that friends can sign up with.
    referral_code: String,
    /// The person's own page. Whoever has the link can see it.
    #[schema(format = "uri")]
    status_url: String,
    #[schema(format = DateTime)]
    created_at: String,
}

impl JoinedView {
    /// The entry, for its owner. It moves up by its referrals as far as the boost of its list says.
    pub fn new(entry: &Entry, boost: ReferralBoost, links: &Links) -> Self {
        Self {
            id: entry.id.to_string(),
            email: entry.profile.email.to_string(),
            name: entry.profile.name.to_string(),
            position: entry.position.number(),
            effective_position: entry.position.effective(entry.referral_count, boost).number(),
            status: entry.status.as_str(),
            referral_code: entry.referral_code.to_string(),
            status_url: links.status(entry.id, entry.link_generation),
            created_at: entry.created_at.to_string(),
        }
    }

    /// An entry that does not exist, for a program that filled in what people do not see.
    async fn of_nobody(app: &App, waitlist: &Waitlist, profile: &Profile) -> Result<Self, ApiError> {
        let (ports, id) = (&app.ports, EntryId::new(app.ports.ids.uuid()));
        let next = last_position(ports, waitlist).await?.number() + 1;
        Ok(Self {
            id: id.to_string(),
            email: profile.email.to_string(),
            name: profile.name.to_string(),
            position: next,
            effective_position: next,
            status: waitlist.settings.approval.first_status().as_str(),
            referral_code: ReferralCode::from_entropy(ports.ids.entropy()).to_string(),
            status_url: ports.links.status(id, 0),
            created_at: ports.clock.now().to_string(),
        })
    }
}

/// A sign-up that waits for its confirmation. It is the same for every address, whatever is known of it.
#[derive(Serialize, ToSchema)]
#[schema(as = ConfirmationRequired)]
struct RequestedView {
    #[schema(value_type = RequestedName)]
    status: &'static str,
    #[schema(format = Email)]
    email: String,
    /// How long the owner of the address can confirm the sign-up, in seconds.
    expires_in: i64,
}

/// Sign up
///
/// If the waitlist has `email_confirmation`, the owner of the address gets a mail and confirms the sign-up first.
#[utoipa::path(
    tag = "Public-Waitlist", operation_id = "create_entry", params(NamedWaitlist), request_body = JoinBody,
    responses(
        (status = 201, description = "The person is on the waitlist.", body = JoinedView),
        (status = 202, description = "The owner of the address must confirm the sign-up.", body = RequestedView),
        (status = 403, description = "The waitlist takes no forms from pages of this origin.", body = ErrorBody),
        (status = 404, description = "There is no such waitlist.", body = ErrorBody),
        (status = 409, description = "The address is already on the waitlist.", body = ErrorBody),
        (status = 422, description = "The waitlist is not active, or it is full.", body = ErrorBody),
        (status = 429, description = "Too many sign-ups from this address, or tries with this e-mail address. `Retry-After`, `RateLimit` and \
            `RateLimit-Policy` say when to try again.", body = ErrorBody),
        BodyFailure, AnyFailure,
    ),
)]
#[post("/entries")]
pub async fn join(app: web::Data<App>, named: NamedWaitlist, request: HttpRequest, body: Body) -> Result<HttpResponse, ApiError> {
    let waitlist = &named.found.waitlist;
    let mut standings = Vec::new();
    let outcome = sign_up(&app, &named, &request, body, &mut standings).await;
    count(&outcome);
    let must_confirm = |email: &Email| {
        let expires_in = app.confirmation_ttl.whole_seconds();
        RequestedView { status: "confirmation_required", email: email.to_string(), expires_in }
    };
    let (mut created, mut accepted) = (HttpResponse::Created(), HttpResponse::Accepted());
    tell_standings(&mut created, &standings);
    tell_standings(&mut accepted, &standings);
    Ok(match outcome? {
        Outcome::OnTheList(entry) => created.json(JoinedView::new(&entry, waitlist.settings.referral_boost, &app.ports.links)),
        Outcome::MustConfirm(email) => accepted.json(must_confirm(&email)),
        Outcome::Bot(profile) if waitlist.settings.email_confirmation == Confirmation::Off => {
            created.json(JoinedView::of_nobody(&app, waitlist, &profile).await?)
        }
        Outcome::Bot(profile) => accepted.json(must_confirm(&profile.email)),
    })
}

/// What became of a form that was sent.
pub(in crate::routes) enum Outcome {
    /// The person is on the list.
    OnTheList(Box<Entry>),
    /// The owner of the address must confirm the sign-up.
    MustConfirm(Email),
    /// A program filled in what people do not see. Nothing was stored, and it is answered as if it had worked.
    Bot(Box<Profile>),
}

/// Counts what became of a form that was sent.
pub(in crate::routes) fn count(outcome: &Result<Outcome, ApiError>) {
    count_as(match outcome {
        Ok(Outcome::OnTheList(_)) => "created",
        Ok(Outcome::MustConfirm(_)) => "confirmation_required",
        Ok(Outcome::Bot(_)) => "bot",
        Err(error) => error.code.as_str(),
    });
}

/// Counts a form under a label.
pub(in crate::routes) fn count_as(outcome: &'static str) {
    metrics::counter!("rally_signups_total", "outcome" => outcome).increment(1);
}

async fn sign_up(
    app: &App,
    named: &NamedWaitlist,
    request: &HttpRequest,
    body: Body,
    standings: &mut Vec<Standing>,
) -> Result<Outcome, ApiError> {
    named.check_origin(app, request)?;
    let waitlist = &named.found.waitlist;
    standings.extend(app.limits.take_address(app.proxies.client(request), waitlist.id)?);
    if !waitlist.is_open() {
        return Err(SignUpRejection::WaitlistNotActive.into());
    }
    take(app, &named.found, request, body.json::<JoinBody>().await?).await
}

/// Signs a person up with what a form or a request of the API says. The limit of the client's address was taken before.
///
/// # Errors
/// If a field is bad, or a rule refuses the sign-up.
pub(in crate::routes) async fn take(app: &App, list: &PublicWaitlist, request: &HttpRequest, body: JoinBody) -> Result<Outcome, ApiError> {
    let waitlist = &list.waitlist;
    // A closed waitlist is reported before bad fields.
    if !waitlist.is_open() {
        return Err(SignUpRejection::WaitlistNotActive.into());
    }
    let (is_bot, missing) = (body.is_of_a_bot(app, waitlist), body.missing_time(app, waitlist));
    // A program that filled in what people do not see is answered as if it had worked.
    let work = if is_bot { Work::default() } else { Work::of(app, waitlist, body.solution()).await? };
    let person = body.parse(app, list, accepted_languages(request.headers()), app.ports.clock.now())?;
    if is_bot {
        return Ok(Outcome::Bot(person.profile.into()));
    }
    if missing > 0 {
        let retry_after = Some(missing.div_ceil(1000));
        return Err(ApiError { retry_after, ..ApiError::new(Code::TooFast, "the form came back too fast; send it again in a moment") });
    }
    let client = app.proxies.client(request);
    let person = Join { address: client, origin: app.proxies.origin(request), proof: work.proof, ..person };
    let email = person.profile.email.clone();
    // A reply that names this limit would say whether somebody has just tried the address.
    app.limits.take_email(&waitlist.settings.addresses.known_by(&email), waitlist.id)?;
    let joined = use_case::join::run(&app.ports, waitlist, person, app.confirmation_ttl).await?;
    work.taken();
    app.wake_relays();
    Ok(match joined {
        Joined::OnTheList(entry) => Outcome::OnTheList(entry),
        Joined::MustConfirm => Outcome::MustConfirm(email),
    })
}
