//! Imports into a list: their progress and problems, and new ones from an uploaded file. And the export that an import takes.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_console::page::{FormPage, ImportPage, ImportRow, ImportsPage};
use rally_console::{Count, Form, State};
use rally_domain::error::{FieldError, Invalid};
use rally_domain::id::ImportId;
use rally_domain::import::{Import, ImportState};

use super::doors::{OpenedList, Pairs, Posted, Uploaded};
use super::look::{Done, done, refused, see_other, show, show_as, typed};
use crate::auth::permit;
use crate::http::error::{ApiError, Code};
use crate::http::extract::languages::in_query;
use crate::imports::{ImportOrder, Source};
use crate::routes::admin::imports::{cancel_import, import_file, problems_of};
use crate::routes::admin::waitlists::export::lines_of;

/// The most imports of a list that a page shows.
const LISTED: usize = 100;

/// The most problems that a page shows, and that it counts.
const PROBLEMS: usize = 20;
const COUNTED: usize = 1000;

/// The path of an import: the workspace, the list and the import.
type Place = web::Path<(String, String, String)>;

type Opened = OpenedList<permit::EntryUpdate>;

/// Lists the imports, newest first.
#[get("/w/{ws}/lists/{list}/imports")]
pub async fn list(door: Opened) -> Result<HttpResponse, ApiError> {
    let imports = door.app.ports.imports.list(door.waitlist.id, LISTED).await?;
    let rows = imports.iter().map(|import| row(import, Source::of(import).as_ref())).collect();
    Ok(show(&ImportsPage { frame: door.frame(), rows }))
}

fn row(import: &Import, source: Option<&Source>) -> ImportRow {
    ImportRow {
        id: import.id.to_string(),
        state: State::from(import.state.shown().as_str()),
        format: source.map(|source| source.plan.format.name().to_owned()).unwrap_or_default(),
        is_dry_run: import.dry_run,
        read: Count(import.numbers.read()),
        added: Count(import.numbers.added),
        updated: Count(import.numbers.updated),
        skipped: Count(import.numbers.skipped),
        failed: Count(import.numbers.failed),
        started_at: import.started_at.or(import.ended_at).map(Into::into),
        ended_at: import.ended_at.map(Into::into),
    }
}

async fn find(door: &Opened, place: &Place) -> Result<Import, ApiError> {
    let id = ImportId::parse(&place.2).map_err(|_| ApiError::no_import())?;
    door.app.ports.imports.find(door.waitlist.id, id).await?.ok_or_else(ApiError::no_import)
}

/// Shows an import with its progress and its first problems.
#[get("/w/{ws}/lists/{list}/imports/{import}")]
pub async fn show_page(door: Opened, place: Place) -> Result<HttpResponse, ApiError> {
    let import = find(&door, &place).await?;
    // A page that follows the work does not count them again and again.
    let most = if import.state.is_over() { COUNTED + 1 } else { PROBLEMS };
    let found = door.app.ports.imports.problems(import.id, None, most).await?;
    let count = import.state.is_over().then_some(found.len());
    let source = Source::of(&import);
    let plan = source.as_ref().map(|source| &source.plan);
    let columns = plan.into_iter().flat_map(|plan| &plan.columns);
    Ok(show(&ImportPage {
        frame: door.frame(),
        import: row(&import, source.as_ref()),
        percent: plan.filter(|plan| !plan.is_export).and_then(|plan| percent(import.numbers.read(), plan.records)),
        encoding: source.as_ref().map(|source| source.staged.encoding.as_str().to_uppercase()),
        separator: plan.and_then(|plan| plan.separator()).map(String::from),
        mapping: columns.filter_map(|column| Some((column.name.clone(), column.field()?))).collect(),
        problem_count: count.map(problem_count).unwrap_or_default(),
        problems: found.into_iter().take(PROBLEMS).map(|(_, problem)| (Count(problem.line), problem.column, problem.reason)).collect(),
        failure: import.error.clone(),
    }))
}

/// Says how many problems there are.
fn problem_count(found: usize) -> String {
    let count = Count(found.min(COUNTED) as u64).of("problem", "problems");
    if found > COUNTED { format!("More than {count}") } else { count }
}

fn percent(read: u64, total: u64) -> Option<u8> {
    let share = (read.min(total) * 100).checked_div(total)?;
    u8::try_from(share).ok()
}

/// The problems of an import as CSV.
#[get("/w/{ws}/lists/{list}/imports/{import}/problems.csv")]
pub async fn problems(door: Opened, place: Place) -> Result<HttpResponse, ApiError> {
    Ok(problems_of(&door.app, find(&door, &place).await?.id))
}

/// Cancels an import.
#[post("/w/{ws}/lists/{list}/imports/{import}/cancel")]
pub async fn cancel(posted: Posted<Opened>, place: Place) -> Result<HttpResponse, ApiError> {
    let import = cancel_import(&posted.app, &find(&posted, &place).await?, posted.admin.actor()).await?;
    Ok(done(&posted.list_urls().import(&import.id.to_string()), Done::Cancelled))
}

/// Asks for a file. A trial is proposed, and after one the same choices.
#[get("/w/{ws}/lists/{list}/new-import")]
pub async fn new_import(door: Opened, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let last = last_of(&door, &request).await?;
    let choices = last.as_ref().map(|(import, source)| choices(import, source.as_ref()));
    let form = Form::new(choices.unwrap_or_else(|| vec![("dry_run", "true".to_owned())]));
    Ok(show(&form_after(&door, form, last)))
}

/// An import with what is known of its file.
type Last = (Import, Option<Source>);

