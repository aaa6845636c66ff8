//! Mail: messages of a workspace to people on its lists, with data that never changes, and the result of an attempt.

mod budget;
mod kind;
mod log;
mod message;
mod outcome;
mod policy;
mod record;
mod template;

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::Duration;
use url::{Host, Url};
use uuid::Uuid;

pub use self::budget::{MailBudget, WaitingMail};
pub use self::kind::MailKind;
pub use self::log::{LoggedMail, MailFilter, MailState};
pub use self::message::{Content, Message, Rendered, Sender};
pub use self::outcome::{MailOutcome, MailReport, SettleMail};
pub use self::policy::SmtpPolicy;
pub use self::record::MailRecord;
pub use self::template::{Choice, MAX_TEMPLATES, MailTemplate, RenderError, TemplateError, TemplatePart, TemplateSource, choose, serving};

use crate::confirmation::SignUpRequest;
use crate::email::Email;
use crate::entry::Entry;
use crate::event::EventKind;
use crate::id::{ClaimId, EntryId, EventId, MailId, RequestId, VariantId, WaitlistId, WorkspaceId};
use crate::invite::Invite;
use crate::locale::Locale;
use crate::profile::Profile;
use crate::referral::ReferralCode;
use crate::secret::{AddressHash, NetworkHash, StoreSecret, TokenUse};
use crate::slug::Slug;
use crate::timestamp::Timestamp;
use crate::variant::VariantCopy;
use crate::waitlist::Waitlist;
use crate::web_url::WebUrl;
use crate::workspace::{Brand, Notifications, WorkspaceSettings};

/// The links that people get: a base URL, and the secret that makes their tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    base: Arc<str>,
    secret: Arc<StoreSecret>,
}

impl Links {
    /// Creates links below an absolute URL. A slash at its end makes no difference.
    pub fn new(base: &str, secret: StoreSecret) -> Self {
        Self { base: base.trim_end_matches('/').into(), secret: secret.into() }
    }

    /// Returns the same links below another absolute URL.
    #[must_use]
    pub fn with_base(&self, base: &str) -> Self {
        Self { base: base.trim_end_matches('/').into(), secret: self.secret.clone() }
    }

    /// Returns the same links with another secret.
    #[must_use]
    pub fn with_secret(&self, secret: StoreSecret) -> Self {
        Self { base: self.base.clone(), secret: secret.into() }
    }

    /// Returns the secret of the store.
    pub fn secret(&self) -> &StoreSecret {
        &self.secret
    }

    /// Returns the absolute URL that all links begin with. It has no slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether browsers give a page below that URL what they keep for secure ones: it has https, or is on this machine.
    pub fn lead_to_secure_pages(&self) -> bool {
        let Ok(url) = Url::parse(&self.base) else { return false };
        url.scheme() == "https"
            || match url.host() {
                Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            }
    }

    /// Whether that URL means something on this machine alone: its host is a loopback or an unspecified address.
    pub fn are_local(&self) -> bool {
        match Url::parse(&self.base).ok().as_ref().and_then(Url::host) {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
            Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
            None => false,
        }
    }

    /// Returns that URL without its path: `https://rally.example:8443`.
    pub fn origin(&self) -> &str {
        &self.base[..self.base.len() - self.root().len()]
    }

    /// Returns the path of that URL, for links between pages of one server. It is empty at the root of a host.
    pub fn root(&self) -> &str {
        let after_scheme = self.base.find("://").map_or(0, |at| at + 3);
        self.base[after_scheme..].find('/').map_or("", |at| &self.base[after_scheme + at..])
    }

    /// Returns the link for referrals: the operator's own page or the sign-up page of the list, with a referral code to sign up with.
    pub fn referral(&self, workspace: &Slug, waitlist: &Waitlist, code: &ReferralCode) -> String {
        match &waitlist.settings.page_url {
            Some(page) => page.with_query("ref", code.as_str()),
            None => format!("{}/w/{}/{}?ref={}", self.base, workspace.as_str(), waitlist.slug.as_str(), code.as_str()),
        }
    }

    /// Returns the link to a person's own page. Another generation of the entry's link has another token.
    pub fn status(&self, id: EntryId, generation: u32) -> String {
        format!("{}/me/{}", self.base, self.secret.token(TokenUse::Visit, id.uuid(), generation))
    }

