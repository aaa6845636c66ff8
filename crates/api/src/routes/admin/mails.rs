//! The log of mail on the admin surface: what a workspace sent or tried to send, and what became of it.

use actix_web::{get, web};
use rally_domain::id::EntryId;
use rally_domain::mail::{LoggedMail, MailFilter, MailKind, MailState};
use rally_domain::paging::MailKey;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::{Admin, Granted, permit};
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::list_query::{ListQuery, Listing, Pagination, read_filter};
use crate::routes::schema::{MailKindName, MailStateName};

/// Which mails to list, unparsed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilterQuery {
    /// The entry that the mail is for.
    #[param(format = Uuid)]
    entry_id: Option<String>,
    /// What became of the mail.
    #[param(value_type = Option<MailStateName>)]
    state: Option<String>,
    /// The kind of mail.
    #[param(value_type = Option<MailKindName>)]
    kind: Option<String>,
}

impl FilterQuery {
    /// Parses the filter, and the query of the page with it.
    fn parse(&self, page: &ListQuery, app: &App, admin: &Admin) -> Result<Listing<MailKey, MailFilter>, ApiError> {
        let mut errors = Vec::new();
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let (entry, state, kind) = (text(&self.entry_id), text(&self.state), text(&self.kind));
        let name = format!("mails/{}?entry_id={entry}&state={state}&kind={kind}", admin.workspace.id);
        let filter = MailFilter {
            entry_id: read_filter("entry_id", self.entry_id.as_deref(), EntryId::parse, &mut errors),
            state: read_filter("state", self.state.as_deref(), MailState::parse, &mut errors),
            kind: read_filter("kind", self.kind.as_deref(), MailKind::parse, &mut errors),
        };
        page.parse_filtered(app, name, Some(filter), errors)
    }
}

/// A mail in the log.
#[derive(Serialize, ToSchema)]
#[schema(as = Mail)]
struct MailView {
    #[schema(format = Uuid)]
    id: String,
    /// The list that the mail tells of. Null for a test of a template.
    #[schema(required, format = Uuid)]
    waitlist_id: Option<String>,
    /// The entry of the person. Null if they are on no list yet, and for a test of a template.
    #[schema(required, format = Uuid)]
    entry_id: Option<String>,
    #[schema(value_type = MailKindName)]
    kind: &'static str,
    /// The language that the person asked for, else that of the workspace, as a BCP 47 tag.
    #[schema(example = "en")]
    locale: String,
    /// The address of the person.
    #[schema(format = Email)]
    to: String,
    #[schema(value_type = MailStateName)]
    state: &'static str,
    /// The number of attempts so far.
    attempts: u32,
    /// What went wrong in the last attempt. Null if nothing did.
    #[schema(required)]
    last_error: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// When the mail server or mail service accepted it.
    #[schema(required, format = DateTime)]
    sent_at: Option<String>,
}

impl From<&LoggedMail> for MailView {
    fn from(mail: &LoggedMail) -> Self {
        Self {
            id: mail.id.to_string(),
            waitlist_id: mail.recipient.waitlist_id().map(|id| id.to_string()),
            entry_id: mail.recipient.entry_id().map(|id| id.to_string()),
            kind: mail.kind.as_str(),
            locale: mail.locale.to_string(),
            to: mail.to.to_string(),
            state: mail.state.as_str(),
            attempts: mail.attempts,
            last_error: mail.last_error.clone(),
            created_at: mail.created_at.to_string(),
            sent_at: mail.sent_at.map(|at| at.to_string()),
        }
    }
}

/// A page of mails, newest first.
#[derive(Serialize, ToSchema)]
struct MailPage {
    data: Vec<MailView>,
    pagination: Pagination,
}

/// List mails
///
/// Newest first. Finished mail is kept for 30 days.
#[utoipa::path(
    tag = "Mails", operation_id = "list_mails", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(Granted, FilterQuery, ListQuery),
    responses((status = 200, description = "A page of mails.", body = MailPage), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/mails")]
pub async fn list(
    app: web::Data<App>,
    admin: Granted<permit::EntryRead>,
    filter: web::Query<FilterQuery>,
    page: web::Query<ListQuery>,
) -> Result<web::Json<MailPage>, ApiError> {
    let Listing { name, limit, after, status } = filter.parse(&page, &app, &admin)?;
    let page = app.ports.mails.log(admin.workspace.id, status.unwrap_or_default(), after, limit).await?;
    Ok(web::Json(MailPage {
        data: page.items.iter().map(MailView::from).collect(),
        pagination: Pagination::new(&app, &name, page.next.as_ref()),
    }))
}
