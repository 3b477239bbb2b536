//! Processes that share a folder of results: killed at any moment, out of space, without permission.
//!
//! This program starts itself: `cache_processes child WHAT FOLDER SEED` is one of the processes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

#[cfg(unix)]
mod unix {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use easel_engine::cache_probe::{keep, key, read, save_state, saved_state};
    use easel_engine::{Cache, CacheProblem, DiskSettings, MemoryPolicy, Registry, Value};
    use nix::sys::resource::{Resource, setrlimit};
    use nix::sys::signal::{SigHandler, Signal, signal};
    use nix::unistd::{Uid, setuid};

    const NUMBERS: u64 = 300;
    const KILLS: usize = 120;

    /// What is kept under a number: always the same, so that any reader can tell whether it is right.
    fn value(number: u64) -> Value {
        let size = if number.is_multiple_of(5) { 40_000 } else { 500 };
        Value::new(format!("{number}{}", " ".repeat(size)))
    }

    fn state(number: u64) -> Vec<u8> {
        number.to_le_bytes().repeat(500)
    }

    fn open(folder: &Path, max_bytes: u64) -> (Arc<Cache>, Option<CacheProblem>) {
        let settings = DiskSettings::new(&Registry::new()).max_bytes(max_bytes);
        let (cache, problem) = Cache::in_memory(MemoryPolicy::Off).with_disk(folder, settings);
        (Arc::new(cache), problem)
    }

