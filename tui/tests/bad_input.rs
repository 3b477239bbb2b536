//! Bad input of every kind: a clear message, the right exit status, no panic, and no file left behind.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::{FEW_STEPS, easel, files, folder, output, shipped, stderr, stdout_lines};
use serde_json::{Value, json};

/// The decoder's weights in a model's folder.
const DECODER: &str = "decoder/diffusion_pytorch_model.safetensors";

/// Exit status and words as they should be, no panic, and nothing in the output folder.
fn assert_refused(what: &str, folder: &Path, done: &Output, code: i32, words: &[&str]) {
    let told = stderr(done);
    assert_eq!(done.status.code(), Some(code), "{what}: {told}");
    // Long lines are wrapped: words count, not where a line ends.
    let flat: Vec<_> = told.split_whitespace().filter(|word| *word != "│").collect();
    let flat = flat.join(" ");
    for word in words {
        assert!(flat.contains(word), "{what}: {word:?} in {told}");
    }
    assert!(!told.contains("panicked"), "{what}: {told}");
    assert_eq!(stdout_lines(done), [""; 0], "{what}");
    assert_eq!(files(&folder.join("output")), [""; 0], "{what}: something was left");
}

#[test]
fn workflows_that_are_none() {
    let folder = folder();
    fs::write(folder.path().join("binary.ron"), [0x50, 0xff, 0xfe, 0]).expect("it can be written");
    fs::write(folder.path().join("words.ron"), "hello").expect("it can be written");
    fs::write(folder.path().join("nothing.ron"), "").expect("it can be written");
    for (file, words) in [
        ("missing.ron", ["cannot read `missing.ron`", "no such file"]),
        (".", ["it is a folder", "name a workflow file"]),
        ("binary.ron", ["not UTF-8", "byte 1"]),
        ("words.ron", ["`hello`", "Workflow(version: 1"]),
        ("nothing.ron", ["the file is empty", "Workflow(version: 1"]),
    ] {
        assert_refused(file, folder.path(), &output(folder.path(), &["run", file]), 2, &words);
    }
}

