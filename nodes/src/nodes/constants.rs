//! Values written in the document, for workflows that want to name or share them.

use easel_engine::{
    Context, Data, InputSpec, Inputs, Kind, Lanes, Node, NodeResult, NodeSpec, OutputSpec, Outputs, kinds,
};

fn spec(name: &'static str, about: &'static str, kind: Kind) -> NodeSpec {
    NodeSpec::new(name, about)
        .lanes(Lanes::None)
        .input(InputSpec::new("value", kind, "the value"))
        .output(OutputSpec::new("value", kind, "the value"))
}

fn pass<T: Data + Clone>(inputs: &Inputs) -> NodeResult {
    Ok(Outputs::one("value", inputs.get::<T>("value")?.clone()))
}

/// A text.
pub struct Text;

impl Node for Text {
    fn spec(&self) -> NodeSpec {
        spec("Text", "Gives a text.", kinds::TEXT)
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        pass::<String>(inputs)
    }
}

/// An integer.
pub struct Integer;

impl Node for Integer {
    fn spec(&self) -> NodeSpec {
        spec("Integer", "Gives an integer.", kinds::INTEGER)
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        pass::<i64>(inputs)
    }
}

/// A float.
pub struct Float;

impl Node for Float {
    fn spec(&self) -> NodeSpec {
        spec("Float", "Gives a float.", kinds::FLOAT)
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        pass::<f64>(inputs)
    }
}

/// A boolean.
pub struct Boolean;

impl Node for Boolean {
    fn spec(&self) -> NodeSpec {
        spec("Boolean", "Gives true or false.", kinds::BOOLEAN)
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        pass::<bool>(inputs)
    }
}
