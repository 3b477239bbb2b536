//! One call of every component against the reference.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use easel_kernels::ops;
use easel_kernels::{Placement, Tensor};
use easel_nodes::config::{ClipTextConfig, ClipVisionConfig, PriorConfig, TextProjConfig, UNetConfig};
use easel_nodes::kinds::MASKED;
use easel_nodes::models::clip::{ClipText, ClipVision};
use easel_nodes::models::prior::{Prior, PriorText};
use easel_nodes::models::text_proj::TextProj;
use easel_nodes::models::unet::{UNet, UNetCondition};
use easel_nodes::parts;
use easel_nodes::weights::{ModelFolder, WeightsReader};
use easel_tests::devices::{allowed, each_place};
use easel_tests::{Golden, assert_close, golden_dir, here};

fn load<C, M>(
    place: Placement,
    model: &str,
    part: &str,
    parse: fn(&[u8], &str) -> easel_nodes::Result<C>,
    build: impl FnOnce(&WeightsReader, &C) -> M,
) -> M {
    let folder = ModelFolder::open(&format!("A/models/{model}"), &golden_dir()).unwrap();
    let config = parts::config(&folder, part, parse).unwrap();
    let loaded = folder.weights(part).unwrap().load_at(place, |weights| build(weights, &config)).unwrap();
    assert_eq!(loaded.unused, Vec::<String>::new(), "{part}: every tensor is used");
    loaded.model
}

/// A recorded attention mask as what is added to the scores.
fn key_bias(golden: &Golden, key: &str) -> Tensor {
    let mask = golden.tensor(key);
    let bias = mask.to_vec_f32().unwrap().iter().map(|&used| if used != 0.0 { 0.0 } else { MASKED }).collect();
    Tensor::from_f32(bias, mask.shape().clone()).unwrap()
}

/// A tensor as a model takes it.
fn there(place: Placement, tensor: &Tensor) -> Tensor {
    place.activation(tensor).unwrap()
}

#[test]
fn text_encoder() {
    let golden = Golden::open("text_encoder");
    each_place(|place| {
        let model = load(place, "pipeline", "text_encoder", ClipTextConfig::parse, ClipText::new);
        for prefix in ["", "uncond."] {
            let ids: Vec<u32> = golden.integers(&format!("{prefix}input_ids")).iter().map(|&id| id as u32).collect();
            let output = model.forward(&ids, 2, 77).unwrap();
            let want = golden.tensor(&format!("{prefix}last_hidden_state"));
            let limit = allowed(place, "text_encoder.last_hidden_state");
            assert_close(&format!("{prefix}last_hidden_state"), &output.last_hidden_state, &want, limit);
            let want = golden.tensor(&format!("{prefix}text_embeds"));
            assert_close(
                &format!("{prefix}text_embeds"),
                &output.text_embeds,
                &want,
                allowed(place, "text_encoder.text_embeds"),
            );
        }
    });
}

#[test]
fn image_encoder() {
    let golden = Golden::open("image_encoder");
    each_place(|place| {
        let model = load(place, "image_variation", "image_encoder", ClipVisionConfig::parse, ClipVision::new);
        let output = model.forward(&there(place, &golden.picture("pixel_values"))).unwrap();
        let limit = allowed(place, "image_encoder.image_embeds");
        assert_close("image_embeds", &output.image_embeds, &golden.tensor("image_embeds"), limit);
    });
}

#[test]
fn prior_step() {
    let golden = Golden::open("prior_step");
    each_place(|place| {
        let model = load(place, "pipeline", "prior", PriorConfig::parse, Prior::new);
        let bias = place.float32(&key_bias(&golden, "attention_mask")).unwrap();
        let tensor = |key| there(place, &golden.tensor(key));
        let (text_embeds, hidden_states) = (tensor("proj_embedding"), tensor("encoder_hidden_states"));
        let masked = PriorText { text_embeds: &text_embeds, hidden_states: &hidden_states, key_bias: Some(&bias) };
        let unmasked = PriorText { key_bias: None, ..masked };
        let limit = allowed(place, "prior_step.predicted_image_embedding");
        let cases =
            [("t999", 999.0, masked), ("t416", 416.0, masked), ("t0", 0.0, masked), ("t416.no_mask", 416.0, unmasked)];
        for (name, timestep, text) in cases {
            let text = model.prepare(text, &[timestep]).unwrap();
            let got = model.step(&tensor("hidden_states"), &text, 0).unwrap();
            assert_close(name, &got, &golden.tensor(&format!("predicted_image_embedding.{name}")), limit);
        }
        let got = model.post_process_latents(&place.float32(&golden.tensor("post_process.in")).unwrap()).unwrap();
        assert_close("post_process", &got, &golden.tensor("post_process.out"), limit);
    });
}