    /// Returns the link that ends the mail to a person. It stays the same for the life of the entry.
    pub fn unsubscribe(&self, id: EntryId) -> String {
        format!("{}/unsubscribe/{}", self.base, self.secret.token(TokenUse::Unsubscribe, id.uuid(), 0))
    }

    /// Returns the link that leads to the confirmation of a sign-up: Rally's page, or the operator's own with the token in its query.
    pub fn confirm(&self, id: RequestId, own_page: Option<&WebUrl>) -> String {
        match own_page {
            Some(page) => page.with_query("token", &self.confirm_token(id)),
            None => format!("{}/confirm/{}", self.base, self.confirm_token(id)),
        }
    }

    /// Returns the link that leads to the refusal of a sign-up.
    pub fn refuse(&self, id: RequestId) -> String {
        format!("{}/confirm/{}/refuse", self.base, self.confirm_token(id))
    }

    /// Returns the URL of the same page below the URL that all links begin with.
    fn below(&self, url: &Url) -> String {
        format!("{}{}{}", self.base, url.path(), url.query().map(|query| format!("?{query}")).unwrap_or_default())
    }

    fn confirm_token(&self, id: RequestId) -> String {
        self.secret.token(TokenUse::Confirm, id.uuid(), 0)
    }

    /// Whether the links have the scheme `https`.
    pub fn are_secure(&self) -> bool {
        Url::parse(&self.base).is_ok_and(|url| url.scheme() == "https")
    }
}

/// How a workspace sends mail while its notifications are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSetup {
    /// The workspace's slug.
    pub workspace_slug: Slug,
    /// The brand of the workspace.
    pub brand: Brand,
    /// The address that the mail comes from. `None` means the server's default sender.
    pub from: Option<Email>,
    /// The address for replies, if it is not the sender's.
    pub reply_to: Option<Email>,
    /// The language of a person who asked for none.
    pub default_locale: Locale,
    /// What carries the mail.
    pub transport: Transport,
}

impl MailSetup {
    /// Whether the workspace sends mail that asks for a confirmation.
    pub fn can_confirm(&self) -> bool {
        self.transport.via(MailKind::Confirm).is_some()
    }

    /// Returns how a workspace with these settings and this slug sends mail. `None` means that it sends none.
    pub fn of(settings: &WorkspaceSettings, workspace_slug: &Slug) -> Option<Self> {
        let transport = match settings.notifications {
            Notifications::Off => return None,
            Notifications::ViaEnvoi if settings.default_sender_address.is_none() => return None,
            Notifications::ViaEnvoi => Transport::Envoi(Templates::named(settings)?),
            Notifications::ViaSmtp => Transport::Smtp,
        };
        Some(Self::by(transport, settings, workspace_slug))
    }

    /// Returns how a workspace with these settings and this slug would send mail by a transport, whatever its notifications are.
    pub fn by(transport: Transport, settings: &WorkspaceSettings, workspace_slug: &Slug) -> Self {
        Self {
            workspace_slug: workspace_slug.clone(),
            brand: settings.brand.clone(),
            from: settings.default_sender_address.clone(),
            reply_to: settings.reply_to_address.clone(),
            default_locale: settings.default_locale.clone(),
            transport,
        }
    }
}

/// What carries the mail of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// Envoi, with templates that it keeps.
    Envoi(Templates),
    /// A mail server. Rally renders the templates.
    Smtp,
}

impl Transport {
    /// Returns how a mail of a kind is carried. `None` means that the workspace sends no mail of this kind.
    pub fn via(&self, kind: MailKind) -> Option<Via> {
        match self {
            Self::Envoi(templates) => templates.of(kind).map(|template| Via::Envoi { template: template.to_owned() }),
            Self::Smtp => Some(Via::Smtp),
        }
    }
}

/// The names of Envoi's templates for each kind of mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates {
    /// For a sign-up.
    pub welcome: String,
    /// For an approved entry, and for an invitation.
    pub approved: String,
    /// For a rejected entry.
    pub rejected: String,
    /// For a sign-up that is to be confirmed, if the workspace has one.
    pub confirm: Option<String>,
    /// For a person's own link, if the workspace has one.
    pub link: Option<String>,
}

