//! What is written in the inputs of the selected node, and in those of the workflow.

use std::ops::Range;

use easel_engine::edit::Edit;
use easel_engine::{Document, Feed, Literal, kinds};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::effect::Effect;
use super::super::field::Field;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Choice, Flow, Given, InputSchema, Model, Overlay, Prompt, Side};
use super::edit::{edit, try_edit};
use super::steps::stepped;
use super::{inputs, overlay, quoting, sockets};

/// An input with what feeds it, as the text is now.
struct Input<'m> {
    /// Its node; none: it is an input of the workflow.
    node: Option<String>,
    name: String,
    schema: &'m InputSchema,
    document: Document,
}

impl<'m> Input<'m> {
    /// The one that the cursor is on.
    fn of(model: &'m Model) -> Option<Self> {
        let flow = model.flow.as_ref()?;
        let document = flow.document()?;
        if model.side == Side::Inputs {
            let schema = flow.checked.as_ref()?.inputs.get(flow.input_at)?;
            return Some(Input { node: None, name: schema.name.clone(), schema, document });
        }
        let schema = flow.selected_node()?.1?.inputs.get(flow.input)?;
        let (node, name) = flow.owner(&schema.name)?;
        Some(Input { node: Some(node), name, schema, document })
    }

    /// What feeds it; an input of the workflow is fed by its default.
    fn feed(&self, flow: &Flow) -> Option<Feed> {
        let workflow = flow.shown(&self.document)?;
        match &self.node {
            Some(node) => sockets::feed(workflow.node(node)?, &self.name).cloned(),
            None => workflow.input(&self.name)?.default.as_ref().map(|value| Feed::Literal(value.value.clone())),
        }
    }

    /// What feeds it as it is written.
    fn written(&self, flow: &Flow) -> Option<String> {
        let workflow = flow.shown(&self.document)?;
        let slice = |span: &Range<usize>| self.document.source().slice(span).to_string();
        let Some(node) = &self.node else {
            return workflow.input(&self.name)?.default.as_ref().map(|value| slice(&value.span));
        };
        let entry = workflow.node(node)?;
        let fed = entry.inputs.iter().find(|fed| fed.name.value == self.name).map(|fed| &fed.value);
        let times = entry.call.as_ref().and_then(|call| call.times.as_ref()).filter(|_| self.name == "times");
        fed.or(times).map(|fed| slice(&fed.span))
    }

    /// Its literal, or else what is used without one.
    fn literal(&self, model: &Model, flow: &Flow) -> Result<Option<Literal>, String> {
        match (self.set(model), self.feed(flow)) {
            (Some(set), _) => Ok(self.of_words(set)),
            (_, Some(Feed::Literal(literal))) => Ok(Some(literal)),
            (_, Some(_)) => Err(format!("`{}` comes from elsewhere: take the wire away first", self.name)),
            (_, None) => Ok(self.usual()),
        }
    }

    /// What it was set to when easel began.
    fn set<'a>(&self, model: &'a Model) -> Option<&'a str> {
        model.set_value(&self.name).filter(|_| self.node.is_none())
    }

    /// What one begins to type with: a text as it stands, or a value as the file writes it.
    fn typed(&self, model: &Model, flow: &Flow) -> (bool, Field) {
        let is_text = self.schema.kinds.first() == Some(&kinds::TEXT);
        if let Some(set) = self.set(model) {
            return (is_text, Field::lines(set));
        }
        match self.feed(flow) {
            // With quotes of its own it would be taken for what it is in them.
            Some(Feed::Literal(Literal::Text(text))) if !quoting::is_quoted(&text) => (true, Field::lines(&text)),
            None if is_text => (true, Field::lines("")),
            _ => (false, Field::lines(&self.written(flow).unwrap_or_default())),
        }
    }

    fn usual(&self) -> Option<Literal> {
        let Given::Else(words) = &self.schema.given else { return None };
        self.of_words(words)
    }

    /// The literal that words stand for.
    fn of_words(&self, words: &str) -> Option<Literal> {
        let kinds = &self.schema.kinds;
        match () {
            () if kinds.contains(&kinds::BOOLEAN) => words.parse().ok().map(Literal::Boolean),
            () if kinds.contains(&kinds::INTEGER) => words.parse().ok().map(Literal::Integer),
            () if kinds.contains(&kinds::FLOAT) => words.parse().ok().map(Literal::Float),
            () => Some(Literal::Text(words.trim_matches('"').to_string())),
        }
    }

    /// The question what it is to be.
    fn question(&self, is_text: bool, problem: Option<String>) -> Prompt {
        let (node, input, schema) = (self.node.clone(), self.name.clone(), Box::new(self.schema.clone()));
        Prompt::Value { node, input, is_text, schema, problem }
    }
}

