//! [`TemplateStore`] on PostgreSQL.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{DeleteTemplate, PutTemplate, PutTemplateFacts, TemplateRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WorkspaceId;
use rally_domain::locale::Locale;
use rally_domain::mail::{MailKind, MailTemplate, TemplateSource};
use rally_domain::port::TemplateStore;
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::corrupt;
use crate::fault::{Abort, query_fault};
use crate::schema::{mail_templates, workspaces};
use crate::{PgStore, audit, transaction};

#[async_trait]
impl TemplateStore for PgStore {
    async fn put(&self, command: PutTemplate) -> Result<MailTemplate, CommandError<TemplateRejection>> {
        transaction!(self, turn = command.workspace_id.uuid(), |c| {
            let facts = lock_facts(c, &command).await?;
            let template = audit::write(c, command.clone().decide(facts).map_err(Abort::Rejected)?).await?;
            let row = || TemplateRow::from(&template);
            let key = (mail_templates::workspace_id, mail_templates::kind, mail_templates::locale);
            let insert = diesel::insert_into(mail_templates::table).values(row()).on_conflict(key);
            insert.do_update().set(row()).execute(c).await?;
            Ok(template)
        })
    }

    async fn delete(&self, command: DeleteTemplate) -> Result<bool, Fault> {
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, turn = command.workspace_id.uuid(), |c| {
            let row = mail_templates::table.find((command.workspace_id.uuid(), command.kind.as_str(), command.locale.as_str()));
            let current: Option<TemplateRow> = row.select(TemplateRow::as_select()).for_update().first(c).await.optional()?;
            let current = current.map(MailTemplate::try_from).transpose()?;
            Ok(audit::write(c, command.decide(current.as_ref())).await? && diesel::delete(row).execute(c).await? > 0)
        });
        Ok(outcome?)
    }

    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<MailTemplate>, Fault> {
        let mut c = self.connection().await?;
        let query = mail_templates::table.filter(mail_templates::workspace_id.eq(workspace_id.uuid()));
        let rows: Vec<TemplateRow> = query.select(TemplateRow::as_select()).load(&mut c).await.map_err(query_fault)?;
        in_order(rows)
    }

    async fn of_kind(&self, workspace_id: WorkspaceId, kind: MailKind) -> Result<Vec<MailTemplate>, Fault> {
        let mut c = self.connection().await?;
        let mine = mail_templates::workspace_id.eq(workspace_id.uuid()).and(mail_templates::kind.eq(kind.as_str()));
        let query = mail_templates::table.filter(mine).select(TemplateRow::as_select());
        let rows: Vec<TemplateRow> = query.load(&mut c).await.map_err(query_fault)?;
        in_order(rows)
    }
}

/// Locks the workspace, and counts its templates.
async fn lock_facts<R>(c: &mut AsyncPgConnection, command: &PutTemplate) -> Result<PutTemplateFacts, Abort<R>> {
    let id = command.workspace_id.uuid();
    let workspace = workspaces::table.find(id).select(workspaces::id).for_no_key_update();
    if workspace.first::<Uuid>(c).await.optional()?.is_none() {
        return Ok(PutTemplateFacts { others: None, current: None });
    }
    let mine = mail_templates::table.filter(mail_templates::workspace_id.eq(id));
    let all: Vec<(String, String)> = mine.select((mail_templates::kind, mail_templates::locale)).load(c).await?;
    let is_other = |(kind, locale): &&(String, String)| kind != command.kind.as_str() || locale != command.locale.as_str();
    let others = Some(all.iter().filter(is_other).count() as u64);
    let row = mail_templates::table.find((id, command.kind.as_str(), command.locale.as_str())).select(TemplateRow::as_select());
    let current: Option<TemplateRow> = row.first(c).await.optional()?;
    Ok(PutTemplateFacts { others, current: current.map(MailTemplate::try_from).transpose()? })
}

/// The templates of rows, by kind and locale. Not in the statement: the collation of the database may pass over hyphens.
fn in_order(mut rows: Vec<TemplateRow>) -> Result<Vec<MailTemplate>, Fault> {
    rows.sort_by(|one, other| (&one.kind, &one.locale).cmp(&(&other.kind, &other.locale)));
    rows.into_iter().map(MailTemplate::try_from).collect()
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = mail_templates, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
struct TemplateRow {
    workspace_id: Uuid,
    kind: String,
    locale: String,
    subject: String,
    text: String,
    html: Option<String>,
    updated_at: OffsetDateTime,
}

impl From<&MailTemplate> for TemplateRow {
    fn from(template: &MailTemplate) -> Self {
        Self {
            workspace_id: template.workspace_id.uuid(),
            kind: template.kind.as_str().to_owned(),
            locale: template.locale.to_string(),
            subject: template.source.subject.clone(),
            text: template.source.text.clone(),
            html: template.source.html.clone(),
            updated_at: template.updated_at.instant(),
        }
    }
}

impl TryFrom<TemplateRow> for MailTemplate {
    type Error = Fault;

    fn try_from(row: TemplateRow) -> Result<Self, Fault> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.workspace_id),
            kind: MailKind::parse(&row.kind).map_err(corrupt("kind of mail"))?,
            locale: Locale::from_stored(row.locale),
            source: TemplateSource { subject: row.subject, text: row.text, html: row.html },
            updated_at: Timestamp::new(row.updated_at),
        })
    }
}
