//! What is in front of the panes.

use easel_engine::RunId;
use easel_engine::edit::{History, Hunk, HunkLine, hunks};
use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Widget};

use super::super::field::Field;
use super::super::keymap::Action;
use super::super::model::sweep::Axis;
use super::super::model::{Flow, Later, Model, Offer, Overlay, Prompt};
use super::super::theme::Role;
use super::super::update::{Offered, candidates, fitting};
use super::page_start;
use super::pen::{Pen, columns, fitted, whole, wrap};
use crate::terminal::count;

/// What stands around the difference before saving: title and foot.
const CHANGES: (&str, &str) = ("What saving changes", " enter saves, esc closes ");
/// The same for what is decided about a conflict.
const CONFLICT: (&str, &str) = ("A conflict", " m mine, f the file's, j k scroll, esc decides later ");
/// The same before a file is left.
const LEAVING: (&str, &str) =
    ("Not saved in this file", " enter saves and leaves, n leaves (kept for later), esc stays ");

/// Columns of a text that was being typed, where it is offered again.
const MOST_TYPED: usize = 120;

pub(super) fn draw(model: &Model, overlay: &Overlay, buffer: &mut Buffer) {
    match overlay {
        Overlay::Help { .. } | Overlay::Palette(..) | Overlay::Choice { .. } => drop(list(model, overlay, buffer)),
        Overlay::Prompt(prompt, field) => prompted(model, prompt, field, buffer),
        Overlay::Changes(scroll) => changes(model, *scroll, CHANGES, buffer),
        Overlay::LeaveFile(scroll) => changes(model, *scroll, LEAVING, buffer),
        Overlay::Conflict(scroll) => conflict(model, *scroll, buffer),
        Overlay::Recovered(offer) => recovered(model, offer, buffer),
        Overlay::Story { title, text, scroll } => {
            let columns = model.size.0.saturating_sub(4).min(100);
            let lines = wrap(text, story_width(model));
            let rows = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(model.size.1.saturating_sub(2));
            let area = framed(model, title, " esc closes ", (columns, rows), buffer);
            let most = lines.len().saturating_sub(usize::from(area.height));
            let mut pen = Pen::new(area, buffer).skipping((*scroll).min(most));
            lines.iter().for_each(|line| pen.text(line, model.theme.style(Role::Text)));
        }
        Overlay::Details(scroll) => details(model, *scroll, buffer),
        Overlay::Forget(RunId(run)) => {
            let text = format!("Run {run} leaves the history, with its log. The files that it wrote stay.");
            asked(model, "Forget the run?", &text, "y forgets it, esc does not", buffer);
        }
        Overlay::SweepAsked(sweep) => {
            let axis = |axis: &Axis| format!("{} of {}", count(axis.values.len(), "value"), axis.name);
            let rows = sweep.rows.as_ref().map(|rows| format!(" with {}", axis(rows))).unwrap_or_default();
            let runs = count(sweep.cells.len(), "run");
            let text = format!(
                "{}{rows}: {runs}. They wait in the queue and are run here one by one; what they have in common is \
                 computed once.",
                axis(&sweep.columns)
            );
            asked(model, "Sweep?", &text, "y begins, esc does not", buffer);
        }
        Overlay::Sweep => super::sweep::draw(model, buffer),
        Overlay::Shot => super::gallery::full(model, buffer),
        Overlay::Compare(compare) => super::compare::draw(model, compare, buffer),
        Overlay::Behind(what) => {
            let what = match what {
                Later::Open => "This workflow".into(),
                Later::Again(run) => format!("Run {}, once more,", run.0),
                Later::Job(_) => "It".into(),
            };
            let text = format!("{what} can wait in the queue, and is run here after it.");
            asked(model, "A run is under way", &text, "y queues it, esc does not", buffer);
        }
        Overlay::CancelAll => {
            let text = "Every run that waits or is carried out, here or by other processes, is cancelled. They stay in \
                        the history.";
            asked(model, "Cancel all?", text, "y cancels them, esc does not", buffer);
        }
        Overlay::Leave => {
            let mut text = String::new();
            if model.is_running() {
                text.push_str("A run is under way; leaving stops it. ");
            }
            if model.is_modified() {
                text.push_str(match &model.unkept {
                    None => "There are changes that are not saved; they are offered again at the next start. ",
                    Some(_) => "There are changes that are not saved and cannot be kept: they would be lost. ",
                });
            }
            asked(model, "Leave?", text.trim_end(), "y leaves, esc stays", buffer);
        }
    }
}

