//! Writes a recording of a run while it is carried out.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use easel_engine::{Event, Plan};
use easel_nodes::kinds::Image;

use super::super::recording::{Head, Moment, Writer};
use super::pictures;
use crate::error::CommandError;
use crate::execution::is_picture;
use crate::report::Reporter;

/// Told what happens, it writes it down.
pub(crate) struct Recorder<W> {
    writer: Writer<W>,
    began: Instant,
}

impl<W: Write> Recorder<W> {
    /// Begins a recording.
    pub(crate) fn new(to: W, head: &Head) -> io::Result<Self> {
        Ok(Recorder { writer: Writer::new(to, head)?, began: Instant::now() })
    }

    /// What was written into.
    pub(crate) fn into_inner(self) -> W {
        self.writer.into_inner()
    }

    fn add(&mut self, moment: Moment) -> Result<(), CommandError> {
        Ok(self.writer.add(self.began.elapsed(), moment)?)
    }
}

impl<W: Write> Reporter for Recorder<W> {
    fn begin(&mut self, plan: &Plan) {
        self.began = Instant::now();
        let nodes = plan.nodes().map(|planned| planned.node).collect();
        // What cannot be written fails with the first event, which comes at once.
        let _ = self.add(Moment::Begins { nodes });
    }

    fn event(&mut self, event: &Event) -> Result<(), CommandError> {
        match event {
            Event::NodePreview { node, value, .. } => match value.get::<Image>().and_then(pictures::of_image) {
                Some(picture) => self.add(Moment::Preview { node: Arc::clone(node), picture }),
                None => Ok(()),
            },
            // Whoever looks at it later has other folders.
            Event::ArtifactWritten { run, node, path } => {
                let named: PathBuf = path.file_name().map(PathBuf::from).unwrap_or_default();
                self.add(Moment::Told {
                    told: Event::ArtifactWritten { run: *run, node: Arc::clone(node), path: named.clone() },
                })?;
                match pictures::load(path) {
                    Ok(picture) if is_picture(path) => self.add(Moment::Wrote { path: named, picture }),
                    _ => Ok(()),
                }
            }
            Event::RunFinished { outcome, .. } => {
                self.add(Moment::Told { told: event.clone() })?;
                self.add(Moment::Ended { outcome: *outcome })
            }
            other => self.add(Moment::Told { told: other.clone() }),
        }
    }
}
