//! What may be written in a node: of its type, or of the workflow that it runs.

use std::ops::RangeInclusive;

use easel_engine::{InputSpec, Kind, NodeSpec, Part, Presence, WorkflowInput, kinds};

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
#[derive(Clone, Debug, PartialEq)]
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

    fn of_body(input: &WorkflowInput, kind: Option<Kind>) -> InputSchema {
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

    /// Whether it takes only that kind.
    pub(crate) fn is_only(&self, kind: Kind) -> bool {
        self.kinds == [kind]
    }
}