#[test]
fn workflows_that_are_wrong() {
    let folder = folder();
    let deep = "[".repeat(100_000);
    let cases: &[(&str, &[&str])] = &[
        (r#"Workflow(version: 1, nods: {})"#, &["no field `nods`", "did you mean `nodes`"]),
        (r#"Workflow(version: 9, nodes: {"a": Text(value: "")})"#, &["version 9", "reads 1"]),
        (r#"Workflow(version: 1, nodes: {})"#, &["no nodes"]),
        (r#"Workflow(version: 1, nodes: {"a": Txt(value: "")})"#, &["`Txt`", "did you mean `Text`"]),
        (r#"Workflow(version: 1, nodes: {"a": Text(valu: "")})"#, &["`valu`", "did you mean `value`"]),
        (r#"Workflow(version: 1, nodes: {"a": Text()})"#, &["value", "missing"]),
        (r#"Workflow(version: 1, nodes: {"a": Text(value: 3)})"#, &["takes Text", "Integer", "write \"3\""]),
        (
            r#"Workflow(version: 1, nodes: {"a": Text(value: ""), "b": Text(value: From("a.valeu"))})"#,
            &["valeu", "did you mean `value`"],
        ),
        (
            r#"Workflow(version: 1, nodes: {"a": Integer(value: 1), "b": Text(value: From("a"))})"#,
            &["takes Text", "Integer"],
        ),
        (
            r#"Workflow(version: 1, nodes: {"a": Text(value: From("b")), "b": Text(value: From("a"))})"#,
            &["circle", "a → b → a"],
        ),
        (r#"Workflow(version: 1, nodes: {"a": Text(value: Input("b"))})"#, &["no input `b`", "declare it"]),
        (
            r#"Workflow(version: 1, nodes: {"a": Scheduler(model: "builtin:emoji-unclip", part: "prior", steps: 1)})"#,
            &["is 1", "2 to 1000"],
        ),
        (
            r#"Workflow(version: 1, nodes: {"a": Scheduler(model: "builtin:emoji-unclip", part: "dekoder")})"#,
            &["\"dekoder\"", "did you mean `decoder`"],
        ),
        (
            r#"Workflow(version: 1, nodes: {"a": Tokenizer(model: "nowhere", text: "")})"#,
            &["no model folder", "nowhere"],
        ),
        (r#"Workflow(version: 1, nodes: {"a": Tokenizer(model: "builtin:x", text: "")})"#, &["`x`", "emoji-unclip"]),
        (r#"Workflow(version: 1, nodes: {"a": LoadImage(path: "none.png")})"#, &["there is no file", "none.png"]),
        (
            r#"Workflow(version: 1, nodes: {"a": LoadImage(path: "in.png"), "s": SaveImage(image: From("a"), name: "../x")})"#,
            &["\"../x\"", "output folder", "--out"],
        ),
        (
            r#"Workflow(version: 1, nodes: {"a": LoadImage(path: "in.png"), "s": SaveTensor(value: From("a"), path: "/x")})"#,
            &["\"/x\"", "output folder"],
        ),
        (&deep, &["nested deeper"]),
    ];
    for (text, words) in cases {
        let what: String = text.chars().take(100).collect();
        fs::write(folder.path().join("bad.ron"), text).expect("it can be written");
        assert_refused(&what, folder.path(), &output(folder.path(), &["run", "bad.ron"]), 2, words);
        let checked = output(folder.path(), &["check", "bad.ron"]);
        assert_refused(&what, folder.path(), &checked, 2, words);
    }
}

#[test]
fn arguments_that_are_wrong() {
    let folder = folder();
    let workflow = shipped("text_to_image.ron").display().to_string();
    let cases: &[(&[&str], &[&str])] = &[
        (&["--set", "promt=x"], &["`promt`", "did you mean `prompt`"]),
        (&["--set", "prompt"], &["write `--set prompt=VALUE`"]),
        (&["--set", "seed=1", "--set", "seed=2"], &["`seed` is set twice"]),
        (&["--set", "seed=-1"], &["is -1", "at least 0"]),
        (&["--set", "seed=9007199254740993"], &["9007199254740993", "should be 0 to"]),
        (&["--set", "seed=99999999999999999999"], &["seed", "99999999999999999999"]),
        (&["--set", "pictures=65"], &["is 65", "1 to 64"]),
        (&["--set", "pictures=many"], &["pictures", "many"]),
        (&["--set", "decoder_guidance_scale=nan"], &["decoder_guidance_scale", "nan"]),
        (&["--set", "model="], &["source is empty", "builtin:NAME"]),
        (&["--set", "model=/nowhere"], &["no model folder /nowhere", "model_index.json"]),
        (&["--target", "sav"], &["target `sav`", "did you mean `save`"]),
        (&["--device", "gpu"], &["`gpu`", "`cuda:N`"]),
        (&["--device", "cuda:99"], &["cuda:99", "--device cpu"]),
        (&["--precision", "fp8"], &["`fp8` is not a precision", "`bfloat16`"]),
        (&["--device", "cpu", "--precision", "float16"], &["the CPU computes in float32 or bfloat16, not in float16"]),
    ];
    for (arguments, words) in cases {
        let all: Vec<_> = ["run", &workflow].iter().chain(*arguments).copied().collect();
        assert_refused(&arguments.join(" "), folder.path(), &output(folder.path(), &all), 2, words);
    }
}

#[test]
fn what_is_wrong_with_one_input_is_said_once() {
    let folder = folder();
    let workflow = shipped("text_to_image.ron").display().to_string();
    let done = output(folder.path(), &["run", &workflow, "--set", "model=/nowhere", "--json"]);
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(stdout_lines(&done).len(), 1, "{:?}", stdout_lines(&done));
}

/// The built-in model's folder, copied to where it may be spoiled.
fn model(folder: &Path) -> PathBuf {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("it can be made");
        for entry in fs::read_dir(from).expect("it can be read") {
            let (path, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).expect("it can be read");
            if path.is_dir() {
                copy(&path, &to);
            } else {
                fs::copy(&path, &to).expect("it can be copied");
            }
        }
    }
    let to = folder.join("model");
    if to.exists() {
        fs::remove_dir_all(&to).expect("it is ours");
    }
    copy(&shipped("models/emoji-unclip"), &to);
    to
}

/// Draws with that model.
fn draw(folder: &Path) -> Output {
    let workflow = shipped("text_to_image.ron").display().to_string();
    let model = folder.join("model").display().to_string();
    let set = format!("model={model}");
    let all: Vec<_> = ["run", &workflow, "-q", "--set", &set].into_iter().chain(FEW_STEPS).collect();
    output(folder, &all)
}

fn weights(model: &Path) -> Vec<u8> {
    fs::read(model.join(DECODER)).expect("it can be read")
}

fn put_weights(model: &Path, bytes: &[u8]) {
    fs::write(model.join(DECODER), bytes).expect("it can be written");
}

/// Rewrites a safetensors file's header and data.
fn rewrite(path: &Path, change: impl FnOnce(&mut Value, &mut Vec<u8>)) {
    let bytes = fs::read(path).expect("it can be read");
    let length = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
    let mut header = serde_json::from_slice(&bytes[8..8 + length]).expect("it is JSON");
    let mut data = bytes[8 + length..].to_vec();
    change(&mut header, &mut data);
    let header = header.to_string();
    let length = header.len() as u64;
    fs::write(path, [&length.to_le_bytes(), header.as_bytes(), &data].concat()).expect("it can be written");
}

/// Rewrites one field of a JSON file.
fn set_field(path: &Path, name: &str, value: Value) {
    let mut config: Value = serde_json::from_slice(&fs::read(path).expect("it can be read")).expect("it is JSON");
    config[name] = value;
    fs::write(path, config.to_string()).expect("it can be written");
}

#[test]
fn weights_that_are_wrong() {
    type Spoil = fn(&Path);
    let cases: &[(i32, &str, Spoil, &[&str])] = &[
        (
            2,
            "a part is missing",
            |model| fs::remove_dir_all(model.join("prior")).expect("it is ours"),
            &["prior/config.json is missing", "put it there"],
        ),
        (
            2,
            "weights are missing",
            |model| fs::remove_file(model.join(DECODER)).expect("it is ours"),
            &["decoder: there are no weights", "put"],
        ),
        (
            1,
            "a tensor is missing",
            |model| {
                rewrite(&model.join(DECODER), |header, _| {
                    header["conv_in.weigth"] = header["conv_in.weight"].take();
                    header.as_object_mut().expect("it is an object").remove("conv_in.weight");
                });
            },
            &["`conv_in.weight` [48, 3, 3, 3] is missing", "did you mean `conv_in.weigth`"],
        ),
        (
            1,
            "a wrong shape",
            |model| rewrite(&model.join(DECODER), |header, _| header["conv_in.weight"]["shape"] = json!([3, 48, 3, 3])),
            &["`conv_in.weight` is [3, 48, 3, 3], wanted [48, 3, 3, 3]", "config.json"],
        ),
        (
            1,
            "a wrong dtype",
            |model| rewrite(&model.join(DECODER), |header, _| header["conv_in.weight"]["dtype"] = json!("I16")),
            &["`conv_in.weight` is stored as `I16`", "F32, F16 or BF16"],
        ),
        (
            2,
            "a truncated file",
            |model| {
                let bytes = weights(model);
                put_weights(model, &bytes[..bytes.len() / 2]);
            },
            &["outside the file's", "fetch it again"],
        ),
        (
            2,
            "a truncated header",
            |model| {
                let bytes = weights(model);
                put_weights(model, &bytes[..100]);
            },
            &["ends inside its header", "fetch it again"],
        ),
        (2, "an empty file", |model| put_weights(model, b""), &["the file is empty", "fetch it again"]),
        (
            2,
            "a lying length",
            |model| put_weights(model, b"\xff\xff\xff\xff\xff\xff\xff\xff{}"),
            &["18446744073709551615 bytes", "not a safetensors file"],
        ),
        (
            2,
            "a lying place",
            |model| {
                rewrite(&model.join(DECODER), |header, _| {
                    header["conv_in.weight"]["data_offsets"] = json!([1_u64 << 62, (1_u64 << 62) + 2592]);
                });
            },
            &["`conv_in.weight`", "outside the file's"],
        ),
        (
            2,
            "a lying shape",
            |model| {
                rewrite(&model.join(DECODER), |header, _| {
                    header["conv_in.weight"]["shape"] = json!([1_u64 << 40, 1_u64 << 40]);
                });
            },
            &["`conv_in.weight`", "too large"],
        ),
        (
            1,
            "numbers that are none",
            |model| rewrite(&model.join(DECODER), |_, data| data.fill(0xff)),
            &["decoder", "no numbers", "damaged"],
        ),
        (
            2,
            "a pointer in place of the file",
            |model| put_weights(model, b"version https://git-lfs.github.com/spec/v1\n"),
            &["Git LFS pointer", "git lfs pull"],
        ),
    ];
    let folder = folder();
    for (code, what, spoil, words) in cases {
        spoil(&model(folder.path()));
        assert_refused(what, folder.path(), &draw(folder.path()), *code, words);
    }
}

#[test]
fn unused_tensors_are_a_warning() {
    let folder = folder();
    rewrite(&model(folder.path()).join(DECODER), |header, data| {
        header["spare"] = json!({ "dtype": "F16", "shape": [2], "data_offsets": [data.len(), data.len() + 4] });
        data.extend([0; 4]);
    });
    let workflow = shipped("text_to_image.ron").display().to_string();
    let all: Vec<_> = ["run", &workflow, "--set", "model=model", "--base", "."].into_iter().chain(FEW_STEPS).collect();
    let done = output(folder.path(), &all);
    let told = stderr(&done);
    assert_eq!(done.status.code(), Some(0), "{told}");
    assert!(told.contains("warning: decoder: 1 tensor(s)") && told.contains("`spare`"), "{told}");
}

#[test]
fn configurations_that_are_wrong() {
    let cases: &[(i32, &str, &str, Value, &[&str])] = &[
        (2, "decoder/config.json", "layers_per_block", json!(1_000_000_000), &["`layers_per_block`", "from 1 to 64"]),
        (2, "decoder/config.json", "layers_per_block", json!([1, 2, 1]), &["`layers_per_block`", "the same number"]),
        (1, "decoder/config.json", "block_out_channels", json!([48, 65536, 65536]), &["wanted [65536"]),
        (2, "decoder/config.json", "block_out_channels", json!([48]), &["1 levels", "equal"]),
        (2, "decoder/config.json", "block_out_channels", json!([]), &["`block_out_channels`", "a list of 1 to"]),
        (2, "decoder/config.json", "sample_size", json!(1_u64 << 40), &["`sample_size`", "from 1 to 2048"]),
        (2, "decoder/config.json", "sample_size", json!(30), &["`sample_size` 30 cannot be halved 2 times"]),
        (2, "decoder/config.json", "norm_num_groups", json!(7), &["48 is not a multiple", "`norm_num_groups` 7"]),
        (2, "decoder/config.json", "in_channels", json!(4), &["`decoder`", "takes 4 channels"]),
        (2, "decoder/config.json", "class_embed_type", json!(null), &["`decoder`", "class_embed_type"]),
        (2, "decoder/config.json", "time_cond_proj_dim", json!(3), &["`time_cond_proj_dim` is 3", "supported: null"]),
        (2, "text_proj/config.json", "time_embed_dim", json!(100), &["`decoder`", "192 wide", "100"]),
        (2, "text_proj/config.json", "cross_attention_dim", json!(64), &["`decoder`", "tokens 128 wide", "64"]),
        (2, "prior/config.json", "num_layers", json!(1_000_000_000), &["`num_layers`", "from 1 to 1024"]),
        (1, "prior/config.json", "num_layers", json!(1024), &["is missing", "more"]),
        (2, "text_encoder/config.json", "vocab_size", json!(1_u64 << 50), &["`vocab_size`", "from 1 to"]),
        (2, "super_res_last/config.json", "sample_size", json!(64), &["super_res_first", "super_res_last", "64×64"]),
        (
            2,
            "decoder_scheduler/scheduler_config.json",
            "num_train_timesteps",
            json!(1_u64 << 40),
            &["`num_train_timesteps`"],
        ),
        (
            1,
            "decoder_scheduler/scheduler_config.json",
            "variance_type",
            json!("fixed_small_log"),
            &["variance is fixed", "3 channels"],
        ),
        (
            1,
            "prior_scheduler/scheduler_config.json",
            "variance_type",
            json!("learned_range"),
            &["variance is learned", "256 channels"],
        ),
    ];
    let folder = folder();
    model(folder.path());
    for (code, file, field, value, words) in cases {
        let path = folder.path().join("model").join(file);
        let original = fs::read(&path).expect("it can be read");
        set_field(&path, field, value.clone());
        assert_refused(&format!("{file} {field} {value}"), folder.path(), &draw(folder.path()), *code, words);
        fs::write(&path, original).expect("it can be written");
    }
}

#[test]
fn tensors_that_do_not_fit() {
    let text = |key: &str| {
        r#"Workflow(version: 1, nodes: {
            "recorded": LoadTensor(path: "t.safetensors", key: "KEY"),
            "tokens": Tokenizer(model: "builtin:emoji-unclip", text: ""),
            "text": ClipTextEncoder(model: "builtin:emoji-unclip", tokens: From("tokens")),
            "schedule": Scheduler(model: "builtin:emoji-unclip", part: "prior", steps: 2),
            "prior": Prior(
                model: "builtin:emoji-unclip", text: From("text"), schedule: From("schedule"), guidance_scale: 1.0,
                noise: From("recorded"),
            ),
            "save": SaveTensor(value: From("prior"), path: "out"),
        })"#
        .replace("KEY", key)
    };
    let picture = |key: &str| {
        r#"Workflow(version: 1, nodes: {
            "recorded": LoadTensor(path: "t.safetensors", key: "KEY"),
            "save": SaveImage(image: From("recorded")),
        })"#
        .replace("KEY", key)
    };
    let folder = folder();
    let header = json!({
        "short": { "dtype": "F32", "shape": [1, 1, 128], "data_offsets": [0, 512] },
        "scalar": { "dtype": "F32", "shape": [], "data_offsets": [512, 516] },
        "none": { "dtype": "F32", "shape": [0, 8, 8, 3], "data_offsets": [516, 516] },
        "flat": { "dtype": "F32", "shape": [1, 0, 8, 3], "data_offsets": [516, 516] },
        "nan": { "dtype": "F32", "shape": [2, 1, 128], "data_offsets": [516, 1540] },
    })
    .to_string();
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0; 516]);
    bytes.extend([0xff; 1024]);
    fs::write(folder.path().join("t.safetensors"), bytes).expect("it can be written");
    let long = format!("short.{{{}..1}}", "0".repeat(70_000));
    for (what, text, words) in [
        ("too few draws", text("short"), ["[1, 1, 128]", "needs [2, 1, 128]"]),
        ("no draws", text("scalar"), ["shape []", "needs [2, 1, 128]"]),
        ("no such tensor", text("shrt"), ["no tensor named \"shrt\"", "did you mean \"short\""]),
        ("a series of giant numbers", text(&long), ["no tensor named \"short.000", "000\""]),
        ("draws that are no numbers", text("nan"), ["the prior gave", "no numbers"]),
        ("no picture", picture("none"), ["no picture", "[0, 8, 8, 3]"]),
        ("a picture without rows", picture("flat"), ["no picture", "[1, 0, 8, 3]"]),
        ("no picture at all", picture("short"), ["[batch, height, width, 3]", "[1, 1, 128]"]),
    ] {
        fs::write(folder.path().join("bad.ron"), text).expect("it can be written");
        let done = output(folder.path(), &["run", "bad.ron", "-q"]);
        assert_refused(what, folder.path(), &done, 1, &words);
    }
}

#[test]
fn pictures_that_are_wrong() {
    let folder = folder();
    let whole = fs::read(folder.path().join("in.png")).expect("it can be read");
    fs::write(folder.path().join("cut.png"), &whole[..whole.len() / 2]).expect("it can be written");
    fs::write(folder.path().join("text.png"), "hello").expect("it can be written");
    image::RgbImage::new(20_000, 1).save(folder.path().join("long.png")).expect("it can be written");
    for (picture, words) in [
        ("cut.png", ["cut.png", "damaged or cut off"]),
        ("text.png", ["not a PNG, JPEG or WebP picture", "convert it"]),
        ("long.png", ["too large", "16384"]),
    ] {
        let done = output(folder.path(), &["run", "copy.ron", "-q", "--set", &format!("path={picture}")]);
        assert_refused(picture, folder.path(), &done, 1, &words);
    }
    image::RgbImage::new(1, 1).save(folder.path().join("dot.png")).expect("it can be written");
    let workflow = shipped("image_variation.ron").display().to_string();
    let all = ["run", &workflow, "--base", ".", "--set", "path=dot.png", "--set", "decoder_steps=2", "-q"];
    let done = output(folder.path(), &all);
    assert_eq!(done.status.code(), Some(0), "one pixel is a picture: {}", stderr(&done));
}

#[test]
fn odd_prompts_are_drawn() {
    let folder = folder();
    let workflow = shipped("text_to_image.ron").display().to_string();
    let long = format!("prompt={}", "a cat and a dog ".repeat(500));
    for (set, words) in
        [("prompt=", ""), ("prompt=\u{1b}[31mred\u{7}\u{1}\n\t🚀👩\u{200d}👧\u{202e}", ""), (&long, "this was cut: \"")]
    {
        let all: Vec<_> = ["run", &workflow, "--set", set].into_iter().chain(FEW_STEPS).collect();
        let done = output(folder.path(), &all);
        let told = stderr(&done);
        assert_eq!(done.status.code(), Some(0), "{told}");
        assert!(told.contains(words) && !told.contains('\u{1b}') && told.len() < 2000, "{told:?}");
    }
    assert_eq!(files(&folder.path().join("output")).len(), 3);
}

#[test]
fn a_picture_is_the_same_whatever_the_batch() {
    let folder = folder();
    let workflow = shipped("text_to_image.ron").display().to_string();
    let draw = |out: &str, seed: &str, pictures: &str| {
        let mut all = vec!["run", &workflow, "-q", "--out", out, "--set", seed, "--set", pictures];
        all.extend(FEW_STEPS);
        let done = output(folder.path(), &all);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        stdout_lines(&done).iter().map(|path| pixels(&folder.path().join(path))).collect::<Vec<_>>()
    };
    let together = draw("together", "seed=5", "pictures=3");
    let alone = ["seed=5", "seed=6", "seed=7"].map(|seed| draw(seed, seed, "pictures=1").remove(0));
    assert_eq!(together.len(), 3);
    for (index, (one, other)) in together.iter().zip(&alone).enumerate() {
        assert!(one == other, "picture {index} depends on its batch");
    }
    assert!(alone[0] != alone[1], "seeds make a difference");
}

fn pixels(path: &Path) -> Vec<u8> {
    image::open(path).expect("it is a picture").into_rgb8().into_raw()
}

#[test]
fn a_recipe_that_lacks_a_piece_is_not_followed() {
    let folder = folder();
    let made = output(folder.path(), &["run", "copy.ron", "-q", "--out", "made"]);
    let picture = folder.path().join(stdout_lines(&made).remove(0));
    let whole = fs::read(&picture).expect("it can be read");
    let at = whole.windows(12).position(|bytes| bytes == b"easel:inputs").expect("the chunk is there");
    let length = u32::from_be_bytes(whole[at - 8..at - 4].try_into().expect("four bytes")) as usize;
    let without = [&whole[..at - 8], &whole[at + length + 4..]].concat();
    fs::write(folder.path().join("less.png"), without).expect("it can be written");
    let done = output(folder.path(), &["reproduce", "less.png"]);
    assert_refused("no inputs", folder.path(), &done, 2, &["less.png", "damaged", "easel:inputs: it is missing"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_nothing_behind() {
    let folder = folder();
    // No file may grow beyond a kilobyte or so: to a program much like a disk that is full.
    let mut shell = std::process::Command::new("bash");
    let script = "ulimit -f 1; exec \"$0\" run copy.ron -q --set path=noise.png";
    let noise = image::RgbImage::from_fn(64, 64, |x, y| {
        let hash = (x * 64 + y).wrapping_mul(2_654_435_761);
        image::Rgb([hash as u8, (hash >> 8) as u8, (hash >> 16) as u8])
    });
    noise.save(folder.path().join("noise.png")).expect("it can be written");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_easel")]).current_dir(folder.path());
    let done = shell.output().expect("bash can be started");
    assert_refused("limit", folder.path(), &done, 1, &["cannot write", "too large", "ulimit -f"]);
    let told = stderr(&done);
    assert_eq!(told.matches("too large").count(), 1, "said once: {told}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_is_told_before_anything_runs() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    const NOBODY: u32 = 65534;
    let folder = folder();
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).expect("it can be made");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).expect("it is ours");
    let mut command = easel(folder.path());
    // Root may write everywhere: a user who may not runs a copy of the program, from a place that he can reach.
    if fs::write(locked.join("probe"), "").is_ok() {
        fs::remove_file(locked.join("probe")).expect("it was just written");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        fs::copy(env!("CARGO_BIN_EXE_easel"), folder.path().join("easel")).expect("it can be copied");
        command = std::process::Command::new(folder.path().join("easel"));
        command.current_dir(folder.path()).uid(NOBODY).gid(NOBODY);
    }
    let done = command.args(["run", "copy.ron", "--out", "locked"]).output().expect("easel can be started");
    assert_refused("locked", folder.path(), &done, 2, &["cannot write to", "locked", "--out"]);
}