/// Everything about the run with the cursor.
fn details(model: &Model, scroll: usize, buffer: &mut Buffer) {
    let (columns, rows) = (model.size.0.saturating_sub(4).min(120), model.size.1.saturating_sub(2));
    let title = model.runs.chosen().map_or_else(String::new, |row| format!("Run {}", row.summary.run.0));
    let area = framed(model, &title, " j k scroll, esc closes ", (columns, rows), buffer);
    let (text, role) = match model.runs.chosen_details() {
        Some(Ok(details)) => {
            let lines = super::details::whole(model, details, details_width(model));
            let most = lines.len().saturating_sub(usize::from(area.height));
            let mut pen = Pen::new(area, buffer).skipping(scroll.min(most));
            return lines.iter().for_each(|line| pen.line(line));
        }
        Some(Err(why)) => (why.as_str(), Role::Error),
        None => ("Reading …", Role::Dim),
    };
    Pen::new(area, buffer).wrapped(text, model.theme.style(role));
}

/// Changes of an earlier time that were never saved.
fn recovered(model: &Model, offer: &Offer, buffer: &mut Buffer) {
    let hunks = hunks(&offer.unsaved.base, &offer.unsaved.text);
    let lines = |wanted: fn(&HunkLine) -> bool| hunks.iter().flat_map(|hunk| &hunk.lines).filter(|l| wanted(l)).count();
    let added = lines(|line| matches!(line, HunkLine::Added(_)));
    let removed = lines(|line| matches!(line, HunkLine::Removed(_)));
    let mut text = String::new();
    let has_changes = added + removed > 0 || offer.unsaved.typed.is_none();
    if has_changes {
        text.push_str("There are changes to this workflow that were never saved");
    }
    if added + removed > 0 {
        text.push_str(&format!(": {} added, {removed} removed", count(added, "line")));
    }
    if let Some(typed) = &offer.unsaved.typed {
        text.push_str(if has_changes { ". And this" } else { "This" });
        let about = typed.place.question.about();
        text.push_str(&format!(" was being typed, for {about}: “{}”", fitted(&typed.text, MOST_TYPED).trim_end()));
    }
    let them = if has_changes { "them" } else { "it" };
    text.push_str(&format!(". Whoever takes {them} over saves nothing by that."));
    match model.flow.as_ref().map_or(0, |flow| flow.offers.len()) {
        0 => {}
        1 => text.push_str(" One more offer comes after this."),
        more => text.push_str(&format!(" {more} more offers come after this.")),
    }
    let foot = format!("y takes {them} over, n puts {them} aside, esc: later");
    asked(model, "Unsaved changes", &text, &foot, buffer);
}

/// A question in a few words.
fn asked(model: &Model, title: &str, text: &str, foot: &str, buffer: &mut Buffer) {
    let lines = wrap(text, 52);
    let rows = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let area = framed(model, title, foot, (56, rows), buffer);
    Pen::new(area, buffer).wrapped(text, model.theme.style(Role::Text));
}

/// Columns of a question.
const ASKED: u16 = 70;

/// Columns in which the answer to a question is typed.
pub(crate) fn typing_width(model: &Model) -> usize {
    usize::from(ASKED.min(model.size.0).saturating_sub(4)).saturating_sub(1)
}

