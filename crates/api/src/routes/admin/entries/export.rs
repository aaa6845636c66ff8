//! The CSV export: every entry at one moment. Its memory does not grow with the list, and a slow client disturbs nobody.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, get, web};
use csv::{Terminator, Writer, WriterBuilder};
use futures_util::{Stream, StreamExt, future, stream};
use rally_domain::entry::Entry;
use rally_domain::error::{Fault, FieldError, Invalid};
use rally_domain::port::EntryStream;
use rally_domain::referral::ReferralBoost;
use rally_domain::waitlist::Waitlist;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::app::App;
use crate::auth::permit;
use crate::exports::{spool, too_many};
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::admin::AdminList;

/// A column of the file: its name, and its text for an entry.
type Column = (&'static str, fn(&Entry, ReferralBoost) -> String);

const COLUMNS: &[Column] = &[
    ("id", |entry, _| entry.id.to_string()),
    ("email", |entry, _| entry.profile.email.to_string()),
    ("name", |entry, _| entry.profile.name.to_string()),
    ("interest", |entry, _| text(entry.profile.interest.as_ref())),
    ("referrer", |entry, _| text(entry.profile.referrer.as_ref())),
    ("referral_code", |entry, _| entry.referral_code.to_string()),
    ("referral_count", |entry, _| entry.referral_count.to_string()),
    ("referred_by_entry_id", |entry, _| text(entry.referred_by.as_ref())),
    ("position", |entry, _| entry.position.number().to_string()),
    ("effective_position", |entry, boost| entry.position.effective(entry.referral_count, boost).number().to_string()),
    ("status", |entry, _| entry.status.as_str().to_owned()),
    ("variant_id", |entry, _| text(entry.variant_id.as_ref())),
    ("invited_at", |entry, _| text(entry.invitation.as_ref().map(|invitation| &invitation.at))),
    ("invited_to_app_slug", |entry, _| text(entry.invitation.as_ref().and_then(|invitation| invitation.app_slug.as_ref()))),
    ("metadata", |entry, _| Value::Object(entry.profile.metadata.document().clone()).to_string()),
    ("created_at", |entry, _| entry.created_at.to_string()),
    ("updated_at", |entry, _| entry.updated_at.to_string()),
];

fn text(value: Option<&impl ToString>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// A mark at the start of an export, which makes Excel read it as UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The query of an export.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// `1` starts the file with a byte order mark. Excel needs it to read the file as UTF-8.
    #[param(value_type = Option<String>, example = "1")]
    bom: Option<String>,
}

impl ExportQuery {
    fn begins_with_mark(&self) -> Result<bool, ApiError> {
        match self.bom.as_deref() {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(ApiError::validation(vec![FieldError::new("bom", Invalid::new("must be 1 or 0"))])),
        }
    }
}

/// Export every entry as CSV
///
/// RFC 4180, ordered by position, with all entries as they were at one moment. A cell that a spreadsheet would run as a formula starts
/// with an apostrophe. If the connection breaks off, the file is incomplete. At most four exports run at once, two of one workspace.
/// A reader that takes less than 1 MiB in 30 seconds is cut off.
#[utoipa::path(
    tag = "Entries", operation_id = "export_entries", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(AdminList, ExportQuery),
    responses(
        (status = 200, description = "The file.", body = String, content_type = "text/csv"),
        (status = 400, description = "A bad query.", body = ErrorBody),
        (status = 503, description = "Too many exports are running. `Retry-After` says when to try again.", body = ErrorBody),
        AdminFailure,
    ),
)]
#[get("/waitlists/{waitlist_id}/entries/export.csv")]
pub async fn export(
    app: web::Data<App>,
    waitlist: AdminList<permit::EntryRead>,
    query: web::Query<ExportQuery>,
) -> Result<HttpResponse, ApiError> {
    csv_of(&app, &waitlist, &query).await
}

/// Replies with the entries of a list as CSV.
///
/// # Errors
/// If the query is bad, or too many exports are running.
pub(crate) async fn csv_of(app: &App, waitlist: &Waitlist, query: &ExportQuery) -> Result<HttpResponse, ApiError> {
    let mark = query.begins_with_mark()?;
    let slot = app.exports.take(waitlist.workspace_id).ok_or_else(too_many)?;
    let entries = app.ports.entries.export(waitlist.id).await?;
    let file = spool(file(entries, waitlist.settings.referral_boost, mark), slot).map_err(Fault::unavailable)?;
    let disposition = format!("attachment; filename=\"{}-entries.csv\"", waitlist.slug);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/csv; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, disposition))
        .streaming(file))
}

/// Writes the header row, then a piece of the file for every batch of entries.
fn file(entries: EntryStream, boost: ReferralBoost, mark: bool) -> impl Stream<Item = Result<Bytes, Fault>> + Send {
    let begin = move || {
        let head = rows([COLUMNS.iter().map(|(name, _)| (*name).to_owned())])?;
        Ok(if mark { [BYTE_ORDER_MARK.as_bytes(), &head].concat().into() } else { head })
    };
    let body = entries.map(move |batch| rows(batch?.iter().map(|entry| COLUMNS.iter().map(move |(_, text)| text(entry, boost)))));
    stream::once(future::ready(begin())).chain(body)
}

fn rows(rows: impl IntoIterator<Item = impl IntoIterator<Item = String>>) -> Result<Bytes, Fault> {
    let mut writer: Writer<Vec<u8>> = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.into_iter().map(|cell| guard(&cell).into_owned())).map_err(Fault::unexpected)?;
    }
    writer.into_inner().map(Bytes::from).map_err(|error| Fault::unexpected(error.into_error()))
}

/// Makes a cell safe, so that no spreadsheet takes it for a formula (OWASP, CSV injection).
fn guard(cell: &str) -> std::borrow::Cow<'_, str> {
    const STARTS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];
    if cell.starts_with(STARTS) { format!("'{cell}").into() } else { cell.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_and_never_runs() {
        let mut row = vec![String::new(); COLUMNS.len()];
        let texts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a,b", "a\"b", "a\r\nb", "plain", "'x", " =1", "＝1", "＋1", "－1", "＠x"];
        for (cell, text) in row.iter_mut().zip(texts) {
            *cell = text.to_owned();
        }
        let expected = "'=1+1,'+1,'-1,'@x,'\tx,\"'\rx\",\"a,b\",\"a\"\"b\",\"a\r\nb\",plain,'x, =1,'＝1,'＋1,'－1,'＠x,\r\n";
        assert_eq!(rows([row]).unwrap(), expected);
    }

    #[tokio::test]
    async fn a_fault_midway_ends_the_file_with_an_error() {
        let batches: Vec<Result<Vec<Entry>, Fault>> = vec![Ok(Vec::new()), Err(Fault::unavailable("gone"))];
        let pieces: Vec<_> = file(Box::pin(stream::iter(batches)), ReferralBoost::default(), false).collect().await;
        assert!(pieces[0].is_ok() && pieces[1].is_ok() && pieces[2].is_err());
    }

    #[tokio::test]
    async fn a_mark_is_written_where_it_is_asked_for() {
        for (mark, starts) in [(true, "\u{feff}id,"), (false, "id,")] {
            let pieces: Vec<_> = file(Box::pin(stream::empty()), ReferralBoost::default(), mark).collect().await;
            assert!(pieces[0].as_ref().unwrap().starts_with(starts.as_bytes()));
        }
    }
}
