//! The pictures that were drawn: a grid of them, and one with all that it was made from.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::super::keymap::Action;
use super::super::model::still::Source;
use super::super::model::{Model, Shot};
use super::super::theme::Role;
use super::details::short;
use super::pen::{Pen, fitted, wrap};
use super::picture::{bytes, made};
use super::tiles::{self, Tile};
use super::{page_start, regions};
use crate::terminal::{count, printable};

/// Lines below each picture: its prompt, and where it came from.
const CAPTION: u16 = 2;

/// How the pictures lie in the pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Pictures in a row.
    pub(crate) columns: usize,
    /// Whole rows.
    pub(crate) rows: usize,
    /// Columns and lines of the screen that each has.
    cell: (u16, u16),
    area: Rect,
}

impl Grid {
    fn of(area: Rect) -> Self {
        let width: u16 = if area.width >= 110 { 20 } else { 16 };
        let cell = (width, (width - 2) / 2 + CAPTION + 1);
        // The last line says which part this is.
        let room = area.height.saturating_sub(1);
        let fitting = |room: u16, each: u16| usize::from(room / each).max(1);
        Grid { columns: fitting(area.width, cell.0), rows: fitting(room, cell.1), cell, area }
    }

    /// The pictures that are on the screen.
    pub(crate) fn shown(&self, model: &Model) -> Range<usize> {
        let page = self.columns * self.rows;
        let first = page_start(model.gallery.at, page);
        first..(first + page).min(model.gallery.len())
    }

    /// Where a picture of the page is.
    fn place(&self, number: usize) -> Rect {
        let (column, row) = (number % self.columns, number / self.columns);
        let x = self.area.x + self.cell.0 * u16::try_from(column).unwrap_or(u16::MAX);
        let y = self.area.y + self.cell.1 * u16::try_from(row).unwrap_or(u16::MAX);
        Rect { x, y, width: self.cell.0 - 1, height: self.cell.1 - 1 }.intersection(self.area)
    }
}

/// How the pictures lie.
pub(crate) fn grid(model: &Model) -> Grid {
    Grid::of(parts(model, regions(model).side).1)
}

/// What is wrong with the journal has up to a third of the pane, in lines; the pictures have the rest.
fn parts(model: &Model, area: Rect) -> (Vec<String>, Rect) {
    let Some(problem) = model.gallery.problem() else { return (Vec::new(), area) };
    let text = format!("{problem}\nThese are the pictures of the folder; what else runs drew is not known.");
    let mut lines = wrap(&printable(&text), usize::from(area.width).max(8));
    lines.truncate(usize::from(area.height / 3));
    let height = u16::try_from(lines.len()).unwrap_or(0);
    (lines, Rect { y: area.y + height, height: area.height - height, ..area })
}

/// The picture at a place of the pane.
pub(crate) fn at_place(model: &Model, place: ratatui::layout::Position) -> Option<usize> {
    let grid = grid(model);
    let shown = grid.shown(model);
    (0..shown.len()).find(|number| grid.place(*number).contains(place)).map(|number| shown.start + number)
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let gallery = &model.gallery;
    let (problem, area) = {
        let (problem, rest) = parts(model, area);
        let mut pen = Pen::new(area, buffer);
        problem.iter().for_each(|line| pen.text(line, style(Role::Error)));
        (!problem.is_empty(), rest)
    };
    let mut pen = Pen::new(area, buffer);
    match gallery.shots() {
        None => return pen.text("Reading the journal …", style(Role::Dim)),
        Some(shots) if shots.all.is_empty() && problem => {
            return pen.wrapped("There is no picture in it.", style(Role::Dim));
        }
        Some(shots) if shots.all.is_empty() => {
            let key = model.keymap.key(Action::Run).unwrap_or_default();
            return pen.wrapped(&format!("There is no picture yet; `{key}` runs the workflow."), style(Role::Dim));
        }
        Some(shots) if gallery.len() == 0 => {
            let yet = if shots.unread > 0 { " yet" } else { "" };
            let key = model.keymap.key(Action::Filter).unwrap_or_default();
            let (all, filter) = (count(shots.all.len(), "picture"), &gallery.filter);
            let text = format!("None{yet} of {all} has “{filter}”; `{key}` changes that.");
            return pen.wrapped(&text, style(Role::Dim));
        }
        Some(_) => {}
    }
    let grid = Grid::of(area);
    let shown = grid.shown(model);
    for (number, at) in shown.enumerate() {
        if let Some(shot) = gallery.shot(at) {
            cell(model, (number, shot), at == gallery.at, grid.place(number), buffer);
        }
    }
    let mut text = format!("── {} of {} ", gallery.at + 1, count(gallery.len(), "picture"));
    if !gallery.filter.is_empty() {
        text.push_str(&format!("with “{}” ", printable(&gallery.filter)));
    }
    let rest = usize::from(area.width).saturating_sub(text.chars().count());
    let last = Rect { y: area.bottom().saturating_sub(1), height: area.height.min(1), ..area };
    Pen::new(last, buffer).text(&format!("{text}{}", "─".repeat(rest)), style(Role::Border));
}

