//! The three sampling loops of unCLIP (Ramesh et al. 2022; the loops are those of diffusers' `UnCLIPPipeline`).
//!
//! Classifier-free guidance runs both branches in one batch, unconditional first.

use std::sync::Arc;

use easel_kernels::ops;
use easel_kernels::{DType, Placement, StepGraph, Tensor};

use super::draws::Draws;
use super::schedule::Schedule;
use super::steps::{Loop, Steps, walk};
use crate::error::{Error, Result};
use crate::kinds::TextEncoding;
use crate::models::prior::{Prior, PriorText};
use crate::models::text_proj::TextProj;
use crate::models::unet::{PreparedLoop, UNet, UNetCondition};

/// The text of a guided loop: a negative one makes it guided.
#[derive(Clone, Copy)]
pub struct GuidedText<'a> {
    /// What the picture should be, one per picture.
    pub positive: &'a TextEncoding,
    /// What guidance leads away from, one per picture; without it the loop is not guided.
    pub negative: Option<&'a TextEncoding>,
    /// How far.
    pub guidance_scale: f32,
}

impl GuidedText<'_> {
    /// Both branches in one batch, unconditional first, where a model computes.
    fn both_branches(&self, place: Placement) -> Result<TextEncoding> {
        let both = |of: fn(&TextEncoding) -> &Tensor| match self.negative {
            Some(negative) => Tensor::concat(&[of(negative), of(self.positive)], 0),
            None => Ok(of(self.positive).clone()),
        };
        Ok(TextEncoding {
            text_embeds: place.activation(&both(|text| &text.text_embeds)?)?,
            hidden_states: place.activation(&both(|text| &text.hidden_states)?)?,
            key_bias: place.float32(&both(|text| &text.key_bias)?)?,
        })
    }

    fn is_guided(&self) -> bool {
        self.negative.is_some()
    }

    fn scale_if_guided(&self) -> Option<f32> {
        self.is_guided().then_some(self.guidance_scale)
    }
}

/// The prior's loop: a CLIP image embedding for every text, `[batch, embedding_dim]`.
pub fn sample_prior<S: Steps + ?Sized>(
    prior: &Prior,
    schedule: &Schedule,
    text: GuidedText<'_>,
    draws: &Draws,
    steps: &mut S,
) -> Result<Tensor> {
    let place = prior.place();
    let branches = text.both_branches(place)?;
    let condition = PriorText {
        text_embeds: &branches.text_embeds,
        hidden_states: &branches.hidden_states,
        key_bias: Some(&branches.key_bias),
    };
    let prepared = prior.prepare(condition, &timesteps(schedule))?;
    let mut network = StepGraph::new(place.device, |inputs| prior.forward(&inputs[0], &prepared, &inputs[1]));
    let along = Loop { schedule, draws, device: place.device, guidance_scale: text.scale_if_guided() };
    let sample = walk(&along, steps, |i, sample, _| {
        Ok(network.run(&[&for_branches(sample, text.is_guided())?, &prepared.time(i)?])?)
    })?;
    let embedding = prior.post_process_latents(&sample)?;
    finite(&embedding, "prior")?;
    Ok(embedding.to_host()?)
}

/// The decoder's loop: pictures `[batch, sample_size, sample_size, 3]` in [−1, 1].
pub fn sample_decoder<S: Steps + ?Sized>(
    decoder: &UNet,
    text_proj: &TextProj,
    schedule: &Schedule,
    text: GuidedText<'_>,
    image_embeddings: &Tensor,
    draws: &Draws,
    steps: &mut S,
) -> Result<Tensor> {
    let place = decoder.place();
    let branches = text.both_branches(place)?;
    let image_embeddings = place.activation(image_embeddings)?;
    let embeddings = if text.is_guided() {
        let nothing = text_proj.unconditional_image_embeddings(image_embeddings.dims()[0])?;
        Tensor::concat(&[&nothing, &image_embeddings], 0)?
    } else {
        image_embeddings
    };
    let projected = text_proj.forward(&embeddings, &branches.text_embeds, &branches.hidden_states)?;
    let extra = Tensor::zeros_on(place.device, DType::F32, [branches.batch(), text_proj.extra_context_tokens()])?;
    let key_bias = Tensor::concat(&[&extra, &branches.key_bias], 1)?;
    let condition = UNetCondition {
        encoder_hidden_states: Some(&projected.encoder_hidden_states),
        encoder_key_bias: Some(&key_bias),
        class_labels: Some(&projected.additive_clip_time_embeddings),
    };
    let prepared = decoder.prepare(branches.batch(), &timesteps(schedule), condition)?;
    let mut network = StepGraph::new(place.device, |inputs| decoder.forward(&inputs[0], &prepared, &inputs[1]));
    let along = Loop { schedule, draws, device: place.device, guidance_scale: text.scale_if_guided() };
    let sample = walk(&along, steps, |i, sample, _| {
        Ok(network.run(&[&for_branches(sample, text.is_guided())?, &prepared.time(i)?])?)
    })?;
    clamp_to_picture(&sample, "decoder")
}

