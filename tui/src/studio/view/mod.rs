//! The model on the screen. A function of the model: nothing is remembered from one picture to the next.

mod bars;
mod blocks;
mod chooser;
mod compare;
mod details;
mod draft;
mod failure;
mod gallery;
mod gauges;
mod help;
mod hits;
mod inputs;
mod inspector;
mod keybar;
mod lanes;
mod log;
mod monitor;
mod overlay;
mod pen;
mod picture;
mod problems;
mod queue;
mod runs;
mod stills;
mod sweep;
mod tabs;
mod tiles;
mod timeline;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

pub(crate) use compare::manner_at as compare_manner_at;
pub(crate) use failure::{height as full_height, lines as failure_lines};
pub(crate) use gallery::grid as gallery_grid;
pub(crate) use hits::{entry_at, entry_in_front, foot_key_at, is_in_front};
pub(crate) use keybar::bar_action_at;
pub(crate) use monitor::is_picture_at as is_run_picture_at;
pub(crate) use overlay::{most_scrolled, typing_width};
pub(crate) use picture::room as picture_room;
pub(crate) use stills::wanted as wanted_pictures;
pub(crate) use sweep::{cell_at as sweep_cell_at, page as sweep_page};
pub(crate) use tabs::tab_at;
pub(crate) use timeline::{height as timeline_height, row_at as timeline_row_at};

use super::graph_view::{GraphView, Status};
use super::graphics::Protocol;
use super::keymap::Context;
use super::layout::Detail;
use super::model::{DEMO, Flow, Focus, Full, Model, Side};
use super::theme::Role;
use pen::Pen;

/// Narrower or lower than this, one pane is shown at a time.
const ROOM_FOR_TWO: (u16, u16) = (64, 12);

/// Where everything is on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Regions {
    /// The top line.
    pub(crate) title: Rect,
    /// The graph; empty if it is not shown.
    pub(crate) graph: Rect,
    /// The line between graph and side pane.
    divider: Rect,
    /// The tabs of the side pane.
    tabs: Rect,
    /// The side pane, or the list of workflows.
    pub(crate) side: Rect,
    /// The bottom line.
    bar: Rect,
}

/// How many entries of the list that keys go to are shown at once.
pub(crate) fn page_height(model: &Model) -> usize {
    let side = regions(model).side;
    let height = match model.context() {
        Context::Runs => runs::page(side),
        Context::Queue => queue::page(side),
        _ => side.height,
    };
    usize::from(height).max(1)
}

/// Where everything is.
pub(crate) fn regions(model: &Model) -> Regions {
    let (width, height) = model.size;
    let line = |y: u16| Rect { x: 0, y, width, height: 1.min(height.saturating_sub(y)) };
    let body = Rect { x: 0, y: 1, width, height: height.saturating_sub(2) };
    let mut regions =
        Regions { title: line(0), bar: line(height.saturating_sub(1).max(1)), side: body, ..Regions::default() };
    if model.full.is_some() {
        regions.side = Rect::default();
        return regions;
    }
    if model.flow.is_none() {
        return regions;
    }
    // What lists many things with much about each has the whole width while keys go there.
    let is_wide = model.focus == Focus::Side && matches!(model.side, Side::Runs | Side::Gallery | Side::Queue);
    let is_large = width >= ROOM_FOR_TWO.0 && height >= ROOM_FOR_TWO.1;
    let (graph, side) = match (is_large && !is_wide && !model.is_maximised, model.focus) {
        (true, _) => {
            let side = if width < 100 { width * 45 / 100 } else { (width * 2 / 5).min(64) };
            let graph = Rect { width: width - side - 1, ..body };
            regions.divider = Rect { x: graph.width, width: 1, ..body };
            (graph, Rect { x: graph.width + 1, width: side, ..body })
        }
        (false, Focus::Graph) => (body, Rect::default()),
        (false, Focus::Side) => (Rect::default(), body),
    };
    regions.graph = graph;
    regions.tabs = Rect { height: tabs::height(model, side), ..side };
    regions.side = Rect { y: side.y + regions.tabs.height, height: side.height - regions.tabs.height, ..side };
    regions
}

/// Whether the screen shows how busy the machine is.
pub(crate) fn shows_gauges(model: &Model) -> bool {
    let is_seen = model.full.is_none() && model.side == Side::Monitor && regions(model).side.height > 0;
    is_seen && model.flow.is_some() && model.is_running() && !model.is_demo
}

