//! Confirmation of addresses (double opt-in): sign-ups that wait, and the limits of mail that strangers can cause.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::Duration;
use uuid::Uuid;

use crate::consent::Consent;
use crate::custom_field::Metadata;
use crate::email::Email;
use crate::error::{Fault, Invalid};
use crate::id::{EntryId, MailId, RequestId, VariantId, WaitlistId, WorkspaceId};
use crate::locale::Locale;
use crate::profile::Profile;
use crate::referral::ReferralCode;
use crate::secret::NetworkHash;
use crate::text::{Interest, PersonName, Referrer};
use crate::timestamp::Timestamp;

/// How long a sign-up waits for its confirmation, if the server is told nothing else.
pub const DEFAULT_CONFIRMATION_TTL: Duration = Duration::days(7);

/// A sign-up that waits for its confirmation. It is no entry, and has no position.
#[derive(Debug, Clone, PartialEq)]
pub struct SignUpRequest {
    /// The id. The token of the links in the mail is made of it.
    pub id: RequestId,
    /// The waitlist.
    pub waitlist_id: WaitlistId,
    /// The workspace of that waitlist.
    pub workspace_id: WorkspaceId,
    /// What the person said when signing up.
    pub profile: Profile,
    /// The referral code that the person used.
    pub friends_code: Option<ReferralCode>,
    /// The variant that the person saw, according to the client.
    pub variant_id: Option<VariantId>,
    /// The hash of the network that the person's form came from, if it is known.
    pub network: Option<NetworkHash>,
    /// When the person signed up.
    pub requested_at: Timestamp,
    /// From when on the sign-up can no longer be confirmed.
    pub expires_at: Timestamp,
    /// How many mails ask for the confirmation.
    pub mails_sent: u32,
    /// When the last of them was written.
    pub last_mail_at: Option<Timestamp>,
}

impl SignUpRequest {
    /// Returns the id of the next mail that asks for the confirmation. One number of one request has one id.
    pub fn next_mail_id(&self) -> MailId {
        mail_id(self.id, self.mails_sent)
    }

    /// Returns the same request with one more mail.
    #[must_use]
    pub const fn mailed(mut self, now: Timestamp) -> Self {
        self.mails_sent += 1;
        self.last_mail_at = Some(now);
        self
    }
}

/// What a person sent, as a store keeps it: one text, which is deleted as a whole.
#[derive(Serialize, Deserialize)]
struct Form {
    name: String,
    interest: Option<String>,
    referrer: Option<String>,
    locale: Option<String>,
    metadata: Map<String, Value>,
    friends_code: Option<String>,
    variant_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consent: Option<String>,
    #[serde(default)]
    network: Option<[u8; 16]>,
}

impl SignUpRequest {
    /// Returns what the person sent, but for the address, as the text that a store keeps.
    pub fn form(&self) -> String {
        let form = Form {
            name: self.profile.name.to_string(),
            interest: self.profile.interest.as_ref().map(ToString::to_string),
            referrer: self.profile.referrer.as_ref().map(ToString::to_string),
            locale: self.profile.locale.as_ref().map(ToString::to_string),
            metadata: self.profile.metadata.document().clone(),
            friends_code: self.friends_code.as_ref().map(ToString::to_string),
            variant_id: self.variant_id.map(|id| id.to_string()),
            consent: self.profile.consent.as_ref().map(Consent::to_stored),
            network: self.network.map(|network| *network.bytes()),
        };
        serde_json::to_string(&form).expect("texts serialise")
    }

    /// Returns the same request with the address and the form that a store kept.
    ///
    /// # Errors
    /// If the form is not of the form of [`SignUpRequest::form`].
    pub fn with_form(mut self, email: String, form: &str) -> Result<Self, Invalid> {
        let form: Form = serde_json::from_str(form).map_err(|_| Invalid::new("is not the form of a sign-up"))?;
        self.profile = Profile {
            email: Email::from_stored(email),
            name: PersonName::from_stored(form.name),
            interest: form.interest.map(Interest::from_stored),
            referrer: form.referrer.map(Referrer::from_stored),
            locale: form.locale.map(Locale::from_stored),
            metadata: Metadata::from_stored(form.metadata),
            consent: form.consent.as_deref().map(Consent::from_stored).transpose()?,
        };
        self.friends_code = form.friends_code.map(ReferralCode::from_stored);
        self.variant_id = form.variant_id.map(|id| VariantId::parse(&id)).transpose()?;
        self.network = form.network.map(NetworkHash::new);
        Ok(self)
    }
}

