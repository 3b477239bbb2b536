//! The selected node: what its type says, what feeds it, what it gives.

use ratatui::text::{Line, Span};

use super::super::graph_view::{Palette, Status};
use super::super::keymap::{Action, Context};
use super::super::model::{Checked, Given, InputSchema, Model, Schema};
use super::super::scene::{Port, Scene};
use super::super::theme::Role;
use super::pen::Pen;
use crate::terminal::{printable, seconds};

pub(super) fn draw(model: &Model, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    let Some(flow) = &model.flow else { return };
    let Some(checked) = &flow.checked else { return super::unchecked(model, flow, pen) };
    let Some((at, node)) = flow.selected.and_then(|at| Some((at, checked.scene.nodes.get(at)?))) else {
        return nothing(model, checked, pen);
    };
    pen.skip(skipped(model, usize::from(pen.left())));
    pen.line(&Line::from(vec![
        Span::styled(printable(&node.id).into_owned(), style(Role::Title)),
        Span::styled(format!("  {}", node.node_type), style(Role::Dim)),
    ]));
    if node.is_muted {
        pen.text("muted: it is left out, and so is what needs it", style(Role::Warning));
    }
    if node.is_bypassed {
        pen.text("bypassed: it is left out, and passes on what it is given", style(Role::Warning));
    }
    run(model, &node.id, pen);
    for finding in flow.findings().iter().filter(|finding| finding.node == Some(at)) {
        pen.wrapped(&finding.message, style(Role::Error));
        if let Some(hint) = &finding.hint {
            pen.indented("  ", hint, style(Role::Hint));
        }
        if let (Some(fix), Some(key)) = (&finding.fix, model.keymap.key(Action::Fix)) {
            pen.indented("  ", &format!("{key}: {}", fix.about), style(Role::Key));
        }
    }
    for member in &node.members {
        pen.text(&format!("  {member}"), style(Role::Text));
    }
    if let Some(group) = node.group.as_ref().filter(|_| node.members.is_empty()) {
        pen.text(&format!("in the group {}", group.name), model.theme.group(group.colour.as_deref()));
    }
    let Some(schema) = checked.schemas.get(at).and_then(Option::as_ref) else { return };
    pen.wrapped(&schema.about, style(Role::Text));
    sockets(model, &checked.scene, at, schema, pen);
}

/// So many lines are passed over that the input with the cursor is seen: about three for each before it.
fn skipped(model: &Model, height: usize) -> usize {
    let input = model.flow.as_ref().map_or(0, |flow| flow.input);
    let needed = 8 + (input + 1) * 3;
    if model.context() == Context::Inspector { needed.saturating_sub(height) } else { 0 }
}

/// Where no node is selected.
fn nothing(model: &Model, checked: &Checked, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    pen.wrapped(&checked.about, style(Role::Title));
    pen.text(&crate::terminal::count(checked.scene.nodes.len(), "node"), style(Role::Dim));
    pen.gap();
    pen.wrapped("No node is selected: the arrow keys in the graph select one.", style(Role::Text));
    if let (Some(key), false) = (model.keymap.key(Action::ShowInputs), checked.inputs.is_empty()) {
        pen.wrapped(&format!("{key} shows the inputs of the workflow."), style(Role::Text));
    }
}

/// What the node did in the run.
fn run(model: &Model, id: &str, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    let Some((run, flow)) = model.run_here().zip(model.flow.as_ref()) else { return };
    let Some(node) = run.node_inside(&model.run_way(run, &flow.way()), id) else { return };
    let (word, role) = status(&node.status);
    let more = match node.status {
        Status::Running { step, steps, .. } if steps > 0 => format!(" {step}/{steps}"),
        Status::Done { seconds: took } => format!(" in {}", seconds(took)),
        _ => String::new(),
    };
    pen.text(&format!("{word}{more}"), style(role));
    if let Some(story) = &node.story {
        pen.wrapped(story, style(if node.status == Status::Failed { Role::Error } else { Role::Dim }));
    }
    for warning in &node.warnings.0 {
        pen.indented("! ", warning, style(Role::Warning));
    }
    for output in node.outputs.iter() {
        pen.indented("  ", &format!("{} = {}", output.output, output.summary), style(Role::Dim));
    }
}

