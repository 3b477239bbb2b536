//! The embedded model on a CUDA device: the workflow that ships, a recorded run, and every network in every precision.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use easel_engine::RunReport;
use easel_kernels::{Placement, Precision, Tensor};
use easel_nodes::config::{ClipTextConfig, PriorConfig, TextProjConfig, UNetConfig};
use easel_nodes::kinds::{Image, ImageEmbedding, MASKED, TextEncoding};
use easel_nodes::models::clip::ClipText;
use easel_nodes::models::prior::{Prior, PriorText};
use easel_nodes::models::text_proj::TextProj;
use easel_nodes::models::unet::{UNet, UNetCondition};
use easel_nodes::parts;
use easel_nodes::weights::{ModelFolder, WeightsReader};
use easel_tests::devices::{CudaDevice, each_place};
use easel_tests::short::ShortRun;
use easel_tests::workflow::{outputs, run_at};
use easel_tests::{Golden, golden_dir, save_safetensors};

const MODEL: &str = "builtin:emoji-unclip";

/// With as few steps as the recording has, and pictures as they come out of its networks.
const STEPS: [(&str, &str); 4] =
    [("prior_steps", "2"), ("decoder_steps", "5"), ("super_res_steps", "4"), ("enlarge", "false")];

/// The stages whose results the recording has figures of.
struct Stages {
    text: TextEncoding,
    embedding: Tensor,
    small: Tensor,
    image: Tensor,
}

impl Stages {
    fn of(report: &RunReport, last: &str) -> Self {
        let image = |node| outputs(report, node).get("image").unwrap().get::<Image>().unwrap().0.clone();
        let embedding = outputs(report, "prior").get("embedding").unwrap().get::<ImageEmbedding>().unwrap();
        let text = outputs(report, "text").get("encoding").unwrap().get::<TextEncoding>().unwrap();
        Stages {
            text: text.clone(),
            embedding: embedding.0.clone(),
            small: image("decoder"),
            image: from_0_to_1(&image(last)),
        }
    }
}

/// As diffusers gives pictures out: 0 to 1.
fn from_0_to_1(image: &Tensor) -> Tensor {
    let values = image.as_f32().unwrap().iter().map(|x| (x * 0.5 + 0.5).clamp(0.0, 1.0)).collect();
    Tensor::from_f32(values, image.shape().clone()).unwrap()
}

/// What the workflow that ships draws in few steps, and what its safety filter says of it.
fn shipped(place: Placement) -> (Stages, String) {
    let workflow = include_str!("../../workflows/text_to_image.ron");
    let folder = tempfile::tempdir().unwrap();
    let targets = ["text", "prior", "decoder", "safety", "save"];
    let report = run_at(place, workflow, Path::new("."), folder.path(), &STEPS, &targets);
    let verdict = outputs(&report, "safety").get("verdict").unwrap().get::<String>().unwrap().to_string();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "one picture is written");
    (Stages::of(&report, "safety"), verdict)
}

/// The noise is drawn on the device here; both runs are as far from float64 as the recording's float32 may be.
#[test]
fn the_workflow_that_ships_draws_on_cuda_what_it_draws_on_the_cpu() {
    let (short, device) = (ShortRun::open(), CudaDevice::get());
    let (got, said) = shipped(device.place(Precision::Float32));
    let (want, wanted) = shipped(Placement::CPU);
    assert_eq!(said, wanted);
    let check = |output: &str, got: &Tensor, want: &Tensor| {
        short.allowed(output, Precision::Float32).of_two().assert(output, got, want, Precision::Float32);
    };
    check("text_encoder.0.last_hidden_state", &got.text.hidden_states, &want.text.hidden_states);
    check("run.image_embeds", &got.embedding, &want.embedding);
    check("run.image_small", &got.small, &want.small);
    check("run.image", &got.image, &want.image);
}

