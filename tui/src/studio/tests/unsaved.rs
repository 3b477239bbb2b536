//! Changes that were not saved: what is kept of them, and what becomes of them when they are offered again.

use super::*;
use crate::studio::model::{Flow, Offer};

/// The small workflow with another name of the picture that is read.
fn reads(picture: &str) -> String {
    SMALL.replace("gallery.png", picture)
}

/// The small workflow with another word about it, far enough from what it reads.
fn says(about: &str) -> String {
    SMALL.replace("Copies a picture.", about)
}

fn offer(number: u64, base: &str, text: &str) -> Message {
    let unsaved = Unsaved { base: base.into(), text: text.into(), typed: None };
    Message::Recovered("flow.ron".into(), Offer { number, unsaved })
}

fn offered(bench: &Bench) -> Option<u64> {
    match &bench.model.overlay {
        Some(Overlay::Recovered(offer)) => Some(offer.number),
        _ => None,
    }
}

fn flow(bench: &Bench) -> &Flow {
    bench.model.flow.as_ref().expect("it is open")
}

#[test]
fn what_was_never_saved_is_offered() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.tell(offer(1, SMALL, &reads("kept.png")));
    assert_eq!(offered(&bench), Some(1));
    bench.press("y");
    assert_eq!(bench.text(), reads("kept.png"));
    assert_eq!(bench.asked, ["forget"]);
    let kept = bench.kept.clone().expect("it is one's own now");
    assert_eq!((&*kept.base, &*kept.text), (SMALL, &*reads("kept.png")));
    bench.press("ctrl-z");
    assert_eq!(bench.text(), SMALL);
    assert_eq!(bench.kept, None);
}

#[test]
fn what_others_did_to_the_file_meanwhile_stays() {
    let both = reads("kept.png").replace("Copies a picture.", "theirs");
    let mut bench = Bench::opened((100, 30), &says("theirs"));
    bench.tell(offer(1, SMALL, &reads("kept.png")));
    bench.press("y");
    assert_eq!(bench.text(), both);
    bench.press("ctrl-s enter");
    assert_eq!(bench.saved, [Arc::from(both)]);
}

#[test]
fn what_was_changed_here_and_in_the_file_meanwhile_is_a_conflict_like_any_other() {
    for (key, expected) in [("m", reads("ours.png")), ("f", reads("theirs.png"))] {
        let mut bench = Bench::opened((100, 30), &reads("theirs.png"));
        bench.tell(offer(1, SMALL, &reads("ours.png")));
        bench.press("y");
        assert_eq!(bench.text(), reads("ours.png"));
        let kept = bench.kept.clone().expect("it is one's own now");
        assert_eq!((&*kept.base, &*kept.text), (SMALL, &*reads("ours.png")));
        bench.press("ctrl-s");
        assert_eq!(bench.model.overlay, Some(Overlay::Conflict(0)));
        bench.press(key);
        assert_eq!(bench.text(), expected);
        assert_eq!(&**flow(&bench).history.as_ref().expect("it was read").saved_text(), reads("theirs.png"));
    }
}

#[test]
fn what_several_left_behind_is_offered_one_after_the_other() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.tell(offer(1, SMALL, &reads("one.png")));
    bench.tell(offer(2, SMALL, &says("two")));
    bench.tell(offer(3, SMALL, &reads("three.png")));
    assert!(bench.shown().contains("2 more offers"), "{}", bench.shown());
    bench.press("y");
    assert_eq!(offered(&bench), Some(2));
    bench.press("y");
    assert_eq!(bench.text(), reads("one.png").replace("Copies a picture.", "two"));
    assert_eq!(offered(&bench), Some(3));
    // It does not fit, and neither is lost.
    bench.press("y");
    assert_eq!(bench.text(), reads("one.png").replace("Copies a picture.", "two"));
    assert_eq!(bench.asked, ["forget", "forget"]);
    assert!(bench.shown().contains("offered again"), "{}", bench.shown());
}

#[test]
fn an_offer_is_put_aside_or_left_for_later() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.tell(offer(1, SMALL, &reads("one.png")));
    bench.tell(offer(2, SMALL, &reads("two.png")));
    bench.press("n");
    assert_eq!(bench.asked, ["set aside"]);
    assert_eq!(offered(&bench), Some(2));
    bench.press("esc");
    assert_eq!(bench.model.overlay, None);
    bench.press("D D");
    assert_eq!(bench.asked, ["set aside"], "what is done later has a place of its own");
}

