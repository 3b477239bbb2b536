//! What a demonstration does not do: whatever would touch something outside of it.

use super::super::effect::Effect;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{DEMO, Model};

/// Whether the action leads out of a demonstration; that it is not done is told.
pub(super) fn refuses(model: &mut Model, action: Action) -> bool {
    let is_refused = model.is_demo && leads_out(action);
    if is_refused {
        model.tell(Tone::Note, DEMO);
    }
    is_refused
}

/// Leaves out what would touch something outside, whoever wished it.
pub(super) fn kept_inside(model: &mut Model, mut effects: Vec<Effect>) -> Vec<Effect> {
    if effects.iter().any(|effect| !effect.stays_inside() && effect.is_asked_for()) {
        model.tell(Tone::Note, DEMO);
    }
    effects.retain(Effect::stays_inside);
    effects
}

fn leads_out(action: Action) -> bool {
    matches!(
        action,
        Action::CloseWorkflow
            | Action::OpenAsRun
            | Action::Save
            | Action::Extract
            | Action::Editor
            | Action::Enqueue
            | Action::Drain
            | Action::CancelAll
            | Action::PriorityUp
            | Action::PriorityDown
            | Action::MoveUp
            | Action::MoveDown
            | Action::RemoveJob
            | Action::RunAgain
            | Action::Resume
            | Action::CancelRun
            | Action::Follow
            | Action::Forget
            | Action::AnotherSeed
            | Action::Sweep
            | Action::ShowFolder
    )
}
