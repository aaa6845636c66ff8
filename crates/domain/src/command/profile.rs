//! Changes of what a person said about themselves.

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, change};
use crate::command::EntryFacts;
use crate::custom_field::Metadata;
use crate::entry::Entry;
use crate::error::FieldError;
use crate::event::{Event, EventKind};
use crate::id::{EntryId, EventId, WaitlistId};
use crate::locale::Locale;
use crate::text::PersonName;
use crate::timestamp::Timestamp;

/// What of a profile changes. `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProfileChange {
    /// The new name.
    pub name: Option<PersonName>,
    /// The new metadata. It replaces the old one.
    pub metadata: Option<Metadata>,
    /// The new language, or none.
    pub locale: Option<Option<Locale>>,
}

/// Changes the profile of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateProfile {
    /// The waitlist that the entry must be on.
    pub waitlist_id: WaitlistId,
    /// The entry.
    pub entry_id: EntryId,
    /// What changes.
    pub change: ProfileChange,
    /// The id of the event, if anything changes.
    pub event_id: EventId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// The result of changing a profile. The store writes all of it or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfilePlan {
    /// The entry after the change.
    pub entry: Entry,
    /// The event to write. `None` means that the profile is as it was.
    pub event: Option<Event>,
}

/// Why a profile was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileRejection {
    /// The waitlist has no such entry.
    #[error("this entry does not exist")]
    NoSuchEntry,
    /// The metadata does not answer the custom fields of the waitlist.
    #[error("the metadata does not fit the custom fields of this waitlist")]
    Metadata(Vec<FieldError>),
}

impl UpdateProfile {
    /// Returns the entry with the change, for the entry as it is now. Its time changes only if its profile does, and only then there is an
    /// event.
    ///
    /// # Errors
    /// If the entry does not exist, or if new metadata does not fit the custom fields.
    pub fn decide(&self, facts: Option<EntryFacts>) -> Result<ProfilePlan, ProfileRejection> {
        let EntryFacts { entry, waitlist, .. } = facts.ok_or(ProfileRejection::NoSuchEntry)?;
        let ProfileChange { name, metadata, locale } = self.change.clone();
        let metadata = metadata.map(|metadata| metadata.answering(&waitlist.settings.custom_fields)).transpose();
        let metadata = metadata.map_err(ProfileRejection::Metadata)?;
        let mut profile = entry.profile.clone();
        profile.name = name.unwrap_or(profile.name);
        profile.metadata = metadata.unwrap_or(profile.metadata);
        profile.locale = locale.unwrap_or(profile.locale);
        if profile == entry.profile {
            return Ok(ProfilePlan { entry, event: None });
        }
        let entry = Entry { profile, updated_at: self.now, ..entry };
        let event = Event::new(self.event_id, EventKind::EntryUpdated, self.now, &entry, &waitlist);
        Ok(ProfilePlan { entry, event: Some(event) })
    }
}

/// Replaces the link of a person by a new one. The old one ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplaceLink {
    /// The waitlist that the entry must be on.
    pub waitlist_id: WaitlistId,
    /// The entry.
    pub entry_id: EntryId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Why a link was not replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplaceLinkRejection {
    /// The waitlist has no such entry.
    #[error("this entry does not exist")]
    NoSuchEntry,
}

