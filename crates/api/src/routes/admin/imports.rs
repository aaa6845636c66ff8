//! Imports on the admin surface.

use std::collections::BTreeMap;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use futures_util::{Stream, stream};
use rally_domain::actor::Actor;
use rally_domain::command::{CancelImport, NOT_EMPTY};
use rally_domain::error::Fault;
use rally_domain::id::ImportId;
use rally_domain::import::{Import, ImportMark, ImportProblem};
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use rally_intake::{Problem, StagingError, csv_header, csv_rows};
use serde::Serialize;
use url::form_urlencoded;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::{Action, Admin, permit};
use crate::chain::chain;
use crate::http::body::Body;
use crate::http::error::{AdminFailure, ApiError, Code, ErrorBody};
use crate::http::extract::admin::{AdminImport, AdminList};
use crate::imports::{Arrived, ImportOrder, Source, Upload, UploadError};
use crate::routes::schema::{ImportStateName, OnDuplicateName};

/// The types of a file.
const TYPES: [&str; 2] = ["text/csv", "application/x-ndjson"];

/// How many problems are read at once.
const PROBLEMS: usize = 1000;

/// An import that has begun.
#[derive(Serialize, ToSchema)]
#[schema(as = BegunImport)]
struct BegunView {
    #[schema(format = Uuid)]
    id: String,
    /// Where the progress is.
    #[schema(format = "uri")]
    status_url: String,
}

/// An import and its progress.
#[derive(Serialize, ToSchema)]
#[schema(as = Import)]
struct ImportView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(value_type = ImportStateName)]
    state: &'static str,
    /// The format that the file has.
    #[schema(required)]
    format: Option<&'static str>,
    /// The encoding that the file was sent in.
    #[schema(required)]
    encoding: Option<&'static str>,
    /// The separator of a CSV file.
    #[schema(required)]
    separator: Option<String>,
    /// What each column means. Null means that it is not read.
    #[schema(value_type = Object)]
    mapping: BTreeMap<String, Option<String>>,
    /// How many rows the file has. Null for an export, which has other lines too.
    #[schema(required)]
    total: Option<u64>,
    /// How many rows were dealt with: the sum of the next four.
    read: u64,
    /// Rows that are new entries. In a dry run, those that would be.
    added: u64,
    /// Rows that changed an entry.
    updated: u64,
    /// Rows of people who are on the waitlist already, or were erased. The former may have got a referrer or an old code.
    skipped: u64,
    /// Rows with a problem.
    failed: u64,
    #[schema(value_type = OnDuplicateName)]
    on_duplicate: &'static str,
    dry_run: bool,
    notify: bool,
    /// Why the import failed.
    #[schema(required)]
    error: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    started_at: Option<String>,
    #[schema(required, format = DateTime)]
    ended_at: Option<String>,
}

impl From<&Import> for ImportView {
    fn from(import: &Import) -> Self {
        let source = Source::of(import);
        let plan = source.as_ref().map(|source| &source.plan);
        let columns = plan.into_iter().flat_map(|plan| &plan.columns);
        Self {
            id: import.id.to_string(),
            state: import.state.shown().as_str(),
            format: plan.map(|plan| plan.format.name()),
            encoding: source.as_ref().map(|source| source.staged.encoding.as_str()),
            separator: plan.and_then(|plan| plan.separator()).map(String::from),
            mapping: columns.map(|column| (column.name.clone(), column.field())).collect(),
            total: plan.filter(|plan| !plan.is_export).map(|plan| plan.records),
            read: import.numbers.read(),
            added: import.numbers.added,
            updated: import.numbers.updated,
            skipped: import.numbers.skipped,
            failed: import.numbers.failed,
            on_duplicate: import.on_duplicate.as_str(),
            dry_run: import.dry_run,
            notify: import.notify,
            error: import.error.clone(),
            created_at: import.created_at.to_string(),
            started_at: import.started_at.map(|at| at.to_string()),
            ended_at: import.ended_at.map(|at| at.to_string()),
        }
    }
}

/// An import that was cancelled.
#[derive(Serialize, ToSchema)]
#[schema(as = CancelledImport)]
struct CancelledView {
    #[serde(flatten)]
    import: ImportView,
    /// What stays.
    message: String,
}

