//! [`WebhookStore`] on PostgreSQL.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
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
use time::OffsetDateTime;
use uuid::Uuid;

use crate::attempts::AttemptRow;
use crate::convert::{corrupt, from_bigint, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::queue::IdRow;
use crate::schema::{attempts, webhooks, workspaces};
use crate::statement::statement;
use crate::{PgStore, audit, events, purges, replays, replies, transaction};

#[async_trait]
impl WebhookStore for PgStore {
    async fn create(&self, command: CreateWebhook, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>> {
        transaction!(self, turn = command.workspace_id.uuid(), |c| {
            let webhooks = count_locked(c, command.workspace_id).await?;
            let facts = CreateWebhookFacts { webhooks, already_done: replies::is_stored(c, receipt.as_ref()).await? };
            let webhook = audit::write(c, command.decide(facts).map_err(Abort::Rejected)?).await?;
            if let Some(receipt) = &receipt {
                replies::insert(c, receipt, &webhook).await?;
            }
            let row = (WebhookRow::from(&webhook), webhooks::secret.eq(command.secret.as_bytes()));
            diesel::insert_into(webhooks::table).values(row).execute(c).await?;
            Ok(webhook)
        })
    }

    async fn update(&self, command: UpdateWebhook) -> Result<Webhook, CommandError<WebhookRejection>> {
        self.look_for(command.workspace_id, command.id).await?;
        transaction!(self, turn = command.id.uuid(), |c| {
            let current = lock(c, command.workspace_id, command.id).await?;
            let generation = current.as_ref().map(|webhook| webhook.generation);
            let updated = audit::write(c, command.decide(current).map_err(Abort::Rejected)?).await?;
            if let Some(generation) = generation.filter(|generation| *generation != updated.generation) {
                adopt(c, updated.id, generation).await?;
                purges::hold(c, updated.id).await?;
            }
            write(c, &updated).await?;
            Ok(updated)
        })
    }

    async fn rotate(&self, command: RotateSecret, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>> {
        self.look_for(command.workspace_id, command.id).await?;
        transaction!(self, turn = command.id.uuid(), |c| {
            let facts = lock_secret(c, &command, receipt.as_ref()).await?;
            let audited = command.decide(facts).map_err(Abort::Rejected)?;
            let RotateSecretPlan { webhook, secrets, previous_until } = audit::write(c, audited).await?;
            if let Some(receipt) = &receipt {
                replies::insert(c, receipt, &webhook).await?;
            }
            let change = (
                webhooks::secret.eq(secrets.current.as_bytes()),
                webhooks::previous_secret.eq(secrets.previous.as_ref().map(SealedSecret::as_bytes)),
                webhooks::previous_secret_until.eq(previous_until.instant()),
            );
            diesel::update(webhooks::table.find(webhook.id.uuid())).set(change).execute(c).await?;
            Ok(webhook)
        })
    }

    async fn test(&self, command: TestWebhook) -> Result<(), CommandError<WebhookRejection>> {
        self.look_for(command.workspace_id, command.id).await?;
        transaction!(self, turn = command.id.uuid(), |c| {
            let current = lock(c, command.workspace_id, command.id).await?;
            let webhook = command.decide(current).map_err(Abort::Rejected)?;
            Ok(events::write_for(c, &command.event, &webhook).await?)
        })
    }

    async fn delete(&self, command: DeleteWebhook) -> Result<bool, Fault> {
        let (workspace_id, id) = (command.workspace_id, command.id);
        match self.look_for(workspace_id, id).await {
            Err(CommandError::Rejected(_)) => return Ok(false),
            Err(CommandError::Fault(fault)) => return Err(fault),
            Ok(()) => {}
        }
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, turn = id.uuid(), |c| {
            let current = lock(c, workspace_id, id).await?;
            if !audit::write(c, command.decide(current.as_ref())).await? {
                return Ok(false);
            }
            diesel::delete(webhooks::table.find(id.uuid())).execute(c).await?;
            purges::begin(c, purges::WEBHOOK, &[id.uuid()]).await?;
            Ok(true)
        });
        Ok(outcome?)
    }

    async fn find(&self, workspace_id: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>, Fault> {
        let mut c = self.connection().await?;
        let query = webhooks::table.find(id.uuid()).select(WebhookRow::as_select());
        let row = query.first(&mut c).await.optional().map_err(query_fault)?;
        Ok(row.map(Webhook::try_from).transpose()?.filter(|webhook| webhook.workspace_id == workspace_id))
    }

    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<Webhook>, Fault> {
        let mut c = self.connection().await?;
        let query = webhooks::table
            .filter(webhooks::workspace_id.eq(workspace_id.uuid()))
            .order((webhooks::created_at, webhooks::id))
            .select(WebhookRow::as_select());
        let rows: Vec<WebhookRow> = query.load(&mut c).await.map_err(query_fault)?;
        rows.into_iter().map(Webhook::try_from).collect()
    }

    async fn attempts(&self, id: WebhookId, limit: Limit) -> Result<Vec<Attempt>, Fault> {
        let mut c = self.connection().await?;
        // This order is that of the index. The log has another index by time, which does not begin with the webhook.
        let query = attempts::table
            .filter(attempts::webhook_id.eq_any([id.uuid()]))
            .order((attempts::webhook_id, attempts::created_at.desc(), attempts::id.desc()))
            .limit(to_bigint(limit.rows() as u64))
            .select(AttemptRow::as_select());
        let rows: Vec<AttemptRow> = query.load(&mut c).await.map_err(query_fault)?;
        rows.into_iter().filter(AttemptRow::is_known).map(Attempt::try_from).collect()
    }

    async fn attempts_of(&self, id: WebhookId, state: DeliveryState, limit: Limit) -> Result<Vec<Attempt>, Fault> {
        let mut c = self.connection().await?;
        let rows = match state {
            DeliveryState::Delivered => attempts_by_state(&mut c, id, state, limit).await,
            DeliveryState::Dead => {
                let events = DeadEvents { webhook: id.uuid(), most: MAX_LOOKED_AT }.load(&mut c).await.map_err(query_fault)?;
                attempts_of_events(&mut c, id, events, limit).await
            }
            DeliveryState::Pending => {
                let tried = TriedEvents { webhook: id.uuid(), most: MAX_LOOKED_AT, same: id.uuid() };
                let events: Vec<IdRow> = tried.load(&mut c).await.map_err(query_fault)?;
                match to_bigint(events.len() as u64) < MAX_LOOKED_AT {
                    true => attempts_of_events(&mut c, id, events, limit).await,
                    // With so many, the last attempts are theirs.
                    false => attempts_by_state(&mut c, id, state, limit).await,
                }
            }
        };
        rows.map_err(query_fault)?.into_iter().filter(AttemptRow::is_known).map(Attempt::try_from).collect()
    }

    async fn replay(&self, command: ReplayDeliveries) -> Result<u64, CommandError<ReplayRejection>> {
        let found = match WebhookStore::find(self, command.workspace_id, command.id).await? {
            Some(_) => replays::find(&mut *self.connection().await?, &command).await.map_err(query_fault)?,
            None => Vec::new(),
        };
        transaction!(self, turn = command.id.uuid(), |c| {
            let facts = match lock(c, command.workspace_id, command.id).await? {
                Some(webhook) => Some(ReplayFacts { webhook, events: replays::still_fit(c, &command, &found).await? }),
                None => None,
            };
            let plan = audit::write(c, command.decide(facts).map_err(Abort::Rejected)?).await?;
            Ok(replays::write(c, command.id.uuid(), &plan).await? as u64)
        })
    }

    async fn resend(&self, command: ResendDelivery) -> Result<(), CommandError<ReplayRejection>> {
        transaction!(self, turn = command.id.uuid(), |c| {
            let facts = match lock(c, command.workspace_id, command.id).await? {
                Some(webhook) => Some(ReplayFacts { webhook, events: replays::find_one(c, &command).await? }),
                None => None,
            };
            let plan = audit::write(c, command.decide(facts).map_err(Abort::Rejected)?).await?;
            replays::write(c, command.id.uuid(), &plan).await?;
            Ok(())
        })
    }

    async fn secrets(&self) -> Result<Vec<(WebhookId, SealedSecrets)>, Fault> {
        let mut c = self.connection().await?;
        let query = webhooks::table.order(webhooks::id).select((webhooks::id, webhooks::secret, webhooks::previous_secret));
        let rows: Vec<(Uuid, Vec<u8>, Option<Vec<u8>>)> = query.load(&mut c).await.map_err(query_fault)?;
        let secrets = |(id, current, previous): (Uuid, Vec<u8>, Option<Vec<u8>>)| {
            let secrets = SealedSecrets { current: SealedSecret::new(current), previous: previous.map(SealedSecret::new) };
            (WebhookId::new(id), secrets)
        };
        Ok(rows.into_iter().map(secrets).collect())
    }

    async fn reseal(&self, id: WebhookId, old: SealedSecrets, new: SealedSecrets) -> Result<bool, Fault> {
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, |c| {
            let same = webhooks::secret
                .eq(old.current.as_bytes())
                .and(webhooks::previous_secret.is_not_distinct_from(old.previous.as_ref().map(SealedSecret::as_bytes)));
            let change = (
                webhooks::secret.eq(new.current.as_bytes()),
                webhooks::previous_secret.eq(new.previous.as_ref().map(SealedSecret::as_bytes)),
            );
            Ok(diesel::update(webhooks::table.find(id.uuid()).filter(same)).set(change).execute(c).await? > 0)
        });
        Ok(outcome?)
    }
}

/// Of how many deliveries the attempts are looked for, before the log itself is read. More than a page has rows: the last attempts are of
/// the deliveries that were due last.
const MAX_LOOKED_AT: i64 = 1000;

statement! {
    /// The events of the dead deliveries to a webhook that were due last.
    DeadEvents {
        "SELECT event_id AS id FROM deliveries WHERE state = 'dead' AND webhook_id = "
        webhook: sql_types::Uuid = Uuid, " ORDER BY due_at DESC LIMIT "
        most: sql_types::BigInt = i64, ""
    }
}

statement! {
    /// The events of deliveries to a webhook that were tried, and are tried again or being tried.
    TriedEvents {
        "(SELECT event_id AS id FROM (
            SELECT event_id, attempt FROM deliveries WHERE state = 'pending' AND webhook_id = "
        webhook: sql_types::Uuid = Uuid, " ORDER BY generation OFFSET 0
        ) waiting WHERE attempt > 0 LIMIT "
        most: sql_types::BigInt = i64, ") UNION ALL
        (SELECT event_id AS id FROM (
            SELECT event_id, webhook_id FROM deliveries WHERE state = 'running' ORDER BY lease_until OFFSET 0
        ) running WHERE webhook_id = "
        same: sql_types::Uuid = Uuid, ")"
    }
}

statement! {
    /// The attempts to deliver some events.
    AttemptsOfEvents {
        "SELECT a.* FROM unnest("
        events: sql_types::Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (id)
        JOIN LATERAL (SELECT * FROM attempts WHERE event_id = asked.id OFFSET 0) a ON a.webhook_id = "
        webhook: sql_types::Uuid = Uuid, ""
    }
}

statement! {
    /// The last attempts to deliver to a webhook, by the state of their delivery. Without OFFSET 0 the planner could begin with the
    /// deliveries.
    AttemptsOf {
        "SELECT a.* FROM (
            SELECT * FROM attempts WHERE webhook_id = ANY (ARRAY["
        log: sql_types::Uuid = Uuid, "]) ORDER BY webhook_id, created_at DESC, id DESC OFFSET 0
        ) a
        JOIN LATERAL (
            SELECT state FROM deliveries WHERE event_id = a.event_id AND webhook_id = "
        webhook: sql_types::Uuid = Uuid, " OFFSET 0
        ) d ON d.state = ANY ("
        states: sql_types::Array<sql_types::Text> = Vec<&'static str>, ") ORDER BY a.webhook_id, a.created_at DESC, a.id DESC LIMIT "
        most: sql_types::BigInt = i64, ""
    }
}

/// The last attempts by the state of their delivery, from the log.
async fn attempts_by_state(c: &mut AsyncPgConnection, id: WebhookId, state: DeliveryState, limit: Limit) -> QueryResult<Vec<AttemptRow>> {
    let attempts = AttemptsOf {
        log: id.uuid(),
        webhook: id.uuid(),
        states: state.jobs().iter().copied().map(JobState::as_str).collect(),
        most: to_bigint(limit.rows() as u64),
    };
    attempts.load(c).await
}

/// The last attempts to deliver some events to a webhook.
async fn attempts_of_events(c: &mut AsyncPgConnection, id: WebhookId, events: Vec<IdRow>, limit: Limit) -> QueryResult<Vec<AttemptRow>> {
    let events = events.into_iter().map(|row| row.id).collect();
    let mut rows: Vec<AttemptRow> = AttemptsOfEvents { events, webhook: id.uuid() }.load(c).await?;
    rows.sort_unstable_by_key(AttemptRow::newest_first);
    rows.truncate(limit.rows());
    Ok(rows)
}

impl PgStore {
    /// Checks that a webhook exists in a workspace before its row is locked. A command must neither lock nor wait for a webhook
    /// of another workspace.
    async fn look_for(&self, workspace_id: WorkspaceId, id: WebhookId) -> Result<(), CommandError<WebhookRejection>> {
        let found = WebhookStore::find(self, workspace_id, id).await?;
        found.map(drop).ok_or(CommandError::Rejected(WebhookRejection::NoSuchWebhook))
    }
}

/// Locks a workspace and counts its webhooks. No webhook can be added until the transaction ends. `None` if there is no such
/// workspace.
async fn count_locked(c: &mut AsyncPgConnection, id: WorkspaceId) -> QueryResult<Option<u64>> {
    let workspace = workspaces::table.find(id.uuid()).select(workspaces::id).for_no_key_update();
    if workspace.first::<Uuid>(c).await.optional()?.is_none() {
        return Ok(None);
    }
    let count: i64 = webhooks::table.filter(webhooks::workspace_id.eq(id.uuid())).count().get_result(c).await?;
    Ok(Some(from_bigint(count)))
}

async fn lock_secret(
    c: &mut AsyncPgConnection,
    command: &RotateSecret,
    receipt: Option<&Receipt<Webhook>>,
) -> Result<Option<RotateSecretFacts>, Abort<WebhookRejection>> {
    let Some(webhook) = lock(c, command.workspace_id, command.id).await? else { return Ok(None) };
    let secret = webhooks::table.find(webhook.id.uuid()).select(webhooks::secret).first(c).await?;
    let already_done = replies::is_stored(c, receipt).await?;
    Ok(Some(RotateSecretFacts { webhook, secret: SealedSecret::new(secret), already_done }))
}

async fn lock<R>(c: &mut AsyncPgConnection, workspace_id: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>, Abort<R>> {
    let query = webhooks::table.find(id.uuid()).select(WebhookRow::as_select());
    let row = query.for_no_key_update().first(c).await.optional()?;
    Ok(row.map(Webhook::try_from).transpose()?.filter(|webhook| webhook.workspace_id == workspace_id))
}

pub(crate) async fn write(c: &mut AsyncPgConnection, webhook: &Webhook) -> QueryResult<usize> {
    diesel::update(webhooks::table.find(webhook.id.uuid())).set(WebhookRow::from(webhook)).execute(c).await
}

statement! {
    /// Gives pending deliveries without a generation, which an older program wrote, the generation that their webhook had until
    /// now.
    AdoptPending {
        "UPDATE deliveries d SET generation = "
        generation: sql_types::BigInt = i64, " FROM (
            SELECT event_id, webhook_id FROM deliveries WHERE generation = -1 AND state = 'pending' AND webhook_id = "
        webhook: sql_types::Uuid = Uuid, " ORDER BY due_at, event_id FOR UPDATE
        ) old WHERE d.webhook_id = old.webhook_id AND d.event_id = old.event_id"
    }
}

statement! {
    /// Does the same for the running deliveries.
    AdoptRunning {
        "UPDATE deliveries d SET generation = "
        generation: sql_types::BigInt = i64, " FROM (
            SELECT event_id, webhook_id FROM deliveries WHERE generation = -1 AND state = 'running' AND webhook_id = "
        webhook: sql_types::Uuid = Uuid, " ORDER BY lease_until FOR UPDATE
        ) old WHERE d.webhook_id = old.webhook_id AND d.event_id = old.event_id"
    }
}

/// Gives undelivered deliveries without a generation, which an older program wrote, the generation that their webhook had until
/// now.
async fn adopt(c: &mut AsyncPgConnection, id: WebhookId, generation: u64) -> QueryResult<()> {
    let (generation, webhook) = (to_bigint(generation), id.uuid());
    AdoptPending { generation, webhook }.execute(c).await?;
    AdoptRunning { generation, webhook }.execute(c).await.map(|_| ())
}

/// A webhook without its secrets. Only statements that change or use the secrets read and write them.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhooks, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct WebhookRow {
    id: Uuid,
    workspace_id: Uuid,
    url: String,
    events: String,
    active: bool,
    failure_count: i64,
    first_failure_at: Option<OffsetDateTime>,
    last_status_code: Option<i32>,
    last_attempt_at: Option<OffsetDateTime>,
    auto_disabled_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    generation: i64,
}

impl From<&Webhook> for WebhookRow {
    fn from(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id.uuid(),
            workspace_id: webhook.workspace_id.uuid(),
            url: webhook.url.as_str().to_owned(),
            events: webhook.events.to_string(),
            active: webhook.active,
            failure_count: i64::from(webhook.failure_count),
            first_failure_at: webhook.first_failure_at.map(Timestamp::instant),
            last_status_code: webhook.last_status_code.map(i32::from),
            last_attempt_at: webhook.last_attempt_at.map(Timestamp::instant),
            auto_disabled_at: webhook.auto_disabled_at.map(Timestamp::instant),
            created_at: webhook.created_at.instant(),
            generation: to_bigint(webhook.generation),
        }
    }
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = Fault;

    fn try_from(row: WebhookRow) -> Result<Self, Fault> {
        Ok(Self {
            id: WebhookId::new(row.id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            url: WebhookUrl::parse(&row.url).map_err(corrupt("webhook url"))?,
            events: Subscription::from_stored(&row.events),
            active: row.active,
            generation: from_bigint(row.generation),
            failure_count: u32::try_from(row.failure_count).unwrap_or(u32::MAX),
            first_failure_at: row.first_failure_at.map(Timestamp::new),
            last_status_code: row.last_status_code.and_then(|code| u16::try_from(code).ok()),
            last_attempt_at: row.last_attempt_at.map(Timestamp::new),
            auto_disabled_at: row.auto_disabled_at.map(Timestamp::new),
            created_at: Timestamp::new(row.created_at),
        })
    }
}