/// Asks what the input with the cursor is to be; of what is true or false, makes it the other.
pub(super) fn input(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let is_of_workflow = model.side == Side::Inputs;
    if !is_of_workflow && flow.selected_node().is_none() {
        model.tell(Tone::Note, "select a node first: what its inputs are given can be changed here");
        return Vec::new();
    }
    let Some(input) = Input::of(model) else {
        match is_of_workflow {
            true => inputs::tell_none(model),
            false => sockets::connect_output(model),
        }
        return Vec::new();
    };
    if is_of_workflow && !input.schema.is_written() && !input.schema.kinds.is_empty() {
        let text = format!("`{}` cannot be typed: it is given by a workflow that includes this one", input.name);
        model.tell(Tone::Note, text);
        return Vec::new();
    }
    let (node, name) = (input.node.clone(), input.name.clone());
    let feed = input.feed(flow);
    if let (Some(_), Some(Feed::Input(declared))) = (&node, &feed) {
        // What it is stands in one place for all that take it.
        let declared = declared.clone();
        return inputs::open(model, &declared);
    }
    if !input.schema.choices.is_empty() {
        let now = match (input.set(model), feed) {
            (Some(set), _) => Some(set.to_string()),
            (_, Some(Feed::Literal(Literal::Text(word)))) => Some(word),
            _ => None,
        };
        let about = |word: &String| match (Some(word) == now.as_ref(), &input.schema.given) {
            (true, _) => "as it is now".into(),
            (_, Given::Else(usual)) if usual.trim_matches('"') == word && !is_of_workflow => {
                "if nothing is said".into()
            }
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
    let (is_text, field) = input.typed(model, flow);
    model.overlay = Some(Overlay::Prompt(input.question(is_text, None), field));
    Vec::new()
}

/// Asks what an input of the selected node is to be, with what was typed at an earlier time; false if there is none.
pub(super) fn ask_again(model: &mut Model, input: &str, is_text: bool, text: &str) -> bool {
    let Some(flow) = &mut model.flow else { return false };
    let schema = flow.selected_node().and_then(|(_, schema)| schema);
    let Some(at) = schema.and_then(|schema| schema.inputs.iter().position(|it| it.name == input)) else { return false };
    flow.input = at;
    ask_with(model, is_text, text)
}

/// The same of an input of the workflow.
pub(super) fn ask_input_again(model: &mut Model, input: &str, is_text: bool, text: &str) -> bool {
    inputs::go_to(model, input) && ask_with(model, is_text, text)
}

/// Asks what the input with the cursor is to be, with that text typed already.
fn ask_with(model: &mut Model, is_text: bool, text: &str) -> bool {
    let Some((flow, input)) = model.flow.as_ref().zip(Input::of(model)) else { return false };
    let mut field = input.typed(model, flow).1;
    field.replace(text);
    let question = input.question(is_text, input.schema.problem(text, is_text));
    model.overlay = Some(Overlay::Prompt(question, field));
    true
}

/// The text of the input with the cursor, in the user's editor. The question stays, and holds what comes of it.
pub(super) fn edit_outside(model: &mut Model) -> Vec<Effect> {
    let is_text = |overlay: &Option<Overlay>| matches!(overlay, Some(Overlay::Prompt(Prompt::Value { .. }, _)));
    if !is_text(&model.overlay) {
        let choices =
            Input::of(model).map(|input| !input.schema.choices.is_empty() || input.schema.is_only(kinds::BOOLEAN));
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
    let document = model.flow.as_ref().and_then(Flow::text).cloned().unwrap_or_default();
    let value = quoting::written(&schema, &field.text(), is_text, &document);
    let done = match schema.problem(&field.text(), is_text) {
        Some(problem) => Err(problem),
        None if node.is_none() && ["From(", "Input("].iter().any(|start| value.trim_start().starts_with(start)) => {
            Err(format!("`{input}` is given from outside: what is written here is a value, and comes from no node"))
        }
        None => match &node {
            Some(node) => try_edit(model, Edit::SetInput { node: node.clone(), input: input.clone(), value }),
            None => inputs::try_set(model, &input, Some(value)),
        },
    };
    match done {
        Ok(effects) => {
            if let Some(name) = name {
                model.given_up.remove(&name);
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

/// A question about an input is given up: what was typed can be brought back when it is asked again.
pub(super) fn gave_up(model: &mut Model, prompt: &Prompt, field: &Field) {
    let text = field.text();
    if let Prompt::Sweep { name, .. } = prompt {
        model.swept.values.insert(name.clone(), text);
        return;
    }
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
    let Some((flow, input)) = model.flow.as_ref().zip(Input::of(model)) else { return Vec::new() };
    let name = input.name.clone();
    let Some(node) = input.node.clone() else { return inputs::reset(model, &name) };
    let said = match (&input.schema.given, input.feed(flow)) {
        (_, None) => {
            model.notice = Some((Tone::Note, format!("nothing is written for `{name}`")));
            return Vec::new();
        }
        (Given::Else(usual), _) => format!("`{name}` is {usual} again"),
        (Given::Optional, _) => format!("`{name}` is not given any more"),
        (Given::Required, _) => format!("`{name}` is not given any more, and must be"),
    };
    let effects = edit(model, Edit::ClearInput { node, input: name });
    if !effects.is_empty() {
        model.notice = Some((Tone::Note, said));
    }
    effects
}

/// The next value, or the one before: of numbers by a step that fits their size, of words the neighbour, of what is true
/// or false the other.
fn step(model: &mut Model, by: i64) -> Vec<Effect> {
    let Some((flow, input)) = model.flow.as_ref().zip(Input::of(model)) else { return Vec::new() };
    let next = input.literal(model, flow).and_then(|literal| stepped(input.schema, literal, by));
    let (node, name) = (input.node.clone(), input.name.clone());
    match (next, node) {
        (Ok(next), Some(node)) => edit(model, Edit::SetInput { node, input: name, value: next.to_string() }),
        (Ok(next), None) => inputs::set(model, &name, Some(next.to_string())),
        (Err(why), _) => {
            model.notice = Some((Tone::Note, why));
            Vec::new()
        }
    }
}
