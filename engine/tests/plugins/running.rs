//! Nodes of plugins in runs.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use easel_engine::{
    Cache, CancelToken, Event, EventSink, MemoryPolicy, Outcome, Plan, Run, RunReport, Services, Settings, Source,
};

use crate::guests::{ECHO, Folder, Guest};

/// Long enough for any machine: only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

const FLOW: &str = r#"Workflow(version: 1, nodes: { "a": Node(x: "hello"), "b": Node(x: From("a")) })"#;

fn plan(folder: &Folder, text: &str) -> Plan {
    let set = folder.load();
    let problems: Vec<_> = set.diagnostics().collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let source = Source::new("test.ron", text);
    Plan::prepare(&source, &set.registry, &Settings::default()).unwrap_or_else(|found| panic!("{found:#?}")).0
}

/// Runs `FLOW` with a plugin whose node does this.
fn run(guest: &Guest) -> (RunReport, Vec<Event>) {
    let folder = Folder::with("node.wasm", &guest.bytes());
    let mut events = EventSink::new();
    let told = events.listen();
    let report = Run::new(plan(&folder, FLOW), Services::default(), events, CancelToken::new()).execute();
    (report, told.into_iter().collect())
}

/// Why the node `a` failed that does this.
fn failure(guest: &Guest) -> String {
    let (report, _) = run(guest);
    let [failure] = &report.failed[..] else { panic!("one node fails: {report:?}") };
    assert_eq!((&*failure.node, report.skipped.len()), ("a", 1), "it fails alone");
    failure.message.clone()
}

fn result(report: &RunReport) -> Option<&str> {
    report.outputs.get("b")?.get("x")?.get::<String>().map(String::as_str)
}

#[test]
fn a_node_of_a_plugin_is_a_node() {
    let (report, events) = run(&Guest::running(ECHO));
    assert_eq!((report.outcome, result(&report)), (Outcome::Completed, Some("hello")));
    let hash = blake3::hash(&Guest::running(ECHO).bytes()).to_hex().to_string();
    let noted =
        |event: &Event| matches!(event, Event::NodeNote { key, value, .. } if key == "plugin.blake3" && *value == hash);
    assert_eq!(events.iter().filter(|event| noted(event)).count(), 2, "what comes of it says so");
}

#[test]
fn its_inputs_are_checked_like_those_of_others() {
    let folder = Folder::with("node.wasm", &Guest::running(ECHO).bytes());
    let registry = folder.load().registry;
    let text = r#"Workflow(version: 1, nodes: { "a": Node(x: 1, y: 2), "b": Nodde(x: From("a.z")) })"#;
    let found = Plan::prepare(&Source::new("test.ron", text), &registry, &Settings::default()).err().expect("wrong");
    let all: String = found.iter().map(|found| format!("{found} {:?}\n", found.hint)).collect();
    assert!(all.contains("did you mean `Node`?") && all.contains("write \\\"1\\\""), "{all}");
}

#[test]
fn results_are_kept_under_the_hash_of_the_plugin() {
    let folder = Folder::with("node.wasm", &Guest::running(ECHO).bytes());
    let cache = Arc::new(Cache::in_memory(MemoryPolicy::Everything));
    let run = || {
        let run = Run::new(plan(&folder, FLOW), Services::default(), EventSink::new(), CancelToken::new());
        run.with_cache(Arc::clone(&cache)).execute()
    };
    let counts = |report: RunReport| (report.finished.len(), report.cached.len());
    assert_eq!(counts(run()), (1, 1), "`b` is asked what `a` was asked");
    assert_eq!(counts(run()), (0, 2));
    // Another plugin, although it does the same.
    folder.write("node.wasm", &Guest { pages: 5, ..Guest::running(ECHO) }.bytes());
    assert_eq!(counts(run()), (1, 1));
    folder.write("node.wasm", &Guest::running(ECHO).bytes());
    assert_eq!(counts(run()), (0, 2), "the old one is known still");
}

#[test]
fn calls_know_nothing_of_each_other() {
    // Replies as it should the first time, and traps the second time in one memory.
    let once = format!(
        "(if (i32.load (i32.const 8)) (then unreachable)) (i32.store (i32.const 8) (i32.const 1)) {}",
        ECHO.replace("(local $reply i32) (local $value i32)", "")
    );
    let (report, _) = run(&Guest::running(&format!("(local $reply i32) (local $value i32) {once}")));
    assert_eq!((report.outcome, result(&report)), (Outcome::Completed, Some("hello")));
}

