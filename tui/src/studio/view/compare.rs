//! Two runs, or two pictures, side by side, with the inputs in which they differ.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::super::model::{Candidate, Compare, Details, Manner, Model, Picture, difference};
use super::super::theme::Role;
use super::super::update::picture_of;
use super::blocks;
use super::pen::{Pen, fitted, wrap};
use crate::gist;
use crate::terminal::printable;

/// Lines of the list of inputs, of a screen of so many lines.
fn list_height(height: u16) -> u16 {
    (height / 3).max(6).min(height.saturating_sub(4))
}

pub(super) fn draw(model: &Model, compare: &Compare, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let screen = *buffer.area();
    Clear.render(screen, buffer);
    buffer.set_style(screen, style(Role::Text));
    let foot = Rect { y: screen.bottom().saturating_sub(1), height: screen.height.min(1), ..screen };
    let body = Rect { height: screen.height - foot.height, ..screen };
    let below = list_height(body.height);
    let above = Rect { height: body.height - below, ..body };
    pictures(model, compare, above, buffer);
    inputs(model, compare, Rect { y: above.bottom(), height: below, ..body }, buffer);
    buffer.set_style(foot, style(Role::Bar));
    let text = " esc closes  space blinks  d difference  + - how much  s beside  x swaps  j k scroll";
    Pen::new(foot, buffer).text(text, style(Role::Bar));
}

fn pictures(model: &Model, compare: &Compare, area: Rect, buffer: &mut Buffer) {
    let title = Rect { height: area.height.min(1), ..area };
    let rest = Rect { y: area.y + title.height, height: area.height - title.height, ..area };
    let half = Rect { width: area.width / 2, ..area };
    let halves = [half, Rect { x: half.right(), width: area.width - half.width, ..area }];
    match compare.manner {
        Manner::Beside => {
            for (candidate, half) in [&compare.left, &compare.right].into_iter().zip(halves) {
                named(model, candidate, Rect { height: title.height, ..half }, buffer);
                let room = Rect { y: rest.y, height: rest.height, width: half.width.saturating_sub(1), ..half };
                shown(model, small(model, candidate), room, buffer);
            }
        }
        Manner::Left | Manner::Right => {
            let candidate = if compare.manner == Manner::Left { &compare.left } else { &compare.right };
            named(model, candidate, title, buffer);
            shown(model, small(model, candidate), rest, buffer);
        }
        Manner::Difference => {
            let both = (small(model, &compare.left), small(model, &compare.right));
            let (text, picture) = match both {
                (Small::Picture(left), Small::Picture(right)) => {
                    let (picture, most) = difference(left, right, compare.gain);
                    (
                        format!(
                            "difference × {}: at most {most} of 255, of the pictures as they are shown",
                            compare.gain
                        ),
                        picture,
                    )
                }
                (Small::None(why), _) | (_, Small::None(why)) => {
                    return Pen::new(area, buffer).wrapped(&why, model.theme.style(Role::Warning));
                }
            };
            Pen::new(title, buffer).text(&text, model.theme.style(Role::Title));
            shown(model, Small::Picture(&picture), rest, buffer);
        }
    }
}

/// A picture, or why there is none.
enum Small<'a> {
    Picture(&'a Picture),
    None(String),
}

fn small<'a>(model: &'a Model, candidate: &Candidate) -> Small<'a> {
    let details = candidate.run.and_then(|run| model.runs.details(run));
    let Some(path) = picture_of(model, candidate) else {
        return Small::None(match details {
            Some(Ok(_)) => "It wrote no picture.".into(),
            Some(Err(why)) => why.clone(),
            None => "Reading …".into(),
        });
    };
    match model.thumbnails.get(&path) {
        Some(Ok(picture)) => Small::Picture(picture),
        Some(Err(why)) => Small::None(format!("{}: {why}", path.display())),
        None => Small::None("Reading …".into()),
    }
}

