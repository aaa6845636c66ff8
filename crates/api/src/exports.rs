//! Exports: their slots, and a temporary file between the store and the reader of a reply.
//!
//! A reader may be slow, but an export reads one snapshot of the store, and a snapshot must not stay open for long. In PostgreSQL dead
//! rows pile up behind it, in SQLite the write-ahead log grows. So the store is copied at its own pace into a temporary file without a
//! name, and the reader gets the contents of the file at the reader's pace. A slow reader holds only a file and one of a few slots. A
//! reader that is too slow is cut off. On a read-only file system the file is made in the data directory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt, stream};
use rally_domain::error::Fault;
use rally_domain::id::WorkspaceId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::chain::chain;
use crate::http::error::{ApiError, Code};

/// The most exports at once in a process, and for one workspace.
const IN_ALL: usize = 4;
const PER_WORKSPACE: usize = 2;

/// A reader must take at least this many bytes in each window of this length, or it is cut off.
const LEAST: u64 = 1024 * 1024;
const WINDOW: Duration = Duration::from_secs(30);

/// The most bytes that are read from the file at once.
const PIECE: u64 = 256 * 1024;

/// How often Rally checks whether a reader takes enough.
const LOOK: Duration = Duration::from_secs(1);

/// The slots for exports.
#[derive(Clone, Default)]
pub struct Exports {
    taken: Arc<Mutex<HashMap<WorkspaceId, usize>>>,
    /// Where the temporary files are made if the directory of the system for them takes none.
    data_dir: PathBuf,
}

/// The slot of one export. It is free again when this value is dropped.
pub struct Slot {
    exports: Exports,
    workspace: WorkspaceId,
}

impl Exports {
    /// Makes the slots of a process. If the directory for temporary files takes none, they are made in the data directory.
    pub fn new(data_dir: PathBuf) -> Self {
        Self { taken: Arc::default(), data_dir }
    }

    /// Makes a temporary file that has no name.
    ///
    /// # Errors
    /// If neither the directory for temporary files nor the data directory takes one.
    pub fn file(&self) -> io::Result<File> {
        tempfile::tempfile().or_else(|error| tempfile::tempfile_in(&self.data_dir).map_err(|_| error))
    }

    /// Takes a slot for a workspace. Returns `None` if the workspace has its share, or all slots are taken.
    pub fn take(&self, workspace: WorkspaceId) -> Option<Slot> {
        let mut taken = self.taken();
        let (all, mine) = (taken.values().sum::<usize>(), taken.get(&workspace).copied().unwrap_or(0));
        if all >= IN_ALL || mine >= PER_WORKSPACE {
            return None;
        }
        taken.insert(workspace, mine + 1);
        drop(taken);
        Some(Slot { exports: self.clone(), workspace })
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, HashMap<WorkspaceId, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.exports.taken();
        match taken.get_mut(&self.workspace) {
            Some(places) if *places > 1 => *places -= 1,
            _ => drop(taken.remove(&self.workspace)),
        }
    }
}

/// The seconds after which a client should ask for a slot again.
const RETRY_AFTER: u64 = 10;

/// The refusal of an export that gets no slot.
pub fn too_many() -> ApiError {
    ApiError { retry_after: Some(RETRY_AFTER), ..ApiError::new(Code::ServiceUnavailable, "too many exports are running") }
}

/// How much of the file was written.
#[derive(Debug, Clone, Copy)]
enum Written {
    Until(u64),
    /// The file is complete.
    Whole(u64),
    /// The store or the file failed.
    Broken,
}

/// The resources of a reader, until it has read everything or is cut off.
struct Open {
    file: Arc<File>,
    progress: watch::Receiver<Written>,
    _slot: Slot,
}

/// The state of a reader.
struct Reader {
    open: Option<Open>,
    read: u64,
    /// How much time the reader has had in the current window, and how many bytes it took.
    window: Duration,
    taken: u64,
    /// When the last piece was handed over, if the reader has not asked for the next one.
    handed: Option<Instant>,
}

/// Why a reply ends early.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The store or the file failed. The cause was logged.
    #[error("the export ended too early")]
    Store,
    /// The reader took too little.
    #[error("the reader was too slow")]
    Slow,
    /// The temporary file could not be read.
    #[error("the temporary file of an export: {0}")]
    File(#[from] io::Error),
}

