//! [`TemplateStore`] on SQLite.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::exists;
use diesel::prelude::*;
use rally_domain::command::{DeleteTemplate, PutTemplate, PutTemplateFacts, TemplateRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WorkspaceId;
use rally_domain::locale::Locale;
use rally_domain::mail::{MailKind, MailTemplate, TemplateSource};
use rally_domain::port::TemplateStore;

use crate::convert::{Blob, corrupt, from_bigint, instant};
use crate::fault::{Abort, query_fault};
use crate::schema::{mail_templates, workspaces};
use crate::{SqliteStore, audit};

#[async_trait]
impl TemplateStore for SqliteStore {
    async fn put(&self, command: PutTemplate) -> Result<MailTemplate, CommandError<TemplateRejection>> {
        self.database
            .write(move |c| {
                let facts = load_facts(c, &command)?;
                let template = audit::write(c, command.decide(facts).map_err(Abort::Rejected)?)?;
                let row = || TemplateRow::from(&template);
                let key = (mail_templates::workspace_id, mail_templates::kind, mail_templates::locale);
                let insert = diesel::insert_into(mail_templates::table).values(row()).on_conflict(key);
                insert.do_update().set(row()).execute(c)?;
                Ok(template)
            })
            .await
    }

    async fn delete(&self, command: DeleteTemplate) -> Result<bool, Fault> {
        let deleted = self.database.write::<_, Infallible>(move |c| {
            let row = mail_templates::table.find((Blob(command.workspace_id.uuid()), command.kind.as_str(), command.locale.as_str()));
            let current: Option<TemplateRow> = row.select(TemplateRow::as_select()).first(c).optional()?;
            let current = current.map(MailTemplate::try_from).transpose()?;
            Ok(audit::write(c, command.decide(current.as_ref()))? && diesel::delete(row).execute(c)? > 0)
        });
        Ok(deleted.await?)
    }

    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<MailTemplate>, Fault> {
        self.database
            .read(move |c| {
                let query = mail_templates::table
                    .filter(mail_templates::workspace_id.eq(Blob(workspace_id.uuid())))
                    .order((mail_templates::kind, mail_templates::locale))
                    .select(TemplateRow::as_select());
                let rows: Vec<TemplateRow> = query.load(c).map_err(query_fault)?;
                rows.into_iter().map(MailTemplate::try_from).collect()
            })
            .await
    }

    async fn of_kind(&self, workspace_id: WorkspaceId, kind: MailKind) -> Result<Vec<MailTemplate>, Fault> {
        self.database
            .read(move |c| {
                let query = mail_templates::table
                    .filter(mail_templates::workspace_id.eq(Blob(workspace_id.uuid())).and(mail_templates::kind.eq(kind.as_str())))
                    .order(mail_templates::locale)
                    .select(TemplateRow::as_select());
                let rows: Vec<TemplateRow> = query.load(c).map_err(query_fault)?;
                rows.into_iter().map(MailTemplate::try_from).collect()
            })
            .await
    }
}

fn load_facts<R>(c: &mut SqliteConnection, command: &PutTemplate) -> Result<PutTemplateFacts, Abort<R>> {
    let id = Blob(command.workspace_id.uuid());
    if !diesel::select(exists(workspaces::table.find(id))).get_result::<bool>(c)? {
        return Ok(PutTemplateFacts { others: None, current: None });
    }
    let is_other = mail_templates::kind.ne(command.kind.as_str()).or(mail_templates::locale.ne(command.locale.as_str()));
    let others = mail_templates::table.filter(mail_templates::workspace_id.eq(id)).filter(is_other);
    let row = mail_templates::table.find((id, command.kind.as_str(), command.locale.as_str())).select(TemplateRow::as_select());
    let current: Option<TemplateRow> = row.first(c).optional()?;
    let current = current.map(MailTemplate::try_from).transpose()?;
    Ok(PutTemplateFacts { others: Some(from_bigint(others.count().get_result(c)?)), current })
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = mail_templates, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_null = true)]
struct TemplateRow {
    workspace_id: Blob,
    kind: String,
    locale: String,
    subject: String,
    text: String,
    html: Option<String>,
    updated_at: i64,
}

impl From<&MailTemplate> for TemplateRow {
    fn from(template: &MailTemplate) -> Self {
        Self {
            workspace_id: template.workspace_id.uuid().into(),
            kind: template.kind.as_str().to_owned(),
            locale: template.locale.to_string(),
            subject: template.source.subject.clone(),
            text: template.source.text.clone(),
            html: template.source.html.clone(),
            updated_at: template.updated_at.unix_millis(),
        }
    }
}

impl TryFrom<TemplateRow> for MailTemplate {
    type Error = Fault;

    fn try_from(row: TemplateRow) -> Result<Self, Fault> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            kind: MailKind::parse(&row.kind).map_err(corrupt("kind of mail"))?,
            locale: Locale::from_stored(row.locale),
            source: TemplateSource { subject: row.subject, text: row.text, html: row.html },
            updated_at: instant(row.updated_at)?,
        })
    }
}