/// The recording's run, with its noise.
const RECORDED: &str = r#"
Workflow(
    version: 1,
    nodes: {
        "tokens": Tokenizer(model: "builtin:emoji-unclip", text: "a flat apple on a blue background"),
        "text": ClipTextEncoder(model: "builtin:emoji-unclip", tokens: From("tokens")),
        "negative_tokens": Tokenizer(model: "builtin:emoji-unclip", text: ""),
        "negative": ClipTextEncoder(model: "builtin:emoji-unclip", tokens: From("negative_tokens")),
        "prior_schedule": Scheduler(model: "builtin:emoji-unclip", part: "prior", steps: 2),
        "prior_noise": LoadTensor(path: "noise.safetensors", key: "prior"),
        "prior": Prior(
            model: "builtin:emoji-unclip", text: From("text"), negative: From("negative"),
            schedule: From("prior_schedule"), guidance_scale: 2, noise: From("prior_noise"),
        ),
        "decoder_schedule": Scheduler(model: "builtin:emoji-unclip", part: "decoder", steps: 5),
        "decoder_noise": LoadTensor(path: "noise.safetensors", key: "decoder"),
        "decoder": Decoder(
            model: "builtin:emoji-unclip", embedding: From("prior"), text: From("text"), negative: From("negative"),
            schedule: From("decoder_schedule"), guidance_scale: 3, noise: From("decoder_noise"),
        ),
        "sr_schedule": Scheduler(model: "builtin:emoji-unclip", part: "super_res", steps: 4),
        "sr_noise": LoadTensor(path: "noise.safetensors", key: "super_res"),
        "upsampler": Upsampler(
            model: "builtin:emoji-unclip", image: From("decoder"), schedule: From("sr_schedule"), noise: From("sr_noise"),
        ),
    },
)
"#;

fn recorded(place: Placement) -> Stages {
    let draws = Golden::open_file(&golden_dir().join("emoji/golden_emoji.safetensors"));
    let folder = tempfile::tempdir().unwrap();
    let noise = [("prior", "prior_noise", 2), ("decoder", "decoder_noise", 5), ("super_res", "sr_noise", 4)];
    // The recording keeps the draws of its one picture without a batch dimension.
    let noise = noise.map(|(name, key, steps)| {
        let draws = draws.tensor(key).narrow(0, 0, steps).unwrap();
        let mut shape = draws.dims().to_vec();
        shape.insert(1, 1);
        (name, draws.reshape(shape).unwrap())
    });
    save_safetensors(&folder.path().join("noise.safetensors"), &noise);
    let targets = ["text", "prior", "decoder", "upsampler"];
    Stages::of(&run_at(place, RECORDED, folder.path(), folder.path(), &[], &targets), "upsampler")
}

#[test]
fn a_recorded_run_gives_what_the_reference_gives_in_float64() {
    let (short, device) = (ShortRun::open(), CudaDevice::get());
    for place in [Placement::CPU, device.place(Precision::Float32)] {
        let got = recorded(place);
        let check = |output: &str, got: &Tensor, want: Tensor| {
            let what = format!("{}: {output}", place.device);
            short.allowed(output, Precision::Float32).assert(&what, got, &want, Precision::Float32);
        };
        let text = "text_encoder.0.last_hidden_state";
        check(text, &got.text.hidden_states, short.golden.tensor(text));
        check("run.image_embeds", &got.embedding, short.golden.tensor("run.image_embeds"));
        check("run.image_small", &got.small, short.golden.picture("run.image_small"));
        check("run.image", &got.image, short.golden.tensor("run.image"));
    }
}

/// A recorded call of a network.
struct Call<'a> {
    short: &'a ShortRun,
    name: String,
    place: Placement,
}

impl Call<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    /// An input as a network takes it.
    fn input(&self, key: &str) -> Tensor {
        self.place.activation(&self.short.golden.tensor(&self.key(key))).unwrap()
    }

    fn picture(&self, key: &str) -> Tensor {
        self.place.activation(&self.short.golden.picture(&self.key(key))).unwrap()
    }

    fn timestep(&self) -> f32 {
        self.short.golden.integers(&self.key("timestep"))[0] as f32
    }

    /// The attention mask as what is added to the scores.
    fn key_bias(&self) -> Tensor {
        let mask = self.short.golden.tensor(&self.key("attention_mask"));
        let bias = mask.to_vec_f32().unwrap().iter().map(|&used| if used != 0.0 { 0.0 } else { MASKED }).collect();
        self.place.float32(&Tensor::from_f32(bias, mask.shape().clone()).unwrap()).unwrap()
    }

    fn check(&self, key: &str, got: &Tensor, want: &Tensor) {
        let (output, precision) = (self.key(key), self.place.precision);
        let what = format!("{} in {precision:?}: {output}", self.place.device);
        self.short.allowed(&output, precision).assert(&what, got, want, precision);
    }

    fn check_output(&self, key: &str, got: &Tensor) {
        self.check(key, got, &self.short.golden.tensor(&self.key(key)));
    }
}

