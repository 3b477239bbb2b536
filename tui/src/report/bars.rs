//! A run told in progress bars, one per node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use easel_engine::{Diagnostic, Event, Plan, PlannedNode, Source};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::Reporter;
use super::words::{self, Told};
use crate::diagnostics;
use crate::error::CommandError;
use crate::interrupt::Notice;
use crate::terminal::{self, Paint, printable, seconds};

/// Longest part of a node's name that is shown.
const NAME_WIDTH: usize = 24;

/// Lines that are left to the counter and to what stands around the bars.
const OTHER_LINES: usize = 3;

/// How often a bar without news moves, so that one sees that it is alive.
const TICK: Duration = Duration::from_millis(120);

/// The bars that are on the screen now. Every run has its own; those of an earlier one stay as they are.
type Screen = Arc<Mutex<MultiProgress>>;

/// Bars on standard error.
pub(super) struct Bars {
    screen: Screen,
    rows: HashMap<Arc<str>, Row>,
    paint: Paint,
    told: Told,
    name_width: usize,
    columns: usize,
    lines: usize,
    /// The nodes that are known to belong to the run, and those of them that need no more.
    nodes: usize,
    ended: usize,
    /// There are more nodes than lines: only running ones have a bar, below this one that counts.
    counter: Option<ProgressBar>,
}

struct Row {
    bar: ProgressBar,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    Ended,
}

impl Bars {
    pub(super) fn new() -> Self {
        let (lines, columns) = console::Term::stderr().size();
        Bars {
            screen: Arc::new(Mutex::new(MultiProgress::new())),
            rows: HashMap::new(),
            paint: Paint::for_stderr(),
            told: Told::default(),
            name_width: 0,
            columns: usize::from(columns),
            lines: usize::from(lines),
            nodes: 0,
            ended: 0,
            counter: None,
        }
    }

    /// A run begins, below what is left of the one before.
    fn start(&mut self, nodes: &[PlannedNode]) {
        (self.nodes, self.ended, self.name_width, self.counter) = (0, 0, 0, None);
        let (lines, columns) = console::Term::stderr().size();
        (self.lines, self.columns) = (usize::from(lines), usize::from(columns));
        self.expect(nodes, None);
    }

    /// These nodes belong to the run from now on; they came out of `after`.
    fn expect(&mut self, nodes: &[PlannedNode], after: Option<&str>) {
        self.nodes += nodes.len();
        self.fit();
        if self.counter.is_some() {
            return;
        }
        let widths = nodes.iter().map(|node| node.node.chars().count().min(NAME_WIDTH));
        let width = widths.max().unwrap_or(0);
        if width > self.name_width {
            self.name_width = width;
            self.rows.iter().for_each(|(node, row)| row.bar.set_prefix(prefix(node, width)));
        }
        let mut above = after.and_then(|node| self.rows.get(node)).map(|row| row.bar.clone());
        for node in nodes {
            let bar = self.add(&node.node, above.as_ref());
            bar.set_message(self.paint.dim("waiting"));
            bar.tick();
            above = above.is_some().then_some(bar);
        }
    }

    /// Counts the nodes from now on if there is no line for each of them.
    fn fit(&mut self) {
        if let Some(counter) = &self.counter {
            counter.set_length(self.nodes as u64);
            return;
        }
        if self.nodes + OTHER_LINES <= self.lines {
            return;
        }
        let screen = lock(&self.screen);
        self.rows.retain(|_, row| {
            if row.stage != Stage::Running {
                row.bar.finish_and_clear();
                screen.remove(&row.bar);
            }
            row.stage == Stage::Running
        });
        let counter = screen.insert(0, ProgressBar::new(self.nodes as u64).with_position(self.ended as u64));
        counter.set_style(style("{bar:24} {pos} of {len} nodes"));
        self.counter = Some(counter);
    }

    fn add(&mut self, node: &Arc<str>, above: Option<&ProgressBar>) -> ProgressBar {
        let bar = ProgressBar::new(0);
        let bar = match above {
            Some(above) => lock(&self.screen).insert_after(above, bar),
            None => lock(&self.screen).add(bar),
        };
        bar.set_style(style("  {prefix} {msg}"));
        bar.set_prefix(prefix(node, self.name_width));
        self.rows.insert(node.clone(), Row { bar: bar.clone(), stage: Stage::Waiting });
        bar
    }

    fn started(&mut self, node: &Arc<str>) {
        if !self.rows.contains_key(node) {
            // More run at once than there are lines: those beyond are counted only.
            if self.rows.len() + OTHER_LINES >= self.lines {
                return;
            }
            self.add(node, None);
        }
        let Some(row) = self.rows.get_mut(node) else { return };
        row.stage = Stage::Running;
        row.bar.reset();
        row.bar.set_style(style("{spinner} {prefix} {elapsed}"));
        row.bar.enable_steady_tick(TICK);
    }

    fn progress(&mut self, node: &str, step: usize, steps: usize) {
        let Some(Row { bar, .. }) = self.rows.get(node) else { return };
        // The first step, or a node that begins to count anew.
        if bar.length() != Some(steps as u64) || bar.position() == 0 || bar.position() > step as u64 {
            bar.set_length(steps as u64);
            bar.set_style(style(&stepping(self.columns)).with_key("speed", write_speed));
        }
        bar.set_position(step as u64);
    }

