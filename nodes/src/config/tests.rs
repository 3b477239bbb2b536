//! The published configurations are read; whatever would change the picture without a word is refused.

use easel_kernels::ops::Activation;
use serde_json::{Value, json};

use super::*;
use crate::error::Result;

const DECODER: &str = include_str!("../../tests/data/config/decoder.json");
const SUPER_RES: &str = include_str!("../../tests/data/config/super_res.json");
const PRIOR: &str = include_str!("../../tests/data/config/prior.json");
const TEXT: &str = include_str!("../../tests/data/config/text_encoder.json");
const VISION: &str = include_str!("../../tests/data/config/image_encoder.json");
const CLIP: &str = include_str!("../../tests/data/config/clip.json");
const PROCESSOR: &str = include_str!("../../tests/data/config/preprocessor_config.json");
const SCHEDULER: &str = include_str!("../../tests/data/config/decoder_scheduler.json");
const INDEX: &str = include_str!("../../tests/data/config/model_index.json");

/// The file with some fields replaced; `Value::Null` as the key's whole replacement stays null.
fn with(json: &str, changes: Value) -> Vec<u8> {
    let mut file: Value = serde_json::from_str(json).expect("the file is JSON");
    for (name, value) in changes.as_object().expect("an object") {
        file[name] = value.clone();
    }
    file.to_string().into_bytes()
}

fn without(json: &str, names: &[&str]) -> Vec<u8> {
    let mut file: Value = serde_json::from_str(json).expect("the file is JSON");
    for name in names {
        file.as_object_mut().expect("an object").remove(*name);
    }
    file.to_string().into_bytes()
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.expect_err("should be refused").to_string()
}

#[test]
fn reads_karlo_decoder() {
    let config = UNetConfig::parse(DECODER.as_bytes(), "decoder/config.json").expect("supported");
    assert_eq!(
        config,
        UNetConfig {
            sample_size: 64,
            in_channels: 3,
            out_channels: 6,
            block_out_channels: vec![320, 640, 960, 1280],
            layers_per_block: 3,
            down_blocks: [&[BlockType::ResnetDownsample][..], &[BlockType::SimpleCrossAttnDown; 3]].concat(),
            up_blocks: [&[BlockType::SimpleCrossAttnUp; 3][..], &[BlockType::ResnetUpsample]].concat(),
            mid_attention: true,
            norm_num_groups: 32,
            norm_eps: 1e-5,
            cross_attention_dim: Some(1536),
            attention_head_dim: 64,
            time_shift: TimeShift::ScaleShift,
            flip_sin_to_cos: true,
            freq_shift: 0.0,
            center_input_sample: false,
            class_embed_identity: true,
            mid_block_scale_factor: 1.0,
            resnet_out_scale_factor: 1.0,
        }
    );
    assert_eq!(config.time_embed_dim(), 1280);
}

#[test]
fn reads_karlo_super_resolution() {
    let config = UNetConfig::parse(SUPER_RES.as_bytes(), "super_res_first/config.json").expect("supported");
    assert_eq!((config.sample_size, config.in_channels, config.out_channels), (256, 6, 3));
    assert_eq!((config.mid_attention, config.cross_attention_dim), (false, None));
    assert_eq!((config.time_shift, config.class_embed_identity), (TimeShift::Add, false));
    assert!(config.down_blocks.iter().all(|&block| block == BlockType::ResnetDownsample));
}