fn prompted(model: &Model, prompt: &Prompt, field: &Field, buffer: &mut Buffer) {
    let (foot, problem) = match prompt {
        Prompt::Sweep { problem, .. } => (" enter goes on, alt-enter begins a line, esc closes ", problem.as_deref()),
        Prompt::Enqueue { problem } => (" enter queues it, esc closes ", problem.as_deref()),
        Prompt::Value { problem, .. } if model.given_up(prompt).is_some() => {
            (" enter keeps it, ctrl-z brings back what was typed before ", problem.as_deref())
        }
        Prompt::Value { is_text: true, problem, .. } => {
            (" enter keeps it, alt-enter: line, ctrl-r: earlier, ctrl-o: $EDITOR ", problem.as_deref())
        }
        Prompt::Value { problem, .. } => (" enter keeps it, esc closes ", problem.as_deref()),
        Prompt::Rename { problem, .. } | Prompt::RenameGroup { problem, .. } => {
            (" enter keeps it, esc closes ", problem.as_deref())
        }
        Prompt::NewInput { problem, .. } => (" enter adds it, esc closes ", problem.as_deref()),
        Prompt::RenameInput { problem, .. } => (" enter keeps it, esc closes ", problem.as_deref()),
        Prompt::Group { problem, .. } => (" enter makes it, esc closes ", problem.as_deref()),
        Prompt::Extract { problem, .. } => {
            (" enter makes it; NAME.ron: in a file, written at once ", problem.as_deref())
        }
        _ => (" enter keeps it, esc closes ", None),
    };
    let about = match prompt {
        Prompt::Value { schema, .. } => [Some(schema.about.clone()), schema.range_words()],
        Prompt::Sweep { how, .. } => [Some((*how).to_string()), None],
        _ => [None, None],
    };
    let about = about.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
    let width = usize::from(ASKED.min(model.size.0).saturating_sub(4));
    let told = problem.unwrap_or(&about);
    let lines = if told.is_empty() { 0 } else { wrap(told, width).len() };
    let most = usize::from(model.size.1).saturating_sub(lines + 4).max(1);
    let rows = if field.has_lines() { field.rows(typing_width(model)).len().min(most) } else { 1 };
    let height = u16::try_from(rows + lines + 2).unwrap_or(u16::MAX);
    let area = framed(model, &prompt.title(), foot, (ASKED, height), buffer);
    let mut pen = Pen::new(area, buffer);
    if field.has_lines() {
        typed_rows(model, field, rows, &mut pen)
    } else {
        typed(model, field, &mut pen)
    }
    if !told.is_empty() {
        pen.wrapped(told, model.theme.style(if problem.is_some() { Role::Error } else { Role::Dim }));
    }
}

/// A text of several lines that somebody types: those around the cursor.
fn typed_rows(model: &Model, field: &Field, height: usize, pen: &mut Pen<'_>) {
    let rows = field.rows(typing_width(model));
    let (at, before) = field.cursor_row(&rows);
    let style = model.theme.style(Role::Text);
    let cursor = style.add_modifier(ratatui::style::Modifier::REVERSED);
    let first = at.saturating_sub(height.saturating_sub(1)).min(rows.len().saturating_sub(height));
    for (number, row) in rows.iter().enumerate().skip(first).take(height) {
        let letters = field.slice(row);
        let text = |letters: &[char]| crate::terminal::printable(&letters.iter().collect::<String>()).into_owned();
        if number != at {
            pen.line(&Line::from(Span::styled(text(letters), style)));
            continue;
        }
        let (left, right) = letters.split_at(before.min(letters.len()));
        let under = right.first().map_or_else(|| " ".to_string(), |letter| text(&[*letter]));
        let rest = text(right.get(1..).unwrap_or_default());
        pen.line(&Line::from(vec![
            Span::styled(text(left), style),
            Span::styled(under, cursor),
            Span::styled(rest, style),
        ]));
    }
}

/// What saving would change.
fn to_save(model: &Model) -> Vec<Hunk> {
    model.flow.as_ref().and_then(|flow| flow.history.as_ref()).map(History::hunks).unwrap_or_default()
}

/// How the text differs from that of the file, both of which were changed in the same places.
fn in_conflict(model: &Model) -> Vec<Hunk> {
    let flow = model.flow.as_ref();
    let conflict = flow.and_then(|flow| flow.conflict.as_ref());
    let hunks = flow.and_then(Flow::text).zip(conflict).map(|(ours, conflict)| hunks(&conflict.theirs, ours));
    hunks.unwrap_or_default()
}

