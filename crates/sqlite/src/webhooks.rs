//! [`WebhookStore`] on SQLite.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::access::Receipt;
use rally_domain::command::{
    CreateWebhook, CreateWebhookFacts, DeleteWebhook, ReplayDeliveries, ReplayFacts, ReplayRejection, ResendDelivery, RotateSecret,
    RotateSecretFacts, RotateSecretPlan, TestWebhook, UpdateWebhook, WebhookRejection,
};
use rally_domain::delivery::{Attempt, DeliveryState};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{WebhookId, WorkspaceId};
use rally_domain::paging::Limit;
use rally_domain::port::WebhookStore;
use rally_domain::queue::JobState;
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::{SealedSecret, SealedSecrets, Subscription, Webhook, WebhookUrl};

use crate::attempts::AttemptRow;
use crate::condition::Condition;
use crate::convert::{Blob, corrupt, from_bigint, instant, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::schema::{attempts, deliveries, webhooks, workspaces};
use crate::{SqliteStore, audit, events, purges, replays, replies};

#[async_trait]
impl WebhookStore for SqliteStore {
    async fn create(&self, command: CreateWebhook, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>> {
        self.database
            .write(move |c| {
                let webhooks = count(c, command.workspace_id)?;
                let facts = CreateWebhookFacts { webhooks, already_done: replies::is_stored(c, receipt.as_ref())? };
                let webhook = audit::write(c, command.decide(facts).map_err(Abort::Rejected)?)?;
                if let Some(receipt) = &receipt {
                    replies::insert(c, receipt, &webhook)?;
                }
                let row = (WebhookRow::from(&webhook), webhooks::secret.eq(command.secret.as_bytes()));
                diesel::insert_into(webhooks::table).values(row).execute(c)?;
                Ok(webhook)
            })
            .await
    }

    async fn update(&self, command: UpdateWebhook) -> Result<Webhook, CommandError<WebhookRejection>> {
        self.database
            .write(move |c| {
                let current = load(c, command.workspace_id, command.id)?;
                let generation = current.as_ref().map(|webhook| webhook.generation);
                let updated = audit::write(c, command.decide(current).map_err(Abort::Rejected)?)?;
                if let Some(generation) = generation.filter(|generation| *generation != updated.generation) {
                    adopt(c, updated.id, generation)?;
                    purges::hold(c, updated.id)?;
                }
                write(c, &updated)?;
                Ok(updated)
            })
            .await
    }

    async fn rotate(&self, command: RotateSecret, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>> {
        self.database
            .write(move |c| {
                let facts = load_secret(c, &command, receipt.as_ref())?;
                let audited = command.decide(facts).map_err(Abort::Rejected)?;
                let RotateSecretPlan { webhook, secrets, previous_until } = audit::write(c, audited)?;
                if let Some(receipt) = &receipt {
                    replies::insert(c, receipt, &webhook)?;
                }
                let change = (
                    webhooks::secret.eq(secrets.current.as_bytes()),
                    webhooks::previous_secret.eq(secrets.previous.as_ref().map(SealedSecret::as_bytes)),
                    webhooks::previous_secret_until.eq(previous_until.unix_millis()),
                );
                diesel::update(webhooks::table.find(Blob(webhook.id.uuid()))).set(change).execute(c)?;
                Ok(webhook)
            })
            .await
    }

    async fn test(&self, command: TestWebhook) -> Result<(), CommandError<WebhookRejection>> {
        self.database
            .write(move |c| {
                let current = load(c, command.workspace_id, command.id)?;
                let webhook = command.decide(current).map_err(Abort::Rejected)?;
                Ok(events::write_for(c, &command.event, &webhook)?)
            })
            .await
    }

    async fn delete(&self, command: DeleteWebhook) -> Result<bool, Fault> {
        let (workspace_id, id) = (command.workspace_id, command.id);
        let deleted = self.database.write::<_, Infallible>(move |c| {
            let current = load(c, workspace_id, id)?;
            if !audit::write(c, command.decide(current.as_ref()))? {
                return Ok(false);
            }
            diesel::delete(webhooks::table.find(Blob(id.uuid()))).execute(c)?;
            purges::begin(c, purges::WEBHOOK, Blob(id.uuid()))?;
            Ok(true)
        });
        Ok(deleted.await?)
    }

    async fn find(&self, workspace_id: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>, Fault> {
        self.database
            .read(move |c| {
                let query = webhooks::table.find(Blob(id.uuid())).filter(webhooks::workspace_id.eq(Blob(workspace_id.uuid())));
                let row = query.select(WebhookRow::as_select()).first(c).optional().map_err(query_fault)?;
                row.map(Webhook::try_from).transpose()
            })
            .await
    }

    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<Webhook>, Fault> {
        self.database
            .read(move |c| {
                let query = webhooks::table
                    .filter(webhooks::workspace_id.eq(Blob(workspace_id.uuid())))
                    .order((webhooks::created_at, webhooks::id))
                    .select(WebhookRow::as_select());
                let rows: Vec<WebhookRow> = query.load(c).map_err(query_fault)?;
                rows.into_iter().map(Webhook::try_from).collect()
            })
            .await
    }

    async fn attempts(&self, id: WebhookId, limit: Limit) -> Result<Vec<Attempt>, Fault> {
        self.database
            .read(move |c| {
                let query = attempts::table
                    .filter(attempts::webhook_id.eq(Blob(id.uuid())))
                    .order((attempts::created_at.desc(), attempts::id.desc()))
                    .limit(to_bigint(limit.rows() as u64))
                    .select(AttemptRow::as_select());
                let rows: Vec<AttemptRow> = query.load(c).map_err(query_fault)?;
                rows.into_iter().filter(AttemptRow::is_known).map(Attempt::try_from).collect()
            })
            .await
    }

    async fn attempts_of(&self, id: WebhookId, state: DeliveryState, limit: Limit) -> Result<Vec<Attempt>, Fault> {
        let rows = self.database.read(move |c| attempts_of(c, Blob(id.uuid()), state, limit).map_err(query_fault)).await?;
        rows.into_iter().filter(AttemptRow::is_known).map(Attempt::try_from).collect()
    }

    async fn replay(&self, command: ReplayDeliveries) -> Result<u64, CommandError<ReplayRejection>> {
        let asked = command.clone();
        let found = self.database.read(move |c| replays::find(c, &asked).map_err(query_fault)).await?;
        self.database
            .write(move |c| {
                let facts = match load(c, command.workspace_id, command.id)? {
                    Some(webhook) => Some(ReplayFacts { webhook, events: replays::still_fit(c, &command, found)? }),
                    None => None,
                };
                let plan = audit::write(c, command.decide(facts).map_err(Abort::Rejected)?)?;
                Ok(replays::write(c, Blob(command.id.uuid()), &plan)? as u64)
            })
            .await
    }

    async fn resend(&self, command: ResendDelivery) -> Result<(), CommandError<ReplayRejection>> {
        self.database
            .write(move |c| {
                let facts = match load(c, command.workspace_id, command.id)? {
                    Some(webhook) => Some(ReplayFacts { webhook, events: replays::find_one(c, &command)? }),
                    None => None,
                };
                let plan = audit::write(c, command.decide(facts).map_err(Abort::Rejected)?)?;
                replays::write(c, Blob(command.id.uuid()), &plan)?;
                Ok(())
            })
            .await
    }

    async fn secrets(&self) -> Result<Vec<(WebhookId, SealedSecrets)>, Fault> {
        self.database
            .read(|c| {
                let query = webhooks::table.order(webhooks::id).select((webhooks::id, webhooks::secret, webhooks::previous_secret));
                let rows: Vec<(Blob, Vec<u8>, Option<Vec<u8>>)> = query.load(c).map_err(query_fault)?;
                let secrets = |(id, current, previous): (Blob, Vec<u8>, Option<Vec<u8>>)| {
                    let secrets = SealedSecrets { current: SealedSecret::new(current), previous: previous.map(SealedSecret::new) };
                    (WebhookId::new(id.0), secrets)
                };
                Ok(rows.into_iter().map(secrets).collect())
            })
            .await
    }

    async fn reseal(&self, id: WebhookId, old: SealedSecrets, new: SealedSecrets) -> Result<bool, Fault> {
        let done = self.database.write::<_, Infallible>(move |c| {
            let same = webhooks::secret
                .eq(old.current.as_bytes())
                .and(webhooks::previous_secret.is(old.previous.as_ref().map(SealedSecret::as_bytes)));
            let change = (
                webhooks::secret.eq(new.current.as_bytes()),
                webhooks::previous_secret.eq(new.previous.as_ref().map(SealedSecret::as_bytes)),
            );
            Ok(diesel::update(webhooks::table.find(Blob(id.uuid())).filter(same)).set(change).execute(c)? > 0)
        });
        Ok(done.await?)
    }
}

/// Of how many deliveries the attempts are looked for, before the log itself is read. More than a page has rows: the last attempts are of
/// the deliveries that were due last.
const MAX_LOOKED_AT: usize = 1000;

/// The last attempts to deliver to a webhook, by the state of their delivery.
fn attempts_of(c: &mut SqliteConnection, webhook: Blob, state: DeliveryState, limit: Limit) -> QueryResult<Vec<AttemptRow>> {
    let mine = || deliveries::table.filter(deliveries::webhook_id.eq(webhook)).select(deliveries::event_id).limit(MAX_LOOKED_AT as i64);
    let events: Vec<Blob> = match state {
        DeliveryState::Delivered => return attempts_by_state(c, webhook, state, limit),
        DeliveryState::Dead => mine().filter(Condition("state = 'dead'")).order(deliveries::due_at.desc()).load(c)?,
        DeliveryState::Pending => {
            let tried = mine().filter(Condition("state = 'pending'").and(deliveries::attempt.gt(0)));
            let mut events: Vec<Blob> = tried.order(deliveries::generation).load(c)?;
            if events.len() == MAX_LOOKED_AT {
                // With so many, the last attempts are theirs.
                return attempts_by_state(c, webhook, state, limit);
            }
            let being_tried = deliveries::table.filter(Condition("state = 'running'")).order(deliveries::lease_until);
            let being_tried: Vec<(Blob, Blob)> = being_tried.select((deliveries::event_id, deliveries::webhook_id)).load(c)?;
            events.extend(being_tried.into_iter().filter(|(_, of)| *of == webhook).map(|(event, _)| event));
            events
        }
    };
    let mut rows = Vec::new();
    for event in events {
        let tried = attempts::table.filter(attempts::event_id.eq(event).and(attempts::webhook_id.eq(webhook)));
        rows.extend(tried.select(AttemptRow::as_select()).load::<AttemptRow>(c)?);
    }
    rows.sort_unstable_by_key(AttemptRow::newest_first);
    rows.truncate(limit.rows());
    Ok(rows)
}

/// The same, from the log.
fn attempts_by_state(c: &mut SqliteConnection, webhook: Blob, state: DeliveryState, limit: Limit) -> QueryResult<Vec<AttemptRow>> {
    let states = state.jobs().iter().copied().map(JobState::as_str);
    let delivery = deliveries::webhook_id.eq(attempts::webhook_id).and(deliveries::event_id.eq(attempts::event_id));
    let query = attempts::table
        .filter(attempts::webhook_id.eq(webhook))
        .filter(diesel::dsl::exists(deliveries::table.filter(delivery.and(deliveries::state.eq_any(states)))))
        .order((attempts::created_at.desc(), attempts::id.desc()))
        .limit(to_bigint(limit.rows() as u64));
    query.select(AttemptRow::as_select()).load(c)
}

/// How many webhooks a workspace has, or `None` if there is no such workspace.
fn count(c: &mut SqliteConnection, id: WorkspaceId) -> QueryResult<Option<u64>> {
    let workspace = workspaces::table.find(Blob(id.uuid())).select(workspaces::id);
    if workspace.first::<Blob>(c).optional()?.is_none() {
        return Ok(None);
    }
    let count: i64 = webhooks::table.filter(webhooks::workspace_id.eq(Blob(id.uuid()))).count().get_result(c)?;
    Ok(Some(from_bigint(count)))
}

fn load_secret(
    c: &mut SqliteConnection,
    command: &RotateSecret,
    receipt: Option<&Receipt<Webhook>>,
) -> Result<Option<RotateSecretFacts>, Abort<WebhookRejection>> {
    let Some(webhook) = load(c, command.workspace_id, command.id)? else { return Ok(None) };
    let secret = webhooks::table.find(Blob(webhook.id.uuid())).select(webhooks::secret).first(c)?;
    Ok(Some(RotateSecretFacts { webhook, secret: SealedSecret::new(secret), already_done: replies::is_stored(c, receipt)? }))
}

fn load<R>(c: &mut SqliteConnection, workspace_id: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>, Abort<R>> {
    let query = webhooks::table.find(Blob(id.uuid())).filter(webhooks::workspace_id.eq(Blob(workspace_id.uuid())));
    let row = query.select(WebhookRow::as_select()).first(c).optional()?;
    Ok(row.map(Webhook::try_from).transpose()?)
}

pub(crate) fn write(c: &mut SqliteConnection, webhook: &Webhook) -> QueryResult<usize> {
    diesel::update(webhooks::table.find(Blob(webhook.id.uuid()))).set(WebhookRow::from(webhook)).execute(c)
}

/// Gives undelivered deliveries without a generation, which an older program wrote, the generation that their webhook had until
/// now.
fn adopt(c: &mut SqliteConnection, id: WebhookId, generation: u64) -> QueryResult<()> {
    for state in ["state = 'pending'", "state = 'running'"].map(Condition) {
        let unknown = deliveries::webhook_id.eq(Blob(id.uuid())).and(deliveries::generation.eq(-1)).and(state);
        diesel::update(deliveries::table.filter(unknown)).set(deliveries::generation.eq(to_bigint(generation))).execute(c)?;
    }
    Ok(())
}

/// A webhook without its secrets. Only statements that change or use the secrets read and write them.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhooks, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_null = true)]
pub(crate) struct WebhookRow {
    id: Blob,
    workspace_id: Blob,
    url: String,
    events: String,
    active: bool,
    failure_count: i64,
    first_failure_at: Option<i64>,
    last_status_code: Option<i32>,
    last_attempt_at: Option<i64>,
    auto_disabled_at: Option<i64>,
    created_at: i64,
    generation: i64,
}

impl From<&Webhook> for WebhookRow {
    fn from(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id.uuid().into(),
            workspace_id: webhook.workspace_id.uuid().into(),
            url: webhook.url.as_str().to_owned(),
            events: webhook.events.to_string(),
            active: webhook.active,
            failure_count: i64::from(webhook.failure_count),
            first_failure_at: webhook.first_failure_at.map(Timestamp::unix_millis),
            last_status_code: webhook.last_status_code.map(i32::from),
            last_attempt_at: webhook.last_attempt_at.map(Timestamp::unix_millis),
            auto_disabled_at: webhook.auto_disabled_at.map(Timestamp::unix_millis),
            created_at: webhook.created_at.unix_millis(),
            generation: to_bigint(webhook.generation),
        }
    }
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = Fault;

    fn try_from(row: WebhookRow) -> Result<Self, Fault> {
        Ok(Self {
            id: WebhookId::new(row.id.0),
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            url: WebhookUrl::parse(&row.url).map_err(corrupt("webhook url"))?,
            events: Subscription::from_stored(&row.events),
            active: row.active,
            generation: from_bigint(row.generation),
            failure_count: u32::try_from(row.failure_count).unwrap_or(u32::MAX),
            first_failure_at: row.first_failure_at.map(instant).transpose()?,
            last_status_code: row.last_status_code.and_then(|code| u16::try_from(code).ok()),
            last_attempt_at: row.last_attempt_at.map(instant).transpose()?,
            auto_disabled_at: row.auto_disabled_at.map(instant).transpose()?,
            created_at: instant(row.created_at)?,
        })
    }
}