fn load<C, M>(
    place: Placement,
    part: &str,
    parse: fn(&[u8], &str) -> easel_nodes::Result<C>,
    build: impl FnOnce(&WeightsReader, &C) -> M,
) -> M {
    let folder = ModelFolder::open(MODEL, Path::new(".")).unwrap();
    let config = parts::config(&folder, part, parse).unwrap();
    folder.weights(part).unwrap().load_at(place, |weights| build(weights, &config)).unwrap().model
}

/// Runs `test` for the first `calls` recorded calls of a network, everywhere and in every precision.
fn each_call(network: &str, calls: usize, mut test: impl FnMut(Call<'_>)) {
    let short = ShortRun::open();
    each_place(|place| {
        for index in 0..calls {
            test(Call { short: &short, name: format!("{network}.{index}"), place });
        }
    });
}

#[test]
fn the_text_encoder_is_as_exact_as_the_reference() {
    each_call("text_encoder", 2, |call| {
        let model = load(call.place, "text_encoder", ClipTextConfig::parse, ClipText::new);
        let ids: Vec<u32> = call.short.golden.integers(&call.key("input_ids")).iter().map(|&id| id as u32).collect();
        let output = model.forward(&ids, 1, ids.len()).unwrap();
        call.check_output("last_hidden_state", &output.last_hidden_state);
        call.check_output("text_embeds", &output.text_embeds);
    });
}

#[test]
fn the_prior_is_as_exact_as_the_reference() {
    each_call("prior", 2, |call| {
        let model = load(call.place, "prior", PriorConfig::parse, Prior::new);
        let (text_embeds, hidden_states) = (call.input("proj_embedding"), call.input("encoder_hidden_states"));
        let bias = call.key_bias();
        let text = PriorText { text_embeds: &text_embeds, hidden_states: &hidden_states, key_bias: Some(&bias) };
        let text = model.prepare(text, &[call.timestep()]).unwrap();
        call.check_output("out", &model.step(&call.input("hidden_states"), &text, 0).unwrap());
    });
}

#[test]
fn the_text_projection_is_as_exact_as_the_reference() {
    each_call("text_proj", 1, |call| {
        let model = load(call.place, "text_proj", TextProjConfig::parse, TextProj::new);
        let nothing = model.unconditional_image_embeddings(1).unwrap();
        let image = Tensor::concat(&[&nothing, &call.input("image_embeddings")], 0).unwrap();
        let got =
            model.forward(&image, &call.input("prompt_embeds"), &call.input("text_encoder_hidden_states")).unwrap();
        call.check_output("encoder_hidden_states", &got.encoder_hidden_states);
        call.check_output("additive_clip_time_embeddings", &got.additive_clip_time_embeddings);
    });
}

#[test]
fn the_decoder_is_as_exact_as_the_reference() {
    each_call("decoder", 2, |call| {
        let model = load(call.place, "decoder", UNetConfig::parse, UNet::new);
        let (context, labels) = (call.input("encoder_hidden_states"), call.input("class_labels"));
        let bias = call.key_bias();
        let condition = UNetCondition {
            encoder_hidden_states: Some(&context),
            encoder_key_bias: Some(&bias),
            class_labels: Some(&labels),
        };
        let prepared = model.prepare(2, &[call.timestep()], condition).unwrap();
        let got = model.step(&call.picture("sample"), &prepared, 0).unwrap();
        call.check("out", &got, &call.short.golden.picture(&call.key("out")));
    });
}

#[test]
fn super_resolution_is_as_exact_as_the_reference() {
    for (part, calls) in [("super_res_first", 2), ("super_res_last", 1)] {
        each_call(part, calls, |call| {
            let model = load(call.place, part, UNetConfig::parse, UNet::new);
            let prepared = model.prepare(1, &[call.timestep()], UNetCondition::default()).unwrap();
            let got = model.step(&call.picture("sample"), &prepared, 0).unwrap();
            call.check("out", &got, &call.short.golden.picture(&call.key("out")));
        });
    }
}
