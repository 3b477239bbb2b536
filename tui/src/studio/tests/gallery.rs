//! The pictures that were drawn.

use easel_engine::{Job, RunState};

use super::history::{details, job, picture};
use super::*;
use crate::gist::{Gist, gist};
use crate::studio::effect::Change;
use crate::studio::model::still::Details;
use crate::studio::model::{Later, Shot, Shots};

fn path(number: u64) -> PathBuf {
    format!("/w/out/picture_{number:04}.png").into()
}

/// So many pictures of as many runs, and one that no run wrote.
fn shots(number: u64) -> Shots {
    let shot = |run: u64| Shot { path: path(run), run: Some(RunId(run)), gist: gist(&job(run)) };
    let stranger = Shot { path: "/w/out/from_a_friend.png".into(), run: None, gist: Gist::default() };
    Shots { all: (1..=number).rev().map(shot).chain([stranger]).collect(), unread: 0, problem: None }
}

/// The gallery with so many pictures, most of which were read.
fn shown(bench: &mut Bench, number: u64) {
    bench.press("6");
    bench.tell(Message::Pictures(shots(number)));
    for run in (1..=number).rev().take(40) {
        let picture = match run % 7 {
            3 => continue,
            4 => Err("the file is gone".into()),
            _ => Ok(picture(run as u8)),
        };
        bench.tell(Message::Thumbnail(path(run), picture));
    }
    let chosen = bench.model.gallery.chosen().and_then(|shot| shot.run);
    if let Some(run) = chosen {
        bench.tell(Message::Details(run, Ok(details(run.0, RunState::Completed))));
    }
}

fn jobs(bench: &Bench) -> Vec<Job> {
    let job = |wish: &Effect| if let Effect::RunJob(job) = wish { Some((**job).clone()) } else { None };
    bench.wished.iter().filter_map(job).collect()
}

#[test]
fn a_picture_that_no_run_wrote_tells_what_its_file_says() {
    let stranger = |bench: &mut Bench| {
        shown(bench, 0);
        bench.press("enter");
        bench.tell(Message::Thumbnail("/w/out/from_a_friend.png".into(), Ok(picture(9))));
        let recipe = vec![("prompt".to_string(), "a cat on a mat".to_string()), ("seed".into(), "42".into())];
        let written = Some(1_795_415_315_999);
        let details = Details { size: (64, 48), bytes: 81_234, written, recipe, picture: picture(9) };
        bench.tell(Message::Examined("/w/out/from_a_friend.png".into(), Ok(details)));
    };
    snapshots("gallery_stranger", stranger, SMALL);
    let mut bench = Bench::opened((100, 30), SMALL);
    stranger(&mut bench);
    let said = bench.shown();
    for text in ["64 × 48, 81 kB", "2026-11-23 06:28:35 UTC", "a cat on a mat", "No run of the journal wrote it"] {
        assert!(said.contains(text), "{text}: {said}");
    }
    // It is read once each time that it is looked at, and what is wrong with it is told.
    bench.press("esc enter");
    assert_eq!(bench.model.asked.examined.as_deref(), Some(Path::new("/w/out/from_a_friend.png")));
    bench.tell(Message::Examined("/w/out/from_a_friend.png".into(), Err("it is cut off".into())));
    assert!(bench.shown().contains("it is cut off"), "{}", bench.shown());
}

#[test]
fn the_gallery_looks_as_it_should() {
    snapshots("gallery_reading", |bench| bench.press("6"), SMALL);
    snapshots(
        "gallery_none",
        |bench| {
            bench.press("6");
            bench.tell(Message::Pictures(Shots { all: Arc::new([]), unread: 0, problem: None }));
        },
        SMALL,
    );
    snapshots("gallery_one", |bench| shown(bench, 0), SMALL);
    snapshots(
        "gallery_many",
        |bench| {
            shown(bench, 10_000);
            bench.press("l j");
        },
        SMALL,
    );
    snapshots(
        "gallery_fault",
        |bench| {
            bench.press("6");
            let problem = Some("the journal `/s/journal.db` cannot be read: it is damaged".into());
            bench.tell(Message::Pictures(Shots { problem, ..shots(0) }));
            bench.tell(Message::Thumbnail("/w/out/from_a_friend.png".into(), Ok(picture(9))));
        },
        SMALL,
    );
    snapshots(
        "gallery_fault_and_nothing",
        |bench| {
            bench.press("6");
            let problem = Some("the journal `/s/journal.db` cannot be read: it is damaged".into());
            bench.tell(Message::Pictures(Shots { all: Arc::new([]), unread: 0, problem }));
        },
        SMALL,
    );
    snapshots(
        "gallery_picture",
        |bench| {
            shown(bench, 9);
            bench.press("enter");
        },
        SMALL,
    );
    snapshots(
        "gallery_filtered",
        |bench| {
            shown(bench, 9);
            bench.press("/");
            bench.type_in("crab");
            bench.press("enter");
        },
        SMALL,
    );
}

