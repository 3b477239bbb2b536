//! The journal: what was run, what is being run and what is to be run, in a database that survives its programs.
//!
//! Any number of processes use one journal at once. Whoever carries a run out holds a lock on a file of that run; a run
//! that is said to be running while its lock is free was interrupted.

mod batch;
mod browse;
mod change;
mod error;
mod history;
mod job;
mod lock;
mod paths;
#[doc(hidden)]
pub mod probe;
mod prune;
mod queue;
mod recorder;
mod schema;
#[cfg(test)]
mod tests;
mod types;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

pub use error::JournalError;
pub use job::{Job, JobOptions, SweepPart, SweepValue};
pub use prune::Retention;
pub use queue::Claim;
pub use recorder::{Recorder, WhenStopped};
pub use types::{
    ArtifactRecord, Cancelled, EventRecord, Extent, NodeCounts, NodeRecord, NodeState, Place, RunPage, RunQuery,
    RunState, RunStory, RunSummary,
};

use schema::Unusable;

/// How long one process waits for another to let go of the database. Nobody holds it for more than milliseconds, but a
/// machine may be asleep on its feet.
const PATIENCE: Duration = Duration::from_secs(10);

const FILE_NAME: &str = "journal.db";

/// What time it is.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The journal in one folder. Clones share it.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    file: PathBuf,
    setup: Setup,
    connection: Mutex<Opened>,
}

/// How a journal is opened.
#[derive(Clone)]
struct Setup {
    clock: Clock,
    read_only: bool,
    retention: Retention,
    /// For tests: run on every connection.
    pragmas: &'static str,
}

/// A connection, and which file it is of.
struct Opened {
    connection: Connection,
    identity: Option<Identity>,
}