    /// Random enough, and the same for the same seed.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self, below: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % below
        }
    }

    /// Whether what is readable is right; how much is.
    fn count_readable(cache: &Arc<Cache>) -> usize {
        let mut readable = 0;
        for number in 0..NUMBERS {
            if let Some(values) = read(cache, key(number), &Registry::new()) {
                assert_eq!(values, [value(number)], "{number}");
                readable += 1;
            }
            if let Some(found) = saved_state(cache, key(number)) {
                assert_eq!(found, state(number), "{number}");
            }
        }
        readable
    }

    /// Writes, reads, evicts and forgets until it is killed.
    fn hammer(folder: &Path, seed: u64) {
        // Little enough that room must be made all the time.
        let (cache, problem) = open(folder, 800_000);
        assert_eq!(problem, None);
        let mut numbers = Numbers(seed);
        loop {
            let number = numbers.next(NUMBERS);
            match numbers.next(10) {
                0 => save_state(&cache, key(number), &state(number)),
                1 => cache.flush(),
                2..=4 => {
                    if let Some(values) = read(&cache, key(number), &Registry::new()) {
                        assert_eq!(values, [value(number)]);
                    }
                }
                _ => keep(&cache, key(number), &[value(number)], Duration::from_millis(1 + numbers.next(1000))),
            }
            assert_eq!(cache.problems(), []);
        }
    }

    /// Keeps as much as it may write.
    fn starve(folder: &Path) {
        // SAFETY: it is ignored, so no handler runs.
        unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.unwrap();
        setrlimit(Resource::RLIMIT_FSIZE, 300_000, 300_000).unwrap();
        let (cache, problem) = open(folder, 1 << 30);
        assert_eq!(problem, None);
        for number in 0..NUMBERS {
            keep(&cache, key(number), &[value(number)], Duration::from_secs(1));
            keep(
                &cache,
                key(1000 + number),
                &[Value::new(format!("{number}{}", " ".repeat(400_000)))],
                Duration::from_secs(1),
            );
            cache.flush();
        }
        assert!(matches!(cache.problems()[..], [CacheProblem::Unwritable { .. }]), "{:?}", cache.problems());
        save_state(&cache, key(0), &state(0));
        count_readable(&cache);
    }

    /// Without permission to write.
    fn look(folder: &Path) {
        if Uid::effective().is_root() {
            setuid(Uid::from_raw(65534)).unwrap();
        }
        let (cache, problem) = open(folder, 1 << 30);
        assert!(matches!(problem, Some(CacheProblem::Unusable { .. })), "{problem:?}");
        keep(&cache, key(1), &[value(1)], Duration::from_secs(1));
        cache.flush();
        assert!(read(&cache, key(1), &Registry::new()).is_none());
    }

    pub(super) fn child(what: &str, folder: &Path, seed: u64) {
        match what {
            "hammer" => hammer(folder, seed),
            "starve" => starve(folder),
            "look" => look(folder),
            _ => panic!("{what} is none of them"),
        }
    }

    fn start(what: &str, folder: &Path, seed: u64) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["child", what])
            .arg(folder)
            .arg(seed.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn succeed(child: Child) {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}: {}", done.status, String::from_utf8_lossy(&done.stderr));
    }

    pub(super) fn processes_killed_at_any_moment_leave_nothing_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = Numbers(7);
        let mut children = [0, 1].map(|seed| start("hammer", folder.path(), seed));
        let mut most = 0;
        for kill in 0..KILLS {
            let moment = Instant::now() + Duration::from_micros(numbers.next(60_000));
            let which = kill % 2;
            while Instant::now() < moment {
                let dead = children[which].try_wait().unwrap();
                assert!(dead.is_none(), "it ended by itself: {dead:?}");
                std::thread::yield_now();
            }
            children[which].kill().unwrap();
            let done = std::mem::replace(&mut children[which], start("hammer", folder.path(), 100 + kill as u64));
            let complaint = done.wait_with_output().unwrap().stderr;
            assert_eq!(String::from_utf8_lossy(&complaint), "");
            if kill % 10 == 0 {
                most = most.max(count_readable(&open(folder.path(), 800_000).0));
            }
        }
        for mut child in children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let (cache, problem) = open(folder.path(), 800_000);
        assert_eq!(problem, None);
        let report = cache.verify().unwrap();
        assert_eq!(report.damaged, []);
        assert_eq!(cache.verify().unwrap().swept, 0, "what they left behind is swept once");
        most = most.max(count_readable(&cache));
        assert!(most > 20, "only {most} were ever readable");
    }

    pub(super) fn without_space_the_rest_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        succeed(start("starve", folder.path(), 0));
        let (cache, problem) = open(folder.path(), 1 << 30);
        assert_eq!(problem, None);
        assert!(count_readable(&cache) > 0, "what was written before can be read");
        assert_eq!(cache.verify().unwrap().damaged, []);
        keep(&cache, key(1), &[value(1)], Duration::from_secs(1));
        cache.flush();
        assert_eq!(read(&cache, key(1), &Registry::new()), Some(vec![value(1)]), "with space, it is written again");
    }

    pub(super) fn without_permission_the_rest_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let read_only = folder.path().join("results");
        drop(open(&read_only, 1 << 30));
        let mut folders = vec![read_only];
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            for path in entries {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
                }
            }
            fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).unwrap();
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        succeed(start("look", &folder.path().join("results"), 0));
        for name in ["", "blobs", "partial", "tmp"] {
            let path = folder.path().join("results").join(name);
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

#[cfg(unix)]
fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if let [_, child, what, folder, seed] = &arguments[..]
        && child == "child"
    {
        return unix::child(what, std::path::Path::new(folder), seed.parse().unwrap());
    }
    let tests: [(&str, fn()); 3] = [
        (
            "processes_killed_at_any_moment_leave_nothing_wrong",
            unix::processes_killed_at_any_moment_leave_nothing_wrong,
        ),
        ("without_space_the_rest_goes_on", unix::without_space_the_rest_goes_on),
        ("without_permission_the_rest_goes_on", unix::without_permission_the_rest_goes_on),
    ];
    let is_wanted = |name: &str| {
        let mut filters = arguments.iter().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
        filters.peek().is_none() || filters.any(|filter| name.contains(filter.as_str()))
    };
    let wanted: Vec<_> = tests.into_iter().filter(|(name, _)| is_wanted(name)).collect();
    let lists = arguments.iter().any(|argument| argument == "--list");
    for (name, test) in wanted {
        if lists {
            println!("{name}: test");
        } else {
            test();
            println!("test {name} ... ok");
        }
    }
}

/// Signals, limits and permissions are those of Unix.
#[cfg(not(unix))]
fn main() {}
