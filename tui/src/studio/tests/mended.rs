//! What is typed, changed or open is never lost by the way.

use super::*;
use crate::studio::model::Prompt;

fn flow(bench: &mut Bench) -> &mut crate::studio::model::Flow {
    bench.model.flow.as_mut().expect("it is open")
}

/// The question what `load` reads.
fn asked(bench: &mut Bench) {
    bench.select("load");
    bench.press("1 enter ctrl-u");
    assert!(matches!(&bench.model.overlay, Some(Overlay::Prompt(Prompt::Value { .. }, _))), "{}", bench.shown());
}

/// A name for the picture that `load` reads.
fn reads(bench: &mut Bench, name: &str) {
    asked(bench);
    bench.type_in(name);
    bench.press("enter");
    bench.press("esc");
}

#[test]
fn a_file_is_never_open_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (outer, inner) = (folder.path().join("outer.ron"), folder.path().join("inner.ron"));
    let of = |other: &str| {
        format!(
            r#"Workflow(version: 1, nodes: {{ "in": Include(workflow: "{other}"), "extra": LoadImage(path: "x") }})"#
        )
    };
    std::fs::write(&outer, of("inner.ron")).expect("it can be written");
    std::fs::write(&inner, of("../folder/./outer.ron").replace("folder", &name_of(folder.path()))).expect("it too");
    let mut bench = Bench::of_file((100, 30), &outer);
    bench.select("extra");
    bench.press("D");
    let unsaved = bench.text();
    for (file, is_entered) in [(inner.clone(), true), (detour(&outer), false), (inner.clone(), false)] {
        let finding = finding_in(&file);
        let open = flow(&mut bench);
        open.checked.as_mut().expect("it was checked").findings = vec![finding];
        open.problem = 0;
        bench.press("2 enter");
        if is_entered {
            assert_eq!(flow(&mut bench).path, file);
        } else {
            assert!(bench.shown().contains("is open already, around this one"), "{}", bench.shown());
        }
        assert_eq!((flow(&mut bench).path.clone(), bench.model.outer.len()), (inner.clone(), 1));
    }
    bench.press("esc backspace");
    assert_eq!((flow(&mut bench).path.clone(), bench.text()), (outer, unsaved));
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("it has a name").to_string_lossy().into_owned()
}

/// The same file by another way.
fn detour(path: &Path) -> PathBuf {
    let folder = path.parent().expect("it is in a folder");
    folder.join("..").join(name_of(folder)).join(".").join(name_of(path))
}

/// Something that is wrong in another file.
fn finding_in(file: &Path) -> crate::studio::model::Finding {
    crate::studio::model::Finding {
        severity: easel_engine::Severity::Error,
        message: "it is wrong".into(),
        hint: None,
        place: None,
        drawn: String::new(),
        node: None,
        span: None,
        file: Some(file.into()),
        fix: None,
        told_by: None,
        is_missing_input: false,
    }
}

#[test]
fn who_goes_on_after_a_refused_save_is_not_sent_away_by_the_next_one() {
    let third = SMALL.replace("gallery.png", "third.png");
    for is_conflict in [false, true] {
        let mut bench = Bench::opened((100, 30), SMALL);
        reads(&mut bench, "mine.png");
        flow(&mut bench).wants_leave = true;
        if is_conflict {
            bench.tell(Message::Read("flow.ron".into(), Ok(third.as_str().into())));
        } else {
            bench.press("D");
        }
        assert!(!flow(&mut bench).wants_leave);
    }
    // What is written is seen in the file before that is told.
    let mut bench = Bench::opened((100, 30), SMALL);
    reads(&mut bench, "mine.png");
    flow(&mut bench).wants_leave = true;
    let text = bench.text();
    bench.tell(Message::Read("flow.ron".into(), Ok(text.into())));
    assert!(flow(&mut bench).wants_leave);
}

#[test]
fn a_conflict_shows_the_difference_and_its_end_is_undone_by_way_of_the_file() {
    let third = SMALL.replace("gallery.png", "third.png");
    let mut bench = Bench::opened((100, 30), SMALL);
    reads(&mut bench, "mine.png");
    let mine = bench.text();
    bench.tell(Message::Read("flow.ron".into(), Ok(third.as_str().into())));
    bench.press("ctrl-s");
    let shown = bench.shown();
    assert!(shown.contains("-         \"load\": LoadImage(path: \"third.png\")"), "{shown}");
    assert!(shown.contains("+         \"load\": LoadImage(path: \"mine.png\")"), "{shown}");
    bench.press("j enter");
    assert_eq!(bench.model.overlay, Some(Overlay::Conflict(0)), "it is short, and enter decides nothing");
    bench.press("m");
    assert_eq!(bench.text(), mine);
    bench.press("ctrl-z");
    assert_eq!(bench.text(), third);
    bench.press("ctrl-z");
    assert_eq!(bench.text(), mine);
}

#[test]
fn what_is_answered_twice_is_undone_twice() {
    let mut bench = Bench::opened((100, 30), SMALL);
    reads(&mut bench, "one.png");
    reads(&mut bench, "two.png");
    bench.press("ctrl-z");
    assert!(bench.text().contains("one.png"), "{}", bench.text());
    bench.press("ctrl-z");
    assert_eq!(bench.text(), SMALL);
}

