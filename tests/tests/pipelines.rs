//! Whole recorded runs of the reference, replayed with their own noise.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use easel_engine::RunReport;
use easel_kernels::Tensor;
use easel_nodes::kinds::{Image, ImageEmbedding};
use easel_tests::workflow::{outputs, run};
use easel_tests::{Golden, Tolerance, assert_close, golden_dir, scale, settings, tolerance};

/// Text to image with every draw replayed. `{…}` are filled in per run.
const TEXT_TO_IMAGE: &str = r#"
Workflow(
    version: 1,
    inputs: {
        "prompts": TextList(),
        "pictures": Integer(default: 1),
        "prior_steps": Integer(), "decoder_steps": Integer(), "sr_steps": Integer(),
        "prior_g": Float(), "decoder_g": Float(),
        "prior_draws": Text(), "decoder_draws": Text(), "sr_draws": Text(),
    },
    nodes: {
        "tokens": Tokenizer(model: "A/models/pipeline", text: Input("prompts")),
        "text": ClipTextEncoder(model: "A/models/pipeline", tokens: From("tokens")),
        "negative_tokens": Tokenizer(model: "A/models/pipeline", text: ""),
        "negative": ClipTextEncoder(model: "A/models/pipeline", tokens: From("negative_tokens")),

        "prior_schedule": Scheduler(model: "A/models/pipeline", part: "prior", steps: Input("prior_steps")),
        "prior_noise": LoadTensor(path: "A/RECORDING.safetensors", key: Input("prior_draws")),
        "prior": Prior(
            model: "A/models/pipeline", text: From("text"), negative: From("negative"), pictures: Input("pictures"),
            schedule: From("prior_schedule"), guidance_scale: Input("prior_g"), noise: From("prior_noise"),
        ),

        "decoder_schedule": Scheduler(model: "A/models/pipeline", part: "decoder", steps: Input("decoder_steps")),
        "decoder_noise": LoadTensor(path: "A/RECORDING.safetensors", key: Input("decoder_draws")),
        "decoder": Decoder(
            model: "A/models/pipeline", embedding: From("prior"), text: From("text"), negative: From("negative"),
            schedule: From("decoder_schedule"), guidance_scale: Input("decoder_g"), noise: From("decoder_noise"),
        ),

        "sr_schedule": Scheduler(model: "A/models/pipeline", part: "super_res", steps: Input("sr_steps")),
        "sr_noise": LoadTensor(path: "A/RECORDING.safetensors", key: Input("sr_draws")),
        "upsampler": Upsampler(
            model: "A/models/pipeline", image: From("decoder"), schedule: From("sr_schedule"), noise: From("sr_noise"),
        ),
    },
)
"#;

/// Image variation: the picture's own embedding in place of the prior's, an empty text.
const VARIATION: &str = r#"
Workflow(
    version: 1,
    nodes: {
        "tokens": Tokenizer(model: "A/models/pipeline", text: ["", ""]),
        "text": ClipTextEncoder(model: "A/models/pipeline", tokens: From("tokens")),
        "embedding": LoadTensor(path: "A/pipeline_variation.safetensors", key: "image_embeddings"),
        "decoder_schedule": Scheduler(model: "A/models/pipeline", part: "decoder", steps: 25),
        "decoder_noise": LoadTensor(path: "A/pipeline_variation.safetensors", key: "draw.{000..024}"),
        "decoder": Decoder(
            model: "A/models/pipeline", embedding: From("embedding"), text: From("text"), negative: From("text"),
            schedule: From("decoder_schedule"), guidance_scale: 8, noise: From("decoder_noise"),
        ),
        "sr_schedule": Scheduler(model: "A/models/pipeline", part: "super_res", steps: 7),
        "sr_noise": LoadTensor(path: "A/pipeline_variation.safetensors", key: "draw.{025..031}"),
        "upsampler": Upsampler(
            model: "A/models/pipeline", image: From("decoder"), schedule: From("sr_schedule"), noise: From("sr_noise"),
        ),
        "first": LoadImage(path: "A/images/a0_rgb_97x61.png"),
        "encoder": ClipImageEncoder(model: "A/models/image_variation", image: From("first")),
    },
)
"#;

