//! `CheckPrompt`: what the word filter thinks of a prompt, before anything is drawn.

use easel_engine::{Context, InputSpec, Inputs, Node, NodeResult, NodeSpec, OutputSpec, Outputs, kinds};

use crate::safety::{PromptFilter, Verdict};

/// Looks through prompts.
pub struct CheckPrompt;

impl Node for CheckPrompt {
    fn spec(&self) -> NodeSpec {
        NodeSpec::new(
            "CheckPrompt",
            "Checks prompts for words of abuse, sex and violence before anything is drawn; a Gate can then keep them back. \
             It is a word filter, no judge: it misses things.",
        )
        .input(InputSpec::new("prompt", kinds::TEXT, "a prompt, or a list of them").or(kinds::TEXT_LIST))
        .output(OutputSpec::new("clean", kinds::BOOLEAN, "whether nothing was found in any of them"))
        .output(OutputSpec::new("verdict", kinds::TEXT, "what was found, one line for people"))
    }

    fn run(&self, inputs: &Inputs, context: &mut Context<'_>) -> NodeResult {
        let filter = PromptFilter::new();
        let verdicts: Vec<Verdict> = inputs.texts("prompt")?.into_iter().map(|prompt| filter.check(prompt)).collect();
        let mut names: Vec<_> = verdicts.iter().flat_map(Verdict::names).collect();
        names.sort_unstable();
        names.dedup();
        let verdict = match names.as_slice() {
            [] => "nothing found".to_string(),
            names => format!("the word filter objects: {}", names.join(", ")),
        };
        context.note("verdict", verdict.clone());
        Ok(Outputs::one("clean", verdicts.iter().all(Verdict::is_clean)).with("verdict", verdict))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

    use easel_engine::Value;

    use super::*;
    use crate::nodes::trial::{output, run, text};

    #[test]
    fn one_bad_prompt_spoils_a_list() {
        let check = |prompts: Value| {
            let outputs = run(&CheckPrompt, [("prompt", prompts)]).unwrap();
            (*output::<bool>(&outputs, "clean"), output::<String>(&outputs, "verdict").clone())
        };
        assert_eq!(check(text("a cat")), (true, "nothing found".to_string()));
        assert!(check(Value::texts(Vec::<String>::new())).0);
        let (clean, verdict) = check(Value::texts(["a cat", "a naked woman"]));
        assert!(!clean && verdict.contains("sexual"), "{verdict}");
    }
}
