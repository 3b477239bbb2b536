//! `easel reproduce`: makes a picture again from its own recipe and compares the pixels.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use easel_engine::{Diagnostic, Document, Outcome, Plan, PlannedNode, Settings, Source, Texts, kinds};
use easel_kernels::Device;
use easel_nodes::picture::{Recipe, read_recipe};
use image::DynamicImage;

use super::models::with_hint;
use super::workflow::MemoryArguments;
use crate::error::{CommandError, Exit};
use crate::execution::{self, Artifact, PrecisionChoice};
use crate::interrupt::Interrupt;
use crate::report::{self, Reporter, Style, is_fingerprint};
use crate::terminal::{self, Output, printable};
use crate::workspace::{Choices, Workspace};

/// The node that recipes come from. Only this one is run for a stranger's picture: it writes where it is told to.
const SAVER: &str = "SaveImage";

const LONG_ABOUT: &str = "\
Makes a picture again from the recipe that it carries, and says whether the pixels agree.

Pictures written by Easel carry the workflow, its inputs with their seeds, the version and the hashes of all weights. \
The workflow is run in a temporary folder (or in the one given with --out), and the picture that corresponds is \
compared pixel by pixel. A difference in version or weights is told, since it may explain one in pixels.";

const EXAMPLES: &str = "\
Examples:
  easel reproduce output/picture_0001.png
  easel reproduce picture.png --base workflows --out again
          with paths in the recipe counting from `workflows`, keeping the new picture

Exit status: 0 the pixels are equal; 1 they differ, or the run failed; 2 the picture carries no recipe that can be run.";

/// Make a picture again from its own recipe and compare the pixels
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The picture: a PNG that Easel wrote
    #[arg(value_name = "PICTURE")]
    picture: PathBuf,

    /// Folder that keeps what is written [default: a temporary one, removed afterwards]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Folder from which relative paths in the recipe count
    #[arg(long, value_name = "DIR", default_value = ".")]
    base: PathBuf,

    /// Where to compute: `auto`, `cpu` or `cuda:N`
    #[arg(long, value_name = "DEVICE", default_value = "auto", value_parser = execution::parse_device)]
    device: Device,

    /// What to compute in: `auto`, `float32`, `float16` or `bfloat16`
    #[arg(long, value_name = "PRECISION", default_value = "auto", value_parser = execution::parse_precision)]
    precision: PrecisionChoice,

    /// Says nothing but errors and the result
    #[arg(long, short)]
    quiet: bool,

    #[command(flatten)]
    memory: MemoryArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let recipe = recipe(&arguments.picture)?;
    let original = open(&arguments.picture)?;
    if recipe.easel_version != env!("CARGO_PKG_VERSION") {
        let made_by = printable(&recipe.easel_version);
        terminal::note(format_args!("note: made by easel {made_by}, this is {}", env!("CARGO_PKG_VERSION")));
    }
    let mut reporter = report::reporter(if arguments.quiet { Style::Quiet } else { Style::Human });
    let interrupt = Interrupt::install(reporter.notice());
    let scratch = tempfile::tempdir().map_err(|error| {
        CommandError::failed(format!("cannot make a temporary folder: {error}")).with_hint("name one with `--out DIR`")
    })?;
    interrupt.remove_at_exit(scratch.path().to_path_buf());
    let out = arguments.out.clone().unwrap_or_else(|| scratch.path().to_path_buf());
    if let Some(problem) = execution::output_problem(&out) {
        return Err(CommandError::wrong(problem).with_hint("choose another folder with `--out DIR`"));
    }
    // Results that are taken from a cache reproduce nothing, and a comparison is no run to come back to.
    let place = execution::placement(arguments.device, arguments.precision)?;
    let choices = Choices { place, cache: false, journal: false, save_every: None, memory: arguments.memory.limit };
    let workspace = Workspace::open(&choices)?;
    let name = format!("recipe of {}", arguments.picture.display());
    // A path without a folder: what it includes counts from there, as it does in the recipe.
    let path = Some(PathBuf::from("recipe.ron"));
    let source = Source { path, ..Source::new(name, recipe.workflow.as_str()) };
    let settings = Settings {
        set: set(&recipe, &source),
        targets: Some(vec![outermost(&recipe.node).to_string()]),
        base_dir: Some(arguments.base.clone()),
        out_dir: out,
        ..Settings::default()
    };
    let plan = prepare(&recipe, &source, &settings, &workspace, reporter.as_mut())?;
    let Some(plan) = plan else { return Ok(Exit::Wrong) };
    let finished = workspace.carry_out(plan, &settings, interrupt.token(), reporter.as_mut())?;
    if finished.report.outcome == Outcome::Cancelled {
        return Ok(Exit::Failed);
    }
    let Some((again, new_recipe)) = counterpart(&finished.artifacts, &recipe) else {
        let node = printable(&recipe.node);
        return Err(CommandError::failed(format!("the run wrote no picture {} of `{node}`", recipe.picture_index + 1)));
    };
    compare_weights(&recipe.notes, &new_recipe.notes);
    let mut out = Output::default();
    if arguments.out.is_some() {
        out.path(again.as_os_str())?;
    }
    let difference = compare(&original, &open(&again)?);
    out.line(difference.describe())?;
    Ok(if difference == Difference::None { Exit::Done } else { Exit::Failed })
}