    fn ended(&mut self, node: &str, mark: &str, message: String) {
        self.ended += 1;
        if let Some(counter) = &self.counter {
            counter.set_position(self.ended as u64);
            if let Some(Row { bar, .. }) = self.rows.remove(node) {
                bar.disable_steady_tick();
                bar.finish_and_clear();
                lock(&self.screen).remove(&bar);
            }
            return;
        }
        let Some(row) = self.rows.get_mut(node) else { return };
        row.stage = Stage::Ended;
        row.bar.disable_steady_tick();
        row.bar.set_style(style(&format!("{mark} {{prefix}} {{msg}}")));
        row.bar.finish_with_message(message);
    }

    /// Leaves what is known of every node on the screen.
    fn end(&mut self) {
        for Row { bar, .. } in self.rows.values().filter(|row| row.stage != Stage::Ended) {
            bar.disable_steady_tick();
            bar.set_style(style("  {prefix} {msg}"));
            bar.abandon_with_message(self.paint.dim("not run"));
        }
        if let Some(counter) = &self.counter {
            counter.finish_and_clear();
        }
        // What is told from now on stands below the bars and must not move them.
        self.rows.clear();
        *lock(&self.screen) = MultiProgress::new();
    }

    /// A line above the bars.
    fn say(&self, text: &str) {
        lock(&self.screen).suspend(|| terminal::note(text));
    }
}

impl Reporter for Bars {
    fn begin(&mut self, plan: &Plan) {
        self.told.begin(plan);
    }

    fn event(&mut self, event: &Event) -> Result<(), CommandError> {
        let paint = self.paint;
        self.told.note(event);
        match event {
            Event::RunStarted { nodes, .. } => self.start(nodes),
            Event::NodeExpanded { node, nodes, .. } => self.expect(nodes, Some(node)),
            Event::NodeStarted { node, .. } => self.started(node),
            Event::NodeProgress { node, step, steps, .. } => self.progress(node, *step, *steps),
            Event::NodeFinished { node, seconds: took, .. } => {
                self.ended(node, &paint.green("✓"), format!("done in {}", seconds(*took)));
            }
            Event::NodeCached { node, .. } => self.ended(node, &paint.green("✓"), paint.dim("cached")),
            Event::NodeFailed { node, .. } => self.ended(node, &paint.red("✗"), paint.red("failed")),
            Event::NodeSkipped { node, .. } | Event::NodeBlocked { node, .. } => {
                let why = words::why_not_run(event).unwrap_or_default();
                self.ended(node, "-", paint.dim(&cut(&why, self.columns.saturating_sub(NAME_WIDTH + 4))));
            }
            Event::RunFinished { .. } => self.end(),
            _ => {}
        }
        if let Some(line) = self.told.summary(event, paint) {
            terminal::note(line);
        } else if let Some(line) = self.told.remark(event, paint) {
            self.say(&line);
        }
        Ok(())
    }

    fn diagnostics(&mut self, _: &str, source: Option<&Source>, found: &[Diagnostic]) -> Result<(), CommandError> {
        lock(&self.screen).suspend(|| diagnostics::tell(source, found));
        Ok(())
    }

    fn notice(&self) -> Notice {
        let screen = Arc::clone(&self.screen);
        Arc::new(move |text| lock(&screen).suspend(|| terminal::note(text)))
    }
}

/// Bars are whole after a panic too: each call changes them in one go.
fn lock(screen: &Screen) -> std::sync::MutexGuard<'_, MultiProgress> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name in its column.
fn prefix(node: &str, width: usize) -> String {
    format!("{:width$}", short(node))
}

/// A name that fits: of `all[12]/refine/upsampler`, both ends say which node it is.
fn short(node: &str) -> String {
    let node = printable(node);
    let characters: Vec<char> = node.chars().collect();
    if characters.len() <= NAME_WIDTH {
        return node.into_owned();
    }
    let (front, back) = ((NAME_WIDTH - 1) / 2, NAME_WIDTH / 2);
    let end = &characters[characters.len() - back..];
    characters[..front].iter().chain(&['…']).chain(end).collect()
}

/// A text on one line of at most so many characters.
fn cut(text: &str, most: usize) -> String {
    let text = text.replace('\n', " ");
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The line of a node in a loop. It must stay shorter than the terminal is wide: what the terminal itself adds (the
/// `^C` of a Ctrl-C) would else begin a line that is never cleared.
fn stepping(columns: usize) -> String {
    const OTHERS: usize = NAME_WIDTH + "⠋  step 1000 of 1000  123.4 steps/s ^C".len();
    let width = columns.saturating_sub(OTHERS).clamp(6, 24);
    format!("{{spinner}} {{prefix}} {{bar:{width}}} step {{pos}} of {{len}}  {{speed}}")
}

/// Templates are written here, so one that does not parse is found by the test below; it would only look plainer.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
}

/// "12.3 steps/s", or "4.1 s/step" for slow ones.
fn write_speed(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    // A terminal that takes no text has nobody to tell.
    let _ = match state.per_sec() {
        rate if !rate.is_finite() || rate <= 0.0 => Ok(()),
        rate if rate < 1.0 => write!(out, "{:.1} s/step", 1.0 / rate),
        rate => write!(out, "{rate:.1} steps/s"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_long_names_are_shown() {
        assert_eq!(short("all[12]/upsampler"), "all[12]/upsampler");
        let long = short("pictures[12]/refine[3]/upsampler");
        assert_eq!((long.as_str(), long.chars().count()), ("pictures[12…3]/upsampler", 24));
        assert_eq!(cut("kept back\nby safety", 9), "kept bac…");
    }

    #[test]
    fn the_templates_parse() {
        for template in [
            "{bar:24} {pos} of {len} nodes",
            "  {prefix} {msg}",
            "{spinner} {prefix} {elapsed}",
            &stepping(0),
            &stepping(200),
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
