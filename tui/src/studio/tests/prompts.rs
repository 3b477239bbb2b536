//! The prompts of earlier runs, while a text is typed.

use super::*;

fn typing(bench: &mut Bench) {
    bench.press("enter enter");
    let prompts = ["a crab", "a pizza", "a cat"].map(Arc::from);
    bench.tell(Message::Prompts(Arc::new(prompts)));
}

fn typed(bench: &Bench) -> String {
    match &bench.model.overlay {
        Some(Overlay::Prompt(_, field)) => field.text(),
        other => panic!("nothing is typed: {other:?}"),
    }
}

fn control(bench: &mut Bench, code: KeyCode) {
    bench.key(KeyEvent::new(code, KeyModifiers::CONTROL));
}

#[test]
fn prompts_of_earlier_runs_are_gone_through_and_what_was_typed_comes_back() {
    let mut bench = Bench::opened((80, 24), SMALL);
    assert!(!bench.model.asked.browse.prompts);
    typing(&mut bench);
    assert!(bench.model.asked.browse.prompts);
    control(&mut bench, KeyCode::Down);
    assert_eq!(typed(&bench), "gallery.png");
    for expected in ["a crab", "a pizza", "a cat", "a cat"] {
        control(&mut bench, KeyCode::Up);
        assert_eq!(typed(&bench), expected);
    }
    for expected in ["a pizza", "a crab", "gallery.png", "gallery.png"] {
        control(&mut bench, KeyCode::Down);
        assert_eq!(typed(&bench), expected);
    }
    control(&mut bench, KeyCode::Up);
    bench.press("enter");
    assert!(bench.text().contains("path: \"a crab\""), "{}", bench.text());
    assert!(!bench.model.asked.browse.prompts);
}

#[test]
fn a_prompt_is_found_by_a_few_letters() {
    let mut bench = Bench::opened((80, 24), SMALL);
    typing(&mut bench);
    control(&mut bench, KeyCode::Char('r'));
    bench.type_in("pza");
    insta::assert_snapshot!(bench.shown());
    bench.press("enter");
    assert_eq!(typed(&bench), "a pizza");
    let mut none = Bench::opened((80, 24), SMALL);
    none.press("enter enter");
    control(&mut none, KeyCode::Char('r'));
    control(&mut none, KeyCode::Up);
    assert_eq!(typed(&none), "gallery.png");
}