impl Templates {
    /// Returns the templates that the settings of a workspace name. `None` means that one is missing that every workspace needs.
    pub fn named(settings: &WorkspaceSettings) -> Option<Self> {
        Some(Self {
            welcome: settings.welcome_template_name.clone()?,
            approved: settings.approved_template_name.clone()?,
            rejected: settings.rejected_template_name.clone()?,
            confirm: settings.confirm_template_name.clone(),
            link: settings.link_template_name.clone(),
        })
    }

    fn of(&self, kind: MailKind) -> Option<&str> {
        match kind {
            MailKind::Welcome => Some(&self.welcome),
            MailKind::Approved | MailKind::Invited => Some(&self.approved),
            MailKind::Rejected => Some(&self.rejected),
            MailKind::Confirm => self.confirm.as_deref(),
            MailKind::Link => self.link.as_deref(),
        }
    }
}

/// How a mail is carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// By Envoi, with a template of this name.
    Envoi {
        /// The name of the template.
        template: String,
    },
    /// By a mail server. The template is chosen and rendered when the mail is sent.
    Smtp,
}

impl Via {
    /// Returns the name in a store.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Envoi { .. } => "envoi",
            Self::Smtp => "smtp",
        }
    }

    /// Returns the name of Envoi's template.
    pub fn template(&self) -> Option<&str> {
        match self {
            Self::Envoi { template } => Some(template),
            Self::Smtp => None,
        }
    }

    /// Whether a store has kept the name of a way that this program knows. A newer program may know others.
    pub fn is_known(name: &str) -> bool {
        matches!(name, "envoi" | "smtp")
    }

    /// Returns what a store has kept as a name and a template.
    pub fn from_stored(name: &str, template: String) -> Self {
        if name == "smtp" { Self::Smtp } else { Self::Envoi { template } }
    }
}

/// Who gets a mail. The mail is deleted with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// The person of an entry.
    Entry {
        /// The list.
        waitlist_id: WaitlistId,
        /// The entry.
        entry_id: EntryId,
    },
    /// Whoever reads the mail of an address that waits for its confirmation.
    Request {
        /// The list.
        waitlist_id: WaitlistId,
        /// The sign-up request.
        request_id: RequestId,
    },
    /// An operator who tries a template.
    Tester,
}

impl Recipient {
    /// Returns what the columns of a store say.
    pub fn from_stored(waitlist_id: Option<Uuid>, entry_id: Option<Uuid>, request_id: Option<Uuid>) -> Self {
        match (waitlist_id.map(WaitlistId::new), entry_id, request_id) {
            (Some(waitlist_id), Some(id), _) => Self::Entry { waitlist_id, entry_id: EntryId::new(id) },
            (Some(waitlist_id), None, Some(id)) => Self::Request { waitlist_id, request_id: RequestId::new(id) },
            _ => Self::Tester,
        }
    }

    /// Returns the list that the mail tells of, if there is one.
    pub const fn waitlist_id(self) -> Option<WaitlistId> {
        match self {
            Self::Entry { waitlist_id, .. } | Self::Request { waitlist_id, .. } => Some(waitlist_id),
            Self::Tester => None,
        }
    }

    /// Returns the entry of the person, if they are on the list.
    pub const fn entry_id(self) -> Option<EntryId> {
        match self {
            Self::Entry { entry_id, .. } => Some(entry_id),
            Self::Request { .. } | Self::Tester => None,
        }
    }

    /// Whether suppressions of the address hold the mail back. An operator who tries a template gets it in any case.
    pub const fn heeds_suppressions(self) -> bool {
        !matches!(self, Self::Tester)
    }

    /// Returns the sign-up request, if the mail asks for its confirmation.
    pub const fn request_id(self) -> Option<RequestId> {
        match self {
            Self::Request { request_id, .. } => Some(request_id),
            Self::Entry { .. } | Self::Tester => None,
        }
    }
}

/// Which template an operator tries, and on whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTest {
    /// The kind of mail.
    pub kind: MailKind,
    /// The locale of the template.
    pub locale: Locale,
    /// The address that gets the mail.
    pub to: Email,
    /// The current time.
    pub now: Timestamp,
}