/// A picture with what it is.
fn cell(model: &Model, (number, shot): (usize, &Shot), is_chosen: bool, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let picture = above_caption(area);
    thumbnail(model, tiles::GRID + number, shot, picture, buffer);
    let caption = Rect { y: picture.bottom(), height: area.height - picture.height, ..area };
    let mut pen = Pen::new(caption, buffer);
    let name = shot.path.file_name().unwrap_or_default().to_string_lossy();
    let about = if shot.gist.prompt.is_empty() { &*name } else { &shot.gist.prompt };
    let is_marked = model.to_compare.iter().any(|marked| marked.path.as_ref() == Some(&shot.path));
    let sign = match (is_marked, is_chosen) {
        (true, _) => "●",
        (false, true) => "▸",
        (false, false) => " ",
    };
    let line =
        Line::from(Span::styled(format!("{sign}{}", fitted(about, pen.width().saturating_sub(1))), style(Role::Text)));
    if is_chosen {
        pen.highlighted(&line, style(Role::Selection));
    } else {
        pen.line(&line);
    }
    let model_name = shot.gist.model.rsplit([':', '/']).next().unwrap_or_default();
    let mut parts = Vec::new();
    parts.extend(shot.run.map(|run| run.0.to_string()));
    parts.extend((!shot.gist.seed.is_empty()).then(|| format!("seed {}", shot.gist.seed)));
    parts.extend((!model_name.is_empty()).then(|| model_name.to_string()));
    let about = fitted(&format!(" {}", parts.join(" · ")), pen.width());
    pen.text(&about, style(Role::Dim));
}

/// The small picture, or why there is none.
fn thumbnail(model: &Model, slot: usize, shot: &Shot, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    match model.thumbnails.get(&shot.path) {
        None => Pen::new(area, buffer).text(" …", style(Role::Dim)),
        Some(Err(why)) => Pen::new(area, buffer).wrapped(why, style(Role::Warning)),
        Some(Ok(_)) if let Some(why) = tiles::why_none(model) => {
            let name = shot.path.file_name().unwrap_or_default().to_string_lossy();
            Pen::new(area, buffer).wrapped(&format!("{name}\n{why}"), style(Role::Dim));
        }
        Some(Ok(_)) => tile(model, slot, shot, area).iter().for_each(|tile| tile.draw(model, buffer)),
    }
}

/// The part of a cell that a picture may take.
fn above_caption(area: Rect) -> Rect {
    Rect { height: area.height.saturating_sub(CAPTION), ..area }
}

/// A picture in a room, if it is known.
fn tile(model: &Model, slot: usize, shot: &Shot, room: Rect) -> Option<Tile> {
    let small = model.thumbnails.get(&shot.path)?.as_ref().ok()?.clone();
    Some(Tile { slot, source: Source::File(shot.path.clone()), small, room, centred: (true, true) })
}

/// The pictures of the page.
pub(super) fn tiles(model: &Model, area: Rect) -> Vec<Tile> {
    let grid = Grid::of(parts(model, area).1);
    let shown = grid.shown(model).enumerate();
    let tile = |(number, at): (usize, usize)| {
        tile(model, tiles::GRID + number, model.gallery.shot(at)?, above_caption(grid.place(number)))
    };
    shown.filter_map(tile).collect()
}

/// Where the picture with the cursor is if it has the whole screen: as wide as a square picture of the body's height, but
/// words have room, too.
fn alone_area(body: Rect) -> Rect {
    Rect { width: (body.height * 2).min(body.width * 3 / 5), ..body }
}

/// The picture with the cursor on the whole screen.
pub(super) fn alone(model: &Model) -> Option<Tile> {
    let body = Rect { x: 0, y: 0, width: model.size.0, height: model.size.1.saturating_sub(1) };
    tile(model, tiles::ALONE, model.gallery.chosen()?, alone_area(body))
}

/// What can be known of a picture that no run of the journal wrote: what its file says.
fn stranger(model: &Model, shot: &Shot, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    pen.wrapped("No run of the journal wrote it.", style(Role::Dim));
    pen.gap();
    match model.gallery.known.as_ref().filter(|(path, _)| *path == shot.path) {
        None => pen.text("Reading …", style(Role::Dim)),
        Some((_, Err(why))) => pen.wrapped(why, style(Role::Warning)),
        Some((_, Ok(details))) => {
            let (width, height) = details.size;
            pen.text(&format!("{width} × {height}, {}", bytes(details.bytes)), style(Role::Text));
            made(model, details, pen);
        }
    }
}

/// The picture with the cursor on the whole screen, beside all that it was made from.
pub(super) fn full(model: &Model, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let screen = *buffer.area();
    Clear.render(screen, buffer);
    buffer.set_style(screen, style(Role::Text));
    let Some(shot) = model.gallery.chosen() else { return };
    let foot = Rect { y: screen.bottom().saturating_sub(1), height: screen.height.min(1), ..screen };
    let body = Rect { height: screen.height.saturating_sub(1), ..screen };
    let picture = alone_area(body);
    let width = picture.width;
    thumbnail(model, tiles::ALONE, shot, picture, buffer);
    let beside = Rect { x: body.x + width + 2, width: body.width.saturating_sub(width + 2), ..body };
    let mut pen = Pen::new(beside, buffer);
    pen.wrapped(&shot.path.to_string_lossy(), style(Role::Title));
    match shot.run.and_then(|run| model.runs.details(run)) {
        Some(Ok(details)) => {
            pen.gap();
            short(model, details, usize::from(beside.width)).iter().for_each(|line| pen.line(line));
        }
        Some(Err(why)) => pen.wrapped(why, style(Role::Error)),
        None if shot.run.is_none() => stranger(model, shot, &mut pen),
        None => pen.text("Reading …", style(Role::Dim)),
    }
    buffer.set_style(foot, style(Role::Bar));
    let text = format!(
        " {} of {}  h l next  r another seed  p use its prompt  y copy  esc closes",
        model.gallery.at + 1,
        model.gallery.len()
    );
    Pen::new(foot, buffer).entries_of(&text, style(Role::Bar));
}
