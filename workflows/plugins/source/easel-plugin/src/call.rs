//! One call of a node: what it takes, what it gives, what it says.

use std::fmt;

use crate::describe::NodeType;
use crate::host;
use crate::value::Kind;
use crate::wire::{Reader, Writer};

/// What the function of a node type returns.
pub type Result<T = ()> = std::result::Result<T, Failure>;

/// Why a node has no result, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    message: String,
    hint: String,
}

impl Failure {
    /// What is wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Failure { message: message.into(), hint: String::new() }
    }

    /// What the user can do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// An input: name, kind, value.
struct Given<'a> {
    name: &'a str,
    kind: &'a str,
    value: &'a [u8],
}

/// One call of a node.
pub struct Call<'a> {
    inputs: Vec<Given<'a>>,
    outputs: Writer,
    given: u64,
}

impl<'a> Call<'a> {
    /// Reads the inputs, runs the node type, and writes the reply.
    pub(crate) fn carry_out(inputs: &[u8], node: &NodeType) -> Vec<u8> {
        let carried = Call::read(inputs).and_then(|mut call| {
            (node.run)(&mut call)?;
            Ok((call.given, call.outputs))
        });
        let mut reply = Writer::default();
        match carried {
            Ok((given, outputs)) => {
                reply.0.reserve_exact(outputs.0.len() + 16);
                reply.number(0);
                reply.number(given);
                reply.raw(&outputs.0);
            }
            Err(Failure { message, hint }) => {
                reply.number(1);
                reply.text(&message);
                reply.text(&hint);
            }
        }
        reply.0
    }

    fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader(bytes);
        let mut inputs = Vec::new();
        for _ in 0..reader.number()? {
            inputs.push(Given { name: reader.text()?, kind: reader.text()?, value: reader.bytes()? });
        }
        Ok(Call { inputs, outputs: Writer::default(), given: 0 })
    }

    /// An input that is required or has a default.
    pub fn take<T: Kind>(&self, name: &str) -> Result<T> {
        self.optional(name)?.ok_or_else(|| Failure::new(format!("input `{name}` is missing")))
    }

    /// An input that may be left out.
    pub fn optional<T: Kind>(&self, name: &str) -> Result<Option<T>> {
        let Some(given) = self.inputs.iter().find(|given| given.name == name) else { return Ok(None) };
        if given.kind != T::name() {
            return Err(Failure::new(format!("input `{name}` is {}, not {}", given.kind, T::name())));
        }
        let mut reader = Reader(given.value);
        let value = T::read(&mut reader).map_err(|failure| Failure::new(format!("input `{name}`: {failure}")))?;
        Ok(Some(value))
    }

    /// The kind of what is given to an input that takes several.
    pub fn kind(&self, name: &str) -> Option<&str> {
        self.inputs.iter().find(|given| given.name == name).map(|given| given.kind)
    }

    /// Gives an output.
    pub fn give<T: Kind>(&mut self, name: &str, value: T) -> Result {
        self.given += 1;
        self.outputs.text(name);
        self.outputs.number(0);
        self.outputs.measured(|writer| value.write(writer));
        Ok(())
    }

    /// Keeps an output back: what needs it does not run, which is no failure.
    pub fn keep_back(&mut self, name: &str, reason: &str) -> Result {
        self.given += 1;
        self.outputs.text(name);
        self.outputs.number(1);
        self.outputs.text(reason);
        Ok(())
    }

    /// Says how far the node is: `step` of `steps` are done.
    pub fn progress(&mut self, step: usize, steps: usize) {
        host::progress(step, steps);
    }

    /// Something the user should know that is no failure.
    pub fn warn(&mut self, message: impl AsRef<str>) {
        host::warn(message.as_ref());
    }

    /// Something that pictures made from this should carry in their recipe.
    pub fn note(&mut self, key: &str, value: impl AsRef<str>) {
        host::note(key, value.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::{Input, Output};
    use crate::value::Image;

    fn mix(call: &mut Call<'_>) -> Result {
        let (texts, image) = (call.take::<Vec<String>>("texts")?, call.optional::<Image>("image")?);
        match image {
            Some(image) => call.give("image", image)?,
            None => call.keep_back("image", "there is none")?,
        }
        if texts.is_empty() {
            return Err(Failure::new("nothing to say").with_hint("say something"));
        }
        call.give("text", texts.join(" "))
    }

    fn node() -> NodeType {
        NodeType::new("Mix", "Mixes.", mix)
            .input(Input::new::<Vec<String>>("texts", "").default(&["a \"b\""][..]))
            .input(Input::new::<Image>("image", "").optional())
            .output(Output::new::<Image>("image", ""))
            .output(Output::new::<String>("text", ""))
    }

    /// An input as Easel writes it.
    fn given<T: Kind>(writer: &mut Writer, name: &str, value: &T) {
        writer.text(name);
        writer.text(&T::name());
        writer.measured(|writer| value.write(writer));
    }

    fn reply(texts: &[&str], image: Option<&Image>) -> Vec<u8> {
        let mut inputs = Writer::default();
        inputs.number(1 + u64::from(image.is_some()));
        given(&mut inputs, "texts", &texts.iter().map(|text| text.to_string()).collect::<Vec<_>>());
        if let Some(image) = image {
            given(&mut inputs, "image", image);
        }
        Call::carry_out(&inputs.0, &node())
    }

    #[test]
    fn outputs_lie_where_easel_looks_for_them() {
        let image = Image::new(1, 1, 1, vec![-1.0, 0.0, 1.0]).expect("it is one");
        let mut expected = Writer::default();
        expected.number(0);
        expected.number(2);
        expected.text("image");
        expected.number(0);
        let sizes = [0, 4, 1, 1, 1, 3, 12_u64].iter().flat_map(|number| number.to_le_bytes());
        let values = [-1.0, 0.0, 1.0_f32].iter().flat_map(|value| value.to_le_bytes());
        expected.bytes(&sizes.chain(values).collect::<Vec<_>>());
        expected.text("text");
        expected.number(0);
        expected.bytes(b"\x03\0\0\0\0\0\0\0a b");
        assert_eq!(reply(&["a", "b"], Some(&image)), expected.0);
    }

    #[test]
    fn outputs_may_be_kept_back_and_nodes_may_fail() {
        let kept = reply(&["a"], None);
        assert!(kept.windows(13).any(|bytes| bytes == b"there is none"));
        let mut expected = Writer::default();
        expected.number(1);
        expected.text("nothing to say");
        expected.text("say something");
        assert_eq!(reply(&[], None), expected.0);
        assert_eq!(Call::carry_out(b"\x01", &node())[0], 1, "what is no input is a failure");
    }

    #[test]
    fn a_description_says_what_was_built() {
        let expected = r#"Plugin(about: "x\\", nodes: [(name: "Mix", about: "Mixes.", version: 1, inputs: [(name: "texts", about: "", kinds: ["TextList"], default: ["a \"b\""]), (name: "image", about: "", kinds: ["Image"], optional: true)], outputs: [(name: "image", about: "", kind: "Image"), (name: "text", about: "", kind: "Text")])])"#;
        assert_eq!(crate::describe::plugin("x\\", &[node()]), expected);
    }
}
