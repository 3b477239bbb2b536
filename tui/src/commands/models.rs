//! `easel models`: which models there are, and what is in one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use easel_nodes::model_card::ModelCard;
use easel_nodes::weights::{Download, Hub, ModelFolder};
use indicatif::{ProgressBar, ProgressStyle};

use super::model_card;
use crate::error::{CommandError, Exit};
use crate::terminal::{self, Output, Paint, printable};

const LONG_ABOUT: &str = "\
Lists the models that can be used right away: those inside this program and those in the local Hugging Face cache.

A model is named in a workflow by its source: `builtin:NAME`, `hf:OWNER/NAME` (fetched from Hugging Face when it is \
first used) or a folder in the layout of diffusers, with model_index.json and one folder per part.";

const EXAMPLES: &str = "\
Examples:
  easel models
  easel models show builtin:emoji-unclip
  easel models fetch hf:kakaobrain/karlo-v1-alpha

Exit status: 0 done; 1 a part of the model is damaged, or the download failed; 2 there is no such model.";

/// List the models, show what is in one, or fetch one
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the parts of a model, with their classes and sizes, and what its card says
    ///
    /// A card (`model_card.json`) says what a model of few words knows, under which licences its data are and how it was
    /// judged.
    ///
    /// Only headers are read, so this is quick for large models too. Nothing is downloaded.
    Show {
        /// `builtin:NAME`, `hf:OWNER/NAME` or a folder
        source: String,
        /// Print the texts of its licences instead (`LICENSES.md`): they go wherever the model goes
        #[arg(long)]
        licences: bool,
    },
    /// Download a model from Hugging Face into the local cache
    ///
    /// What is there already is not downloaded again, and a download that was cut off goes on where it stopped.
    Fetch {
        /// `hf:OWNER/NAME`, or `hf:OWNER/NAME@REVISION`
        source: String,
    },
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    match &arguments.action {
        None => list(),
        Some(Action::Show { source, licences: false }) => show(source),
        Some(Action::Show { source, licences: true }) => show_licences(source),
        Some(Action::Fetch { source }) => fetch(source),
    }
}

fn list() -> Result<Exit, CommandError> {
    let paint = Paint::for_stdout();
    let mut out = Output::default();
    out.line(paint.bold("Built in"))?;
    let builtin: Vec<_> = ModelFolder::builtin_names().map(|name| format!("builtin:{name}")).collect();
    for source in &builtin {
        out.line(entry(source))?;
    }
    if builtin.is_empty() {
        out.line("  none: this program was built without the feature `builtin-models`")?;
    }
    let hub = Hub::from_env();
    out.line(format_args!("\n{} ({})", paint.bold("Hugging Face cache"), hub.cache().display()))?;
    let cached = cached(hub.cache());
    for source in &cached {
        out.line(entry(source))?;
    }
    if cached.is_empty() {
        out.line("  none; `easel models fetch hf:OWNER/NAME` downloads one")?;
    }
    Ok(Exit::Done)
}

/// The repositories in a Hugging Face cache, as sources: `models--owner--name` is `hf:owner/name`.
pub(crate) fn cached(cache: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(cache) else { return Vec::new() };
    let mut sources: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(format!("hf:{}", name.strip_prefix("models--")?.replacen("--", "/", 1))))
        .collect();
    sources.sort();
    sources
}

/// Opens a model without the network.
fn open(source: &str) -> Result<ModelFolder, easel_nodes::Error> {
    let hub = Hub::from_env().with_offline(true);
    ModelFolder::open_with(source, &PathBuf::from("."), &hub, &mut |_| {})
}

