//! The audit log: a row about every change that an admin makes, with what was before and what is now.
//!
//! A decision returns its plan together with the rows that are written with it, as [`Audited`], so a store does not forget them.
//! Rows hold no secret. Of a person on a waitlist they hold only the id of the entry, so an erasure leaves them as they are.

mod view;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::view::{View, cut};
use crate::error::Invalid;
use crate::id::{AuditId, WorkspaceId};
use crate::paging::AuditKey;
use crate::timestamp::Timestamp;

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $action:ident = $name:literal;)+) => {
        /// What an admin did: the kind of thing that changed, and a verb.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum AuditAction {
            $($(#[doc = $doc])+ $action,)+
        }

        impl AuditAction {
            /// All actions.
            pub const ALL: &[Self] = &[$(Self::$action,)+];

            /// Returns the name on the wire and in a store.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$action => $name,)+
                }
            }
        }
    };
}

actions! {
    /// A workspace was created.
    WorkspaceCreate = "workspace.create";
    /// A workspace got another slug.
    WorkspaceRename = "workspace.rename";
    /// A workspace was deleted.
    WorkspaceDelete = "workspace.delete";
    /// Settings of a workspace were changed.
    SettingsUpdate = "settings.update";
    /// An API key was created.
    KeyCreate = "key.create";
    /// An API key was revoked.
    KeyDelete = "key.delete";
    /// A token was minted on the command line.
    TokenMint = "token.mint";
    /// A link that signs in to the console was made.
    SignInLinkCreate = "sign_in_link.create";
    /// A session of the console was ended by another one.
    SessionEnd = "session.end";
    /// A waitlist was created.
    WaitlistCreate = "waitlist.create";
    /// Texts or settings of a waitlist were changed.
    WaitlistUpdate = "waitlist.update";
    /// A waitlist got another status.
    WaitlistStatus = "waitlist.status";
    /// A waitlist was deleted.
    WaitlistDelete = "waitlist.delete";
    /// A variant was created.
    VariantCreate = "variant.create";
    /// A variant was changed.
    VariantUpdate = "variant.update";
    /// A variant was deleted.
    VariantDelete = "variant.delete";
    /// An entry was approved.
    EntryApprove = "entry.approve";
    /// An entry was rejected.
    EntryReject = "entry.reject";
    /// An entry was invited.
    EntryInvite = "entry.invite";
    /// The link of a person was replaced.
    EntryNewLink = "entry.new_link";
    /// An entry was deleted.
    EntryDelete = "entry.delete";
    /// An entry was erased.
    EntryErase = "entry.erase";
    /// The mail of a sign-up request was sent once more.
    ConfirmationResend = "confirmation.resend";
    /// A sign-up request was confirmed by an admin.
    ConfirmationConfirm = "confirmation.confirm";
    /// A sign-up request was deleted.
    ConfirmationDelete = "confirmation.delete";
    /// A referral counts from now on.
    ReferralCredit = "referral.credit";
    /// A referral waits for a decision again.
    ReferralWithhold = "referral.withhold";
    /// A referral does not count any more.
    ReferralRevoke = "referral.revoke";
    /// A webhook was created.
    WebhookCreate = "webhook.create";
    /// A webhook was changed.
    WebhookUpdate = "webhook.update";
    /// A webhook was deleted.
    WebhookDelete = "webhook.delete";
    /// A webhook got another secret.
    WebhookRotate = "webhook.rotate";
    /// Events of a period were sent to a webhook once more.
    WebhookReplay = "webhook.replay";
    /// One event was sent to a webhook once more.
    WebhookResend = "webhook.resend";
    /// A template of mail was written where none was.
    MailTemplateCreate = "mail_template.create";
    /// A template of mail was changed.
    MailTemplateUpdate = "mail_template.update";
    /// A template of mail was deleted.
    MailTemplateDelete = "mail_template.delete";
    /// An address was suppressed.
    SuppressionCreate = "suppression.create";
    /// A suppression was lifted.
    SuppressionDelete = "suppression.delete";
    /// The file of an import arrived.
    ImportStart = "import.start";
    /// An import was done, or failed.
    ImportEnd = "import.end";
    /// An import was cancelled.
    ImportCancel = "import.cancel";
}

