//! A run told in progress bars, one per node.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use easel_engine::{Diagnostic, Event, PlannedNode, Source};
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::Reporter;
use super::words::{self, Told};
use crate::diagnostics;
use crate::error::CommandError;
use crate::interrupt::Notice;
use crate::terminal::{self, Paint, printable, seconds};

/// Longest part of a node's name that is shown.
const NAME_WIDTH: usize = 24;

/// How often a bar without news moves, so that one sees that it is alive.
const TICK: Duration = Duration::from_millis(120);

/// Bars on standard error.
pub(super) struct Bars {
    all: MultiProgress,
    nodes: HashMap<String, ProgressBar>,
    paint: Paint,
    told: Told,
    name_width: usize,
    columns: usize,
    /// There are more nodes than lines: only running ones have a bar, below this one that counts.
    counter: Option<ProgressBar>,
}

impl Bars {
    pub(super) fn new() -> Self {
        Bars {
            all: MultiProgress::new(),
            nodes: HashMap::new(),
            paint: Paint::for_stderr(),
            told: Told::default(),
            name_width: 0,
            columns: usize::from(console::Term::stderr().size().1),
            counter: None,
        }
    }

    fn begin(&mut self, nodes: &[PlannedNode]) {
        let widths = nodes.iter().map(|node| node.node.chars().count().min(NAME_WIDTH));
        self.name_width = widths.max().unwrap_or(0);
        let lines = usize::from(console::Term::stderr().size().0);
        if nodes.len() + 3 > lines {
            let bar = self.all.add(ProgressBar::new(nodes.len() as u64));
            bar.set_style(style("{bar:24} {pos} of {len} nodes"));
            self.counter = Some(bar);
            return;
        }
        for node in nodes {
            let bar = self.add(&node.node);
            bar.set_message(self.paint.dim("waiting"));
            bar.tick();
        }
    }

    fn add(&mut self, node: &str) -> ProgressBar {
        let bar = self.all.add(ProgressBar::new(0));
        bar.set_style(style("  {prefix} {msg}"));
        bar.set_prefix(format!("{:width$}", short(node), width = self.name_width));
        self.nodes.insert(node.to_string(), bar.clone());
        bar
    }

    fn bar(&mut self, node: &str) -> ProgressBar {
        match self.nodes.get(node) {
            Some(bar) => bar.clone(),
            None => self.add(node),
        }
    }

    fn started(&mut self, node: &str) {
        let bar = self.bar(node);
        bar.reset();
        bar.set_style(style("{spinner} {prefix} {elapsed}"));
        bar.enable_steady_tick(TICK);
    }

    fn progress(&mut self, node: &str, step: usize, steps: usize) {
        let bar = self.bar(node);
        // The first step, or a node that begins to count anew.
        if bar.length() != Some(steps as u64) || bar.position() == 0 || bar.position() > step as u64 {
            bar.set_length(steps as u64);
            bar.set_style(style(&stepping(self.columns)).with_key("speed", write_speed));
        }
        bar.set_position(step as u64);
    }

    fn ended(&mut self, node: &str, mark: &str, message: String) {
        let bar = self.bar(node);
        bar.disable_steady_tick();
        if let Some(counter) = &self.counter {
            counter.inc(1);
            bar.finish_and_clear();
            self.all.remove(&bar);
            self.nodes.remove(node);
            return;
        }
        bar.set_style(style(&format!("{mark} {{prefix}} {{msg}}")));
        bar.finish_with_message(message);
    }

    /// Leaves what is known of every node on the screen.
    fn end(&mut self) {
        for bar in self.nodes.values().filter(|bar| !bar.is_finished()) {
            bar.disable_steady_tick();
            bar.set_style(style("  {prefix} {msg}"));
            bar.abandon_with_message(self.paint.dim("not run"));
        }
        if let Some(counter) = &self.counter {
            counter.finish_and_clear();
        }
    }

    /// A line above the bars.
    fn say(&self, text: &str) {
        self.all.suspend(|| terminal::note(text));
    }
}

impl Reporter for Bars {
    fn event(&mut self, event: &Event) -> Result<(), CommandError> {
        let paint = self.paint;
        match event {
            Event::RunStarted { nodes, .. } => self.begin(nodes),
            Event::NodeStarted { node, .. } => self.started(node),
            Event::NodeProgress { node, step, steps, .. } => self.progress(node, *step, *steps),
            Event::NodeFinished { node, seconds: took, .. } => {
                self.ended(node, &paint.green("✓"), format!("done in {}", seconds(*took)));
            }
            Event::NodeFailed { node, .. } => self.ended(node, &paint.red("✗"), paint.red("failed")),
            Event::NodeSkipped { node, because, .. } => {
                self.ended(node, "-", paint.dim(&format!("not run, since {} failed", short(because))));
            }
            Event::RunFinished { .. } => self.end(),
            _ => {}
        }
        if let Some(line) = self.told.remark(event, paint).or_else(|| words::summary(event, paint)) {
            if matches!(event, Event::RunFinished { .. }) { terminal::note(line) } else { self.say(&line) }
        }
        Ok(())
    }

    fn diagnostics(&mut self, _: &str, source: Option<&Source>, found: &[Diagnostic]) -> Result<(), CommandError> {
        self.all.suspend(|| diagnostics::tell(source, found));
        Ok(())
    }

    fn notice(&self) -> Notice {
        let all = self.all.clone();
        Arc::new(move |text| all.suspend(|| terminal::note(text)))
    }
}

/// A name that fits.
fn short(node: &str) -> String {
    printable(node).chars().take(NAME_WIDTH).collect()
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
