//! The top line and the bottom line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::keymap::{Action, Chord, Context};
use super::super::message::Tone;
use super::super::model::{Flow, Model, Phase};
use super::super::theme::Role;
use super::pen::{Pen, columns};
use crate::terminal::{printable, seconds};

/// The name of what is open, what is wrong with it, and how the run stands.
pub(super) fn title(model: &Model, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let style = |role: Role| model.theme.style(role);
    buffer.set_style(area, style(Role::Bar));
    let mut left = vec![Span::styled(" easel ", style(Role::Title))];
    match (&model.flow, &model.chooser) {
        (Some(flow), _) => {
            left.extend(trail(model, flow));
            let (errors, warnings) = flow.counts();
            let counted = [(errors, "error", Role::Error), (warnings, "warning", Role::Warning)];
            for (number, what, role) in counted.into_iter().filter(|(number, ..)| *number > 0) {
                left.push(Span::styled(format!("  {}", crate::terminal::count(number, what)), style(role)));
            }
            if flow.is_recorded {
                left.push(Span::styled("  as it was run", style(Role::Hint)));
            }
            if flow.conflict.is_some() {
                left.push(Span::styled("  conflict", style(Role::Error)));
            }
            if flow.is_modified() {
                left.push(Span::styled("  not saved", style(Role::Warning)));
            }
            if flow.is_uncheckable {
                left.push(Span::styled("  not checked", style(Role::Error)));
            } else if flow.history.is_some() && !flow.is_current() {
                left.push(Span::styled("  checking …", style(Role::Dim)));
            }
        }
        (None, Some(chooser)) => {
            left.push(Span::styled(printable(&chooser.folder.to_string_lossy()).into_owned(), style(Role::Text)));
        }
        (None, None) => {}
    }
    let told = run(model).map(|(text, role)| (u16::try_from(columns(&text)).unwrap_or(u16::MAX), text, role));
    let told = told.filter(|(width, ..)| *width < area.width / 2);
    // What stands to the right never covers half of a wide letter.
    let room = area.width - told.as_ref().map_or(0, |(width, ..)| *width);
    buffer.set_line(area.x, area.y, &Line::from(left), room);
    if let Some((width, text, role)) = told {
        buffer.set_stringn(area.x + room, area.y, text, usize::from(width), style(role));
    }
}

/// Where one is: the file, and the nodes that were entered.
fn trail<'a>(model: &Model, flow: &Flow) -> Vec<Span<'a>> {
    let style = |role: Role| model.theme.style(role);
    let outermost = model.outer.first().unwrap_or(flow);
    let mut spans = vec![Span::styled(printable(&outermost.path.to_string_lossy()).into_owned(), style(Role::Text))];
    for id in flow.way() {
        spans.push(Span::styled(" › ", style(Role::Dim)));
        spans.push(Span::styled(printable(&id).into_owned(), style(Role::Text)));
    }
    if !model.outer.is_empty() {
        spans.push(Span::styled(format!(" ({})", printable(&flow.path.to_string_lossy())), style(Role::Dim)));
    }
    spans
}

fn run(model: &Model) -> Option<(String, Role)> {
    let run = model.run.as_ref()?;
    let name = run.run.map_or_else(|| "run".into(), |id| format!("run {}", id.0));
    let (ended, all) = run.counts();
    let took = seconds(run.took(model.now).as_secs_f64());
    let (word, role) = phase(run.phase);
    let text = match run.phase {
        Phase::Over(_) => format!("{name} {word}, {took} "),
        _ => format!("{name} {word} {ended}/{all}, {took} "),
    };
    Some((text, role))
}

/// A word for where a run is.
pub(super) fn phase(phase: Phase) -> (&'static str, Role) {
    use easel_engine::Outcome;

    match phase {
        Phase::Beginning => ("begins", Role::Waiting),
        Phase::Running => ("running", Role::Running),
        Phase::Stopping => ("stopping", Role::Warning),
        Phase::Over(Some(Outcome::Completed)) => ("completed", Role::Done),
        Phase::Over(Some(Outcome::Failed)) => ("failed", Role::Error),
        Phase::Over(Some(Outcome::Cancelled)) => ("stopped", Role::Warning),
        Phase::Over(None) => ("ended", Role::Error),
    }
}

