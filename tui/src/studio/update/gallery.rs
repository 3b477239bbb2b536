//! The pictures that were drawn: looked at, drawn again with another seed, their prompts used.

use std::path::{Path, PathBuf};

use easel_engine::edit::{Edit, literal_text};
use easel_engine::{Job, Literal};

use super::super::effect::Effect;
use super::super::keymap::Action;
use super::super::message::Tone;
use super::super::model::{Details, Later, Model, Overlay, RunView, Shot, Side, workflow_of};
use super::super::view::gallery_grid;
use super::{edit, history, keys};
use crate::gist::{self, Given};

/// The cursor moves over the grid.
pub(super) fn moved(model: &mut Model, action: Action) {
    let grid = gallery_grid(model);
    let (columns, page) = (grid.columns, grid.columns * grid.rows);
    let at = model.gallery.at;
    let to = match action {
        Action::Left => at.saturating_sub(1),
        Action::Right => at + 1,
        // In the first and the last row the cursor stays where it is.
        Action::Up => at.checked_sub(columns).unwrap_or(at),
        Action::Down if at + columns < model.gallery.len() => at + columns,
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => at + page,
        Action::First => 0,
        Action::Last => usize::MAX,
        _ => at,
    };
    model.gallery.at = to.min(model.gallery.len().saturating_sub(1));
}

/// The files whose pictures are on the screen.
pub(super) fn shown(model: &Model) -> Vec<PathBuf> {
    let path = |shot: &Shot| shot.path.clone();
    if matches!(model.overlay, Some(Overlay::Shot)) {
        return model.gallery.chosen().map(path).into_iter().collect();
    }
    gallery_grid(model).shown(model).filter_map(|at| model.gallery.shot(at)).map(path).collect()
}

/// Something is to be done with the picture with the cursor.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(shot) = model.gallery.chosen().cloned() else {
        model.tell(Tone::Note, "there is no picture here");
        return Vec::new();
    };
    match action {
        Action::Activate => {
            model.overlay = Some(Overlay::Shot);
            Vec::new()
        }
        Action::CopyCommand => {
            let command = format!("easel reproduce {}", crate::story::quoted(&shot.path.to_string_lossy()));
            history::copy(model, "The command line that draws it again, and compares", &command)
        }
        Action::ShowFolder => {
            let folder = shot.path.parent().unwrap_or(Path::new(".")).to_path_buf();
            vec![Effect::ShowFolder(folder)]
        }
        Action::UsePrompt => use_prompt(model, &shot.gist.prompt),
        Action::AnotherSeed => details(model, &shot).map_or_else(Vec::new, |details| another_seed(model, &details)),
        Action::OpenAsRun => {
            details(model, &shot).map_or_else(Vec::new, |details| history::open_as_run(model, &details))
        }
        _ => Vec::new(),
    }
}

/// Everything about the run that wrote a picture; that it is not known is told.
fn details(model: &mut Model, shot: &Shot) -> Option<Box<Details>> {
    let found = match shot.run.and_then(|run| model.runs.details(run)) {
        Some(Ok(details)) => return Some(details.clone()),
        Some(Err(why)) => why.clone(),
        None if shot.run.is_none() => "no run of the journal wrote this picture".into(),
        None => "it is being read; once more in a moment".into(),
    };
    model.tell(Tone::Note, found);
    None
}

/// Runs what drew a picture again, with a seed that nobody chose.
fn another_seed(model: &mut Model, details: &Details) -> Vec<Effect> {
    let seeds: Vec<Given> = details.given.iter().filter(|given| is_seed(&given.name)).cloned().collect();
    let Some(old) = seeds.first().and_then(|given| given.value.parse().ok()) else {
        model.tell(Tone::Note, "that run was given no seed that could be another one");
        return Vec::new();
    };
    let seed = another(old, model.now.as_nanos() as u64);
    let mut job = details.story.job.clone();
    // What it draws belongs in no grid of the other.
    job.options.sweep = None;
    for given in &seeds {
        if let Err(why) = give(model, &mut job, &given.name, &Literal::Integer(seed)) {
            model.tell(Tone::Error, why);
            return Vec::new();
        }
    }
    model.tell(Tone::Note, format!("once more with seed {seed}"));
    run(model, job)
}

