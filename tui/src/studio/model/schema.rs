//! What may be written in a node: of its type, or of the workflow that it runs.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use easel_engine::{InputSpec, Kind, NodeSpec, Part, Presence, WorkflowInput, kinds};

use super::super::scene::{SceneNode, Socket};

/// A node's sockets as people fill them in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Schema {
    /// What it does.
    pub(crate) about: String,
    /// In the order in which people should read them.
    pub(crate) inputs: Vec<InputSchema>,
    /// What it gives.
    pub(crate) outputs: Vec<OutputSchema>,
}

/// An input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InputSchema {
    /// Its name.
    pub(crate) name: String,
    /// The kinds that it takes; none if that is not known.
    pub(crate) kinds: Vec<Kind>,
    /// What if nothing is given.
    pub(crate) given: Given,
    /// Bounds of a number, both included.
    pub(crate) range: Option<RangeInclusive<f64>>,
    /// The words a text may be; empty: any.
    pub(crate) choices: Vec<String>,
    /// What it is for.
    pub(crate) about: String,
}

/// Whether an input must be given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Given {
    /// It must.
    Required,
    /// The node does without it.
    Optional,
    /// This is used otherwise, in words.
    Else(String),
}

/// An output.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OutputSchema {
    /// Its name.
    pub(crate) name: String,
    /// What it gives; none if that is not known.
    pub(crate) kind: Option<Kind>,
    /// What that is.
    pub(crate) about: String,
}

impl Schema {
    /// That of a node; none if its type is not known.
    pub(crate) fn of(part: &Part<'_>, node: usize) -> Option<Schema> {
        let mut schema = match part.body(node) {
            Some(body) => Schema::of_body(part, node, &body),
            None => Schema::of_type(part.spec(node)?),
        };
        for (place, output) in schema.outputs.iter_mut().enumerate() {
            output.kind = part.output_kind(node, place);
        }
        Some(schema)
    }

    /// That of a group that is one box: the sockets of its nodes at which wires cross its border.
    pub(crate) fn of_group(part: &Part<'_>, group: &SceneNode) -> Schema {
        let mut known: HashMap<&str, Option<Schema>> = HashMap::new();
        for (place, node) in part.workflow().nodes().iter().enumerate() {
            if group.members.contains(&node.id.value) {
                known.entry(&node.id.value).or_insert_with(|| Schema::of(part, place));
            }
        }
        let inner = |socket: &Socket| {
            let (node, name) = group.owner(socket);
            Some((known.get(node)?.as_ref()?, name.to_string(), socket.name.clone()))
        };
        let input = |socket: &Socket| {
            let (schema, inner, name) = inner(socket)?;
            let input = schema.inputs.iter().find(|input| input.name == inner)?;
            Some(InputSchema { name, ..input.clone() })
        };
        let output = |socket: &Socket| {
            let (schema, inner, name) = inner(socket)?;
            let output = schema.outputs.iter().find(|output| output.name == inner)?;
            Some(OutputSchema { name, ..output.clone() })
        };
        Schema {
            about: String::new(),
            inputs: group.inputs.iter().filter_map(input).collect(),
            outputs: group.outputs.iter().filter_map(output).collect(),
        }
    }

    /// That of a node type.
    pub(crate) fn of_type(spec: &NodeSpec) -> Schema {
        let output = |output: &easel_engine::OutputSpec| OutputSchema {
            name: output.name.into(),
            kind: Some(output.kind),
            about: output.about.into(),
        };
        Schema {
            about: spec.about.into(),
            inputs: spec.inputs.iter().map(InputSchema::of_type).collect(),
            outputs: spec.outputs.iter().map(output).collect(),
        }
    }

    fn of_body(part: &Part<'_>, node: usize, body: &Part<'_>) -> Schema {
        let workflow = body.workflow();
        let entry = part.workflow().nodes().get(node);
        let call = entry.and_then(|entry| entry.call.as_deref());
        // The number of the pass is nobody's to give.
        let counts = |input: &WorkflowInput| {
            call.and_then(|call| call.index.as_ref()).is_some_and(|index| index.value == input.name.value)
        };
        let mut inputs: Vec<_> = workflow
            .inputs()
            .enumerate()
            .filter(|(_, input)| !counts(input))
            .map(|(place, input)| {
                let kind = body.input_kind(place);
                let kind = if part.is_mapped(node, place) { kind.map(|kind| kind.list()) } else { kind };
                InputSchema::of_body(input, kind)
            })
            .collect();
        if call.is_some_and(|call| call.form == easel_engine::Form::Loop) {
            inputs.push(InputSchema {
                name: "times".into(),
                kinds: vec![kinds::INTEGER],
                given: Given::Required,
                range: Some(0.0..=f64::INFINITY),
                choices: Vec::new(),
                about: "how many passes at the most".into(),
            });
        }
        let outputs = workflow.outputs().map(|output| OutputSchema {
            name: output.name.value.clone(),
            kind: None,
            about: String::new(),
        });
        Schema {
            about: workflow.about().map(|about| about.value.clone()).unwrap_or_default(),
            inputs,
            outputs: outputs.collect(),
        }
    }
}