#[test]
fn text_proj() {
    let golden = Golden::open("text_proj");
    each_place(|place| {
        let model = load(place, "pipeline", "text_proj", TextProjConfig::parse, TextProj::new);
        let tensor = |key| there(place, &golden.tensor(key));
        let (embeds, hidden) = (tensor("prompt_embeds"), tensor("text_encoder_hidden_states"));
        let image = tensor("image_embeddings");
        let nothing = model.unconditional_image_embeddings(2).unwrap();
        let guided = model.forward(&Tensor::concat(&[&nothing, &image], 0).unwrap(), &embeds, &hidden).unwrap();
        let plain = model.forward(&image, &embeds.narrow(0, 2, 2).unwrap(), &hidden.narrow(0, 2, 2).unwrap()).unwrap();
        for (name, got) in [("cfg", guided), ("nocfg", plain)] {
            let want = golden.tensor(&format!("{name}.encoder_hidden_states"));
            assert_close(name, &got.encoder_hidden_states, &want, allowed(place, "text_proj.encoder_hidden_states"));
            let want = golden.tensor(&format!("{name}.additive_clip_time_embeddings"));
            let limit = allowed(place, "text_proj.additive_clip_time_embeddings");
            assert_close(name, &got.additive_clip_time_embeddings, &want, limit);
        }
    });
}

#[test]
fn decoder_step() {
    let golden = Golden::open("decoder_step");
    each_place(|place| {
        let model = load(place, "pipeline", "decoder", UNetConfig::parse, UNet::new);
        let bias = place.float32(&key_bias(&golden, "attention_mask")).unwrap();
        let tensor = |key| there(place, &golden.tensor(key));
        let (context, labels) = (tensor("encoder_hidden_states"), tensor("class_labels"));
        let condition = UNetCondition {
            encoder_hidden_states: Some(&context),
            encoder_key_bias: Some(&bias),
            class_labels: Some(&labels),
        };
        let sample = there(place, &golden.picture("sample"));
        let prepared = model.prepare(sample.dims()[0], &[500.0, 0.0], condition).unwrap();
        for (step, name) in ["out.t500", "out.t0"].into_iter().enumerate() {
            let got = model.step(&sample, &prepared, step).unwrap();
            assert_close(name, &got, &golden.picture(name), allowed(place, "decoder_step.out"));
        }
    });
}

#[test]
fn super_res_step() {
    let golden = Golden::open("super_res_step");
    each_place(|place| {
        let limit = allowed(place, "super_res_step.first");
        for (part, timestep, output) in
            [("super_res_first", 832.0, "first.out.t832"), ("super_res_last", 0.0, "last.out.t0")]
        {
            let model = load(place, "pipeline", part, UNetConfig::parse, UNet::new);
            let sample = there(place, &golden.picture("sample"));
            let prepared = model.prepare(sample.dims()[0], &[timestep], UNetCondition::default()).unwrap();
            let got = model.step(&sample, &prepared, 0).unwrap();
            assert_close(output, &got, &golden.picture(output), limit);
        }
    });
}

#[test]
fn bicubic_upscaling() {
    let golden = Golden::open("super_res_step");
    for (name, side) in [("upscale", 32), ("upscale64", 256)] {
        let got = ops::resize_bicubic(&golden.picture(&format!("{name}.in")), side, side).unwrap();
        let want = golden.picture(&format!("{name}.out"));
        // No error of the reference is recorded for this one operation: 16 products of numbers of scale 1 are summed,
        // so that either side may be off by a few units in the last place.
        let limit = easel_tests::Tolerance { max_abs: 4e-6, mean_abs: 1e-6 };
        assert_close(name, &got, &want, limit);
    }
}

#[test]
fn every_config_of_the_full_size_model_is_understood() {
    let folder = here().join("karlo-config");
    let folder = ModelFolder::open(folder.to_str().unwrap(), Path::new(".")).unwrap();
    parts::config(&folder, "text_encoder", ClipTextConfig::parse).unwrap();
    parts::config(&folder, "image_encoder", ClipVisionConfig::parse).unwrap();
    let text_proj = parts::config(&folder, "text_proj", TextProjConfig::parse).unwrap();
    let prior = parts::config(&folder, "prior", PriorConfig::parse).unwrap();
    let decoder = parts::config(&folder, "decoder", UNetConfig::parse).unwrap();
    let super_res = parts::config(&folder, "super_res_first", UNetConfig::parse).unwrap();
    // The published counts.
    assert_eq!(parameters(|weights| drop(TextProj::new(weights, &text_proj))), 7_878_400);
    assert_eq!(parameters(|weights| drop(Prior::new(weights, &prior))), 1_022_030_080);
    assert_eq!(parameters(|weights| drop(UNet::new(weights, &decoder))), 885_439_686);
    assert_eq!(parameters(|weights| drop(UNet::new(weights, &super_res))), 691_579_523);
}

/// How many numbers a model's tensors hold.
fn parameters(build: impl FnOnce(&WeightsReader)) -> usize {
    easel_nodes::weights::record(build).iter().map(|tensor| tensor.shape.iter().product::<usize>()).sum()
}