/// One of the two super-resolution networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuperResNetwork {
    /// `super_res_first`: every step but the last.
    First,
    /// `super_res_last`: the last step.
    Last,
}

impl SuperResNetwork {
    /// The network of step `index` of `steps`.
    fn of_step(index: usize, steps: usize) -> Self {
        if index + 1 == steps { SuperResNetwork::Last } else { SuperResNetwork::First }
    }
}

/// The super-resolution loop: `images: [batch, height, width, 3]` in [−1, 1] → `[batch, side, side, 3]`, side being the
/// networks' `sample_size`. `load` is asked for one network at a time, when its first step comes, so that they need not
/// be in memory together; both compute at `place`.
pub fn sample_super_res<S: Steps + ?Sized>(
    load: &mut dyn FnMut(SuperResNetwork, &mut S) -> Result<Arc<UNet>>,
    place: Placement,
    side: usize,
    schedule: &Schedule,
    images: &Tensor,
    draws: &Draws,
    steps: &mut S,
) -> Result<Tensor> {
    let upscaled = ops::resize_bicubic(&place.float32(images)?, side, side)?;
    let mut loaded: Option<LoadedNetwork> = None;
    let along = Loop { schedule, draws, device: place.device, guidance_scale: None };
    let sample = walk(&along, steps, |i, sample, steps| {
        let wanted = SuperResNetwork::of_step(i, schedule.timesteps().len());
        let current = match loaded.take() {
            Some(current) if current.which == wanted => current,
            other => {
                // The other network leaves before this one comes.
                drop(other);
                LoadedNetwork::new(wanted, load(wanted, steps)?, images.dims()[0], schedule)?
            }
        };
        loaded.insert(current).run(&Tensor::concat(&[sample, &upscaled], 3)?, i)
    })?;
    clamp_to_picture(&sample, "super-resolution networks")
}

/// A super-resolution network and what it has computed for a loop.
struct LoadedNetwork {
    which: SuperResNetwork,
    prepared: Arc<PreparedLoop>,
    graph: StepGraph<'static>,
}

impl LoadedNetwork {
    fn new(which: SuperResNetwork, network: Arc<UNet>, batch: usize, schedule: &Schedule) -> Result<Self> {
        let prepared = Arc::new(network.prepare(batch, &timesteps(schedule), UNetCondition::default())?);
        let (device, of_graph) = (network.place().device, Arc::clone(&prepared));
        let graph = StepGraph::new(device, move |inputs| network.forward(&inputs[0], &of_graph, &inputs[1]));
        Ok(LoadedNetwork { which, prepared, graph })
    }

    fn run(&mut self, x: &Tensor, step: usize) -> Result<Tensor> {
        Ok(self.graph.run(&[x, &self.prepared.time(step)?])?)
    }
}

fn timesteps(schedule: &Schedule) -> Vec<f32> {
    schedule.timesteps().iter().map(|&timestep| timestep as f32).collect()
}

fn for_branches(sample: &Tensor, guided: bool) -> Result<Tensor> {
    Ok(if guided { Tensor::concat(&[sample, sample], 0)? } else { sample.clone() })
}

fn clamp_to_picture(sample: &Tensor, model: &str) -> Result<Tensor> {
    finite(sample, model)?;
    Ok(ops::clamp(sample, -1.0, 1.0)?.to_host()?)
}

/// Refuses what is no number: it would be drawn as black and looked at as if the model had meant it.
fn finite(sample: &Tensor, model: &str) -> Result<()> {
    if ops::count_not_finite(sample)? == 0 {
        return Ok(());
    }
    Err(Error::invalid(format!("the {model} gave values that are no numbers (NaN or infinite)"))
        .with_hint("weights or recorded noise may be damaged, or hold such values themselves"))
}
