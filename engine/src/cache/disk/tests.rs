#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::cache::probe::{keep, key, read, save_state, saved_state};
use crate::cache::{Cache, MemoryPolicy};
use crate::value::{Data, Decoder, Encoder, List};

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn settings() -> DiskSettings {
    DiskSettings::new(&Registry::new())
}

/// Without a tier in memory: what is read comes from the disk.
fn open_with(folder: &Path, settings: DiskSettings) -> Cache {
    let (cache, problem) = Cache::off().with_disk(folder, settings);
    assert_eq!(problem, None);
    cache
}

pub(super) fn open(folder: &Path) -> Cache {
    open_with(folder, settings())
}

pub(super) fn again(cache: &Cache, number: u64) -> Option<Value> {
    cache.flush();
    read(cache, key(number), &Registry::new())?.pop()
}

pub(super) fn text(size: usize, number: u64) -> Value {
    Value::new(format!("{number}{}", " ".repeat(size)))
}

pub(super) fn put(cache: &Cache, number: u64, value: &Value) {
    keep(cache, key(number), std::slice::from_ref(value), SECOND);
}

pub(super) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// All files below, but for the lock.
pub(super) fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { found.extend(files_in(&entry)) } else { found.push(entry) }
    }
    found.retain(|path| !path.ends_with("open.lock"));
    found.sort();
    found
}

fn blob_files(folder: &Path) -> Vec<PathBuf> {
    files_in(&folder.join("blobs"))
}

#[test]
fn another_process_finds_what_was_kept() {
    let folder = folder();
    let (small, large) = (text(10, 1), text(100_000, 2));
    let cache = open(folder.path());
    keep(&cache, key(1), &[small.clone(), large.clone()], SECOND);
    drop(cache);
    let cache = open(folder.path());
    assert_eq!(read(&cache, key(1), &Registry::new()), Some(vec![small, large]));
    assert_eq!(again(&cache, 2), None);
    let stats = cache.stats().disk.unwrap();
    assert_eq!((stats.entries, stats.values, stats.node_types.len()), (1, 2, 1));
    assert_eq!(blob_files(folder.path()).len(), 1, "only the large one is a file");
    assert_eq!(cache.verify().unwrap().damaged, []);
}

#[test]
fn what_was_read_is_in_memory_too() {
    let folder = folder();
    put(&open(folder.path()), 1, &text(100_000, 1));
    let (cache, _) = Cache::in_memory(MemoryPolicy::Everything).with_disk(folder.path(), settings());
    assert!(again(&cache, 1).is_some());
    fs::remove_dir_all(folder.path().join("blobs")).unwrap();
    assert!(again(&cache, 1).is_some());
}

#[test]
fn what_takes_no_time_is_kept_only_if_it_is_small() {
    let folder = folder();
    let cache = open(folder.path());
    keep(&cache, key(1), &[text(100, 1)], Duration::ZERO);
    keep(&cache, key(2), &[text(100_000, 2)], Duration::ZERO);
    assert!(again(&cache, 1).is_some() && again(&cache, 2).is_none());
}

struct Hologram(i64);

impl Data for Hologram {
    const KIND: Kind = Kind::new("Hologram");

    fn summary(&self) -> String {
        "a ship".into()
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        encoder.number(self.0.unsigned_abs());
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        decoder.number().map(|number| Hologram(number as i64))
    }
}

#[test]
fn kinds_that_nobody_can_read_back_stay_in_memory() {
    let folder = folder();
    let (cache, _) = Cache::in_memory(MemoryPolicy::Everything).with_disk(folder.path(), settings());
    put(&cache, 1, &Value::new(Hologram(1)));
    assert!(again(&cache, 1).is_some());
    assert_eq!(cache.stats().disk.unwrap().entries, 0);

    let mut registry = Registry::new();
    registry.register_kind::<Hologram>();
    let cache = open_with(folder.path(), DiskSettings::new(&registry));
    put(&cache, 2, &Value::new(Hologram(2)));
    cache.flush();
    let stranger = open(folder.path());
    assert!(again(&stranger, 2).is_none());
    assert_eq!(stranger.verify().unwrap().damaged, []);
    let value = read(&cache, key(2), &registry).unwrap().pop().unwrap();
    assert_eq!(value.get::<Hologram>().unwrap().0, 2, "the stranger left it alone");
}

