//! What a run was about: read from its job, since the journal keeps whole workflows.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use easel_engine::{Document, Feed, Job, Literal, Settings, Source, SweepPart};

/// Workflows that are kept as they were read: runs of a journal are mostly of a few.
const MOST_WORKFLOWS: usize = 64;

/// Nobody reads a longer prompt in a list.
const LONGEST: usize = 400;

/// What prompts are called.
const PROMPTS: [&str; 4] = ["prompt", "prompts", "text", "texts"];

/// What a run was about, in a few words. What is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gist {
    /// What was to be drawn.
    pub(crate) prompt: Arc<str>,
    /// Where the noise came from.
    pub(crate) seed: Arc<str>,
    /// Which model drew.
    pub(crate) model: Arc<str>,
    /// Where it belongs in a sweep, if it does.
    pub(crate) sweep: Option<Arc<SweepPart>>,
}

/// Something that was given to a run: an input of the workflow, or what is written at an input of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// `prompt`, or `decoder.steps`.
    pub(crate) name: String,
    /// As the file writes it; a text without its quotes.
    pub(crate) value: String,
}

/// An input in which two runs differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// As in [`Given`].
    pub(crate) name: String,
    /// What the one was given; none: it has no such input.
    pub(crate) left: Option<String>,
    /// What the other was given.
    pub(crate) right: Option<String>,
}

/// What is to be known of a workflow's text.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// Inputs with their defaults.
    inputs: Vec<(String, Option<String>)>,
    /// What is written at inputs of nodes.
    literals: Vec<Given>,
    /// Which node feeds which from which.
    wires: Vec<Given>,
}

impl Facts {
    fn of(text: &Arc<str>) -> Self {
        let (document, _) = Document::parse(&Source::new("", Arc::clone(text)));
        let mut facts = Facts::default();
        for input in document.inputs() {
            let default = input.default.as_ref().map(|default| shown(&default.value));
            facts.inputs.push((input.name.value.clone(), default));
        }
        for node in document.nodes() {
            for input in &node.inputs {
                let name = format!("{}.{}", node.id.value, input.name.value);
                match &input.value.value {
                    Feed::Literal(literal) => facts.literals.push(Given { name, value: shown(literal) }),
                    Feed::From { node, socket: Some(socket) } => {
                        facts.wires.push(Given { name, value: format!("← {node}.{socket}") });
                    }
                    Feed::From { node, socket: None } => facts.wires.push(Given { name, value: format!("← {node}") }),
                    Feed::Input(input) => facts.wires.push(Given { name, value: format!("← input {input}") }),
                    Feed::Value(_) | Feed::List(_) | Feed::Unreadable => {}
                }
            }
        }
        facts
    }

    /// Everything that a run with these settings was given.
    fn given(&self, settings: &Settings) -> Vec<Given> {
        let set = |name: &str| settings.set.iter().find(|(set, _)| set == name).map(|(_, value)| value.clone());
        let inputs = self.inputs.iter().filter_map(|(name, default)| {
            let value = set(name).or_else(|| default.clone())?;
            Some(Given { name: name.clone(), value })
        });
        inputs.chain(self.literals.iter().cloned()).collect()
    }

    fn gist(&self, settings: &Settings) -> Gist {
        let given = self.given(settings);
        let find = |names: &[&str], part: &str| {
            let found = find(given.iter(), |given| &given.name, names, part).map(|given| given.value.as_str());
            Arc::from(found.unwrap_or_default().chars().take(LONGEST).collect::<String>())
        };
        let (seed, model) = (find(&["seed", "seeds"], "seed"), find(&["model"], ""));
        Gist { prompt: find(&PROMPTS, "prompt"), seed, model, sweep: None }
    }
}

/// The first whose name is one of these, without the node before it, or else the first whose name has this part. An input
/// of the workflow is found before what a node says.
fn find<'a, T>(
    all: impl Iterator<Item = &'a T> + Clone,
    name: impl Fn(&T) -> &str,
    names: &[&str],
    part: &str,
) -> Option<&'a T> {
    let last = |item: &T| name(item).rsplit('.').next().unwrap_or_default().to_string();
    let whole = names.iter().find_map(|wanted| all.clone().find(|item| last(item) == *wanted));
    whole.or_else(|| all.clone().find(|item| !part.is_empty() && last(item).contains(part)))
}

/// Where a workflow has its prompt: the name of an input, or `node.input`; none if it has none, or one that is computed.
pub(crate) fn prompt_place(text: &Arc<str>) -> Option<String> {
    let facts = Facts::of(text);
    let inputs = facts.inputs.iter().map(|(name, _)| name);
    let names: Vec<String> = inputs.chain(facts.literals.iter().map(|given| &given.name)).cloned().collect();
    find(names.iter(), |name| name, &PROMPTS, "prompt").cloned()
}