const TARGETS: [&str; 3] = ["prior", "decoder", "upsampler"];

/// Replays a recorded text-to-image run of set A.
fn replay(recording: &str) -> RunReport {
    let settings = settings(recording);
    let number = |key: &str| settings[key].to_string();
    let steps = |key: &str| settings[key].as_u64().unwrap();
    // One draw for the start and one per step but the last: as many as there are steps.
    let (prior, decoder, super_res) = (steps("prior_steps"), steps("decoder_steps"), steps("sr_steps"));
    let draws = |from: u64, count: u64| format!("draw.{{{:03}..{:03}}}", from, from + count - 1);
    let pictures = settings.get("num_images_per_prompt").map_or_else(|| "1".to_string(), ToString::to_string);
    let set = [
        ("prompts", number("prompts")),
        ("pictures", pictures),
        ("prior_steps", number("prior_steps")),
        ("decoder_steps", number("decoder_steps")),
        ("sr_steps", number("sr_steps")),
        ("prior_g", number("prior_g")),
        ("decoder_g", number("decoder_g")),
        ("prior_draws", draws(0, prior)),
        ("decoder_draws", draws(prior, decoder)),
        ("sr_draws", draws(prior + decoder, super_res)),
    ];
    let set: Vec<_> = set.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let text = TEXT_TO_IMAGE.replace("RECORDING", recording);
    run(&text, &golden_dir(), Path::new("unused"), &set, &TARGETS)
}

fn image(report: &RunReport, node: &str) -> Tensor {
    outputs(report, node).get("image").unwrap().get::<Image>().unwrap().0.clone()
}

/// As diffusers gives pictures out: 0 to 1.
fn from_0_to_1(image: &Tensor) -> Tensor {
    let values = image.as_f32().unwrap().iter().map(|x| (x * 0.5 + 0.5).clamp(0.0, 1.0)).collect();
    Tensor::from_f32(values, image.shape().clone()).unwrap()
}

fn embedding(report: &RunReport, node: &str) -> Tensor {
    outputs(report, node).get("embedding").unwrap().get::<ImageEmbedding>().unwrap().0.clone()
}

#[test]
fn text_to_image() {
    let golden = Golden::open("pipeline_t2i");
    let report = replay("pipeline_t2i");
    let got = embedding(&report, "prior");
    assert_close("embedding", &got, &golden.tensor("image_embeddings"), tolerance("pipeline_t2i.image_embeddings"));
    let got = image(&report, "decoder");
    assert_close("small", &got, &golden.picture("image_small"), tolerance("pipeline_t2i.image_small"));
    let got = from_0_to_1(&image(&report, "upsampler"));
    assert_close("image", &got, &golden.tensor("image"), tolerance("pipeline_t2i.image"));
}

#[test]
fn variants_of_text_to_image() {
    for recording in ["pipeline_t2i_nocfg", "pipeline_t2i_prior_cfg_only", "pipeline_t2i_two_per_prompt"] {
        let report = replay(recording);
        let got = from_0_to_1(&image(&report, "upsampler"));
        let allowed = tolerance(&format!("{recording}.image"));
        assert_close(recording, &got, &Golden::open(recording).tensor("image"), allowed);
    }
}

#[test]
fn image_variation() {
    let golden = Golden::open("pipeline_variation");
    let report = run(VARIATION, &golden_dir(), Path::new("unused"), &[], &["upsampler", "encoder"]);
    let want = golden.tensor("image_embeddings").narrow(0, 0, 1).unwrap();
    // The picture goes through the processor as well: its own rounding is below that of the encoder.
    assert_close("encoder", &embedding(&report, "encoder"), &want, tolerance("image_encoder.image_embeds"));
    let got = from_0_to_1(&image(&report, "upsampler"));
    assert_close("image", &got, &golden.tensor("image"), tolerance("pipeline_variation.image"));
}