#[test]
fn reads_the_other_parts_of_karlo() {
    let prior = PriorConfig::parse(PRIOR.as_bytes(), "prior/config.json").expect("supported");
    assert_eq!((prior.inner_dim(), prior.num_layers, prior.additional_embeddings), (2048, 20, 4));
    let text = ClipTextConfig::parse(TEXT.as_bytes(), "text_encoder/config.json").expect("supported");
    assert_eq!((text.vocab_size, text.hidden_act, text.eos_token_id), (49_408, Activation::QuickGelu, 2));
    let vision = ClipVisionConfig::parse(VISION.as_bytes(), "image_encoder/config.json").expect("supported");
    assert_eq!((vision.num_hidden_layers, vision.num_patches(), vision.projection_dim), (24, 256, 768));
    let scheduler = SchedulerConfig::parse(SCHEDULER.as_bytes(), "s").expect("supported");
    assert_eq!(scheduler.variance_type, VarianceType::LearnedRange);
    let processor = ImageProcessorConfig::parse(PROCESSOR.as_bytes(), "p").expect("supported");
    assert_eq!(processor, ImageProcessorConfig::default());
    let index = ModelIndex::parse(INDEX.as_bytes(), "model_index.json").expect("supported");
    assert_eq!(index.class_name, "UnCLIPPipeline");
    assert_eq!(index.class_of("text_proj"), Some("UnCLIPTextProjModel"));
    assert_eq!(index.parts.len(), 10);
}

#[test]
fn reads_either_half_of_a_whole_clip() {
    let text = ClipTextConfig::parse(CLIP.as_bytes(), "config.json").expect("supported");
    assert_eq!((text.hidden_size, text.num_attention_heads, text.projection_dim), (40, 5, 24));
    let vision = ClipVisionConfig::parse(CLIP.as_bytes(), "config.json").expect("supported");
    assert_eq!((vision.hidden_size, vision.num_attention_heads, vision.projection_dim), (48, 3, 24));
    // The older key overrules the newer one, with its own defaults; the whole model's projection counts.
    let old = with(CLIP, json!({"text_config_dict": {"hidden_size": 64}, "projection_dim": 99}));
    let text = ClipTextConfig::parse(&old, "config.json").expect("supported");
    assert_eq!((text.hidden_size, text.intermediate_size, text.projection_dim), (64, 2048, 99));
    let inner = json!({"text_config": {"hidden_size": 10, "num_attention_heads": 3, "odd": 1}});
    let text = message(ClipTextConfig::parse(&with(CLIP, inner), "config.json"));
    assert!(text.contains("in `text_config`: `hidden_size` 10") && text.contains("`odd` = 1"), "{text}");
}

#[test]
fn missing_fields_take_the_libraries_defaults() {
    let prior = PriorConfig::parse(b"{}", "p").expect("all defaults");
    assert_eq!(prior, PriorConfig::parse(PRIOR.as_bytes(), "p").expect("supported"));
    let text = ClipTextConfig::parse(b"{}", "t").expect("all defaults");
    assert_eq!((text.hidden_size, text.num_attention_heads, text.eos_token_id), (512, 8, 49_407));
    let scheduler = SchedulerConfig::parse(b"{}", "s").expect("all defaults");
    assert_eq!((scheduler.num_train_timesteps, scheduler.clip_sample_range), (1000, 1.0));
    assert_eq!(ImageProcessorConfig::parse(b"{}", "p").expect("all defaults"), ImageProcessorConfig::default());
    // Left out, this means attention in the middle, which is another model.
    let text = message(UNetConfig::parse(&without(SUPER_RES, &["add_attention"]), "u"));
    assert_eq!(text, "u: field `add_attention` is missing, which means true; supported: false");
    let text = message(TextProjConfig::parse(b"{}", "t"));
    assert!(text.contains("`cross_attention_dim` is missing") && text.contains("`time_embed_dim` is missing"));
}