/// Values that are well-behaved, and a panic in the middle.
struct Grenade;

impl Data for Grenade {
    const KIND: Kind = Kind::new("Grenade");

    fn summary(&self) -> String {
        String::new()
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        assert!(std::thread::current().name() != Some("easel-cache"), "it explodes while it is written");
        encoder.number(1);
    }

    fn decode(_: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        panic!("it explodes while it is read")
    }
}

#[test]
fn a_kind_that_panics_fails_nobody() {
    let folder = folder();
    let mut registry = Registry::new();
    registry.register_kind::<Grenade>();
    let cache = open_with(folder.path(), DiskSettings::new(&registry));
    put(&cache, 1, &Value::new(Grenade));
    put(&cache, 2, &text(10, 2));
    cache.flush();
    assert!(read(&cache, key(1), &registry).is_none());
    let bytes = frame::wrap(Role::Value, &key(1), "Grenade", |encoder| encoder.number(1));
    assert!(decode(&key(1), Grenade::KIND, &bytes, &registry).is_err());
}

#[test]
fn the_value_that_nobody_names_is_dropped() {
    let folder = folder();
    let cache = open(folder.path());
    let shared = text(100_000, 0);
    put(&cache, 1, &shared);
    put(&cache, 2, &shared);
    cache.flush();
    assert_eq!(blob_files(folder.path()).len(), 1);
    cache.forget(&key(1));
    assert_eq!(again(&cache, 2), Some(shared));
    put(&cache, 2, &text(100_000, 1));
    cache.flush();
    assert_eq!(cache.stats().disk.unwrap().values, 1);
    cache.forget(&key(2));
    cache.flush();
    assert_eq!(blob_files(folder.path()), [] as [PathBuf; 0]);
    assert_eq!(cache.stats().disk.unwrap().bytes, 0);
}

#[test]
fn more_than_fits_is_never_there() {
    let folder = folder();
    let cache = open_with(folder.path(), settings().max_bytes(500_000));
    keep(&cache, key(1000), &[text(30_000, 1000)], Duration::from_secs(10_000));
    for number in 0..100 {
        put(&cache, number, &text(if number % 2 == 0 { 30_000 } else { 3000 }, number));
        cache.flush();
        assert!(cache.stats().disk.unwrap().bytes <= 500_000);
    }
    assert!(again(&cache, 99).is_some() && again(&cache, 0).is_none(), "the old goes first");
    assert!(again(&cache, 1000).is_some(), "but not what took long");
    let report = cache.verify().unwrap();
    assert_eq!((report.damaged, report.swept), (vec![], 0));
    let large = cache.stats().disk.unwrap().node_types[0].bytes / 30_000;
    assert!(blob_files(folder.path()).len() as u64 <= large);
}

#[test]
fn a_full_queue_holds_the_giver_up_and_loses_nothing() {
    let folder = folder();
    let cache = open_with(folder.path(), settings().queue_bytes(1000));
    for number in 0..100 {
        put(&cache, number, &text(20_000, number));
    }
    cache.flush();
    assert_eq!(cache.stats().disk.unwrap().entries, 100);
}

#[test]
fn what_is_computed_anew_in_the_batch_in_which_its_damage_is_found_is_kept() {
    let (folder, value) = (folder(), text(100_000, 1));
    let cache = open(folder.path());
    put(&cache, 1, &value);
    cache.flush();
    for round in 0..20 {
        fs::write(&blob_files(folder.path())[0], "nonsense").unwrap();
        // Without a flush in between, all of it is one batch.
        assert_eq!(read(&cache, key(1), &Registry::new()), None, "round {round}");
        put(&cache, 1, &value);
        put(&cache, 2, &value);
        assert_eq!(again(&cache, 1), Some(value.clone()), "round {round}");
        assert_eq!(again(&cache, 2), Some(value.clone()), "round {round}");
    }
}

