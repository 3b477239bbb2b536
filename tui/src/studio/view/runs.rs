//! The runs of the journal: a list, and below it the one with the cursor.

use std::path::Path;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::keymap::Action;
use super::super::model::{Details, Model, Picture, RunRow, RunsPage};
use super::super::theme::Role;
use super::super::update::pictures;
use super::details::{short, state_role};
use super::pen::{Pen, fitted};
use super::{blocks, page_start};
use crate::terminal::{brief_seconds, count, printable};

/// Lower than this, a pane has room for the list alone.
const ROOM_FOR_DETAILS: u16 = 11;

/// Narrower than this, a line has room for the least alone.
const ROOM_FOR_COLUMNS: usize = 64;

/// Where the parts of the pane are.
struct Places {
    /// The names of the columns; empty where there is no room for columns.
    heading: Rect,
    list: Rect,
    /// The line between them.
    divider: Rect,
    details: Rect,
}

fn places(area: Rect) -> Places {
    let heading = u16::from(usize::from(area.width) >= ROOM_FOR_COLUMNS && area.height > 2);
    let details = if area.height >= ROOM_FOR_DETAILS { area.height * 9 / 20 } else { 0 };
    let divider = u16::from(details > 0);
    let list = area.height - heading - divider - details;
    let part = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
    Places {
        heading: part(0, heading),
        list: part(heading, list),
        divider: part(heading + list, divider),
        details: part(heading + list + divider, details),
    }
}

/// How many runs are shown at once.
pub(super) fn page(area: Rect) -> u16 {
    places(area).list.height
}

/// The run on a line of the pane.
pub(crate) fn at_line(model: &Model, area: Rect, line: u16) -> Option<usize> {
    let list = places(area).list;
    let line = (area.y + line).checked_sub(list.y).filter(|line| *line < list.height)?;
    let at = page_start(model.runs.at, usize::from(list.height)) + usize::from(line);
    (at < model.runs.found()).then_some(at)
}

pub(super) fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let style = |role: Role| model.theme.style(role);
    let page = match &model.runs.page {
        None => return Pen::new(area, buffer).text("Reading the journal …", style(Role::Dim)),
        Some(Err(why)) => return Pen::new(area, buffer).wrapped(why, style(Role::Error)),
        Some(Ok(page)) => page,
    };
    if page.found == 0 {
        return Pen::new(area, buffer).wrapped(&nothing(model, page), style(Role::Dim));
    }
    let places = places(area);
    let columns = Columns::of(usize::from(area.width));
    Pen::new(places.heading, buffer).text(&columns.heading(model.zone.is_utc()), style(Role::Dim));
    let height = usize::from(places.list.height);
    let start = page_start(model.runs.at, height);
    let mut pen = Pen::new(places.list, buffer);
    for at in start..(start + height).min(page.found) {
        let Some(row) = page.row(at) else {
            pen.text("   …", style(Role::Dim));
            continue;
        };
        let line = columns.line(model, row);
        if at == model.runs.at {
            pen.highlighted(&line, style(Role::Selection));
        } else {
            pen.line(&line);
        }
    }
    divider(model, page, places.divider, buffer);
    details(model, places.details, buffer);
}

/// Why no run is listed.
fn nothing(model: &Model, page: &RunsPage) -> String {
    let key = model.keymap.key(Action::Filter).unwrap_or_default();
    match (page.total, page.unread) {
        (0, _) => "Nothing was run yet.".into(),
        (total, 0) => format!("None of {} has {}; `{key}` changes that.", runs(total), quoted(&page.filter)),
        (total, unread) => {
            format!("None yet of {} has {}; {unread} are still to be read …", runs(total), quoted(&page.filter))
        }
    }
}

fn runs(number: usize) -> String {
    count(number, "run")
}

fn quoted(filter: &str) -> String {
    format!("“{}”", printable(filter))
}

/// What part of the list this is.
fn divider(model: &Model, page: &RunsPage, area: Rect, buffer: &mut Buffer) {
    let mut text = format!("── {} of {} ", model.runs.at + 1, runs(page.found));
    if !page.filter.is_empty() {
        text.push_str(&format!("with {} ", quoted(&page.filter)));
    }
    if page.unread > 0 && !page.filter.is_empty() {
        text.push_str(&format!("({} to be read) ", page.unread));
    }
    let rest = usize::from(area.width).saturating_sub(text.chars().count());
    text.push_str(&"─".repeat(rest));
    Pen::new(area, buffer).text(&text, model.theme.style(Role::Border));
}

/// How wide each column is, for lines of some width.
struct Columns {
    width: usize,
    is_narrow: bool,
    /// How much of when it began is told: a day and a time, or with year and seconds.
    when: usize,
    seed: usize,
    workflow: usize,
}

