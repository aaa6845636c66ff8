//! Stages the bytes of a file in the store, piece by piece, while the file is read for the first time.

use std::time::Duration;

use rally_domain::actor::Actor;
use rally_domain::error::Fault;
use rally_domain::import::Import;
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use rally_intake::{MAX_BYTES, Plan, PlanError, Staged, Staging, StagingError, Survey};
use tokio::time::{Instant, sleep};

use super::order::{mapped, questions};
use super::{ImportOrder, LEASE, PIECE, Source};

/// How often the lease of an upload is prolonged while bytes arrive. They arrive every 30 s at least.
const BEAT: Duration = Duration::from_secs(20);

/// How often an export that has arrived asks whether everything that was deleted is purged, and how long it waits in between.
const PATIENCE: u32 = 50;
const LOOK: Duration = Duration::from_millis(100);

/// A file that arrives.
pub struct Upload {
    ports: Ports,
    import: Import,
    staging: Staging,
    survey: Survey,
    /// The columns that the caller mapped.
    mapped: Vec<(String, String)>,
    /// Staged text that fills no piece yet.
    text: Vec<u8>,
    next: u64,
    /// How many bytes were sent.
    sent: u64,
    /// When the lease was prolonged last.
    held_at: Instant,
}

/// Why a file was not staged.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The bytes cannot be staged.
    #[error(transparent)]
    Staging(#[from] StagingError),
    /// The file cannot be imported, as its beginning shows.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The import ended before the file had arrived.
    #[error("the import was ended before its file had arrived")]
    Ended,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Upload {
    /// Begins an import into a list.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn begin(ports: &Ports, actor: &Actor, waitlist: &Waitlist, order: ImportOrder) -> Result<Self, Fault> {
        let import = order.import(ports, actor, waitlist);
        ports.imports.begin(import.clone(), ports.clock.now().plus(LEASE)).await?;
        let mapped = mapped(&order.mapping);
        let survey = Survey::new(order.format, order.mapping).asking(questions(waitlist));
        Ok(Self {
            ports: ports.clone(),
            import,
            staging: Staging::new(),
            survey,
            mapped,
            text: Vec::new(),
            next: 0,
            sent: 0,
            held_at: Instant::now(),
        })
    }

    /// Takes bytes of the file.
    ///
    /// # Errors
    /// If they cannot be staged, or show that the file cannot be imported. Then the upload is over.
    pub async fn take(&mut self, mut bytes: &[u8]) -> Result<(), UploadError> {
        self.sent += bytes.len() as u64;
        if self.sent > MAX_BYTES {
            return Err(StagingError::TooLarge(MAX_BYTES).into());
        }
        while !bytes.is_empty() {
            let begin = self.text.len();
            let taken = self.staging.push(bytes, &mut self.text)?;
            self.survey.push(&self.text[begin..]);
            self.survey.refused().map_or(Ok(()), Err)?;
            bytes = &bytes[taken..];
            self.put_pieces(PIECE).await?;
        }
        // A file that arrives slowly fills no piece before its lease ends.
        if self.held_at.elapsed() < BEAT {
            return Ok(());
        }
        self.held_at = Instant::now();
        let prolonged = self.ports.imports.prolong(self.import.id, self.ports.clock.now().plus(LEASE)).await?;
        if prolonged { Ok(()) } else { Err(UploadError::Ended) }
    }

    /// Ends the file.
    ///
    /// # Errors
    /// If the bytes cannot be staged, or the store fails.
    pub async fn end(mut self) -> Result<Arrived, UploadError> {
        let begin = self.text.len();
        let staged = self.staging.finish(&mut self.text)?;
        self.survey.push(&self.text[begin..]);
        let (survey, mapped, ports, import) = (self.survey, self.mapped, self.ports, self.import);
        let mut rest = Rest { ports: &ports, import: &import, text: self.text, next: self.next };
        rest.put_pieces(1).await?;
        let plan = survey.finish(&staged);
        Ok(Arrived { ports, import, staged, plan, mapped })
    }

    /// Gives the upload up, so that a worker deletes what was staged.
    ///
    /// # Errors
    /// If the store fails. Then a worker finds the upload later.
    pub async fn give_up(self, reason: &str) -> Result<(), Fault> {
        let given_up = self.ports.imports.arrive(self.import.id, Err(reason.to_owned()), self.ports.clock.now());
        given_up.await.map(|_| ())
    }

    async fn put_pieces(&mut self, least: usize) -> Result<(), UploadError> {
        let text = std::mem::take(&mut self.text);
        let mut rest = Rest { ports: &self.ports, import: &self.import, text, next: self.next };
        rest.put_pieces(least).await?;
        (self.text, self.next) = (rest.text, rest.next);
        Ok(())
    }
}

/// A file that has arrived whole.
pub struct Arrived {
    ports: Ports,
    import: Import,
    staged: Staged,
    plan: Result<Plan, PlanError>,
    mapped: Vec<(String, String)>,
}

impl Arrived {
    /// Whether the file is an export, which becomes a whole list with its settings and variants.
    pub fn is_export(&self) -> bool {
        self.plan.as_ref().is_ok_and(|plan| plan.is_export)
    }

    /// Whether somebody is on the list.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn has_people(&self) -> Result<bool, Fault> {
        Ok(self.ports.stats.count(self.import.waitlist_id).await? > 0)
    }

    /// Lets the import wait for a worker. It fails if the file cannot be read.
    ///
    /// # Errors
    /// If the import has ended, or the store fails.
    pub async fn queue(self) -> Result<Import, UploadError> {
        if self.is_export() {
            self.await_purges().await?;
        }
        let source = match self.plan {
            Ok(plan) => Ok(serde_json::to_string(&Source { staged: self.staged, plan, mapped: self.mapped }).map_err(Fault::unexpected)?),
            Err(error) => Err(error.to_string()),
        };
        self.ports.imports.arrive(self.import.id, source, self.ports.clock.now()).await?.ok_or(UploadError::Ended)
    }

    /// Waits a moment until what was deleted is purged. Only then the codes of a deleted list are free, and the import keeps them.
    async fn await_purges(&self) -> Result<(), Fault> {
        for _ in 0..PATIENCE {
            if self.ports.purges.backlog().await? == 0 {
                break;
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Gives the import up, so that a worker deletes what was staged.
    ///
    /// # Errors
    /// If the store fails. Then a worker finds the file later.
    pub async fn give_up(self, reason: &str) -> Result<(), Fault> {
        self.ports.imports.arrive(self.import.id, Err(reason.to_owned()), self.ports.clock.now()).await.map(|_| ())
    }
}

/// Staged text that is not in the store yet.
struct Rest<'a> {
    ports: &'a Ports,
    import: &'a Import,
    text: Vec<u8>,
    next: u64,
}

impl Rest<'_> {
    /// Puts pieces into the store as long as the text has that many bytes.
    async fn put_pieces(&mut self, least: usize) -> Result<(), UploadError> {
        while self.text.len() >= least {
            let rest = self.text.split_off(self.text.len().min(PIECE));
            let piece = std::mem::replace(&mut self.text, rest);
            let lease_until = self.ports.clock.now().plus(LEASE);
            if !self.ports.imports.put_piece(self.import.id, self.next, piece, lease_until).await? {
                return Err(UploadError::Ended);
            }
            self.next += 1;
        }
        Ok(())
    }
}