/// Draws everything.
pub(crate) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let regions = regions(model);
    let buffer = frame.buffer_mut();
    buffer.set_style(*buffer.area(), model.theme.style(Role::Text));
    bars::title(model, regions.title, buffer);
    match (&model.full, &model.flow) {
        (Some(Full::Picture(viewer)), _) => picture::draw(model, viewer, buffer),
        (Some(Full::Timeline(timeline)), _) => timeline::draw(model, timeline, buffer),
        (Some(Full::Failure(shown)), _) => failure::draw(model, shown, buffer),
        (None, None) => chooser::draw(model, regions.side, buffer),
        (None, Some(_)) => {
            graph(model, regions.graph, buffer);
            tabs::divider(model, regions.divider, buffer);
            tabs::draw(model, regions.tabs, buffer);
            match model.side {
                Side::Runs | Side::Gallery | Side::Queue if model.is_demo => {
                    Pen::new(regions.side, buffer).wrapped(DEMO, model.theme.style(Role::Dim));
                }
                Side::Inputs => inputs::draw(model, &mut Pen::new(regions.side, buffer)),
                Side::Inspector => inspector::draw(model, &mut Pen::new(regions.side, buffer)),
                Side::Problems => problems::draw(model, &mut Pen::new(regions.side, buffer)),
                Side::Monitor => monitor::draw(model, regions.side, buffer),
                Side::Log => log::draw(model, &mut Pen::new(regions.side, buffer)),
                Side::Runs => runs::draw(model, regions.side, buffer),
                Side::Gallery => gallery::draw(model, regions.side, buffer),
                Side::Queue => queue::draw(model, regions.side, buffer),
            }
        }
    }
    bars::bottom(model, regions.bar, buffer);
    if let Some(overlay) = &model.overlay {
        overlay::draw(model, overlay, buffer);
    }
    // Last: it travels with a cell that others draw.
    stills::forget(model, buffer);
}

fn graph(model: &Model, area: Rect, buffer: &mut Buffer) {
    let Some(flow) = &model.flow else { return };
    let statuses = statuses(model);
    if let Some(view) = graph_view(model) {
        GraphView { statuses: &statuses, ..view }.render(area, buffer);
        draft::draw(&view, flow, area, buffer);
        shots(model, &view, area, buffer);
        if view.scene.nodes.is_empty() {
            let text = match flow.counts().0 {
                0 => "There are no nodes in it yet.",
                _ => "No nodes can be read in it: what is wrong stands in the list of problems.",
            };
            Pen::new(area, buffer).wrapped(text, model.theme.style(Role::Dim));
        }
    } else {
        unchecked(model, flow, &mut Pen::new(area, buffer));
    }
}

/// Why nothing is known of the workflow yet.
fn unchecked(model: &Model, flow: &Flow, pen: &mut Pen<'_>) {
    let (text, role) = match &flow.unreadable {
        Some(why) => (why.as_str(), Role::Error),
        None if flow.history.is_some() => ("Checking …", Role::Dim),
        None => ("Reading …", Role::Dim),
    };
    pen.wrapped(text, model.theme.style(role));
}

/// The newest picture of each node that has room for one.
fn shots(model: &Model, view: &GraphView<'_>, area: Rect, buffer: &mut Buffer) {
    let (Some(run), Some(flow)) = (model.run_here(), &model.flow) else { return };
    let way = model.run_way(run, &flow.way());
    if view.detail != Detail::Preview || model.graphics.protocol == Protocol::None {
        return;
    }
    for (index, node) in view.scene.nodes.iter().enumerate() {
        if let Some((shot, place)) = run.shots.of_inside(&way, &node.id).zip(view.picture(area, index)) {
            blocks::centred(&shot.picture, place, &model.theme, buffer);
        }
    }
}

/// The graph as it is on the screen, without what is known of a run.
pub(crate) fn graph_view(model: &Model) -> Option<GraphView<'_>> {
    let flow = model.flow.as_ref()?;
    Some(GraphView {
        scene: flow.scene()?,
        layout: &flow.layout,
        detail: flow.detail,
        camera: flow.camera,
        statuses: &[],
        selected: flow.selected,
        marked: &flow.marked,
        focus: flow.focus,
        found: &flow.found,
        theme: &model.theme,
    })
}

fn statuses(model: &Model) -> Vec<Status> {
    let Some((flow, run)) = model.flow.as_ref().zip(model.run_here()) else { return Vec::new() };
    let (Some(scene), way) = (flow.scene(), flow.way()) else { return Vec::new() };
    run.statuses(scene, &model.run_way(run, &way))
}

/// The first of the entries of a list that are shown, so that the one with the cursor is among them: whole pages, so that
/// it follows from the cursor alone.
pub(crate) fn page_start(at: usize, height: usize) -> usize {
    at.checked_div(height).unwrap_or(0) * height
}