/// A difference, under a few words about it.
fn difference(model: &Model, about: &str, hunks: &[Hunk]) -> Vec<(String, Role)> {
    let columns = usize::from(DIFFERENCE.min(model.size.0.saturating_sub(4)).saturating_sub(4));
    let about = if about.is_empty() { Vec::new() } else { wrap(about, columns) };
    let about = about.into_iter().map(|line| (line.to_string(), Role::Text));
    let lines = hunks.iter().flat_map(|hunk| &hunk.lines).map(|line| match line {
        HunkLine::Same(text) => (format!("  {text}"), Role::Dim),
        HunkLine::Removed(text) => (format!("- {text}"), Role::Removed),
        HunkLine::Added(text) => (format!("+ {text}"), Role::Added),
    });
    about.chain(lines).collect()
}

/// How many lines of a text that can be scrolled may be above the screen at most.
pub(crate) fn most_scrolled(model: &Model, overlay: &Overlay) -> usize {
    let lines = match overlay {
        Overlay::Story { text, .. } => wrap(text, story_width(model)).len(),
        Overlay::Changes(_) | Overlay::LeaveFile(_) => difference(model, "", &to_save(model)).len(),
        Overlay::Conflict(_) => difference(model, IN_CONFLICT, &in_conflict(model)).len(),
        Overlay::Details(_) => match model.runs.chosen_details() {
            Some(Ok(details)) => super::details::whole(model, details, details_width(model)).len(),
            _ => 0,
        },
        _ => 0,
    };
    // The frame, and a line of the screen above and below it.
    lines.saturating_sub(usize::from(model.size.1.saturating_sub(4)))
}

/// Columns of a text that is told.
fn story_width(model: &Model) -> usize {
    usize::from(model.size.0.saturating_sub(4).min(100).saturating_sub(4))
}

/// Columns of everything about a run.
fn details_width(model: &Model) -> usize {
    usize::from(model.size.0.saturating_sub(4).min(120).saturating_sub(4))
}

/// Columns of a difference.
const DIFFERENCE: u16 = 110;

/// What is asked about a conflict.
const IN_CONFLICT: &str = "The file became another one, in places that were changed here too. - is in the file, + is here. m keeps \
                           mine, f takes the file's; either can be undone.";

fn changes(model: &Model, scroll: usize, frame: (&str, &str), buffer: &mut Buffer) {
    compared(model, &difference(model, "", &to_save(model)), scroll, frame, buffer);
}

fn conflict(model: &Model, scroll: usize, buffer: &mut Buffer) {
    compared(model, &difference(model, IN_CONFLICT, &in_conflict(model)), scroll, CONFLICT, buffer);
}

/// Lines of a difference in a frame.
fn compared(model: &Model, lines: &[(String, Role)], scroll: usize, (title, foot): (&str, &str), buffer: &mut Buffer) {
    let columns = model.size.0.saturating_sub(4).min(DIFFERENCE);
    let rows = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX).min(model.size.1.saturating_sub(2));
    let area = framed(model, title, foot, (columns, rows), buffer);
    let most = lines.len().saturating_sub(usize::from(area.height));
    let mut pen = Pen::new(area, buffer).skipping(scroll.min(most));
    lines.iter().for_each(|(line, role)| pen.text(line, model.theme.style(*role)));
}

/// A frame in the middle of the screen, cleared; what is inside of it.
pub(super) fn framed(model: &Model, title: &str, foot: &str, size: (u16, u16), buffer: &mut Buffer) -> Rect {
    let screen = *buffer.area();
    let (width, height) = (size.0.min(screen.width), size.1.min(screen.height));
    let area = Rect { x: (screen.width - width) / 2, y: (screen.height - height) / 3, width, height };
    Clear.render(area, buffer);
    // Of a wide letter half of which is covered now, nothing is left.
    for y in area.top()..area.bottom() {
        if let Some(cell) = area.x.checked_sub(1).and_then(|x| buffer.cell_mut(Position { x, y }))
            && columns(cell.symbol()) > 1
        {
            cell.set_symbol(" ");
        }
    }
    buffer.set_style(area, model.theme.style(Role::Text));
    let foot = match whole(foot.trim(), ", ", usize::from(width.saturating_sub(4))) {
        "" => String::new(),
        foot => format!(" {foot} "),
    };
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(model.theme.style(Role::Focus))
        .title(Line::styled(format!(" {} ", crate::terminal::printable(title)), model.theme.style(Role::Title)))
        .title_bottom(Line::styled(foot, model.theme.style(Role::Dim)));
    block.render(area, buffer);
    area.inner(Margin { horizontal: 2, vertical: 1 })
}

