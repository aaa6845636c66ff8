//! `rally import`: imports people from a file, with a progress bar.

use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use rally_domain::actor::Actor;
use rally_domain::command::NOT_EMPTY;
use rally_domain::error::{Fault, FieldError};
use rally_domain::id::ImportId;
use rally_domain::import::{Import, ImportProblem, ImportState, ImportStep};
use rally_domain::port::Ports;
use rally_domain::slug::Slug;
use rally_domain::waitlist::Waitlist;
use rally_intake::{Problem, csv_header, csv_rows};

use super::failure::Failure;
use super::output::print;
use super::workspace::find_workspace;
use super::{open, open_file};
use crate::boot::config::Config;
use crate::boot::secrets::Secrets;
use crate::boot::store;
use crate::imports::{Arrived, ImportOrder, Importer, Source, Upload, UploadError};

/// How many bytes of the file are read at once.
const PIECE: usize = 256 * 1024;

/// How long the command waits if another process does the import.
const LOOK: Duration = Duration::from_millis(500);

/// How many characters the progress bar has.
const WIDTH: u64 = 30;

/// How many problems are shown, and how many are written at once.
const SHOWN: usize = 20;
const PROBLEMS: usize = 1000;

#[derive(Args)]
pub(super) struct ImportArguments {
    /// The file: CSV, or JSON objects, one a line, compressed with gzip or not
    file: PathBuf,
    /// Slug of the workspace
    #[arg(long, value_name = "SLUG")]
    workspace: String,
    /// Slug of the list
    #[arg(long, value_name = "SLUG")]
    list: String,
    /// The format of the file [default: auto, which looks at its columns]
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
    /// What a column means, such as 'Work mail=email', 'Team=metadata.team' or 'Notes=ignore'
    #[arg(long, value_name = "COLUMN=FIELD")]
    map: Vec<String>,
    /// What happens to people who are on the list already: skip or update [default: skip]
    #[arg(long, value_name = "CHOICE")]
    on_duplicate: Option<String>,
    /// Change nothing, and count what would happen
    #[arg(long)]
    dry_run: bool,
    /// Send mail and events, as for sign-ups
    #[arg(long)]
    notify: bool,
    /// Write all problems into a CSV file
    #[arg(long, value_name = "FILE")]
    problems: Option<PathBuf>,
}

pub(super) async fn run(config: &Config, arguments: ImportArguments) -> Result<(), Failure> {
    let order = arguments.order()?;
    // A file that cannot be written is told before people are added.
    let mut problem_file = arguments.problems.as_deref().map(create_file).transpose()?;
    let secrets = Secrets::load(config)?;
    let mut ports = open(config, config.migrate.by_command()).await?.ports;
    store::share_secret(config, &secrets, &mut ports).await?;
    let waitlist = find_list(&ports, &arguments.workspace, &arguments.list).await?;
    let import = upload(&ports, &waitlist, order, &arguments.file).await?;
    let import = follow(&ports, import).await?;
    if let Some(file) = &mut problem_file {
        write_problems(&ports, import.id, file).await?;
    }
    let problems = ports.imports.problems(import.id, None, SHOWN + 1).await?;
    tell(&import, problems.into_iter().map(|(_, problem)| problem).collect(), arguments.problems.as_deref())
}

fn create_file(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))
}

/// Writes all problems of an import as CSV.
async fn write_problems(ports: &Ports, id: ImportId, file: &mut File) -> Result<(), Failure> {
    file.write_all(&csv_header())?;
    let mut after = None;
    loop {
        let page = ports.imports.problems(id, after, PROBLEMS).await?;
        let Some((last, _)) = page.last() else { return Ok(file.flush()?) };
        after = Some(*last);
        let rows: Vec<Problem> = page.into_iter().map(|(_, found)| Problem::new(found.line, found.column, found.reason)).collect();
        file.write_all(&csv_rows(&rows))?;
    }
}

impl ImportArguments {
    fn order(&self) -> Result<ImportOrder, Failure> {
        let split = |text: &String| ImportOrder::split_map(text).map(|(column, field)| (format!("map.{column}"), field.to_owned()));
        let maps: Option<Vec<(String, String)>> = self.map.iter().map(split).collect();
        let mut pairs = maps.ok_or_else(|| Failure::Refused("--map takes COLUMN=FIELD".to_owned()))?;
        pairs.extend(self.format.clone().map(|format| ("format".to_owned(), format)));
        pairs.extend(self.on_duplicate.clone().map(|choice| ("on_duplicate".to_owned(), choice)));
        pairs.push(("dry_run".to_owned(), self.dry_run.to_string()));
        pairs.push(("notify".to_owned(), self.notify.to_string()));
        let refused = |errors: Vec<FieldError>| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Failure::Refused(errors.join("; "))
        };
        ImportOrder::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))).map_err(refused)
    }
}

/// The list with a slug in the workspace with a slug.
pub(super) async fn find_list(ports: &Ports, workspace: &str, list: &str) -> Result<Waitlist, Failure> {
    let workspace = find_workspace(ports, workspace).await?;
    let none = || Failure::Refused(format!("the workspace {} has no list {list}", workspace.slug));
    let slug = Slug::parse(list).map_err(|_| none())?;
    let found = ports.waitlists.find_public(&workspace.slug, &slug).await?.ok_or_else(none)?;
    Ok(found.waitlist.clone())
}

