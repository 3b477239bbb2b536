//! What `easel watch` tells besides the events of its runs.

use std::path::Path;

use serde::Serialize;

use crate::terminal::{self, Paint, printable};

/// A line names no more files than this.
const MOST_FILES: usize = 4;

/// Something that happened between or beside runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "programs tell them from the events of runs by these names")]
pub(crate) enum News {
    /// It began.
    WatchStarted {
        /// The workflow.
        file: String,
    },
    /// The workflow is sound: its plan is in force from now on. A run follows.
    WatchPlanned {
        /// The files that changed; none the first time.
        changed: Vec<String>,
        /// How many nodes it has.
        nodes: usize,
        /// How many files are watched.
        files: usize,
    },
    /// The workflow is wrong, as the diagnostics before said.
    WatchBroken {
        /// The files that changed.
        changed: Vec<String>,
        errors: usize,
        /// There is a plan from before: it stays in force.
        in_force: bool,
        /// Its run goes on.
        running: bool,
    },
    /// The workflow is again as it was when the plan in force was made.
    WatchRestored {
        /// Its run goes on.
        running: bool,
    },
    /// Nothing is left to do.
    WatchWaiting {
        /// How many nodes of the last run were run, not taken from the cache.
        ran: usize,
        /// How many there were.
        nodes: usize,
    },
    /// Something that one should know.
    WatchNote { message: String },
    /// It ends.
    WatchEnded,
}

impl News {
    /// For people; nothing where the reporter says enough.
    pub(super) fn text(&self, paint: Paint) -> Option<String> {
        Some(match self {
            News::WatchStarted { file } => format!("watching {}", printable(file)),
            News::WatchPlanned { changed, .. } if changed.is_empty() => return None,
            News::WatchPlanned { changed, .. } => format!("{} {}", paint.cyan("saved:"), listed(changed)),
            News::WatchBroken { in_force: false, .. } => "nothing runs until that is mended and saved".into(),
            News::WatchBroken { running: false, .. } => "the last good one stays in force until that is mended".into(),
            News::WatchBroken { .. } => "the run of the last good one goes on".into(),
            News::WatchRestored { running: true } => "as before: the run goes on".into(),
            News::WatchRestored { running: false } => "as before: nothing to run".into(),
            News::WatchWaiting { nodes: 0, .. } => waiting(paint),
            News::WatchWaiting { ran, nodes } => {
                format!("{ran} of {} ran; {}", terminal::count(*nodes, "node"), waiting(paint))
            }
            News::WatchNote { message } => format!("{} {}", paint.cyan("note:"), printable(message)),
            News::WatchEnded => return None,
        })
    }
}

fn waiting(paint: Paint) -> String {
    paint.dim("waiting for a change (Ctrl-C ends)")
}

fn listed(files: &[String]) -> String {
    let mut names: Vec<_> = files.iter().take(MOST_FILES).map(|file| printable(file).into_owned()).collect();
    if files.len() > MOST_FILES {
        names.push(format!("{} more", files.len() - MOST_FILES));
    }
    names.join(", ")
}

/// A path as people know it: from the current folder if it is below.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_for_people_and_for_programs() {
        let changed: Vec<_> = (0..6).map(|i| format!("f{i}.ron")).collect();
        let news = News::WatchPlanned { changed, nodes: 14, files: 9 };
        assert_eq!(news.text(Paint::PLAIN).as_deref(), Some("saved: f0.ron, f1.ron, f2.ron, f3.ron, 2 more"));
        let waiting = News::WatchWaiting { ran: 2, nodes: 14 };
        assert_eq!(
            waiting.text(Paint::PLAIN).as_deref(),
            Some("2 of 14 nodes ran; waiting for a change (Ctrl-C ends)")
        );
        let json = serde_json::to_string(&waiting).expect("it is JSON");
        assert_eq!(json, r#"{"event":"watch_waiting","ran":2,"nodes":14}"#);
        let ended = serde_json::to_string(&News::WatchEnded).expect("it is JSON");
        assert_eq!(ended, r#"{"event":"watch_ended"}"#);
    }

    #[test]
    fn paths_are_shown_from_here() {
        let here = std::env::current_dir().expect("there is one");
        assert_eq!(shown(&here.join("a/b.ron")), Path::new("a").join("b.ron").to_string_lossy());
        assert_eq!(shown(Path::new("/elsewhere/b.ron")), "/elsewhere/b.ron");
    }
}
