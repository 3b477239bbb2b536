//! Text to image on a CUDA device: what the nodes give is what they give on the CPU.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use easel_kernels::profile::Profile;
use easel_kernels::{Placement, Precision, Tensor};
use easel_nodes::kinds::{Image, ImageEmbedding, TextEncoding};
use easel_tests::devices::CudaDevice;
use easel_tests::workflow::{outputs, run_at};
use easel_tests::{assert_close, golden_dir, tolerance};

/// The tiny model of set A. Three steps: the first is run, the second recorded, the third replayed.
const WORKFLOW: &str = r#"
Workflow(
    version: 1,
    nodes: {
        "tokens": Tokenizer(model: "A/models/pipeline", text: ["a red apple", "a cat"]),
        "text": ClipTextEncoder(model: "A/models/pipeline", tokens: From("tokens")),
        "negative_tokens": Tokenizer(model: "A/models/pipeline", text: ""),
        "negative": ClipTextEncoder(model: "A/models/pipeline", tokens: From("negative_tokens")),
        "prior_schedule": Scheduler(model: "A/models/pipeline", part: "prior", steps: 3),
        "prior": Prior(
            model: "A/models/pipeline", text: From("text"), negative: From("negative"), schedule: From("prior_schedule"), seed: 7,
        ),
        "decoder_schedule": Scheduler(model: "A/models/pipeline", part: "decoder", steps: 3),
        "decoder": Decoder(
            model: "A/models/pipeline", embedding: From("prior"), text: From("text"), negative: From("negative"),
            schedule: From("decoder_schedule"), seed: 7,
        ),
        "sr_schedule": Scheduler(model: "A/models/pipeline", part: "super_res", steps: 4),
        "upsampler": Upsampler(
            model: "A/models/pipeline", image: From("decoder"), schedule: From("sr_schedule"), seed: 7,
        ),
    },
)
"#;

/// What every stage gave.
struct Stages {
    hidden_states: Tensor,
    embedding: Tensor,
    small: Tensor,
    large: Tensor,
}

impl Stages {
    fn all(&self) -> [&Tensor; 4] {
        [&self.hidden_states, &self.embedding, &self.small, &self.large]
    }
}

fn text_to_image(place: Placement) -> Stages {
    let targets = ["text", "prior", "decoder", "upsampler"];
    let report = run_at(place, WORKFLOW, &golden_dir(), Path::new("unused"), &[], &targets);
    let image = |node| outputs(&report, node).get("image").unwrap().get::<Image>().unwrap().0.clone();
    let text = outputs(&report, "text").get("encoding").unwrap().get::<TextEncoding>().unwrap().clone();
    let embedding = outputs(&report, "prior").get("embedding").unwrap().get::<ImageEmbedding>().unwrap().clone();
    Stages {
        hidden_states: text.hidden_states,
        embedding: embedding.0,
        small: image("decoder"),
        large: image("upsampler"),
    }
}

#[test]
fn every_stage_gives_what_it_gives_on_the_cpu() {
    let device = CudaDevice::get();
    let (got, want) = (text_to_image(device.place(Precision::Float32)), text_to_image(Placement::CPU));
    let check = |what, got, want, output| assert_close(what, got, want, tolerance(output));
    check("text", &got.hidden_states, &want.hidden_states, "text_encoder.last_hidden_state");
    check("prior", &got.embedding, &want.embedding, "pipeline_t2i.image_embeddings");
    check("decoder", &got.small, &want.small, "pipeline_t2i.image_small");
    check("upsampler", &got.large, &want.large, "pipeline_t2i.image");
}

/// In float16, in which pictures of a model without training soon have little to do with those in float32.
#[test]
fn replayed_steps_give_the_bits_of_steps_that_are_launched() {
    let device = CudaDevice::get();
    let place = device.place(Precision::Float16);
    let replayed = text_to_image(place);
    // Nothing is replayed while a profile is taken.
    let profile = Profile::start().unwrap();
    let launched = text_to_image(place);
    let timings = profile.finish().unwrap();
    for (a, b) in replayed.all().into_iter().zip(launched.all()) {
        assert_eq!(a.bytes().unwrap(), b.bytes().unwrap());
    }
    assert_eq!((replayed.small.dims(), replayed.large.dims()), (&[2, 16, 16, 3][..], &[2, 32, 32, 3][..]));
    for node in ["text", "prior", "decoder", "upsampler"] {
        let mut of_node = timings.iter().filter(|timing| &*timing.scope == node && timing.device == place.device);
        assert!(of_node.any(|timing| timing.name.contains("linear")), "{node}");
    }
}