#[test]
fn what_is_forgotten_and_computed_anew_in_one_batch_is_kept() {
    let (folder, value) = (folder(), text(100_000, 1));
    let cache = open(folder.path());
    for _ in 0..20 {
        put(&cache, 1, &value);
        cache.forget(&key(1));
        put(&cache, 2, &value);
        cache.forget(&key(2));
        put(&cache, 1, &value);
        assert_eq!((again(&cache, 1), again(&cache, 2)), (Some(value.clone()), None));
    }
}

#[test]
fn what_only_a_replaced_result_named_is_written_anew_in_the_same_batch() {
    let (folder, old, new) = (folder(), text(100_000, 1), text(100_000, 2));
    let cache = open(folder.path());
    for round in 0..20 {
        put(&cache, 1, &old);
        cache.flush();
        put(&cache, 1, &new);
        put(&cache, 2, &old);
        assert_eq!((again(&cache, 1), again(&cache, 2)), (Some(new.clone()), Some(old.clone())), "round {round}");
        cache.forget(&key(2));
    }
}

#[test]
fn a_missing_or_damaged_value_is_forgotten_and_can_be_kept_anew() {
    let folder = folder();
    let value = text(100_000, 1);
    for damage in [|path: &Path| fs::remove_file(path), |path: &Path| fs::write(path, "nonsense")] {
        let cache = open(folder.path());
        put(&cache, 1, &value);
        put(&cache, 2, &value);
        cache.flush();
        damage(&blob_files(folder.path())[0]).unwrap();
        assert_eq!(again(&cache, 1), None);
        cache.flush();
        assert!(cache.lookup(&key(2)).is_none(), "so is what else names it");
        put(&cache, 2, &value);
        assert_eq!(again(&cache, 2), Some(value.clone()));
        assert_eq!(cache.problems(), []);
    }
}

#[test]
fn a_value_whose_file_is_gone_is_written_again() {
    let folder = folder();
    let value = text(100_000, 1);
    let cache = open(folder.path());
    put(&cache, 1, &value);
    cache.flush();
    fs::remove_file(&blob_files(folder.path())[0]).unwrap();
    put(&cache, 2, &value);
    assert_eq!(again(&cache, 2), Some(value));
}

#[test]
fn many_at_once_make_one_entry() {
    let folder = folder();
    let value = text(50_000, 7);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let cache = open(folder.path());
                for round in 0..20 {
                    put(&cache, 1, &value);
                    put(&cache, 100 + round, &value);
                    cache.flush();
                    if let Some(found) = again(&cache, 1) {
                        assert_eq!(found, value);
                    }
                }
                assert_eq!(cache.problems(), []);
            });
        }
    });
    let cache = open(folder.path());
    let stats = cache.stats().disk.unwrap();
    assert_eq!((stats.entries, stats.values), (21, 1));
    assert_eq!(cache.verify().unwrap().damaged, []);
}

#[test]
fn half_done_work_lasts_until_the_node_is_done() {
    let folder = folder();
    let cache = Arc::new(open(folder.path()).save_every(7));
    assert_eq!(saved_state(&cache, key(1)), None);
    save_state(&cache, key(1), b"step 5");
    save_state(&cache, key(1), b"step 10");
    save_state(&cache, key(2), b"");
    assert_eq!(cache.states(&key(1)).unwrap().every(), 7);
    let another = Arc::new(open(folder.path()));
    assert_eq!(saved_state(&another, key(1)).as_deref(), Some(&b"step 10"[..]));
    assert_eq!(saved_state(&another, key(2)).as_deref(), Some(&b""[..]));
    let stats = cache.stats().disk.unwrap();
    assert!(stats.states == 2 && stats.state_bytes > 10, "{stats:?}");
    put(&another, 1, &text(10, 1));
    another.flush();
    assert_eq!(saved_state(&cache, key(1)), None);
    assert!(saved_state(&cache, key(2)).is_some());
    keep(&another, key(2), &[text(100_000, 1)], Duration::ZERO);
    assert_eq!(saved_state(&cache, key(2)), None, "although its result is not written");
    save_state(&cache, key(3), b"step 5");
    assert_eq!(cache.clear(Some(3600 * SECOND)).unwrap().states, 0);
    assert_eq!(cache.clear(None).unwrap().states, 1);
}