/// The query of an import. Parameters `map.COLUMN=FIELD` say what a column means.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it documents the query, whose names are not fixed")]
struct ImportQuery {
    /// The format of the file. `auto`, the default, looks at its columns.
    #[param(value_type = Option<String>, example = "auto")]
    format: Option<String>,
    /// What happens to people who are on the waitlist already.
    #[param(value_type = Option<OnDuplicateName>)]
    on_duplicate: Option<String>,
    /// `true` changes nothing and counts what would happen.
    #[param(value_type = Option<bool>)]
    dry_run: Option<bool>,
    /// `true` sends mail and events, as for sign-ups. Rejected people get no mail.
    #[param(value_type = Option<bool>)]
    notify: Option<bool>,
}

/// Import people from a file
///
/// CSV, or JSON objects, one a line, at most 1 GiB, compressed with gzip or not. Further parameters `map.COLUMN=FIELD` say what a column
/// means: `email`, `name`, `created_at`, `confirmed_at`, `status`, `referral_code`, `referred_by`, `referral_count`, `interest`,
/// `referrer`, `locale`, `first_name`, `last_name`, `unsubscribed`, `metadata`, `metadata.KEY` or `ignore`. Any other parameter is refused.
/// The import goes on in the background. An export of a waitlist as JSON lines is restored into an empty waitlist, with its settings and
/// variants; this needs `waitlist.update` and `variant.create` too.
#[utoipa::path(
    tag = "Imports", operation_id = "create_import", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminList, ImportQuery),
    request_body(content((String = "text/csv"), (String = "application/x-ndjson"))),
    responses(
        (status = 202, description = "The file has arrived.", body = BegunView),
        (status = 400, description = "A bad query, or a file that is damaged or an archive.", body = ErrorBody),
        (status = 408, description = "Nothing arrived for 30 seconds.", body = ErrorBody),
        (status = 409, description = "The import was ended before its file had arrived, or the file is an export and the waitlist is not empty.", body = ErrorBody),
        (status = 413, description = "The file has more than 1 GiB, maybe only after decompression.", body = ErrorBody),
        (status = 415, description = "The body is neither `text/csv` nor `application/x-ndjson`, or has another encoding than gzip.", body = ErrorBody),
        AdminFailure,
    ),
)]
#[post("/waitlists/{waitlist_id}/imports")]
pub async fn create(
    app: web::Data<App>,
    waitlist: AdminList<permit::EntryUpdate>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let pairs: Vec<_> = form_urlencoded::parse(request.query_string().as_bytes()).collect();
    let order = ImportOrder::parse(pairs.iter().map(|(name, value)| (&**name, &**value))).map_err(ApiError::validation)?;
    let mut pieces = body.pieces(&TYPES)?;
    let import = import_file(&app, &waitlist.admin, &waitlist, order, async || pieces.next().await).await?;
    Ok(HttpResponse::Accepted().json(BegunView { id: import.id.to_string(), status_url: status_url(&app, &import) }))
}

/// Imports a file that arrives in pieces.
///
/// # Errors
/// If the file does not arrive, cannot be read, or may not be imported.
pub(crate) async fn import_file(
    app: &App,
    admin: &Admin,
    waitlist: &Waitlist,
    order: ImportOrder,
    next: impl AsyncFnMut() -> Result<Option<Bytes>, ApiError>,
) -> Result<Import, ApiError> {
    let upload = Upload::begin(&app.ports, &admin.actor(), waitlist, order).await?;
    queue(admin, receive(upload, next).await?).await
}

/// Takes the pieces of a file. An upload that fails is given up.
async fn receive(mut upload: Upload, mut next: impl AsyncFnMut() -> Result<Option<Bytes>, ApiError>) -> Result<Arrived, ApiError> {
    let failure: ApiError = loop {
        match next().await {
            Ok(Some(piece)) => match upload.take(&piece).await {
                Ok(()) => {}
                Err(error) => break error.into(),
            },
            Ok(None) => return Ok(upload.end().await?),
            Err(error) => break error,
        }
    };
    upload.give_up("the file did not arrive").await?;
    Err(failure)
}

/// Lets the import wait for a worker, or gives it up.
async fn queue(admin: &Admin, arrived: Arrived) -> Result<Import, ApiError> {
    match refusal(admin, &arrived).await? {
        None => Ok(arrived.queue().await?),
        Some(refused) => {
            arrived.give_up("the import was refused").await?;
            Err(refused)
        }
    }
}

