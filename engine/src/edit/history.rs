//! A text with everything that was done to it.

use std::sync::Arc;

use similar::{MergeResolution, TextMerge};

use super::diff::{Hunk, hunks};
use super::{Changes, Edit, EditError};
use crate::document::Document;
use crate::registry::Registry;

/// A text, what was done to it, and which state of it is the one in its file. Of the other states it holds only what
/// differs.
///
/// ```
/// use easel_engine::edit::{Edit, History, Outside};
/// use easel_engine::{Document, Registry, Source};
///
/// let mut history = History::new(r#"Workflow(version: 1, nodes: { "a": Draw(seed: 1) })"#);
/// let (registry, at_first) = (Registry::new(), history.text().clone());
/// for seed in ["2", "23"] {
///     let (document, _) = Document::parse(&Source::new("example", history.text().clone()));
///     let edit = Edit::SetInput { node: "a".into(), input: "seed".into(), value: seed.into() };
///     history.edit(&document, &registry, &edit)?;
/// }
/// assert!(history.is_modified() && history.text().contains("seed: 23"));
/// // Typing in one field is one step.
/// assert_eq!(history.undo_label(), Some("set `a.seed`"));
/// assert!(history.undo().is_some());
/// assert_eq!(*history.text(), at_first);
/// assert!(!history.is_modified() && history.undo().is_none());
/// # Ok::<(), easel_engine::edit::EditError>(())
/// ```
#[derive(Clone, Debug)]
pub struct History {
    text: Arc<str>,
    saved: Arc<str>,
    /// What leads back, newest last.
    undo: Vec<Step>,
    /// What leads forward again, next last.
    redo: Vec<Step>,
    /// The edit that was done last, if another may go on with it.
    open: Option<Edit>,
}

/// A step from one state of a text to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it does, in a few words.
    pub label: String,
    /// The changes from the present state.
    pub changes: Changes,
}

/// What came of a change to the file by others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// There is nothing to do: the file holds what was saved, or what is here.
    Same,
    /// Nothing was changed here, so the text is that of the file now. It can be undone.
    Taken,
    /// What was changed here and there does not touch: the text has both now. It can be undone.
    Merged,
    /// The same lines were changed here and there. Nothing was done; [`History::settle`] goes on.
    Conflict(Conflict),
}

/// Two texts that cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What both come from.
    pub base: Arc<str>,
    /// The text here.
    pub ours: Arc<str>,
    /// The text of the file.
    pub theirs: Arc<str>,
}

