//! `easel nodes`: what there is to build workflows from.

use std::path::PathBuf;

use clap::Args;
use easel_engine::{InputSpec, Kind, NodeSpec, Presence, Registry, Value};
use serde_json::json;

use crate::diagnostics;
use crate::error::{CommandError, Exit};
use crate::plugins::{self, NodeTypes};
use crate::terminal::{self, Output, Paint};

/// Names further apart than this are no misspellings of each other.
const ALIKE: f64 = 0.75;

const LONG_ABOUT: &str = "\
Lists the node types that workflows are built from, or explains one in full: what it does, what it takes (with kinds, \
defaults, bounds and choices) and what it gives. Those that plugins bring are among them: see `easel help plugins`.";

const EXAMPLES: &str = "\
Examples:
  easel nodes
  easel nodes Prior
  easel nodes --json | jq -r '.[].name'

Exit status: 0 done; 2 there is no such node type.";

/// List the node types, or explain one
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// A node type to explain in full
    name: Option<String>,

    /// With the plugins that this workflow gets [default: one in the current folder]
    #[arg(long, value_name = "FILE")]
    workflow: Option<PathBuf>,

    /// Writes JSON: one object for one node type, an array for all
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let NodeTypes { registry, problems, .. } = NodeTypes::of(&plugins::plugins()?, arguments.workflow.as_deref());
    diagnostics::tell(None, &problems);
    let mut out = Output::default();
    match (&arguments.name, arguments.json) {
        (Some(name), true) => out.line(to_json(find(&registry, name)?))?,
        (Some(name), false) => out.line(explain(find(&registry, name)?, Paint::for_stdout(), terminal::width()))?,
        (None, true) => out.line(registry.specs().map(to_json).collect::<serde_json::Value>())?,
        (None, false) => out.line(list(&registry, Paint::for_stdout()))?,
    }
    Ok(Exit::Done)
}

fn find<'a>(registry: &'a Registry, name: &str) -> Result<&'a NodeSpec, CommandError> {
    registry.spec(name).ok_or_else(|| {
        let likeness = |spec: &&NodeSpec| strsim::jaro_winkler(&spec.name.to_lowercase(), &name.to_lowercase());
        let closest = registry.specs().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let hint = match closest.filter(|spec| likeness(spec) >= ALIKE) {
            Some(spec) => format!("did you mean `{}`?", spec.name),
            None => "`easel nodes` lists them all".into(),
        };
        CommandError::wrong(format!("there is no node type `{name}`")).with_hint(hint)
    })
}

fn list(registry: &Registry, paint: Paint) -> String {
    let width = registry.specs().map(|spec| spec.name.len()).max().unwrap_or(0);
    let lines: Vec<_> = registry
        .specs()
        .map(|spec| format!("{}  {}", paint.bold(&format!("{:width$}", spec.name)), first_sentence(spec.about)))
        .collect();
    lines.join("\n")
}

/// Up to the first full stop that ends a sentence.
fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

fn explain(spec: &NodeSpec, paint: Paint, width: usize) -> String {
    let mut lines = vec![paint.bold(spec.name), wrapped(spec.about, "  ", width)];
    if !spec.inputs.is_empty() {
        lines.push(format!("\n{}", paint.bold("Inputs")));
        for input in &spec.inputs {
            lines.push(format!("  {}: {}", paint.cyan(input.name), facts(input)));
            lines.push(wrapped(input.about, "      ", width));
        }
    }
    if !spec.outputs.is_empty() {
        lines.push(format!("\n{}", paint.bold("Outputs")));
        for output in &spec.outputs {
            lines.push(format!("  {}: {}", paint.cyan(output.name), output.kind));
            lines.push(wrapped(output.about, "      ", width));
        }
    }
    lines.push(format!("\n{}", paint.bold("In a workflow")));
    lines.push(format!("  \"name\": {}({}),", spec.name, sample(spec)));
    lines.join("\n")
}

/// "Float, 1 to 100, default 4.0".
fn facts(input: &InputSpec) -> String {
    let mut facts = vec![input.kinds.iter().map(Kind::to_string).collect::<Vec<_>>().join(" or ")];
    if let Some(range) = &input.range {
        facts.push(match (range.start().is_finite(), range.end().is_finite()) {
            (true, true) => format!("{} to {}", range.start(), range.end()),
            (true, false) => format!("at least {}", range.start()),
            (false, true) => format!("at most {}", range.end()),
            (false, false) => "any number".into(),
        });
    }
    if !input.choices.is_empty() {
        let choices: Vec<_> = input.choices.iter().map(|choice| format!("\"{choice}\"")).collect();
        facts.push(format!("one of {}", choices.join(", ")));
    }
    facts.push(match &input.presence {
        Presence::Required => "required".into(),
        Presence::Optional => "optional".into(),
        Presence::Default(value) => format!("default {}", value.summary()),
    });
    facts.join(", ")
}