/// Writes pieces into a temporary file as fast as they come, and returns a stream that reads them at the reader's pace. If the pieces
/// end with a fault, the stream ends with an error.
///
/// # Errors
/// Fails if no temporary file can be created.
pub fn spool<S>(pieces: S, slot: Slot) -> io::Result<impl Stream<Item = Result<Bytes, Broken>>>
where
    S: Stream<Item = Result<Bytes, Fault>> + Send + 'static,
{
    let file = Arc::new(slot.exports.file()?);
    let (written, progress) = watch::channel(Written::Until(0));
    tokio::spawn(write(Box::pin(pieces), file.clone(), written));
    let open = Open { file, progress, _slot: slot };
    let reader = Arc::new(Mutex::new(Reader { open: Some(open), read: 0, window: Duration::ZERO, taken: 0, handed: None }));
    tokio::spawn(watch_over(Arc::downgrade(&reader)));
    Ok(stream::unfold(Some(reader), |reader| async move {
        let reader = reader?;
        match next(&reader).await {
            Ok(Some(piece)) => Some((Ok(piece), Some(reader))),
            Ok(None) => None,
            Err(broken) => {
                tracing::warn!(cause = %broken, "an export was not read to the end");
                Some((Err(broken), None))
            }
        }
    }))
}

/// Writes the file until the pieces end, or nobody reads the file any more.
async fn write<S>(mut pieces: S, file: Arc<File>, written: watch::Sender<Written>)
where
    S: Stream<Item = Result<Bytes, Fault>> + Send + Unpin,
{
    let mut length = 0;
    loop {
        let piece = tokio::select! {
            piece = pieces.next() => piece,
            () = written.closed() => return,
        };
        let piece = match piece {
            Some(Ok(piece)) => piece,
            Some(Err(fault)) => {
                tracing::error!(cause = %chain(&fault), "the store failed during an export");
                return written.send(Written::Broken).unwrap_or_default();
            }
            None => return written.send(Written::Whole(length)).unwrap_or_default(),
        };
        length += piece.len() as u64;
        let target = file.clone();
        let outcome = tokio::task::spawn_blocking(move || (&*target).write_all(&piece)).await.map_err(io::Error::other).flatten();
        if let Err(error) = outcome {
            tracing::error!(%error, "the temporary file of an export cannot be written: see TMPDIR");
            return written.send(Written::Broken).unwrap_or_default();
        }
        if written.send(Written::Until(length)).is_err() {
            return;
        }
    }
}

/// Returns the next piece, or `None` at the end.
async fn next(reader: &Mutex<Reader>) -> Result<Option<Bytes>, Broken> {
    let (file, mut progress, read) = lock(reader).ask()?;
    let until = loop {
        let now = *progress.borrow_and_update();
        match now {
            Written::Until(length) | Written::Whole(length) if length > read => break length,
            Written::Whole(_) => return Ok(None),
            Written::Broken => return Err(Broken::Store),
            Written::Until(_) => progress.changed().await.map_err(|_| Broken::Store)?,
        }
    };
    let size = usize::try_from((until - read).min(PIECE)).map_err(io::Error::other)?;
    let piece = tokio::task::spawn_blocking(move || {
        let mut piece = vec![0; size];
        file.read_exact_at(&mut piece, read).map(|()| Bytes::from(piece))
    });
    let piece = piece.await.map_err(io::Error::other).flatten()?;
    lock(reader).hand_over(piece.len() as u64);
    Ok(Some(piece))
}

impl Reader {
    /// The reader asks for the next piece.
    fn ask(&mut self) -> Result<(Arc<File>, watch::Receiver<Written>, u64), Broken> {
        self.judge();
        self.handed = None;
        let open = self.open.as_ref().ok_or(Broken::Slow)?;
        Ok((open.file.clone(), open.progress.clone(), self.read))
    }

    fn hand_over(&mut self, bytes: u64) {
        self.read += bytes;
        self.taken += bytes;
        self.handed = Some(Instant::now());
    }

    /// Adds the time since the last piece was handed over. If a window has ended in which the reader took too little, cuts it off.
    fn judge(&mut self) {
        let Some(handed) = self.handed.replace(Instant::now()) else { return };
        self.window += handed.elapsed();
        if self.window < WINDOW {
            return;
        }
        if self.taken < LEAST {
            self.open = None;
        }
        (self.window, self.taken) = (Duration::ZERO, 0);
    }
}

