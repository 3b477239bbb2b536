//! Checks texts on a thread of its own: one at a time, and of those that wait only the newest.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use easel_engine::{Diagnostic, Document, Graph, Replacement, Settings, Severity, Source};

use super::super::message::Message;
use super::super::model::{Checked, Finding, Fix};
use super::super::scene::Scene;
use super::around::{Prepared, prepare};
use super::attempt::attempt;
use super::session::Session;
use crate::commands::workflow::name_arguments;
use crate::diagnostics;
use crate::plugins::NodeTypes;
use crate::terminal::printable;
use crate::workspace::Workspace;

/// Columns of the source that is shown with a finding.
const WIDTH: usize = 92;

/// Whoever has mended these is told of more.
const MOST_FINDINGS: usize = 1_000;

/// A text to check.
pub(crate) struct Wish {
    pub(crate) path: PathBuf,
    pub(crate) text: Arc<str>,
    pub(crate) revision: u64,
    /// The files from which it was entered, outermost first.
    pub(crate) around: Vec<(PathBuf, Arc<str>)>,
}

/// The thread; it ends when nobody has wishes any more.
pub(super) fn start(workspace: Arc<Workspace>, settings: Session, sender: Sender<Message>) -> io::Result<Sender<Wish>> {
    let (wishes, wanted) = channel();
    let check = move |wish: &Wish| {
        let outermost = wish.around.first().map_or(&wish.path, |(path, _)| path);
        let types = workspace.node_types(Some(outermost));
        check(wish, types, &workspace.limited(&settings.now()))
    };
    std::thread::Builder::new().name("checker".into()).spawn(move || work(&wanted, &sender, check))?;
    Ok(wishes)
}

/// Checks what is wanted, whatever came of what was wanted before.
fn work(wanted: &Receiver<Wish>, sender: &Sender<Message>, check: impl Fn(&Wish) -> Checked) {
    while let Some(wish) = newest(wanted) {
        let message = match attempt(|| check(&wish)) {
            Some(checked) => Message::Checked(Box::new(checked)),
            None => Message::Unchecked(wish.revision),
        };
        if sender.send(message).is_err() {
            return;
        }
    }
}

/// The newest wish, once there is one.
fn newest(wanted: &Receiver<Wish>) -> Option<Wish> {
    let first = wanted.recv().ok()?;
    Some(wanted.try_iter().last().unwrap_or(first))
}

/// Everything that is known of a text.
pub(crate) fn check(wish: &Wish, types: NodeTypes, settings: &Settings) -> Checked {
    let name = wish.path.display().to_string();
    let source = Source { name, path: Some(wish.path.clone()), text: Arc::clone(&wish.text) };
    let (document, _) = Document::parse(&source);
    let (graph, _) = Graph::build(&document, &types.registry);
    let Prepared { plan, mut found } = prepare(wish, &source, &types.registry, settings);
    found.iter_mut().for_each(name_arguments);
    let diagnostics = found.clone();
    let found = types.with_problems(found);
    let shown = found.iter().take(MOST_FINDINGS).map(|found| finding(&source, found));
    let findings = shown.chain(more(found.len().saturating_sub(MOST_FINDINGS))).collect();
    let files = plan.as_ref().map(|plan| plan.files().to_vec()).unwrap_or_default();
    let files = files.into_iter().chain(types.plugins.iter().map(|plugin| plugin.path.clone()));
    let mut checked = Checked {
        revision: wish.revision,
        path: wish.path.clone(),
        absolute: absolute(&wish.path),
        graph,
        diagnostics,
        scene: Scene::default(),
        folded: BTreeSet::new(),
        places: Vec::new(),
        schemas: Vec::new(),
        inputs: Vec::new(),
        inside: Vec::new(),
        within: Vec::new(),
        about: document.about().map(|about| about.value.clone()).unwrap_or_default(),
        files: files.collect(),
        registry: Arc::new(types.registry),
        findings,
        plan,
    };
    checked.show(&[]);
    checked
}

/// The file without links and detours; of one that is not there, as much as can be said.
fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_path_buf())
}

