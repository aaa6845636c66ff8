//! The settings of a waitlist. Rally checks the keys that it knows, and keeps all others unchanged.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::consent::{self, Consent, MISSING_CONSENT, OUTDATED_CONSENT};
use crate::custom_field::CustomField;
use crate::disposable::DisposableDomains;
use crate::document;
use crate::email::Email;
use crate::entry::EntryStatus;
use crate::error::{FieldError, Invalid};
use crate::invite::InviteUrl;
use crate::ledger::{FraudMode, ReferralPolicy};
use crate::proof_of_work::ProofOfWork;
use crate::referral::{Milestone, ReferralBoost, ReferralRewards};
use crate::text::{ConfirmationMessage, ConsentText, Lines, clean};
use crate::timestamp::Timestamp;
use crate::web_origin::WebOrigin;
use crate::web_url::WebUrl;

/// The most milestones of a waitlist.
const MAX_MILESTONES: usize = 50;
const MAX_REWARD: usize = 500;
const MAX_SITE_KEY: usize = 200;
const MAX_ORIGINS: usize = 50;

/// The keys that earlier programs kept without knowing them.
const LATER_KEYS: [&str; 16] = [
    "badge_enabled",
    "email_confirmation",
    "confirm_page_url",
    "invite_url",
    "page_url",
    "allowed_origins",
    "privacy_url",
    "terms_url",
    "consent_text",
    "proof_of_work",
    "block_disposable",
    "check_mx",
    "one_per_mailbox",
    "referral_fraud",
    "referral_fraud_threshold",
    "referral_hourly_cap",
];

/// Whether an entry needs a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Approval {
    /// A new entry is pending.
    #[default]
    Required,
    /// A new entry is approved at once.
    Automatic,
}

impl Approval {
    /// Returns the status of a new entry.
    pub const fn first_status(self) -> EntryStatus {
        match self {
            Self::Required => EntryStatus::Pending,
            Self::Automatic => EntryStatus::Approved,
        }
    }
}

/// Whether visitors may see the leaderboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leaderboard {
    /// Every visitor may read it.
    #[default]
    Public,
    /// No visitor may read it.
    Hidden,
}

/// Whether the pages of a list say that they run on Rally.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Badge {
    /// A line in the footer says so.
    #[default]
    Shown,
    /// Nothing says so.
    Hidden,
}

/// Whether a person must confirm the address of a sign-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Confirmation {
    /// A person is on the list at once.
    #[default]
    Off,
    /// A person is on the list when they have confirmed the address.
    Required,
}

/// Which addresses a list takes, beside those that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddressRules {
    /// Addresses of throw-away domains are refused.
    pub block_disposable: bool,
    /// Addresses of domains that take no mail are refused.
    pub check_mx: bool,
    /// All addresses of one mailbox count as one.
    pub one_per_mailbox: bool,
}

impl AddressRules {
    /// Returns what an address is known by on the list: its mailbox, or the address itself.
    pub fn known_by(self, email: &Email) -> Email {
        if self.one_per_mailbox { email.mailbox() } else { email.clone() }
    }

    /// Whether these rules refuse an address for its throw-away domain.
    pub fn block(self, email: &Email, disposable: &DisposableDomains) -> bool {
        self.block_disposable && disposable.has(email)
    }
}

