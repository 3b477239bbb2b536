//! What is written in the inputs of the selected node.

use easel_engine::edit::Edit;
use easel_engine::{Document, Feed, Literal, kinds};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Choice, Flow, Given, InputSchema, Model, Overlay, Prompt};
use super::edit::{edit, try_edit};
use super::{overlay, quoting, sockets};

/// An input with what feeds it, as the text is now.
struct Input<'m> {
    node: String,
    name: String,
    schema: &'m InputSchema,
    document: Document,
}

impl<'m> Input<'m> {
    /// The one that the cursor is on.
    fn of(flow: &'m Flow) -> Option<Self> {
        let schema = flow.selected_node()?.1?.inputs.get(flow.input)?;
        let (node, name) = flow.owner(&schema.name)?;
        Some(Input { node, name, schema, document: flow.document()? })
    }

    fn feed(&self, flow: &Flow) -> Option<&Feed> {
        sockets::feed(flow.shown(&self.document)?.node(&self.node)?, &self.name)
    }

    /// What feeds it as it is written.
    fn written(&self, flow: &Flow) -> Option<String> {
        let entry = flow.shown(&self.document)?.node(&self.node)?;
        let fed = entry.inputs.iter().find(|fed| fed.name.value == self.name).map(|fed| &fed.value);
        let times = entry.call.as_ref().and_then(|call| call.times.as_ref()).filter(|_| self.name == "times");
        fed.or(times).map(|fed| self.document.source().slice(&fed.span).to_string())
    }

    /// Its literal, or else what is used without one.
    fn literal(&self, flow: &Flow) -> Result<Option<Literal>, String> {
        match self.feed(flow) {
            Some(Feed::Literal(literal)) => Ok(Some(literal.clone())),
            Some(_) => Err(format!("`{}` comes from elsewhere: take the wire away first", self.name)),
            None => Ok(self.usual()),
        }
    }

    /// What one begins to type with: a text as it stands, or a value as the file writes it.
    fn typed(&self, flow: &Flow) -> (bool, Field) {
        match self.feed(flow) {
            // With quotes of its own it would be taken for what it is in them.
            Some(Feed::Literal(Literal::Text(text))) if !quoting::is_quoted(text) => (true, Field::lines(text)),
            None if self.schema.kinds.first() == Some(&kinds::TEXT) => (true, Field::lines("")),
            _ => (false, Field::lines(&self.written(flow).unwrap_or_default())),
        }
    }

    fn usual(&self) -> Option<Literal> {
        let Given::Else(words) = &self.schema.given else { return None };
        let kinds = &self.schema.kinds;
        match () {
            () if kinds.contains(&kinds::BOOLEAN) => words.parse().ok().map(Literal::Boolean),
            () if kinds.contains(&kinds::INTEGER) => words.parse().ok().map(Literal::Integer),
            () if kinds.contains(&kinds::FLOAT) => words.parse().ok().map(Literal::Float),
            () => Some(Literal::Text(words.trim_matches('"').to_string())),
        }
    }

    fn set(&self, value: String) -> Edit {
        Edit::SetInput { node: self.node.clone(), input: self.name.clone(), value }
    }
}

/// Asks what the input with the cursor is to be; of what is true or false, makes it the other.
pub(super) fn input(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    if flow.selected_node().is_none() {
        model.tell(Tone::Note, "select a node first: what its inputs are given can be changed here");
        return Vec::new();
    }
    let Some(input) = Input::of(flow) else {
        super::sockets::connect_output(model);
        return Vec::new();
    };
    let (node, name) = (input.node.clone(), input.name.clone());
    let feed = input.feed(flow);
    if !input.schema.choices.is_empty() {
        let now = match feed {
            Some(Feed::Literal(Literal::Text(word))) => Some(word.clone()),
            _ => None,
        };
        let about = |word: &String| match (Some(word) == now.as_ref(), &input.schema.given) {
            (true, _) => "as it is now".into(),
            (_, Given::Else(usual)) if usual.trim_matches('"') == word => "if nothing is said".into(),
            _ => String::new(),
        };
        let words = &input.schema.choices;
        let at = words.iter().position(|word| Some(word) == now.as_ref()).unwrap_or(0);
        let items = words.iter().map(|word| (word.clone(), about(word))).collect();
        let choice = Choice::Word { node, input: name };
        model.overlay = Some(Overlay::Choice { choice, items, field: Field::default(), at });
        return Vec::new();
    }
    if input.schema.is_only(kinds::BOOLEAN) && matches!(feed, None | Some(Feed::Literal(_))) {
        return step(model, 1);
    }
    let (is_text, field) = input.typed(flow);
    let schema = Box::new(input.schema.clone());
    model.overlay = Some(Overlay::Prompt(Prompt::Value { node, input: name, is_text, schema, problem: None }, field));
    Vec::new()
}