impl AuditAction {
    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such action.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text).ok_or_else(|| Invalid::new("must be an action of the audit log"))
    }

    /// Returns the kind of thing that changed.
    pub fn resource(self) -> &'static str {
        self.as_str().split_once('.').map_or("", |(resource, _)| resource)
    }
}

/// What kind of actor made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditActorKind {
    /// The bearer of a token.
    Token,
    /// A program with an API key.
    Key,
    /// A person who is signed in to the console.
    Session,
    /// An operator on the command line.
    Cli,
    /// Rally itself.
    System,
}

impl AuditActorKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Token, Self::Key, Self::Session, Self::Cli, Self::System];

    /// Returns the name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Key => "key",
            Self::Session => "session",
            Self::Cli => "cli",
            Self::System => "system",
        }
    }

    /// Reads a stored name.
    ///
    /// # Errors
    /// If there is no such kind.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of token, key, session, cli, system"))
    }
}

/// Who made a change, in the words of that time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditActor {
    /// The kind of actor.
    pub kind: AuditActorKind,
    /// The subject of the token, or the id of the key or session.
    pub id: Option<String>,
    /// The name of the key, or the person of the token or session.
    pub name: Option<String>,
    /// The id of the request that caused the change.
    pub request_id: Option<String>,
}

impl AuditActor {
    /// Rally itself.
    pub const SYSTEM: Self = Self { kind: AuditActorKind::System, id: None, name: None, request_id: None };

    /// Returns the actor for a store.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts serialise")
    }

    /// Reads a stored actor. `None` means that the text is not one.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }
}

/// The id of what changed. Its kind is the resource of the action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTarget(Option<String>);

impl AuditTarget {
    /// Something that has no id.
    pub const NONE: Self = Self(None);
}

impl<T: fmt::Display> From<T> for AuditTarget {
    fn from(id: T) -> Self {
        Self(Some(id.to_string()))
    }
}

/// A row of the audit log, before a store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// When the change was made.
    pub at: Timestamp,
    /// The workspace of what changed. `None` means that it is of no workspace, such as a link that signs in to all of them.
    pub workspace_id: Option<WorkspaceId>,
    /// Who made the change.
    pub actor: AuditActor,
    /// What was done.
    pub action: String,
    /// The id of what changed. Its kind is the resource of the action.
    pub target_id: Option<String>,
    /// For each field that changed, its value before and afterwards, as an array of two.
    pub changes: Map<String, Value>,
}

impl AuditRow {
    /// Makes the row of a change. `None` means that nothing changed.
    pub(crate) fn new(
        actor: AuditActor,
        at: Timestamp,
        workspace_id: Option<WorkspaceId>,
        action: AuditAction,
        target: AuditTarget,
        changes: Map<String, Value>,
    ) -> Option<Self> {
        let action = action.as_str().to_owned();
        (!changes.is_empty()).then_some(Self { at, workspace_id, actor, action, target_id: target.0, changes })
    }

    /// Returns the kind of thing that changed.
    pub fn target_kind(&self) -> &str {
        self.action.split_once('.').map_or("", |(resource, _)| resource)
    }
}

/// A row of the audit log that a store keeps. It never changes.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    /// Its identity.
    pub id: AuditId,
    /// What it says.
    pub row: AuditRow,
}

impl AuditRecord {
    /// Returns its place in the log.
    pub const fn key(&self) -> AuditKey {
        AuditKey { at: self.row.at, id: self.id }
    }
}

/// Which rows are listed. Every part that is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// The id of what changed.
    pub target: Option<String>,
    /// The id of the actor.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<AuditAction>,
}

/// A plan, and the rows of the audit log that are written in the same transaction.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Audited<T> {
    pub(crate) plan: T,
    pub(crate) rows: Vec<AuditRow>,
}

impl<T> Audited<T> {
    pub(crate) fn new(plan: T, rows: impl IntoIterator<Item = AuditRow>) -> Self {
        Self { plan, rows: rows.into_iter().collect() }
    }

