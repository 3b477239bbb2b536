//! A sweep: a grid of pictures with what each row and each column was given.

use std::ops::Range;

use easel_engine::RunState;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::super::model::Model;
use super::super::model::still::Source;
use super::super::model::sweep::{Cell, Sweep};
use super::super::theme::Role;
use super::super::update::sweep_about;
use super::details::state_role;
use super::page_start;
use super::pen::{Pen, columns, fitted, wrap};
use super::tiles::{self, Tile};

/// A picture has no fewer columns than this; what does not fit is on another page.
const LEAST: u16 = 14;

/// How the grid lies on the screen.
struct Places {
    /// Columns of what the rows are called.
    label: u16,
    /// Columns and lines of each cell.
    cell: (u16, u16),
    /// Columns and rows of pictures that are shown at once.
    page: (usize, usize),
    /// The first of them.
    first: (usize, usize),
}

impl Places {
    fn of(sweep: &Sweep, size: (u16, u16)) -> Self {
        // Above are two lines, below is one.
        let (width, height) = (size.0, size.1.saturating_sub(3));
        let label = if sweep.rows.is_some() { (width / 6).clamp(8, 24) } else { 0 };
        let room = width.saturating_sub(label);
        let columns = sweep.width().min(usize::from(room / LEAST).max(1));
        let per_column = room / u16::try_from(columns).unwrap_or(1);
        // A square picture and a line of words below it; all rows at once, if they are large enough then.
        let square = per_column.saturating_sub(2) / 2 + 2;
        let all = height / u16::try_from(sweep.height()).unwrap_or(u16::MAX).max(1);
        let per_row = square.min(all.max(LEAST / 2 + 2)).min(height.max(1)).max(1);
        let rows = sweep.height().min(usize::from(height / per_row).max(1));
        let (row, column) = (sweep.at / sweep.width(), sweep.at % sweep.width());
        let first = (page_start(column, columns), page_start(row, rows));
        Places { label, cell: (per_column, per_row), page: (columns, rows), first }
    }

    fn columns(&self, sweep: &Sweep) -> Range<usize> {
        self.first.0..(self.first.0 + self.page.0).min(sweep.width())
    }

    fn rows(&self, sweep: &Sweep) -> Range<usize> {
        self.first.1..(self.first.1 + self.page.1).min(sweep.height())
    }

    /// Which one of the page a cell is.
    fn number(&self, row: usize, column: usize) -> usize {
        (row - self.first.1) * self.page.0 + column - self.first.0
    }

    /// Where a cell is on the screen.
    fn place(&self, row: usize, column: usize, screen: Rect) -> Rect {
        let at = |number: usize, each: u16| u16::try_from(number).unwrap_or(u16::MAX).saturating_mul(each);
        let x = screen.x + self.label + at(column - self.first.0, self.cell.0);
        let y = screen.y + 2 + at(row - self.first.1, self.cell.1);
        Rect { x, y, width: self.cell.0.saturating_sub(1), height: self.cell.1 }.intersection(screen)
    }
}

/// The cells that are on the screen.
pub(crate) fn page(model: &Model, sweep: &Sweep) -> impl Iterator<Item = usize> {
    let places = Places::of(sweep, model.size);
    let (columns, width) = (places.columns(sweep), sweep.width());
    places.rows(sweep).flat_map(move |row| columns.clone().map(move |column| row * width + column))
}

/// The cell at a place of the screen.
pub(crate) fn cell_at(model: &Model, place: Position) -> Option<usize> {
    let sweep = model.sweep.as_ref()?;
    let screen = Rect { x: 0, y: 0, width: model.size.0, height: model.size.1.saturating_sub(1) };
    let places = Places::of(sweep, model.size);
    let is_it = |at: &usize| places.place(at / sweep.width(), at % sweep.width(), screen).contains(place);
    page(model, sweep).find(is_it)
}