/// The inputs that have to be given, as they could be written.
fn sample(spec: &NodeSpec) -> String {
    let required = spec.inputs.iter().filter(|input| matches!(input.presence, Presence::Required));
    let fields: Vec<_> = required
        .map(|input| {
            let literal = input.kinds.first().copied().and_then(|kind| sample_literal(input, kind));
            let value = literal.unwrap_or_else(|| "From(\"node.socket\")".into());
            format!("{}: {value}", input.name)
        })
        .collect();
    fields.join(", ")
}

fn sample_literal(input: &InputSpec, kind: Kind) -> Option<String> {
    use easel_engine::kinds;
    match kind {
        kinds::TEXT => Some(format!("\"{}\"", input.choices.first().unwrap_or(&"…"))),
        kinds::TEXT_LIST => Some("[\"…\"]".into()),
        kinds::INTEGER => Some("1".into()),
        kinds::FLOAT => Some("1.0".into()),
        kinds::BOOLEAN => Some("true".into()),
        _ => None,
    }
}

/// Lines of at most `width` columns, each after `indent`.
fn wrapped(text: &str, indent: &str, width: usize) -> String {
    let mut lines = vec![indent.to_string()];
    let mut used = indent.len();
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > indent.len() && used + 1 + length > width {
            lines.push(indent.to_string());
            used = indent.len();
        }
        if let Some(line) = lines.last_mut() {
            if used > indent.len() {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
    }
    lines.join("\n")
}

fn to_json(spec: &NodeSpec) -> serde_json::Value {
    let kinds = |kinds: &[Kind]| kinds.iter().map(Kind::to_string).collect::<Vec<_>>();
    let inputs = spec.inputs.iter().map(|input| {
        let default = match &input.presence {
            Presence::Default(value) => value_to_json(value),
            Presence::Required | Presence::Optional => serde_json::Value::Null,
        };
        json!({
            "name": input.name,
            "kinds": kinds(&input.kinds),
            "required": matches!(input.presence, Presence::Required),
            "default": default,
            // JSON has no infinity: an open end is null.
            "range": input.range.as_ref().map(|range| [range.start(), range.end()]),
            "choices": input.choices,
            "about": input.about,
        })
    });
    let outputs = spec
        .outputs
        .iter()
        .map(|output| json!({ "name": output.name, "kind": output.kind.to_string(), "about": output.about }));
    json!({
        "name": spec.name,
        "about": spec.about,
        "version": spec.version,
        "effect": spec.effect,
        "inputs": inputs.collect::<Vec<_>>(),
        "outputs": outputs.collect::<Vec<_>>(),
    })
}

fn value_to_json(value: &Value) -> serde_json::Value {
    value
        .get::<String>()
        .map(|text| json!(text))
        .or_else(|| value.list().map(|list| list.items().iter().map(value_to_json).collect()))
        .or_else(|| value.get::<i64>().map(|number| json!(number)))
        .or_else(|| value.get::<f64>().map(|number| json!(number)))
        .or_else(|| value.get::<bool>().map(|flag| json!(flag)))
        .unwrap_or_else(|| json!(value.summary()))
}

#[cfg(test)]
mod tests {
    use easel_engine::{OutputSpec, kinds};

    use super::*;

    fn spec() -> NodeSpec {
        NodeSpec::new("Mix", "Mixes two. Weighs them too, one by one.")
            .input(InputSpec::new("a", Kind::new("Image"), "the first").or(kinds::TEXT))
            .input(InputSpec::new("by", kinds::FLOAT, "how much").range(0.0..=f64::INFINITY).default(0.5))
            .input(InputSpec::new("mode", kinds::TEXT, "how").choices(&["soft", "hard"]))
            .output(OutputSpec::new("image", Kind::new("Image"), "the mix"))
    }

    #[test]
    fn a_node_is_explained_in_full() {
        assert_eq!(
            explain(&spec(), Paint::PLAIN, 30),
            "Mix\n  Mixes two. Weighs them too,\n  one by one.\n\nInputs\n  a: Image or Text, required\n      the first\n  \
             by: Float, at least 0, default 0.5\n      how much\n  mode: Text, one of \"soft\", \"hard\", required\n      \
             how\n\nOutputs\n  image: Image\n      the mix\n\nIn a workflow\n  \
             \"name\": Mix(a: From(\"node.socket\"), mode: \"soft\"),"
        );
        assert_eq!(first_sentence(spec().about), "Mixes two.");
    }

    #[test]
    fn json_has_no_infinity() {
        let value = to_json(&spec());
        assert_eq!(value["inputs"][1]["range"], json!([0.0, null]));
        assert_eq!(value["inputs"][1]["default"], json!(0.5));
        assert_eq!(value["inputs"][0]["kinds"], json!(["Image", "Text"]));
        assert_eq!(value["outputs"][0]["kind"], "Image");
    }
}