#[test]
fn a_trap_is_a_failed_node_that_says_where_and_why() {
    let trap = failure(&Guest::running("unreachable"));
    assert!(trap.starts_with("the plugin ") && trap.contains("node.wasm trapped: wasm `unreachable`"), "{trap}");
    let (report, events) = run(&Guest::running("unreachable"));
    let failed = events.iter().find_map(|event| match event {
        Event::NodeFailed { node, node_type, hint, .. } => {
            Some((node.to_string(), node_type.to_string(), hint.clone()))
        }
        _ => None,
    });
    let (node, node_type, hint) = failed.expect("it failed");
    assert_eq!((node.as_str(), node_type.as_str(), report.outcome), ("a", "Node", Outcome::Failed));
    assert!(hint.is_some_and(|hint| hint.contains("the plugin's")));
    for (run, reason) in [
        ("(drop (i32.div_u (i32.const 1) (i32.const 0))) i64.const 0", "trapped: integer divide by zero"),
        ("(drop (i32.load (i32.const -4))) i64.const 0", "trapped: out of bounds memory access"),
        ("(drop (call $deeper (i32.const 0))) i64.const 0", "trapped: call stack exhausted"),
        ("(call $panic (i32.const 1025) (i32.const 5)) i64.const 0", "panicked: about"),
        (
            "(call $panic (i32.const -8) (i32.const 90)) i64.const 0",
            "says that the reason of a panic is 90 byte(s) at 4294967288",
        ),
        ("(call $warn (i32.const 262143) (i32.const 2)) i64.const 0", "says that a warning is 2 byte(s) at 262143"),
    ] {
        let deeper = "(func $deeper (param i32) (result i32)
            (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (local.get 0)))";
        let message = failure(&Guest { fields: deeper.into(), ..Guest::running(run) });
        assert!(message.contains(reason), "{message} / {reason}");
    }
}

