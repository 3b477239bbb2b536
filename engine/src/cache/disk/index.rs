//! The database of what is on disk: which entry is under which key, and which blobs it names.
//!
//! It is in WAL mode, so that readers and the writer do not wait for each other, with `synchronous=NORMAL`: a crash of
//! the process loses nothing that was committed, and a loss of power loses the last transactions but never tears the
//! database. `OFF` would save the one fsync per checkpoint, on a background thread, for the risk of losing everything.
//!
//! Files of blobs get their names and lose them only while the writer's lock of the database is held. So no process
//! removes a file that another has just named.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::files::{self, Folder, Temporary};
use crate::cache::problem::Trouble;
use crate::cache::score;
use crate::value::Fingerprint;

pub(super) type Result<T> = std::result::Result<T, rusqlite::Error>;

/// Says that a database is one of ours: "EASL".
const APPLICATION: i64 = 0x4541_534c;
/// Of the tables. A program leaves a database alone whose version is higher than its own.
pub(super) const VERSION: i64 = 1;

const SCHEMA: &str = include_str!("schema.sql");

/// One connection to the database.
pub(super) struct Index {
    connection: Connection,
}

/// The content of a blob.
pub(super) enum Content {
    Inline(Vec<u8>),
    /// In a file, of so many bytes.
    File(u64),
}

/// An entry that is to be kept.
pub(super) struct NewEntry<'a> {
    pub(super) key: Fingerprint,
    pub(super) record: &'a [u8],
    pub(super) node_type: &'a str,
    /// With its values.
    pub(super) bytes: u64,
    pub(super) cost: Duration,
}

/// Statements that belong together. Files that lost their names are removed after it is committed.
pub(super) struct Change<'a> {
    transaction: Transaction<'a>,
    folder: &'a Folder,
    unnamed: Vec<Fingerprint>,
    /// The number of the last use, once one was counted.
    uses: Cell<Option<i64>>,
}

