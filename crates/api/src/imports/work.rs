//! The worker of imports. Each step claims the oldest import that has work left, and does a group of it. What a killed process has left is
//! done by the next step of any process, once the lease has ended.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rally_domain::command::{ImportWork, RowIds, StageRows};
use rally_domain::error::{CommandError, Fault, FieldError};
use rally_domain::export::Line;
use rally_domain::id::{ClaimId, ImportId};
use rally_domain::import::{Import, ImportProblem, ImportRow, ImportStep, ReferrerName, RestoreContent, RestoreItem};
use rally_domain::port::Ports;
use rally_domain::profile::Profile;
use rally_intake::{Confirmed, Content, Format, Mark, Problem, Reader, ReferrerKey, Row};
use time::Duration;

use super::{LEASE, PIECE, Source};
use crate::chain::chain;
use crate::worker::without_panic;

/// The most rows of a group. Sign-ups wait for a group that is written.
const GROUP: usize = 250;

/// How many rows, and how many pieces of a file, are read in a step.
const READ_ROWS: usize = 2000;
const READ_PIECES: u64 = 8;

/// How often an import is tried that fails in the server unexpectedly. Then the worker gives it up.
const TRIES: u32 = 3;

/// Does the imports of a process.
pub struct Importer {
    ports: Ports,
    state: Mutex<State>,
}

struct State {
    claim: ClaimId,
    /// How often imports failed unexpectedly, one time after the other.
    failures: HashMap<ImportId, u32>,
}

/// An import that a step was about, and how the step ended.
pub type Worked = (ImportId, Result<(), Fault>);

impl Importer {
    /// Makes the worker of a process.
    pub fn new(ports: &Ports) -> Self {
        let state = State { claim: ClaimId::new(ports.ids.uuid()), failures: HashMap::new() };
        Self { state: Mutex::new(state), ports: ports.clone() }
    }

    /// Does the next group of the oldest import. `None` means that nothing is left. An import that failed unexpectedly is tried again when
    /// its lease has ended, so that others come first meanwhile. After some tries it ends.
    ///
    /// # Errors
    /// If the store fails. The next step tries again.
    pub async fn step(&self) -> Result<Option<Worked>, Fault> {
        let (claim, now) = (self.locked().claim, self.ports.clock.now());
        let Some(import) = self.ports.imports.claim(claim, now, now.plus(LEASE)).await? else { return Ok(None) };
        let gives_up = self.locked().failures.get(&import.id).is_some_and(|failures| *failures >= TRIES);
        let worked = without_panic(async {
            match import.step {
                ImportStep::Read if !gives_up => self.read(&import, claim).await,
                _ => self.work(&import, claim, gives_up).await,
            }
        });
        let worked = worked.await;
        let mut state = self.locked();
        if let Err(fault @ Fault::Unexpected(_)) = &worked {
            let id = import.id;
            tracing::error!(import = %id, cause = %chain(fault), "an import cannot go on; it is tried again in a minute, three times in all");
            *state.failures.entry(import.id).or_default() += 1;
            // The next step does not find what an old claim holds.
            state.claim = ClaimId::new(self.ports.ids.uuid());
        } else {
            state.failures.remove(&import.id);
        }
        drop(state);
        Ok(Some((import.id, worked)))
    }