#[test]
fn an_offer_waits_until_nothing_else_is_in_front() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("/");
    bench.tell(offer(1, SMALL, &reads("one.png")));
    bench.type_in("lo");
    assert!(matches!(bench.model.overlay, Some(Overlay::Prompt(..))), "whoever is typing decides nothing by it");
    bench.press("enter");
    assert_eq!(offered(&bench), Some(1));
}

#[test]
fn what_is_in_the_file_already_is_not_offered() {
    let mut bench = Bench::opened((100, 30), &reads("kept.png"));
    bench.tell(offer(1, SMALL, &reads("kept.png")));
    assert_eq!(bench.model.overlay, None);
    assert_eq!(bench.asked, ["forget"]);
}

#[test]
fn what_was_never_saved_survives_a_file_that_cannot_be_read() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.model.flow = Some(Flow::new("flow.ron".into()));
    bench.tell(Message::Read("flow.ron".into(), Err("it is not valid UTF-8".into())));
    bench.tell(offer(1, SMALL, &reads("mine.png")));
    bench.press("y");
    assert_eq!(bench.text(), reads("mine.png"));
    assert!(flow(&bench).is_modified());
    // As soon as it can be read again, it is put together with it.
    bench.tell(Message::Read("flow.ron".into(), Ok(says("theirs").into())));
    assert_eq!(bench.text(), reads("mine.png").replace("Copies a picture.", "theirs"));
}

#[test]
fn the_text_of_a_file_that_is_gone_is_kept_at_once() {
    let mut bench = Bench::opened((100, 30), SMALL);
    assert_eq!(bench.kept, None);
    bench.tell(Message::Read("flow.ron".into(), Err("cannot read `flow.ron`: there is no such file".into())));
    assert_eq!(bench.kept, Some(Unsaved { base: SMALL.into(), text: SMALL.into(), typed: None }));
    // It comes back.
    bench.tell(Message::Read("flow.ron".into(), Ok(SMALL.into())));
    assert_eq!(bench.kept, None);
    assert!(!flow(&bench).is_modified());
}

#[test]
fn a_file_that_was_never_readable_is_not_said_to_be_checked() {
    let mut bench = Bench::new((140, 24));
    let effects = crate::studio::update::open(&mut bench.model, "flow.ron".into());
    bench.perform(effects);
    bench.tell(Message::Read("flow.ron".into(), Err("`flow.ron` is not UTF-8".into())));
    for panel in ["1", "2"] {
        bench.press(panel);
        let shown = bench.shown();
        assert!(!shown.contains("Checking"), "{shown}");
        assert!(shown.matches("`flow.ron` is not UTF-8").count() >= 2, "in the graph's place and beside it: {shown}");
    }
}

#[test]
fn an_offer_is_shown() {
    let mut bench = Bench::opened((80, 24), SMALL);
    bench.tell(offer(1, SMALL, &reads("kept.png")));
    insta::assert_snapshot!("unsaved_80x24", bench.shown());
}

#[test]
fn a_text_that_cannot_be_checked_is_told_kept_and_does_not_run() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("D");
    let revision = flow(&bench).revision;
    bench.model.flow.as_mut().expect("it is open").wants_run = true;
    bench.tell(Message::Unchecked(revision - 1));
    assert!(flow(&bench).wants_run, "that was of an older text");
    bench.tell(Message::Unchecked(revision));
    assert!(!flow(&bench).wants_run && bench.kept.is_some());
    assert!(bench.shown().contains("not checked") && bench.shown().contains("defect in easel"), "{}", bench.shown());
    bench.press("ctrl-z");
    assert!(!bench.shown().contains("not checked"), "the next text is checked anew");
}

#[test]
fn what_cannot_be_kept_is_told_and_said_again_by_whoever_leaves() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("D");
    bench.tell(Message::Kept(Err("the disk is full".into())));
    assert!(bench.shown().contains("save soon") && bench.shown().contains("the disk is full"), "{}", bench.shown());
    bench.press("q");
    assert!(bench.shown().contains("would be lost"), "{}", bench.shown());
    bench.press("esc");
    bench.tell(Message::Kept(Ok(())));
    bench.press("q");
    assert!(bench.shown().contains("offered again"), "{}", bench.shown());
}