/// A value as people read it.
fn shown(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Reads the gist of many runs.
#[derive(Debug, Default)]
pub(crate) struct GistReader {
    known: HashMap<u64, Facts>,
}

impl GistReader {
    /// What a run was about.
    pub(crate) fn gist(&mut self, job: &Job) -> Gist {
        let mut hasher = DefaultHasher::new();
        job.source.text.hash(&mut hasher);
        let hash = hasher.finish();
        if self.known.len() >= MOST_WORKFLOWS && !self.known.contains_key(&hash) {
            self.known.clear();
        }
        let facts = self.known.entry(hash).or_insert_with(|| Facts::of(&job.source.text));
        Gist { sweep: job.options.sweep.clone().map(Arc::new), ..facts.gist(&job.settings) }
    }
}

/// What a run was about.
#[cfg(test)]
pub(crate) fn gist(job: &Job) -> Gist {
    GistReader::default().gist(job)
}

/// Everything that a run was given: its workflow's inputs, then what is written at inputs of nodes.
pub(crate) fn given(job: &Job) -> Vec<Given> {
    Facts::of(&job.source.text).given(&job.settings)
}

/// The inputs in which two runs differ, wires among them, in the order of the first. What is the same is left out.
pub(crate) fn differences(left: &Job, right: &Job) -> Vec<Difference> {
    let all = |job: &Job| {
        let facts = Facts::of(&job.source.text);
        let mut all = facts.given(&job.settings);
        all.extend(facts.wires);
        all
    };
    let (lefts, rights) = (all(left), all(right));
    let value = |of: &[Given], name: &str| of.iter().find(|given| given.name == name).map(|given| given.value.clone());
    let only_right = rights.iter().filter(|given| value(&lefts, &given.name).is_none());
    let names = lefts.iter().chain(only_right).map(|given| &given.name);
    let both =
        names.map(|name| Difference { name: name.clone(), left: value(&lefts, name), right: value(&rights, name) });
    both.filter(|difference| difference.left != difference.right).collect()
}

#[cfg(test)]
mod tests {
    use easel_engine::JobOptions;

    use super::*;

    fn job(text: &str, set: &[(&str, &str)]) -> Job {
        let set = set.iter().map(|(name, value)| ((*name).to_string(), (*value).to_string())).collect();
        Job {
            source: Source::new("a.ron", text),
            files: Vec::new(),
            settings: Settings { set, ..Settings::default() },
            options: JobOptions::default(),
        }
    }

    const FLOW: &str = r#"Workflow(version: 1,
        inputs: { "prompt": Text(default: "a cat"), "seed": Integer(default: 7), "name": Text() },
        nodes: {
            "tokens": Tokenizer(text: Input("prompt"), model: "builtin:x"),
            "prior": Prior(text: From("tokens"), seed: Input("seed"), steps: 25),
        },
    )"#;

    #[test]
    fn what_was_set_goes_before_what_is_written() {
        let of = |set| {
            let Gist { prompt, seed, model, .. } = gist(&job(FLOW, set));
            format!("{prompt}|{seed}|{model}")
        };
        assert_eq!(of(&[]), "a cat|7|builtin:x");
        assert_eq!(of(&[("prompt", "a \"dog\""), ("seed", "9")]), "a \"dog\"|9|builtin:x");
        let bare = r#"Workflow(version: 1, nodes: { "t": Tokenizer(text: ["a", "b"]), "p": Prior(seed: 3) })"#;
        let Gist { prompt, seed, model, .. } = gist(&job(bare, &[]));
        assert_eq!((&*prompt, &*seed, &*model), ("[\"a\", \"b\"]", "3", ""));
        assert_eq!(gist(&job("\u{1b} no workflow", &[("prompt", "x")])), Gist::default());
    }

    #[test]
    fn the_place_of_a_prompt_is_that_of_the_workflow_or_of_a_node() {
        assert_eq!(prompt_place(&FLOW.into()).as_deref(), Some("prompt"));
        let bare = r#"Workflow(version: 1, nodes: { "p": Prior(seed: 3), "t": Tokenizer(text: "a cat") })"#;
        assert_eq!(prompt_place(&bare.into()).as_deref(), Some("t.text"));
        assert_eq!(prompt_place(&"Workflow(version: 1, nodes: {})".into()), None);
    }

    #[test]
    fn many_runs_are_read_with_the_same_result_as_one() {
        let mut reader = GistReader::default();
        for number in 0..200 {
            let job = job(&format!("{FLOW} // {number}"), &[("seed", "1")]);
            assert_eq!(reader.gist(&job), gist(&job));
            assert!(reader.known.len() <= MOST_WORKFLOWS);
        }
    }

    #[test]
    fn only_what_differs_is_listed() {
        let other = FLOW.replace("steps: 25", "steps: 50, scale: 2.0").replace("Input(\"seed\")", "8");
        let found = differences(&job(FLOW, &[("name", "n")]), &job(&other, &[("prompt", "a dog")]));
        let told: Vec<_> = found
            .iter()
            .map(|d| {
                format!("{}: {} | {}", d.name, d.left.as_deref().unwrap_or("-"), d.right.as_deref().unwrap_or("-"))
            })
            .collect();
        assert_eq!(
            told,
            [
                "prompt: a cat | a dog",
                "name: n | -",
                "prior.steps: 25 | 50",
                "prior.seed: ← input seed | 8",
                "prior.scale: - | 2.0",
            ]
        );
        assert!(differences(&job(FLOW, &[]), &job(FLOW, &[])).is_empty());
    }
}