/// Asks what an input of the selected node is to be, with what was typed at an earlier time; false if there is none.
pub(super) fn ask_again(model: &mut Model, input: &str, is_text: bool, text: &str) -> bool {
    let Some(flow) = &mut model.flow else { return false };
    let schema = flow.selected_node().and_then(|(_, schema)| schema);
    let Some(at) = schema.and_then(|schema| schema.inputs.iter().position(|it| it.name == input)) else { return false };
    flow.input = at;
    let Some(input) = Input::of(flow) else { return false };
    let (node, schema, mut field) = (input.node.clone(), Box::new(input.schema.clone()), input.typed(flow).1);
    field.replace(text);
    let (input, problem) = (schema.name.clone(), schema.problem(text, is_text));
    model.overlay = Some(Overlay::Prompt(Prompt::Value { node, input, is_text, schema, problem }, field));
    true
}

/// The text of the input with the cursor, in the user's editor. The question stays, and holds what comes of it.
pub(super) fn edit_outside(model: &mut Model) -> Vec<Effect> {
    let is_text = |overlay: &Option<Overlay>| matches!(overlay, Some(Overlay::Prompt(Prompt::Value { .. }, _)));
    if !is_text(&model.overlay) {
        let choices = model
            .flow
            .as_ref()
            .and_then(Input::of)
            .map(|input| !input.schema.choices.is_empty() || input.schema.is_only(kinds::BOOLEAN));
        if choices != Some(false) {
            model.tell(Tone::Note, "there is no text here");
            return Vec::new();
        }
        input(model);
    }
    match &model.overlay {
        Some(Overlay::Prompt(Prompt::Value { .. }, field)) => vec![Effect::EditText(field.text())],
        _ => Vec::new(),
    }
}

/// What came of the editor: it is in the question, and is written when that is answered.
pub(super) fn edited(model: &mut Model, edited: Result<String, String>) {
    let text = match edited {
        Ok(text) => text,
        Err(why) => return model.tell(Tone::Error, why),
    };
    match &mut model.overlay {
        Some(Overlay::Prompt(Prompt::Value { is_text, schema, problem, .. }, field)) => {
            let fits = field.replace(&text);
            *problem = schema.problem(&field.text(), *is_text);
            if !fits {
                model.tell(Tone::Warning, overlay::CUT);
            } else if field.text() != text.replace("\r\n", "\n") {
                model.tell(Tone::Warning, "tabs became spaces, and control characters were left out");
            }
        }
        // The question went away meanwhile; the text does not.
        _ => model.overlay = Some(Overlay::Story { title: "What was edited".into(), text, scroll: 0 }),
    }
}

/// Asks which files go on with what was typed. Relative paths count from the folder of the outermost workflow.
pub(super) fn complete(model: &Model) -> Vec<Effect> {
    let Some(Overlay::Prompt(Prompt::Value { is_text: true, .. }, field)) = &model.overlay else { return Vec::new() };
    let Some(flow) = model.outer.first().or(model.flow.as_ref()) else { return Vec::new() };
    let base = flow.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(".".as_ref());
    vec![Effect::Complete { base: base.to_path_buf(), typed: field.text() }]
}

/// What files go on with what was typed: as much of their names as they have in common is put behind it.
pub(super) fn completed(model: &mut Model, typed: &str, names: &[String]) {
    let Some(Overlay::Prompt(Prompt::Value { is_text: true, .. }, field)) = &mut model.overlay else { return };
    // Somebody may have typed on.
    if field.text() != typed {
        return;
    }
    let Some(first) = names.first() else {
        return model.notice = Some((Tone::Note, "no file begins like that".into()));
    };
    let common = names.iter().fold(first.as_str(), |common, name| {
        let length =
            common.chars().zip(name.chars()).take_while(|(one, other)| one == other).map(|(c, _)| c.len_utf8());
        &common[..length.sum::<usize>()]
    });
    field.key(KeyEvent::new(KeyCode::End, KeyModifiers::NONE));
    field.insert(common.strip_prefix(typed).unwrap_or_default());
    if names.len() > 1 {
        let shown = |name: &String| name.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_string();
        let list: Vec<_> = names.iter().map(shown).collect();
        model.notice = Some((Tone::Detail, list.join("  ")));
    }
}

