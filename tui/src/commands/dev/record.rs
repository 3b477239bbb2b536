//! `easel dev record`: a run, to be shown again.

use std::io::BufWriter;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;
use easel_engine::{CancelToken, Outcome, WhenStopped};

use crate::commands::workflow::WorkflowArguments;
use crate::error::{CommandError, Exit};
use crate::report::{self, Style};
use crate::studio::{Recorder, RecordingHead};
use crate::terminal::Output;
use crate::workspace::{Choices, Workspace};

/// Run a workflow and write a recording of it, which `easel tui --demo` shows again
///
/// The workflow must stand by itself: a recording has its text and no other file. Everything is computed anew, and the
/// run is not written into the journal.
///
/// Example: easel dev record workflows/text_to_image.ron --to tui/src/studio/demo.jsonl --set pictures=4 --slower 12
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    workflow: WorkflowArguments,

    /// The file to write
    #[arg(long, value_name = "FILE")]
    to: PathBuf,

    /// How many times slower than it ran it is to be shown
    #[arg(long, value_name = "N", default_value = "1")]
    slower: NonZeroU32,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let choices = Choices { journal: false, cache: false, ..arguments.workflow.choices()? };
    let workspace = Workspace::open(&choices)?;
    let settings = arguments.workflow.settings();
    let ready = arguments.workflow.prepare(&settings, &workspace, report::reporter(Style::Quiet).as_mut())?;
    let Some(ready) = ready else { return Ok(Exit::Wrong) };
    let file = &arguments.workflow.file;
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let text = ready.plan.source().text.clone();
    let folder = arguments.to.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Written beside it first: a recording that was broken off does not take the place of a whole one.
    let whole = tempfile::NamedTempFile::new_in(folder.unwrap_or(".".as_ref()))?;
    let head = RecordingHead::new(name, text, arguments.slower.get());
    let mut recorder = Recorder::new(BufWriter::new(whole), &head)?;
    let finished =
        workspace.carry_out_claimed(ready, None, WhenStopped::Cancelled, &CancelToken::new(), &mut recorder)?;
    if finished.report.outcome != Outcome::Completed {
        return Err(CommandError::failed("the run did not complete, so there is nothing to show again")
            .with_hint("`easel run` with the same arguments says what went wrong"));
    }
    let whole = recorder.into_inner().into_inner().map_err(|error| error.into_error())?;
    whole.persist(&arguments.to).map_err(|error| error.error)?;
    Output::default().path(arguments.to.as_os_str())?;
    Ok(Exit::Done)
}
