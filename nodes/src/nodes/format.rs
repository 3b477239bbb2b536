//! `Format`: texts from a template, and texts put together and taken apart.

use easel_engine::{
    Context, InputProblem, InputSpec, Inputs, Lanes, Literals, Node, NodeError, NodeResult, NodeSpec, OutputSpec,
    Outputs, Value, kinds,
};

/// A text with values filled in.
pub struct Format;

/// The inputs that a template can name.
const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// More digits than these say nothing.
const MOST_DIGITS: usize = 64;

impl Node for Format {
    fn spec(&self) -> NodeSpec {
        let spec = NodeSpec::new(
            "Format",
            "Fills values into a text: `{a}` is the input `a`. `{a:.2}` rounds a number to two digits after the point, \
             `{a:04}` fills an integer up with zeros to four digits; `{{` and `}}` are braces.",
        )
        .lanes(Lanes::None)
        .input(InputSpec::new("template", kinds::TEXT, "the text, with {a} … {h} where values belong"));
        let value = |name| {
            InputSpec::new(name, kinds::TEXT, "a value that the template can name")
                .or(kinds::INTEGER)
                .or(kinds::FLOAT)
                .or(kinds::BOOLEAN)
                .optional()
        };
        NAMES.iter().fold(spec, |spec, name| spec.input(value(name))).output(OutputSpec::new(
            "text",
            kinds::TEXT,
            "the template with its values",
        ))
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        let parsed = literals.get::<String>("template").map(|template| parse(template));
        let problem = |message| InputProblem {
            input: "template",
            message,
            hint: Some("write {a}, {a:.2} or {a:04}, and {{ or }} for a brace".to_string()),
        };
        parsed.and_then(Result::err).map(problem).into_iter().collect()
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let mut text = String::new();
        for piece in parse(inputs.get::<String>("template")?).map_err(NodeError::new)? {
            match piece {
                Piece::Text(piece) => text.push_str(&piece),
                Piece::Value(name, style) => {
                    let value = inputs.value(name).ok_or_else(|| {
                        NodeError::new(format!("the template names {{{name}}}, but nothing feeds the input `{name}`"))
                    })?;
                    text.push_str(&written(value, style)?);
                }
            }
        }
        Ok(Outputs::one("text", text))
    }
}

/// A piece of a template.
#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    Value(&'static str, Style),
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Style {
    Plain,
    Decimals(usize),
    Zeros(usize),
}

fn parse(template: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            text.push_str(brace);
            rest = after;
        } else if brace == "}" {
            return Err(format!("there is a `}}` without a `{{` before {:?}", start(rest)));
        } else {
            let end = rest.find('}').ok_or_else(|| format!("the `{{` before {:?} is not closed", start(rest)))?;
            pieces.push(Piece::Text(std::mem::take(&mut text)));
            pieces.push(placeholder(&rest[..end])?);
            rest = &rest[end + 1..];
        }
    }
    text.push_str(rest);
    pieces.push(Piece::Text(text));
    Ok(pieces)
}

/// What is between braces.
fn placeholder(inside: &str) -> Result<Piece, String> {
    let (name, style) = inside.split_once(':').unwrap_or((inside, ""));
    let known = NAMES.into_iter().find(|known| *known == name);
    let name = known.ok_or_else(|| format!("the template names {{{}}}; there are {{a}} … {{h}}", start(name)))?;
    let digits = |digits: &str| digits.parse().ok().filter(|&count| count <= MOST_DIGITS);
    let style = match style.strip_prefix('.') {
        Some(decimals) => digits(decimals).map(Style::Decimals),
        None if style.is_empty() => Some(Style::Plain),
        None => style.strip_prefix('0').and_then(digits).map(Style::Zeros),
    };
    let style = style.ok_or_else(|| format!("{{{}}} is no way to write a value", start(inside)))?;
    Ok(Piece::Value(name, style))
}

/// Enough of a text to find it again.
fn start(text: &str) -> String {
    text.chars().take(20).collect()
}

fn written(value: &Value, style: Style) -> Result<String, NodeError> {
    let text = match style {
        Style::Plain => value
            .get::<String>()
            .cloned()
            .or_else(|| value.get::<i64>().map(ToString::to_string))
            .or_else(|| value.get::<f64>().map(ToString::to_string))
            .or_else(|| value.get::<bool>().map(ToString::to_string)),
        Style::Decimals(count) => {
            let number = value.get::<f64>().copied().or_else(|| value.get::<i64>().map(|&integer| integer as f64));
            number.map(|number| format!("{number:.count$}"))
        }
        Style::Zeros(width) => value.get::<i64>().map(|integer| format!("{integer:0width$}")),
    };
    text.ok_or_else(|| {
        let wanted = if matches!(style, Style::Zeros(_)) { "an integer" } else { "a number" };
        NodeError::new(format!("the template wants {wanted} where it is given {}", value.summary()))
    })
}