/// A line that somebody types, with the cursor; its end, if not all fits.
pub(super) fn typed(model: &Model, field: &Field, pen: &mut Pen<'_>) {
    let shown = |half: String| half.replace('\n', "⏎");
    let (before, after) = field.halves();
    let (before, after) = (shown(before), shown(after));
    let room = pen.width().saturating_sub(2);
    let start = before.char_indices().map(|(at, _)| at).find(|at| columns(&before[*at..]) <= room);
    let before = start.map_or("", |start| &before[start..]).to_string();
    let mut after = after.chars();
    let under: String = after.next().unwrap_or(' ').to_string();
    let style = model.theme.style(Role::Text);
    let cursor = style.add_modifier(ratatui::style::Modifier::REVERSED);
    pen.line(&Line::from(vec![
        Span::styled(before, style),
        Span::styled(under, cursor),
        Span::styled(after.collect::<String>(), style),
    ]));
}

/// Where the lines of a list are, and of each the entry that it is about.
pub(super) type Listed = (Rect, Vec<Option<usize>>);

/// Draws a list in front, if that is what is there.
pub(super) fn list(model: &Model, overlay: &Overlay, buffer: &mut Buffer) -> Option<Listed> {
    match overlay {
        Overlay::Palette(field, at) => {
            let fits = candidates(model, &field.text());
            let lines = fits.iter().map(|offered| entry(model, offered)).collect();
            Some(listed(model, "Do", field, *at, lines, buffer))
        }
        Overlay::Choice { choice, items, field, at } => {
            let fits = fitting(items, &field.text());
            let lines = fits.into_iter().map(|item| {
                let (name, about) = &items[item];
                Line::from(vec![
                    Span::styled(fitted(name, 28), model.theme.style(Role::Title)),
                    Span::styled(format!(" {}", crate::terminal::printable(about)), model.theme.style(Role::Dim)),
                ])
            });
            Some(listed(model, &choice.title(), field, *at, lines.collect(), buffer))
        }
        Overlay::Help { at, field, is_typing } => Some(super::help::draw(model, *at, field, *is_typing, buffer)),
        _ => None,
    }
}

/// A line to type in, and below it what fits.
fn listed(model: &Model, title: &str, field: &Field, at: usize, lines: Vec<Line<'_>>, buffer: &mut Buffer) -> Listed {
    let rows = model.size.1.saturating_sub(4).min(18);
    let area = framed(model, title, " enter takes it, esc closes ", (76, rows), buffer);
    let mut pen = Pen::new(area, buffer);
    typed(model, field, &mut pen);
    pen.gap();
    if lines.is_empty() {
        pen.text("nothing is called like that", model.theme.style(Role::Dim));
    }
    let height = usize::from(pen.left()).max(1);
    for (number, line) in lines.iter().enumerate().skip(page_start(at, height)).take(height) {
        pen.about(Some(number));
        if number == at {
            pen.highlighted(line, model.theme.style(Role::Selection));
        } else {
            pen.line(line);
        }
    }
    (area, pen.entries())
}

/// An action with its keys, or an input of the workflow.
fn entry(model: &Model, offered: &Offered) -> Line<'static> {
    let checked = model.flow.as_ref().and_then(|flow| flow.checked.as_ref());
    let (action, name, about) = match offered {
        Offered::Action(action) => (*action, action.name().to_string(), action.about().to_string()),
        Offered::Input(at) => {
            let input = checked.and_then(|checked| checked.inputs.get(*at));
            let (name, about) = input.map(|input| (input.name.clone(), input.about.clone())).unwrap_or_default();
            let about = if about.is_empty() { "an input of the workflow".into() } else { format!("input: {about}") };
            (Action::ShowInputs, name, about)
        }
    };
    let keys: Vec<_> = model.keymap.keys(action).map(ToString::to_string).collect();
    Line::from(vec![
        Span::styled(fitted(&keys.join(" "), 16), model.theme.style(Role::Key)),
        Span::styled(format!(" {}", fitted(&name, 16)), model.theme.style(Role::Title)),
        Span::styled(format!(" {}", crate::terminal::printable(&about)), model.theme.style(Role::Dim)),
    ])
}