    /// A plan that changes nothing, or nothing that is audited.
    pub(crate) const fn silent(plan: T) -> Self {
        Self { plan, rows: Vec::new() }
    }

    /// Returns the plan, and the rows to write with it.
    pub fn into_parts(self) -> (T, Vec<AuditRow>) {
        (self.plan, self.rows)
    }
}

/// Returns what differs between two views of something: for each field its value before and afterwards.
pub(crate) fn changes<V: View>(before: Option<&V>, after: Option<&V>) -> Map<String, Value> {
    let view = |thing: Option<&V>| thing.map(View::view).unwrap_or_default();
    difference(view(before), view(after))
}

/// Returns one changed field.
pub(crate) fn change(field: &str, before: impl Into<Value>, after: impl Into<Value>) -> Map<String, Value> {
    let one = |value| Map::from_iter([(field.to_owned(), value)]);
    difference(one(before.into()), one(after.into()))
}

fn difference(mut before: Map<String, Value>, mut after: Map<String, Value>) -> Map<String, Value> {
    let mut fields: Vec<String> = before.keys().chain(after.keys()).cloned().collect();
    fields.sort_unstable();
    fields.dedup();
    let take = |view: &mut Map<String, Value>, field: &str| view.remove(field).unwrap_or(Value::Null);
    let pairs = fields.into_iter().map(|field| (take(&mut before, &field), take(&mut after, &field), field));
    let differ = pairs.filter(|(before, after, _)| before != after);
    differ.map(|(before, after, field)| (field, Value::Array(vec![shown(before), shown(after)]))).collect()
}

/// A long text is cut. Only templates of mail have such texts.
fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(cut(text)),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_has_the_fields_that_differ() {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let diff = |before, after| Value::Object(difference(object(before), object(after)));
        assert_eq!(diff(json!({}), json!({"a": 1, "b": null})), json!({"a": [null, 1]}));
        assert_eq!(diff(json!({"a": 1, "c": [1]}), json!({})), json!({"a": [1, null], "c": [[1], null]}));
        assert_eq!(diff(json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3})), json!({"b": [2, 3]}));
        assert_eq!(diff(json!({"a": {"x": 1}}), json!({"a": {"x": 1}})), json!({}));
        assert_eq!(Value::Object(change("until", None::<String>, "x")), json!({"until": [null, "x"]}));
    }

    #[test]
    fn nothing_changed_is_no_row() {
        let (actor, at) = (AuditActor::SYSTEM, Timestamp::from_unix_millis(0).unwrap());
        let row = |changes| AuditRow::new(actor.clone(), at, None, AuditAction::WaitlistUpdate, AuditTarget::NONE, changes);
        assert_eq!(row(Map::new()), None);
        let row = row(change("a", 1, 2)).unwrap();
        assert_eq!((row.action.as_str(), row.target_kind(), row.target_id.is_none()), ("waitlist.update", "waitlist", true));
    }

    #[test]
    fn a_long_text_differs_before_it_is_cut() {
        let (long, longer) = ("x".repeat(5000), "x".repeat(5001));
        let changes = change("text", long, longer);
        let pair = changes["text"].as_array().unwrap();
        assert!(pair.iter().all(|text| text.as_str().unwrap().chars().count() < 1100), "{pair:?}");
        assert_ne!(pair[0], pair[1]);
    }

    #[test]
    fn every_action_is_a_resource_and_a_verb() {
        let names: HashSet<&str> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(names.len(), AuditAction::ALL.len());
        for action in AuditAction::ALL {
            let (resource, verb) = action.as_str().split_once('.').unwrap();
            assert!(!verb.is_empty() && resource == action.resource());
            assert_eq!(AuditAction::parse(action.as_str()), Ok(*action));
        }
        assert!(AuditAction::parse("waitlist.paint").is_err());
    }

    #[test]
    fn an_actor_reads_back_from_a_store() {
        let text = |text: &str| Some(text.to_owned());
        let actor = AuditActor { kind: AuditActorKind::Key, id: text("7"), name: text("CI \"1\""), request_id: text("r") };
        assert_eq!(AuditActor::from_json(&actor.to_json()), Some(actor));
        assert_eq!(AuditActor::from_json("{}"), None);
    }
}