impl History {
    /// A text as it is in its file.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        History { saved: text.clone(), text, undo: Vec::new(), redo: Vec::new(), open: None }
    }

    /// The text as it is now.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The text that is in the file, as far as is known.
    pub fn saved_text(&self) -> &Arc<str> {
        &self.saved
    }

    /// Whether the text is another than that in the file.
    pub fn is_modified(&self) -> bool {
        !Arc::ptr_eq(&self.text, &self.saved) && self.text != self.saved
    }

    /// What saving would change.
    pub fn hunks(&self) -> Vec<Hunk> {
        if self.is_modified() { hunks(&self.saved, &self.text) } else { Vec::new() }
    }

    /// Edits the text; the document is what was read from it. Gives what was changed. An edit that
    /// [continues](Edit::continues) the one before becomes one step with it.
    pub fn edit(&mut self, document: &Document, registry: &Registry, edit: &Edit) -> Result<Changes, EditError> {
        if document.source().text != self.text {
            return Err(EditError::Outdated);
        }
        let changes = super::edit(document, registry, edit)?;
        let goes_on = self.open.as_ref().is_some_and(|before| edit.continues(before));
        self.change(&changes, edit.label(), goes_on).ok_or(EditError::Outdated)?;
        self.open = Some(edit.clone());
        Ok(changes)
    }

    /// Does something else to the text, as one step. None, and nothing is done, if the changes are not about this text.
    pub fn record(&mut self, changes: &Changes, label: impl Into<String>) -> Option<()> {
        self.change(changes, label.into(), false)
    }

    fn change(&mut self, changes: &Changes, label: String, goes_on: bool) -> Option<()> {
        let back = changes.inverse(&self.text)?;
        let text = changes.apply(&self.text)?;
        self.pause();
        if changes.is_empty() {
            return Some(());
        }
        self.text = text.into();
        self.redo.clear();
        match self.undo.last_mut().filter(|_| goes_on) {
            Some(last) => last.changes = back.then(&last.changes),
            None => self.undo.push(Step { label, changes: back }),
        }
        Some(())
    }

    /// The next edit is a step of its own, even if it goes on with the one before.
    pub fn pause(&mut self) {
        self.open = None;
    }

    /// Goes back one step. Gives what was changed; none if there is nothing to undo.
    pub fn undo(&mut self) -> Option<Changes> {
        let step = self.undo.pop()?;
        let (changes, forward) = self.travel(step)?;
        self.redo.push(forward);
        Some(changes)
    }

    /// Does again what was undone last. Gives what was changed; none if there is nothing to do again.
    pub fn redo(&mut self) -> Option<Changes> {
        let step = self.redo.pop()?;
        let (changes, back) = self.travel(step)?;
        self.undo.push(back);
        Some(changes)
    }

    /// Takes a step, and turns it round.
    fn travel(&mut self, step: Step) -> Option<(Changes, Step)> {
        self.pause();
        let Step { label, changes } = step;
        let turned = Step { label, changes: changes.inverse(&self.text)? };
        self.text = changes.apply(&self.text)?.into();
        Some((changes, turned))
    }

    /// What [`undo`](Self::undo) would undo.
    pub fn undo_label(&self) -> Option<&str> {
        self.undo.last().map(|step| step.label.as_str())
    }

    /// What [`redo`](Self::redo) would do again.
    pub fn redo_label(&self) -> Option<&str> {
        self.redo.last().map(|step| step.label.as_str())
    }

    /// What can be undone, newest first.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = &str> {
        self.undo.iter().rev().map(|step| step.label.as_str())
    }

    /// The file holds the text as it is now.
    pub fn mark_saved(&mut self) {
        self.mark_saved_as(Arc::clone(&self.text));
    }

    /// The file holds this text, which was that of this history when writing it began. What was done since stays as it is.
    pub fn mark_saved_as(&mut self, text: Arc<str>) {
        self.pause();
        self.saved = text;
    }

    /// Somebody else changed the file: it holds this text now.
    ///
    /// ```
    /// use easel_engine::edit::{Changes, History, Outside};
    ///
    /// let mut history = History::new("a\nb\nc\n");
    /// history.record(&Changes::between("a\nb\nc\n", "A\nb\nc\n"), "shout");
    /// assert_eq!(history.outside("a\nb\nC\n"), Outside::Merged);
    /// assert_eq!(&**history.text(), "A\nb\nC\n");
    /// assert!(matches!(history.outside("x\nb\nC\n"), Outside::Conflict(_)));
    /// assert_eq!(&**history.text(), "A\nb\nC\n");
    /// ```
    pub fn outside(&mut self, file: impl Into<Arc<str>>) -> Outside {
        let file: Arc<str> = file.into();
        if file == self.saved {
            return Outside::Same;
        }
        if file == self.text {
            self.mark_saved();
            return Outside::Same;
        }
        if !self.is_modified() {
            self.become_text(&file, "changed in the file");
            self.saved = file;
            return Outside::Taken;
        }
        match merged(&self.saved, &self.text, &file) {
            Some(text) => {
                self.become_text(&text, "changed in the file");
                self.saved = file;
                Outside::Merged
            }
            None => Outside::Conflict(Conflict { base: self.saved.clone(), ours: self.text.clone(), theirs: file }),
        }
    }

    /// Ends a conflict: `text` (ours, theirs, or one that was made of them) is the text now, and the file is known to hold
    /// theirs. The way there is by way of theirs, so that undoing comes to it whatever was decided.
    pub fn settle(&mut self, conflict: Conflict, text: &str) {
        self.become_text(&conflict.theirs, "take what the file holds");
        if *text != *conflict.theirs {
            self.become_text(text, "settle a conflict with the file");
        }
        self.saved = conflict.theirs;
    }

    fn become_text(&mut self, text: &str, label: &str) {
        let changes = Changes::between(&self.text, text);
        // They were made of this text.
        let done = self.change(&changes, label.into(), false);
        debug_assert!(done.is_some() && &*self.text == text);
    }
}