/// One line about a model.
fn entry(source: &str) -> String {
    let shown = printable(source);
    match open(source) {
        Ok(model) => {
            let parts: Vec<_> = model.parts().iter().map(|name| part(&model, name)).collect();
            let parameters: u64 = parts.iter().filter_map(|part| Some(part.weights.as_ref()?.parameters)).sum();
            let size: u64 = parts.iter().filter_map(|part| Some(part.weights.as_ref()?.bytes)).sum();
            let damaged = parts.iter().filter(|part| part.problem.is_some()).count();
            let note =
                if damaged > 0 { format!(", {} damaged", terminal::count(damaged, "part")) } else { String::new() };
            format!("  {shown}: {} parameters, {}{note}", short(parameters), terminal::bytes(size))
        }
        Err(error) => format!("  {shown}: not usable: {}", printable(&error.to_string())),
    }
}

struct Part {
    name: String,
    class: String,
    weights: Option<WeightsSize>,
    problem: Option<easel_nodes::Error>,
}

struct WeightsSize {
    parameters: u64,
    bytes: u64,
    dtypes: String,
}

fn part(model: &ModelFolder, name: &str) -> Part {
    let mut part = Part { name: name.to_string(), class: class(model, name), weights: None, problem: None };
    let config = if name.is_empty() { "config.json".into() } else { format!("{name}/config.json") };
    // Tokenizers and schedulers have other files and no weights.
    if model.exists(&config) {
        match model.weights(name) {
            Ok(weights) => {
                let mut dtypes: Vec<_> = weights.tensors().map(|tensor| tensor.dtype.to_lowercase()).collect();
                dtypes.sort();
                dtypes.dedup();
                part.weights = Some(WeightsSize {
                    parameters: weights.parameter_count(),
                    bytes: weights.byte_len(),
                    dtypes: dtypes.join("+"),
                });
            }
            Err(error) => part.problem = Some(error),
        }
    }
    part
}

/// The class that a part is of, by the model's index or else by its own configuration.
fn class(model: &ModelFolder, part: &str) -> String {
    let indexed = || {
        let index = model.json("model_index.json").ok()?;
        Some(index.get(part)?.get(1)?.as_str()?.to_string())
    };
    let own = || {
        let config = model.config(part).ok()?;
        let class = config.get("_class_name").or_else(|| config.get("architectures")?.get(0))?;
        Some(class.as_str()?.to_string())
    };
    let preprocessor = || {
        let config = model.json(&format!("{part}/preprocessor_config.json")).ok()?;
        let class = config.get("image_processor_type").or_else(|| config.get("feature_extractor_type"))?;
        Some(class.as_str()?.to_string())
    };
    indexed().or_else(own).or_else(preprocessor).unwrap_or_default()
}

fn show(source: &str) -> Result<Exit, CommandError> {
    let model = open(source).map_err(|error| wrong(&error))?;
    let parts: Vec<_> = model.parts().iter().map(|name| part(&model, name)).collect();
    let paint = Paint::for_stdout();
    let mut out = Output::default();
    out.line(printable(&model.describe()))?;
    let width = |of: fn(&Part) -> usize, least: usize| parts.iter().map(of).max().unwrap_or(0).max(least);
    let name_width = width(|part| part.name.chars().count(), "total".len());
    let class_width = width(|part| part.class.chars().count(), "class".len());
    let line = |name: &str, class: &str, parameters: &str, dtype: &str, bytes: &str| {
        let text = format!("  {name:name_width$}  {class:class_width$}  {parameters:>10}  {dtype:7}  {bytes:>10}");
        text.trim_end().to_string()
    };
    out.line(paint.bold(&line("part", "class", "parameters", "dtype", "size")))?;
    for part in &parts {
        let (name, class) = (printable(&part.name), printable(&part.class));
        out.line(match (&part.weights, &part.problem) {
            (Some(size), _) => {
                line(&name, &class, &short(size.parameters), &printable(&size.dtypes), &terminal::bytes(size.bytes))
            }
            (None, None) => line(&name, &class, "", "", ""),
            (None, Some(_)) => line(&name, &class, "damaged", "", ""),
        })?;
    }
    let total =
        |of: fn(&WeightsSize) -> u64| parts.iter().filter_map(|part| part.weights.as_ref()).map(of).sum::<u64>();
    out.line(line("total", "", &short(total(|size| size.parameters)), "", &terminal::bytes(total(|size| size.bytes))))?;
    let card = ModelCard::of(&model);
    if let Ok(Some(card)) = &card {
        model_card::print(card, paint, &mut out)?;
    }
    let problems: Vec<_> = parts.iter().filter_map(|part| part.problem.as_ref()).chain(card.as_ref().err()).collect();
    for problem in &problems {
        terminal::complain(&with_hint(CommandError::failed(problem.to_string()), problem));
    }
    Ok(if problems.is_empty() { Exit::Done } else { Exit::Failed })
}

