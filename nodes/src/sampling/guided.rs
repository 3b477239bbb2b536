//! The three sampling loops of unCLIP (Ramesh et al. 2022; the loops are those of diffusers' `UnCLIPPipeline`).
//!
//! Classifier-free guidance runs both branches in one batch, unconditional first.

use std::sync::Arc;

use easel_kernels::{Tensor, ops};

use super::draws::Draws;
use super::schedule::Schedule;
use super::steps::{Steps, walk};
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
    /// Both branches in one batch, unconditional first.
    fn both_branches(&self) -> Result<TextEncoding> {
        let Some(negative) = self.negative else { return Ok(self.positive.clone()) };
        let both = |of: fn(&TextEncoding) -> &Tensor| Tensor::concat(&[of(negative), of(self.positive)], 0);
        Ok(TextEncoding {
            text_embeds: both(|text| &text.text_embeds)?,
            hidden_states: both(|text| &text.hidden_states)?,
            key_bias: both(|text| &text.key_bias)?,
        })
    }

    fn is_guided(&self) -> bool {
        self.negative.is_some()
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
    let branches = text.both_branches()?;
    let condition = PriorText {
        text_embeds: &branches.text_embeds,
        hidden_states: &branches.hidden_states,
        key_bias: Some(&branches.key_bias),
    };
    let prepared = prior.prepare(condition)?;
    let sample = walk(schedule, draws, steps, |i, sample, _| {
        let timestep = schedule.timesteps()[i] as f32;
        let output = prior.step(&for_branches(sample, text.is_guided())?, timestep, &prepared)?;
        if text.is_guided() { guide(&output, text.guidance_scale) } else { Ok(output) }
    })?;
    let embedding = prior.post_process_latents(&sample)?;
    finite(&embedding, "prior")?;
    Ok(embedding)
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
    let branches = text.both_branches()?;
    let embeddings = if text.is_guided() {
        let nothing = text_proj.unconditional_image_embeddings(image_embeddings.dims()[0])?;
        Tensor::concat(&[&nothing, image_embeddings], 0)?
    } else {
        image_embeddings.clone()
    };
    let projected = text_proj.forward(&embeddings, &branches.text_embeds, &branches.hidden_states)?;
    let extra = Tensor::zeros([branches.batch(), text_proj.extra_context_tokens()])?;
    let key_bias = Tensor::concat(&[&extra, &branches.key_bias], 1)?;
    let condition = UNetCondition {
        encoder_hidden_states: Some(&projected.encoder_hidden_states),
        encoder_key_bias: Some(&key_bias),
        class_labels: Some(&projected.additive_clip_time_embeddings),
    };
    let prepared = decoder.prepare(branches.batch(), &timesteps(schedule), condition)?;
    let sample = walk(schedule, draws, steps, |i, sample, _| {
        let output = decoder.step(&for_branches(sample, text.is_guided())?, &prepared, i)?;
        let channels = sample.dims()[3];
        if text.is_guided() { guide_prediction(&output, channels, text.guidance_scale) } else { Ok(output) }
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
/// be in memory together.
pub fn sample_super_res<S: Steps + ?Sized>(
    load: &mut dyn FnMut(SuperResNetwork, &mut S) -> Result<Arc<UNet>>,
    side: usize,
    schedule: &Schedule,
    images: &Tensor,
    draws: &Draws,
    steps: &mut S,
) -> Result<Tensor> {
    let upscaled = ops::resize_bicubic(images, side, side)?;
    let batch = images.dims()[0];
    let mut loaded: Option<(SuperResNetwork, Arc<UNet>, PreparedLoop)> = None;
    let sample = walk(schedule, draws, steps, |i, sample, steps| {
        let wanted = SuperResNetwork::of_step(i, schedule.timesteps().len());
        let current = match loaded.take() {
            Some(current) if current.0 == wanted => current,
            other => {
                // The other network leaves before this one comes.
                drop(other);
                let network = load(wanted, steps)?;
                let prepared = network.prepare(batch, &timesteps(schedule), UNetCondition::default())?;
                (wanted, network, prepared)
            }
        };
        let (_, network, prepared) = loaded.insert(current);
        Ok(network.step(&Tensor::concat(&[sample, &upscaled], 3)?, prepared, i)?)
    })?;
    clamp_to_picture(&sample, "super-resolution networks")
}

fn timesteps(schedule: &Schedule) -> Vec<f32> {
    schedule.timesteps().iter().map(|&timestep| timestep as f32).collect()
}

fn for_branches(sample: &Tensor, guided: bool) -> Result<Tensor> {
    Ok(if guided { Tensor::concat(&[sample, sample], 0)? } else { sample.clone() })
}

/// Guides all of a model's output.
fn guide(output: &Tensor, scale: f32) -> Result<Tensor> {
    let batch = output.dims()[0] / 2;
    Ok(ops::guidance(&output.narrow(0, 0, batch)?, &output.narrow(0, batch, batch)?, scale)?)
}

/// Guides the first `channels`; the rest, the variance if the model predicts one, is the conditional branch's.
fn guide_prediction(output: &Tensor, channels: usize, scale: f32) -> Result<Tensor> {
    let (batch, all) = (output.dims()[0] / 2, output.dims()[3]);
    if channels == all {
        return guide(output, scale);
    }
    let guided = guide(&output.narrow(3, 0, channels)?, scale)?;
    let variance = output.narrow(0, batch, batch)?.narrow(3, channels, all - channels)?;
    Ok(Tensor::concat(&[&guided, &variance], 3)?)
}

fn clamp_to_picture(sample: &Tensor, model: &str) -> Result<Tensor> {
    finite(sample, model)?;
    let values = sample.as_f32()?.iter().map(|x| x.clamp(-1.0, 1.0)).collect();
    Ok(Tensor::from_f32(values, sample.shape().clone())?)
}

/// Refuses what is no number: it would be drawn as black and looked at as if the model had meant it.
fn finite(sample: &Tensor, model: &str) -> Result<()> {
    if sample.as_f32()?.iter().all(|x| x.is_finite()) {
        return Ok(());
    }
    Err(Error::invalid(format!("the {model} gave values that are no numbers (NaN or infinite)"))
        .with_hint("weights or recorded noise may be damaged, or hold such values themselves"))
}