impl InputSchema {
    fn of_type(spec: &InputSpec) -> InputSchema {
        InputSchema {
            name: spec.name.into(),
            kinds: spec.kinds.clone(),
            given: match &spec.presence {
                Presence::Required => Given::Required,
                Presence::Optional => Given::Optional,
                Presence::Default(value) => Given::Else(value.summary()),
            },
            range: spec.range.clone().filter(|_| !spec.checked_by_node),
            choices: spec.choices.iter().map(|word| (*word).to_string()).collect(),
            about: spec.about.into(),
        }
    }

    /// That of an input of a workflow.
    pub(super) fn of_body(input: &WorkflowInput, kind: Option<Kind>) -> InputSchema {
        InputSchema {
            name: input.name.value.clone(),
            kinds: kind.into_iter().collect(),
            given: match &input.default {
                Some(value) => Given::Else(value.value.to_string()),
                None => Given::Required,
            },
            range: input.range.clone(),
            choices: input.choices.iter().map(|word| word.value.clone()).collect(),
            about: input.about.clone(),
        }
    }

    /// What numbers it may be, in words.
    pub(crate) fn range_words(&self) -> Option<String> {
        let range = self.range.as_ref()?;
        match (range.start().is_finite(), range.end().is_finite()) {
            (true, true) => Some(format!("{} to {}", range.start(), range.end())),
            (true, false) => Some(format!("at least {}", range.start())),
            (false, true) => Some(format!("at most {}", range.end())),
            (false, false) => None,
        }
    }

    /// What is the matter with a value as it was typed, as far as its type tells: a text as it stands, or what the file is
    /// to hold. What comes from elsewhere is not judged here.
    pub(crate) fn problem(&self, typed: &str, is_text: bool) -> Option<String> {
        if is_text {
            let is_word = self.choices.is_empty() || self.choices.iter().any(|word| word == typed);
            return (!is_word).then(|| format!("it is one of {}", self.choices.join(", ")));
        }
        let typed = typed.trim();
        let is_number = |kind: &Kind| [kinds::INTEGER, kinds::FLOAT].contains(kind);
        let number = typed.replace('_', "").parse::<f64>().ok();
        let is_elsewhere = ["From(", "Input(", "["].iter().any(|start| typed.starts_with(start));
        match number {
            _ if typed.is_empty() || is_elsewhere || self.kinds.is_empty() => None,
            Some(number) if self.is_only(kinds::INTEGER) && (number.fract() != 0.0 || typed.contains('.')) => {
                Some(format!("{typed} is no whole number, and `{}` is one", self.name))
            }
            Some(number) => {
                let range = self.range.as_ref().filter(|range| !range.contains(&number))?;
                let side = if number < *range.start() { "below" } else { "above" };
                let words = self.range_words().unwrap_or_default();
                Some(format!("{typed} is {side} what `{}` may be: {words}", self.name))
            }
            None if self.kinds.iter().all(is_number) => {
                Some(format!("`{}` is a number, or `From(\"node\")`, or `Input(\"name\")`", self.name))
            }
            None if self.is_only(kinds::BOOLEAN) && !["true", "false"].contains(&typed) => {
                Some(format!("`{}` is `true` or `false`, or comes from a node or an input", self.name))
            }
            None => None,
        }
    }

    /// Whether values of it can be written down.
    pub(crate) fn is_written(&self) -> bool {
        let written = [kinds::TEXT, kinds::INTEGER, kinds::FLOAT, kinds::BOOLEAN];
        self.kinds.iter().any(|kind| written.iter().any(|known| known.base() == kind.base()))
    }

    /// Whether it takes only that kind.
    pub(crate) fn is_only(&self, kind: Kind) -> bool {
        self.kinds == [kind]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(kind: Kind, range: Option<RangeInclusive<f64>>) -> InputSchema {
        InputSchema {
            name: "steps".into(),
            kinds: vec![kind],
            given: Given::Required,
            range,
            choices: Vec::new(),
            about: String::new(),
        }
    }

    #[test]
    fn what_is_typed_is_held_against_the_schema() {
        let steps = input(kinds::INTEGER, Some(2.0..=1000.0));
        let of = |typed: &str| steps.problem(typed, false);
        for fine in ["2", "1000", "1_0", " 7 ", "", "From(\"a\")", "Input(\"n\")", "[1]"] {
            assert_eq!(of(fine), None, "{fine}");
        }
        assert_eq!(of("1").as_deref(), Some("1 is below what `steps` may be: 2 to 1000"));
        assert_eq!(of("1001").as_deref(), Some("1001 is above what `steps` may be: 2 to 1000"));
        assert_eq!(of("2.5").as_deref(), Some("2.5 is no whole number, and `steps` is one"));
        assert!(of("many").is_some_and(|why| why.starts_with("`steps` is a number")));
        assert!(of("NaN").is_some());
        assert_eq!(
            input(kinds::FLOAT, Some(0.0..=f64::INFINITY)).problem("-0.5", false).as_deref(),
            Some("-0.5 is below what `steps` may be: at least 0")
        );
        assert!(input(kinds::BOOLEAN, None).problem("yes", false).is_some());
        let word = InputSchema { choices: vec!["a".into(), "b".into()], ..input(kinds::TEXT, None) };
        assert_eq!((word.problem("c", true).as_deref(), word.problem("a", true)), (Some("it is one of a, b"), None));
    }
}