/// A mail to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The id of the mail. The mail service sends one mail for this key, however often it is asked.
    pub id: MailId,
    /// The workspace that sends it.
    pub workspace_id: WorkspaceId,
    /// Who gets it.
    pub recipient: Recipient,
    /// Why it is sent.
    pub kind: MailKind,
    /// The language that the person asked for, else that of the workspace.
    pub locale: Locale,
    /// How it is carried.
    pub via: Via,
    /// The address of the sender. `None` means the server's default sender.
    pub from: Option<Email>,
    /// The address for replies, if it is not the sender's.
    pub reply_to: Option<Email>,
    /// The address of the person.
    pub to: Email,
    /// The hash of that address. Mail of an older program has none.
    pub address: Option<AddressHash>,
    /// The data for the template: a JSON object, the same on every attempt.
    pub data: String,
    /// When the event of the mail happened.
    pub created_at: Timestamp,
    /// The network of the stranger that caused it. A mail that no stranger caused has none.
    pub stranger: Option<NetworkHash>,
    /// When it is too late to send it.
    pub expires_at: Option<Timestamp>,
}

impl Mail {
    /// Creates the mail that asks for the confirmation of a sign-up. `None` means that the workspace sends none of this kind.
    pub fn of_request(setup: &MailSetup, links: &Links, now: Timestamp, request: &SignUpRequest, waitlist: &Waitlist) -> Option<Self> {
        let locale = request.profile.locale.as_ref().unwrap_or(&setup.default_locale);
        let data = RequestData {
            entry: PersonData { email: request.profile.email.as_str(), name: request.profile.name.as_str(), locale: locale.as_str() },
            waitlist: WaitlistData::of(waitlist, &setup.transport, request.variant_id),
            brand: BrandData::of(&setup.brand),
            confirm_url: links.confirm(request.id, waitlist.settings.confirm_page_url.as_ref()),
            refuse_url: links.refuse(request.id),
            expires_at: request.expires_at,
        };
        let data = serde_json::to_string(&data).expect("texts serialise");
        let recipient = Recipient::Request { waitlist_id: waitlist.id, request_id: request.id };
        let id = (request.next_mail_id(), MailKind::Confirm);
        let mail = Self::to(id, setup, links, now, (recipient, waitlist.workspace_id), &request.profile, data)?;
        Some(Self { expires_at: Some(request.expires_at), ..mail })
    }

    /// Returns the mail as one that a stranger caused from an address.
    #[must_use]
    pub fn caused_from(self, client: Option<IpAddr>, links: &Links) -> Self {
        Self { stranger: Some(links.secret().hash_network(client)), ..self }
    }

    /// Creates the mail with a person's own link. `None` means that the workspace sends none of this kind.
    pub fn of_link(id: MailId, setup: &MailSetup, links: &Links, now: Timestamp, entry: &Entry, waitlist: &Waitlist) -> Option<Self> {
        Self::new((id, MailKind::Link), setup, links, now, entry, data(setup, links, entry, waitlist, None))
    }

    /// Creates the mail of an event, with the entry and its list as they are now. `None` means that the workspace sends none of this kind.
    pub fn of_event(
        setup: &MailSetup,
        links: &Links,
        (id, kind): (EventId, EventKind),
        now: Timestamp,
        entry: &Entry,
        waitlist: &Waitlist,
    ) -> Option<Self> {
        let kind = match kind {
            EventKind::EntryCreated => MailKind::Welcome,
            EventKind::EntryApproved => MailKind::Approved,
            EventKind::EntryRejected => MailKind::Rejected,
            _ => return None,
        };
        Self::new((MailId::new(id.uuid()), kind), setup, links, now, entry, data(setup, links, entry, waitlist, None))
    }

    /// Creates the mail with the link of an invitation into an app.
    ///
    /// The id is derived from the invitation. Therefore one invitation causes one mail, however often it is recorded.
    pub fn of_invitation(
        setup: &MailSetup,
        links: &Links,
        invite: &Invite,
        now: Timestamp,
        entry: &Entry,
        waitlist: &Waitlist,
    ) -> Option<Self> {
        let id = MailId::new(Uuid::new_v5(&entry.id.uuid(), invite.id.as_bytes()));
        let data = data(setup, links, entry, waitlist, invite.url.as_deref());
        Self::new((id, MailKind::Invited), setup, links, now, entry, data)
    }