fn problem(bench: &Bench) -> Option<String> {
    match &bench.model.overlay {
        Some(Overlay::Prompt(Prompt::Rename { problem, .. } | Prompt::Extract { problem, .. }, _)) => problem.clone(),
        other => panic!("no name is asked for: {other:?}"),
    }
}

#[test]
fn a_refused_name_stays_with_what_is_wrong_with_it() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.select("load");
    bench.press("f2 ctrl-u");
    bench.type_in("save");
    bench.press("enter");
    assert!(problem(&bench).is_some());
    bench.type_in("d");
    bench.press("enter");
    assert_eq!((bench.nodes(), bench.model.overlay.is_none()), (vec!["saved".into(), "save".into()], true));
    bench.press("e");
    bench.type_in("taken.ron");
    bench.press("enter");
    assert_eq!(problem(&bench).as_deref(), Some("there is one"));
    assert!(bench.shown().contains("taken.ron"), "{}", bench.shown());
}

#[test]
fn a_list_in_which_nothing_fits_stays_to_be_mended() {
    let mut bench = Bench::opened((100, 30), SMALL);
    for key in ["a", ":"] {
        bench.press(key);
        bench.type_in("qqqqqq");
        bench.press("enter");
        assert!(bench.shown().contains("qqqqqq"), "{}", bench.shown());
        bench.press("esc");
    }
}

#[test]
fn a_text_that_was_given_up_is_brought_back() {
    let mut bench = Bench::opened((100, 30), SMALL);
    asked(&mut bench);
    assert!(!bench.shown().contains("ctrl-z brings back"));
    bench.type_in("a long text.png");
    bench.press("esc esc");
    asked(&mut bench);
    assert!(bench.shown().contains("ctrl-z brings back what was typed before"), "{}", bench.shown());
    bench.type_in("other");
    bench.press("ctrl-z");
    assert!(bench.shown().contains("a long text.png"), "{}", bench.shown());
    bench.press("ctrl-z");
    assert!(bench.shown().contains("other"), "{}", bench.shown());
    bench.press("ctrl-z enter");
    assert!(bench.text().contains("a long text.png"), "{}", bench.text());
    bench.press("enter");
    assert!(!bench.shown().contains("ctrl-z brings back"), "{}", bench.shown());
    // Nothing is kept of a question that was only looked at.
    bench.press("esc enter");
    assert!(!bench.shown().contains("ctrl-z brings back"), "{}", bench.shown());
}

#[test]
fn what_is_taken_back_and_done_again_is_told() {
    let mut bench = Bench::opened((100, 30), SMALL);
    reads(&mut bench, "one.png");
    bench.press("ctrl-z");
    assert!(bench.shown().contains("taken back: set `load.path`"), "{}", bench.shown());
    bench.press("ctrl-y");
    assert!(bench.shown().contains("done again: set `load.path`"), "{}", bench.shown());
    bench.press("ctrl-y");
    assert!(bench.shown().contains("nothing was taken back"), "{}", bench.shown());
}

#[test]
fn what_is_pasted_keeps_its_lines_and_says_when_it_is_cut() {
    let mut bench = Bench::opened((100, 30), SMALL);
    asked(&mut bench);
    bench.tell(Message::Pasted("one\r\ntwo\tthree".into()));
    let Some(Overlay::Prompt(_, field)) = &bench.model.overlay else { panic!("it is asked still") };
    assert_eq!(field.text(), "one\ntwo three");
    bench.tell(Message::Pasted("x".repeat(200_000)));
    assert!(matches!(&bench.model.notice, Some((Tone::Warning, text)) if text.contains("its end was left out")));
}

#[test]
fn esc_in_the_list_of_workflows_leads_back() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.select("save");
    bench.press("o");
    assert!(bench.model.flow.is_none());
    bench.press("esc");
    assert_eq!((bench.selected().as_deref(), bench.text().as_str()), (Some("save"), SMALL));
    bench.press("o");
    let entry = Entry { path: "other.ron".into(), about: String::new() };
    bench.tell(Message::Listed(".".into(), Ok(vec![entry])));
    bench.press("enter");
    assert!(bench.model.closed.is_none() && flow(&mut bench).path == Path::new("other.ron"));
}

#[test]
fn esc_and_a_letter_that_arrive_as_one_key_are_both() {
    let mut bench = Bench::opened((100, 30), SMALL);
    bench.press("2");
    assert_eq!(bench.model.focus, crate::studio::model::Focus::Side);
    bench.press("alt-/");
    assert_eq!(bench.model.focus, crate::studio::model::Focus::Graph);
    assert!(matches!(&bench.model.overlay, Some(Overlay::Prompt(Prompt::Search, _))), "{}", bench.shown());
    // What is being typed is not given up by a key of other keyboards.
    bench.type_in("lo");
    bench.press("alt-x");
    assert!(matches!(&bench.model.overlay, Some(Overlay::Prompt(Prompt::Search, _))), "{}", bench.shown());
}