/// The recipe that a picture carries, if it says enough.
fn recipe(picture: &Path) -> Result<Recipe, CommandError> {
    let shown = picture.display();
    let recipe = read_recipe(picture).map_err(|error| with_hint(CommandError::wrong(error.to_string()), &error))?;
    recipe.filter(|recipe| !recipe.node.is_empty()).ok_or_else(|| {
        CommandError::wrong(format!("{shown} carries no recipe"))
            .with_hint("only PNG files that easel wrote carry one, and many programs drop it when they save a picture")
    })
}

fn open(picture: &Path) -> Result<DynamicImage, CommandError> {
    image::open(picture)
        .map_err(|error| CommandError::wrong(format!("cannot read the picture {}: {error}", picture.display())))
}

/// The node of the workflow itself that a node is in, or is: `all` of `all[2]/save`.
fn outermost(node: &str) -> &str {
    node.split(['/', '[']).next().unwrap_or(node)
}

/// The plan for the node that wrote the picture; nothing if the recipe is wrong, which was told.
fn prepare(
    recipe: &Recipe,
    source: &Source,
    settings: &Settings,
    workspace: &Workspace,
    reporter: &mut dyn Reporter,
) -> Result<Option<Plan>, CommandError> {
    let texts = Texts::new(recipe.files.iter().map(|(path, text)| (path, text.as_str())));
    // The recipe of a stranger's picture brings no plugins, but may need those that the user has.
    let beside = settings.base_dir.as_deref().map(|base| base.join("recipe.ron"));
    let types = workspace.node_types(beside.as_deref());
    match Plan::prepare_with(source, &types.registry, &workspace.limited(settings), &texts) {
        Ok((plan, _)) => {
            let is_saver = |node: PlannedNode| *node.node == *recipe.node && node.node_type == SAVER;
            // What is in a map or a loop is no node of the plan.
            if !recipe.node.contains('[') && !plan.nodes().any(is_saver) {
                let message = format!("the recipe's node `{}` is no {SAVER}", recipe.node);
                return Err(CommandError::wrong(message).with_hint("the recipe was changed; it is not run"));
            }
            Ok(Some(plan))
        }
        Err(mut diagnostics) => {
            diagnostics.retain(Diagnostic::is_error);
            let diagnostics = types.with_problems(diagnostics);
            reporter.diagnostics(&source.name, Some(source), &diagnostics)?;
            Ok(None)
        }
    }
}

/// The inputs as the engine takes them. Recipes hold RON literals, settings the bare text of texts.
fn set(recipe: &Recipe, source: &Source) -> Vec<(String, String)> {
    let (document, _) = Document::parse(source);
    let bare = |name: &str, literal: &str| {
        let is_text = document.input(name).is_some_and(|input| input.kind == Some(kinds::TEXT));
        is_text.then(|| ron::from_str::<String>(literal).ok()).flatten()
    };
    recipe
        .inputs
        .iter()
        .map(|(name, literal)| (name.clone(), bare(name, literal).unwrap_or_else(|| literal.clone())))
        .collect()
}

