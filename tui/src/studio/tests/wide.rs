//! Characters that take two columns, or none: everything stays in its columns, whatever nodes, values and files are called.

use proptest::prelude::*;
use ratatui::layout::Position;
use unicode_width::UnicodeWidthStr;

use super::*;

/// What names are made of.
const PIECES: [&str; 16] = [
    "a",
    "node",
    " ",
    "世界",
    "モデル",
    "ｆｕｌｌ",
    "한국어",
    "e\u{301}",
    "👩‍👩‍👧",
    "❤\u{fe0f}",
    "🇩🇪",
    "👍🏽",
    "क्षि",
    "\u{200b}",
    "ﷺ",
    "🎨",
];

fn names() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 1..14).prop_map(|pieces| pieces.concat())
}

/// What a terminal shows is what was drawn: no character that takes two columns lies under another one or sticks out.
fn is_in_its_columns(buffer: &Buffer) -> Result<(), String> {
    for y in buffer.area.top()..buffer.area.bottom() {
        for x in buffer.area.left()..buffer.area.right() {
            let symbol = buffer[(x, y)].symbol();
            let width = u16::try_from(symbol.width()).unwrap_or(u16::MAX);
            for under in x + 1..x.saturating_add(width) {
                let hidden = buffer.cell(Position { x: under, y }).map(|cell| cell.symbol());
                if hidden.is_none_or(|hidden| hidden.trim().width() > 0) {
                    return Err(format!("`{symbol}` at {x}, {y} lies over {hidden:?}"));
                }
            }
        }
    }
    Ok(())
}

/// A workflow that calls everything so, with a mistake.
fn workflow(names: &[String]) -> String {
    let [about, one, other, value] = names else { panic!("there are four names") };
    format!(
        "Workflow(version: 1, about: {about:?}, nodes: {{\n{:?}: LoadImage(path: {value:?}),\n{:?}: \
         SaveImage(image: From({:?}), name: {value:?}),\n{:?}: Txet(),\n}})",
        format!("1{one}"),
        format!("2{other}"),
        format!("1{one}"),
        format!("3{other}"),
    )
}

fn running(bench: &mut Bench, names: &[String]) {
    let run = RunId(7);
    let node: Arc<str> = format!("1{}", names[1]).into();
    bench.tell(Message::RunBegins { run: Some(run), nodes: vec![Arc::clone(&node), format!("2{}", names[2]).into()] });
    bench.tell(Message::Event(Box::new(Event::NodeStarted { run, node: Arc::clone(&node), seat: None })));
    bench.tell(Message::Event(Box::new(Event::NodeProgress { run, node: Arc::clone(&node), step: 1, steps: 9 })));
    let path = PathBuf::from(format!("{}.png", names[3]));
    bench.tell(Message::Event(Box::new(Event::ArtifactWritten { run, node, path })));
    bench.tell(Message::Told(Tone::Warning, names.concat()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 100, ..ProptestConfig::default() })]

    #[test]
    fn everything_stays_in_its_columns(
        names in prop::collection::vec(names(), 4),
        size in (20..130_u16, 5..45_u16),
    ) {
        let mut bench = Bench::new(size);
        bench.model.chooser = Some(Chooser::default());
        let entry = |name: &String| Entry { path: format!("{name}.ron").into(), about: names.concat() };
        bench.tell(Message::Listed(PathBuf::new(), Ok(names.iter().map(entry).collect())));
        let check = |bench: &Bench, after: &str| {
            is_in_its_columns(&bench.drawn()).map_err(|why| TestCaseError::fail(format!("after {after:?}: {why}")))
        };
        check(&bench, "the list")?;
        let effects = open(&mut bench.model, format!("{}.ron", names[0]).into());
        bench.perform(effects);
        bench.tell(Message::Read(format!("{}.ron", names[0]).into(), Ok(workflow(&names).into())));
        running(&mut bench, &names);
        for keys in [
            "1", "2", "enter", "3", "4", "5", "1 tab", "+", "+", "-", "-", "-", "Z", "Z", "?", "esc", ":", "esc", "a", "esc",
            "R", "esc", "tab down enter", "esc", "tab tab enter enter", "esc", "c", "esc", "esc m ctrl-s", "esc", "/", "esc", "q",
        ] {
            bench.press(keys);
            check(&bench, keys)?;
        }
        bench.press("esc /");
        bench.tell(Message::Pasted(names.concat()));
        check(&bench, "a search")?;
    }
}