#[test]
fn replies_that_are_none_fail_the_node() {
    for (run, reason) in [
        ("i64.const 0x0001_0000_4000_0000", "says that its reply is 1073741824 byte(s) at 65536"),
        ("i64.const -1", "says that its reply is 4294967295 byte(s) at 4294967295"),
        ("i64.const 0", "gave no sound reply: 8 bytes are wanted, 0 are left"),
        ("i64.const 0x0000_0400_0000_0020", "gave no sound reply"),
        (&ECHO.replace("(i32.const 120)", "(i32.const 121)"), "there is no output \"y\""),
        (
            &ECHO.replace("offset=25 (local.get $reply) (i64.const 0)", "offset=25 (local.get $reply) (i64.const 9)"),
            "9 is neither",
        ),
        (
            &ECHO.replace(
                "(i64.store offset=8 (local.get $reply) (i64.const 1))",
                "(i64.store offset=8 (local.get $reply) (i64.const -1))",
            ),
            "gave no sound reply",
        ),
    ] {
        let message = failure(&Guest::running(run));
        assert!(message.contains(reason), "{message} / {reason}");
    }
    let number = Guest::running(ECHO);
    let description = number.description.replace(r#"(name: "x", kind: "Text""#, r#"(name: "x", kind: "Integer""#);
    let folder = Folder::with("node.wasm", &Guest { description, ..number }.bytes());
    let text = r#"Workflow(version: 1, nodes: { "a": Node(x: "hello") })"#;
    let report = Run::new(plan(&folder, text), Services::default(), EventSink::new(), CancelToken::new()).execute();
    let message = &report.failed[0].message;
    assert!(message.contains("the output `x` is no Integer"), "{message}");
}

#[test]
fn inputs_that_a_plugin_has_no_room_for_fail_the_node() {
    for (allocate, reason) in [
        ("i32.const 0", "wants more memory than it may have"),
        ("i32.const 262140", "says that the room for its inputs is"),
        ("i32.const -1", "says that the room for its inputs is"),
        ("unreachable", "trapped"),
    ] {
        let message = failure(&Guest { allocate: allocate.into(), ..Guest::running(ECHO) });
        assert!(message.contains(reason), "{message} / {reason}");
    }
}

#[test]
fn memory_ends_where_it_is_said_to() {
    let grow = |pages: usize| {
        let grow = format!("(drop (memory.grow (i32.const {pages})))");
        Guest::running(&ECHO.replacen("(local.set $reply", &format!("{grow} (local.set $reply"), 1))
    };
    let message = failure(&grow(4093));
    assert!(message.contains("wants more memory than it may have (256 MiB"), "{message}");
    assert_eq!(run(&grow(4092)).0.outcome, Outcome::Completed, "exactly 256 MiB");
    let little_by_little = "(loop $again (drop (memory.grow (i32.const 1))) (br $again)) unreachable";
    assert!(failure(&Guest::running(little_by_little)).contains("wants more memory than it may have"));
}

#[test]
fn what_a_plugin_says_is_heard_in_bounds() {
    let once = "(call $progress (i32.const 3) (i32.const 7)) (call $warn (i32.const 1025) (i32.const 5))
        (call $note (i32.const 1025) (i32.const 5) (i32.const 1032) (i32.const 6)) (local.set $reply";
    let (_, events) = run(&Guest::running(&ECHO.replacen("(local.set $reply", once, 1)));
    let of_a = |event: &&Event| match event {
        Event::NodeProgress { node, .. } | Event::NodeWarning { node, .. } | Event::NodeNote { node, .. } => {
            &**node == "a"
        }
        _ => false,
    };
    let said: Vec<_> = events.iter().filter(of_a).collect();
    assert!(said.iter().any(|event| matches!(event, Event::NodeProgress { step: 3, steps: 7, .. })), "{said:?}");
    assert!(said.iter().any(|event| matches!(event, Event::NodeWarning { message, .. } if message == "about")));
    assert!(
        said.iter()
            .any(|event| matches!(event, Event::NodeNote { key, value, .. } if key == "about" && value == "\"Echoe"))
    );

    let flood =
        "(loop $again (call $warn (i32.const 0) (i32.const 262144)) (call $progress (local.get $value) (i32.const 7))
        (br_if $again (i32.lt_u (local.tee $value (i32.add (local.get $value) (i32.const 1))) (i32.const 100000))))
        (local.set $reply";
    let (report, events) = run(&Guest::running(&ECHO.replacen("(local.set $reply", flood, 1)));
    assert_eq!(report.outcome, Outcome::Completed);
    let warnings: Vec<_> = events
        .iter()
        .filter(of_a)
        .filter_map(|event| match event {
            Event::NodeWarning { message, .. } => Some(message),
            _ => None,
        })
        .collect();
    assert_eq!(warnings.len(), 65);
    assert!(warnings.iter().all(|warning| warning.len() <= 4096 + "…".len()));
    assert!(warnings[64].contains("the rest is left out"), "{}", warnings[64]);
    let progress = events.iter().filter(|event| matches!(event, Event::NodeProgress { .. })).count();
    assert!(progress < 1000, "{progress} times, not 200,000 times");
}

#[test]
fn what_a_plugin_says_before_it_fails_is_heard() {
    let said = "(call $warn (i32.const 1025) (i32.const 5))";
    for fails in ["unreachable", "(call $panic (i32.const 1025) (i32.const 5)) unreachable", "i64.const -1"] {
        let (report, events) = run(&Guest::running(&format!("{said} {fails}")));
        assert_eq!(report.outcome, Outcome::Failed);
        let is_heard = |event: &Event| matches!(event, Event::NodeWarning { message, .. } if message == "about");
        let heard = events.iter().position(is_heard).expect("it is heard");
        let failed = events.iter().position(|event| matches!(event, Event::NodeFailed { .. })).expect("it failed");
        assert!(heard < failed, "{fails}");
    }
}

#[test]
fn a_wrong_reply_fails_the_node_in_few_words() {
    let place = 65_536;
    let reply = format!(
        "(i64.store (i32.const {place}) (i64.const 0)) (i64.store offset=8 (i32.const {place}) (i64.const 1))
        (i64.store offset=16 (i32.const {place}) (i64.const 100000)) i64.const {}",
        (place << 32) | 100_024_i64
    );
    let message = failure(&Guest::running(&reply));
    assert!(message.contains("gave no sound reply: there is no output") && message.ends_with("…\""), "{message}");
    assert!(message.len() < 4096, "{} bytes", message.len());
}

/// A run under way of a plugin that never ends, which says so first.
struct Endless {
    cancel: CancelToken,
    told: Receiver<Event>,
    ended: Receiver<RunReport>,
}

fn endless(options: &str) -> Endless {
    let guest = Guest::running("(loop $again (call $progress (i32.const 1) (i32.const 2)) (br $again)) unreachable");
    let folder = Folder::with("node.wasm", &guest.bytes());
    let text = format!(r#"Workflow(version: 1, nodes: {{ "a": Node(x: "", {options}) }})"#);
    let plan = plan(&folder, &text);
    let (mut events, cancel) = (EventSink::new(), CancelToken::new());
    let told = events.listen();
    let (sender, ended) = channel();
    let run = Run::new(plan, Services::default(), events, cancel.clone());
    // Whoever waits for it may have given up.
    std::thread::spawn(move || drop(sender.send(run.execute())));
    Endless { cancel, told, ended }
}

#[test]
fn an_endless_call_ends_when_its_run_is_cancelled() {
    let Endless { cancel, told, ended } = endless("");
    let is_under_way = |event: &Event| matches!(event, Event::NodeProgress { .. });
    assert!(told.iter().any(|event| is_under_way(&event)), "it runs");
    cancel.cancel();
    let report = ended.recv_timeout(PATIENCE).expect("it ends");
    assert_eq!(report.outcome, Outcome::Cancelled);
}

#[test]
fn an_endless_call_ends_when_its_time_is_over() {
    let Endless { ended, .. } = endless(r#"options: (timeout: 0.05)"#);
    let report = ended.recv_timeout(PATIENCE).expect("it ends");
    assert_eq!(report.outcome, Outcome::Failed);
    assert!(report.failed[0].message.contains("timeout"), "{}", report.failed[0].message);
}

#[test]
fn calls_run_side_by_side() {
    let folder = Folder::with("node.wasm", &Guest::running(ECHO).bytes());
    let nodes: Vec<_> = (0..64).map(|number| format!(r#""n{number}": Node(x: "text {number}")"#)).collect();
    let text = format!("Workflow(version: 1, nodes: {{ {} }})", nodes.join(", "));
    let report = Run::new(plan(&folder, &text), Services::default(), EventSink::new(), CancelToken::new()).execute();
    for number in 0..64 {
        let output = report.outputs[format!("n{number}").as_str()].get("x").and_then(|value| value.get::<String>());
        assert_eq!(output, Some(&format!("text {number}")));
    }
}
