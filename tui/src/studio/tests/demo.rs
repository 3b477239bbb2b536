//! A demonstration touches nothing outside of it.

use super::*;
use crate::studio::model::DEMO;
use crate::studio::view::shows_gauges;

fn demo() -> Bench {
    let mut bench = Bench::opened((120, 40), SMALL);
    bench.model.is_demo = true;
    bench.asked.clear();
    bench.wished.clear();
    bench
}

#[test]
fn a_demonstration_refuses_what_leads_out_of_it() {
    for keys in ["o", "w", "Q", "5 a", "5 u", "5 x", "5 d", "7 d", "7 X", "6 r"] {
        let mut bench = demo();
        bench.press(keys);
        assert!(bench.shown().contains(DEMO), "{keys}");
        assert!(bench.wished.is_empty() && bench.asked.is_empty() && bench.saved.is_empty(), "{keys}");
        assert!(bench.model.overlay.is_none() && bench.model.flow.is_some() && !bench.model.queue.drains, "{keys}");
    }
}

#[test]
fn a_demonstration_does_not_read_the_journal() {
    for key in ["5", "6", "7"] {
        let mut bench = demo();
        bench.press(key);
        bench.model.notice = None;
        let words: String = bench.shown().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("nothing is run, written or cancelled") && bench.wished.is_empty(), "{key}");
    }
}

#[test]
fn a_demonstration_has_no_gauges() {
    let mut bench = demo();
    bench.press("r");
    assert!(bench.model.is_running() && !shows_gauges(&bench.model));
    bench.press("r");
    assert!(bench.model.overlay.is_none(), "there is no queue to wait in");
    assert_eq!(bench.asked, ["run"]);
}