impl Index {
    /// Opens the database; makes it if it is not there.
    pub(super) fn open(folder: &Folder, busy_timeout: Duration) -> Result<Self> {
        let connection = Connection::open(folder.index())?;
        connection.busy_timeout(busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        let mut index = Index { connection };
        if index.pragma("user_version")? == 0 {
            index.create()?;
        }
        index.connection.pragma_update(None, "synchronous", "NORMAL")?;
        Ok(index)
    }

    /// Another process may do the same at the same time: one of them finds it done.
    fn create(&mut self) -> Result<()> {
        // Neither can be changed in a transaction. Space that is given back is given back to the system.
        self.connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version == 0 {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        transaction.commit()
    }

    fn pragma(&self, name: &str) -> Result<i64> {
        self.connection.pragma_query_value(None, name, |row| row.get(0))
    }

    /// The version of the tables; none if the database is not ours.
    pub(super) fn version(&self) -> Result<Option<i64>> {
        let version = self.pragma("user_version")?;
        Ok((self.pragma("application_id")? == APPLICATION).then_some(version))
    }

    /// What SQLite itself finds wrong; reads everything.
    pub(super) fn check(&self) -> Result<Option<String>> {
        let found: String = self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        Ok((found != "ok").then_some(found))
    }

    /// The record of an entry, not yet checked.
    pub(super) fn record(&self, key: &Fingerprint) -> Result<Option<Vec<u8>>> {
        let mut statement = self.connection.prepare_cached("SELECT record FROM entries WHERE key = ?1")?;
        statement.query_row([&key.0], |row| row.get(0)).optional()
    }

    /// Whether there is an entry under a key.
    pub(super) fn has_entry(&self, key: &Fingerprint) -> Result<bool> {
        self.connection.prepare_cached("SELECT 1 FROM entries WHERE key = ?1")?.exists([&key.0])
    }

    /// The content of a blob, not yet checked.
    pub(super) fn blob(&self, fingerprint: &Fingerprint) -> Result<Option<Content>> {
        let mut statement =
            self.connection.prepare_cached("SELECT bytes, content FROM blobs WHERE fingerprint = ?1")?;
        statement.query_row([&fingerprint.0], content).optional()
    }

    /// Rows of a query, all at once.
    pub(super) fn rows<T>(
        &self,
        query: &str,
        parameters: impl rusqlite::Params,
        one: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.connection.prepare_cached(query)?.query_map(parameters, one)?.collect()
    }

    /// Bytes of all entries and blobs.
    pub(super) fn bytes(&self) -> Result<u64> {
        let bytes: i64 = self.connection.query_row("SELECT bytes FROM totals", [], |row| row.get(0))?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    /// When files without names were last looked for; none if that is in the future.
    pub(super) fn last_sweep(&self) -> Result<Option<Duration>> {
        let at: i64 = self.connection.query_row("SELECT swept_at FROM totals", [], |row| row.get(0))?;
        let age = now().checked_sub(at).and_then(|age| u64::try_from(age).ok());
        Ok(age.map(Duration::from_secs))
    }

    /// Takes the writer's lock. Each attempt waits for as long as the connection's timeout is.
    fn begin(&self) -> Result<Transaction<'_>> {
        const ATTEMPTS: usize = 3;
        let attempt = || Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate);
        for _ in 1..ATTEMPTS {
            match attempt() {
                Err(error) if Trouble::of(&error) == Trouble::Busy => {}
                done => return done,
            }
        }
        attempt()
    }

    /// Whether a blob is there as a whole, as far as can be seen without reading it.
    pub(super) fn has_blob(&self, folder: &Folder, fingerprint: &Fingerprint) -> Result<bool> {
        Ok(find_blob(&self.connection, folder, fingerprint)?.is_some_and(|(_, is_whole)| is_whole))
    }

    /// Carries out `work` as one transaction, then removes the files whose names are gone.
    pub(super) fn change<T>(&self, folder: &Folder, work: impl FnOnce(&mut Change<'_>) -> Result<T>) -> Result<T> {
        let mut change = Change { transaction: self.begin()?, folder, unnamed: Vec::new(), uses: Cell::new(None) };
        let result = work(&mut change)?;
        let unnamed = std::mem::take(&mut change.unnamed);
        if let Some(uses) = change.uses.get() {
            change.transaction.prepare_cached("UPDATE totals SET uses = ?1")?.execute([uses])?;
        }
        change.transaction.commit()?;
        if !unnamed.is_empty() {
            self.remove_unnamed(unnamed.iter().map(|fingerprint| (*fingerprint, folder.blob(fingerprint))))?;
        }
        Ok(result)
    }

    /// Removes those files of blobs that have no name, while nobody can give them one; how many. Doing so after the
    /// names are gone for good leaves, at worst, files that nobody names, and never names without files.
    pub(super) fn remove_unnamed(
        &self,
        found: impl Iterator<Item = (Fingerprint, std::path::PathBuf)>,
    ) -> Result<usize> {
        let transaction = self.begin()?;
        let mut removed = 0;
        {
            let mut statement =
                transaction.prepare_cached("SELECT 1 FROM blobs WHERE fingerprint = ?1 AND content IS NULL")?;
            for (fingerprint, path) in found {
                if !statement.exists([&fingerprint.0])? && files::remove(&path).is_ok() {
                    removed += 1;
                }
            }
        }
        transaction.commit()?;
        Ok(removed)
    }

    /// Gives space that is free back to the system.
    pub(super) fn shrink(&self) -> Result<()> {
        self.rows("PRAGMA incremental_vacuum", [], |_| Ok(()))?;
        self.rows("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

fn find_blob(connection: &Connection, folder: &Folder, fingerprint: &Fingerprint) -> Result<Option<(i64, bool)>> {
    let mut statement =
        connection.prepare_cached("SELECT id, bytes, content IS NULL FROM blobs WHERE fingerprint = ?1")?;
    let found =
        statement.query_row([&fingerprint.0], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?)));
    Ok(found.optional()?.map(|(id, bytes, is_file)| {
        let is_there = || std::fs::metadata(folder.blob(fingerprint)).is_ok_and(|data| number(data.len()) == bytes);
        (id, !is_file || is_there())
    }))
}

fn content(row: &Row<'_>) -> Result<Content> {
    let bytes: i64 = row.get(0)?;
    Ok(match row.get(1)? {
        Some(content) => Content::Inline(content),
        None => Content::File(u64::try_from(bytes).unwrap_or(0)),
    })
}

/// Seconds from 1970.
pub(super) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Change<'_> {
    /// The id of a blob, and whether it is there as a whole, as far as can be seen without reading it.
    pub(super) fn blob_id(&self, fingerprint: &Fingerprint) -> Result<Option<(i64, bool)>> {
        find_blob(&self.transaction, self.folder, fingerprint)
    }

    /// Adds a blob that is small enough to be inside the database.
    pub(super) fn add_inline(&self, fingerprint: &Fingerprint, content: &[u8]) -> Result<i64> {
        let mut statement =
            self.transaction.prepare_cached("INSERT INTO blobs (fingerprint, bytes, content) VALUES (?1, ?2, ?3)")?;
        statement.insert(params![&fingerprint.0, number(content.len() as u64), content])
    }

    /// Adds a blob that is a file, which gets its name now.
    pub(super) fn add_file(
        &self,
        fingerprint: &Fingerprint,
        file: Temporary,
        bytes: u64,
    ) -> Result<std::io::Result<i64>> {
        if let Err(error) = file.rename(&self.folder.blob(fingerprint)) {
            return Ok(Err(error));
        }
        let mut statement =
            self.transaction.prepare_cached("INSERT INTO blobs (fingerprint, bytes, content) VALUES (?1, ?2, NULL)")?;
        statement.insert(params![&fingerprint.0, number(bytes)]).map(Ok)
    }

    /// Puts an entry, which names these blobs, in place of any other under its key.
    pub(super) fn put_entry(&mut self, entry: &NewEntry<'_>, blobs: &[i64]) -> Result<()> {
        let before = self.take_key(&entry.key)?;
        let id = self.insert_entry(entry)?;
        for blob in blobs {
            let mut statement =
                self.transaction.prepare_cached("INSERT OR IGNORE INTO names (entry, blob) VALUES (?1, ?2)")?;
            statement.execute([id, *blob])?;
        }
        self.collect(before)
    }

    fn insert_entry(&self, entry: &NewEntry<'_>) -> Result<i64> {
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO entries (key, record, node_type, bytes, cost, class, used, used_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        statement.insert(params![
            &entry.key.0,
            entry.record,
            entry.node_type,
            number(entry.bytes),
            i64::try_from(entry.cost.as_nanos()).unwrap_or(i64::MAX),
            number(score::class(entry.bytes, entry.cost) as u64),
            self.next_use()?,
            now(),
        ])
    }

    /// Counted in memory, and written down at the end.
    fn next_use(&self) -> Result<i64> {
        let uses = match self.uses.get() {
            Some(uses) => uses,
            None => self.transaction.query_row("SELECT uses FROM totals", [], |row| row.get(0))?,
        };
        let next = uses.saturating_add(1);
        self.uses.set(Some(next));
        Ok(next)
    }

    /// Whether the tables are there, and one can write at all.
    pub(super) fn probe(&self) -> Result<()> {
        for query in [
            "SELECT id, key, record, node_type, bytes, cost, class, used, used_at FROM entries",
            "SELECT id, fingerprint, bytes, content FROM blobs",
            "SELECT entry, blob FROM names",
            "SELECT swept_at FROM totals",
        ] {
            self.transaction.prepare(query)?;
        }
        self.next_use().map(|_| ())
    }

    /// An entry was used.
    pub(super) fn touch(&self, key: &Fingerprint) -> Result<()> {
        let mut statement =
            self.transaction.prepare_cached("UPDATE entries SET used = ?2, used_at = ?3 WHERE key = ?1")?;
        statement.execute(params![&key.0, self.next_use()?, now()])?;
        Ok(())
    }

    pub(super) fn remove_key(&mut self, key: &Fingerprint) -> Result<()> {
        let named = self.take_key(key)?;
        self.collect(named)
    }

    /// Removes the entry under a key, if there is one; the blobs that it named.
    fn take_key(&self, key: &Fingerprint) -> Result<Vec<i64>> {
        let Some(&id) = self.ids("SELECT id FROM entries WHERE key = ?1", [&key.0])?.first() else {
            return Ok(Vec::new());
        };
        let named = self.ids("SELECT blob FROM names WHERE entry = ?1", [id])?;
        self.transaction.prepare_cached("DELETE FROM entries WHERE id = ?1")?.execute([id])?;
        Ok(named)
    }

    pub(super) fn remove_entry(&mut self, id: i64) -> Result<()> {
        let named = self.ids("SELECT blob FROM names WHERE entry = ?1", [id])?;
        self.transaction.prepare_cached("DELETE FROM entries WHERE id = ?1")?.execute([id])?;
        self.collect(named)
    }

    /// Removes a blob and all entries that name it.
    pub(super) fn remove_blob(&mut self, fingerprint: &Fingerprint) -> Result<()> {
        let Some((id, _)) = self.blob_id(fingerprint)? else { return Ok(()) };
        for entry in self.ids("SELECT entry FROM names WHERE blob = ?1", [id])? {
            self.remove_entry(entry)?;
        }
        self.collect(vec![id])
    }

    pub(super) fn ids(&self, query: &str, parameters: impl rusqlite::Params) -> Result<Vec<i64>> {
        self.transaction.prepare_cached(query)?.query_map(parameters, |row| row.get(0))?.collect()
    }

    /// Removes those of the blobs that no entry names any more.
    pub(super) fn collect(&mut self, blobs: Vec<i64>) -> Result<()> {
        if blobs.is_empty() {
            return Ok(());
        }
        let mut statement = self.transaction.prepare_cached(
            "DELETE FROM blobs WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM names WHERE blob = ?1) \
             RETURNING fingerprint, content IS NULL",
        )?;
        for blob in blobs {
            let gone = statement.query_row([blob], |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, bool>(1)?)));
            if let Some((fingerprint, true)) = gone.optional()? {
                self.unnamed.push(Fingerprint(fingerprint));
            }
        }
        Ok(())
    }

    /// Removes entries until no more than `goal` bytes are left, `most` entries at once; whether that was reached.
    pub(super) fn evict(&mut self, goal: u64, most: usize) -> Result<bool> {
        let uses: i64 = self.transaction.query_row("SELECT uses FROM totals", [], |row| row.get(0))?;
        let classes = self.ids("SELECT DISTINCT class FROM entries", [])?;
        let mut oldest = classes.iter().map(|class| self.oldest(*class, uses)).collect::<Result<Vec<_>>>()?;
        for _ in 0..most {
            let bytes: i64 =
                self.transaction.prepare_cached("SELECT bytes FROM totals")?.query_row([], |row| row.get(0))?;
            let scored = oldest.iter().enumerate().filter_map(|(at, oldest)| Some((at, (*oldest)?)));
            let first = scored.max_by(|(_, (_, a)), (_, (_, b))| a.total_cmp(b));
            let Some((at, (id, _))) = first.filter(|_| bytes > number(goal)) else { return Ok(true) };
            self.remove_entry(id)?;
            oldest[at] = self.oldest(classes[at], uses)?;
        }
        Ok(false)
    }

    /// The entry of a class that was not used for longest, with its score.
    fn oldest(&self, class: i64, uses: i64) -> Result<Option<(i64, f64)>> {
        let mut statement = self
            .transaction
            .prepare_cached("SELECT id, used, bytes, cost FROM entries WHERE class = ?1 ORDER BY used LIMIT 1")?;
        let found = statement.query_row([class], |row| {
            let [used, bytes, cost] =
                [row.get(1)?, row.get(2)?, row.get(3)?].map(|n: i64| u64::try_from(n).unwrap_or(0));
            let age = u64::try_from(uses).unwrap_or(0).saturating_sub(used);
            Ok((row.get(0)?, score::score(age, bytes, Duration::from_nanos(cost))))
        });
        found.optional()
    }

    /// Counts anew what triggers keep count of, for a file that was damaged may have damaged counts.
    pub(super) fn recount(&self) -> Result<()> {
        self.transaction.execute_batch(
            "UPDATE totals SET bytes = (SELECT coalesce(sum(length(record)), 0) FROM entries) \
                                     + (SELECT coalesce(sum(bytes), 0) FROM blobs), \
                               uses = max(uses, (SELECT coalesce(max(used), 0) FROM entries))",
        )
    }

    pub(super) fn note_sweep(&self, at: i64) -> Result<()> {
        self.transaction.execute("UPDATE totals SET swept_at = ?1", [at]).map(|_| ())
    }
}