/// The columns of a request in a store.
#[derive(Debug, Clone)]
pub struct StoredRequest {
    /// The id.
    pub id: RequestId,
    /// The waitlist.
    pub waitlist_id: WaitlistId,
    /// The workspace of that waitlist.
    pub workspace_id: WorkspaceId,
    /// The name of the state.
    pub state: String,
    /// The entry, if it is confirmed.
    pub entry_id: Option<EntryId>,
    /// The address and the form, while it waits.
    pub sent: Option<(String, String)>,
    /// When the person signed up.
    pub requested_at: Timestamp,
    /// From when on its link has ended.
    pub expires_at: Timestamp,
    /// How many mails ask for the confirmation.
    pub mails_sent: u32,
    /// When the last of them was written.
    pub last_mail_at: Option<Timestamp>,
}

impl TryFrom<StoredRequest> for KeptRequest {
    type Error = Fault;

    fn try_from(stored: StoredRequest) -> Result<Self, Fault> {
        let corrupt = || Fault::unexpected("a stored sign-up request does not fit its state");
        let state = match (stored.state.as_str(), stored.entry_id, stored.sent) {
            ("waiting", None, Some((email, form))) => {
                let empty = Profile::new(Email::from_stored(String::new()), PersonName::from_stored(String::new()));
                let request = SignUpRequest {
                    id: stored.id,
                    waitlist_id: stored.waitlist_id,
                    workspace_id: stored.workspace_id,
                    profile: empty,
                    friends_code: None,
                    variant_id: None,
                    network: None,
                    requested_at: stored.requested_at,
                    expires_at: stored.expires_at,
                    mails_sent: stored.mails_sent,
                    last_mail_at: stored.last_mail_at,
                };
                RequestState::Waiting(request.with_form(email, &form).map_err(|_| corrupt())?.into())
            }
            ("confirmed", Some(entry), None) => RequestState::Confirmed(entry),
            ("refused", None, None) => RequestState::Refused,
            _ => return Err(corrupt()),
        };
        Ok(Self { id: stored.id, waitlist_id: stored.waitlist_id, workspace_id: stored.workspace_id, expires_at: stored.expires_at, state })
    }
}

/// Returns the ids of the mails of a request.
pub fn mail_ids(id: RequestId, mails_sent: u32) -> impl Iterator<Item = MailId> {
    (0..mails_sent).map(move |number| mail_id(id, number))
}

fn mail_id(id: RequestId, number: u32) -> MailId {
    MailId::new(Uuid::new_v5(&id.uuid(), &number.to_be_bytes()))
}

/// What became of a sign-up request.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestState {
    /// It waits.
    Waiting(Box<SignUpRequest>),
    /// The person confirmed it. Nothing of what they sent is kept in the request.
    Confirmed(EntryId),
    /// Somebody said that it was not theirs. Nothing of what was sent is kept.
    Refused,
}

impl RequestState {
    /// Returns the name on the wire and in a store.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting(_) => "waiting",
            Self::Confirmed(_) => "confirmed",
            Self::Refused => "refused",
        }
    }
}

/// A sign-up request, in any state. It is kept until a day after its end.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRequest {
    /// The id.
    pub id: RequestId,
    /// The waitlist.
    pub waitlist_id: WaitlistId,
    /// The workspace of that waitlist.
    pub workspace_id: WorkspaceId,
    /// From when on its link has ended.
    pub expires_at: Timestamp,
    /// What became of it.
    pub state: RequestState,
}

impl From<SignUpRequest> for KeptRequest {
    fn from(request: SignUpRequest) -> Self {
        Self {
            id: request.id,
            waitlist_id: request.waitlist_id,
            workspace_id: request.workspace_id,
            expires_at: request.expires_at,
            state: RequestState::Waiting(request.into()),
        }
    }
}