#[test]
fn torn_or_damaged_half_done_work_is_none() {
    let folder = folder();
    let cache = Arc::new(open(folder.path()));
    save_state(&cache, key(1), b"step 5");
    let path = folder.path().join("partial").join(key(1).to_string());
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(saved_state(&cache, key(1)), None);
    }
    fs::write(folder.path().join("partial").join(key(2).to_string()), &whole).unwrap();
    assert_eq!(saved_state(&cache, key(2)), None, "it is another's");
    let damaged = cache.verify().unwrap().damaged;
    assert_eq!(damaged.len(), 2, "{damaged:?}");
    assert_eq!(cache.verify().unwrap().damaged, []);
}

/// Changes what is stored as another program, or another time, would.
fn alter(folder: &Path, statements: &str) {
    rusqlite::Connection::open(folder.join("index.db")).unwrap().execute_batch(statements).unwrap();
}

#[test]
fn a_clock_that_was_set_back_breaks_nothing() {
    let folder = folder();
    let cache = open_with(folder.path(), settings().max_bytes(200_000));
    for number in 0..5 {
        put(&cache, number, &text(20_000, number));
    }
    drop(cache);
    alter(folder.path(), "UPDATE entries SET used_at = used_at + 1000000000; UPDATE totals SET swept_at = 1 << 40");
    let cache = open_with(folder.path(), settings().max_bytes(200_000));
    assert_eq!(cache.clear(Some(SECOND)).unwrap().entries, 0, "nothing from the future is old");
    for number in 5..20 {
        put(&cache, number, &text(20_000, number));
    }
    assert!(again(&cache, 19).is_some() && again(&cache, 0).is_none(), "order of use counts, not time");
    assert!(cache.clear(None).unwrap().entries > 0);
    assert_eq!(cache.stats().disk.unwrap().entries, 0);
}

#[test]
fn old_results_are_cleared_and_others_stay() {
    let folder = folder();
    let cache = open(folder.path());
    (0..600).for_each(|number| put(&cache, number, &text(10, number)));
    put(&cache, 1000, &text(100_000, 1));
    cache.flush();
    alter(folder.path(), "UPDATE entries SET used_at = used_at - 100 WHERE length(node_type) > 0 AND id <= 500");
    let cleared = cache.clear(Some(50 * SECOND)).unwrap();
    assert!(cleared.entries == 500 && cleared.bytes > 5000, "{cleared:?}");
    assert!(again(&cache, 0).is_none() && again(&cache, 550).is_some() && again(&cache, 1000).is_some());
    cache.clear(None).unwrap();
    assert_eq!(blob_files(folder.path()), [] as [PathBuf; 0]);
}

#[test]
fn files_that_nobody_names_are_swept() {
    let folder = folder();
    let cache = open(folder.path());
    put(&cache, 1, &text(100_000, 1));
    cache.flush();
    let [path] = &blob_files(folder.path())[..] else { panic!("there is one") };
    let orphan = folder.path().join("blobs/00").join("0".repeat(62));
    fs::create_dir_all(orphan.parent().unwrap()).unwrap();
    fs::copy(path, &orphan).unwrap();
    let (old, new) = (folder.path().join("tmp/1-1"), folder.path().join("tmp/1-2"));
    for path in [&old, &new] {
        fs::write(path, "half").unwrap();
    }
    let long_ago = std::time::SystemTime::now() - 7200 * SECOND;
    fs::File::options().write(true).open(&old).unwrap().set_modified(long_ago).unwrap();
    assert_eq!(cache.verify().unwrap().swept, 2);
    assert_eq!((orphan.exists(), old.exists(), new.exists(), path.exists()), (false, false, true, true));
    assert!(again(&cache, 1).is_some());
}

#[test]
fn folders_that_cannot_be_used_are_done_without() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "a file").unwrap();
    for path in [file.clone(), file.join("results")] {
        let (cache, problem) = Cache::in_memory(MemoryPolicy::Everything).with_disk(&path, settings());
        let Some(problem @ CacheProblem::Unusable { .. }) = problem else { panic!("{problem:?}") };
        assert!(problem.to_string().contains(path.to_str().unwrap()) && problem.hint().contains("EASEL_CACHE"));
        put(&cache, 1, &text(10, 1));
        assert!(again(&cache, 1).is_some() && cache.stats().disk.is_none());
    }
}

