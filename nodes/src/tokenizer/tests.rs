//! The ids are those of the reference, and nothing that can be typed or downloaded brings the tokenizer down.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::*;

fn golden(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/A")).join(path)
}

fn load(folder: &str) -> ClipTokenizer {
    ClipTokenizer::from_folder(&golden(folder)).expect("the tokenizer loads")
}

fn numbers(value: &Value) -> Vec<u32> {
    let list = value.as_array().expect("a list");
    list.iter().map(|number| number.as_u64().expect("a number") as u32).collect()
}

#[test]
fn ids_and_masks_are_those_of_the_reference() {
    let cases = std::fs::read(golden("tokenizer_cases.json")).expect("the golden file is there");
    let cases: Value = serde_json::from_slice(&cases).expect("the golden file is JSON");
    let tokenizers = [
        ("tokenizer_full", load("models/tokenizer_full")),
        ("pipeline_tokenizer", load("models/pipeline/tokenizer")),
        ("clip_tokenizer", load("models/clip")),
    ];
    let cases = cases["cases"].as_array().expect("a list of cases");
    assert!(cases.len() >= 20);
    for case in cases {
        let text = case["text"].as_str().expect("a text");
        for (name, tokenizer) in &tokenizers {
            let encoded = tokenizer.encode(text).expect("every text can be encoded");
            let wanted = &case[*name];
            let ids = numbers(&wanted["ids"]);
            assert_eq!(encoded.ids, numbers(&wanted["padded_ids"]), "{name}: {text:?}");
            let mask: Vec<u32> = encoded.mask.iter().map(|&bit| u32::from(bit)).collect();
            assert_eq!(mask, numbers(&wanted["mask"]), "{name}: {text:?}");
            assert_eq!(encoded.token_count, ids.len(), "{name}: {text:?}");
            assert_eq!(encoded.truncated.is_some(), ids.len() > 77, "{name}: {text:?}");
        }
    }
}

#[test]
fn tokenizer_json_gives_the_same_ids_as_the_two_files() {
    let folder = golden("models/pipeline/tokenizer");
    let read = |name: &str| Some(std::fs::read(folder.join(name)).expect("the file is there").into());
    let whole = ClipTokenizer::from_files(&TokenizerFiles {
        tokenizer_json: read("tokenizer.json"),
        tokenizer_config_json: read("tokenizer_config.json"),
        ..TokenizerFiles::default()
    });
    let whole = whole.expect("the tokenizer loads");
    let parts = load("models/pipeline/tokenizer");
    for text in ["a photo of a cat!", "ﬁ ligature ǅ İstanbul", "北京 🐱 <|endoftext|> x", "don't  stop\n\t"] {
        assert_eq!(whole.encode(text).expect("encodes"), parts.encode(text).expect("encodes"));
    }
}

#[test]
fn without_settings_the_defaults_of_clip_hold() {
    let folder = golden("models/clip");
    let read = |name: &str| Some(std::fs::read(folder.join(name)).expect("the file is there").into());
    let bare = TokenizerFiles { vocab_json: read("vocab.json"), merges_txt: read("merges.txt"), ..Default::default() };
    let bare = ClipTokenizer::from_files(&bare).expect("the tokenizer loads");
    assert_eq!(bare.context_length(), 77);
    assert_eq!(bare.encode("wow!").expect("encodes"), load("models/clip").encode("wow!").expect("encodes"));
}

fn with_config(config: &str) -> crate::error::Result<ClipTokenizer> {
    let folder = golden("models/clip");
    let read = |name: &str| Some(std::fs::read(folder.join(name)).expect("the file is there").into());
    ClipTokenizer::from_files(&TokenizerFiles {
        folder: "tokenizer".into(),
        vocab_json: read("vocab.json"),
        merges_txt: read("merges.txt"),
        tokenizer_config_json: Some(config.as_bytes().into()),
        ..TokenizerFiles::default()
    })
}