/// The settings of a waitlist, with all defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// The most entries of the list. `None` means no limit.
    pub max_entries: Option<u64>,
    /// Whether an entry needs a review.
    pub approval: Approval,
    /// The custom fields.
    pub custom_fields: Vec<CustomField>,
    /// The text that a person gets after signing up.
    pub confirmation_message: Option<ConfirmationMessage>,
    /// The positions that one referral is worth.
    pub referral_boost: ReferralBoost,
    /// The rewards for referrers.
    pub referral_rewards: ReferralRewards,
    /// How referrals are judged.
    pub referral_policy: ReferralPolicy,
    /// The public key of a captcha. If it is set, every sign-up needs a token of this captcha.
    pub recaptcha_site_key: Option<String>,
    /// Whether visitors may see the leaderboard.
    pub leaderboard: Leaderboard,
    /// Whether the pages say that they run on Rally.
    pub badge: Badge,
    /// Whether a person must confirm the address before they are on the list.
    pub email_confirmation: Confirmation,
    /// The operator's own page that confirms a sign-up. The token of the sign-up is added to its query.
    pub confirm_page_url: Option<WebUrl>,
    /// The link that invites people if no app is named.
    pub invite_url: Option<InviteUrl>,
    /// The operator's own page with the form. Referral links lead there.
    pub page_url: Option<WebUrl>,
    /// The origins that may frame the pages of the list, and send its forms. Without any, nobody frames them, and everybody may send.
    pub allowed_origins: Vec<WebOrigin>,
    /// The privacy policy that the form links to.
    pub privacy_url: Option<WebUrl>,
    /// The terms that the form links to.
    pub terms_url: Option<WebUrl>,
    /// What a person must agree to when signing up.
    pub consent_text: Option<ConsentText>,
    /// Whether a sign-up needs a proof of work.
    pub proof_of_work: ProofOfWork,
    /// Which addresses the list takes.
    pub addresses: AddressRules,
    /// Keys that Rally does not know.
    pub extra: Map<String, Value>,
}

impl Settings {
    /// The most bytes of all settings as JSON.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Returns these settings with the keys of `patch` replaced.
    ///
    /// `null` resets a known key to its default and removes an unknown one.
    ///
    /// # Errors
    /// Every mistake in the patch, as `settings.<key>`, or `settings` if the result is too large.
    pub fn merge(&self, patch: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let merged = self.with(patch)?;
        if Value::Object(merged.to_document()).to_string().len() > Self::MAX_BYTES {
            return Err(vec![FieldError::new("settings", Invalid::new(format!("must be at most {} bytes", Self::MAX_BYTES)))]);
        }
        Ok(merged)
    }

    /// Does what [`Settings::merge`] does, with settings of any size. Those of an export had a size when they were taken, and a later
    /// program adds keys to them.
    ///
    /// # Errors
    /// Every mistake in the patch, as `settings.<key>`.
    pub(crate) fn with(&self, patch: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let mut merged = self.clone();
        let mut errors = Vec::new();
        for (key, value) in patch {
            let path = format!("settings.{key}");
            if let Err(found) = merged.set(key, value, &path) {
                errors.extend(found);
            }
        }
        if errors.is_empty() { Ok(merged) } else { Err(errors) }
    }