#[test]
fn refuses_what_would_change_the_decoder() {
    let settings = [
        json!({"act_fn": "gelu"}),
        json!({"addition_embed_type": "text"}),
        json!({"attention_type": "gated"}),
        json!({"class_embed_type": "timestep"}),
        json!({"class_embeddings_concat": true}),
        json!({"conv_in_kernel": 5}),
        json!({"conv_out_kernel": 1}),
        json!({"cross_attention_norm": "layer_norm"}),
        json!({"encoder_hid_dim": 4096}),
        json!({"encoder_hid_dim_type": "text_proj"}),
        json!({"mid_block_only_cross_attention": true}),
        json!({"mid_block_type": "UNetMidBlock2DCrossAttn"}),
        json!({"mid_block_type": null}),
        json!({"norm_num_groups": null}),
        json!({"num_attention_heads": 8}),
        json!({"num_class_embeds": 10}),
        json!({"only_cross_attention": true}),
        json!({"only_cross_attention": [false, true, false, false]}),
        json!({"resnet_skip_time_act": true}),
        json!({"resnet_time_scale_shift": "spatial"}),
        json!({"time_cond_proj_dim": 256}),
        json!({"time_embedding_act_fn": "gelu"}),
        json!({"time_embedding_dim": 512}),
        json!({"time_embedding_type": "fourier"}),
        json!({"timestep_post_act": "silu"}),
        json!({"cross_attention_dim": [1536, 1536, 1536, 768]}),
        json!({"something_new": 1}),
        json!({"flip_sin_to_cos": null}),
    ];
    for setting in settings {
        let text = message(UNetConfig::parse(&with(DECODER, setting.clone()), "decoder/config.json"));
        let name = setting.as_object().and_then(|map| map.keys().next()).expect("one field").clone();
        assert!(text.starts_with("decoder/config.json: ") && text.contains(&format!("`{name}`")), "{text}");
    }
}

#[test]
fn accepts_what_says_the_same_in_another_way() {
    let karlo = UNetConfig::parse(DECODER.as_bytes(), "u").expect("supported");
    let same = [
        json!({"only_cross_attention": [false, false, false, false]}),
        json!({"attention_head_dim": [64, 64, 64, 64]}),
        json!({"layers_per_block": [3, 3, 3, 3]}),
        json!({"cross_attention_dim": [1536, 1536, 1536, 1536]}),
        json!({"sample_size": [64, 64]}),
        json!({"dropout": 0.5, "_name_or_path": "somewhere", "something_new": null}),
        json!({"mid_block_scale_factor": 1.0, "freq_shift": 0.0, "conv_in_kernel": 3.0}),
    ];
    for setting in same {
        assert_eq!(UNetConfig::parse(&with(DECODER, setting), "u").expect("supported"), karlo);
    }
}

