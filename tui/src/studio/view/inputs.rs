//! The inputs of the workflow: what each is, and what it is for.

use ratatui::text::{Line, Span};

use super::super::keymap::{Action, Context};
use super::super::model::{Checked, Given, InputSchema, Model};
use super::super::theme::Role;
use super::super::update::takers;
use super::pen::{Pen, columns, fitted, wrap};
use crate::terminal::printable;

/// In front of what is said of an input.
const INDENT: &str = "    ";

/// Behind a value that was given when easel began.
const SET: &str = "  by --set";

pub(super) fn draw(model: &Model, pen: &mut Pen<'_>) {
    let style = |role: Role| model.theme.style(role);
    let Some(flow) = &model.flow else { return };
    let Some(checked) = &flow.checked else { return super::unchecked(model, flow, pen) };
    pen.wrapped(&checked.about, style(Role::Title));
    let is_here = model.context() == Context::Inputs;
    pen.wrapped(&hint(model, checked, is_here), style(Role::Hint));
    if !model.outer.is_empty() || !checked.inside.is_empty() {
        pen.wrapped(
            "The node that runs this workflow gives them; what stands here is for what it leaves out.",
            style(Role::Dim),
        );
    }
    pen.gap();
    let chosen = Some(flow.input_at).filter(|_| is_here);
    let width = pen.width();
    let details = |number: usize| said(checked, &checked.inputs[number], chosen == Some(number), width);
    let all: usize = (0..checked.inputs.len()).map(|number| 1 + details(number).len()).sum();
    let is_roomy = all <= usize::from(pen.left());
    if let Some(at) = chosen.filter(|_| !is_roomy) {
        // The one with the cursor is seen, with all that is said of it.
        let below = at + 1 + checked.inputs.get(at).map_or(0, |_| details(at).len());
        pen.skip(below.saturating_sub(usize::from(pen.left())));
    }
    for (number, input) in checked.inputs.iter().enumerate() {
        pen.about(Some(number));
        let line = head(model, input, width, is_roomy);
        if chosen == Some(number) {
            pen.highlighted(&line, style(Role::Selection));
        } else {
            pen.line(&line);
        }
        if is_roomy || chosen == Some(number) {
            details(number).iter().for_each(|line| pen.text(line, style(Role::Dim)));
        }
    }
    pen.about(None);
}

/// What can be done here, with the keys for it.
fn hint(model: &Model, checked: &Checked, is_here: bool) -> String {
    let key = |action: Action| model.keymap.key(action).unwrap_or_default();
    let (enter, run) = (key(Action::Activate), key(Action::Run));
    match (checked.inputs.is_empty(), is_here) {
        (true, true) => format!("This workflow has no inputs: {} adds one.", key(Action::AddInput)),
        (true, false) => "This workflow has no inputs.".into(),
        (false, true) => format!("{enter}: another value, {run}: run with it"),
        (false, false) => format!("{} then {enter}: another value, {run}: run", key(Action::ShowInputs)),
    }
}

/// An input with what it is.
fn head(model: &Model, input: &InputSchema, width: usize, is_roomy: bool) -> Line<'static> {
    let style = |role: Role| model.theme.style(role);
    let mut spans = vec![Span::styled(printable(&input.name).into_owned(), style(Role::Key))];
    if is_roomy {
        let kinds = input.kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        spans.push(Span::styled(format!(" {kinds}"), model.theme.kind_colour(&kinds)));
    }
    let taken: usize = spans.iter().map(|span| columns(&span.content)).sum();
    let room = width.saturating_sub(taken);
    let is_outermost = model.outer.is_empty() && model.flow.as_ref().is_some_and(|flow| flow.inside().is_empty());
    let short = |text: String, room: usize| fitted(&text, room).trim_end().to_string();
    match (model.set_value(&input.name), &input.given) {
        (Some(set), _) => {
            spans.push(Span::styled(short(format!(" = {set}"), room.saturating_sub(SET.len())), style(Role::Text)));
            spans.push(Span::styled(SET, style(Role::Marked)));
        }
        (None, Given::Else(value)) => spans.push(Span::styled(short(format!(" = {value}"), room), style(Role::Text))),
        (None, _) if is_outermost && input.is_written() => {
            spans.push(Span::styled(short("  ! needs a value".into(), room), style(Role::Error)));
        }
        (None, _) => spans.push(Span::styled(short("  given from around it".into(), room), style(Role::Dim))),
    }
    Line::from(spans)
}

/// What is said of an input, in lines of the width; of the one with the cursor, what it feeds as well.
fn said(checked: &Checked, input: &InputSchema, is_chosen: bool, width: usize) -> Vec<String> {
    let mut parts = vec![input.about.clone()];
    parts.extend(input.range_words());
    if !input.choices.is_empty() {
        parts.push(format!("one of {}", input.choices.join(", ")));
    }
    if is_chosen {
        let takers = takers(checked.part().workflow(), &input.name);
        parts.push(if takers.is_empty() { "feeds nothing yet".into() } else { format!("feeds {}", takers.join(", ")) });
    }
    parts.retain(|part| !part.is_empty());
    let text = parts.join("; ");
    let lines = wrap(&printable(&text), width.saturating_sub(INDENT.len()).max(8));
    lines.into_iter().filter(|line| !line.is_empty()).map(|line| format!("{INDENT}{line}")).collect()
}