/// In the middle of an area.
fn shown(model: &Model, small: Small<'_>, area: Rect, buffer: &mut Buffer) {
    let picture = match small {
        Small::Picture(picture) => picture,
        Small::None(why) => return Pen::new(area, buffer).wrapped(&why, model.theme.style(Role::Warning)),
    };
    if model.theme.pixel([0; 3]).is_none() {
        let text = "This terminal shows too few colours for pictures.";
        return Pen::new(area, buffer).wrapped(text, model.theme.style(Role::Dim));
    }
    let (columns, rows) = blocks::size(picture, area);
    let place = Rect { x: area.x + (area.width - columns) / 2, width: columns, height: rows, ..area };
    blocks::draw(picture, place, &model.theme, buffer);
}

fn named(model: &Model, candidate: &Candidate, area: Rect, buffer: &mut Buffer) {
    let run = candidate.run.map_or_else(|| "no run".into(), |run| format!("run {}", run.0));
    let path = picture_of(model, candidate);
    let name = path.as_ref().and_then(|path| path.file_name()).unwrap_or_default().to_string_lossy();
    let width = usize::from(area.width).saturating_sub(1);
    Pen::new(area, buffer).text(&fitted(&format!("{run}  {name}"), width), model.theme.style(Role::Title));
}

/// The inputs in which the runs differ.
fn inputs(model: &Model, compare: &Compare, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let mut pen = Pen::new(area, buffer);
    let width = pen.width();
    let heading = "── Inputs that differ ";
    pen.text(&format!("{heading}{}", "─".repeat(width.saturating_sub(heading.chars().count()))), style(Role::Border));
    let known = |candidate: &Candidate| candidate.run.map(|run| model.runs.details(run));
    let (left, right): (&Details, &Details) = match (known(&compare.left), known(&compare.right)) {
        (Some(Some(Ok(left))), Some(Some(Ok(right)))) => (left, right),
        (None, _) | (_, None) => {
            return pen.wrapped("No run of the journal wrote one of them: its inputs are not known.", style(Role::Dim));
        }
        (Some(Some(Err(why))), _) | (_, Some(Some(Err(why)))) => return pen.wrapped(why, style(Role::Error)),
        _ => return pen.text("Reading …", style(Role::Dim)),
    };
    let lines = table(model, left, right, width);
    if lines.is_empty() {
        return pen.wrapped("None: both were given the same.", style(Role::Dim));
    }
    let most = lines.len().saturating_sub(usize::from(pen.left()));
    lines.iter().skip(compare.scroll.min(most)).for_each(|line| pen.line(line));
}

/// Three columns: the input, what the one was given, what the other was.
fn table(model: &Model, left: &Details, right: &Details, width: usize) -> Vec<Line<'static>> {
    let style = |role: Role| model.theme.style(role);
    let differences = gist::differences(&left.story.job, &right.story.job);
    let longest = differences.iter().map(|d| d.name.chars().count()).max().unwrap_or(0);
    let name_width = longest.min(width / 3);
    let room = width.saturating_sub(name_width + 4) / 2;
    let mut lines = Vec::new();
    for difference in &differences {
        let cell = |value: &Option<String>| match value {
            Some(value) if value.is_empty() => vec!["(empty)".into()],
            Some(value) => wrap(&printable(value), room.max(1)),
            None => vec!["(not there)".into()],
        };
        let (left, right) = (cell(&difference.left), cell(&difference.right));
        for number in 0..left.len().max(right.len()) {
            let name = if number == 0 { difference.name.as_str() } else { "" };
            let part = |cell: &[String]| fitted(cell.get(number).map_or("", String::as_str), room);
            lines.push(Line::from(vec![
                Span::styled(fitted(name, name_width), style(Role::Key)),
                Span::styled(format!("  {}", part(&left)), style(Role::Removed)),
                Span::styled(format!("  {}", part(&right)), style(Role::Added)),
            ]));
        }
    }
    lines
}