    /// Lets go of an import that is under way, so that any process can go on with it at once.
    ///
    /// # Errors
    /// If the store fails. Then its lease ends by itself.
    pub async fn let_go(&self) -> Result<(), Fault> {
        let (claim, now) = (self.locked().claim, self.ports.clock.now());
        // A lease that has ended holds nothing.
        self.ports.imports.claim(claim, now, now.plus(-Duration::MILLISECOND)).await.map(|_| ())
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads rows from the file and stages them.
    async fn read(&self, import: &Import, claim: ClaimId) -> Result<(), Fault> {
        let source = Source::of(import).ok_or_else(|| Fault::unexpected("an import has no readable source"))?;
        let (end, start) = (source.staged.bytes, source.plan.start);
        let [offset, line, _] = import.mark;
        let mark = if import.mark == Import::FIRST { start } else { Mark { offset: offset.unsigned_abs(), line: line.unsigned_abs() } };
        let next = if source.plan.is_export { ImportStep::Restore } else { ImportStep::Add };
        let has_counts = source.plan.columns.iter().any(|column| column.field().as_deref() == Some("referral_count"));
        let limits_credits = source.plan.format == Format::rally() && has_counts;
        let reader = Reader::resume(source.plan, mark);
        let mut batch = Batch {
            reader,
            rows: Vec::new(),
            lines: Vec::new(),
            problems: Vec::new(),
            failed_before: import.numbers.failed,
            failed: 0,
            limits_credits,
        };
        let (size, mut number) = (PIECE as u64, mark.offset / PIECE as u64);
        let mut skip = usize::try_from(mark.offset % size).map_err(Fault::unexpected)?;
        let (first, mut is_end) = (number, false);
        while !is_end && (batch.is_empty() || (batch.len() < READ_ROWS && number < first + READ_PIECES)) {
            is_end = number * size >= end;
            if is_end {
                batch.reader.end();
            } else {
                let piece = self.ports.imports.piece(import.id, number).await?;
                let piece = piece.ok_or_else(|| Fault::unexpected("a piece of the file of an import is missing"))?;
                batch.reader.push(&piece[skip.min(piece.len())..]);
                (number, skip) = (number + 1, 0);
            }
            batch.drain();
        }
        let (mark, now) = (batch.reader.mark(), self.ports.clock.now());
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let stage = StageRows {
            import_id: import.id,
            claim,
            now,
            lease_until: now.plus(LEASE),
            rows: batch.rows,
            lines: batch.lines,
            problems: batch.problems,
            failed: batch.failed,
            mark: [number(mark.offset), number(mark.line), 0],
            first_piece: if is_end { u64::MAX } else { mark.offset / size },
            next: is_end.then_some(next),
        };
        self.ports.imports.stage(stage).await.map(|_| ())
    }

    /// Does a group of another step, or ends the import.
    async fn work(&self, import: &Import, claim: ClaimId, gives_up: bool) -> Result<(), Fault> {
        let now = self.ports.clock.now();
        let work = ImportWork {
            import_id: import.id,
            waitlist_id: import.waitlist_id,
            claim,
            now,
            lease_until: now.plus(LEASE),
            gives_up,
            fresh: (0..GROUP).map(|_| RowIds::new(&*self.ports.ids)).collect(),
            links: self.ports.links.clone(),
        };
        match self.ports.imports.work(work).await {
            Ok(_) => Ok(()),
            // The next step draws other codes.
            Err(CommandError::Rejected(_)) => Ok(()),
            Err(CommandError::Fault(fault)) => Err(fault),
        }
    }
}

/// The most records that cannot be read whose problems are listed. A problem takes many times as much room as the record of a junk file.
const MOST_LISTED: u64 = 100_000;

/// What was read from a file in a step.
struct Batch {
    reader: Reader,
    rows: Vec<ImportRow>,
    lines: Vec<RestoreItem>,
    problems: Vec<ImportProblem>,
    /// How many records have failed before this step.
    failed_before: u64,
    failed: u64,
    /// Whether the file is of a list of Rally, and says how many referrals count there.
    limits_credits: bool,
}

impl Batch {
    fn len(&self) -> usize {
        self.rows.len() + self.lines.len() + self.problems.len().max(usize::try_from(self.failed).unwrap_or(usize::MAX))
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn drain(&mut self) {
        while let Some(record) = self.reader.take() {
            match record.content {
                Ok(Content::Row(row)) => self.rows.push(staged_row(record.line, *row, self.limits_credits)),
                Ok(Content::Line(line)) => self.take_line(record.line, *line),
                Err(problems) => self.fail(problems),
            }
        }
    }

    /// Takes a line of an export. The first and the last one tell nothing of the list.
    fn take_line(&mut self, line: u64, content: Line) {
        match content.check() {
            Ok(()) if matches!(content, Line::Export(_) | Line::End(_)) => {}
            Ok(()) => self.lines.push(RestoreItem { line, content: RestoreContent::Line(content) }),
            Err(FieldError { field, message }) => self.fail(vec![Problem::new(line, field, message)]),
        }
    }

    fn fail(&mut self, problems: Vec<Problem>) {
        self.failed += 1;
        let listed = listed(self.failed_before + self.failed, problems);
        self.problems.extend(listed.into_iter().map(|Problem { line, column, reason }| ImportProblem { line, column, reason }));
    }
}

/// Those problems of the record that is the `number`-th to fail which are kept.
fn listed(number: u64, problems: Vec<Problem>) -> Vec<Problem> {
    if number <= MOST_LISTED {
        return problems;
    }
    let rest = "further records that cannot be read are counted and not listed";
    let first_left_out = problems.first().filter(|_| number == MOST_LISTED + 1);
    first_left_out.map(|problem| Problem::new(problem.line, "", rest)).into_iter().collect()
}

fn staged_row(line: u64, row: Row, limits_credits: bool) -> ImportRow {
    let name = row.person_name();
    ImportRow {
        line,
        place: row.place.unwrap_or(u64::MAX),
        has_name: row.name.is_some(),
        profile: Profile {
            email: row.email,
            name,
            interest: row.interest,
            referrer: row.referrer,
            locale: row.locale,
            metadata: row.metadata,
            consent: None,
        },
        status: row.status,
        suppressed: row.suppressed,
        created_at: row.created_at,
        confirmed_at: match row.confirmed {
            Confirmed::No => None,
            Confirmed::Sometime => Some(None),
            Confirmed::At(at) => Some(Some(at)),
        },
        old_code: row.referral_code,
        referrer: row.referred_by.map(|key| match key {
            ReferrerKey::Code(code) => ReferrerName::Code(code),
            ReferrerKey::Address(address) => ReferrerName::Address(address.to_string()),
            ReferrerKey::Id(id) => ReferrerName::Row(id),
        }),
        referral_count: row.referral_count,
        limits_credits,
        row_id: row.id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_junk_file_lists_so_many_problems_and_says_so() {
        let problems = || vec![Problem::new(7, "email", "is no address"), Problem::new(7, "name", "is too long")];
        assert_eq!(listed(MOST_LISTED, problems()).len(), 2);
        let last = listed(MOST_LISTED + 1, problems());
        assert_eq!((last.len(), last[0].line, last[0].column.as_str()), (1, 7, ""));
        assert!(last[0].reason.contains("not listed"));
        assert_eq!(listed(MOST_LISTED + 2, problems()).len(), 0);
    }
}
