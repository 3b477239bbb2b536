//! Two runs, or two pictures, side by side, with the inputs in which they differ.

use std::path::PathBuf;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::super::model::still::Source;
use super::super::model::{Candidate, Compare, Details, Manner, Model, Picture, difference};
use super::super::theme::Role;
use super::super::update::picture_of;
use super::pen::{Pen, fitted, wrap};
use super::tiles::{self, Tile};
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
    let above = above(body);
    pictures(model, compare, above, buffer);
    inputs(model, compare, Rect { y: above.bottom(), height: body.height - above.height, ..body }, buffer);
    buffer.set_style(foot, style(Role::Bar));
    let text = " esc closes  space blinks  d difference  + - gain  s beside  x swaps  jk scroll";
    Pen::new(foot, buffer).entries_of(text, style(Role::Bar));
}

/// The part of the body that has pictures.
fn above(body: Rect) -> Rect {
    Rect { height: body.height - list_height(body.height), ..body }
}

/// How the pictures are shown after a click on them: the one that was clicked alone, or both again. None: they are not there.
pub(crate) fn manner_at(model: &Model, compare: &Compare, place: Position) -> Option<Manner> {
    let body = Rect { x: 0, y: 0, width: model.size.0, height: model.size.1.saturating_sub(1) };
    let area = Some(above(body)).filter(|area| area.contains(place))?;
    Some(match compare.manner {
        Manner::Beside if place.x < area.width / 2 => Manner::Left,
        Manner::Beside => Manner::Right,
        Manner::Left | Manner::Right | Manner::Difference => Manner::Beside,
    })
}

/// What is compared as it is shown: its slot, where its name is, and where there is room for the picture.
type Seen<'a> = (usize, &'a Candidate, Rect, Rect);

fn seen(compare: &Compare, area: Rect) -> Vec<Seen<'_>> {
    let (title, rest) = title_and_rest(area);
    let half = area.width / 2;
    match compare.manner {
        Manner::Beside => {
            let [left, right] = tiles::BESIDE;
            let second = |part: Rect| Rect { x: part.x + half, width: part.width - half, ..part };
            let first = |part: Rect| Rect { width: half, ..part };
            let room = |part: Rect| Rect { width: part.width.saturating_sub(1), ..part };
            vec![
                (left, &compare.left, first(title), room(first(rest))),
                (right, &compare.right, second(title), room(second(rest))),
            ]
        }
        Manner::Left => vec![(tiles::IN_TURNS[0], &compare.left, title, rest)],
        Manner::Right => vec![(tiles::IN_TURNS[1], &compare.right, title, rest)],
        Manner::Difference => Vec::new(),
    }
}

fn title_and_rest(area: Rect) -> (Rect, Rect) {
    let title = Rect { height: area.height.min(1), ..area };
    (title, Rect { y: area.y + title.height, height: area.height - title.height, ..area })
}

/// A picture in the middle of a room.
fn tile(slot: usize, source: Source, small: Picture, room: Rect) -> Tile {
    Tile { slot, source, small, room, centred: (true, false) }
}

/// Where both differ, and how much at the most.
fn differing(model: &Model, compare: &Compare, room: Rect) -> Result<(Tile, u8), String> {
    match (small(model, &compare.left), small(model, &compare.right)) {
        (Small::Picture(_, left), Small::Picture(_, right)) => {
            let (picture, most) = difference(left, right, compare.gain);
            Ok((tile(tiles::ALONE, Source::Pixels(picture.clone()), picture, room), most))
        }
        (Small::None(why), _) | (_, Small::None(why)) => Err(why),
    }
}

/// The pictures that are compared.
pub(super) fn tiles(model: &Model, compare: &Compare) -> Vec<Tile> {
    let body = Rect { x: 0, y: 0, width: model.size.0, height: model.size.1.saturating_sub(1) };
    let area = above(body);
    if compare.manner == Manner::Difference {
        return differing(model, compare, title_and_rest(area).1).into_iter().map(|(tile, _)| tile).collect();
    }
    let tile = |(slot, candidate, _, room): Seen<'_>| match small(model, candidate) {
        Small::Picture(path, picture) => Some(tile(slot, Source::File(path), picture.clone(), room)),
        Small::None(_) => None,
    };
    seen(compare, area).into_iter().filter_map(tile).collect()
}

fn pictures(model: &Model, compare: &Compare, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    for (slot, candidate, title, room) in seen(compare, area) {
        named(model, candidate, title, buffer);
        match small(model, candidate) {
            Small::Picture(path, picture) => {
                tile(slot, Source::File(path), picture.clone(), room).draw(model, buffer);
            }
            Small::None(why) => Pen::new(room, buffer).wrapped(&why, style(Role::Warning)),
        }
    }
    if compare.manner == Manner::Difference {
        let (title, room) = title_and_rest(area);
        match differing(model, compare, room) {
            Ok((tile, most)) => {
                let text =
                    format!("difference × {}: at most {most} of 255, of the pictures as they are shown", compare.gain);
                Pen::new(title, buffer).text(&text, style(Role::Title));
                tile.draw(model, buffer);
            }
            Err(why) => Pen::new(area, buffer).wrapped(&why, style(Role::Warning)),
        }
    }
}

/// A picture, or why there is none.
enum Small<'a> {
    Picture(PathBuf, &'a Picture),
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
        Some(Ok(picture)) => Small::Picture(path, picture),
        Some(Err(why)) => Small::None(format!("{}: {why}", path.display())),
        None => Small::None("Reading …".into()),
    }
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