/// What is said of findings that are not shown.
fn more(count: usize) -> Option<Finding> {
    let message = format!("there are {count} more: mend these first");
    let drawn = message.clone();
    (count > 0).then_some(Finding {
        severity: Severity::Warning,
        message,
        hint: None,
        place: None,
        drawn,
        node: None,
        span: None,
        file: None,
        fix: None,
        told_by: None,
        is_missing_input: false,
    })
}

fn finding(source: &Source, diagnostic: &Diagnostic) -> Finding {
    let elsewhere = diagnostic.source.as_ref().map(|source| source.path.clone().unwrap_or_default());
    let source = diagnostic.source.as_deref().unwrap_or(source);
    let label = diagnostic.labels.first();
    let place = label.map(|label| {
        let at = source.position(label.span.start);
        let file = Path::new(&source.name).file_name().unwrap_or_default().to_string_lossy().into_owned();
        format!("{}:{}:{}", printable(&file), at.line, at.column)
    });
    Finding {
        severity: diagnostic.severity,
        message: printable(&diagnostic.message).into_owned(),
        hint: diagnostic.hint.as_deref().map(|hint| printable(hint).into_owned()),
        place,
        drawn: diagnostics::draw(Some(source), diagnostic, false, WIDTH).trim_end().to_string(),
        node: None,
        span: label.map(|label| label.span.clone()),
        file: elsewhere,
        fix: diagnostic.fix.as_deref().map(|fix| Fix { replacement: fix.clone(), about: fix_words(source, fix) }),
        told_by: None,
        is_missing_input: diagnostic.code == "missing-setting",
    }
}

/// What a change to a text does, in a few words.
fn fix_words(source: &Source, fix: &Replacement) -> String {
    const SHOWN: usize = 40;
    let short = |text: &str| {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let cut: String = line.chars().take(SHOWN).collect();
        let more = if line.chars().count() > SHOWN { "…" } else { "" };
        format!("`{}{more}`", printable(&cut))
    };
    let old = source.text.get(fix.span.clone()).unwrap_or_default();
    match (old.trim().is_empty(), fix.text.trim().is_empty()) {
        (true, _) => format!("adds {}", short(&fix.text)),
        (false, true) => format!("removes {}", short(old)),
        (false, false) => format!("{} becomes {}", short(old), short(&fix.text)),
    }
}

/// What a workflow says that it does; why it cannot be read, if it cannot.
pub(super) fn about(path: &Path) -> String {
    match Source::read(path) {
        Ok(source) => {
            let (document, diagnostics) = Document::parse(&source);
            match (document.about(), diagnostics.iter().find(|diagnostic| diagnostic.is_error())) {
                (Some(about), _) => about.value.lines().next().unwrap_or_default().to_string(),
                (None, Some(error)) => error.message.clone(),
                (None, None) => String::new(),
            }
        }
        Err(error) => error.message,
    }
}

#[cfg(test)]
mod tests {
    use easel_engine::{Plugins, Registry};

    use super::*;

    #[test]
    fn a_text_that_cannot_be_checked_keeps_no_other_from_being_checked() {
        let ((wishes, wanted), (sender, told)) = (channel(), channel());
        let wish =
            |text: &str, revision| Wish { path: "flow.ron".into(), text: text.into(), revision, around: Vec::new() };
        let check = |wish: &Wish| {
            assert!(&*wish.text != "worst", "as bad as it gets");
            let types = NodeTypes::of(&Plugins::new(Registry::new()), None);
            super::check(wish, types, &Settings::default())
        };
        let thread = std::thread::spawn(move || work(&wanted, &sender, check));
        wishes.send(wish("worst", 1)).expect("it listens");
        assert!(matches!(told.recv(), Ok(Message::Unchecked(1))));
        wishes.send(wish("better", 2)).expect("it listens");
        assert!(matches!(told.recv(), Ok(Message::Checked(checked)) if checked.revision == 2));
        drop(wishes);
        assert!(thread.join().is_ok());
    }
}