    /// Creates a mail over SMTP that tries a template, with example data of its kind: a JSON object. It has the brand of the workspace and
    /// the address that gets it. It has no address that ends mail, because nobody would be suppressed.
    pub fn test(id: MailId, setup: &MailSetup, links: &Links, workspace_id: WorkspaceId, tried: MailTest, example: &str) -> Self {
        let mut data = example_data(setup, links, tried.now, example);
        if let Some(Value::Object(entry)) = data.get_mut("entry") {
            entry.insert("email".to_owned(), tried.to.as_str().into());
            entry.insert("locale".to_owned(), tried.locale.as_str().into());
        }
        Self {
            id,
            workspace_id,
            recipient: Recipient::Tester,
            kind: tried.kind,
            locale: tried.locale,
            via: Via::Smtp,
            from: setup.from.clone(),
            reply_to: setup.reply_to.clone(),
            address: Some(links.secret().hash_address(&tried.to)),
            to: tried.to,
            data: Value::Object(data).to_string(),
            created_at: tried.now,
            stranger: None,
            expires_at: None,
        }
    }

    /// Returns the address that ends mail of this kind to the person, if the kind can be ended.
    pub fn unsubscribe_url(&self, links: &Links) -> Option<String> {
        self.recipient.entry_id().filter(|_| self.kind.can_be_unsubscribed()).map(|id| links.unsubscribe(id))
    }

    /// Returns the message to send.
    ///
    /// Mail over SMTP shows the name of the brand as the sender's. A sender without a brand has the name of the server's default sender, if
    /// the address is the default one.
    pub fn message(&self, content: Content, default: Option<&Sender>, links: &Links) -> Option<Message> {
        let brand = match self.via {
            Via::Envoi { .. } => None,
            Via::Smtp => serde_json::from_str::<BrandOfData>(&self.data).ok().and_then(|data| data.brand.name),
        };
        let from = match (&self.from, default) {
            (Some(address), _) => Sender { name: brand, address: address.clone() },
            (None, default) => {
                let default = default?;
                Sender { name: brand.or_else(|| default.name.clone()), address: default.address.clone() }
            }
        };
        Some(Message {
            id: self.id,
            workspace_id: self.workspace_id,
            from,
            reply_to: self.reply_to.clone(),
            to: self.to.clone(),
            content,
            unsubscribe_url: self.unsubscribe_url(links).filter(|_| links.are_secure()),
            written_at: self.created_at,
        })
    }

    fn new(id: (MailId, MailKind), setup: &MailSetup, links: &Links, now: Timestamp, entry: &Entry, data: String) -> Option<Self> {
        let recipient = Recipient::Entry { waitlist_id: entry.waitlist_id, entry_id: entry.id };
        Self::to(id, setup, links, now, (recipient, entry.workspace_id), &entry.profile, data)
    }

    fn to(
        (id, kind): (MailId, MailKind),
        setup: &MailSetup,
        links: &Links,
        now: Timestamp,
        (recipient, workspace_id): (Recipient, WorkspaceId),
        person: &Profile,
        data: String,
    ) -> Option<Self> {
        Some(Self {
            id,
            workspace_id,
            recipient,
            kind,
            locale: person.locale.clone().unwrap_or_else(|| setup.default_locale.clone()),
            via: setup.transport.via(kind)?,
            from: setup.from.clone(),
            reply_to: setup.reply_to.clone(),
            to: person.email.clone(),
            address: Some(links.secret().hash_address(&person.email)),
            data,
            created_at: now,
            stranger: None,
            expires_at: None,
        })
    }
}

/// The part of the data that names the brand.
#[derive(Deserialize)]
struct BrandOfData {
    brand: BrandName,
}

#[derive(Deserialize)]
struct BrandName {
    name: Option<String>,
}

#[derive(Serialize)]
struct Data<'a> {
    entry: EntryData<'a>,
    waitlist: WaitlistData<'a>,
    brand: BrandData<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_url: Option<&'a str>,
}

#[derive(Serialize)]
struct RequestData<'a> {
    entry: PersonData<'a>,
    waitlist: WaitlistData<'a>,
    brand: BrandData<'a>,
    confirm_url: String,
    refuse_url: String,
    expires_at: Timestamp,
}

#[derive(Serialize)]
struct PersonData<'a> {
    email: &'a str,
    name: &'a str,
    locale: &'a str,
}

#[derive(Serialize)]
struct EntryData<'a> {
    id: String,
    email: &'a str,
    name: &'a str,
    position: u64,
    effective_position: u64,
    referral_code: &'a str,
    referral_url: String,
    status: &'static str,
    status_url: String,
    unsubscribe_url: String,
    locale: &'a str,
}

