//! How long it takes from a key to what the terminal is sent: `cargo bench -p easel-tui --bench studio`.
//!
//! Workflows of 10, 100 and 1,000 nodes in three shapes, on a screen of 120 × 40 cells. Of everything that is done, what the
//! model takes (update), what the picture takes (draw: the view, what differs from the picture before, and that as bytes),
//! and both together: the median of many, between how much the middle nine tenths are, and the slowest; in microseconds. At
//! 1,000 nodes also how often the median of both goes into the bar of 16 ms. Time is that of a processor, where the system
//! tells it: a program beside this one does not count.

mod graphs;

use std::sync::Arc;
use std::time::Duration;

use easel_engine::Event;
use easel_tui::studio::bare::Bare;
use graphs::{SHAPES, Shape, document, registry};

/// How often everything is done.
const TIMES: usize = 201;

/// No key may take longer until it is seen, in microseconds.
const BAR: f64 = 16_000.0;

/// So many events come at once.
const FLOOD: usize = 10_000;

const SCREEN: (u16, u16) = (120, 40);

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn opened(nodes: usize, shape: Shape) -> Bare {
    let mut bare = Bare::open(&document(nodes, shape), registry(), SCREEN);
    // The picture before is one of the whole screen.
    bare.draw();
    bare
}

/// Time that this thread had a processor.
#[cfg(unix)]
fn now() -> Duration {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(clock).map(Duration::from).expect("every system has this clock")
}

/// Time since the beginning.
#[cfg(not(unix))]
fn now() -> Duration {
    static BEGINNING: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    BEGINNING.elapsed()
}

/// Seconds since then.
fn since(begun: Duration) -> f64 {
    (now() - begun).as_secs_f64()
}

/// Microseconds that each of the times took.
struct Times(Vec<f64>);

impl Times {
    fn told(mut self) -> (f64, String) {
        self.0.sort_by(f64::total_cmp);
        let at = |part: usize| self.0[(self.0.len() - 1) * part / 100];
        (at(50), format!("{:8.0} {:>15} {:7.0}", at(50), format!("{:.0}–{:.0}", at(5), at(95)), at(100)))
    }
}

/// Does something again and again, draws what came of it, and tells how long that took.
fn measure(what: &str, nodes: usize, bare: &mut Bare, mut update: impl FnMut(&mut Bare, usize) -> Option<f64>) {
    let mut times = [(); 3].map(|()| Vec::with_capacity(TIMES));
    for number in 0..TIMES {
        let begun = now();
        // Some know better how much of it counts.
        let told = update(bare, number);
        let updated = told.unwrap_or_else(|| since(begun));
        let begun = now();
        std::hint::black_box(bare.draw());
        let drawn = since(begun);
        for (times, seconds) in times.iter_mut().zip([updated, drawn, updated + drawn]) {
            times.push(seconds * 1e6);
        }
    }
    let [updates, draws, both] = times.map(|times| Times(times).told());
    let ratio = if nodes == 1000 { format!("{:6.0} ×", BAR / both.0) } else { String::new() };
    println!("{what:32} │ {} │ {} │ {} {ratio}", updates.1, draws.1, both.1);
}

/// Keys, one after the other, over and over.
fn keys<'a>(keys: &'a [&'a str]) -> impl FnMut(&mut Bare, usize) -> Option<f64> + 'a {
    move |bare, number| {
        bare.key(keys[number % keys.len()]);
        None
    }
}

fn main() {
    println!("{:32} │ update: median, 5–95 %, slowest │ draw │ both, and the bar ÷ the median", "");
    for (name, shape) in SHAPES {
        for nodes in [10, 100, 1000] {
            let label = |what: &str| format!("{name} {nodes}: {what}");
            let mut bare = opened(nodes, shape);
            measure(&label("the cursor"), nodes, &mut bare, keys(&["l", "l", "l", "j", "h", "k"]));
            measure(&label("panning"), nodes, &mut bare, keys(&["L", "L", "J", "J", "H", "H", "K", "K"]));
            measure(&label("zooming"), nodes, &mut bare, keys(&["-", "-", "+", "+"]));
            let mut bare = opened(nodes, shape);
            bare.key("enter");
            bare.key("enter");
            measure(&label("typing"), nodes, &mut bare, keys(&["a", "b", "c", "backspace"]));
            let mut bare = opened(nodes, shape);
            measure(&label("an edit"), nodes, &mut bare, |bare, _| {
                let begun = now();
                bare.key("m");
                let took = since(begun);
                // Others see to that.
                let checked = bare.check();
                bare.take(checked);
                Some(took)
            });
            measure(&label("a checked text"), nodes, &mut bare, |bare, _| {
                bare.key("m");
                let checked = bare.check();
                let begun = now();
                bare.take(checked);
                Some(since(begun))
            });
            flood(&label("10,000 events"), nodes, shape);
        }
    }
}

/// Everything that may happen while a run is under way, before the next picture.
fn flood(what: &str, nodes: usize, shape: Shape) {
    let mut bare = opened(nodes, shape);
    let names: Vec<Arc<str>> = (0..nodes).map(|at| format!("n{at}").into()).collect();
    let run = bare.run(names.clone());
    bare.key("3");
    measure(what, nodes, &mut bare, |bare, number| {
        for at in 0..FLOOD {
            let node = Arc::clone(&names[at % nodes]);
            bare.event(match at / nodes % 3 {
                0 => Event::NodeStarted { run, node, seat: None },
                step => Event::NodeProgress { run, node, step: step + number, steps: TIMES + 3 },
            });
        }
        None
    });
}
