//! Whatever happens to the files: nothing wrong is ever given.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use proptest::prelude::*;

use super::tests::{again, files_in, folder, open, put, settings, text};
use crate::cache::probe::{key, read, save_state, saved_state};
use crate::cache::{Cache, CacheProblem};
use crate::registry::Registry;
use crate::value::Value;

/// A change to a file, such as bad disks and careless people make.
#[derive(Clone, Debug)]
enum Harm {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Overwrite(prop::sample::Index, Vec<u8>),
    Grow(Vec<u8>),
    Remove,
}

fn any_harm() -> impl Strategy<Value = Harm> {
    let bytes = || prop::collection::vec(any::<u8>(), 1..300);
    prop_oneof![
        4 => (any::<prop::sample::Index>(), 0..8_u8).prop_map(|(at, bit)| Harm::Flip(at, bit)),
        2 => any::<prop::sample::Index>().prop_map(Harm::Cut),
        3 => (any::<prop::sample::Index>(), bytes()).prop_map(|(at, bytes)| Harm::Overwrite(at, bytes)),
        1 => bytes().prop_map(Harm::Grow),
        1 => Just(Harm::Remove),
    ]
}

fn harm(path: &Path, harm: &Harm) {
    let mut bytes = fs::read(path).unwrap();
    match harm {
        Harm::Remove => return fs::remove_file(path).unwrap(),
        Harm::Grow(more) => bytes.extend(more),
        _ if bytes.is_empty() => return,
        Harm::Flip(at, bit) => {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        Harm::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Harm::Overwrite(at, with) => {
            let at = at.index(bytes.len());
            bytes[at..].iter_mut().zip(with).for_each(|(byte, with)| *byte = *with);
        }
    }
    fs::write(path, bytes).unwrap();
}

const KEPT: u64 = 16;

/// Paths and contents.
type Files = Vec<(PathBuf, Vec<u8>)>;

fn kept_value(number: u64) -> Value {
    text(if number.is_multiple_of(4) { 20_000 } else { 300 }, number)
}

/// The files of a folder in which something was kept, with their paths in it. If `leave_log`, as a process leaves them
/// that was killed: with the log beside the database.
fn files_with_content(leave_log: bool) -> Files {
    let folder = folder();
    let cache = Arc::new(open(folder.path()));
    let log_keeper = leave_log.then(|| {
        let keeper = rusqlite::Connection::open(folder.path().join("index.db")).unwrap();
        keeper.query_row("SELECT 1 FROM totals", [], |_| Ok(())).unwrap();
        keeper
    });
    (0..KEPT).for_each(|number| put(&cache, number, &kept_value(number)));
    save_state(&cache, key(50), b"step 5");
    drop(cache);
    let name = |path: &Path| path.strip_prefix(folder.path()).unwrap().to_path_buf();
    let files = files_in(folder.path()).into_iter().map(|path| (name(&path), fs::read(&path).unwrap())).collect();
    drop(log_keeper);
    files
}

/// Nothing wrong comes out of a folder.
fn read_all(cache: &Arc<Cache>) {
    for number in 0..KEPT {
        if let Some(found) = read(cache, key(number), &Registry::new()) {
            assert_eq!(found, [kept_value(number)]);
        }
    }
    assert!(saved_state(cache, key(50)).is_none_or(|state| state == b"step 5"));
}

fn pristine(leave_log: bool) -> &'static Files {
    static PRISTINE: [OnceLock<Files>; 2] = [OnceLock::new(), OnceLock::new()];
    PRISTINE[usize::from(leave_log)].get_or_init(|| files_with_content(leave_log))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_happens_to_the_files_no_wrong_value_is_given(
        harms in prop::collection::vec((any::<prop::sample::Index>(), any_harm()), 1..4),
        leave_log in any::<bool>(),
    ) {
        let folder = folder();
        for (path, content) in pristine(leave_log) {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        for (which, what) in harms {
            let path = folder.path().join(&which.get(pristine(leave_log)).0);
            if path.exists() {
                harm(&path, &what);
            }
        }
        for _ in 0..2 {
            let cache = Arc::new(Cache::off().with_disk(folder.path(), settings()).0);
            read_all(&cache);
            let _ = cache.verify();
            put(&cache, 0, &kept_value(0));
        }
        // After two rounds of looking and mending, all is well again.
        let (cache, problem) = Cache::off().with_disk(folder.path(), settings());
        let is_newer = matches!(problem, Some(CacheProblem::Newer { .. }));
        prop_assert!(is_newer || matches!(problem, None | Some(CacheProblem::Damaged { .. })), "{problem:?}");
        if !is_newer {
            put(&cache, 100, &kept_value(100));
            prop_assert_eq!(again(&cache, 100), Some(kept_value(100)));
            prop_assert_eq!(cache.verify().unwrap().damaged, vec![]);
        }
    }
}
