//! `easel check`: what is wrong with workflows, without running them.

use std::path::{Path, PathBuf};

use clap::Args;
use easel_engine::{Diagnostic, Document, Plan, Plugins, Settings, Source};

use crate::error::{CommandError, Exit};
use crate::plugins::{self, NodeTypes};
use crate::report::{self, Style};
use crate::terminal::{self, Output, Paint, printable};

/// The finding that an input has no value: for the person who runs the workflow, no fault of the file.
pub(super) const MISSING_SETTING: &str = "missing-setting";

const LONG_ABOUT: &str = "\
Says what is wrong with workflows, without running them.

Every error and warning of every file is told, with the place underlined and a hint. A file without errors gets a line \
on standard output that says how many nodes it has and which inputs have to be set to run it.";

const EXAMPLES: &str = "\
Examples:
  easel check workflows/*.ron
  easel check workflow.ron --json | jq -r '\"\\(.file):\\(.line):\\(.column): \\(.message)\"'
          in the form that editors understand

Exit status: 0 no file has an error; 2 one has.";

/// Say what is wrong with workflows, without running them
#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT, after_long_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The workflows: RON files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Tells what is wrong as JSON lines on standard output, and nothing else there
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, CommandError> {
    let plugins = plugins::plugins()?;
    let mut reporter = report::reporter(if arguments.json { Style::Json } else { Style::Quiet });
    let mut out = Output::default();
    let mut exit = Exit::Done;
    for file in &arguments.files {
        let name = file.display().to_string();
        let checked = check(file, &plugins);
        reporter.diagnostics(&name, checked.source.as_ref(), &checked.diagnostics)?;
        match checked.good {
            Some(good) if !arguments.json => {
                let paint = Paint::for_stdout();
                out.line(format_args!("{}: {} ({good})", printable(&name), paint.green("ok")))?;
            }
            Some(_) => {}
            None => exit = Exit::Wrong,
        }
    }
    Ok(exit)
}

struct Checked {
    source: Option<Source>,
    diagnostics: Vec<Diagnostic>,
    /// What there is to say of a file without errors.
    good: Option<String>,
}

fn check(file: &Path, plugins: &Plugins) -> Checked {
    let source = match Source::read(file) {
        Ok(source) => source,
        Err(diagnostic) => return Checked { source: None, diagnostics: vec![diagnostic], good: None },
    };
    let types = NodeTypes::of(plugins, Some(file));
    let diagnostics = match Plan::prepare(&source, &types.registry, &Settings::default()) {
        Ok((_, warnings)) => warnings,
        Err(diagnostics) => diagnostics,
    };
    let mut diagnostics = types.with_problems(diagnostics);
    diagnostics.retain(|diagnostic| diagnostic.code != MISSING_SETTING);
    let good = (!diagnostics.iter().any(Diagnostic::is_error)).then(|| describe(&source));
    Checked { source: Some(source), diagnostics, good }
}

/// "12 nodes; needs --set path".
fn describe(source: &Source) -> String {
    let (document, _) = Document::parse(source);
    let nodes = terminal::count(document.nodes().len(), "node");
    let needed: Vec<_> = document
        .inputs()
        .filter(|input| input.default.is_none())
        .map(|input| printable(&input.name.value).into_owned())
        .collect();
    if needed.is_empty() { nodes } else { format!("{nodes}; to be set: {}", needed.join(", ")) }
}