/// Says why an export is not taken. It needs an empty waitlist, and becomes the settings and variants of that.
async fn refusal(admin: &Admin, arrived: &Arrived) -> Result<Option<ApiError>, ApiError> {
    if !arrived.is_export() {
        return Ok(None);
    }
    let allowed = admin.require(Action::WaitlistUpdate).and_then(|()| admin.require(Action::VariantCreate));
    Ok(match allowed {
        Err(refused) => Some(refused),
        Ok(()) if arrived.has_people().await? => Some(ApiError::new(Code::WaitlistNotEmpty, NOT_EMPTY)),
        Ok(()) => None,
    })
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Staging(error @ (StagingError::TooLarge(_) | StagingError::TooDense)) => {
                Self::new(Code::PayloadTooLarge, error.to_string())
            }
            UploadError::Staging(error) => Self::new(Code::BadRequest, error.to_string()),
            UploadError::Plan(error) => Self::new(Code::BadRequest, error.to_string()),
            UploadError::Ended => Self::new(Code::ImportEnded, error.to_string()),
            UploadError::Fault(fault) => fault.into(),
        }
    }
}

fn status_url(app: &App, import: &Import) -> String {
    let Import { id, workspace_id, waitlist_id, .. } = import;
    format!("{}/v1/workspaces/{workspace_id}/waitlists/{waitlist_id}/imports/{id}", app.ports.links.base())
}

/// Get an import and its progress
#[utoipa::path(
    tag = "Imports", operation_id = "get_import", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminImport),
    responses((status = 200, description = "The import.", body = ImportView), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/imports/{id}")]
pub async fn get(import: AdminImport<permit::EntryUpdate>) -> web::Json<ImportView> {
    web::Json(ImportView::from(&*import))
}

/// Get the problems of an import as CSV
///
/// The columns are the line where the record begins, the column, and the reason. The header of the file is line 1. A cell that a
/// spreadsheet would run as a formula starts with an apostrophe.
#[utoipa::path(
    tag = "Imports", operation_id = "get_import_problems", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminImport),
    responses((status = 200, description = "The file.", body = String, content_type = "text/csv"), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/imports/{id}/problems.csv")]
pub async fn problems(app: web::Data<App>, import: AdminImport<permit::EntryUpdate>) -> HttpResponse {
    problems_of(&app, import.id)
}

/// Replies with the problems of an import as CSV.
pub(crate) fn problems_of(app: &App, id: ImportId) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{id}-problems.csv\"")))
        .streaming(problem_file(app.ports.clone(), id))
}

/// Where the file of problems goes on.
enum Next {
    Header,
    After(Option<ImportMark>),
}

fn problem_file(ports: Ports, id: ImportId) -> impl Stream<Item = Result<Bytes, Fault>> {
    stream::try_unfold(Next::Header, move |next| {
        let ports = ports.clone();
        async move {
            let after = match next {
                Next::Header => return Ok(Some((Bytes::from(csv_header()), Next::After(None)))),
                Next::After(after) => after,
            };
            let page = ports.imports.problems(id, after, PROBLEMS).await;
            let page = page.inspect_err(|fault| tracing::warn!(cause = %chain(fault), "a file of problems ended too early"))?;
            let Some((last, _)) = page.last() else { return Ok(None) };
            let next = Next::After(Some(*last));
            let row = |(_, problem): (ImportMark, ImportProblem)| Problem::new(problem.line, problem.column, problem.reason);
            let rows: Vec<Problem> = page.into_iter().map(row).collect();
            Ok(Some((Bytes::from(csv_rows(&rows)), next)))
        }
    })
}

/// Cancel an import
///
/// People who were added stay on the waitlist.
#[utoipa::path(
    tag = "Imports", operation_id = "cancel_import", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminImport),
    responses(
        (status = 202, description = "The import adds nobody more.", body = CancelledView),
        (status = 409, description = "The import has ended.", body = ErrorBody),
        AdminFailure,
    ),
)]
#[delete("/waitlists/{waitlist_id}/imports/{id}")]
pub async fn cancel(app: web::Data<App>, import: AdminImport<permit::EntryUpdate>) -> Result<HttpResponse, ApiError> {
    let import = cancel_import(&app, &import, import.actor()).await?;
    let message = format!("the import was cancelled; the {} people that it added stay", import.numbers.added);
    Ok(HttpResponse::Accepted().json(CancelledView { import: ImportView::from(&import), message }))
}

/// Cancels an import. Returns it as it ended.
///
/// # Errors
/// 409 if it has ended.
pub(crate) async fn cancel_import(app: &App, import: &Import, actor: Actor) -> Result<Import, ApiError> {
    let command = CancelImport { waitlist_id: import.waitlist_id, id: import.id, actor, now: app.ports.clock.now() };
    let cancelled = app.ports.imports.cancel(command).await?;
    cancelled.ok_or_else(|| ApiError::new(Code::ImportEnded, "the import has ended"))
}