    fn set(&mut self, key: &str, value: &Value, path: &str) -> Result<(), Vec<FieldError>> {
        let defaults = Self::default();
        let given = Some(value).filter(|value| !value.is_null());
        let one = |error: Invalid| vec![FieldError::new(path, error)];
        match key {
            "max_entries" => self.max_entries = given.map(parse_max_entries).transpose().map_err(one)?,
            "approval_required" => {
                self.approval = match given.map(parse_bool).transpose().map_err(one)? {
                    Some(false) => Approval::Automatic,
                    Some(true) => Approval::Required,
                    None => defaults.approval,
                }
            }
            "custom_fields" => {
                self.custom_fields = given.map(|value| CustomField::parse_list(value, path)).transpose()?.unwrap_or_default();
            }
            "confirmation_message" => {
                self.confirmation_message = match given {
                    Some(value) => ConfirmationMessage::parse_optional(parse_string(value).map_err(one)?).map_err(one)?,
                    None => None,
                }
            }
            "referral_boost" => {
                let parse = |value| ReferralBoost::new(integer(value).unwrap_or(u64::MAX));
                self.referral_boost = given.map(parse).transpose().map_err(one)?.unwrap_or(defaults.referral_boost);
            }
            "referral_rewards" => {
                self.referral_rewards = given.map(|value| parse_rewards(value, path)).transpose()?.unwrap_or_default();
            }
            "referral_fraud" => {
                let parse = |value| parse_string(value).and_then(FraudMode::parse);
                self.referral_policy.mode = given.map(parse).transpose().map_err(one)?.unwrap_or(defaults.referral_policy.mode);
            }
            "referral_fraud_threshold" => {
                let parsed = given.map(|value| parse_within(value, 100)).transpose().map_err(one)?;
                self.referral_policy.threshold = parsed.unwrap_or(defaults.referral_policy.threshold);
            }
            "referral_hourly_cap" => {
                let parsed = given.map(|value| parse_within(value, ReferralPolicy::MAX_CAP)).transpose().map_err(one)?;
                self.referral_policy.hourly_cap = parsed.unwrap_or(defaults.referral_policy.hourly_cap);
            }
            "recaptcha_site_key" => {
                self.recaptcha_site_key = match given {
                    Some(value) => {
                        let site_key = clean(parse_string(value).map_err(one)?, MAX_SITE_KEY, Lines::One).map_err(one)?;
                        Some(site_key).filter(|site_key| !site_key.is_empty())
                    }
                    None => None,
                }
            }
            "badge_enabled" => {
                self.badge = match given.map(parse_bool).transpose().map_err(one)? {
                    Some(false) => Badge::Hidden,
                    Some(true) => Badge::Shown,
                    None => defaults.badge,
                }
            }
            "leaderboard_enabled" => {
                self.leaderboard = match given.map(parse_bool).transpose().map_err(one)? {
                    Some(false) => Leaderboard::Hidden,
                    Some(true) => Leaderboard::Public,
                    None => defaults.leaderboard,
                }
            }
            "email_confirmation" => {
                self.email_confirmation = match given.map(parse_bool).transpose().map_err(one)? {
                    Some(true) => Confirmation::Required,
                    Some(false) => Confirmation::Off,
                    None => defaults.email_confirmation,
                }
            }
            "confirm_page_url" => self.confirm_page_url = given.map(parse_web_url).transpose().map_err(one)?,
            "invite_url" => {
                self.invite_url = match given {
                    Some(value) => InviteUrl::parse_optional(parse_string(value).map_err(one)?).map_err(one)?,
                    None => None,
                }
            }
            "page_url" => self.page_url = given.map(parse_web_url).transpose().map_err(one)?,
            "privacy_url" => self.privacy_url = given.map(parse_web_url).transpose().map_err(one)?,
            "terms_url" => self.terms_url = given.map(parse_web_url).transpose().map_err(one)?,
            "allowed_origins" => self.allowed_origins = given.map(|value| parse_origins(value, path)).transpose()?.unwrap_or_default(),
            "consent_text" => {
                self.consent_text = match given {
                    Some(value) => ConsentText::parse_optional(parse_string(value).map_err(one)?).map_err(one)?,
                    None => None,
                }
            }
            "block_disposable" => self.addresses.block_disposable = given.map(parse_bool).transpose().map_err(one)?.unwrap_or_default(),
            "check_mx" => self.addresses.check_mx = given.map(parse_bool).transpose().map_err(one)?.unwrap_or_default(),
            "one_per_mailbox" => self.addresses.one_per_mailbox = given.map(parse_bool).transpose().map_err(one)?.unwrap_or_default(),
            "proof_of_work" => {
                let parse = |value| parse_string(value).and_then(ProofOfWork::parse);
                self.proof_of_work = given.map(parse).transpose().map_err(one)?.unwrap_or(defaults.proof_of_work);
            }
            _ => {
                let unknown = document::parse(Map::from_iter([(key.to_owned(), value.clone())])).map_err(one)?;
                match given {
                    Some(_) => self.extra.extend(unknown),
                    None => {
                        self.extra.remove(key);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the forms of the list may come from a page of an origin. `own` is the origin of Rally's pages.
    pub fn takes_forms_of(&self, origin: &str, own: Option<&WebOrigin>) -> bool {
        let sender = WebOrigin::parse(origin).ok();
        self.allowed_origins.is_empty() || sender.is_some_and(|sender| own == Some(&sender) || self.allowed_origins.contains(&sender))
    }

    /// Returns what a person consents to with a form. A list that asks for nothing keeps nothing. `seen` is the digest of the text that the
    /// form showed, if it tells.
    ///
    /// # Errors
    /// If the list asks for consent, and none was given, or it was given to another text.
    pub fn consent(&self, given: bool, seen: Option<&str>, at: Timestamp) -> Result<Option<Consent>, Invalid> {
        let Some(text) = &self.consent_text else { return Ok(None) };
        if !given {
            return Err(Invalid::new(MISSING_CONSENT));
        }
        match seen {
            Some(seen) if !seen.eq_ignore_ascii_case(&consent::digest(text)) => Err(Invalid::new(OUTDATED_CONSENT)),
            _ => Ok(Some(Consent { text: text.clone(), at })),
        }
    }

    /// Returns the settings with all defaults as a JSON document, with the unknown keys.
    pub fn to_document(&self) -> Map<String, Value> {
        let mut document = self.extra.clone();
        let custom_fields: Vec<Value> = self.custom_fields.iter().map(CustomField::to_document).collect();
        let known = [
            ("max_entries", json!(self.max_entries)),
            ("approval_required", json!(self.approval == Approval::Required)),
            ("custom_fields", Value::Array(custom_fields)),
            ("confirmation_message", json!(self.confirmation_message.as_ref().map(ConfirmationMessage::as_str))),
            ("referral_boost", json!(self.referral_boost.places())),
            ("referral_rewards", json!(self.referral_rewards)),
            ("referral_fraud", json!(self.referral_policy.mode.as_str())),
            ("referral_fraud_threshold", json!(self.referral_policy.threshold)),
            ("referral_hourly_cap", json!(self.referral_policy.hourly_cap)),
            ("recaptcha_site_key", json!(self.recaptcha_site_key)),
            ("leaderboard_enabled", json!(self.leaderboard == Leaderboard::Public)),
            ("badge_enabled", json!(self.badge == Badge::Shown)),
            ("email_confirmation", json!(self.email_confirmation == Confirmation::Required)),
            ("confirm_page_url", json!(self.confirm_page_url.as_ref().map(WebUrl::as_str))),
            ("invite_url", json!(self.invite_url.as_ref().map(InviteUrl::as_str))),
            ("page_url", json!(self.page_url.as_ref().map(WebUrl::as_str))),
            ("allowed_origins", json!(self.allowed_origins.iter().map(WebOrigin::as_str).collect::<Vec<_>>())),
            ("privacy_url", json!(self.privacy_url.as_ref().map(WebUrl::as_str))),
            ("terms_url", json!(self.terms_url.as_ref().map(WebUrl::as_str))),
            ("consent_text", json!(self.consent_text.as_ref().map(ConsentText::as_str))),
            ("proof_of_work", json!(self.proof_of_work.as_str())),
            ("block_disposable", json!(self.addresses.block_disposable)),
            ("check_mx", json!(self.addresses.check_mx)),
            ("one_per_mailbox", json!(self.addresses.one_per_mailbox)),
        ];
        document.extend(known.map(|(key, value)| (key.to_owned(), value)));
        document
    }

    /// Reads settings that a store kept in the form of [`Settings::to_document`].
    ///
    /// A program that does not know a key takes any value for it. Such a value stays under `previous_<key>`, and the key is unset. The
    /// settings may be larger than [`Settings::MAX_BYTES`], because a new key has a default.
    ///
    /// # Errors
    /// If the document is not of that form.
    pub fn from_document(document: &Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let is_later = |key: &str| LATER_KEYS.contains(&key);
        let known = document.iter().filter(|(key, _)| !is_later(key)).map(|(key, value)| (key.clone(), value.clone()));
        let mut settings = Self::default().with(&known.collect())?;
        for (key, value) in document.iter().filter(|(key, _)| is_later(key)) {
            if settings.set(key, value, key).is_err() {
                settings.extra.insert(format!("previous_{key}"), value.clone());
            }
        }
        Ok(settings)
    }
}

/// Reads a JSON number that is whole and not negative: `3`, and also `3.0` (JSON Schema, section 4.2.3 of its core).
pub fn integer(value: &Value) -> Option<u64> {
    let whole = |number: f64| number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
    value.as_u64().or_else(|| value.as_f64().filter(|number| whole(*number)).map(|number| number as u64))
}

fn parse_max_entries(value: &Value) -> Result<u64, Invalid> {
    let most = i64::MAX as u64;
    integer(value).filter(|max| (1..=most).contains(max)).ok_or_else(|| Invalid::new("must be an integer of at least 1, or null"))
}

/// Reads a whole number from 1 to `most`.
fn parse_within<N: TryFrom<u64> + Copy + fmt::Display>(value: &Value, most: N) -> Result<N, Invalid>
where
    u64: From<N>,
{
    let number = integer(value).filter(|number| (1..=u64::from(most)).contains(number)).and_then(|number| N::try_from(number).ok());
    number.ok_or_else(|| Invalid::new(format!("must be an integer from 1 to {most}")))
}

fn parse_bool(value: &Value) -> Result<bool, Invalid> {
    value.as_bool().ok_or_else(|| Invalid::new("must be a boolean"))
}

fn parse_string(value: &Value) -> Result<&str, Invalid> {
    value.as_str().ok_or_else(|| Invalid::new("must be a string"))
}

fn parse_web_url(value: &Value) -> Result<WebUrl, Invalid> {
    parse_string(value).and_then(WebUrl::parse)
}

/// Reads a list of origins. One that is named twice is kept once. Every bad one is an error.
fn parse_origins(value: &Value, path: &str) -> Result<Vec<WebOrigin>, Vec<FieldError>> {
    let one = |message: String| vec![FieldError::new(path, Invalid::new(message))];
    let items = value.as_array().ok_or_else(|| one("must be an array of origins such as https://example.com".to_owned()))?;
    if items.len() > MAX_ORIGINS {
        return Err(one(format!("must have at most {MAX_ORIGINS} origins")));
    }
    let (mut origins, mut errors) = (Vec::with_capacity(items.len()), Vec::new());
    for (index, item) in items.iter().enumerate() {
        match parse_string(item).and_then(WebOrigin::parse) {
            Ok(origin) if origins.contains(&origin) => {}
            Ok(origin) => origins.push(origin),
            Err(error) => errors.extend(one(format!("has a bad item {}, which {error}", index + 1))),
        }
    }
    if errors.is_empty() { Ok(origins) } else { Err(errors) }
}

fn parse_rewards(value: &Value, path: &str) -> Result<ReferralRewards, Vec<FieldError>> {
    let one = |path: String, message: &str| vec![FieldError::new(path, Invalid::new(message.to_owned()))];
    let document = value.as_object().ok_or_else(|| one(path.to_owned(), "must be an object"))?;
    let path = format!("{path}.milestones");
    let items = match document.get("milestones") {
        None | Some(Value::Null) => return Ok(ReferralRewards::default()),
        Some(milestones) => milestones.as_array().ok_or_else(|| one(path.clone(), "must be an array"))?,
    };
    if items.len() > MAX_MILESTONES {
        return Err(one(path, "must have at most 50 milestones"));
    }
    let mut errors = Vec::new();
    let mut milestones: Vec<Milestone> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let mut report = |key: &str, message: Invalid| errors.push(FieldError::new(format!("{path}[{index}].{key}"), message));
        let count = item.get("count").and_then(integer).filter(|count| *count >= 1 && *count <= i64::MAX as u64);
        let reward = item.get("reward").and_then(Value::as_str).map(|reward| clean(reward, MAX_REWARD, Lines::Many));
        if count.is_none() {
            report("count", Invalid::new("must be an integer of at least 1"));
        } else if milestones.iter().any(|other| Some(other.count) == count) {
            report("count", Invalid::new("must be unique"));
        }
        match (count, reward) {
            (Some(count), Some(Ok(reward))) if !reward.is_empty() => milestones.push(Milestone { count, reward }),
            (_, Some(Err(error))) => report("reward", error),
            (_, Some(Ok(reward))) if !reward.is_empty() => {}
            (_, _) => report("reward", Invalid::new("must be a text that is not empty")),
        }
    }
    milestones.sort_by_key(|milestone| milestone.count);
    if errors.is_empty() { Ok(ReferralRewards { milestones }) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn merged(settings: &Settings, patch: Value) -> Result<Settings, Vec<String>> {
        let fields = |errors: Vec<FieldError>| errors.into_iter().map(|error| error.field).collect();
        settings.merge(patch.as_object().unwrap()).map_err(fields)
    }

    #[test]
    fn defaults_are_filled_in() {
        assert_eq!(
            Value::Object(Settings::default().to_document()),
            json!({
                "max_entries": null, "approval_required": true, "custom_fields": [], "confirmation_message": null,
                "referral_boost": 1, "referral_rewards": {"milestones": []}, "recaptcha_site_key": null,
                "referral_fraud": "flag", "referral_fraud_threshold": 50, "referral_hourly_cap": 20,
                "leaderboard_enabled": true, "badge_enabled": true, "email_confirmation": false, "confirm_page_url": null,
                "invite_url": null, "page_url": null, "allowed_origins": [], "privacy_url": null, "terms_url": null,
                "consent_text": null,
                "proof_of_work": "off", "block_disposable": false, "check_mx": false,
                "one_per_mailbox": false,
            })
        );
    }

    #[test]
    fn a_patch_replaces_or_resets_only_its_keys() {
        let first = merged(&Settings::default(), json!({"max_entries": 5, "referral_boost": 3, "theme": {"a": 1}})).unwrap();
        let second = merged(&first, json!({"max_entries": null, "theme": {"b": 2}, "approval_required": false})).unwrap();
        let document = second.to_document();
        assert_eq!(document["max_entries"], json!(null));
        assert_eq!(document["referral_boost"], json!(3));
        assert_eq!(document["theme"], json!({"b": 2}));
        assert_eq!(document["approval_required"], json!(false));
        let third = merged(&second, json!({"theme": null, "approval_required": null, "referral_boost": null})).unwrap();
        assert_eq!(third, Settings::default());
    }

    #[test]
    fn every_mistake_in_a_list_is_told_at_once() {
        let errors = |patch: Value| -> Vec<String> {
            let errors = Settings::default().merge(patch.as_object().unwrap()).unwrap_err();
            errors.iter().map(ToString::to_string).collect()
        };
        let told = errors(json!({"allowed_origins": ["x", "https://a.example", "y"]}));
        assert!(told.len() == 2 && told[0].contains("bad item 1, ") && told[1].contains("bad item 3, "), "{told:?}");
        let told =
            errors(json!({"custom_fields": [{"key": "a", "type": "select"}, {"key": "b"}, {"key": "a", "type": "x"}, {"key": "b"}]}));
        let fields: Vec<&str> = told.iter().filter_map(|error| error.split(' ').next()).collect();
        let path = |rest: &str| format!("settings.custom_fields{rest}");
        assert_eq!(fields, [path("[0].options"), path("[2].type"), path("[2].key"), path("[3].key")]);
        assert_eq!(errors(json!({"custom_fields": [{"key": "A"}, {"key": "A"}]})).len(), 2);
    }

    #[test]
    fn every_known_key_is_checked() {
        for (key, bad) in [
            ("max_entries", json!(0)),
            ("max_entries", json!(1.5)),
            ("max_entries", json!("5")),
            ("max_entries", json!(-1)),
            ("approval_required", json!("true")),
            ("confirmation_message", json!("x".repeat(1001))),
            ("referral_boost", json!(1001)),
            ("referral_boost", json!(-1)),
            ("referral_rewards", json!([])),
            ("referral_fraud", json!("on")),
            ("referral_fraud", json!(true)),
            ("referral_fraud_threshold", json!(0)),
            ("referral_fraud_threshold", json!(101)),
            ("referral_hourly_cap", json!(0)),
            ("referral_hourly_cap", json!(1001)),
            ("recaptcha_site_key", json!(1)),
            ("leaderboard_enabled", json!(0)),
            ("badge_enabled", json!("no")),
            ("email_confirmation", json!("true")),
            ("confirm_page_url", json!("/confirm")),
            ("confirm_page_url", json!(7)),
            ("invite_url", json!("/join?code={code}")),
            ("page_url", json!("javascript:alert(1)")),
            ("page_url", json!("//example.com")),
            ("privacy_url", json!("data:text/html,x")),
            ("privacy_url", json!(["https://example.com"])),
            ("terms_url", json!("/terms")),
            ("terms_url", json!("")),
            ("allowed_origins", json!("https://example.com")),
            ("allowed_origins", json!(["https://example.com/"])),
            ("allowed_origins", json!(["https://a.example", null])),
            ("allowed_origins", json!(["https://*.example.com"])),
            ("allowed_origins", json!(vec!["https://example.com"; 51])),
            ("consent_text", json!(true)),
            ("consent_text", json!("x".repeat(2001))),
            ("consent_text", json!("\u{202E}")),
            ("proof_of_work", json!("sometimes")),
            ("proof_of_work", json!(true)),
            ("block_disposable", json!("on")),
            ("check_mx", json!(1)),
            ("one_per_mailbox", json!("yes")),
            ("custom_fields", json!("none")),
            ("other", json!("\u{0}")),
        ] {
            assert_eq!(merged(&Settings::default(), json!({key: bad})), Err(vec![format!("settings.{key}")]), "{key} {bad}");
        }
        assert_eq!(merged(&Settings::default(), json!({"max_entries": 5.0})).unwrap().max_entries, Some(5));
    }

    #[test]
    fn milestones_have_distinct_counts() {
        let rewards = |milestones: Value| merged(&Settings::default(), json!({"referral_rewards": {"milestones": milestones}}));
        assert!(rewards(json!([{"count": 1, "reward": "sticker"}, {"count": 5, "reward": "shirt"}])).is_ok());
        assert_eq!(
            rewards(json!([{"count": 1, "reward": "a"}, {"count": 1, "reward": "b"}, {"count": 0, "reward": ""}])),
            Err(vec![
                "settings.referral_rewards.milestones[1].count".to_owned(),
                "settings.referral_rewards.milestones[2].count".to_owned(),
                "settings.referral_rewards.milestones[2].reward".to_owned(),
            ])
        );
        let many: Vec<Value> = (1..=51).map(|count| json!({"count": count, "reward": "x"})).collect();
        assert!(rewards(json!(many)).is_err());
    }

    #[test]
    fn the_judgement_of_referrals_is_set_key_by_key() {
        let patch = json!({"referral_fraud": "withhold", "referral_fraud_threshold": 80, "referral_hourly_cap": 5});
        let settings = merged(&Settings::default(), patch).unwrap();
        let expected = ReferralPolicy { mode: FraudMode::Withhold, threshold: 80, hourly_cap: 5 };
        assert_eq!(settings.referral_policy, expected);
        let reset = merged(&settings, json!({"referral_fraud": null, "referral_fraud_threshold": null, "referral_hourly_cap": null}));
        assert_eq!(reset.unwrap(), Settings::default());
    }

    #[test]
    fn what_an_earlier_program_kept_under_a_later_key_is_kept_aside() {
        let stored = json!({"max_entries": 5, "email_confirmation": "double", "invite_url": "https://acme.example/join"});
        let settings = Settings::from_document(stored.as_object().unwrap()).unwrap();
        assert_eq!((settings.max_entries, settings.email_confirmation), (Some(5), Confirmation::Off));
        assert_eq!(settings.to_document()["previous_email_confirmation"], "double");
        assert_eq!(settings.to_document()["invite_url"], "https://acme.example/join");
        assert!(Settings::from_document(json!({"max_entries": 0}).as_object().unwrap()).is_err());
    }

    #[test]
    fn settings_have_a_size_limit() {
        let filler = json!({"filler": "x".repeat(Settings::MAX_BYTES)});
        assert_eq!(merged(&Settings::default(), filler), Err(vec!["settings".to_owned()]));
    }

    /// They had the most bytes that an earlier program took, which knew fewer keys.
    #[test]
    fn settings_that_were_stored_are_read_whatever_their_size() {
        let stored = json!({"filler": "x".repeat(Settings::MAX_BYTES)});
        let settings = Settings::from_document(stored.as_object().unwrap()).unwrap();
        assert_eq!(settings.to_document()["filler"], stored["filler"]);
    }

    #[test]
    fn what_was_taken_in_one_form_is_read_back_in_the_form_that_is_kept() {
        let long = format!("https://example.com/{}", "é".repeat(338));
        let patch = json!({
            "page_url": long, "privacy_url": long, "terms_url": long, "confirm_page_url": long,
            "allowed_origins": [format!("https://{}", ["中文網絡測試標籤域名"; 6].join("."))],
        });
        let settings = merged(&Settings::default(), patch).unwrap();
        assert_eq!(Settings::from_document(&settings.to_document()), Ok(settings));
        let longer = format!("https://example.com/{}", "é".repeat(1000));
        assert_eq!(merged(&Settings::default(), json!({"page_url": longer})), Err(vec!["settings.page_url".to_owned()]));
    }

    proptest! {
        #[test]
        fn settings_read_back_as_stored(max in 1..i64::MAX as u64, boost in 0..=1000_u64, approval: bool, note in "[a-z ]{0,20}") {
            let patch = json!({"max_entries": max, "referral_boost": boost, "approval_required": approval, "note": note});
            let settings = merged(&Settings::default(), patch).unwrap();
            prop_assert_eq!(Settings::from_document(&settings.to_document()).unwrap(), settings);
        }
    }
}