/// The new picture that the old one's recipe is of, with its own recipe.
fn counterpart(artifacts: &[Artifact], recipe: &Recipe) -> Option<(PathBuf, Recipe)> {
    artifacts.iter().filter(|artifact| *artifact.node == *recipe.node).find_map(|artifact| {
        let new = read_recipe(&artifact.path).ok()??;
        (new.picture_index == recipe.picture_index).then(|| (artifact.path.clone(), new))
    })
}

/// Says which weights are not those that the picture was made with.
fn compare_weights(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) {
    for (key, hash) in then.iter().filter(|(key, _)| is_fingerprint(key)) {
        let shown = printable(key);
        match now.get(key) {
            Some(new) if new == hash => {}
            Some(_) if key.contains("plugin") => {
                terminal::note(format_args!("note: another plugin than then: {shown}"));
            }
            Some(_) => terminal::note(format_args!("note: other weights than then: {shown}")),
            None => terminal::note(format_args!("note: no longer said: {shown}")),
        }
    }
}

/// How two pictures differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    None,
    Size { then: (u32, u32), now: (u32, u32) },
    Pixels { differing: usize, of: usize, most: u32, scale: u32 },
}

impl Difference {
    fn describe(&self) -> String {
        match self {
            Difference::None => "equal: every pixel agrees".into(),
            Difference::Size { then, now } => {
                format!("different: it was {} × {} pixels, now it is {} × {}", then.0, then.1, now.0, now.1)
            }
            Difference::Pixels { differing, of, most, scale } => {
                format!("different: {differing} of {of} pixels differ, by at most {most} of {scale}")
            }
        }
    }
}

fn compare(then: &DynamicImage, now: &DynamicImage) -> Difference {
    if (then.width(), then.height()) != (now.width(), now.height()) {
        return Difference::Size { then: (then.width(), then.height()), now: (now.width(), now.height()) };
    }
    // 16 bits hold every format that PNG has without loss; an 8-bit step is 257 of these.
    let deep = |picture: &DynamicImage| picture.color().bytes_per_pixel() / picture.color().channel_count() > 1;
    let (step, scale) = if deep(then) || deep(now) { (1, 65535) } else { (257, 255) };
    let (then, now) = (then.to_rgba16(), now.to_rgba16());
    let differences = then.pixels().zip(now.pixels()).map(|(then, now)| {
        then.0.iter().zip(now.0).map(|(then, now)| u32::from(then.abs_diff(now))).max().unwrap_or(0)
    });
    let (differing, most) = differences
        .fold((0, 0), |(count, most), difference| (count + usize::from(difference > 0), difference.max(most)));
    match differing {
        0 => Difference::None,
        _ => Difference::Pixels { differing, of: then.pixels().len(), most: most / step, scale },
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn picture(pixels: &[[u8; 3]]) -> DynamicImage {
        let mut picture = RgbImage::new(pixels.len() as u32, 1);
        for (x, pixel) in pixels.iter().enumerate() {
            picture.put_pixel(x as u32, 0, Rgb(*pixel));
        }
        DynamicImage::ImageRgb8(picture)
    }

    #[test]
    fn differences_are_counted_and_measured() {
        let a = picture(&[[0, 0, 0], [9, 9, 9], [255, 0, 7]]);
        assert_eq!(compare(&a, &a), Difference::None);
        let b = picture(&[[0, 1, 0], [9, 9, 9], [250, 0, 7]]);
        assert_eq!(compare(&a, &b).describe(), "different: 2 of 3 pixels differ, by at most 5 of 255");
        assert_eq!(compare(&a, &picture(&[[0; 3]])), Difference::Size { then: (3, 1), now: (1, 1) });
    }

    #[test]
    fn texts_lose_their_quotes_and_nothing_else() {
        let workflow =
            r#"Workflow(version: 1, inputs: { "p": Text(default: ""), "n": Integer(default: 1) }, nodes: {})"#;
        let inputs = [("p", r#""a \"b\"\n""#), ("n", "7")].map(|(name, value)| (name.to_string(), value.to_string()));
        let recipe = Recipe { workflow: workflow.into(), inputs: inputs.into(), ..Recipe::default() };
        let set = set(&recipe, &Source::new("recipe", workflow));
        assert_eq!(set, [("n".to_string(), "7".to_string()), ("p".into(), "a \"b\"\n".into())]);
    }
}
