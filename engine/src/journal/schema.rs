//! The tables, and how older ones become today's.

use rusqlite::{Connection, TransactionBehavior};

/// "Easl": tells a journal from other databases.
const APPLICATION_ID: i64 = 0x4561_736c;

/// What makes version `n + 1` out of version `n`. Entries are only ever added.
pub(super) const MIGRATIONS: &[&str] = &[FIRST];

const FIRST: &str = "
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    -- Higher runs first; of equal ones the lower position. No position: it was never in the queue.
    priority INTEGER NOT NULL DEFAULT 0,
    position INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    -- Milliseconds since 1970, for people. The order of things is that of ids and seqs: clocks go back.
    created INTEGER NOT NULL,
    started INTEGER,
    finished INTEGER,
    seconds REAL,
    workflow_name TEXT NOT NULL,
    workflow_path ANY,
    workflow TEXT NOT NULL,
    settings TEXT NOT NULL,
    -- Why it could not even begin, or ended without a word.
    problem TEXT,
    nodes_finished INTEGER NOT NULL DEFAULT 0,
    nodes_cached INTEGER NOT NULL DEFAULT 0,
    nodes_failed INTEGER NOT NULL DEFAULT 0,
    nodes_skipped INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX runs_by_state ON runs (state, priority DESC, position, id);
-- The texts of the workflows that the run's workflow includes.
CREATE TABLE files (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    path ANY NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (run, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE nodes (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    node TEXT NOT NULL,
    place INTEGER NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    started INTEGER,
    seconds REAL,
    step INTEGER,
    steps INTEGER,
    message TEXT,
    hint TEXT,
    causes TEXT,
    inputs TEXT,
    outputs TEXT,
    PRIMARY KEY (run, node)
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE artifacts (
    run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    path ANY NOT NULL,
    place INTEGER NOT NULL,
    node TEXT NOT NULL,
    blake3 TEXT,
    bytes INTEGER,
    PRIMARY KEY (run, path)
) STRICT, WITHOUT ROWID;
";

/// What stands in the way of using a database.
#[derive(Debug)]
pub(super) enum Unusable {
    Foreign(String),
    Newer {
        found: i64,
        known: i64,
    },
    /// What was written last is not in the file yet, and cannot be read without writing beside it.
    Unmerged,
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Self {
        Unusable::Sqlite(error)
    }
}

/// Whether a database is a journal that this program can use as it is; false if it is empty or older.
pub(super) fn is_current(connection: &Connection, migrations: &[&str]) -> Result<bool, Unusable> {
    let application: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version = version(connection)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    match (application, version) {
        (0, 0) if tables == 0 => Ok(false),
        (APPLICATION_ID, found) if found > known => Err(Unusable::Newer { found, known }),
        (APPLICATION_ID, found) if found >= 0 => Ok(found == known),
        _ => Err(Unusable::Foreign("it is the database of another program".into())),
    }
}

/// Brings a database to today's version, all or nothing.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), Unusable> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Looked at again: another process may have been faster.
    if !is_current(&transaction, migrations)? {
        let done = usize::try_from(version(&transaction)?).unwrap_or(0);
        for migration in migrations.iter().skip(done) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", i64::try_from(migrations.len()).unwrap_or(i64::MAX))?;
    }
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Connection {
        Connection::open_in_memory().expect("memory is there")
    }

    #[test]
    fn an_older_database_keeps_what_is_in_it() {
        let mut connection = memory();
        let second = "ALTER TABLE runs ADD COLUMN label TEXT NOT NULL DEFAULT 'none'";
        migrate(&mut connection, &[FIRST]).expect("it is new");
        assert!(is_current(&connection, &[FIRST]).expect("it is a journal"));
        connection
            .execute(
                "INSERT INTO runs (state, created, workflow_name, workflow, settings) VALUES ('queued', 0, 'a', '', '')",
                [],
            )
            .expect("the table is there");
        assert!(!is_current(&connection, &[FIRST, second]).expect("it is a journal"));
        migrate(&mut connection, &[FIRST, second]).expect("it is older");
        migrate(&mut connection, &[FIRST, second]).expect("it is current");
        let row: (String, String) = connection
            .query_row("SELECT workflow_name, label FROM runs", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .expect("the row is kept");
        assert_eq!(row, ("a".into(), "none".into()));
        let newer = is_current(&connection, &[FIRST]);
        assert!(matches!(newer, Err(Unusable::Newer { found: 2, known: 1 })), "{newer:?}");
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let mut connection = memory();
        migrate(&mut connection, &[FIRST]).expect("it is new");
        let broken = "ALTER TABLE runs ADD COLUMN label TEXT; ALTER TABLE nowhere ADD COLUMN x";
        assert!(migrate(&mut connection, &[FIRST, broken]).is_err());
        assert!(is_current(&connection, &[FIRST]).expect("still a journal"));
        assert!(connection.prepare("SELECT label FROM runs").is_err(), "the first half was taken back");
    }

    #[test]
    fn the_database_of_another_program_is_left_alone() {
        let mut connection = memory();
        connection.execute_batch("CREATE TABLE bookmarks (url TEXT)").expect("it can be made");
        assert!(matches!(migrate(&mut connection, MIGRATIONS), Err(Unusable::Foreign(_))));
        connection.pragma_update(None, "user_version", -3).expect("it can be set");
        assert!(matches!(is_current(&connection, MIGRATIONS), Err(Unusable::Foreign(_))));
    }
}