impl ReplaceLink {
    /// Returns the entry with the next link, for the entry as it is now.
    ///
    /// # Errors
    /// If the entry does not exist.
    pub fn decide(&self, facts: Option<EntryFacts>) -> Result<Audited<Entry>, ReplaceLinkRejection> {
        let EntryFacts { entry, .. } = facts.ok_or(ReplaceLinkRejection::NoSuchEntry)?;
        let link_generation = entry.link_generation + 1;
        let changed = change("link_generation", entry.link_generation, link_generation);
        let row = self.actor.audit(self.now, entry.workspace_id, AuditAction::EntryNewLink, entry.id, changed);
        Ok(Audited::new(Entry { link_generation, updated_at: self.now, ..entry }, row))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::command::tests::{command, facts, waitlist};
    use crate::waitlist::Waitlist;

    fn entry(list: &Waitlist) -> Entry {
        command().decide(facts(list)).unwrap().entry
    }

    fn update(entry: &Entry, change: ProfileChange) -> UpdateProfile {
        let now = entry.updated_at.plus(time::Duration::hours(1));
        let event_id = EventId::new(uuid::Uuid::from_u128(9));
        UpdateProfile { waitlist_id: entry.waitlist_id, entry_id: entry.id, change, event_id, actor: Actor::Visitor, now }
    }

    fn metadata(value: Value) -> Metadata {
        Metadata::parse(value.as_object().cloned().unwrap()).unwrap()
    }

    #[test]
    fn a_change_replaces_the_given_fields_alone() {
        let list = waitlist(json!({}));
        let entry = entry(&list);
        let facts = || Some(EntryFacts { entry: entry.clone(), waitlist: list.clone(), mail: None });
        let unchanged = update(&entry, ProfileChange { name: Some(entry.profile.name.clone()), ..ProfileChange::default() });
        assert_eq!(unchanged.decide(facts()), Ok(ProfilePlan { entry: entry.clone(), event: None }));
        let locale = Locale::parse("de").unwrap();
        let change = ProfileChange { locale: Some(Some(locale.clone())), metadata: Some(metadata(json!({"a": 1}))), name: None };
        let command = update(&entry, change);
        let ProfilePlan { entry: changed, event } = command.decide(facts()).unwrap();
        assert_eq!(event.map(|event| (event.id, event.kind)), Some((command.event_id, EventKind::EntryUpdated)));
        assert_eq!((&changed.profile.name, &changed.profile.locale), (&entry.profile.name, &Some(locale)));
        assert_eq!((changed.profile.metadata, changed.updated_at), (metadata(json!({"a": 1})), command.now));
        let cleared = update(&entry, ProfileChange { locale: Some(None), ..ProfileChange::default() });
        assert_eq!(cleared.decide(facts()).unwrap().entry.profile.locale, None);
        assert_eq!(cleared.decide(None), Err(ProfileRejection::NoSuchEntry));
    }

    #[test]
    fn new_metadata_must_answer_the_custom_fields() {
        let list = waitlist(json!({"custom_fields": [{"key": "company", "required": true}]}));
        let entry = entry(&waitlist(json!({})));
        let decide = |change| update(&entry, change).decide(Some(EntryFacts { entry: entry.clone(), waitlist: list.clone(), mail: None }));
        let change = |value| ProfileChange { metadata: Some(metadata(value)), ..ProfileChange::default() };
        let Err(ProfileRejection::Metadata(errors)) = decide(change(json!({"other": 1}))) else { panic!("it was taken") };
        assert_eq!(errors.iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), ["metadata.company"]);
        let trimmed = decide(change(json!({"company": " Acme "}))).unwrap().entry;
        assert_eq!(trimmed.profile.metadata, metadata(json!({"company": "Acme"})));
        let name = PersonName::parse("Ada").unwrap();
        let renamed = decide(ProfileChange { name: Some(name.clone()), ..ProfileChange::default() }).unwrap().entry;
        assert_eq!(renamed.profile.name, name, "answers of an older form stay");
    }

    #[test]
    fn a_new_link_is_of_the_next_generation() {
        let list = waitlist(json!({}));
        let entry = entry(&list);
        let now = entry.updated_at.plus(time::Duration::hours(1));
        let command = ReplaceLink { waitlist_id: entry.waitlist_id, entry_id: entry.id, actor: Actor::CommandLine, now };
        let facts = EntryFacts { entry: entry.clone(), waitlist: list, mail: None };
        let replaced = command.decide(Some(facts)).map(|audited| audited.plan);
        assert_eq!(replaced, Ok(Entry { link_generation: 1, updated_at: now, ..entry }));
        assert_eq!(command.decide(None), Err(ReplaceLinkRejection::NoSuchEntry));
    }
}