/// The embedded model's recorded run, with guidance 2 and 3.
const EMBEDDED: &str = r#"
Workflow(
    version: 1,
    nodes: {
        "tokens": Tokenizer(model: "builtin:emoji-unclip", text: "a flat apple on a blue background"),
        "text": ClipTextEncoder(model: "builtin:emoji-unclip", tokens: From("tokens")),
        "negative_tokens": Tokenizer(model: "builtin:emoji-unclip", text: ""),
        "negative": ClipTextEncoder(model: "builtin:emoji-unclip", tokens: From("negative_tokens")),
        "prior_schedule": Scheduler(model: "builtin:emoji-unclip", part: "prior", steps: 25),
        "prior_noise": LoadTensor(path: "noise.safetensors", key: "prior"),
        "prior": Prior(
            model: "builtin:emoji-unclip", text: From("text"), negative: From("negative"),
            schedule: From("prior_schedule"), guidance_scale: 2, noise: From("prior_noise"),
        ),
        "decoder_schedule": Scheduler(model: "builtin:emoji-unclip", part: "decoder", steps: 25),
        "decoder_noise": LoadTensor(path: "noise.safetensors", key: "decoder"),
        "decoder": Decoder(
            model: "builtin:emoji-unclip", embedding: From("prior"), text: From("text"), negative: From("negative"),
            schedule: From("decoder_schedule"), guidance_scale: 3, noise: From("decoder_noise"),
        ),
        "sr_schedule": Scheduler(model: "builtin:emoji-unclip", part: "super_res", steps: 7),
        "sr_noise": LoadTensor(path: "noise.safetensors", key: "super_res"),
        "upsampler": Upsampler(
            model: "builtin:emoji-unclip", image: From("decoder"), schedule: From("sr_schedule"), noise: From("sr_noise"),
        ),
    },
)
"#;

#[test]
fn the_embedded_model() {
    let golden = Golden::open_file(&golden_dir().join("emoji/golden_emoji.safetensors"));
    let folder = tempfile::tempdir().unwrap();
    // The recording keeps the draws of its one picture without a batch dimension.
    let noise =
        [("prior", "prior_noise"), ("decoder", "decoder_noise"), ("super_res", "sr_noise")].map(|(name, key)| {
            let draws = golden.tensor(key);
            let mut shape = draws.dims().to_vec();
            shape.insert(1, 1);
            (name, draws.reshape(shape).unwrap())
        });
    easel_tests::save_safetensors(&folder.path().join("noise.safetensors"), &noise);
    let report = run(EMBEDDED, folder.path(), folder.path(), &[], &TARGETS);

    // The recording holds no float64 run. The reference's error after the same loops is taken from set A, whose networks
    // have the same architecture and depth; for the embedding in proportion to its magnitude.
    let allowed = |output: &str| tolerance(&format!("pipeline_t2i.{output}"));
    let want = golden.tensor("image_embeds");
    let largest = want.to_vec_f32().unwrap().iter().fold(0f32, |max, x| max.max(x.abs()));
    let proportion = f64::from(largest) / scale("pipeline_t2i.image_embeddings");
    let Tolerance { max_abs, mean_abs } = allowed("image_embeddings");
    let of_embedding = Tolerance { max_abs: max_abs * proportion, mean_abs: mean_abs * proportion };
    assert_close("embedding", &embedding(&report, "prior"), &want, of_embedding);
    assert_close("small", &image(&report, "decoder"), &golden.picture("image_small"), allowed("image_small"));
    assert_close("image", &from_0_to_1(&image(&report, "upsampler")), &golden.tensor("image"), allowed("image"));
}
