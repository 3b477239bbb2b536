//! The parts of the plugin interface by themselves. Whole plugins are tried in `engine/tests/plugins`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::sandbox::{Fault, Module};
use super::{abi, describe, wire};
use crate::node::{Inputs, NodeError};
use crate::registry::{Elements, Registry};
use crate::spec::{InputSpec, NodeSpec, OutputSpec, Presence};
use crate::value::{Data, DecodeError, Decoder, Encoder, Kind, List, Value, kinds};

fn described(text: &str) -> Result<describe::Description, String> {
    describe::read(text.as_bytes(), &Registry::new())
}

fn refused(text: &str) -> String {
    described(text).unwrap_err()
}

/// A description of one node type with these fields besides its name and output.
fn node(fields: &str) -> String {
    format!(r#"(nodes: [(name: "A", about: "", {fields} outputs: [(name: "o", kind: "Text", about: "")])])"#)
}

fn input(fields: &str) -> String {
    node(&format!(r#"inputs: [(name: "x", about: "", {fields})],"#))
}

#[test]
fn a_description_says_everything_that_a_spec_can() {
    let text = r#"
        // What compilers of descriptions write, and people.
        Plugin(
            about: "Two of them.",
            nodes: [
                (name: "Mix", about: "Mixes.", version: 3, inputs: [
                    (name: "amount", about: "how much", kinds: ["Float", "FloatList"], default: 1, range: (0, inf)),
                    (name: "way", about: "how", kinds: ["Text"], default: "a", choices: ["a", "b"]),
                    (name: "names", about: "whose", kinds: ["TextList"], default: []),
                    (name: "seed", about: "which", kinds: ["Integer"], optional: true),
                    (name: "flag", about: "whether", kinds: ["Boolean"]),
                ], outputs: [(name: "all", kind: "FloatListList", about: "them")]),
                (name: "Nothing", about: "", outputs: [(name: "o", kind: "Text", about: "")]),
            ],
        )"#;
    let description = described(text).unwrap();
    assert_eq!(description.about, "Two of them.");
    let [mix, nothing] = &description.nodes[..] else { panic!("there are two") };
    assert_eq!((mix.name, mix.version, mix.effect, nothing.version), ("Mix", 3, false, 1));
    let amount = mix.find_input("amount").unwrap();
    assert_eq!(
        (&amount.kinds[..], &amount.range),
        (&[kinds::FLOAT, kinds::FLOAT_LIST][..], &Some(0.0..=f64::INFINITY))
    );
    assert!(matches!(&amount.presence, Presence::Default(one) if *one == Value::new(1.0)), "{:?}", amount.presence);
    assert_eq!(mix.find_input("way").unwrap().choices, ["a", "b"]);
    let names = &mix.find_input("names").unwrap().presence;
    assert!(matches!(names, Presence::Default(none) if none.kind() == kinds::TEXT_LIST), "{names:?}");
    assert!(matches!(mix.find_input("seed").unwrap().presence, Presence::Optional));
    assert!(matches!(mix.find_input("flag").unwrap().presence, Presence::Required));
    assert_eq!(mix.find_output("all").unwrap().kind, kinds::FLOAT_LIST.list());
}

#[test]
fn wrong_descriptions_say_what_is_wrong() {
    let long = format!("(nodes: []) // {}", "x".repeat(abi::MAX_DESCRIPTION));
    let deep = format!("(nodes: {}", "[".repeat(50_000));
    let cases = [
        (String::new(), "1:1"),
        ("(nodes: [])".into(), "there are no node types in it"),
        (long, "are allowed"),
        (deep, "1:"),
        ("(nodes: [], secrets: 1)".into(), "secrets"),
        (node("speed: 1,"), "speed"),
        (r#"(nodes: [(name: "A", about: "", outputs: [])])"#.into(), "node type `A`: it has no outputs"),
        (input(r#"kinds: []"#), "input `x`: it takes no kind"),
        (input(r#"kinds: ["Flaot"]"#), "there is no kind \"Flaot\"; did you mean `Float`?"),
        (input(r#"kinds: ["Any"]"#), "there is no kind \"Any\""),
        (input(r#"kinds: ["Float"], default: "a""#), "its default is Text, a kind that it does not take"),
        (input(r#"kinds: ["Float"], default: {1: 2}"#), "its default is no text, number, boolean or list"),
        (input(r#"kinds: ["FloatList"], default: [1, "a"]"#), "its default is no text, number, boolean or list"),
        (input(r#"kinds: ["Integer"], default: 18446744073709551615"#), "its default is no text, number"),
        (input(r#"kinds: ["Float"], default: 1, optional: true"#), "it can be one of the two"),
        (input(r#"kinds: ["Text"], choices: ["\u{1b}[2J"]"#), "control character"),
        ("(nodes: [ \u{1b} ])".into(), "control character"),
        ("(nodes: [ \u{202e} ])".into(), "control character"),
    ];
    for (text, reason) in cases {
        let message = refused(&text);
        assert!(message.contains(reason), "{message} / {reason}");
    }
    assert!(describe::read(b"\xff", &Registry::new()).unwrap_err().contains("UTF-8"));
}

fn spec() -> NodeSpec {
    NodeSpec::new("A", "")
        .input(InputSpec::new("x", kinds::TEXT, ""))
        .input(InputSpec::new("y", kinds::INTEGER_LIST, "").optional())
        .output(OutputSpec::new("a", kinds::TEXT, ""))
        .output(OutputSpec::new("b", kinds::INTEGER_LIST, ""))
}

fn encoded(write: impl FnOnce(&mut Encoder<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut Encoder::new(&mut bytes));
    bytes
}

fn integers(numbers: &[i64]) -> Value {
    List::new(kinds::INTEGER, numbers.iter().map(|&number| Value::new(number)).collect()).unwrap().into()
}

#[test]
fn inputs_are_written_as_documented() {
    let given = Inputs::new([("y", integers(&[7])), ("x", Value::new("hi".to_string()))]);
    let bytes = wire::inputs(&spec(), &given, abi::MAX_MEMORY).unwrap().unwrap();
    let expected = encoded(|encoder| {
        encoder.number(2);
        encoder.text("x");
        encoder.text("Text");
        encoder.bytes(b"\x02\0\0\0\0\0\0\0hi");
        encoder.text("y");
        encoder.text("IntegerList");
        encoder.bytes(b"\x01\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0");
    });
    assert_eq!(bytes, expected);
    let without = Inputs::new([("x", Value::new(String::new()))]);
    let without = wire::inputs(&spec(), &without, abi::MAX_MEMORY).unwrap().unwrap();
    assert_eq!(without[0], 1, "what is not given is not there");
}

#[test]
fn lists_in_inputs_are_written_as_everywhere() {
    let lists = List::new(kinds::INTEGER_LIST, vec![integers(&[1, 2]), integers(&[]), integers(&[3])]).unwrap();
    let lists = Value::from(lists);
    let bytes = wire::inputs(&spec(), &Inputs::new([("y", lists.clone())]), abi::MAX_MEMORY).unwrap().unwrap();
    let expected = encoded(|encoder| {
        encoder.number(1);
        encoder.text("y");
        encoder.text("IntegerListList");
        encoder.bytes(&lists.encode());
    });
    assert_eq!(bytes, expected);
}

/// A mebibyte, of which it is known how often it was encoded.
struct Mebibyte(Arc<AtomicUsize>);

impl Data for Mebibyte {
    const KIND: Kind = Kind::new("Mebibyte");

    fn summary(&self) -> String {
        "a mebibyte".into()
    }

    fn encode(&self, encoder: &mut Encoder<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        encoder.raw(&[0; 1 << 20]);
    }

    fn decode(_: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Err(DecodeError::new("nobody wants it back"))
    }
}

#[test]
fn no_more_is_encoded_than_there_is_room_for() {
    let given = Inputs::new([("x", Value::new("hi".to_string())), ("y", integers(&[1, 2, 3]))]);
    let whole = wire::inputs(&spec(), &given, abi::MAX_MEMORY).unwrap().unwrap();
    for room in 0..whole.len() {
        assert_eq!(wire::inputs(&spec(), &given, room).unwrap(), None, "{room} bytes of room");
    }
    let exactly = wire::inputs(&spec(), &given, whole.len()).unwrap().unwrap();
    assert_eq!((&exactly, exactly.capacity()), (&whole, whole.len()));

    let encoded = Arc::new(AtomicUsize::new(0));
    let many = (0..1000).map(|_| Value::new(Mebibyte(Arc::clone(&encoded)))).collect();
    let inner = Value::from(List::new(Mebibyte::KIND, many).unwrap());
    let outer = List::new(inner.kind(), vec![inner.clone(), inner]).unwrap();
    let given = Inputs::new([("y", outer.into())]);
    assert_eq!(wire::inputs(&spec(), &given, 3 << 20).unwrap(), None);
    assert_eq!(encoded.load(Ordering::Relaxed), 3, "the third does not fit, and is the last that is asked");
}

fn read(bytes: &[u8]) -> Result<Result<crate::node::Outputs, NodeError>, String> {
    wire::reply(bytes, &spec(), &Registry::new()).map_err(|error| error.to_string())
}

#[test]
fn a_reply_gives_outputs_keeps_them_back_or_says_why_not() {
    let outputs = encoded(|encoder| {
        encoder.number(0);
        encoder.number(2);
        encoder.text("b");
        encoder.number(0);
        encoder.bytes(&integers(&[1, -1]).encode());
        encoder.text("a");
        encoder.number(1);
        encoder.text("not today");
    });
    let outputs = read(&outputs).unwrap().unwrap();
    assert_eq!(outputs.get("b"), Some(&integers(&[1, -1])));
    assert_eq!(outputs.blocked("a"), Some("not today"));
    let failed = encoded(|encoder| {
        encoder.number(1);
        encoder.text("too blue");
        encoder.text("use less blue");
    });
    let NodeError::Failed { message, hint, .. } = read(&failed).unwrap().unwrap_err() else { panic!("it failed") };
    assert_eq!((message.as_str(), hint.as_deref()), ("too blue", Some("use less blue")));
}

#[test]
fn words_of_a_plugin_are_cut() {
    let long = "ä".repeat(1 << 20);
    let failed = encoded(|encoder| {
        encoder.number(1);
        encoder.text(&long);
        encoder.text(&long);
    });
    let NodeError::Failed { message, hint, .. } = read(&failed).unwrap().unwrap_err() else { panic!("it failed") };
    let expected = format!("{}…", "ä".repeat(abi::MAX_TOLD / 2));
    assert!(message == expected && hint.as_deref() == Some(&expected), "{} bytes", message.len());
    let blocked = encoded(|encoder| {
        encoder.number(0);
        encoder.number(1);
        encoder.text("a");
        encoder.number(1);
        encoder.text(&long);
    });
    assert!(read(&blocked).unwrap().unwrap().blocked("a") == Some(&expected), "the reason is cut too");
    let unknown = encoded(|encoder| {
        encoder.number(0);
        encoder.number(1);
        encoder.text(&long);
    });
    assert_eq!(read(&unknown).unwrap_err(), format!("there is no output \"{}…\"", "ä".repeat(50)));
}

/// A reply whose output `b` is a list of so many ones.
fn ones(count: usize) -> Vec<u8> {
    let element = encoded(|encoder| encoder.bytes(&1_i64.to_le_bytes()));
    encoded(|encoder| {
        encoder.number(0);
        encoder.number(1);
        encoder.text("b");
        encoder.number(0);
        encoder.number((8 + count * element.len()) as u64);
        encoder.number(count as u64);
        encoder.raw(&element.repeat(count));
    })
}

#[test]
fn a_reply_has_a_bounded_number_of_list_elements() {
    let outputs = read(&ones(abi::MAX_ELEMENTS)).unwrap().unwrap();
    assert_eq!(outputs.get("b").unwrap().list().unwrap().items().len(), abi::MAX_ELEMENTS);
    let message = read(&ones(abi::MAX_ELEMENTS + 1)).unwrap_err();
    assert!(message.ends_with("lists may have 1048576 elements in all, there are more"), "{message}");
}

#[test]
fn elements_of_all_lists_in_lists_and_of_all_values_are_counted_together() {
    let lists = List::new(kinds::INTEGER_LIST, vec![integers(&[1, 2]), integers(&[3])]).unwrap();
    let (lists, registry) = (Value::from(lists), Registry::new());
    let mut ten = Elements::at_most(10);
    for is_within in [true, true, false] {
        let decoded = registry.decode_within(lists.kind(), &lists.encode(), &mut ten);
        assert_eq!(decoded.is_ok(), is_within, "each has five: {decoded:?}");
    }
}

#[test]
fn what_is_no_reply_says_why() {
    let value = |name: &str, value: &[u8]| {
        encoded(|encoder| {
            encoder.number(0);
            encoder.number(1);
            encoder.text(name);
            encoder.number(0);
            encoder.bytes(value);
        })
    };
    let twice = encoded(|encoder| {
        encoder.number(0);
        encoder.number(2);
        for _ in 0..2 {
            encoder.text("a");
            encoder.number(1);
            encoder.text("");
        }
    });
    let countless = encoded(|encoder| {
        encoder.number(0);
        encoder.number(u64::MAX);
    });
    let huge_list = encoded(|encoder| encoder.number(1 << 40));
    let mut longer = value("a", &Value::new("x".to_string()).encode());
    longer.push(0);
    let cases = [
        (vec![], "8 bytes are wanted, 0 are left"),
        (encoded(|encoder| encoder.number(7)), "7 is no way to end"),
        (countless, "are wanted"),
        (value("z", b""), "there is no output \"z\""),
        (value("a", b"\xff"), "the output `a` is no Text"),
        (value("b", &Value::new(1_i64).encode()), "the output `b` is no IntegerList"),
        (value("b", &huge_list), "the output `b` is no IntegerList"),
        (twice, "given twice"),
        (longer, "1 bytes are left over"),
    ];
    for (bytes, reason) in cases {
        let message = read(&bytes).unwrap_err();
        assert!(message.contains(reason), "{message} / {reason}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        super::probe::decode(&bytes, &Registry::new());
    }

    #[test]
    fn nor_do_descriptions_with_a_hole(from in 0_usize..2000, length in 0_usize..40) {
        let whole = input(r#"kinds: ["Float"], default: 1.5, range: (0.0, 2.0)"#);
        let (from, to) = (from.min(whole.len()), (from + length).min(whole.len()));
        let _ = described(&[&whole[..from], &whole[to..]].concat());
    }
}

/// Everything that can be interrupted: loops, calls in calls, calls of the host, and instructions that take long.
const BUSY: &str = r#"(module
    (import "easel" "progress" (func $progress (param i32 i32)))
    (memory (export "memory") 1)
    (func (export "easel_abi_version") (result i32) i32.const 1)
    (func (export "easel_describe") (result i64) i64.const 0)
    (func (export "easel_alloc") (param i32) (result i32) i32.const 8)
    (func $fibonacci (param $n i32) (result i64)
        (if (result i64) (i32.lt_u (local.get $n) (i32.const 2))
            (then (i64.extend_i32_u (local.get $n)))
            (else (i64.add (call $fibonacci (i32.sub (local.get $n) (i32.const 1)))
                           (call $fibonacci (i32.sub (local.get $n) (i32.const 2)))))))
    (func (export "easel_run") (param $node i32) (param $times i32) (param i32) (result i64)
        (local $sum i64) (local $i i32)
        (drop (memory.grow (i32.const 3)))
        (loop $again
            (call $progress (local.get $i) (local.get $times))
            (memory.fill (i32.mul (local.get $i) (i32.const 512)) (local.get $i) (i32.const 4096))
            (memory.copy (i32.const 131072) (i32.mul (local.get $i) (i32.const 512)) (i32.const 4096))
            (local.set $sum (i64.add
                (i64.mul (local.get $sum) (i64.const 31))
                (i64.add (call $fibonacci (i32.const 9)) (i64.load (i32.const 131080)))))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $times))))
        local.get $sum)
    )"#;

#[test]
fn interruptions_change_no_result() {
    let module = Module::new(&wat::parse_str(BUSY).unwrap()).unwrap();
    let run = |slice: u64| {
        let mut instance = module.instantiate().unwrap();
        instance.slice = slice;
        let (mut looks, mut last) = (0, None);
        let result: i64 = instance
            .call(abi::RUN, (0_i32, 40_i32, 0_i32), &mut |host| {
                looks += 1;
                last = host.take_progress().or(last);
                Ok(())
            })
            .unwrap();
        assert_eq!(last, Some((39, 40)));
        (result, looks)
    };
    let (whole, once) = run(u64::MAX);
    assert_eq!(once, 1);
    let mut looks = 0;
    for slice in [100_000, 1000, 100, 17, 1] {
        let (result, looked) = run(slice);
        assert_eq!(result, whole, "slices of {slice}");
        assert!(looked > looks, "slices of {slice}: {looked} looks");
        looks = looked;
    }
}

#[test]
fn calls_of_the_host_are_paid_for_one_by_one() {
    // No loop: the interpreter itself would not look between them.
    let calls = "(call $warn (i32.const 0) (i32.const 8192))".repeat(300);
    let text = format!(
        r#"(module
            (import "easel" "warn" (func $warn (param i32 i32)))
            (memory (export "memory") 1)
            (func (export "easel_abi_version") (result i32) i32.const 1)
            (func (export "easel_describe") (result i64) i64.const 0)
            (func (export "easel_alloc") (param i32) (result i32) i32.const 8)
            (func (export "easel_run") (param i32 i32 i32) (result i64) {calls} i64.const 7))"#
    );
    let module = wat::parse_str(text).unwrap();
    let mut instance = Module::new(&module).unwrap().instantiate().unwrap();
    instance.slice = 10 * abi::CALL;
    let mut heard = Vec::new();
    let result = instance.call(abi::RUN, (0_i32, 0_i32, 0_i32), &mut |host| {
        heard.push(host.take_tellings().len());
        Ok(())
    });
    assert_eq!(result, Ok(7_i64));
    assert_eq!(heard.iter().sum::<usize>(), abi::MAX_TELLINGS + 1);
    assert!(heard.iter().all(|&count| count <= 1), "texts cost more than a slice: {heard:?}");
    assert!(heard.len() > abi::MAX_TELLINGS + 20, "and what is not heard is paid for too: {heard:?}");
}

#[test]
fn whoever_looks_can_end_a_call() {
    let module = Module::new(&wat::parse_str(BUSY).unwrap()).unwrap();
    let mut instance = module.instantiate().unwrap();
    instance.slice = 1000;
    let mut looks = 0;
    let ended = instance.call::<_, i64>(abi::RUN, (0_i32, i32::MAX, 0_i32), &mut |_| {
        looks += 1;
        if looks < 10 { Ok(()) } else { Err(Fault::Cancelled) }
    });
    assert_eq!((ended, looks), (Err(Fault::Cancelled), 10));
}
