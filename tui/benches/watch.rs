//! How long it takes from a save to the first node that runs again: `cargo bench -p easel-tui --bench watch`.
//!
//! A real `easel watch` in another process; the clock runs from just before the file is written until the line that a node
//! began has been read.

#[cfg(unix)]
#[path = "../tests/common/mod.rs"]
mod common;

#[cfg(unix)]
fn main() {
    measured::main();
}

#[cfg(not(unix))]
fn main() {
    println!("not measured: signals end the watch, and here are none");
}

#[cfg(unix)]
mod measured {
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, Instant};

    use nix::sys::signal::Signal;

    use super::common::folder;
    use super::common::watch::Watch;

    const SAVES: usize = 60;

    /// Saves by one person are further apart.
    const PAUSE: Duration = Duration::from_millis(250);

    /// A chain and things beside it, so that there is something to look up.
    fn flow(number: usize) -> String {
        let others: String = (0..40).map(|i| format!("\"t{i}\": Text(value: \"{i}\"),\n")).collect();
        format!(
            "Workflow(version: 1, nodes: {{\n{others}\"first\": Text(value: \"{number}\"),\n\
             \"second\": Format(template: \"{{a}}!\", a: From(\"first\")),\n}})"
        )
    }

    fn in_place(path: &Path, text: &str) {
        fs::write(path, text).expect("it can be written");
    }

    fn by_renaming(path: &Path, text: &str) {
        let temporary = path.with_extension("tmp");
        fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path)).expect("it can be written");
    }

    pub(super) fn main() {
        for (how, save) in [("written in place", in_place as fn(&Path, &str)), ("renamed over", by_renaming)] {
            let folder = folder();
            let path = folder.path().join("flow.ron");
            save(&path, &flow(0));
            let mut watch = Watch::start(folder.path(), &[]);
            watch.until("watch_waiting");
            let mut times = Vec::new();
            for number in 1..=SAVES {
                std::thread::sleep(PAUSE);
                let text = flow(number);
                let began = Instant::now();
                save(&path, &text);
                watch.until("node_started");
                times.push(began.elapsed());
                watch.until("watch_waiting");
            }
            watch.end(Signal::SIGINT);
            times.sort();
            let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
            println!(
                "{how}: median {:.1} ms, 10 % {:.1}, 90 % {:.1}, least {:.1}, most {:.1} ({SAVES} saves)",
                at(50),
                at(10),
                at(90),
                at(0),
                at(100)
            );
        }
    }
}