async fn upload(ports: &Ports, waitlist: &Waitlist, order: ImportOrder, path: &Path) -> Result<Import, Failure> {
    let mut file = open_file(path)?;
    let mut upload = Upload::begin(ports, &Actor::CommandLine, waitlist, order).await?;
    let mut bytes = vec![0; PIECE];
    loop {
        let read = file.read(&mut bytes)?;
        if read == 0 {
            return queue(upload.end().await.map_err(failure)?).await;
        }
        if let Err(error) = upload.take(&bytes[..read]).await {
            upload.give_up("the file did not arrive").await?;
            return Err(failure(error));
        }
    }
}

/// Lets the import wait for a worker, unless the file is an export and somebody is on the list.
async fn queue(arrived: Arrived) -> Result<Import, Failure> {
    if arrived.is_export() && arrived.has_people().await? {
        arrived.give_up("the import was refused").await?;
        return Err(Failure::Refused(NOT_EMPTY.to_owned()));
    }
    arrived.queue().await.map_err(failure)
}

fn failure(error: UploadError) -> Failure {
    match error {
        UploadError::Fault(fault) => fault.into(),
        refused => Failure::Refused(refused.to_string()),
    }
}

/// How long the store may be away while an import is followed. A server would go on with the import later.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does the import, or watches another process do it, until nothing of it is left to do.
async fn follow(ports: &Ports, mut import: Import) -> Result<Import, Failure> {
    let (importer, mut bar, mut away_since) = (Importer::new(ports), Bar::new(), None);
    // Older imports come first. The last step deletes what was staged.
    while import.step != ImportStep::Over {
        match go_on(&importer, ports, &import).await {
            Ok(next) => (import, away_since) = (next, None),
            Err(Failure::Fault(Fault::Unavailable(_))) if away_since.get_or_insert_with(Instant::now).elapsed() < PATIENCE => {
                tokio::time::sleep(LOOK).await;
            }
            Err(failure) => return Err(failure),
        }
        bar.show(&import)?;
    }
    bar.end()?;
    Ok(import)
}

/// Does the next step of an import, if nobody else does. Returns the import as it is then.
async fn go_on(importer: &Importer, ports: &Ports, import: &Import) -> Result<Import, Failure> {
    match importer.step().await? {
        Some((_, Ok(()))) => {}
        Some((id, Err(fault))) if id == import.id => return Err(fault.into()),
        // Another process does this import, or another import failed.
        None | Some((_, Err(_))) => tokio::time::sleep(LOOK).await,
    }
    let gone = || Failure::Refused("the import is gone".to_owned());
    ports.imports.find(import.waitlist_id, import.id).await?.ok_or_else(gone)
}

/// A progress bar on a terminal.
struct Bar {
    is_shown: bool,
}

impl Bar {
    fn new() -> Self {
        Self { is_shown: std::io::stderr().is_terminal() }
    }

    fn show(&self, import: &Import) -> Result<(), Failure> {
        if !self.is_shown {
            return Ok(());
        }
        let total = Source::of(import).map_or(0, |source| source.plan.records).max(1);
        let read = import.numbers.read();
        let full = (read * WIDTH / total).min(WIDTH);
        let bar: String = (0..WIDTH).map(|n| if n < full { '#' } else { '.' }).collect();
        let mut out = std::io::stderr().lock();
        write!(out, "\r[{bar}] {read} of {total} rows, {}", import.step.as_str())?;
        Ok(out.flush()?)
    }

    fn end(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.is_shown) {
            writeln!(std::io::stderr().lock())?;
        }
        Ok(())
    }
}

/// Says what became of the import.
fn tell(import: &Import, mut problems: Vec<ImportProblem>, file: Option<&Path>) -> Result<(), Failure> {
    let mut lines = Vec::new();
    if let Some(Source { staged, plan, .. }) = Source::of(import) {
        let separator = plan.separator().map(|separator| format!(", separator {separator:?}")).unwrap_or_default();
        lines.push(format!("Format {}, {}{separator}.", plan.format.name(), staged.encoding.as_str()));
        let meaning = |field: Option<String>| field.unwrap_or_else(|| "not read".to_owned());
        lines.extend(plan.columns.iter().map(|column| format!("  {} -> {}", column.name, meaning(column.field()))));
    }
    let has_more = problems.len() > SHOWN;
    problems.truncate(SHOWN);
    for ImportProblem { line, column, reason } in problems {
        let column = if column.is_empty() { String::new() } else { format!(", {column}") };
        lines.push(format!("Line {line}{column}: {reason}"));
    }
    match file {
        Some(file) => lines.push(format!("All problems are in {}.", file.display())),
        None if has_more => {
            lines.push(format!("There are more problems: use --problems FILE, or GET …/imports/{}/problems.csv", import.id))
        }
        None => {}
    }
    let numbers = import.numbers;
    let what = if import.dry_run { "Would be" } else { "People" };
    lines.push(format!(
        "{what} added {}, updated {}, skipped {}, failed {}.",
        numbers.added, numbers.updated, numbers.skipped, numbers.failed
    ));
    print(&lines.join("\n"))?;
    match import.state {
        ImportState::Failed => Err(Failure::Refused(format!("the import failed: {}", import.error.as_deref().unwrap_or("no reason")))),
        ImportState::Cancelled => Err(Failure::Refused("the import was cancelled; what was added stays".to_owned())),
        _ if numbers.failed > 0 && numbers.failed == numbers.read() => Err(Failure::Refused("no row can be imported".to_owned())),
        _ => Ok(()),
    }
}