/// What was typed for an input; if it cannot be that, the question stays with what is wrong.
pub(super) fn value(model: &mut Model, prompt: Prompt, field: Field) -> Vec<Effect> {
    let name = model.asked_input(&prompt);
    let Prompt::Value { node, input, is_text, schema, .. } = prompt else { return Vec::new() };
    let outer = outer_input(model, &node, &input);
    let document = model.flow.as_ref().and_then(Flow::text).cloned().unwrap_or_default();
    let value = quoting::written(&schema, &field.text(), is_text, &document);
    let wanted = Edit::SetInput { node: node.clone(), input: input.clone(), value };
    let done = match schema.problem(&field.text(), is_text) {
        Some(problem) => Err(problem),
        None => try_edit(model, wanted),
    };
    match done {
        Ok(effects) => {
            if let Some(name) = name {
                model.given_up.remove(&name);
            }
            if let Some(outer) = outer.filter(|outer| outer_input(model, &node, &input).as_ref() != Some(outer)) {
                let text = format!(
                    "`{node}.{input}` does not follow the input `{outer}` of the workflow any more; it can be undone"
                );
                model.tell(Tone::Note, text);
            }
            effects
        }
        Err(why) => {
            let prompt = Prompt::Value { node, input, is_text, schema, problem: Some(why) };
            model.overlay = Some(Overlay::Prompt(prompt, field));
            Vec::new()
        }
    }
}

/// The input of the workflow that an input of a node is given.
fn outer_input(model: &Model, node: &str, input: &str) -> Option<String> {
    let flow = model.flow.as_ref()?;
    let document = flow.document()?;
    match sockets::feed(flow.shown(&document)?.node(node)?, input)? {
        Feed::Input(name) => Some(name.clone()),
        _ => None,
    }
}

/// A question about an input is given up: what was typed can be brought back when it is asked again.
pub(super) fn gave_up(model: &mut Model, prompt: &Prompt, field: &Field) {
    let text = field.text();
    if let Some(name) = model.asked_input(prompt).filter(|_| !text.is_empty() && field.is_changed()) {
        model.given_up.insert(name, text);
    }
}

/// What was given up comes back, and what is typed now is given up for it.
pub(super) fn bring_back(model: &mut Model, prompt: &Prompt, field: &mut Field) {
    let Some(name) = model.asked_input(prompt) else { return };
    match model.given_up.remove(&name) {
        Some(text) => {
            model.given_up.insert(name, field.text());
            field.replace(&text);
        }
        None => model.notice = Some((Tone::Note, "nothing was typed here before and given up".into())),
    }
}

/// An action on the input that the cursor is on.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Increase => step(model, 1),
        Action::Decrease => step(model, -1),
        Action::IncreaseMore => step(model, 10),
        Action::DecreaseMore => step(model, -10),
        Action::Reset => reset(model),
        Action::Editor => edit_outside(model),
        _ => Vec::new(),
    }
}

/// Takes away what is written, so that what is usual is used.
fn reset(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let Some(input) = Input::of(flow) else { return Vec::new() };
    let name = &input.name;
    let said = match (&input.schema.given, input.feed(flow)) {
        (_, None) => {
            model.notice = Some((Tone::Note, format!("nothing is written for `{name}`")));
            return Vec::new();
        }
        (Given::Else(usual), _) => format!("`{name}` is {usual} again"),
        (Given::Optional, _) => format!("`{name}` is not given any more"),
        (Given::Required, _) => format!("`{name}` is not given any more, and must be"),
    };
    let effects = edit(model, Edit::ClearInput { node: input.node.clone(), input: name.clone() });
    if !effects.is_empty() {
        model.notice = Some((Tone::Note, said));
    }
    effects
}

/// The next value, or the one before: of numbers by a step that fits their size, of words the neighbour, of what is true
/// or false the other.
fn step(model: &mut Model, by: i64) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let Some(input) = Input::of(flow) else { return Vec::new() };
    let next = input.literal(flow).and_then(|literal| stepped(input.schema, literal, by));
    match next {
        Ok(next) => {
            let wanted = input.set(next.to_string());
            edit(model, wanted)
        }
        Err(why) => {
            model.notice = Some((Tone::Note, why));
            Vec::new()
        }
    }
}