/// Both changes to a text; none if they touch.
fn merged(base: &str, ours: &str, theirs: &str) -> Option<String> {
    let merge = TextMerge::from_lines(base, ours, theirs);
    if merge.is_conflicted() || changes_meet(&merge) {
        return None;
    }
    // Who adds behind a last line that does not end must not be put on that line.
    let mut text = String::new();
    for region in merge.regions() {
        let lines: Vec<&str> = match region.resolution() {
            MergeResolution::Theirs => region.theirs_range().filter_map(|line| merge.theirs_line(line)).collect(),
            _ => region.ours_range().filter_map(|line| merge.ours_line(line)).collect(),
        };
        if !lines.is_empty() && !text.is_empty() && !text.ends_with('\n') {
            return None;
        }
        text.extend(lines);
    }
    Some(text)
}

/// Whether lines that one changed stand directly beside lines that the other changed: they may belong together.
fn changes_meet(merge: &TextMerge<'_, '_, '_, str>) -> bool {
    let one_sided = |resolution| matches!(resolution, MergeResolution::Ours | MergeResolution::Theirs);
    merge.regions().windows(2).any(|pair| {
        let (one, other) = (pair[0].resolution(), pair[1].resolution());
        one_sided(one) && one_sided(other) && one != other
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replaced(history: &mut History, from: &str, to: &str) {
        let changes = Changes::between(history.text(), &history.text().replace(from, to));
        assert!(history.record(&changes, format!("{from} to {to}")).is_some());
    }

    #[test]
    fn steps_are_undone_and_done_again() {
        let mut history = History::new("a\nb\n");
        replaced(&mut history, "a", "x");
        replaced(&mut history, "b", "y");
        assert_eq!(history.steps().collect::<Vec<_>>(), ["b to y", "a to x"]);
        history.mark_saved();
        assert!(!history.is_modified());
        assert!(history.undo().is_some() && history.is_modified());
        assert_eq!((&**history.text(), history.redo_label()), ("x\nb\n", Some("b to y")));
        assert!(history.redo().is_some() && !history.is_modified());
        assert!(history.undo().is_some() && history.undo().is_some() && history.undo().is_none());
        replaced(&mut history, "a", "z");
        assert!(history.redo().is_none(), "what was undone is gone once something else is done");
        assert_eq!(history.hunks()[0].to_string(), "@@ -1,2 +1,2 @@\n-x\n-y\n+z\n+b\n");
    }

    #[test]
    fn changes_that_are_not_about_the_text_are_refused() {
        let mut history = History::new("é");
        for far in [Changes::between("a\nlong\ntext", "a\ntext"), Changes::between("e", "")] {
            assert!(history.record(&far, "?").is_none());
            assert_eq!((&**history.text(), history.undo_label()), ("é", None));
        }
    }

    #[test]
    fn a_changed_file_is_taken_merged_or_reported() {
        let mut history = History::new("a\nb\nc\n");
        assert_eq!(history.outside("a\nb\nc\n"), Outside::Same);
        assert_eq!(history.outside("a\nb\nc\nd\n"), Outside::Taken);
        assert!(!history.is_modified());
        assert!(history.undo().is_some() && &**history.text() == "a\nb\nc\n" && history.is_modified());
        assert!(history.redo().is_some());

        replaced(&mut history, "a", "A");
        assert_eq!(history.outside("a\nb\nc\nD\n"), Outside::Merged);
        assert_eq!((&**history.text(), history.is_modified()), ("A\nb\nc\nD\n", true));
        assert_eq!(history.outside("A\nb\nc\nD\n"), Outside::Same);
        assert!(!history.is_modified());

        replaced(&mut history, "b", "ours");
        let Outside::Conflict(conflict) = history.outside("A\ntheirs\nc\nD\n") else { panic!("both changed `b`") };
        assert_eq!((&*conflict.base, &*conflict.ours), ("A\nb\nc\nD\n", "A\nours\nc\nD\n"));
        assert_eq!(history.text(), &conflict.ours);
        let both = "A\nours\ntheirs\nc\nD\n";
        history.settle(conflict, both);
        assert_eq!((&**history.text(), &**history.saved_text()), (both, "A\ntheirs\nc\nD\n"));
        assert!(history.undo().is_some() && !history.is_modified(), "what the file holds is on the way back");
        assert!(history.undo().is_some() && history.text().contains("ours") && !history.text().contains("theirs"));
    }

    #[test]
    fn changes_that_touch_are_a_conflict() {
        for (ours, theirs) in
            [("A\nb\nc", "a\nB\nc"), ("a\nb\nc\nd", "a\nb\nC"), ("x\na\nb\nc", "y\na\nb\nc"), ("", "a\nb\nd")]
        {
            assert_eq!(merged("a\nb\nc", ours, theirs), None, "{ours:?} and {theirs:?}");
        }
        assert_eq!(merged("a\nb\nc", "A\nb\nc", "a\nb\nC").as_deref(), Some("A\nb\nC"));
        assert_eq!(merged("a\nb\nc", "A\nb\nc", "A\nb\nC").as_deref(), Some("A\nb\nC"));
        assert_eq!(merged("a\nb\nc\n", "a\nb\nc\nours", "a\nc\n").as_deref(), Some("a\nc\nours"));
    }

    #[test]
    fn a_merge_that_changes_nothing_here_is_no_step() {
        let mut history = History::new("\n\r\n");
        history.record(&Changes::between("\n\r\n", "\r\nb"), "ours");
        assert_eq!(history.outside("\n\r\nb"), Outside::Merged);
        assert_eq!((&**history.text(), history.undo_label()), ("\r\nb", Some("ours")));
    }

    fn lines() -> impl Strategy<Value = String> {
        "([abé]{0,2}(\n|\r\n)){0,8}[ab]{0,2}"
    }

    proptest! {
        #[test]
        fn what_is_between_two_texts_leads_there_and_back(texts in proptest::collection::vec(lines(), 2..6)) {
            let mut history = History::new(texts[0].clone());
            let mut all = Changes::default();
            for pair in texts.windows(2) {
                let changes = Changes::between(&pair[0], &pair[1]);
                prop_assert_eq!(changes.apply(&pair[0]), Some(pair[1].clone()));
                prop_assert_eq!(changes.inverse(&pair[0]).and_then(|back| back.apply(&pair[1])), Some(pair[0].clone()));
                all = all.then(&changes);
                prop_assert_eq!(all.apply(&texts[0]), Some(pair[1].clone()));
                history.record(&changes, "");
            }
            while history.undo().is_some() {}
            prop_assert_eq!(&**history.text(), &*texts[0]);
            while history.redo().is_some() {}
            prop_assert_eq!(&**history.text(), &*texts[texts.len() - 1]);
        }

        #[test]
        fn a_merge_has_what_both_did_or_nothing_is_done(base in lines(), ours in lines(), theirs in lines()) {
            let mut history = History::new(base.clone());
            history.record(&Changes::between(&base, &ours), "ours");
            match history.outside(theirs.clone()) {
                Outside::Same => prop_assert!(theirs == base || theirs == ours),
                Outside::Taken => prop_assert_eq!((&ours, &**history.text()), (&base, &*theirs)),
                Outside::Merged => {
                    prop_assert_eq!(&**history.saved_text(), &*theirs);
                    // A merge that gives what is here already is no step that could be undone.
                    prop_assert!(**history.text() == *ours || history.undo().is_some());
                    prop_assert_eq!(&**history.text(), &*ours);
                }
                Outside::Conflict(conflict) => {
                    prop_assert_eq!((&*conflict.base, &*conflict.ours, &*conflict.theirs), (&*base, &*ours, &*theirs));
                    prop_assert_eq!(&**history.text(), &*ours);
                }
            }
        }
    }
}