#[derive(Serialize)]
struct WaitlistData<'a> {
    slug: &'a str,
    display_name: &'a str,
    #[serde(flatten)]
    friends: Option<FriendsData>,
    /// The variant that the person saw. Its name of the waitlist is put in when the mail is rendered: see [`in_words_of`].
    #[serde(skip_serializing_if = "Option::is_none")]
    variant_id: Option<String>,
}

/// What friends bring, for the templates of mail over SMTP. Envoi keeps templates of its own, and the data that they know.
#[derive(Serialize)]
struct FriendsData {
    referral_boost: u16,
    rewards: usize,
}

#[derive(Serialize)]
struct BrandData<'a> {
    name: Option<&'a str>,
    logo_url: Option<&'a str>,
    primary_color: Option<&'a str>,
}

impl<'a> WaitlistData<'a> {
    fn of(waitlist: &'a Waitlist, transport: &Transport, variant: Option<VariantId>) -> Self {
        let variant_id = variant.filter(|_| matches!(transport, Transport::Smtp)).map(|id| id.to_string());
        Self { slug: waitlist.slug.as_str(), display_name: waitlist.display_name.as_str(), friends: None, variant_id }
    }

    fn with_friends(waitlist: &'a Waitlist, transport: &Transport, variant: Option<VariantId>) -> Self {
        let settings = &waitlist.settings;
        let friends = FriendsData { referral_boost: settings.referral_boost.places(), rewards: settings.referral_rewards.milestones.len() };
        Self { friends: matches!(transport, Transport::Smtp).then_some(friends), ..Self::of(waitlist, transport, variant) }
    }
}

impl<'a> BrandData<'a> {
    fn of(brand: &'a Brand) -> Self {
        Self { name: brand.name.as_deref(), logo_url: brand.logo_url.as_deref(), primary_color: brand.primary_color.as_deref() }
    }
}

fn data(setup: &MailSetup, links: &Links, entry: &Entry, waitlist: &Waitlist, invite_url: Option<&str>) -> String {
    let data = Data {
        entry: EntryData {
            id: entry.id.to_string(),
            email: entry.profile.email.as_str(),
            name: entry.profile.name.as_str(),
            position: entry.position.number(),
            effective_position: entry.position.effective(entry.referral_count, waitlist.settings.referral_boost).number(),
            referral_code: entry.referral_code.as_str(),
            referral_url: links.referral(&setup.workspace_slug, waitlist, &entry.referral_code),
            status: entry.status.as_str(),
            status_url: links.status(entry.id, entry.link_generation),
            unsubscribe_url: links.unsubscribe(entry.id),
            locale: entry.profile.locale.as_ref().unwrap_or(&setup.default_locale).as_str(),
        },
        waitlist: WaitlistData::with_friends(waitlist, &setup.transport, entry.variant_id),
        brand: BrandData::of(&setup.brand),
        invite_url,
    };
    serde_json::to_string(&data).expect("texts and numbers serialise")
}

/// Returns the variant that the person of a mail over SMTP saw.
pub fn variant_of(data: &str) -> Option<VariantId> {
    #[derive(Deserialize)]
    struct Told {
        waitlist: Saw,
    }
    #[derive(Deserialize)]
    struct Saw {
        variant_id: Option<String>,
    }
    // Most mails have none, and are not read for it.
    data.contains("\"variant_id\":").then_some(())?;
    serde_json::from_str::<Told>(data).ok()?.waitlist.variant_id.and_then(|id| VariantId::parse(&id).ok())
}

/// Returns the data of a mail in which the waitlist has the name that the person saw.
pub fn in_words_of(data: &str, copy: &VariantCopy) -> String {
    let (mut data, name) = (serde_json::from_str(data).unwrap_or(Value::Null), copy.display_name.as_ref());
    if let (Some(Value::Object(waitlist)), Some(name)) = (data.get_mut("waitlist"), name) {
        waitlist.insert("display_name".to_owned(), name.as_str().into());
    }
    data.to_string()
}

/// How long the links of an example work.
const EXAMPLE_TTL: Duration = Duration::days(7);

/// The links of an example that lead to pages of Rally.
const EXAMPLE_LINKS: [&str; 5] = ["referral_url", "status_url", "unsubscribe_url", "confirm_url", "refuse_url"];

