//! Arithmetic with CLIP embeddings against transformers and numpy: golden/scripts/make_clip_arithmetic.py.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::path::Path;

use easel_engine::RunReport;
use easel_kernels::Tensor;
use easel_nodes::kinds::ImageEmbedding;
use easel_tests::workflow::{outputs, run};
use easel_tests::{Golden, Tolerance, assert_close, golden_dir};

fn golden() -> Golden {
    Golden::open_file(&golden_dir().join("emoji/clip_arithmetic.safetensors"))
}

/// 20 times the reference's own error, and never tighter than 10⁻⁶ of the values' scale, which is that of a cosine.
fn tolerance() -> Tolerance {
    let error = golden().tensor("cosines_error").to_vec_f32().unwrap();
    let allowed = |error: f32| (20.0 * f64::from(error)).max(1e-6);
    Tolerance { max_abs: allowed(error[0]), mean_abs: allowed(error[1]) }
}

/// Every text, each compared with one picture.
const SCORES: &str = r#"
Workflow(
    version: 1,
    nodes: {
        "picture": LoadImage(path: "PICTURE"),
        "seen": ClipImageEncoder(model: "builtin:emoji-unclip", image: From("picture")),
        "tokens": Tokenizer(
            model: "builtin:emoji-unclip",
            text: ["a flat apple on a blue background", "apple", "a cat", "a 3d rocket on a red background", ""],
        ),
        "text": ClipTextEncoder(model: "builtin:emoji-unclip", tokens: From("tokens")),
        "score": ClipScore(embedding: From("seen"), text: From("text"), logit_scale: SCALE),
    },
)
"#;

fn scores(picture: &str, scale: &str) -> Vec<f32> {
    let text = SCORES.replace("PICTURE", picture).replace("SCALE", scale);
    let report = run(&text, &golden_dir(), Path::new("unused"), &[], &["score"]);
    let scores = outputs(&report, "score").get("scores").unwrap().list().unwrap().items().to_vec();
    scores.iter().map(|score| *score.get::<f64>().unwrap() as f32).collect()
}

#[test]
fn scores_are_the_cosines_of_the_reference() {
    let want = golden().tensor("cosines");
    let pictures = ["emoji/golden_emoji.png", "A/images/a0_rgb_97x61.png", "A/images/a3_rgb_300x200.png"];
    for (row, picture) in pictures.iter().enumerate() {
        let got = Tensor::from_f32(scores(picture, "1"), [1, 5]).unwrap();
        assert_close(picture, &got, &want.narrow(0, row, 1).unwrap(), tolerance());
    }
}

#[test]
fn a_scale_makes_logits_of_cosines() {
    let picture = "emoji/golden_emoji.png";
    let (cosines, logits) = (scores(picture, "1"), scores(picture, "100"));
    for (cosine, logit) in cosines.iter().zip(&logits) {
        assert!((cosine * 100.0 - logit).abs() <= 1e-5 * logit.abs().max(1.0), "{cosine} {logit}");
    }
}

const EMBEDDINGS: &str = r#"
        "first": LoadTensor(path: "emoji/clip_arithmetic.safetensors", key: "first"),
        "second": LoadTensor(path: "emoji/clip_arithmetic.safetensors", key: "second"),
        "third": LoadTensor(path: "emoji/clip_arithmetic.safetensors", key: "third"),
"#;

fn embedding(node: &str) -> Tensor {
    let text = format!("Workflow(version: 1, nodes: {{ {EMBEDDINGS} \"out\": {node} }})");
    let report: RunReport = run(&text, &golden_dir(), Path::new("unused"), &[], &["out"]);
    outputs(&report, "out").get("embedding").unwrap().get::<ImageEmbedding>().unwrap().0.clone()
}

/// The reference computes in float64 and so does the node; both round once, to float32, whose unit in the last place is
/// 9.5e-7 for the largest of these values (8.9).
const ROUNDED: Tolerance = Tolerance { max_abs: 9.6e-7, mean_abs: 1e-7 };

#[test]
fn mixtures_lie_on_the_arc_of_the_reference() {
    for amount in ["0.1", "0.25", "0.5", "0.9"] {
        let node = format!("MixEmbeddings(first: From(\"first\"), second: From(\"second\"), amount: {amount})");
        assert_close(amount, &embedding(&node), &golden().tensor(&format!("slerp.{amount}")), ROUNDED);
    }
}

#[test]
fn sums_are_those_of_the_reference() {
    let node = r#"AddEmbeddings(
        embeddings: [From("first"), From("second"), From("third")],
        weights: [1.0, 0.5, -0.75],
    )"#;
    assert_close("sum", &embedding(node), &golden().tensor("sum"), ROUNDED);
}