/// Why the link of a request does nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestEnded {
    /// There is no such request.
    #[error("this link does not exist")]
    NoSuchRequest,
    /// The time for the confirmation is over.
    #[error("this link has expired; sign up again")]
    Expired,
    /// It was refused.
    #[error("this sign-up was refused")]
    Refused,
    /// It was confirmed, and is this entry now.
    #[error("this sign-up was confirmed already")]
    Confirmed(EntryId),
}

impl KeptRequest {
    /// Whether its link has ended at an instant.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Returns the request if it still waits at an instant.
    ///
    /// # Errors
    /// If it waits no more.
    pub fn waiting(self, now: Timestamp) -> Result<SignUpRequest, RequestEnded> {
        match self.state {
            _ if self.is_over(now) => Err(RequestEnded::Expired),
            RequestState::Waiting(request) => Ok(*request),
            RequestState::Confirmed(entry) => Err(RequestEnded::Confirmed(entry)),
            RequestState::Refused => Err(RequestEnded::Refused),
        }
    }
}

/// The mails of the last day that strangers caused to one address, on any list of the deployment.
///
/// A stranger is anybody who typed the address into a form. The limits keep a mailbox from being flooded through Rally.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailShare {
    /// The list and the time of each mail.
    sent: Vec<(WaitlistId, Timestamp)>,
}

impl MailShare {
    /// No mail at all.
    pub const NONE: Self = Self { sent: Vec::new() };
    /// The least time between two such mails of one list to one address.
    pub const PAUSE: Duration = Duration::minutes(10);
    /// The period of the two limits below.
    pub const PERIOD: Duration = Duration::days(1);
    /// The most such mails of one list to one address in a day.
    pub const OF_A_LIST: usize = 3;
    /// The most such mails to one address in a day.
    pub const OF_ALL: usize = 5;

    /// Whether a list may send one more mail to the address.
    pub fn allows(&self, list: WaitlistId, now: Timestamp) -> bool {
        let recent = || self.sent.iter().filter(|(_, at)| now < at.plus(Self::PERIOD));
        let of_list = || recent().filter(|(of, _)| *of == list);
        let paused = of_list().any(|(_, at)| now < at.plus(Self::PAUSE));
        !paused && of_list().count() < Self::OF_A_LIST && recent().count() < Self::OF_ALL
    }

    /// Returns the share after one more mail of a list. Mails from more than a day ago are forgotten.
    #[must_use]
    pub fn with(&self, list: WaitlistId, now: Timestamp) -> Self {
        let recent = self.sent.iter().copied().filter(|(_, at)| now < at.plus(Self::PERIOD));
        Self { sent: recent.chain([(list, now)]).collect() }
    }

    /// Returns the text that a store keeps.
    pub fn to_stored(&self) -> String {
        let sent: Vec<(String, i64)> = self.sent.iter().map(|(list, at)| (list.to_string(), at.unix_millis())).collect();
        serde_json::to_string(&sent).expect("texts and numbers serialise")
    }