#[test]
fn context_length_is_read_or_clips_own() {
    let length = |config: &str| with_config(config).map(|tokenizer| tokenizer.context_length());
    assert_eq!(length(r#"{"model_max_length": 24}"#).expect("supported"), 24);
    assert_eq!(length(r#"{"model_max_length": 1000000000000000019884624838656}"#).expect("supported"), 77);
    assert_eq!(length(r#"{"model_max_length": null}"#).expect("supported"), 77);
    for wrong in ["0", "-3", "2", "1.5", "\"77\""] {
        let error = length(&format!(r#"{{"model_max_length": {wrong}}}"#)).expect_err("refused").to_string();
        assert!(error.contains("tokenizer_config.json") && error.contains("model_max_length"), "{error}");
    }
}

#[test]
fn settings_that_would_change_the_ids_are_refused() {
    for wrong in [
        r#"{"tokenizer_class": "T5Tokenizer"}"#,
        r#"{"padding_side": "left"}"#,
        r#"{"truncation_side": "left"}"#,
        r#"{"add_bos_token": false}"#,
        r#"{"pad_token": "nowhere"}"#,
        r#"{"bos_token": 5}"#,
        r#"{"added_tokens_decoder": {"99999": {"content": "<new>"}}}"#,
        r#"{"added_tokens_decoder": 1}"#,
        r#"["#,
    ] {
        let error = with_config(wrong).expect_err("refused").to_string();
        assert!(error.starts_with("tokenizer"), "{error}");
    }
}

#[test]
fn special_tokens_are_matched_as_their_flags_say() {
    // Published Karlo folders mark start and end as normalised: then they are found in any case.
    let flags = r#"{"eos_token": {"content": "<|endoftext|>", "normalized": true}, "bos_token": "<|startoftext|>"}"#;
    let tokenizer = with_config(flags).expect("supported");
    assert_eq!(tokenizer.encode("<|ENDOFTEXT|>").expect("encodes").ids[1], tokenizer.eos);
    let plain = load("models/clip");
    assert_ne!(plain.encode("<|ENDOFTEXT|>").expect("encodes").ids[1], plain.eos);
}

#[test]
fn broken_files_are_named() {
    let vocab = r#"{"a": 0, "b": 1, "ab": 2, "<|startoftext|>": 3, "<|endoftext|>": 4}"#;
    let build = |vocab: &[u8], merges: &[u8]| {
        ClipTokenizer::from_files(&TokenizerFiles {
            folder: "f".into(),
            vocab_json: Some(vocab.to_vec().into()),
            merges_txt: Some(merges.to_vec().into()),
            ..TokenizerFiles::default()
        })
    };
    assert!(build(vocab.as_bytes(), b"#version: 0.2\na b\n").is_ok());
    assert!(build(vocab.as_bytes(), b"\"bpe.txt#version: 0.2\r\na b\r\n").is_ok());
    for (vocab, merges, file) in [
        (&b"{"[..], &b"a b"[..], "f/vocab.json"),
        (b"[]", b"a b", "f/vocab.json"),
        (b"{}", b"", "f/vocab.json"),
        (br#"{"a": -1}"#, b"", "f/vocab.json"),
        (br#"{"a": "x"}"#, b"", "f/vocab.json"),
        (br#"{"a": 4000000000}"#, b"", "f/vocab.json"),
        (br#"{"a": 0}"#, b"", "f: the token"),
        (vocab.as_bytes(), b"a", "f/merges.txt"),
        (vocab.as_bytes(), b"a b c", "f/merges.txt"),
        (vocab.as_bytes(), b"b ab", "f/merges.txt"),
        (vocab.as_bytes(), b"\xff\xff", "f/merges.txt"),
    ] {
        let error = build(vocab, merges).expect_err("refused").to_string();
        assert!(error.starts_with(file), "{error}");
    }
    let nothing = TokenizerFiles { folder: "f".into(), ..TokenizerFiles::default() };
    assert!(ClipTokenizer::from_files(&nothing).is_err());
    let other = TokenizerFiles { tokenizer_json: Some(br#"{"model": {"type": "Unigram"}}"#.into()), ..nothing };
    assert!(ClipTokenizer::from_files(&other).is_err());
}

#[test]
fn what_was_cut_is_said() {
    let tokenizer = load("models/clip");
    let text = format!("{}the rest é", "cat ".repeat(75));
    let encoded = tokenizer.encode(&text).expect("encodes");
    assert_eq!(encoded.truncated.as_deref(), Some("the rest é"));
    assert_eq!(encoded.ids.len(), 77);
    assert_eq!(encoded.ids.last(), Some(&tokenizer.eos));
    assert!(encoded.mask.iter().all(|&bit| bit));
    assert_eq!(tokenizer.encode(&"cat ".repeat(75)).expect("encodes").truncated, None);
}

#[test]
fn no_text_brings_it_down() {
    let tokenizer = load("models/tokenizer_full");
    let controls: String = (0..0x20).filter_map(char::from_u32).collect();
    let strange = ["\0", &controls, "\u{10FFFF}", "🏳️‍🌈", "\u{FEFF}", "a\u{301}\u{301}\u{301}", "\u{202E}abc", "'", "<|"];
    for text in strange {
        assert_eq!(tokenizer.encode(text).expect("encodes").ids.len(), 77, "{text:?}");
    }
    let start = Instant::now();
    for unit in ["a", "é", "!", "<|endoftext|>", " ", "cat ", "🐱", "\u{301}", "'s", ".,", "1", "\0"] {
        let text = unit.repeat((1 << 20) / unit.len());
        assert_eq!(tokenizer.encode(&text).expect("encodes").ids.len(), 77, "{unit:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
}