/// A word for where a node is.
pub(super) fn status(status: &Status) -> (&'static str, Role) {
    match status {
        Status::Idle => ("idle", Role::Dim),
        Status::Waiting => ("waiting", Role::Waiting),
        Status::Cached => ("cached", Role::Cached),
        Status::Running { .. } => ("running", Role::Running),
        Status::Done { .. } => ("done", Role::Done),
        Status::Failed => ("failed", Role::Error),
        Status::Skipped => ("skipped", Role::Warning),
        Status::Blocked => ("kept back", Role::Warning),
        Status::Cancelled => ("stopped", Role::Warning),
    }
}

fn sockets(model: &Model, scene: &Scene, at: usize, schema: &Schema, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    if !schema.inputs.is_empty() {
        pen.gap();
        pen.text("Inputs", style(Role::Title));
    }
    let is_here = model.context() == Context::Inspector;
    let chosen = model.flow.as_ref().map(|flow| flow.input).filter(|_| is_here);
    for (number, input) in schema.inputs.iter().enumerate() {
        pen.about(Some(number));
        let fed = fed(scene, at, &input.name);
        let kinds = input.kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        let mut line = vec![
            Span::styled(printable(&input.name).into_owned(), style(Role::Key)),
            Span::styled(format!(" {kinds}"), model.theme.kind_colour(&kinds)),
        ];
        line.extend(fed.map(|fed| Span::styled(format!(" {}", printable(&fed)), style(Role::Text))));
        if chosen == Some(number) {
            pen.highlighted(&Line::from(line), style(Role::Selection));
        } else {
            pen.line(&Line::from(line));
        }
        pen.indented("    ", &about(input), style(Role::Dim));
    }
    pen.about(None);
    if !schema.outputs.is_empty() {
        pen.gap();
        pen.text("Outputs", style(Role::Title));
    }
    for (number, output) in schema.outputs.iter().enumerate() {
        pen.about(Some(schema.inputs.len() + number));
        let kind = output.kind.map(|kind| kind.to_string()).unwrap_or_default();
        let line = Line::from(vec![
            Span::styled(printable(&output.name).into_owned(), style(Role::Key)),
            Span::styled(format!(" {kind}"), model.theme.kind_colour(&kind)),
        ]);
        if chosen == Some(schema.inputs.len() + number) {
            pen.highlighted(&line, style(Role::Selection));
        } else {
            pen.line(&line);
        }
        if !output.about.is_empty() {
            pen.indented("    ", &output.about, style(Role::Dim));
        }
    }
}

/// What an input is given: what is written there, or where its wires come from.
fn fed(scene: &Scene, at: usize, name: &str) -> Option<String> {
    let inputs = &scene.nodes.get(at)?.inputs;
    let socket = inputs.iter().position(|input| input.name == name)?;
    let port = Port { node: at, socket };
    let sources: Vec<_> = scene
        .wires
        .iter()
        .filter(|wire| wire.to == port)
        .filter_map(|wire| {
            let from = wire.from;
            let node = scene.nodes.get(from.node)?;
            Some(format!("{}.{}", node.id, node.outputs.get(from.socket)?.name))
        })
        .collect();
    match (sources.is_empty(), &inputs[socket].literal) {
        (false, _) => Some(format!("← {}", sources.join(", "))),
        (true, Some(literal)) => Some(match declared(literal) {
            Some(name) => format!("← input {name}"),
            None => format!("= {literal}"),
        }),
        (true, None) => None,
    }
}

/// The input of the workflow that something written is.
fn declared(literal: &str) -> Option<&str> {
    literal.strip_prefix("Input(\"")?.strip_suffix("\")")
}

/// What an input is for, and what may be written there.
fn about(input: &InputSchema) -> String {
    let mut parts = vec![input.about.clone()];
    parts.extend(input.range_words());
    if !input.choices.is_empty() {
        parts.push(format!("one of {}", input.choices.join(", ")));
    }
    parts.push(match &input.given {
        Given::Required => "must be given".into(),
        Given::Optional => "may be left out".into(),
        Given::Else(value) => format!("else {value}"),
    });
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}
