//! What a plugin says of itself: RON, which Easel reads.

use std::fmt::Write;

use crate::call::{Call, Result};
use crate::value::Kind;

/// A node type.
pub struct NodeType {
    name: &'static str,
    about: &'static str,
    version: u32,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    pub(crate) run: fn(&mut Call<'_>) -> Result,
}

/// An input of a node type. Without further ado it is required.
pub struct Input {
    name: &'static str,
    about: &'static str,
    kinds: Vec<String>,
    /// Further fields, in RON.
    fields: String,
}

/// An output of a node type.
pub struct Output {
    name: &'static str,
    about: &'static str,
    kind: String,
}

impl NodeType {
    /// A node type of that name, in `UpperCamelCase`: what it does, first in one sentence, and how.
    pub fn new(name: &'static str, about: &'static str, run: fn(&mut Call<'_>) -> Result) -> Self {
        NodeType { name, about, version: 1, inputs: Vec::new(), outputs: Vec::new(), run }
    }

    /// One more input.
    pub fn input(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }

    /// One more output.
    pub fn output(mut self, output: Output) -> Self {
        self.outputs.push(output);
        self
    }
}

impl Input {
    /// An input that takes what `T` stands for.
    pub fn new<T: Kind>(name: &'static str, about: &'static str) -> Self {
        Input { name, about, kinds: vec![T::name()], fields: String::new() }
    }

    /// Takes this too.
    pub fn or<T: Kind>(mut self) -> Self {
        self.kinds.push(T::name());
        self
    }

    /// May be left out.
    pub fn optional(self) -> Self {
        self.field("optional: true")
    }

    /// Used when nothing is given: a number, a text, a boolean, or a list of these.
    pub fn default(self, value: impl Literal) -> Self {
        let literal = value.literal();
        self.field(&format!("default: {literal}"))
    }

    /// Bounds of a number, both included; `f64::INFINITY` for none.
    pub fn range(self, least: f64, most: f64) -> Self {
        let (least, most) = (least.literal(), most.literal());
        self.field(&format!("range: ({least}, {most})"))
    }

    /// The words that a text may be.
    pub fn choices(self, choices: &[&str]) -> Self {
        let choices = choices.literal();
        self.field(&format!("choices: {choices}"))
    }

    fn field(mut self, field: &str) -> Self {
        self.fields.push_str(", ");
        self.fields.push_str(field);
        self
    }
}

impl Output {
    /// An output that gives what `T` stands for.
    pub fn new<T: Kind>(name: &'static str, about: &'static str) -> Self {
        Output { name, about, kind: T::name() }
    }
}

/// What can be written down as a default.
pub trait Literal {
    /// In RON.
    fn literal(&self) -> String;
}

impl Literal for &str {
    fn literal(&self) -> String {
        let mut text = String::from("\"");
        for character in self.chars() {
            match character {
                '"' | '\\' => text.extend(['\\', character]),
                c if c.is_control() => {
                    let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
                }
                c => text.push(c),
            }
        }
        text + "\""
    }
}

impl Literal for f64 {
    fn literal(&self) -> String {
        // As RON writes them: with a point, and infinities as words.
        format!("{self:?}")
    }
}

impl Literal for i64 {
    fn literal(&self) -> String {
        self.to_string()
    }
}

impl Literal for bool {
    fn literal(&self) -> String {
        self.to_string()
    }
}

impl<T: Literal> Literal for &[T] {
    fn literal(&self) -> String {
        let items: Vec<_> = self.iter().map(Literal::literal).collect();
        format!("[{}]", items.join(", "))
    }
}

/// The description of a plugin.
pub fn plugin(about: &str, nodes: &[NodeType]) -> String {
    let nodes: Vec<_> = nodes.iter().map(node).collect();
    format!("Plugin(about: {}, nodes: [{}])", about.literal(), nodes.join(", "))
}

fn node(node: &NodeType) -> String {
    let inputs: Vec<_> = node.inputs.iter().map(input).collect();
    let outputs = node.outputs.iter().map(|output| {
        let (name, about, kind) = (output.name.literal(), output.about.literal(), output.kind.as_str().literal());
        format!("(name: {name}, about: {about}, kind: {kind})")
    });
    format!(
        "(name: {}, about: {}, version: {}, inputs: [{}], outputs: [{}])",
        node.name.literal(),
        node.about.literal(),
        node.version,
        inputs.join(", "),
        outputs.collect::<Vec<_>>().join(", "),
    )
}

fn input(input: &Input) -> String {
    let kinds: Vec<_> = input.kinds.iter().map(String::as_str).collect();
    let (name, about, kinds) = (input.name.literal(), input.about.literal(), kinds.as_slice().literal());
    format!("(name: {name}, about: {about}, kinds: {kinds}{})", input.fields)
}