/// Texts in a row.
pub struct JoinTexts;

impl Node for JoinTexts {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("JoinTexts", "Makes one text of several.")
            .lanes(Lanes::None)
            .input(InputSpec::new("texts", kinds::TEXT_LIST, "the texts"))
            .input(
                InputSpec::new("separator", kinds::TEXT, "what stands between two of them").default(", ".to_string()),
            )
            .output(OutputSpec::new("text", kinds::TEXT, "all of them, in order"))
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        Ok(Outputs::one("text", inputs.texts("texts")?.join(inputs.get::<String>("separator")?)))
    }
}

/// The parts of a text.
pub struct SplitText;

impl Node for SplitText {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new("SplitText", "Takes a text apart where a separator stands; blanks around the parts are removed.")
            .lanes(Lanes::None)
            .input(InputSpec::new("text", kinds::TEXT, "the text"))
            .input(InputSpec::new("separator", kinds::TEXT, "what separates the parts").default(",".to_string()))
            .output(OutputSpec::new("texts", kinds::TEXT_LIST, "the parts that are not empty"))
    }

    fn check(&self, literals: &Literals<'_>) -> Vec<InputProblem> {
        let empty = literals.get::<String>("separator").filter(|separator| separator.is_empty());
        let problem =
            |_: &String| InputProblem { input: "separator", message: "the separator is empty".to_string(), hint: None };
        empty.map(problem).into_iter().collect()
    }

    fn run(&self, inputs: &Inputs, _: &mut Context<'_>) -> NodeResult {
        let separator = inputs.get::<String>("separator")?;
        if separator.is_empty() {
            return Err(NodeError::new("the separator is empty"));
        }
        let parts = inputs.get::<String>("text")?.split(separator.as_str()).map(str::trim);
        Ok(Outputs::none().with_value("texts", Value::texts(parts.filter(|part| !part.is_empty()))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use super::*;
    use crate::nodes::trial::{elements, failure, output, run, text};

    fn format(template: &str) -> NodeResult {
        let given = [
            ("template", text(template)),
            ("a", text("cat")),
            ("b", Value::new(7_i64)),
            ("c", Value::new(0.256)),
            ("d", Value::new(true)),
        ];
        run(&Format, given)
    }

    #[test]
    fn values_are_filled_in() {
        let cases = [
            ("", ""),
            ("{a}", "cat"),
            ("{a} no. {b:03}, {c:.2} {c} {d}", "cat no. 007, 0.26 0.256 true"),
            ("{b:.1}{{{a}}}", "7.0{cat}"),
            ("ü{a}ü", "ücatü"),
        ];
        for (template, wanted) in cases {
            assert_eq!(output::<String>(&format(template).unwrap(), "text"), wanted);
        }
    }

    #[test]
    fn a_template_that_is_wrong_says_where() {
        let cases = [
            ("a {", "the `{` before \"\" is not closed"),
            ("x} y", "a `}` without a `{` before \" y\""),
            ("{z}", "there are {a} … {h}"),
            ("{}", "there are {a} … {h}"),
            ("{b:x}", "{b:x} is no way to write a value"),
            ("{b:.999}", "no way to write a value"),
            ("{h}", "nothing feeds the input `h`"),
            ("{a:.2}", "wants a number where it is given \"cat\""),
            ("{c:03}", "wants an integer where it is given 0.256"),
        ];
        for (template, wanted) in cases {
            let message = failure(format(template));
            assert!(message.contains(wanted), "{template}: {message}");
        }
    }

    #[test]
    fn texts_are_joined_and_split() {
        let joined = run(&JoinTexts, [("texts", Value::texts(["a", "b"]))]).unwrap();
        assert_eq!(output::<String>(&joined, "text"), "a, b");
        let none = run(&JoinTexts, [("texts", Value::texts(Vec::<String>::new()))]).unwrap();
        assert_eq!(output::<String>(&none, "text"), "");
        let split = run(&SplitText, [("text", text(" a cat,, a dog ,"))]).unwrap();
        assert_eq!(elements::<String>(&split, "texts"), ["a cat", "a dog"]);
        assert!(
            failure(run(&SplitText, [("text", text("a")), ("separator", text(""))])).contains("separator is empty")
        );
    }
}