impl Journal {
    /// Opens the journal in a folder for reading and writing; makes both if they are not there.
    ///
    /// # Errors
    /// The folder cannot be written to; the file is no journal, or a newer program's.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        Self::open_with_clock(folder, Arc::new(SystemTime::now))
    }

    /// Like [`Journal::open`], with another clock. Times are for people: no order depends on them.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_with_clock(folder: &Path, clock: Clock) -> Result<Self, JournalError> {
        Self::set_up(folder, Setup { clock, read_only: false, retention: Retention::default(), pragmas: "" })
    }

    /// Opens the journal in a folder to look at it; nothing if there is none yet. It need not be writable.
    ///
    /// # Errors
    /// It cannot be read; the file is no journal, or a newer program's.
    pub fn open_to_read(folder: &Path) -> Result<Option<Self>, JournalError> {
        if !folder.join(FILE_NAME).exists() {
            return Ok(None);
        }
        match Self::open(folder) {
            Err(JournalError::Storage { .. } | JournalError::File { .. }) => {}
            other => return other.map(Some),
        }
        let clock: Clock = Arc::new(SystemTime::now);
        Self::set_up(folder, Setup { clock, read_only: true, retention: Retention::default(), pragmas: "" }).map(Some)
    }

    fn set_up(folder: &Path, setup: Setup) -> Result<Self, JournalError> {
        let file = folder.join(FILE_NAME);
        if !setup.read_only {
            std::fs::create_dir_all(folder).map_err(|source| JournalError::File {
                action: "make the folder",
                path: folder.to_path_buf(),
                source,
            })?;
        }
        let connection = Mutex::new(open(folder, &file, &setup)?);
        Ok(Journal(Arc::new(Inner { folder: folder.to_path_buf(), file, setup, connection })))
    }

    /// The folder that it is in.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// One more connection to the same database.
    fn connect(&self) -> Result<Opened, JournalError> {
        open(&self.0.folder, &self.0.file, &self.0.setup)
    }

    /// Changes something, all or nothing.
    fn write<T>(&self, change: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, JournalError> {
        if self.0.setup.read_only {
            let path = self.0.file.clone();
            let hint = Some("make it writable, or name another folder with EASEL_STATE");
            return Err(JournalError::Storage { action: "written", path, reason: "it is read-only".into(), hint });
        }
        self.transact("written", TransactionBehavior::Immediate, change)
    }

    /// Looks at something as it is at one moment. Where that is allowed nobody changes anything meanwhile, not even locks.
    fn read<T>(&self, look: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, JournalError> {
        let behavior =
            if self.0.setup.read_only { TransactionBehavior::Deferred } else { TransactionBehavior::Immediate };
        self.transact("read", behavior, look)
    }

    fn transact<T>(
        &self,
        action: &'static str,
        behavior: TransactionBehavior,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, JournalError> {
        let mut opened = self.0.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody removed the file: writing on would be writing into nothing.
        if !self.0.setup.read_only && !opened.is_in_place(&self.0.file) {
            *opened = self.connect()?;
        }
        let whole = || {
            let transaction = opened.connection.transaction_with_behavior(behavior)?;
            let result = f(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        whole().map_err(|fault| self.error(action, fault))
    }

    fn error(&self, action: &'static str, fault: Fault) -> JournalError {
        match fault {
            Fault::Sqlite(error) => JournalError::storage(action, &self.0.file, &error),
            Fault::Journal(error) => error,
        }
    }

    /// Milliseconds since 1970.
    fn now(&self) -> i64 {
        let since = (self.0.setup.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// What can go wrong in the midst of a transaction.
#[derive(Debug)]
enum Fault {
    Sqlite(rusqlite::Error),
    Journal(JournalError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sqlite(error)
    }
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        Fault::Journal(error)
    }
}

impl Opened {
    /// Whether the file that is open is still the one that the path names.
    fn is_in_place(&self, file: &Path) -> bool {
        self.identity == Identity::of(file)
    }
}

/// Which file it is, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity(#[cfg(unix)] (u64, u64));

impl Identity {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;

        let metadata = std::fs::metadata(path).ok()?;
        Some(Identity((metadata.dev(), metadata.ino())))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Self> {
        path.exists().then_some(Identity())
    }
}

/// Opens the database; makes it, or brings it to today's version, if need be and allowed.
fn open(folder: &Path, file: &Path, setup: &Setup) -> Result<Opened, JournalError> {
    let action = if setup.read_only { "read" } else { "written" };
    let opened = if setup.read_only { open_to_read(file) } else { open_to_write(folder, file, setup) };
    opened.map_err(|unusable| match unusable {
        Unusable::Foreign(reason) => JournalError::NotAJournal { path: file.to_path_buf(), reason },
        Unusable::Newer { found, known } => JournalError::Newer { path: file.to_path_buf(), found, known },
        Unusable::Unmerged => JournalError::Storage {
            action,
            path: file.to_path_buf(),
            reason:
                "its newest entries lie in the `-wal` file beside it, and reading those takes writing in that folder"
                    .into(),
            hint: Some("copy the folder to where you may write, and name the copy with EASEL_STATE"),
        },
        Unusable::Sqlite(error) => JournalError::storage(action, file, &error),
    })
}

fn open_to_write(folder: &Path, file: &Path, setup: &Setup) -> Result<Opened, Unusable> {
    let begun = Instant::now();
    loop {
        // The first processes on a new journal get in each other's way in manners that SQLite's own patience does not cover.
        match try_open_to_write(folder, file, setup) {
            Err(Unusable::Sqlite(error)) if is_busy(&error) && begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn try_open_to_write(folder: &Path, file: &Path, setup: &Setup) -> Result<Opened, Unusable> {
    let mut connection = Connection::open_with_flags(file, OpenFlags::default() & !OpenFlags::SQLITE_OPEN_URI)?;
    connection.busy_timeout(PATIENCE)?;
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let current = schema::is_current(&connection, schema::MIGRATIONS)?;
    if !current || mode != "wal" {
        // One at a time.
        let _guard = SetupGuard::take(folder);
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        schema::migrate(&mut connection, schema::MIGRATIONS)?;
    }
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;")?;
    connection.execute_batch(setup.pragmas)?;
    connection.set_prepared_statement_cache_capacity(32);
    // A file that is read-only in a folder that is not could be opened so far, but never be written.
    if connection.is_readonly(rusqlite::MAIN_DB)? {
        return Err(Unusable::Sqlite(read_only_error()));
    }
    let identity = Identity::of(file);
    Ok(Opened { connection, identity })
}

fn read_only_error() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY), None)
}

/// In a folder that cannot be written to there is no way to share a journal with writers: it is read as if there were none,
/// which is then most likely true.
fn open_to_read(file: &Path) -> Result<Opened, Unusable> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let usual = Connection::open_with_flags(file, flags).and_then(|connection| {
        connection.busy_timeout(PATIENCE)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    });
    let connection = match usual {
        // The files beside it that readers and writers share cannot be made; which of the two SQLite says depends on why.
        Err(error) if matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)) => {
            if has_unmerged(file) {
                return Err(Unusable::Unmerged);
            }
            let path = file.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            let flags = flags | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(format!("file:{path}?immutable=1"), flags)?
        }
        other => other?,
    };
    if !schema::is_current(&connection, schema::MIGRATIONS)? {
        return Err(Unusable::Foreign("it is empty or older than this program, and cannot be changed".into()));
    }
    Ok(Opened { connection, identity: Identity::of(file) })
}

/// Whether there is more than what stands in the file itself: who reads only that gets an old history, and is not told.
fn has_unmerged(file: &Path) -> bool {
    let mut beside = file.as_os_str().to_owned();
    beside.push("-wal");
    std::fs::metadata(beside).is_ok_and(|metadata| metadata.len() > 0)
}

/// Held by the process that makes or changes the tables. Best effort: SQLite's own locks come after it.
struct SetupGuard {
    _file: Option<std::fs::File>,
}

impl SetupGuard {
    fn take(folder: &Path) -> Self {
        let open = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("setup.lock"));
        SetupGuard { _file: open.ok().filter(|file| file.lock().is_ok()) }
    }
}
