//! How large a node's box is, and where its sockets are on it.

use unicode_width::UnicodeWidthStr;

use super::Detail;
use crate::studio::scene::{SceneNode, Socket};

/// Columns of the picture in a box.
pub const PICTURE_COLUMNS: i32 = 24;
/// Rows of the picture in a box.
pub const PICTURE_ROWS: i32 = 12;

/// Rows above the first socket: the border with the name, and the state.
const ROWS_ABOVE: i32 = 2;
/// More of a name is not shown.
const NAME: i32 = 28;
/// More of a socket's name is not shown.
const SOCKET_NAME: i32 = 20;
/// More of a literal is not shown.
const LITERAL: i32 = 18;
/// What a bar with its figures needs.
const PROGRESS: i32 = 26;

/// The row of a socket in its box. Inputs are on the left border, outputs on the right one.
pub fn socket_row(detail: Detail, socket: usize) -> i32 {
    match detail {
        Detail::Name => 0,
        Detail::State => 1,
        Detail::Parameters | Detail::Preview => ROWS_ABOVE + i32::try_from(socket).unwrap_or(i32::MAX / 4),
    }
}

/// The first row of the picture in a node's box, if it has room for one: of [`PICTURE_COLUMNS`] × [`PICTURE_ROWS`]
/// cells, in the middle between the borders. Only nodes that give pictures, or take them and give nothing, have it.
pub fn picture_row(node: &SceneNode, detail: Detail) -> Option<i32> {
    let is_picture = |socket: &Socket| matches!(socket.kind.as_str(), "Image" | "ImageList");
    let sockets = if node.outputs.is_empty() { &node.inputs } else { &node.outputs };
    (detail == Detail::Preview && sockets.iter().any(is_picture)).then(|| ROWS_ABOVE + socket_rows(node))
}

/// Columns and rows of a node's box.
pub(super) fn size(node: &SceneNode, detail: Detail) -> (i32, i32) {
    let name = columns(&node.id, NAME);
    let titled = name + 4 + badges(node);
    match detail {
        Detail::Name => (name + 4, 1),
        Detail::State => (titled.max(columns(&node.node_type, NAME) + 4).max(PROGRESS), 3),
        Detail::Parameters | Detail::Preview => {
            let sockets = (0..node.inputs.len().max(node.outputs.len())).map(|row| row_width(node, row)).max();
            let width = titled.max(columns(&node.node_type, NAME) + 4).max(PROGRESS).max(sockets.unwrap_or(0));
            let height = ROWS_ABOVE + socket_rows(node) + 1;
            match picture_row(node, detail) {
                Some(_) => (width.max(PICTURE_COLUMNS + 2), height + PICTURE_ROWS),
                None => (width, height),
            }
        }
    }
}

fn socket_rows(node: &SceneNode) -> i32 {
    i32::try_from(node.inputs.len().max(node.outputs.len())).unwrap_or(i32::MAX / 4)
}

/// What is needed for an input and an output side by side.
fn row_width(node: &SceneNode, row: usize) -> i32 {
    let input = node.inputs.get(row).map_or(0, |input| {
        let literal = input.literal.as_ref().map_or(0, |literal| columns(shown_literal(literal), LITERAL) + 2);
        columns(&input.name, SOCKET_NAME) + literal
    });
    let output = node.outputs.get(row).map_or(0, |output| columns(&output.name, SOCKET_NAME));
    let between = if input > 0 && output > 0 { 2 } else { 0 };
    4 + input + between + output
}

/// What stands on the right of the upper border.
fn badges(node: &SceneNode) -> i32 {
    let count = |count: usize| if count > 0 { 2 + count.to_string().len() as i32 } else { 0 };
    count(node.errors) + count(node.warnings) + if node.has_body { 2 } else { 0 }
}

/// A literal as a box shows it: of an input of the workflow only the name, behind an arrow that the box draws.
pub(in crate::studio) fn shown_literal(literal: &str) -> &str {
    workflow_input(literal).unwrap_or(literal)
}

/// The name in `Input("name")`.
pub(in crate::studio) fn workflow_input(literal: &str) -> Option<&str> {
    let name = literal.strip_prefix("Input(")?.trim_start().strip_prefix('"')?;
    name.strip_suffix(')')?.trim_end().strip_suffix('"')
}

fn columns(text: &str, most: i32) -> i32 {
    i32::try_from(text.width()).unwrap_or(most).min(most)
}
