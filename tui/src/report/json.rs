//! Events as JSON lines.

use std::path::Path;

use easel_engine::{Diagnostic, Event, Source};
use serde_json::json;

use super::{News, Reporter};
use crate::diagnostics;
use crate::error::CommandError;
use crate::terminal::Output;

/// Writes one line per event to standard output, at once.
#[derive(Debug, Default)]
pub(super) struct JsonLines {
    out: Output,
}

impl JsonLines {
    pub(super) fn new() -> Self {
        Self::default()
    }
}

impl Reporter for JsonLines {
    fn event(&mut self, event: &Event) -> Result<(), CommandError> {
        Ok(self.out.line(to_json(event))?)
    }

    fn diagnostics(&mut self, name: &str, source: Option<&Source>, found: &[Diagnostic]) -> Result<(), CommandError> {
        for diagnostic in found {
            self.out.line(diagnostics::json(name, source, diagnostic))?;
        }
        Ok(())
    }

    fn news(&mut self, news: &News) -> Result<(), CommandError> {
        let line = serde_json::to_string(news).map_err(|error| CommandError::failed(error.to_string()))?;
        Ok(self.out.line(line)?)
    }
}

fn to_json(event: &Event) -> String {
    serde_json::to_string(event).unwrap_or_else(|error| match event {
        // JSON is UTF-8, paths need not be.
        Event::ArtifactWritten { run, node, path } => {
            json!({ "event": "artifact_written", "run": run, "node": node, "path": lossy(path) }).to_string()
        }
        _ => json!({ "event": "unprintable", "message": error.to_string() }).to_string(),
    })
}

fn lossy(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use easel_engine::RunId;

    use super::*;

    #[test]
    fn events_name_themselves() {
        let line = to_json(&Event::NodeProgress { run: RunId(3), node: "prior".into(), step: 2, steps: 25 });
        assert_eq!(line, r#"{"event":"node_progress","run":3,"node":"prior","step":2,"steps":25}"#);
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_text_is_told_all_the_same() {
        use std::os::unix::ffi::OsStrExt;

        let path = Path::new(std::ffi::OsStr::from_bytes(b"out/\xff.png")).to_path_buf();
        let line = to_json(&Event::ArtifactWritten { run: RunId(1), node: "save".into(), path });
        let value: serde_json::Value = serde_json::from_str(&line).expect("it is JSON");
        assert_eq!(value["event"], "artifact_written");
        assert_eq!(value["path"], "out/\u{fffd}.png");
    }
}
