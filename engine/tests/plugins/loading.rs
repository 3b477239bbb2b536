//! What is in a folder of plugins, whatever that is.

use easel_engine::{PluginError, Plugins, Registry};

use crate::guests::{ECHO, Folder, Guest, echoes};

/// What is wrong with a plugin of these bytes.
fn problem(bytes: &[u8]) -> String {
    Folder::with("a.wasm", bytes).problem()
}

/// The sound echoing plugin with something replaced in its text.
fn spoilt(from: &str, to: &str) -> String {
    let text = Guest::echoing(&["Echo"]).text();
    assert!(text.contains(from), "{from} in {text}");
    problem(&wat::parse_str(text.replace(from, to)).expect("it is WebAssembly"))
}

#[test]
fn a_plugin_brings_its_node_types() {
    let folder = Folder::with("echo.wasm", &Guest::echoing(&["Echo", "Repeat"]).bytes());
    let set = folder.load();
    let [file] = &set.files[..] else { panic!("{:?}", set.files) };
    assert_eq!((&file.node_types[..], file.about.as_str()), (&["Echo", "Repeat"][..], "Echoes."));
    assert!(file.problem.is_none() && file.same_as.is_none());
    let hash = blake3::hash(&Guest::echoing(&["Echo", "Repeat"]).bytes());
    assert_eq!(file.fingerprint.map(|hash| hash.to_string()), Some(hash.to_hex().to_string()), "b3sum gives the same");
    assert_eq!(set.registry.specs().map(|spec| spec.name).collect::<Vec<_>>(), ["Echo", "Repeat"]);
    assert_eq!(set.diagnostics().count(), 0);
}

#[test]
fn only_files_that_look_like_plugins_are_read() {
    let folder = Folder::new();
    let bytes = Guest::echoing(&["Echo"]).bytes();
    for name in ["a.wasm.bak", "wasm", "README.md", ".hidden.wasm", "a.wat"] {
        folder.write(name, &bytes);
    }
    std::fs::create_dir(folder.path().join("below")).expect("it can be made");
    folder.write("below/a.wasm", &bytes);
    assert_eq!(folder.load().files.len(), 0);
    assert_eq!(Plugins::new(Registry::new()).load(&[folder.path().join("none")]).files.len(), 0);
}

#[test]
fn garbage_is_refused_and_says_why() {
    let whole = Guest::echoing(&["Echo"]).bytes();
    assert!(problem(b"").starts_with("it is no sound WebAssembly module"), "{}", problem(b""));
    assert!(problem(b"GIF89a").contains("no sound WebAssembly module"));
    for end in (1..whole.len()).step_by(7) {
        assert!(problem(&whole[..end]).contains("it "), "cut off after {end} bytes");
    }
    let mut state = 7_u64;
    for length in [8, 100, 5000] {
        let mut noise = whole[..8].to_vec();
        noise.extend((0..length).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        }));
        assert!(problem(&noise).contains("no sound WebAssembly module"), "{length} bytes of noise");
    }
}

/// Whatever comes of a plugin with a wrong byte in it, something does.
#[test]
fn no_single_wrong_byte_does_harm() {
    let whole = Guest::echoing(&["Echo"]).bytes();
    let folder = Folder::new();
    let mut sound = 0;
    for at in 0..whole.len() {
        for bit in [0x01, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            folder.write("a.wasm", &bytes);
            let set = folder.load();
            sound += usize::from(set.files[0].problem.is_none());
        }
    }
    assert!(sound > 0 && sound < 2 * whole.len(), "{sound}");
}