    /// Reads the text that a store kept.
    ///
    /// # Errors
    /// If the text is not of that form.
    pub fn from_stored(text: &str) -> Result<Self, Invalid> {
        let sent: Vec<(String, i64)> = serde_json::from_str(text).map_err(|_| Invalid::new("is not a share of mail"))?;
        let read = |(list, at): (String, i64)| Ok((WaitlistId::parse(&list)?, Timestamp::from_unix_millis(at)?));
        Ok(Self { sent: sent.into_iter().map(read).collect::<Result<_, Invalid>>()? })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::command::tests::profile;
    use crate::text::ConsentText;

    pub(crate) fn now() -> Timestamp {
        Timestamp::parse("2026-01-31T09:00:00Z").unwrap()
    }

    pub(crate) fn request() -> SignUpRequest {
        SignUpRequest {
            id: RequestId::new(Uuid::from_u128(21)),
            waitlist_id: WaitlistId::new(Uuid::from_u128(1)),
            workspace_id: WorkspaceId::new(Uuid::from_u128(9)),
            profile: profile("ada@example.com"),
            friends_code: None,
            variant_id: None,
            network: Some(NetworkHash::new([5; 16])),
            requested_at: now(),
            expires_at: now().plus(DEFAULT_CONFIRMATION_TTL),
            mails_sent: 0,
            last_mail_at: None,
        }
    }

    fn list(n: u128) -> WaitlistId {
        WaitlistId::new(Uuid::from_u128(n))
    }

    #[test]
    fn a_list_sends_every_ten_minutes_and_three_times_a_day() {
        let mut share = MailShare::default();
        let mut sent = Vec::new();
        for minute in 0..3 * 24 * 60 {
            let now = now().plus(Duration::minutes(minute));
            if share.allows(list(1), now) {
                share = share.with(list(1), now);
                sent.push(minute);
            }
        }
        assert_eq!(sent, [0, 10, 20, 1440, 1450, 1460, 2880, 2890, 2900]);
    }

    #[test]
    fn all_lists_together_send_five_times_a_day() {
        let mut share = MailShare::default();
        for n in 1..=5 {
            assert!(share.allows(list(n), now()), "{n}");
            share = share.with(list(n), now());
        }
        assert!(!share.allows(list(6), now()));
        assert!(!share.allows(list(6), now().plus(Duration::hours(24) - Duration::milliseconds(1))));
        assert!(share.allows(list(6), now().plus(Duration::hours(24))));
        assert_eq!(
            share.with(list(6), now().plus(Duration::hours(24))),
            MailShare::default().with(list(6), now().plus(Duration::hours(24)))
        );
    }

    #[test]
    fn a_share_reads_back_as_it_was_stored() {
        let share = MailShare::default().with(list(7), now()).with(list(8), now());
        assert_eq!(MailShare::from_stored(&share.to_stored()), Ok(share));
        assert_eq!(MailShare::from_stored("[]"), Ok(MailShare::default()));
        assert!(MailShare::from_stored("{}").is_err());
    }

    #[test]
    fn a_form_keeps_what_the_person_agreed_to() {
        let consent = Consent { text: ConsentText::parse("I <agree>").unwrap(), at: now() };
        let with = |consent| SignUpRequest { profile: Profile { consent, ..request().profile }, ..request() };
        let agreed = with(Some(consent));
        let read = request().with_form("ada@example.com".to_owned(), &agreed.form()).unwrap();
        assert_eq!(read, agreed);
        // Forms that earlier programs wrote have no such key.
        assert!(!with(None).form().contains("consent"));
        assert_eq!(request().with_form("ada@example.com".to_owned(), &with(None).form()), Ok(with(None)));
    }

    #[test]
    fn a_request_waits_until_its_end() {
        let kept = KeptRequest::from(request());
        let end = request().expires_at;
        assert_eq!(kept.clone().waiting(now()), Ok(request()));
        assert!(kept.clone().waiting(end.plus(Duration::milliseconds(-1))).is_ok());
        assert_eq!(kept.clone().waiting(end), Err(RequestEnded::Expired));
        let entry = EntryId::new(Uuid::from_u128(3));
        let confirmed = KeptRequest { state: RequestState::Confirmed(entry), ..kept.clone() };
        assert_eq!(confirmed.clone().waiting(now()), Err(RequestEnded::Confirmed(entry)));
        assert_eq!(confirmed.waiting(end), Err(RequestEnded::Expired));
        let refused = KeptRequest { state: RequestState::Refused, ..kept };
        assert_eq!(refused.waiting(now()), Err(RequestEnded::Refused));
    }

    #[test]
    fn each_mail_of_a_request_has_an_id_of_its_own() {
        let sent = request().mailed(now()).mailed(now());
        assert_eq!((sent.mails_sent, sent.last_mail_at), (2, Some(now())));
        let ids: Vec<MailId> = mail_ids(sent.id, sent.mails_sent).collect();
        assert_eq!(ids, [request().next_mail_id(), request().mailed(now()).next_mail_id()]);
        assert_ne!(ids[0], ids[1]);
    }
}
