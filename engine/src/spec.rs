//! What a node type looks like from outside: its sockets, their kinds, ranges and docs.

use std::ops::RangeInclusive;

use crate::value::{Data, Kind, Value, kinds};

/// Whether an input must be given.
#[derive(Clone, Debug)]
pub enum Presence {
    /// A literal or a wire must be there.
    Required,
    /// The node does without it.
    Optional,
    /// This value is used when nothing is given.
    Default(Value),
}

/// An input socket. A literal in the document or a wire may fill it.
#[derive(Clone, Debug)]
pub struct InputSpec {
    /// Its name, unique in the node.
    pub name: &'static str,
    /// The kinds it takes, at least one; the first is the one that hints talk of.
    pub kinds: Vec<Kind>,
    /// Whether it must be given.
    pub presence: Presence,
    /// Bounds of a number, checked on literals before the run and on wires when they arrive.
    pub range: Option<RangeInclusive<f64>>,
    /// The words a text may be; empty: any.
    pub choices: Vec<&'static str>,
    /// What feeds it must be of the same kind as what feeds that input.
    pub like: Option<&'static str>,
    /// What feeds it only runs once the node asks for it: see [`Node::needs`](crate::Node::needs).
    pub lazy: bool,
    /// The node's own `check` judges this input; the engine holds it against neither range nor choices.
    pub checked_by_node: bool,
    /// What it is for, with unit and shape.
    pub about: &'static str,
}

/// How the kind of an output follows from what is fed to an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derived {
    /// It is the kind of that input.
    SameAs(&'static str),
    /// That input is a list, this is the kind of its elements.
    ElementOf(&'static str),
    /// A list of what that input is.
    ListOf(&'static str),
}

/// What a node takes of the machine while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lanes {
    /// It waits (for a file, a program, a clock) and hardly computes.
    None,
    /// It computes on one thread.
    #[default]
    One,
    /// It computes on all threads there are: no two of these run at once.
    All,
}

/// An output socket.
#[derive(Clone, Debug)]
pub struct OutputSpec {
    /// Its name, unique in the node.
    pub name: &'static str,
    /// What it gives; [`kinds::ANY`](crate::kinds::ANY) if that depends on an input.
    pub kind: Kind,
    /// The input that it depends on.
    pub derived: Option<Derived>,
    /// What it is, with shape and value range.
    pub about: &'static str,
}

/// A node type.
///
/// ```
/// use easel_engine::{InputSpec, NodeSpec, OutputSpec, kinds};
///
/// let spec = NodeSpec::new("Repeat", "Repeats a text.")
///     .input(InputSpec::new("text", kinds::TEXT, "what to repeat"))
///     .input(InputSpec::new("times", kinds::INTEGER, "how often").range(0.0..=100.0).default(2_i64))
///     .output(OutputSpec::new("text", kinds::TEXT, "the text, repeated"));
/// assert_eq!(spec.inputs.len(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its name in documents, `UpperCamelCase`.
    pub name: &'static str,
    /// What it does: first a sentence, then details.
    pub about: &'static str,
    /// Changes whenever its results do.
    pub version: u32,
    /// Whether it is run for what it does (writing a file) and not only for its outputs.
    pub effect: bool,
    /// What it takes of the machine.
    pub lanes: Lanes,
    /// Inputs in the order in which people should read them.
    pub inputs: Vec<InputSpec>,
    /// Outputs.
    pub outputs: Vec<OutputSpec>,
}

impl InputSpec {
    /// A required input.
    pub fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        InputSpec {
            name,
            kinds: vec![kind],
            presence: Presence::Required,
            range: None,
            choices: Vec::new(),
            like: None,
            lazy: false,
            checked_by_node: false,
            about,
        }
    }

    /// Takes `kind` too.
    pub fn or(mut self, kind: Kind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// May be left out.
    pub fn optional(mut self) -> Self {
        self.presence = Presence::Optional;
        self
    }

    /// Used when nothing is given.
    pub fn default<T: Data>(mut self, value: T) -> Self {
        self.presence = Presence::Default(Value::new(value));
        self
    }

    /// Must be fed with the same kind as that other input, whatever it is: what is known before the run is checked then.
    pub fn like(mut self, name: &'static str) -> Self {
        self.like = Some(name);
        self
    }

    /// Is only computed if the node asks for it.
    pub fn lazy(mut self) -> Self {
        self.lazy = true;
        self
    }

    /// Is judged by the node's own `check` alone.
    pub fn checked_by_node(mut self) -> Self {
        self.checked_by_node = true;
        self
    }

    /// Bounds of a number, both included.
    pub fn range(mut self, range: RangeInclusive<f64>) -> Self {
        self.range = Some(range);
        self
    }

    /// The words a text may be.
    pub fn choices(mut self, choices: &[&'static str]) -> Self {
        self.choices = choices.to_vec();
        self
    }
}

impl OutputSpec {
    /// An output.
    pub fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        OutputSpec { name, kind, derived: None, about }
    }

    /// An output whose kind follows from what is fed to an input.
    pub fn derived(name: &'static str, derived: Derived, about: &'static str) -> Self {
        OutputSpec { name, kind: kinds::ANY, derived: Some(derived), about }
    }
}

impl NodeSpec {
    /// A node type of version 1 without sockets.
    pub fn new(name: &'static str, about: &'static str) -> Self {
        NodeSpec { name, about, version: 1, effect: false, lanes: Lanes::One, inputs: Vec::new(), outputs: Vec::new() }
    }

    /// Adds an input.
    pub fn input(mut self, input: InputSpec) -> Self {
        self.inputs.push(input);
        self
    }

    /// Adds an output.
    pub fn output(mut self, output: OutputSpec) -> Self {
        self.outputs.push(output);
        self
    }

    /// It is run for what it does.
    pub fn effect(mut self) -> Self {
        self.effect = true;
        self
    }

    /// Its results are no longer those of version 1.
    pub fn version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// What it takes of the machine while it runs.
    pub fn lanes(mut self, lanes: Lanes) -> Self {
        self.lanes = lanes;
        self
    }

    /// The input of that name.
    pub fn find_input(&self, name: &str) -> Option<&InputSpec> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The output of that name.
    pub fn find_output(&self, name: &str) -> Option<&OutputSpec> {
        self.outputs.iter().find(|output| output.name == name)
    }
}