#[test]
fn refuses_sizes_that_do_not_fit_together() {
    let settings = [
        json!({"block_out_channels": [320, 640, 960]}),
        json!({"block_out_channels": [321, 640, 960, 1280]}),
        json!({"block_out_channels": [320, 640, 960, 1_000_000]}),
        json!({"block_out_channels": []}),
        json!({"block_out_channels": [320, -640, 960, 1280]}),
        json!({"attention_head_dim": 48}),
        json!({"attention_head_dim": 0}),
        json!({"sample_size": 60}),
        json!({"sample_size": 1_000_000}),
        json!({"sample_size": null}),
        json!({"layers_per_block": 1e30}),
        json!({"norm_eps": -1.0}),
        json!({"in_channels": "3"}),
    ];
    for setting in settings {
        message(UNetConfig::parse(&with(DECODER, setting), "u"));
    }
    message(PriorConfig::parse(br#"{"num_attention_heads": 1024, "attention_head_dim": 4096}"#, "p"));
    message(PriorConfig::parse(br#"{"embedding_proj_dim": 1024}"#, "p"));
    message(ClipTextConfig::parse(br#"{"hidden_size": 100, "num_attention_heads": 7}"#, "t"));
    message(ClipVisionConfig::parse(br#"{"image_size": 16, "patch_size": 32}"#, "v"));
    message(ClipVisionConfig::parse(br#"{"hidden_act": "relu"}"#, "v"));
    message(SchedulerConfig::parse(br#"{"beta_schedule": "linear"}"#, "s"));
    message(SchedulerConfig::parse(br#"{"clip_sample_range": null}"#, "s"));
    message(SchedulerConfig::parse(br#"{"_class_name": "DDIMScheduler"}"#, "s"));
}

#[test]
fn reports_all_problems_of_a_file_together() {
    let text = message(UNetConfig::parse(
        &with(DECODER, json!({"act_fn": "gelu", "conv_in_kernel": 5, "norm_num_groups": 0, "odd": "x"})),
        "decoder/config.json",
    ));
    assert!(text.starts_with("decoder/config.json: 4 problems:\n"), "{text}");
    assert!(text.contains("field `act_fn` is \"gelu\"; supported: \"silu\""), "{text}");
    assert!(text.contains("field `norm_num_groups` is 0; it should be a whole number from 1 to 1024"), "{text}");
    assert!(text.contains("field `odd` = \"x\" is not known to this version"), "{text}");
}

#[test]
fn reads_every_form_of_the_image_processor() {
    let parse = |json: &str| ImageProcessorConfig::parse(json.as_bytes(), "p");
    let old = parse(r#"{"size": 336, "crop_size": 320, "feature_extractor_type": "CLIPFeatureExtractor"}"#);
    let old = old.expect("supported");
    assert_eq!((old.resize, old.center_crop), (Some(Resize::ShortestEdge(336)), Some((320, 320))));
    let exact = parse(r#"{"size": {"height": 32, "width": 48}, "crop_size": {"height": 8, "width": 9}}"#);
    let exact = exact.expect("supported");
    assert_eq!(exact.resize, Some(Resize::Exact { height: 32, width: 48 }));
    assert_eq!(exact.center_crop, Some((8, 9)));
    let off =
        r#"{"do_resize": false, "do_center_crop": false, "do_rescale": false, "do_normalize": false, "size": 99}"#;
    let off = parse(off).expect("supported");
    assert_eq!((off.resize, off.center_crop, off.rescale_factor), (None, None, None));
    assert_eq!((off.mean, off.std), ([0.0; 3], [1.0; 3]));
    for wrong in [
        r#"{"resample": 2}"#,
        r#"{"size": {"longest_edge": 32}}"#,
        r#"{"size": {"shortest_edge": 32, "longest_edge": 64}}"#,
        r#"{"size": 0}"#,
        r#"{"crop_size": {"shortest_edge": 9}}"#,
        r#"{"image_std": [0, 1, 1]}"#,
        r#"{"image_mean": [0.5]}"#,
        r#"{"image_processor_type": "ViTImageProcessor"}"#,
    ] {
        message(parse(wrong));
    }
}

#[test]
fn refuses_files_that_are_no_configuration() {
    for garbage in
        [&b""[..], b"{", b"[]", b"null", b"\xff\xfe", b"version https://git-lfs.github.com/spec/v1", &[b'['; 9999]]
    {
        assert!(message(UNetConfig::parse(garbage, "decoder/config.json")).starts_with("decoder/config.json: "));
        assert!(message(ModelIndex::parse(garbage, "model_index.json")).starts_with("model_index.json: "));
    }
    message(ModelIndex::parse(br#"{"_class_name": "A", "../up": ["diffusers", "B"]}"#, "i"));
    message(ModelIndex::parse(br#"{"_class_name": "A", "part": ["diffusers"]}"#, "i"));
    message(ModelIndex::parse(br#"{"part": ["diffusers", "B"]}"#, "i"));
    let none = br#"{"_class_name": "A", "safety_checker": [null, null]}"#;
    assert!(ModelIndex::parse(none, "i").expect("supported").parts.is_empty());
}

const UPSCALER: &str = include_str!("../../../workflows/models/realesr-animevideov3-x4/upscaler/config.json");

#[test]
fn reads_the_upscaler() {
    let config = SrvggConfig::parse(UPSCALER.as_bytes(), "upscaler/config.json").expect("supported");
    assert_eq!(config, SrvggConfig { num_feat: 64, num_conv: 16, upscale: 4 });
    assert_eq!((config.last_channels(), config.margin()), (48, 18));
}

#[test]
fn other_upscalers_are_refused() {
    let said = |changes: Value| message(SrvggConfig::parse(&with(UPSCALER, changes), "c.json"));
    for (changes, field) in [
        (json!({"_class_name": "RRDBNet"}), "_class_name"),
        (json!({"act_type": "relu"}), "act_type"),
        (json!({"num_in_ch": 4}), "num_in_ch"),
        (json!({"num_out_ch": 1}), "num_out_ch"),
        (json!({"upscale": 0}), "upscale"),
        (json!({"num_conv": 1_000_000}), "num_conv"),
        (json!({"num_blocks": 6}), "num_blocks"),
    ] {
        let said = said(changes);
        assert!(said.contains("c.json") && said.contains(field), "{said}");
    }
}