/// Columns of a run's number and of its state.
const NUMBER: usize = 6;
const STATE: usize = 11;
const TOOK: usize = 8;

impl Columns {
    fn of(width: usize) -> Self {
        let is_narrow = width < ROOM_FOR_COLUMNS;
        match width >= 110 {
            true => Columns { width, is_narrow, when: 19, seed: 10, workflow: 20 },
            false => Columns { width, is_narrow, when: 11, seed: 6, workflow: 12 },
        }
    }

    /// What is left for the prompt.
    fn prompt(&self) -> usize {
        self.width.saturating_sub(NUMBER + 1 + STATE + 1 + self.when + 1 + TOOK + 1 + self.seed + 1 + self.workflow + 1)
    }

    fn heading(&self, is_utc: bool) -> String {
        let begun = if is_utc { "BEGUN (UTC)" } else { "BEGUN" };
        format!(
            "{:>NUMBER$} {:STATE$} {} {:>TOOK$} {} {} PROMPT",
            "RUN",
            "STATE",
            fitted(begun, self.when),
            "TOOK",
            fitted("SEED", self.seed),
            fitted("WORKFLOW", self.workflow),
        )
    }

    fn line(&self, model: &Model, row: &RunRow) -> Line<'static> {
        let style = |role: Role| model.theme.style(role);
        let summary = &row.summary;
        let name = summary.workflow.rsplit(['/', '\\']).next().unwrap_or(&summary.workflow);
        let took = summary.seconds.filter(|_| summary.state.is_over()).map_or_else(String::new, brief_seconds);
        let is_marked = model.to_compare.iter().any(|marked| marked.path.is_none() && marked.run == Some(summary.run));
        let sign = if is_marked { "●" } else { " " };
        let number = Span::styled(format!("{:>NUMBER$}{sign}", summary.run.0), style(Role::Title));
        let state = Span::styled(format!("{:STATE$} ", summary.state.name()), style(state_role(summary.state)));
        if self.is_narrow {
            let room = self.width.saturating_sub(NUMBER + STATE + 3 + took.chars().count());
            let about = if row.gist.prompt.is_empty() { name } else { &row.gist.prompt };
            let about = Span::styled(fitted(about, room), style(Role::Text));
            return Line::from(vec![number, state, about, Span::styled(format!(" {took}"), style(Role::Dim))]);
        }
        let moment = summary.started.map_or_else(|| "-".into(), |at| model.zone.day_and_time(at));
        // Without the year and the seconds, where there is little room.
        let when = if self.when < moment.len() { moment.get(5..16).unwrap_or(&moment) } else { &moment };
        Line::from(vec![
            number,
            state,
            Span::styled(format!("{} {took:>TOOK$} ", fitted(when, self.when)), style(Role::Dim)),
            Span::styled(format!("{} ", fitted(&row.gist.seed, self.seed)), style(Role::Key)),
            Span::styled(format!("{} ", fitted(name, self.workflow)), style(Role::Dim)),
            Span::styled(fitted(&row.gist.prompt, self.prompt()), style(Role::Text)),
        ])
    }
}

/// What is known of the run with the cursor, beside its first picture.
fn details(model: &Model, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let style = |role: Role| model.theme.style(role);
    match model.runs.chosen_details() {
        None => Pen::new(area, buffer).text("Reading …", style(Role::Dim)),
        Some(Err(why)) => Pen::new(area, buffer).wrapped(why, style(Role::Error)),
        Some(Ok(details)) => {
            let text = thumbnails(model, details, area, buffer);
            let mut pen = Pen::new(text, buffer);
            short(model, details, usize::from(text.width)).iter().for_each(|line| pen.line(line));
        }
    }
}

/// Draws the pictures of a run at the right, the first outermost; what is left of the area.
fn thumbnails(model: &Model, details: &Details, area: Rect, buffer: &mut Buffer) -> Rect {
    if model.theme.pixel([0; 3]).is_none() {
        return area;
    }
    let mut left = area;
    for path in pictures(details) {
        let Some(picture) = thumbnail(model, path) else { continue };
        let room = Rect { width: area.width / 4, ..area };
        let (columns, rows) = blocks::size(picture, room);
        // Half of the width is for words.
        if columns + 1 > left.width.saturating_sub(area.width / 2) || rows == 0 {
            break;
        }
        let place = Rect { x: left.right() - columns, width: columns, ..left };
        blocks::draw(picture, place, &model.theme, buffer);
        left.width -= columns + 1;
    }
    left
}

/// The small picture of a file, if it was read and is one.
fn thumbnail<'a>(model: &'a Model, path: &Path) -> Option<&'a Picture> {
    model.thumbnails.get(path)?.as_ref().ok()
}