/// Runs a job now, or offers to queue it.
pub(super) fn run(model: &mut Model, job: Job) -> Vec<Effect> {
    if model.is_running() || model.queue.claims {
        model.overlay = Some(Overlay::Behind(Later::Job(Box::new(job))));
        return Vec::new();
    }
    model.attached = None;
    model.run = Some(RunView::beginning(true, model.now).of(Some(workflow_of(&job.source))));
    let mut effects = keys::show(model, Side::Monitor);
    effects.push(Effect::RunJob(Box::new(job)));
    effects
}

fn is_seed(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|name| name == "seed" || name.ends_with("_seed"))
}

/// A seed that follows from another one and a moment, and looks like neither (Steele et al. 2014, SplitMix64).
fn another(seed: i64, moment: u64) -> i64 {
    let mut state = seed.cast_unsigned().wrapping_add(moment).wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let new = ((state ^ (state >> 31)) >> 33).cast_signed();
    if new == seed { new ^ 1 } else { new }
}

/// Gives an input of a job (`seed`, `decoder.seed`) another value.
pub(super) fn give(model: &Model, job: &mut Job, name: &str, value: &Literal) -> Result<(), String> {
    let Some((node, input)) = name.rsplit_once('.') else {
        let bare = if let Literal::Text(text) = value { text.clone() } else { value.to_string() };
        job.settings.set.retain(|(set, _)| set != name);
        job.settings.set.push((name.to_string(), bare));
        return Ok(());
    };
    let checked = model.flow.as_ref().and_then(|flow| flow.checked.as_ref());
    let registry =
        checked.map(|checked| &checked.registry).ok_or("the open workflow is being checked; once more in a moment")?;
    let (document, _) = easel_engine::Document::parse(&job.source);
    let value = literal_text(value, &job.source.text);
    let edit = Edit::SetInput { node: node.into(), input: input.into(), value };
    let changes = easel_engine::edit::edit(&document, registry, &edit).map_err(|error| error.to_string())?;
    let text = changes.apply(&job.source.text).ok_or("the change does not fit the workflow of then")?;
    job.source.text = text.into();
    Ok(())
}

/// Writes a prompt where the open workflow has its own.
pub(super) fn use_prompt(model: &mut Model, prompt: &str) -> Vec<Effect> {
    let Some(text) = model.flow.as_ref().and_then(|flow| flow.text()).cloned() else { return Vec::new() };
    if prompt.is_empty() {
        model.tell(Tone::Note, "no prompt is known of it");
        return Vec::new();
    }
    let Some(place) = gist::prompt_place(&text) else {
        model.tell(Tone::Note, "the open workflow has no prompt");
        return Vec::new();
    };
    let value = literal_text(&Literal::Text(prompt.to_string()), &text);
    let change = match place.rsplit_once('.') {
        Some((node, input)) => Edit::SetInput { node: node.into(), input: input.into(), value },
        None => Edit::SetDefault { input: place.clone(), value: Some(value) },
    };
    match edit::try_edit(model, change) {
        Ok(effects) => {
            model.tell(Tone::Note, format!("{place} is “{prompt}” now; it can be undone"));
            effects
        }
        Err(why) => {
            model.tell(Tone::Error, why);
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_seed_is_another_one_and_no_negative_one() {
        for (seed, moment) in [(0, 0), (7, 1), (i64::MAX, u64::MAX), (-5, 99)] {
            let new = another(seed, moment);
            assert!(new != seed && (0..=i64::from(i32::MAX)).contains(&new), "{new}");
            assert_eq!(new, another(seed, moment));
        }
        assert_ne!(another(7, 1), another(7, 2));
    }

    #[test]
    fn seeds_are_told_by_their_names() {
        assert!(is_seed("seed") && is_seed("decoder.seed") && is_seed("first_seed"));
        assert!(!is_seed("seeds") && !is_seed("seed.name") && !is_seed("reseeded"));
    }
}
