//! Hints that a key can follow.

use easel_engine::Replacement;
use easel_engine::edit::Changes;

use super::super::effect::Effect;
use super::super::keymap::{Action, Context};
use super::super::message::Tone;
use super::super::model::{Finding, Model};
use super::edit::open;
use super::unsaved::changed;

/// Does what the hint of the finding with the cursor says; in the graph, of the first of the selected node.
pub(super) fn apply(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let is_list = model.context() == Context::Problems;
    let finding = if is_list {
        flow.findings().get(flow.problem)
    } else {
        let own = |finding: &&Finding| finding.node.is_some() && finding.node == flow.selected;
        let mut own = flow.findings().iter().filter(own);
        let first = own.clone().next();
        own.find(|finding| finding.fix.is_some()).or(first)
    };
    let Some(finding) = finding.cloned() else {
        model.tell(Tone::Note, "nothing is wrong here");
        return Vec::new();
    };
    match (finding.fix, finding.file) {
        (Some(_), Some(file)) => {
            let key = model.keymap.key(Action::Activate).unwrap_or_default();
            model.tell(Tone::Note, format!("that is in `{}`: `{key}` opens it", file.display()));
            Vec::new()
        }
        (Some(fix), None) => done(model, vec![fix.replacement]),
        (None, _) => {
            let hint = finding.hint.map(|hint| format!(": {hint}")).unwrap_or_default();
            model.tell(Tone::Note, format!("this one has to be mended by hand{hint}"));
            Vec::new()
        }
    }
}

/// Does what all hints say, as one change.
pub(super) fn apply_all(model: &mut Model) -> Vec<Effect> {
    let Some(flow) = &model.flow else { return Vec::new() };
    let here = flow.findings().iter().filter(|finding| finding.file.is_none());
    let fixes: Vec<_> = here.filter_map(|finding| finding.fix.as_ref()).map(|fix| fix.replacement.clone()).collect();
    if fixes.is_empty() {
        model.tell(Tone::Note, "no hint can be followed by a key");
        return Vec::new();
    }
    done(model, disjoint(fixes))
}

/// Those that can be done at once: of two that meet, the first.
fn disjoint(mut fixes: Vec<Replacement>) -> Vec<Replacement> {
    fixes.sort_by_key(|fix| (fix.span.start, fix.span.end));
    let mut kept: Vec<Replacement> = Vec::new();
    for fix in fixes {
        let meets = |last: &Replacement| fix.span.start < last.span.end || fix.span == last.span;
        if !kept.last().is_some_and(meets) {
            kept.push(fix);
        }
    }
    kept
}

fn done(model: &mut Model, fixes: Vec<Replacement>) -> Vec<Effect> {
    let count = fixes.len();
    let flow = match open(model) {
        Ok(flow) => flow,
        Err(why) => {
            model.tell(Tone::Error, why);
            return Vec::new();
        }
    };
    // What was found is about places of the text that was checked.
    if !flow.is_current() {
        model.tell(Tone::Note, "the text is being checked; once more in a moment");
        return Vec::new();
    }
    let label = if count == 1 { "follow a hint".to_string() } else { format!("follow {count} hints") };
    let history = flow.history.as_mut();
    if Changes::new(fixes).and_then(|changes| history?.record(&changes, label)).is_none() {
        model.tell(Tone::Error, "the place is not in the text any more");
        return Vec::new();
    }
    let key = model.keymap.key(Action::Undo).unwrap_or_default();
    let done = crate::terminal::count(count, "hint");
    model.tell(Tone::Note, format!("{done} followed; `{key}` takes that back"));
    changed(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_fixes_that_meet_the_first_is_done() {
        let fix = |start: usize, end: usize| Replacement { span: start..end, text: "x".into() };
        let kept = disjoint(vec![fix(5, 8), fix(0, 3), fix(2, 6), fix(8, 8), fix(8, 8)]);
        assert_eq!(kept, [fix(0, 3), fix(5, 8), fix(8, 8)]);
        assert!(Changes::new(kept).is_some());
    }
}