fn show_licences(source: &str) -> Result<Exit, CommandError> {
    let model = open(source).map_err(|error| wrong(&error))?;
    let texts = model.read("LICENSES.md").map_err(|error| {
        CommandError::failed(error.to_string()).with_hint("look where the model comes from: licences may stand there")
    })?;
    let mut out = Output::default();
    for line in String::from_utf8_lossy(&texts).lines() {
        out.line(printable(line))?;
    }
    Ok(Exit::Done)
}

fn fetch(source: &str) -> Result<Exit, CommandError> {
    if !source.starts_with("hf:") {
        return Err(CommandError::wrong(format!("`{source}` is not on Hugging Face, so there is nothing to fetch"))
            .with_hint("write `hf:OWNER/NAME`"));
    }
    let bar = download_bar();
    let mut file = String::new();
    let mut news = |download: Download<'_>| {
        if file != download.file {
            file = download.file.to_string();
            bar.set_length(download.total);
            bar.set_prefix(format!("{}/{} {}", download.index + 1, download.count, printable(download.file)));
            if bar.is_hidden() {
                terminal::note(format_args!("{} ({})", bar.prefix(), terminal::bytes(download.total)));
            }
        }
        bar.set_position(download.done);
    };
    let model = ModelFolder::open_with(source, Path::new("."), &Hub::from_env(), &mut news);
    bar.finish_and_clear();
    let model = model.map_err(|error| with_hint(CommandError::failed(error.to_string()), &error))?;
    Output::default().line(printable(&model.describe()))?;
    Ok(Exit::Done)
}

/// Hidden where nobody could see it move.
pub(crate) fn download_bar() -> ProgressBar {
    if !terminal::stderr_is_live() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    let template = "{prefix} {bar:24} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn wrong(error: &easel_nodes::Error) -> CommandError {
    with_hint(CommandError::wrong(error.to_string()), error)
}

/// The same with what the error's own hint says.
pub(crate) fn with_hint(command: CommandError, error: &easel_nodes::Error) -> CommandError {
    match error.hint() {
        Some(hint) => command.with_hint(hint),
        None => command,
    }
}

/// "1.02 B", "885 M", "4.1 k".
fn short(number: u64) -> String {
    let (scaled, unit) = match number {
        0..1_000 => return number.to_string(),
        1_000..1_000_000 => (number as f64 / 1e3, "k"),
        1_000_000..1_000_000_000 => (number as f64 / 1e6, "M"),
        _ => (number as f64 / 1e9, "B"),
    };
    let digits = if scaled < 10.0 { 2 } else { 1 };
    format!("{scaled:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_parameters_are_short() {
        assert_eq!(short(999), "999");
        assert_eq!(short(1_022_030_080), "1.02 B");
        assert_eq!(short(885_439_686), "885.4 M");
        assert_eq!(short(7_878_400), "7.88 M");
    }

    #[test]
    fn cached_repositories_are_sources() {
        let cache = tempfile::tempdir().expect("a temporary folder can be made");
        for name in ["models--kakaobrain--karlo-v1-alpha", "datasets--a--b", "version.txt", "models--gpt2"] {
            std::fs::create_dir(cache.path().join(name)).expect("it can be made");
        }
        assert_eq!(cached(cache.path()), ["hf:gpt2", "hf:kakaobrain/karlo-v1-alpha"]);
        assert!(cached(&cache.path().join("none")).is_empty());
    }
}