#[test]
fn without_colours_the_gallery_names_its_pictures() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.model.theme = Theme::new(Ground::Dark, Depth::None);
    shown(&mut bench, 9);
    assert!(bench.shown().contains("picture_0009") && !bench.shown().contains('▀'), "{}", bench.shown());
}

#[test]
fn of_ten_thousand_pictures_only_those_on_the_screen_are_read() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.press("6");
    bench.tell(Message::Pictures(shots(10_000)));
    let wanted = |bench: &Bench| -> Vec<PathBuf> { bench.model.asked.thumbnails.clone() };
    assert_eq!(wanted(&bench), (0..10).map(|at| path(10_000 - at)).collect::<Vec<_>>());
    bench.press("G");
    let last = wanted(&bench);
    assert!(last.len() <= 10 && last.last() == Some(&"/w/out/from_a_friend.png".into()), "{last:?}");
    bench.press("1");
    assert!(wanted(&bench).is_empty());
}

#[test]
fn the_cursor_moves_over_rows_and_stays_inside() {
    let mut bench = Bench::opened((80, 24), SMALL);
    shown(&mut bench, 12);
    let mut at = |keys: &str| {
        bench.press(keys);
        bench.model.gallery.at
    };
    assert_eq!((at("h"), at("k"), at("l"), at("j"), at("j"), at("j")), (0, 0, 1, 6, 11, 11));
    assert_eq!((at("k"), at("G"), at("l"), at("g")), (6, 12, 12, 0));
}

#[test]
fn a_picture_is_drawn_again_with_another_seed() {
    let mut bench = Bench::opened((80, 24), SMALL);
    shown(&mut bench, 9);
    bench.at(1234);
    bench.press("r");
    let drawn = jobs(&bench);
    let seed = |job: &Job| job.settings.set.iter().find(|(name, _)| name == "seed").map(|(_, seed)| seed.clone());
    assert_eq!(drawn.len(), 1);
    assert!(seed(&drawn[0]).is_some_and(|seed| seed != "99" && seed.parse::<u32>().is_ok()), "{:?}", drawn[0].settings);
    assert_eq!(drawn[0].settings.set.len(), 2, "everything else is as it was");
    assert!(bench.model.is_running());
    // While it runs, another one may wait for it.
    bench.press("6 r");
    assert!(matches!(bench.model.overlay, Some(Overlay::Behind(Later::Job(_)))));
    bench.press("y");
    assert!(bench.wished.iter().any(|wish| matches!(wish, Effect::Change(Change::Enqueue(_)))));
    // Of one that nobody knows anything about, there is no seed.
    bench.press("G r");
    assert!(bench.shown().contains("no run of the journal wrote this picture"));
}

#[test]
fn a_seed_that_stands_at_a_node_is_changed_there() {
    let mut bench = Bench::opened((80, 24), SMALL);
    shown(&mut bench, 9);
    let text = r#"Workflow(version: 1, nodes: { "p": Prior(seed: 3 /* here */), "d": Decoder(seed: 3) })"#;
    let mut told = details(9, RunState::Completed);
    told.story.job.source.text = text.into();
    told.story.job.settings.set.clear();
    told.given = crate::gist::given(&told.story.job);
    bench.tell(Message::Details(RunId(9), Ok(told)));
    bench.press("r");
    let drawn = jobs(&bench);
    let text = &drawn.first().expect("it is run").source.text;
    assert!(!text.contains("seed: 3") && text.contains("/* here */"), "{text}");
}

#[test]
fn the_prompt_of_a_picture_is_used_in_the_open_workflow() {
    let mut bench = Bench::opened((80, 24), &shipped("text_to_image.ron"));
    shown(&mut bench, 8);
    bench.press("p");
    assert!(bench.text().contains("\"a crab on a cyan background\""), "{}", bench.text());
    bench.press("esc ctrl-z");
    assert_eq!(bench.text(), shipped("text_to_image.ron"));
    let mut other = Bench::opened((80, 24), SMALL);
    shown(&mut other, 8);
    other.press("p");
    assert!(other.text() == SMALL && other.shown().contains("the open workflow has no prompt"));
}

#[test]
fn a_picture_on_the_whole_screen_leads_to_the_next_and_back() {
    let mut bench = Bench::opened((80, 24), SMALL);
    shown(&mut bench, 9);
    bench.press("enter l l h");
    assert_eq!((bench.model.overlay.clone(), bench.model.gallery.at), (Some(Overlay::Shot), 1));
    assert_eq!(bench.model.asked.browse.details, [RunId(8)]);
    bench.press("esc");
    assert_eq!(bench.model.overlay, None);
    bench.press("g y");
    let copied =
        |wish: &Effect| matches!(wish, Effect::Copy(text) if text == "easel reproduce /w/out/picture_0009.png");
    assert!(bench.wished.iter().any(copied));
}
