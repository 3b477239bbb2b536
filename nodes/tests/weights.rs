//! Checkpoints, good and bad, through the public interface of `easel_nodes::weights`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::fs;
use std::path::Path;

use easel_kernels::DType;
use easel_nodes::Error;
use easel_nodes::weights::{ModelFolder, TensorSpec, Weights, WeightsReader, record, write_random_part};
use proptest::prelude::*;

/// A safetensors file from a header and data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    bytes
}

/// One tensor per `(name, dtype, shape, bytes)`, one after the other.
fn checkpoint(tensors: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let mut entries = Vec::new();
    let mut data = Vec::new();
    for (name, dtype, shape, bytes) in tensors {
        let begin = data.len();
        data.extend_from_slice(bytes);
        let end = data.len();
        entries.push(format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#));
    }
    file(&format!("{{{}}}", entries.join(",")), &data)
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn small() -> Vec<u8> {
    checkpoint(&[
        ("a.weight", "F32", &[2, 3], floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
        ("a.bias", "F16", &[2], vec![0x00, 0x3c, 0x00, 0xc0]),
    ])
}

fn refused(bytes: Vec<u8>) -> Error {
    let error = Weights::from_bytes("part/model.safetensors", bytes).expect_err("should be refused");
    assert!(error.to_string().starts_with("part/model.safetensors"), "{error}");
    assert!(error.hint().is_some(), "{error}");
    error
}

/// The file is refused, in these words.
#[track_caller]
fn assert_refused(bytes: Vec<u8>, words: &str) {
    let error = refused(bytes);
    assert!(error.to_string().contains(words), "wanted {words:?} in: {error}");
}

fn one(entry: &str, data: &[u8]) -> Vec<u8> {
    file(&format!(r#"{{"w":{entry}}}"#), data)
}

#[test]
fn files_that_break_the_format_are_refused_by_name() {
    assert_refused(Vec::new(), "empty");
    assert_refused(vec![1, 2, 3], "too few");
    assert_refused(0u64.to_le_bytes().to_vec(), "header of 0 bytes");
    assert_refused([&u64::MAX.to_le_bytes()[..], b"{}"].concat(), "not a safetensors file");
    assert_refused([&100_000_001u64.to_le_bytes()[..], b"{}"].concat(), "not a safetensors file");
    assert_refused([&50u64.to_le_bytes()[..], b"{}"].concat(), "ends inside its header");
    assert_refused(file("not json", b""), "header cannot be read");
    assert_refused(file("[]", b""), "an object of tensors");
    assert_refused(file("{\"a\": \"\u{0}", b""), "header cannot be read");
    assert_refused(file(&"[".repeat(100_000), b""), "header cannot be read");
    assert_refused(file(&format!("{{\"w\":{}", "[".repeat(100_000)), b""), "tensor `w`");
    let html = [b"<!DOCTYPE html>".to_vec(), vec![b' '; 100]].concat();
    assert_refused(html, "web page");
    assert_refused(b"version https://git-lfs.github.com/spec/v1\n".to_vec(), "Git LFS pointer");
    assert_refused(b"PK\x03\x04aaaaaaaaaaaaaaaa".to_vec(), "PyTorch archive");
}

#[test]
fn tensors_that_do_not_fit_their_file_are_refused_by_name() {
    let eight = [0u8; 8];
    assert_refused(one(r#"{"dtype":"F32","shape":[2],"data_offsets":[0,9]}"#, &eight), "tensor `w`: bytes 0..9");
    assert_refused(one(r#"{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#, &eight), "tensor `w`: bytes 8..0");
    let far = format!(r#"{{"dtype":"F32","shape":[2],"data_offsets":[{},{}]}}"#, u64::MAX - 8, u64::MAX);
    assert_refused(one(&far, &eight), "outside the file");
    assert_refused(one(r#"{"dtype":"F32","shape":[3],"data_offsets":[0,8]}"#, &eight), "does not fit its 8 bytes");
    assert_refused(one(r#"{"dtype":"F16","shape":[2],"data_offsets":[0,8]}"#, &eight), "does not fit its 8 bytes");
    let huge = format!(r#"{{"dtype":"F32","shape":[{0},{0},2],"data_offsets":[0,8]}}"#, 1u64 << 32);
    assert_refused(one(&huge, &eight), "too large");
    let wraps = format!(r#"{{"dtype":"F32","shape":[{}],"data_offsets":[0,8]}}"#, (1u64 << 62) + 2);
    assert_refused(one(&wraps, &eight), "does not fit");
    assert_refused(one(r#"{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}"#, &eight), "tensor `w`");
    assert_refused(one(r#"{"dtype":"F32","shape":[2]}"#, &eight), "data_offsets");
    assert_refused(one(r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#, &eight), "the file has");
    assert_refused(one(r#"{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#, &eight), "belong to none");
    let entry = r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    assert_refused(file(&format!(r#"{{"w":{entry},"w":{entry}}}"#), &eight[..4]), "tensor `w` is listed twice");
    assert_refused(file(&format!(r#"{{"v":{entry},"w":{entry}}}"#), &eight[..4]), "overlaps");
    let names = format!(r#"{{"{}":{entry},"w":{entry}}}"#, "long".repeat(1 << 20));
    assert!(refused(file(&names, &eight[..4])).to_string().len() < 1000, "a long name is cut");
}

#[test]
fn every_truncation_of_a_file_is_refused() {
    let whole = small();
    Weights::from_bytes("w", whole.clone()).unwrap();
    for len in 0..whole.len() {
        assert!(Weights::from_bytes("w", whole[..len].to_vec()).is_err(), "{len} of {} bytes", whole.len());
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Weights::from_bytes("w", bytes);
    }

    #[test]
    fn a_flipped_byte_never_panics(at in 0usize..1000, value: u8) {
        let mut bytes = small();
        let at = at % bytes.len();
        bytes[at] = value;
        if let Ok(weights) = Weights::from_bytes("w", bytes) {
            let _ = weights.load(build_small);
            let _: Vec<_> = weights.tensors().map(|info| weights.bytes_of(&info.name)).collect();
        }
    }

    #[test]
    fn random_headers_never_panic(header in "\\{(\"[ab]\":\\{\"dtype\":\"(F32|F4|I8|X)\",\"shape\":\\[[0-9]{1,20}(,[0-9]{1,3})?\\],\"data_offsets\":\\[[0-9],[0-9]{1,2}\\]\\},?){1,3}\\}") {
        let _ = Weights::from_bytes("w", file(&header, &[0; 16]));
    }
}

struct Small {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

fn build_small(reader: &WeightsReader) -> Small {
    let a = reader.at("a");
    Small {
        weight: a.tensor("weight", &[2, 3]).to_vec_f32().unwrap(),
        bias: a.tensor("bias", &[2]).to_vec_f32().unwrap(),
    }
}

#[test]
fn numbers_of_every_weight_type_are_exact() {
    let loaded = Weights::from_bytes("w", small()).unwrap().load(build_small).unwrap();
    assert_eq!(loaded.model.weight, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(loaded.model.bias, [1.0, -2.0]);
    assert!(loaded.unused.is_empty());

    // Every one of the 65536 patterns, NaNs by being one.
    let patterns: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    let bytes = checkpoint(&[("h", "F16", &[65536], patterns.clone()), ("b", "BF16", &[65536], patterns)]);
    let weights = Weights::from_bytes("w", bytes).unwrap();
    let both = |reader: &WeightsReader| {
        (reader.tensor("h", &[65536]).to_vec_f32().unwrap(), reader.tensor("b", &[65536]).to_vec_f32().unwrap())
    };
    let (halves, brains) = weights.load(both).unwrap().model;
    for bits in 0..=u16::MAX {
        let (half, brain) = (halves[usize::from(bits)], brains[usize::from(bits)]);
        assert!(same(half, half_to_f32(bits)), "{bits:#x}: {half}");
        assert!(same(brain, f32::from_bits(u32::from(bits) << 16)), "{bits:#x}: {brain}");
    }
}

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// By the definition of binary16.
fn half_to_f32(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0f64 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude = match exponent {
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        0 => fraction * 2f64.powi(-24),
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    (sign * magnitude) as f32
}

#[test]
fn all_problems_of_a_model_are_told_at_once() {
    let bytes = checkpoint(&[
        ("conv_in.weight", "F32", &[2], floats(&[0.0; 2])),
        ("conv_out.weight", "F32", &[3], floats(&[0.0; 3])),
        ("quantised", "I8", &[2], vec![0; 2]),
        ("text_model.embeddings.position_ids", "I64", &[1], vec![0; 8]),
        ("odd", "Q3_K", &[7], vec![0; 5]),
    ]);
    let weights = Weights::from_bytes("part/model.safetensors", bytes).unwrap();
    let build = |reader: &WeightsReader| {
        reader.tensor("conv_im.weight", &[2]);
        reader.matrix("conv_out.weight", 1 << 40, 1 << 40);
        reader.filter("conv_in.weight", 1 << 40, 3, 3);
        reader.tensor("quantised", &[2]);
        reader.tensor("odd", &[7]);
    };
    let error = weights.load(build).unwrap_err();
    let text = error.to_string();
    for words in [
        "part/model.safetensors",
        "5 problems",
        "`conv_im.weight` [2] is missing (did you mean `conv_in.weight`?)",
        "`conv_out.weight` is [3], wanted [1099511627776, 1099511627776]",
        "`conv_in.weight` is [2], wanted [1099511627776, 3, 3, 3]",
        "`quantised` is stored as `I8`",
        "`odd` is stored as `Q3_K`",
    ] {
        assert!(text.contains(words), "wanted {words:?} in: {text}");
    }
    assert!(error.hint().is_some());

    let many = |reader: &WeightsReader| {
        for layer in 0..100 {
            reader.at("layers").at(layer).tensor("bias", &[1 << 50]);
        }
    };
    let text = weights.load(many).unwrap_err().to_string();
    assert!(text.contains("100 problems") && text.ends_with("and 80 more"), "{text}");
    assert_eq!(text.lines().count(), 22);

    let unused = weights.load(|reader| drop(reader.tensor("conv_in.weight", &[2]))).unwrap().unused;
    assert_eq!(unused, ["conv_out.weight", "odd", "quantised"], "buffers are not told");
}

#[test]
fn a_reader_knows_what_is_there() {
    let weights = Weights::from_bytes("w", small()).unwrap();
    let has = weights.load(|reader| (reader.has("a.bias"), reader.at("a").has("bias"), reader.has("bias"))).unwrap();
    assert_eq!(has.model, (true, true, false));
    let listed: Vec<_> =
        weights.tensors().map(|info| (info.name.as_str(), info.dtype.as_str(), info.shape.as_slice())).collect();
    assert_eq!(listed, [("a.bias", "F16", &[2][..]), ("a.weight", "F32", &[2, 3][..])]);
    assert_eq!((weights.byte_len(), weights.parameter_count()), (28, 8));
    assert_eq!(weights.closest("a.wieght"), Some("a.weight"));
}

fn build_model(reader: &WeightsReader) {
    reader.at("conv_in").filter("weight", 8, 3, 3);
    reader.at("conv_in").tensor("bias", &[8]);
    for block in 0..3 {
        let block = reader.at("blocks").at(block);
        assert!(!block.has("optional"));
        block.matrix("to_q.weight", 16, 8);
        block.tensor("norm.weight", &[16]);
    }
    // Tied to the first block's.
    reader.matrix("blocks.0.to_q.weight", 16, 8);
    reader.tensor("clip_std", &[1, 8]);
}

#[test]
fn a_recorded_model_written_at_random_loads_without_a_problem() {
    let specs = record(build_model);
    assert_eq!(specs.len(), 9);
    assert_eq!(specs[0], TensorSpec { name: "conv_in.weight".into(), shape: vec![8, 3, 3, 3] });
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (dtype, stored) in [(DType::F32, "F32"), (DType::F16, "F16"), (DType::BF16, "BF16")] {
        let path = folder.path().join("new").join(format!("{stored}.safetensors"));
        let mut steps = Vec::new();
        write_random_part(&path, &specs, dtype, 7, &mut |done, total| steps.push((done, total))).unwrap();
        let size = fs::metadata(&path).unwrap().len();
        assert_eq!(steps.last(), Some(&(size, size)));
        assert!(steps.is_sorted());
        let weights = Weights::open(&path).unwrap();
        assert!(weights.tensors().all(|info| info.dtype == stored));
        assert!(weights.load(build_model).unwrap().unused.is_empty());
        let std = weights.load(|reader| reader.tensor("clip_std", &[1, 8]).to_vec_f32().unwrap()).unwrap().model;
        assert_eq!(std, [1.0; 8]);
        safetensors::SafeTensors::deserialize(&fs::read(&path).unwrap()).expect("the reference reader agrees");
        files.push(fs::read(path).unwrap());
    }
    let again = folder.path().join("again.safetensors");
    write_random_part(&again, &specs, DType::F32, 7, &mut |_, _| {}).unwrap();
    assert!(fs::read(&again).unwrap() == files[0], "a seed gives the same file");
    write_random_part(&again, &specs, DType::F32, 8, &mut |_, _| {}).unwrap();
    assert!(fs::read(&again).unwrap() != files[0], "another seed another");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no temporary file is left");
}

#[test]
fn a_random_part_that_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    fs::write(&blocked, b"").unwrap();
    let specs = record(build_model);
    let write = |path: &Path, specs: &[TensorSpec]| write_random_part(path, specs, DType::F32, 0, &mut |_, _| {});
    assert!(matches!(write(&blocked.join("w.safetensors"), &specs), Err(Error::Io { .. })));
    // Onto a folder: found out at the very end.
    fs::create_dir(folder.path().join("taken")).unwrap();
    assert!(matches!(write(&folder.path().join("taken"), &specs), Err(Error::Io { .. })));
    let huge = [TensorSpec { name: "w".into(), shape: vec![usize::MAX, 2] }];
    assert!(write(&folder.path().join("w"), &huge).unwrap_err().to_string().contains("too large"));
    let twice = [specs[0].clone(), specs[0].clone()];
    assert!(write(&folder.path().join("w"), &twice).unwrap_err().to_string().contains("twice"));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_file_has_one_fingerprint_however_it_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    fs::write(&path, small()).unwrap();
    let expected = blake3::hash(&small()).to_hex().to_string();
    assert_eq!(Weights::open(&path).unwrap().fingerprint().unwrap(), expected);
    assert_eq!(Weights::from_bytes("w", small()).unwrap().fingerprint().unwrap(), expected);
}

#[test]
#[cfg(feature = "builtin-models")]
fn the_embedded_model_is_whole() {
    let model = ModelFolder::open("builtin:emoji-unclip", Path::new("/")).unwrap();
    assert_eq!(model.describe(), "emoji-unclip (built in)");
    let index = model.json("model_index.json").unwrap();
    for part in index.as_object().unwrap().keys().filter(|name| !name.starts_with('_')) {
        assert!(model.parts().contains(part), "{part}");
    }
    assert!(model.parts().iter().any(|part| part == "image_encoder"), "of the second pipeline");
    for part in ["decoder", "image_encoder", "prior", "super_res_first", "super_res_last", "text_encoder", "text_proj"]
    {
        assert!(model.config(part).unwrap().is_object());
        let weights = model.weights(part).unwrap();
        assert!(weights.tensors().all(|info| info.weight_dtype().is_some() || info.name.ends_with("position_ids")));
        assert_eq!(weights.fingerprint().unwrap().len(), 64);
    }
    assert!(model.read("tokenizer/vocab.json").unwrap().len() > 1000);
    assert!(!model.exists("recipe/train_prior.py") && !model.exists("tokenizer"));
}