#[test]
fn a_plugin_gets_nothing_from_the_host_but_ways_to_say_something() {
    let import = |text: &str| spoilt("(memory (export", &format!("{text} (memory (export"));
    let clock = import(r#"(import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))"#);
    assert_eq!(clock, "it imports wasi_snapshot_preview1.clock_time_get, which plugins do not get");
    assert!(import(r#"(import "easel" "open" (func (param i32)))"#).contains("it imports easel.open"));
    let other = import(r#"(import "easel" "warn" (func (param i64)))"#);
    assert!(other.contains("easel.warn, but not as a function of 2 i32"), "{other}");
    let global = import(r#"(import "easel" "warn" (global i32))"#);
    assert!(global.contains("easel.warn, but not as a function"), "{global}");
    assert!(spoilt(r#"(memory (export "memory") 4)"#, r#"(import "env" "memory" (memory 4))"#).contains("env.memory"));
}

#[test]
fn what_is_missing_is_named_with_its_type() {
    for (name, wanted) in [
        ("easel_abi_version", "() -> i32"),
        ("easel_describe", "() -> i64"),
        ("easel_alloc", "(i32) -> i32"),
        ("easel_run", "(i32, i32, i32) -> i64"),
    ] {
        let message = spoilt(name, "something_else");
        assert_eq!(message, format!("it does not export a function `{name}` of type {wanted}"));
    }
    assert_eq!(spoilt("(export \"memory\")", ""), "it does not export a memory called `memory`");
    let other_type = spoilt("(param $length i32) (result i32)", "(param $length i64) (result i32)");
    assert_eq!(other_type, "it does not export a function `easel_alloc` of type (i32) -> i32");
}

#[test]
fn another_version_is_refused() {
    let guest = Guest { version: "i32.const 2".into(), ..Guest::echoing(&["Echo"]) };
    let problem = problem(&guest.bytes());
    assert_eq!(problem, "it is made for version 2 of the plugin interface, this is version 1");
}

#[test]
fn a_plugin_that_does_not_say_what_it_is_is_refused() {
    let describing = |describe: &str| {
        let describe = Some(describe.to_string());
        problem(&Guest { describe, ..Guest::echoing(&["Echo"]) }.bytes())
    };
    let endless = "(loop $again (br $again)) unreachable";
    assert_eq!(describing(endless), "asked what it is, it does not come to an end");
    assert_eq!(describing("unreachable"), "asked what it is, it trapped: wasm `unreachable` instruction executed");
    let beyond = describing("i64.const 0x0000_0010_4000_0000");
    let expected =
        "asked what it is, it says that its description is 1073741824 byte(s) at 16, but its memory ends at 262144";
    assert_eq!(beyond, expected, "a GiB");
    assert!(describing("i64.const -1").contains("4294967295 byte(s) at 4294967295"), "{}", describing("i64.const -1"));
    assert!(describing("i64.const 0").starts_with("its description is wrong: 1:1"), "{}", describing("i64.const 0"));
    assert!(describing("i64.const 0x0000_0010_0003_0000").contains("196608 bytes long; 65536 are allowed"));
    let endless_version = Guest { version: endless.into(), ..Guest::echoing(&["Echo"]) };
    assert_eq!(problem(&endless_version.bytes()), "asked what it is, it does not come to an end");
    // Few instructions, but many calls of the host.
    let calling = "(local $left i32) (local.set $left (i32.const 600000))
        (loop $again (call $warn (i32.const 0) (i32.const 4096))
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        unreachable";
    assert_eq!(describing(calling), "asked what it is, it does not come to an end");
    let saying = "(call $panic (i32.const 1024) (i32.const 7)) i64.const 0";
    assert_eq!(describing(saying), "asked what it is, it panicked: (about:");
    let start =
        Guest { fields: "(func $begin (loop $again (br $again))) (start $begin)".into(), ..Guest::echoing(&["E"]) };
    assert!(problem(&start.bytes()).contains("start"), "{}", problem(&start.bytes()));
}

#[test]
fn descriptions_that_nodes_could_not_have_are_refused() {
    let describing =
        |description: &str| problem(&Guest { description: description.into(), ..Guest::echoing(&["Echo"]) }.bytes());
    assert!(describing("nonsense").starts_with("its description is wrong: 1:"), "{}", describing("nonsense"));
    let one = |fields: &str| {
        let text = r#"(nodes: [(name: "A", about: "", FIELDS outputs: [(name: "o", kind: "Text", about: "")])])"#;
        describing(&text.replace("FIELDS", fields))
    };
    let range = one(r#"inputs: [(name: "x", about: "", kinds: ["Float"], range: (0.0, 1.0), default: 2.0)],"#);
    assert!(range.contains("its default is 2.0, but should be 0 to 1"), "{range}");
    let name = one(r#"inputs: [(name: "a b", about: "", kinds: ["Float"])],"#);
    assert!(name.contains("\"a b\" is no name for an input"), "{name}");
    assert!(describing(&echoes(&["From"])).contains("a meaning of its own"));
    assert!(describing(&echoes(&["Twice", "Twice"])).contains("there are two node types `Twice`"));
    assert!(describing(&echoes(&["Image"]).replace("\"Text\"", "\"Image\"")).contains("there is no kind \"Image\""));
}

#[test]
fn memory_is_bounded_from_the_start() {
    let guest = Guest { pages: 4097, ..Guest::echoing(&["Echo"]) };
    let problem = problem(&guest.bytes());
    assert!(problem.contains("wants more memory than it may have (256 MiB"), "{problem}");
    let most = Folder::with("a.wasm", &Guest { pages: 4096, ..Guest::echoing(&["Echo"]) }.bytes());
    assert!(most.load().files[0].problem.is_none());
}

#[test]
fn files_that_are_no_plugins_by_their_looks_are_not_read_to_the_end() {
    let folder = Folder::new();
    let large = std::fs::File::create(folder.path().join("a.wasm")).expect("it can be made");
    large.set_len((16 << 20) + 1).expect("a sparse file can be made");
    assert_eq!(folder.problem(), "it is larger than 16 MiB");
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("a.wasm")).expect("it can be made");
    assert_eq!(folder.problem(), "it cannot be read: it is no file");
    let no_folder = folder.write("file", b"");
    let set = Plugins::new(Registry::new()).load(std::slice::from_ref(&no_folder));
    assert!(matches!(set.files[0].problem, Some(PluginError::Unreadable(_))) && set.files[0].path == no_folder);
}

#[cfg(unix)]
#[test]
fn nobody_waits_for_a_pipe() {
    let folder = Folder::new();
    let pipe = folder.path().join("a.wasm");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe can be made");
    assert_eq!(folder.problem(), "it cannot be read: it is no file");
}

#[test]
fn more_plugins_than_anybody_means_to_have_are_told() {
    let folder = Folder::new();
    for number in 0..300 {
        folder.write(&format!("{number:03}.wasm"), b"");
    }
    let set = folder.load();
    assert_eq!(set.files.len(), 257);
    assert_eq!(set.files[256].problem, Some(PluginError::TooMany));
    assert_eq!(set.files[256].path, folder.path());
}

#[test]
fn what_is_wrong_with_one_leaves_the_others_as_they_are() {
    let folder = Folder::with("b.wasm", &Guest::echoing(&["Echo"]).bytes());
    folder.write("a.wasm", b"garbage");
    folder.write("c.wasm", &Guest::echoing(&["From"]).bytes());
    let set = folder.load();
    let sound: Vec<_> = set.files.iter().map(|file| file.problem.is_none()).collect();
    assert_eq!(sound, [false, true, false]);
    assert_eq!(set.registry.specs().map(|spec| spec.name).collect::<Vec<_>>(), ["Echo"]);
    let told: Vec<_> = set.diagnostics().collect();
    assert_eq!((told.len(), told[0].code, told[0].is_error()), (2, "plugin", false));
    assert!(told[0].message.contains("a.wasm is not loaded: it is no sound"), "{}", told[0].message);
    assert!(told[0].hint.is_some());
}

#[test]
fn the_first_of_two_keeps_a_name() {
    let folder = Folder::with("a.wasm", &Guest::echoing(&["Echo"]).bytes());
    folder.write("b.wasm", &Guest::echoing(&["Other", "Echo"]).bytes());
    let set = folder.load();
    let problem = set.files[1].problem.as_ref().expect("the second is refused").to_string();
    assert!(problem.starts_with("its node type `Echo` is that of ") && problem.ends_with("a.wasm"), "{problem}");
    assert!(set.registry.spec("Other").is_none(), "a plugin is whole, or it is not loaded");
    std::fs::remove_file(folder.path().join("a.wasm")).expect("it can be removed");
    assert!(folder.load().registry.spec("Other").is_some(), "it is as good as new");
}

#[test]
fn folders_that_come_first_win_and_copies_are_no_quarrel() {
    let (first, second) = (Folder::new(), Folder::new());
    let bytes = Guest::echoing(&["Echo"]).bytes();
    let kept = first.write("z.wasm", &bytes);
    second.write("a.wasm", &bytes);
    second.write("b.wasm", &Guest::running(ECHO).bytes());
    let set = Plugins::new(Registry::new()).load(&[first.path().into(), second.path().into()]);
    assert_eq!(set.files[0].path, kept);
    assert_eq!((set.files[1].same_as.as_ref(), &set.files[1].problem), (Some(&kept), &None));
    assert_eq!(set.files[2].node_types, ["Node"]);
}

#[test]
fn nobody_takes_the_name_of_a_built_in_node_type() {
    struct Echo;

    impl easel_engine::Node for Echo {
        fn spec(&self) -> easel_engine::NodeSpec {
            easel_engine::NodeSpec::new("Echo", "Is built in.")
        }

        fn run(&self, _: &easel_engine::Inputs, _: &mut easel_engine::Context<'_>) -> easel_engine::NodeResult {
            Ok(easel_engine::Outputs::none())
        }
    }

    let mut registry = Registry::new();
    registry.register(Echo).expect("it is sound");
    let folder = Folder::with("a.wasm", &Guest::echoing(&["Other", "Echo"]).bytes());
    let set = Plugins::new(registry).load(&[folder.path().into()]);
    let problem = set.files[0].problem.as_ref().expect("it is refused").to_string();
    assert_eq!(problem, "its node type `Echo` is built in");
    assert_eq!(set.registry.spec("Echo").map(|spec| spec.about), Some("Is built in."));
    assert!(set.registry.spec("Other").is_none());
}

#[test]
fn a_changed_file_is_another_plugin() {
    let folder = Folder::with("a.wasm", &Guest::echoing(&["Echo"]).bytes());
    assert!(folder.load().registry.spec("Echo").is_some());
    folder.write("a.wasm", b"half written");
    let set = folder.load();
    assert!(set.registry.spec("Echo").is_none() && set.files[0].problem.is_some());
    folder.write("a.wasm", &Guest::echoing(&["Repeat"]).bytes());
    let set = folder.load();
    assert!(set.registry.spec("Echo").is_none() && set.registry.spec("Repeat").is_some());
}