#[test]
fn what_a_newer_version_keeps_is_left_alone() {
    let folder = folder();
    put(&open(folder.path()), 1, &text(10, 1));
    alter(folder.path(), "PRAGMA user_version = 1000");
    let (_, problem) = Cache::off().with_disk(folder.path(), settings());
    assert!(matches!(problem, Some(CacheProblem::Newer { .. })));
    alter(folder.path(), "PRAGMA user_version = 1");
    assert!(again(&open(folder.path()), 1).is_some());
}

#[test]
fn a_damaged_index_is_moved_aside_and_begun_anew() {
    let folder = folder();
    let index = folder.path().join("index.db");
    let foreign: fn(&Path) = |path| {
        fs::remove_file(path).unwrap();
        alter(path.parent().unwrap(), "CREATE TABLE notes (text TEXT); PRAGMA user_version = 1");
    };
    let tableless: fn(&Path) = |path| alter(path.parent().unwrap(), "DROP TABLE totals");
    let garbage: fn(&Path) = |path| fs::write(path, vec![b'x'; 10_000]).unwrap();
    for damage in [garbage, foreign, tableless] {
        drop(open(folder.path()));
        damage(&index);
        let (cache, problem) = Cache::off().with_disk(folder.path(), settings());
        let expected = CacheProblem::Damaged { folder: folder.path().to_path_buf() };
        assert_eq!((problem, cache.problems()), (Some(expected.clone()), vec![expected]));
        put(&cache, 1, &text(10, 1));
        assert!(again(&cache, 1).is_some() && folder.path().join("index.damaged").exists());
    }
}

#[test]
fn an_index_damaged_in_use_is_looked_at_by_the_next_process() {
    let folder = folder();
    let cache = open(folder.path());
    put(&cache, 1, &text(10, 1));
    cache.flush();
    alter(folder.path(), "DROP TABLE entries");
    assert_eq!(again(&cache, 1), None);
    assert!(matches!(cache.problems()[..], [CacheProblem::DamagedInUse { .. }]), "{:?}", cache.problems());
    put(&cache, 2, &text(10, 1));
    drop(cache);
    let (cache, problem) = Cache::off().with_disk(folder.path(), settings());
    assert!(matches!(problem, Some(CacheProblem::Damaged { .. })), "{problem:?}");
    put(&cache, 1, &text(10, 1));
    assert!(again(&cache, 1).is_some());
}

#[test]
fn a_database_that_another_locks_is_done_without() {
    let folder = folder();
    let cache = open_with(folder.path(), settings().lock_patience(SECOND / 100));
    let other = rusqlite::Connection::open(folder.path().join("index.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    put(&cache, 1, &text(10, 1));
    cache.flush();
    assert!(matches!(cache.problems()[..], [CacheProblem::Locked { .. }]), "{:?}", cache.problems());
    other.execute_batch("COMMIT").unwrap();
    assert!(again(&open(folder.path()), 1).is_none());
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        ".{0,40}".prop_map(Value::new::<String>),
        any::<i64>().prop_map(Value::new),
        any::<f64>().prop_map(Value::new),
        Just(Value::new(f64::NAN)),
        any::<bool>().prop_map(Value::new),
        (17_000..40_000_usize, any::<u64>()).prop_map(|(size, number)| text(size, number)),
    ];
    leaf.prop_recursive(3, 30, 4, |inner| {
        let of = |value: Value, count: usize| List::new(value.kind(), vec![value; count]).unwrap().into();
        (inner, 0..4_usize).prop_map(move |(value, count)| of(value, count))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn values_of_every_kind_come_back_equal(values in prop::collection::vec(any_value(), 0..5)) {
        let folder = folder();
        let cache = open(folder.path());
        keep(&cache, key(1), &values, SECOND);
        drop(cache);
        let back = read(&open(folder.path()), key(1), &Registry::new());
        if values.iter().all(|value| value.fingerprint().is_some()) {
            prop_assert_eq!(back, Some(values));
        } else {
            prop_assert!(back.is_none(), "what equals nothing is never kept");
        }
    }

    #[test]
    fn garbage_is_never_worse_than_an_error(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
        crate::cache_probe::decode(&bytes, &Registry::new());
    }
}
