//! The three sampling loops with real networks: broken off after any step and gone on with, they give the same bits.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

use std::path::Path;
use std::sync::Arc;

use easel_engine::NodeError;
use easel_kernels::{Placement, Tensor, random};
use easel_nodes::config::{PriorConfig, SchedulerConfig, TextProjConfig, UNetConfig};
use easel_nodes::kinds::TextEncoding;
use easel_nodes::models::prior::Prior;
use easel_nodes::models::text_proj::TextProj;
use easel_nodes::models::unet::UNet;
use easel_nodes::sampling::{
    Draws, GuidedText, Schedule, Stage, Steps, SuperResNetwork, sample_decoder, sample_prior, sample_super_res,
};
use easel_nodes::weights::ModelFolder;
use easel_nodes::{Error, Result, parts};

const STEPS: usize = 4;

fn model() -> ModelFolder {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/A/models/pipeline"));
    ModelFolder::open(folder.to_str().unwrap(), Path::new(".")).unwrap()
}

fn schedule(part: &str) -> Schedule {
    let file = format!("{part}_scheduler/scheduler_config.json");
    Schedule::new(parts::json(&model(), &file, SchedulerConfig::parse).unwrap(), STEPS).unwrap()
}

fn unet(part: &str) -> UNet {
    let config = parts::config(&model(), part, UNetConfig::parse).unwrap();
    model().weights(part).unwrap().load(|weights| UNet::new(weights, &config)).unwrap().model
}

fn noise(shape: &[usize], draw: u32) -> Tensor {
    random::normal(shape.to_vec(), 99, 7, draw).unwrap()
}

fn text(tokens: usize, width: usize, draw: u32) -> TextEncoding {
    TextEncoding {
        text_embeds: noise(&[2, width], draw),
        hidden_states: noise(&[2, tokens, width], draw + 1),
        key_bias: Tensor::zeros([2, tokens]).unwrap(),
    }
}

/// One attempt at a loop: cancelled after a step, if one is named; keeps the last state.
#[derive(Default)]
struct Attempt {
    state: Option<Vec<u8>>,
    cancelled_after: Option<usize>,
    steps_done: Vec<usize>,
    loaded: Vec<SuperResNetwork>,
}

impl Steps for Attempt {
    fn saved_state(&mut self) -> Option<Vec<u8>> {
        self.state.take()
    }

    fn done(&mut self, step: usize, steps: usize, state: &dyn Fn() -> Vec<u8>) -> Result<()> {
        assert_eq!(steps, STEPS);
        self.steps_done.push(step);
        self.state = Some(state());
        if self.cancelled_after == Some(step) { Err(NodeError::Cancelled.into()) } else { Ok(()) }
    }
}

/// Breaks `sample` off after every step and goes on with it; gives the attempts that went on.
fn assert_goes_on(mut sample: impl FnMut(&mut Attempt) -> Result<Tensor>) -> Vec<Attempt> {
    let whole = sample(&mut Attempt::default()).unwrap();
    let mut attempts = Vec::new();
    for step in 1..STEPS {
        let mut first = Attempt { cancelled_after: Some(step), ..Attempt::default() };
        assert!(matches!(sample(&mut first), Err(Error::Node(NodeError::Cancelled))));
        let mut second = Attempt { state: first.state, ..Attempt::default() };
        assert_eq!(
            sample(&mut second).unwrap().bytes().unwrap(),
            whole.bytes().unwrap(),
            "broken off after step {step}"
        );
        assert_eq!(second.steps_done, Vec::from_iter(step + 1..=STEPS));
        attempts.push(second);
    }
    attempts
}

#[test]
fn the_prior_goes_on_where_it_was_broken_off() {
    let config = parts::config(&model(), "prior", PriorConfig::parse).unwrap();
    let prior = model().weights("prior").unwrap().load(|weights| Prior::new(weights, &config)).unwrap().model;
    let schedule = schedule("prior");
    let (positive, negative) =
        (text(config.num_embeddings, config.embedding_dim, 0), text(config.num_embeddings, config.embedding_dim, 2));
    let guided = GuidedText { positive: &positive, negative: Some(&negative), guidance_scale: 4.0 };
    let draws = Draws::from_seed(5, Stage::Prior, 2, &[config.embedding_dim]);
    assert_goes_on(|attempt| sample_prior(&prior, &schedule, guided, &draws, attempt));
}

#[test]
fn the_decoder_goes_on_where_it_was_broken_off() {
    let projection = parts::config(&model(), "text_proj", TextProjConfig::parse).unwrap();
    let text_proj =
        model().weights("text_proj").unwrap().load(|weights| TextProj::new(weights, &projection)).unwrap().model;
    let (decoder, schedule) = (unet("decoder"), schedule("decoder"));
    let width = projection.clip_embeddings_dim;
    let (positive, negative, embeddings) = (text(7, width, 0), text(7, width, 2), noise(&[2, width], 4));
    let guided = GuidedText { positive: &positive, negative: Some(&negative), guidance_scale: 8.0 };
    let side = decoder.config().sample_size;
    let draws = Draws::from_seed(5, Stage::Decoder, 2, &[side, side, 3]);
    assert_goes_on(|attempt| sample_decoder(&decoder, &text_proj, &schedule, guided, &embeddings, &draws, attempt));
}

#[test]
fn super_resolution_goes_on_with_the_network_whose_step_it_is() {
    let networks = [Arc::new(unet("super_res_first")), Arc::new(unet("super_res_last"))];
    let schedule = schedule("super_res");
    let side = networks[0].config().sample_size;
    let draws = Draws::from_seed(5, Stage::SuperRes, 2, &[side, side, 3]);
    let small = noise(&[2, side / 4, side / 4, 3], 0);
    let mut load = |which, attempt: &mut Attempt| {
        attempt.loaded.push(which);
        Ok(Arc::clone(&networks[if which == SuperResNetwork::First { 0 } else { 1 }]))
    };
    let attempts =
        assert_goes_on(|attempt| sample_super_res(&mut load, Placement::CPU, side, &schedule, &small, &draws, attempt));
    let loaded: Vec<_> = attempts.into_iter().map(|attempt| attempt.loaded).collect();
    let both = vec![SuperResNetwork::First, SuperResNetwork::Last];
    assert_eq!(loaded, [both.clone(), both, vec![SuperResNetwork::Last]], "a network is loaded when its step comes");
}