/// Cuts off a reader that asks for nothing any more. No request of the reader would do it.
async fn watch_over(reader: std::sync::Weak<Mutex<Reader>>) {
    loop {
        sleep(LOOK).await;
        let Some(reader) = reader.upgrade() else { return };
        let mut reader = lock(&reader);
        reader.judge();
        if reader.open.is_none() {
            return;
        }
    }
}

fn lock(reader: &Mutex<Reader>) -> std::sync::MutexGuard<'_, Reader> {
    reader.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use uuid::Uuid;

    use super::*;

    /// Longer than anything here takes.
    const LONG: Duration = Duration::from_secs(30);

    fn workspace(n: u128) -> WorkspaceId {
        WorkspaceId::new(Uuid::from_u128(n))
    }

    /// Pieces of a size, and the number of pieces that were taken.
    fn pieces(number: usize, size: usize) -> (impl Stream<Item = Result<Bytes, Fault>> + Send + 'static, Arc<AtomicUsize>) {
        let taken = Arc::new(AtomicUsize::new(0));
        let count = taken.clone();
        let piece = move |n: usize| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Bytes::from(vec![n as u8; size]))
        };
        (stream::iter(0..number).map(piece), taken)
    }

    #[test]
    fn a_workspace_has_its_slots_and_all_have_a_few() {
        let exports = Exports::default();
        let first = exports.take(workspace(1));
        let _second = exports.take(workspace(1)).unwrap();
        assert!(first.is_some() && exports.take(workspace(1)).is_none());
        let _third = exports.take(workspace(2)).unwrap();
        let _fourth = exports.take(workspace(3)).unwrap();
        assert!(exports.take(workspace(4)).is_none());
        drop(first);
        assert!(exports.take(workspace(1)).is_some());
        assert!(exports.taken().len() == 3, "what was given back is forgotten");
    }

    #[tokio::test]
    async fn everything_is_given_in_its_order() {
        let (pieces, _) = pieces(100, 10_000);
        let reply = spool(pieces, Exports::default().take(workspace(1)).unwrap()).unwrap();
        let given: Vec<u8> = pin!(reply).map(|piece| piece.unwrap().to_vec()).concat().await;
        let expected: Vec<u8> = (0..100_u8).flat_map(|n| vec![n; 10_000]).collect();
        assert!(given == expected);
    }

    /// The store is read to the end even if the reader reads nothing.
    #[tokio::test]
    async fn a_reader_that_stops_holds_nothing_of_the_store() {
        let (pieces, taken) = pieces(1000, 1000);
        let reply = spool(pieces, Exports::default().take(workspace(1)).unwrap()).unwrap();
        let all_taken = async {
            while taken.load(Ordering::SeqCst) < 1000 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, all_taken).await.expect("the store is read to its end");
        drop(reply);
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_ends_it() {
        let exports = Exports::default();
        let endless = stream::repeat_with(|| Ok(Bytes::from_static(b"x"))).chain(stream::pending());
        let held = Arc::new(());
        let alive = Arc::downgrade(&held);
        let reply = spool(
            endless.map(move |piece| {
                let _held = &held;
                piece
            }),
            exports.take(workspace(1)).unwrap(),
        )
        .unwrap();
        drop(reply);
        let ended = async {
            while alive.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, ended).await.expect("nobody goes on without a reader");
        assert!(exports.taken().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_too_little_is_cut_off() {
        let exports = Exports::default();
        let (pieces, _) = pieces(100, 100_000);
        let mut reply = pin!(spool(pieces, exports.take(workspace(1)).unwrap()).unwrap());
        // One piece per second is enough.
        for _ in 0..20 {
            assert!(reply.next().await.unwrap().is_ok());
            sleep(Duration::from_secs(1)).await;
        }
        // Nothing at all is too little. The slot becomes free although the reader does not ask again.
        sleep(WINDOW + WINDOW + LOOK).await;
        assert!(exports.taken().is_empty());
        assert!(matches!(reply.next().await, Some(Err(Broken::Slow))));
        assert!(reply.next().await.is_none());
    }

    #[tokio::test]
    async fn what_breaks_off_ends_with_an_error() {
        let broken = stream::iter([Ok(Bytes::from_static(b"a")), Err(Fault::unavailable("gone"))]);
        let reply = spool(broken, Exports::default().take(workspace(1)).unwrap()).unwrap();
        let given: Vec<_> = pin!(reply).collect().await;
        assert!(matches!(given.last(), Some(Err(Broken::Store))), "{given:?}");
    }
}
