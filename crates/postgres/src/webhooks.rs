//! [`WebhookStore`] on PostgreSQL.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::access::Receipt;
use rally_domain::command::{CreateWebhook, RotateSecret, TestWebhook, UpdateWebhook, WebhookRejection};
use rally_domain::delivery::Attempt;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{WebhookId, WorkspaceId};
use rally_domain::paging::Limit;
use rally_domain::ports::WebhookStore;
use rally_domain::webhook::{ROTATION_OVERLAP, SealedSecret, SealedSecrets, Webhook};
use uuid::Uuid;

use crate::fault::{Abort, query_fault, violates_foreign_key};
use crate::rows::{AttemptRow, WebhookRow, from_bigint, to_bigint};
use crate::schema::{attempts, deliveries, webhooks, workspaces};
use crate::{PgStore, events, replies, transaction};

#[async_trait]
impl WebhookStore for PgStore {
    async fn create(&self, command: CreateWebhook, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>> {
        transaction!(self, |c| {
            let webhooks = count_locked(c, command.workspace_id).await?;
            // A request that was carried out is told so, however many webhooks there are by now.
            if let (Some(receipt), Some(_)) = (&receipt, webhooks) {
                store_receipt(c, receipt, &command.decide(Some(0)).map_err(Abort::Rejected)?).await?;
            }
            let webhook = command.decide(webhooks).map_err(Abort::Rejected)?;
            let row = (WebhookRow::from(&webhook), webhooks::secret.eq(command.secret.as_bytes()));
            diesel::insert_into(webhooks::table).values(row).execute(c).await?;
            Ok(webhook)
        })
    }

    async fn update(&self, command: UpdateWebhook) -> Result<Webhook, CommandError<WebhookRejection>> {
        transaction!(self, |c| {
            let current = lock(c, command.workspace_id, command.id).await?;
            let was_active = current.as_ref().is_some_and(|webhook| webhook.active);
            let updated = command.decide(current).map_err(Abort::Rejected)?;
            if was_active != updated.active {
                // Either way what was written before is not for it.
                hold(c, updated.id).await?;
            }
            write(c, &updated).await?;
            Ok(updated)
        })
    }

    async fn rotate(&self, command: RotateSecret, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>> {
        transaction!(self, |c| {
            let current = lock(c, command.workspace_id, command.id).await?;
            let webhook = current.ok_or(Abort::Rejected(WebhookRejection::NoSuchWebhook))?;
            if let Some(receipt) = &receipt {
                store_receipt(c, receipt, &webhook).await?;
            }
            let change = (
                webhooks::previous_secret.eq(webhooks::secret.nullable()),
                webhooks::previous_secret_until.eq(command.now.plus(ROTATION_OVERLAP).instant()),
                webhooks::secret.eq(command.secret.as_bytes()),
            );
            diesel::update(webhooks::table.find(webhook.id.uuid())).set(change).execute(c).await?;
            Ok(webhook)
        })
    }

    async fn test(&self, command: TestWebhook) -> Result<(), CommandError<WebhookRejection>> {
        transaction!(self, |c| {
            let current = lock(c, command.workspace_id, command.id).await?;
            command.decide(current).map_err(Abort::Rejected)?;
            Ok(events::write_for(c, &command.event, command.id).await?)
        })
    }

    async fn delete(&self, workspace_id: WorkspaceId, id: WebhookId) -> Result<bool, Fault> {
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, |c| {
            let mine = webhooks::table.find(id.uuid()).filter(webhooks::workspace_id.eq(workspace_id.uuid()));
            Ok(diesel::delete(mine).execute(c).await? > 0)
        });
        Ok(outcome?)
    }

    async fn find(&self, workspace_id: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>, Fault> {
        let mut c = self.connection().await?;
        let query = webhooks::table.find(id.uuid()).filter(webhooks::workspace_id.eq(workspace_id.uuid()));
        let row = query.select(WebhookRow::as_select()).first(&mut c).await.optional().map_err(query_fault)?;
        row.map(Webhook::try_from).transpose()
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
        let query = attempts::table
            .filter(attempts::webhook_id.eq(id.uuid()))
            .order((attempts::created_at.desc(), attempts::id.desc()))
            .limit(to_bigint(limit.rows() as u64))
            .select(AttemptRow::as_select());
        let rows: Vec<AttemptRow> = query.load(&mut c).await.map_err(query_fault)?;
        rows.into_iter().map(Attempt::try_from).collect()
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

/// How many webhooks a workspace has, which none can join until the transaction ends; `None` when there is no workspace.
async fn count_locked(c: &mut AsyncPgConnection, id: WorkspaceId) -> QueryResult<Option<u64>> {
    let workspace = workspaces::table.find(id.uuid()).select(workspaces::id).for_no_key_update();
    if workspace.first::<Uuid>(c).await.optional()?.is_none() {
        return Ok(None);
    }
    let count: i64 = webhooks::table.filter(webhooks::workspace_id.eq(id.uuid())).count().get_result(c).await?;
    Ok(Some(from_bigint(count)))
}

async fn store_receipt(c: &mut AsyncPgConnection, receipt: &Receipt<Webhook>, webhook: &Webhook) -> Result<(), Abort<WebhookRejection>> {
    let stored = replies::insert(c, receipt, webhook).await.map_err(|error| match error {
        error if violates_foreign_key(&error) => Abort::Rejected(WebhookRejection::NoSuchWorkspace),
        error => error.into(),
    })?;
    if stored { Ok(()) } else { Err(Abort::Rejected(WebhookRejection::AlreadyDone)) }
}

async fn lock<R>(c: &mut AsyncPgConnection, workspace_id: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>, Abort<R>> {
    let query = webhooks::table.find(id.uuid()).filter(webhooks::workspace_id.eq(workspace_id.uuid()));
    let row = query.select(WebhookRow::as_select()).for_no_key_update().first(c).await.optional()?;
    Ok(row.map(Webhook::try_from).transpose()?)
}

pub(crate) async fn write(c: &mut AsyncPgConnection, webhook: &Webhook) -> QueryResult<usize> {
    diesel::update(webhooks::table.find(webhook.id.uuid())).set(WebhookRow::from(webhook)).execute(c).await
}

/// Keeps what waits for a webhook from ever being sent.
pub(crate) async fn hold(c: &mut AsyncPgConnection, id: WebhookId) -> QueryResult<usize> {
    let waiting = deliveries::table.filter(deliveries::webhook_id.eq(id.uuid()).and(deliveries::state.eq("pending")));
    diesel::update(waiting).set(deliveries::state.eq("held")).execute(c).await
}