/// What was told last, or else what the most useful keys do here.
pub(super) fn bottom(model: &Model, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    buffer.set_style(area, style(Role::Bar));
    let mut pen = Pen::new(area, buffer);
    if let Some((tone, text)) = &model.notice {
        let role = tone_role(*tone);
        return pen.text(&format!(" {text}"), style(role));
    }
    let mut spans = Vec::new();
    let mut room = usize::from(area.width);
    for action in useful(model) {
        // A key may mean something of its own here.
        let means_it = |key: &&Chord| model.keymap.action(**key, model.context()) == Some(action);
        let Some(key) = model.keymap.keys(action).iter().find(means_it).map(ToString::to_string) else { continue };
        let width = key.chars().count() + action.name().chars().count() + 3;
        if width > room {
            break;
        }
        room -= width;
        spans.push(Span::styled(format!(" {key}"), style(Role::Key)));
        spans.push(Span::styled(format!(" {} ", action.name()), style(Role::Bar)));
    }
    pen.line(&Line::from(spans));
}

/// The role of something that is told.
pub(super) fn tone_role(tone: Tone) -> Role {
    match tone {
        Tone::Detail => Role::Dim,
        Tone::Note => Role::Text,
        Tone::Warning => Role::Warning,
        Tone::Error => Role::Error,
    }
}

/// The actions that the key bar shows, most useful first.
fn useful(model: &Model) -> Vec<Action> {
    let here: &[Action] = match model.context() {
        Context::Chooser => &[Action::Activate],
        Context::Graph => {
            &[Action::NextPane, Action::Search, Action::AddNode, Action::Activate, Action::Undo, Action::Save]
        }
        Context::Inspector => &[Action::Back, Action::Activate, Action::Connect, Action::Delete, Action::Undo],
        Context::Problems => &[Action::Back, Action::Activate, Action::Fix, Action::FixAll, Action::NextPane],
        Context::Log => &[Action::Back, Action::LogLevel, Action::Filter, Action::Activate, Action::Last],
        Context::Runs => {
            &[Action::Back, Action::Activate, Action::Filter, Action::RunAgain, Action::Resume, Action::CopyCommand]
        }
        Context::Gallery => &[
            Action::Back,
            Action::Activate,
            Action::Filter,
            Action::AnotherSeed,
            Action::UsePrompt,
            Action::MarkToCompare,
            Action::Compare,
            Action::CopyCommand,
            Action::ShowFolder,
        ],
        Context::Queue => &[
            Action::Back,
            Action::Drain,
            Action::PriorityUp,
            Action::PriorityDown,
            Action::MoveUp,
            Action::RemoveJob,
            Action::CancelAll,
        ],
        Context::Failure => &[Action::Back, Action::Activate, Action::NextFailure, Action::PreviousFailure],
        Context::Monitor => {
            &[Action::Back, Action::Activate, Action::ShowTimeline, Action::ShowPicture, Action::NextPane]
        }
        Context::Timeline => {
            &[Action::Back, Action::SwitchOrder, Action::Activate, Action::Closer, Action::Farther, Action::Fill]
        }
        Context::Picture => &[
            Action::Back,
            Action::NextPicture,
            Action::PreviousPicture,
            Action::Closer,
            Action::Farther,
            Action::Fill,
            Action::ActualSize,
        ],
        Context::Anywhere => &[Action::Back, Action::NextPane],
    };
    let first = if model.is_running() { Action::Cancel } else { Action::Run };
    let first = model.flow.is_some().then_some(first);
    // Help is told even where there is room for little.
    let mut all: Vec<Action> = first.into_iter().chain([Action::Help]).chain(here.iter().copied()).collect();
    all.extend([Action::Palette, Action::Quit]);
    all
}
