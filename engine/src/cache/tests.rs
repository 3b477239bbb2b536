use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::node::Told;
use crate::value::{List, kinds};

pub(super) fn key(number: u64) -> Fingerprint {
    let mut hasher = crate::FingerprintHasher::new("test");
    hasher.number(number);
    hasher.finish()
}

pub(super) fn entry(values: &[Value], cost: Duration) -> Entry {
    let output = |value: &Value| KeptOutput::Value {
        kind: value.kind(),
        fingerprint: value.fingerprint().expect("it equals itself"),
        summary: value.summary(),
    };
    Entry { node_type: "Test".into(), outputs: values.iter().map(output).collect(), told: Told::default(), cost }
}

pub(super) fn text(text: &str) -> Value {
    Value::new(text.to_string())
}

/// A text of so many bytes that is like no other.
fn large(number: u64, size: usize) -> Value {
    text(&format!("{number}{}", " ".repeat(size)))
}

fn keep(cache: &Cache, number: u64, value: &Value, millis: u64) {
    let values = std::slice::from_ref(value);
    cache.keep(key(number), entry(values, Duration::from_millis(millis)), values);
}

fn read(cache: &Cache, number: u64) -> Option<Value> {
    let kept = cache.lookup(&key(number))?;
    let (kind, fingerprint) = kept.entry.values().next().expect("it has a value");
    cache.load(&fingerprint, kind, &Registry::new())
}

fn kept(cache: &Cache, numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.filter(|number| cache.lookup(&key(*number)).is_some()).collect()
}

#[test]
fn what_was_kept_is_given_back() {
    let cache = Cache::in_memory(MemoryPolicy::Everything);
    assert!(cache.lookup(&key(1)).is_none());
    keep(&cache, 1, &text("one"), 5);
    keep(&cache, 2, &text("two"), 5);
    assert_eq!(read(&cache, 1), Some(text("one")));
    assert_eq!(cache.lookup(&key(2)).expect("it is kept").entry.cost, Duration::from_millis(5));
    cache.forget(&key(1));
    assert_eq!((read(&cache, 1), read(&cache, 2)), (None, Some(text("two"))));
}

#[test]
fn off_keeps_nothing() {
    for cache in [Cache::off(), Cache::in_memory(MemoryPolicy::Entries(0)), Cache::in_memory(MemoryPolicy::Bytes(0))] {
        keep(&cache, 1, &text("one"), 5);
        assert!(cache.lookup(&key(1)).is_none());
        assert_eq!(cache.stats().memory, MemoryStats::default());
    }
    assert!(Cache::off().is_off());
}

#[test]
fn the_entries_used_last_stay() {
    let cache = Cache::in_memory(MemoryPolicy::Entries(3));
    for number in 0..3 {
        keep(&cache, number, &text("all the same"), 5);
    }
    assert!(cache.lookup(&key(0)).is_some());
    keep(&cache, 3, &text("new"), 5);
    assert_eq!(kept(&cache, 0..4), [0, 2, 3]);
}

#[test]
fn a_value_lives_as_long_as_an_entry_names_it() {
    let cache = Cache::in_memory(MemoryPolicy::Everything);
    let shared = text("shared");
    keep(&cache, 1, &shared, 5);
    keep(&cache, 2, &text("shared"), 5);
    let fingerprint = shared.fingerprint().expect("it equals itself");
    let load = || cache.load(&fingerprint, kinds::TEXT, &Registry::new());
    assert_eq!(cache.stats().memory.values, 1);
    cache.forget(&key(1));
    assert!(load().is_some());
    cache.forget(&key(2));
    assert!(load().is_none());
    assert_eq!(cache.stats().memory, MemoryStats::default());
}

#[test]
fn an_entry_in_place_of_another_drops_its_values() {
    let cache = Cache::in_memory(MemoryPolicy::Everything);
    keep(&cache, 1, &text("before"), 5);
    keep(&cache, 1, &text("after"), 5);
    assert_eq!(read(&cache, 1), Some(text("after")));
    let memory = cache.stats().memory;
    assert_eq!((memory.entries, memory.values), (1, 1));
}

#[test]
fn out_of_bytes_what_is_quick_to_compute_goes_before_what_took_long() {
    let cache = Cache::in_memory(MemoryPolicy::Bytes(35_000));
    keep(&cache, 0, &large(0, 10_000), 10_000);
    keep(&cache, 1, &large(1, 10_000), 10);
    keep(&cache, 2, &large(2, 10_000), 10_000);
    keep(&cache, 3, &large(3, 10_000), 10_000);
    assert_eq!(kept(&cache, 0..4), [0, 2, 3], "although 0 is older than 1");
    keep(&cache, 4, &large(4, 40_000), 10_000);
    assert_eq!(kept(&cache, 0..5), [0, 2, 3], "what never fits drives nothing out");
    for number in 10..200 {
        keep(&cache, number, &large(number, 3000), 10_000);
    }
    assert!(kept(&cache, 0..4).is_empty(), "what is old goes in the end");
}