/// The value that is so many steps away; if there is none, why.
fn stepped(schema: &InputSchema, from: Option<Literal>, by: i64) -> Result<Literal, String> {
    let name = &schema.name;
    if schema.is_only(kinds::BOOLEAN) {
        return Ok(Literal::Boolean(from != Some(Literal::Boolean(true))));
    }
    if !schema.choices.is_empty() {
        let words = &schema.choices;
        let at = match &from {
            Some(Literal::Text(word)) => words.iter().position(|known| known == word),
            _ => None,
        };
        let next = at.map_or(0, |at| (at as i64 + by.signum()).rem_euclid(words.len() as i64) as usize);
        return Ok(Literal::Text(words[next].clone()));
    }
    let start = schema.range.as_ref().map(|range| *range.start()).filter(|start| start.is_finite());
    let is_whole = schema.kinds.contains(&kinds::INTEGER) && !matches!(from, Some(Literal::Float(_)));
    if !is_whole && !schema.kinds.contains(&kinds::FLOAT) {
        return Err(format!("`{name}` is no number: type what it is to be"));
    }
    let now = match from {
        Some(Literal::Integer(number)) => number as f64,
        Some(Literal::Float(number)) => number,
        _ => start.unwrap_or(0.0),
    };
    if let (true, Some(Literal::Integer(number))) = (is_whole, &from) {
        let next = number.saturating_add(by);
        return within(schema, next as f64, now).map(|bounded| {
            if bounded == next as f64 { Literal::Integer(next) } else { Literal::Integer(bounded as i64) }
        });
    }
    if is_whole {
        return within(schema, now + by as f64, f64::NAN).map(|number| Literal::Integer(number as i64));
    }
    let (unit, digits) = unit(now);
    let next = within(schema, ((now / unit).round() + by as f64) * unit, now)?;
    // What is shown has no more digits than the step.
    let text = format!("{next:.digits$}");
    Ok(Literal::Float(text.parse().unwrap_or(next)))
}

/// The step for numbers of that size: a hundredth to a tenth of it; and its digits behind the point.
fn unit(number: f64) -> (f64, usize) {
    let size = number.abs().clamp(1e-3, 1e12).log10().floor() as i32 - 1;
    let size = if number == 0.0 { -1 } else { size };
    (10_f64.powi(size), usize::try_from(-size).unwrap_or(0))
}

/// A number held within the range; if that leaves it where it was, why.
fn within(schema: &InputSchema, next: f64, now: f64) -> Result<f64, String> {
    let Some(range) = &schema.range else { return Ok(next) };
    let held = next.clamp(*range.start(), *range.end());
    if held == now {
        let words = schema.range_words().unwrap_or_default();
        return Err(format!("`{}` may be {words}", schema.name));
    }
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(kinds: &[easel_engine::Kind], range: Option<std::ops::RangeInclusive<f64>>) -> InputSchema {
        InputSchema {
            name: "n".into(),
            kinds: kinds.to_vec(),
            given: Given::Optional,
            range,
            choices: Vec::new(),
            about: String::new(),
        }
    }

    #[test]
    fn numbers_step_within_their_range() {
        let whole = schema(&[kinds::INTEGER], Some(2.0..=1000.0));
        let of = |from: i64, by| stepped(&whole, Some(Literal::Integer(from)), by).map(|next| next.to_string());
        assert_eq!((of(25, 1), of(25, -10), of(995, 10)), (Ok("26".into()), Ok("15".into()), Ok("1000".into())));
        assert_eq!(of(1000, 1), Err("`n` may be 2 to 1000".into()));
        assert_eq!(stepped(&whole, None, 1).map(|next| next.to_string()), Ok("3".into()));
        let large = schema(&[kinds::INTEGER], None);
        assert_eq!(stepped(&large, Some(Literal::Integer(i64::MAX)), 10), Ok(Literal::Integer(i64::MAX)));
        let exact = Literal::Integer(9_007_199_254_740_993);
        assert_eq!(stepped(&large, Some(exact), 1), Ok(Literal::Integer(9_007_199_254_740_994)));
        let float = schema(&[kinds::FLOAT], Some(0.0..=f64::INFINITY));
        let of = |from: f64, by| stepped(&float, Some(Literal::Float(from)), by).map(|next| next.to_string());
        assert_eq!((of(4.0, 1), of(7.5, 10), of(0.3, -1)), (Ok("4.1".into()), Ok("8.5".into()), Ok("0.29".into())));
        assert_eq!((of(0.0, 1), of(0.0, -1)), (Ok("0.1".into()), Err("`n` may be at least 0".into())));
        assert_eq!(of(250.0, 1), Ok("260.0".into()));
    }

    #[test]
    fn words_and_toggles_go_round() {
        let word = InputSchema { choices: vec!["a".into(), "b".into()], ..schema(&[kinds::TEXT], None) };
        let of = |word: &InputSchema, from: &str, by| stepped(word, Some(Literal::Text(from.into())), by);
        assert_eq!(of(&word, "b", 1), Ok(Literal::Text("a".into())));
        assert_eq!(of(&word, "a", -10), Ok(Literal::Text("b".into())));
        assert_eq!(of(&word, "?", 1), Ok(Literal::Text("a".into())));
        let toggle = schema(&[kinds::BOOLEAN], None);
        assert_eq!(stepped(&toggle, None, 1), Ok(Literal::Boolean(true)));
        assert_eq!(stepped(&toggle, Some(Literal::Boolean(true)), -1), Ok(Literal::Boolean(false)));
        assert!(stepped(&schema(&[kinds::TEXT], None), None, 1).is_err());
    }
}