/// The import that a new one comes after.
async fn last_of(door: &Opened, request: &HttpRequest) -> Result<Option<Last>, ApiError> {
    let Some(id) = in_query(request, &["after"]).and_then(|id| ImportId::parse(&id).ok()) else { return Ok(None) };
    let last = door.app.ports.imports.find(door.waitlist.id, id).await?;
    Ok(last.map(|import| {
        let source = Source::of(&import);
        (import, source)
    }))
}

fn form_after(door: &Opened, form: Form, last: Option<Last>) -> FormPage {
    let last = last.map(|(import, source)| row(&import, source.as_ref()));
    FormPage::new_import(door.frame(), form, last.as_ref())
}

/// The choices for the import that comes after a trial, or after one that failed.
fn choices(import: &Import, source: Option<&Source>) -> Vec<(&'static str, String)> {
    let mut choices = vec![("on_duplicate", import.on_duplicate.as_str().to_owned())];
    choices.extend(import.notify.then(|| ("notify", "true".to_owned())));
    choices.extend((import.dry_run && import.state != ImportState::Done).then(|| ("dry_run", "true".to_owned())));
    if let Some(Source { plan, mapped, .. }) = source {
        choices.push(("format", plan.format.name().to_owned()));
        // Rally knows the other columns again, and a field of the list may have changed meanwhile.
        choices.push(("map", mapped.iter().map(|(column, field)| format!("{column} = {field}")).collect::<Vec<_>>().join("\n")));
    }
    choices
}

/// Imports the file of a form.
#[post("/w/{ws}/lists/{list}/new-import")]
pub async fn create(mut posted: Uploaded<Opened>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    match start(&mut posted).await {
        Ok(import) => Ok(see_other(&posted.list_urls().import(&import.id.to_string()))),
        Err(error) => {
            if error.code != Code::RequestTimeout {
                posted.drain().await;
            }
            let form = typed(&posted.form, at_fields(refused(error)?));
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &form_after(&posted, form, last_of(&posted, &request).await?)))
        }
    }
}

async fn start(posted: &mut Uploaded<Opened>) -> Result<Import, ApiError> {
    let pairs = parameters(&posted.form)?;
    let order = ImportOrder::parse(pairs.iter().map(|(name, value)| (&**name, &**value))).map_err(ApiError::validation)?;
    let no_file = || ApiError::validation(vec![FieldError::new("file", Invalid::new("choose a file that is not empty"))]);
    let mut first = Some(posted.piece().await?.ok_or_else(no_file)?);
    let (door, file) = posted.take_apart();
    let next = async || match first.take() {
        Some(piece) => Ok(Some(piece)),
        None => file.piece().await,
    };
    import_file(&door.app, &door.admin, &door.waitlist, order, next).await
}

/// The fields of a form as parameters of the API. A line of the field `map` is a parameter for its column.
fn parameters(form: &Pairs) -> Result<Pairs, ApiError> {
    let mut pairs: Pairs = form.iter().filter(|(name, _)| ImportOrder::NAMES.contains(&name.as_str())).cloned().collect();
    let lines = form.iter().filter(|(name, _)| name == "map").flat_map(|(_, text)| text.lines().enumerate());
    let mut errors = Vec::new();
    for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        match ImportOrder::split_map(line) {
            Some((column, field)) => pairs.push((format!("map.{column}"), field.to_owned())),
            None => {
                let message = format!("has a bad item {}, which must be column = field", index + 1);
                errors.push(FieldError::new("map", Invalid::new(message)));
            }
        }
    }
    if errors.is_empty() { Ok(pairs) } else { Err(ApiError::validation(errors)) }
}

/// The errors at the fields of the form. What is wrong with a column is told with its name, and what is wrong with no field is the file.
fn at_fields(errors: Pairs) -> Pairs {
    let place = |(field, message): (String, String)| match field.strip_prefix("map.") {
        Some(column) => ("map".to_owned(), format!("has a bad column {column}, which {message}")),
        None if field.is_empty() => ("file".to_owned(), message),
        None => (field, message),
    };
    errors.into_iter().map(place).collect()
}

/// Everything of the list as JSON lines.
#[get("/w/{ws}/lists/{list}/entries/export.jsonl")]
pub async fn export(door: OpenedList<permit::EntryRead>) -> Result<HttpResponse, ApiError> {
    lines_of(&door.app, &door.waitlist).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_line_says_what_a_column_means() {
        let form = pairs(&[("format", "auto"), ("map", "E-mail = email\n\nWhy = so=metadata.why\n")]);
        let expected = pairs(&[("format", "auto"), ("map.E-mail", "email"), ("map.Why = so", "metadata.why")]);
        assert_eq!(parameters(&form).unwrap(), expected);
        let errors = parameters(&pairs(&[("map", "E-mail\n\nName = name\nAge")])).unwrap_err().errors;
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(told, [1, 4].map(|line| format!("map has a bad item {line}, which must be column = field")));
    }

    #[test]
    fn problems_are_counted_up_to_a_most() {
        let counted = [1, 106, COUNTED, COUNTED + 1].map(problem_count);
        assert_eq!(counted, ["1 problem", "106 problems", "1,000 problems", "More than 1,000 problems"]);
    }

    #[test]
    fn every_error_has_a_field() {
        let errors = pairs(&[("map.Age", "is no field"), ("format", "is none"), ("", "is an archive")]);
        let expected = pairs(&[("map", "has a bad column Age, which is no field"), ("format", "is none"), ("file", "is an archive")]);
        assert_eq!(at_fields(errors), expected);
    }

    #[test]
    fn a_share_is_of_a_file_with_rows() {
        assert_eq!([percent(0, 3), percent(1, 3), percent(3, 3), percent(4, 3)], [Some(0), Some(33), Some(100), Some(100)]);
        assert_eq!(percent(0, 0), None);
    }
}