/// Returns the example data of a kind as it would be in a mail of a workspace: with its brand, and with links below the public URL that
/// work for some time yet. Their tokens are those of the example, and belong to nobody.
pub fn example_data(setup: &MailSetup, links: &Links, now: Timestamp, example: &str) -> Map<String, Value> {
    let mut data: Map<String, Value> = serde_json::from_str(example).unwrap_or_default();
    let fit = |fields: &mut Map<String, Value>| {
        for name in EXAMPLE_LINKS {
            if let Some(url) = fields.get(name).and_then(Value::as_str).and_then(|text| Url::parse(text).ok()) {
                fields.insert(name.to_owned(), links.below(&url).into());
            }
        }
    };
    fit(&mut data);
    if let Some(Value::Object(entry)) = data.get_mut("entry") {
        fit(entry);
    }
    if let Some(expires_at) = data.get_mut("expires_at") {
        *expires_at = now.plus(EXAMPLE_TTL).to_string().into();
    }
    data.insert("brand".to_owned(), serde_json::to_value(BrandData::of(&setup.brand)).expect("texts serialise"));
    data
}

/// The links of an entry with which anybody can change it.
const OWN_LINKS: [&str; 2] = ["status_url", "unsubscribe_url"];

/// Returns the data that a mail to an entry would have now, for a preview: a JSON object. What only a real mail has is that of the example,
/// and so are the person's own links, unless whoever looks may change the entry.
pub fn preview_data(setup: &MailSetup, links: &Links, entry: &Entry, waitlist: &Waitlist, example: &str, may_update: bool) -> String {
    let read = |data: &str| serde_json::from_str::<Map<String, Value>>(data).unwrap_or_default();
    let (example, mut own) = (read(example), read(&data(setup, links, entry, waitlist, None)));
    if let (false, Some(Value::Object(entry))) = (may_update, own.get_mut("entry")) {
        for link in OWN_LINKS {
            entry.insert(link.to_owned(), example.get("entry").and_then(|entry| entry.get(link)).cloned().unwrap_or_default());
        }
    }
    Value::Object(example.into_iter().chain(own).collect()).to_string()
}

/// A claimed mail. This process may try to send it until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedMail {
    /// The claim. It is the fence: the mail is settled only while this claim holds.
    pub claim: ClaimId,
    /// The number of this attempt, from 1. It counts even if the attempt is never settled.
    pub attempt: u32,
    /// The mail.
    pub mail: Mail,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::command::tests::{links, waitlist};

    #[test]
    fn a_link_leads_to_the_list_with_or_without_a_slash_after_its_base() {
        let (workspace, list) = (Slug::parse("acme").unwrap(), waitlist(json!({})));
        let code = ReferralCode::from_entropy(7);
        for base in ["https://rally.example/x", "https://rally.example/x/"] {
            let link = Links::new(base, StoreSecret::new([7; 32])).referral(&workspace, &list, &code);
            assert_eq!(link, format!("https://rally.example/x/w/acme/{}?ref={}", list.slug, code.as_str()));
        }
    }

    #[test]
    fn a_link_for_friends_leads_to_the_operators_own_page() {
        let (workspace, code) = (Slug::parse("acme").unwrap(), ReferralCode::from_entropy(7));
        let list = waitlist(json!({"page_url": "https://acme.example/join?from=mail#form"}));
        let link = links().referral(&workspace, &list, &code);
        assert_eq!(link, format!("https://acme.example/join?from=mail&ref={}#form", code.as_str()));
    }

    #[test]
    fn mail_over_a_mail_server_says_what_friends_bring() {
        let list = waitlist(json!({"referral_boost": 0, "referral_rewards": {"milestones": [{"count": 1, "reward": "a mug"}]}}));
        let variant = VariantId::new(Uuid::from_u128(7));
        let told = |transport| serde_json::to_value(WaitlistData::with_friends(&list, &transport, Some(variant))).unwrap();
        let names = json!({"slug": list.slug.as_str(), "display_name": list.display_name.as_str()});
        let smtp = told(Transport::Smtp);
        assert_eq!((&smtp["slug"], &smtp["referral_boost"], &smtp["rewards"]), (&names["slug"], &json!(0), &json!(1)));
        assert_eq!(smtp["variant_id"], json!(variant.to_string()));
        let [welcome, approved, rejected] = ["welcome", "approved", "rejected"].map(str::to_owned);
        assert_eq!(told(Transport::Envoi(Templates { welcome, approved, rejected, confirm: None, link: None })), names);
    }
}