pub(super) fn draw(model: &Model, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let screen = *buffer.area();
    Clear.render(screen, buffer);
    buffer.set_style(screen, style(Role::Text));
    let Some(sweep) = &model.sweep else { return };
    let places = Places::of(sweep, (screen.width, screen.height));
    let (over, all) = sweep.counts();
    let line = |y: u16| Rect { y, height: 1.min(screen.height.saturating_sub(y)), ..screen };
    let mut title = vec![Span::styled(
        format!("{over} of {all} runs are over  "),
        style(if over == all { Role::Done } else { Role::Running }),
    )];
    let pages = [(places.rows(sweep), sweep.height(), "rows"), (places.columns(sweep), sweep.width(), "columns")];
    for (shown, all, what) in pages.into_iter().filter(|(shown, all, _)| shown.len() < *all) {
        let text = format!("{what} {}–{} of {all}  ", shown.start + 1, shown.end);
        title.push(Span::styled(text, style(Role::Warning)));
    }
    title.extend(about(sweep).map(|about| Span::styled(about, style(Role::Dim))));
    Pen::new(line(0), buffer).line(&Line::from(title));
    for column in places.columns(sweep) {
        let place = Rect { y: 1, height: 1, ..places.place(places.first.1, column, screen) };
        let label = heading(sweep.columns.label_parts(column), usize::from(place.width));
        Pen::new(place.intersection(screen), buffer).text(&label, style(Role::Title));
    }
    for row in places.rows(sweep) {
        if let Some(rows) = &sweep.rows {
            let cell = places.place(row, places.first.0, screen);
            let place = Rect { x: 0, width: places.label.saturating_sub(1), ..cell };
            let mut pen = Pen::new(place, buffer);
            let (name, value) = rows.label_parts(row);
            let (label, width) = (format!("{name} {value}"), usize::from(place.width));
            if columns(&label) <= width {
                pen.text(&label, style(Role::Title));
            } else {
                pen.text(fitted(name, width).trim_end(), style(Role::Title));
                let lines = wrap(&crate::terminal::printable(&value), width);
                lines.iter().for_each(|line| pen.text(line, style(Role::Title)));
            }
        }
        for column in places.columns(sweep) {
            let at = row * sweep.width() + column;
            if let Some(cell) = sweep.cells.get(at) {
                let number = places.number(row, column);
                self::cell(model, (number, cell), at == sweep.at, places.place(row, column, screen), buffer);
            }
        }
    }
    let foot = line(screen.height.saturating_sub(1));
    buffer.set_style(foot, style(Role::Bar));
    let text = " esc closes  hjkl move  enter enlarges  a again  w saves a PNG  x cancels";
    match &model.notice {
        Some((_, told)) => Pen::new(foot, buffer).text(&format!(" {told}"), style(Role::Bar)),
        None => Pen::new(foot, buffer).entries_of(text, style(Role::Bar)),
    }
}

/// What a column is called, in so many columns: of the value as much as there is room for, of the input the rest.
fn heading((name, value): (&str, String), width: usize) -> String {
    let room = width.saturating_sub(columns(&value) + 1);
    match columns(name) <= room {
        true => fitted(&format!("{name} {value}"), width),
        // Less of a name says nothing.
        false if room >= 4 => format!("{} {value}", fitted(name, room)),
        false => fitted(&value, width),
    }
}

/// Where the cursor is.
fn about(sweep: &Sweep) -> Option<String> {
    let cell = sweep.cells.get(sweep.at)?;
    let run = cell.run.map_or_else(String::new, |run| format!("run {}: ", run.0));
    Some(format!("{run}{}", sweep_about(sweep, sweep.at)))
}

fn cell(model: &Model, (number, cell): (usize, &Cell), is_chosen: bool, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let room = above_words(area);
    let (word, role) = match (&cell.problem, cell.state) {
        (Some(_), _) => ("refused", Role::Error),
        (None, Some(state)) => (state.name(), state_role(state)),
        (None, None) => ("asked for", Role::Dim),
    };
    let picture = cell.picture.as_ref().map(|path| model.thumbnails.get(path));
    match (picture, &cell.problem) {
        (_, Some(why)) => Pen::new(room, buffer).wrapped(why, style(Role::Error)),
        (Some(Some(Ok(_))), _) => {
            tile(model, number, cell, area).iter().for_each(|tile| tile.draw(model, buffer));
        }
        (Some(Some(Err(why))), _) => Pen::new(room, buffer).wrapped(why, style(Role::Warning)),
        (Some(None), _) => Pen::new(room, buffer).text("…", style(Role::Dim)),
        (None, None) if cell.state == Some(RunState::Completed) => {
            Pen::new(room, buffer).wrapped("it wrote no picture", style(Role::Dim));
        }
        (None, None) => {}
    }
    let below = Rect { y: area.y + room.height, height: area.height - room.height, ..area };
    let sign = if is_chosen { "▸" } else { " " };
    let line = Line::from(Span::styled(fitted(&format!("{sign}{word}"), usize::from(area.width)), style(role)));
    let mut pen = Pen::new(below, buffer);
    if is_chosen { pen.highlighted(&line, style(Role::Selection)) } else { pen.line(&line) }
}

/// The part of a cell that a picture may take.
fn above_words(area: Rect) -> Rect {
    Rect { height: area.height.saturating_sub(1), ..area }
}

/// The picture of a cell, if it is known; which one of the page the cell is, and where.
fn tile(model: &Model, number: usize, cell: &Cell, area: Rect) -> Option<Tile> {
    let path = cell.picture.as_ref().filter(|_| cell.problem.is_none())?;
    let small = model.thumbnails.get(path)?.as_ref().ok()?.clone();
    let (slot, source) = (tiles::GRID + number, Source::File(path.clone()));
    Some(Tile { slot, source, small, room: above_words(area), centred: (false, false) })
}

/// The pictures of the page.
pub(super) fn tiles(model: &Model) -> Vec<Tile> {
    let Some(sweep) = &model.sweep else { return Vec::new() };
    let screen = Rect { x: 0, y: 0, width: model.size.0, height: model.size.1 };
    let places = Places::of(sweep, model.size);
    let cells = places.rows(sweep).flat_map(|row| places.columns(sweep).map(move |column| (row, column)));
    let tile = |(row, column): (usize, usize)| {
        let cell = sweep.cells.get(row * sweep.width() + column)?;
        tile(model, places.number(row, column), cell, places.place(row, column, screen))
    };
    cells.filter_map(tile).collect()
}
