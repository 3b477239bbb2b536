//! Changes that are not saved: kept as long as there are any, and offered again to whoever opens the workflow after a crash.

use std::path::Path;
use std::sync::Arc;

use easel_engine::edit::{Changes, Conflict, History, Outside};

use super::super::effect::Effect;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Model, Offer, Overlay};
use super::{check, typing};

const LABEL: &str = "take unsaved changes over";

/// Keeps what is not saved, or nothing if everything is.
pub(super) fn keep(model: &Model) -> Option<Effect> {
    let flow = model.flow.as_ref().filter(|flow| !flow.is_recorded)?;
    Some(Effect::Keep { path: flow.path.clone(), unsaved: model.unsaved(flow) })
}

/// The text is another one: it is checked, and kept until it is saved.
pub(super) fn changed(model: &mut Model) -> Vec<Effect> {
    model.is_changed = true;
    if let Some(flow) = &mut model.flow {
        // Whoever goes on is not about to leave any more.
        flow.wants_leave = false;
    }
    let mut effects = check(model);
    effects.extend(keep(model));
    effects
}

/// Whether what is not saved survives is not as it was before.
pub(super) fn kept(model: &mut Model, kept: Result<(), String>) {
    match &kept {
        Ok(()) => model.tell(Tone::Note, "unsaved changes are kept again: they survive the end of easel"),
        Err(why) => {
            let key = model.keymap.key(Action::Save).unwrap_or_default();
            let text =
                format!("unsaved changes cannot be kept and would be lost with easel: save soon (`{key}`). {why}");
            model.tell(Tone::Warning, text);
        }
    }
    model.unkept = kept.err();
}

/// Changes of an earlier time were found.
pub(super) fn found(model: &mut Model, path: &Path, offer: Offer) -> Vec<Effect> {
    let Some(flow) = model.flow.as_mut().filter(|flow| flow.path == path) else { return Vec::new() };
    if !flow.is_modified() && offer.unsaved.typed.is_none() && flow.text() == Some(&offer.unsaved.text) {
        // Whoever made them saved them, and was not granted the time to say so.
        return vec![Effect::Forget(offer.number)];
    }
    flow.offers.push_back(offer);
    next(model);
    Vec::new()
}

/// Offers what waits, unless something else is in front or comes before: what was taken over of the last offer.
pub(super) fn next(model: &mut Model) {
    typing::resume(model);
    let is_free = model.overlay.is_none() && model.flow.as_ref().is_some_and(|flow| flow.awaited_typed.is_none());
    if is_free && let Some(offer) = model.flow.as_mut().and_then(|flow| flow.offers.pop_front()) {
        model.overlay = Some(Overlay::Recovered(offer));
    }
}

/// Nobody wants to decide now: everything is offered again when the workflow is opened the next time.
pub(super) fn later(model: &mut Model) {
    if let Some(flow) = &mut model.flow {
        flow.offers.clear();
    }
}

/// Takes changes over that were never saved, as changes to what the file holds now. They are kept as one's own before they
/// are forgotten as those of the earlier time.
pub(super) fn recover(model: &mut Model, offer: Offer) -> Vec<Effect> {
    let Some(flow) = &mut model.flow else { return Vec::new() };
    let Offer { number, mut unsaved } = offer;
    let typed = unsaved.typed.take();
    let mut theirs = History::new(Arc::clone(&unsaved.base));
    // It is made of this very text.
    let _ = theirs.record(&Changes::between(&unsaved.base, &unsaved.text), LABEL);
    let mut conflict = None;
    match &mut flow.history {
        // The file cannot be read: what it holds comes in as soon as it can.
        None => flow.history = Some(theirs),
        // Nothing was changed, only typed.
        Some(_) if unsaved.base == unsaved.text => {}
        Some(here) => match theirs.outside(Arc::clone(here.text())) {
            Outside::Conflict(_) if here.is_modified() => {
                let text = "these changes do not fit with others that are not saved here: they are offered again when \
                            the workflow is opened the next time";
                model.tell(Tone::Warning, text);
                return Vec::new();
            }
            Outside::Conflict(found) => {
                flow.history = Some(theirs);
                conflict = Some(found);
            }
            Outside::Same | Outside::Taken | Outside::Merged => {
                let _ = here.record(&Changes::between(here.text(), theirs.text()), LABEL);
            }
        },
    }
    flow.awaited_typed = typed;
    if let Some(conflict) = conflict {
        conflicted(model, conflict);
    }
    let mut effects = changed(model);
    effects.push(Effect::Forget(number));
    effects
}

/// The same lines were changed here and in the file: somebody has to decide.
pub(super) fn conflicted(model: &mut Model, conflict: Conflict) {
    let Some(flow) = &mut model.flow else { return };
    flow.conflict = Some(conflict);
    (flow.wants_run, flow.wants_leave) = (false, false);
    // Nothing comes in front by itself: whoever is typing would decide with the next letter.
    let key = model.keymap.key(Action::Save).unwrap_or_default();
    model.tell(Tone::Warning, format!("the file changed in places that were changed here too: `{key}` decides"));
}