#[test]
fn out_of_bytes_the_old_goes_before_the_new_and_the_large_before_the_small() {
    let cache = Cache::in_memory(MemoryPolicy::Bytes(35_000));
    for number in 0..3 {
        keep(&cache, number, &large(number, 10_000), 100);
    }
    assert!(cache.lookup(&key(0)).is_some());
    keep(&cache, 3, &large(3, 10_000), 100);
    assert_eq!(kept(&cache, 0..4), [0, 2, 3]);

    let cache = Cache::in_memory(MemoryPolicy::Bytes(35_000));
    keep(&cache, 0, &large(0, 1000), 100);
    keep(&cache, 1, &large(1, 30_000), 100);
    keep(&cache, 2, &large(2, 5000), 100);
    assert_eq!(kept(&cache, 0..3), [0, 2]);
}

#[test]
fn what_equals_nothing_is_not_kept() {
    let cache = Cache::in_memory(MemoryPolicy::Everything);
    let nan = Value::new(f64::NAN);
    let list = List::new(kinds::FLOAT, vec![nan.clone()]).expect("it is a float").into();
    for value in [nan, list] {
        keep(&cache, 1, &text("an earlier result"), 5);
        let output = KeptOutput::Value { kind: value.kind(), fingerprint: key(7), summary: String::new() };
        cache.keep(key(1), Entry { outputs: vec![output], ..entry(&[], Duration::ZERO) }, &[value]);
        assert!(cache.lookup(&key(1)).is_none(), "nor does the earlier one stay, which is not it");
    }
}

#[test]
fn an_entry_must_name_the_values_it_comes_with() {
    let cache = Cache::in_memory(MemoryPolicy::Everything);
    let (one, two) = (text("one"), text("two"));
    let both = [one.clone(), two.clone()];
    for (named, given) in [(&both[..1], &both[1..]), (&both[..1], &both[..]), (&both[..], &both[..1])] {
        cache.keep(key(1), entry(named, Duration::ZERO), given);
        assert!(cache.lookup(&key(1)).is_none());
    }
}

#[test]
fn an_entry_is_void_once_a_file_changed() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("picture.png");
    let cache = Cache::in_memory(MemoryPolicy::Everything);
    let keep = |artifacts: Vec<PathBuf>| {
        let told = Told { artifacts, ..Told::default() };
        cache.keep(key(1), Entry { told, ..entry(&[], Duration::ZERO) }, &[]);
    };
    keep(vec![path.clone()]);
    assert!(cache.lookup(&key(1)).is_none(), "it was never there");
    std::fs::write(&path, "picture").expect("it can be written");
    keep(vec![path.clone()]);
    assert!(cache.lookup(&key(1)).is_some());
    std::fs::write(&path, "pi3ture").expect("it can be written");
    assert!(cache.lookup(&key(1)).is_none());
    std::fs::write(&path, "picture").expect("it can be written");
    assert!(cache.lookup(&key(1)).is_none(), "it was forgotten");
}

#[test]
fn clearing_spares_what_was_used_lately() {
    let cache = Cache::in_memory(MemoryPolicy::Everything);
    keep(&cache, 1, &text("one"), 5);
    cache.clear(Some(Duration::from_secs(3600))).expect("there is no disk to fail");
    assert!(cache.lookup(&key(1)).is_some());
    cache.clear(None).expect("there is no disk to fail");
    assert!(cache.lookup(&key(1)).is_none());
}

proptest! {
    /// Whatever happens, entries and values agree, and what is counted is what is there.
    #[test]
    fn nothing_is_lost_or_left_over(
        policy in prop_oneof![
            Just(MemoryPolicy::Everything),
            (0..6_usize).prop_map(MemoryPolicy::Entries),
            (0..8000_u64).prop_map(MemoryPolicy::Bytes),
        ],
        moves in prop::collection::vec((0..4_u8, 0..8_u64, 0..5_u64, 0..3000_usize), 0..60),
    ) {
        let cache = Cache::in_memory(policy);
        for (what, number, content, size) in moves {
            match what {
                0 | 1 => keep(&cache, number, &large(content, size), content),
                2 => cache.forget(&key(number)),
                _ => if cache.lookup(&key(number)).is_some() {
                    prop_assert!(read(&cache, number).is_some(), "an entry in memory has its values");
                },
            }
            let memory = cache.stats().memory;
            match policy {
                MemoryPolicy::Entries(most) => prop_assert!(memory.entries <= most),
                MemoryPolicy::Bytes(budget) => prop_assert!(memory.bytes <= budget),
                _ => {}
            }
            prop_assert!(memory.values <= memory.entries);
        }
        cache.clear(None).expect("there is no disk to fail");
        prop_assert_eq!(cache.stats().memory, MemoryStats::default());
    }
}
