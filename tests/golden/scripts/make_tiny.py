#!/usr/bin/env python3
"""Creates the tiny models: random (seeded) weights, the true architecture.

models/pipeline/         UnCLIPPipeline folder: model_index.json and components, safetensors in float32
models/image_variation/  only what UnCLIPImageVariationPipeline adds: model_index.json, image_encoder, feature_extractor
                         (its other components are the ones in ../pipeline)
models/clip/             CLIPModel, tokenizer and CLIPImageProcessor, for zero-shot classification
models/safety_checker/   StableDiffusionSafetyChecker and preprocessor_config.json
models/tokenizer_full/   the real CLIP vocabulary of 49,408 entries, pad token "!"

The pipelines use the first 2,000 merges of the real CLIP BPE, so that embeddings stay small.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import reference  # first: it sets up the environment
import testimg
import tokenizer_util
import torch
from diffusers import (
    PriorTransformer,
    UNet2DConditionModel,
    UNet2DModel,
    UnCLIPImageVariationPipeline,
    UnCLIPPipeline,
    UnCLIPScheduler,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from safetensors.torch import load_file, save_file
from transformers import (
    CLIPConfig,
    CLIPModel,
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

SEED = 1234
PIPELINE_MERGES = 2000
CONTEXT_LENGTH = 77

# Special token ids as in the published Karlo text encoder: they do not match the vocabulary, and need not.
TEXT_IDS = {"eos_token_id": 2, "bos_token_id": 0, "pad_token_id": 1}
TEXT_ENCODER = {
    "hidden_size": 32,
    "intermediate_size": 96,
    "projection_dim": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    **TEXT_IDS,
}
IMAGE_ENCODER = {
    "hidden_size": 48,
    "intermediate_size": 128,
    "projection_dim": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 32,
    "patch_size": 8,
}
PRIOR = {
    "num_attention_heads": 4,
    "attention_head_dim": 16,
    "num_layers": 2,
    "embedding_dim": 32,
    "num_embeddings": CONTEXT_LENGTH,
    "additional_embeddings": 4,
}
TEXT_PROJ = {
    "clip_extra_context_tokens": 4,
    "clip_embeddings_dim": 32,
    "time_embed_dim": 32,
    "cross_attention_dim": 48,
}
DECODER = {
    "sample_size": 16,
    "in_channels": 3,
    "out_channels": 6,
    "layers_per_block": 2,
    "block_out_channels": (8, 16, 24, 32),
    "norm_num_groups": 4,
    "cross_attention_dim": 48,
    "attention_head_dim": 8,
    "down_block_types": ["ResnetDownsampleBlock2D"] + ["SimpleCrossAttnDownBlock2D"] * 3,
    "up_block_types": ["SimpleCrossAttnUpBlock2D"] * 3 + ["ResnetUpsampleBlock2D"],
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "class_embed_type": "identity",
    "resnet_time_scale_shift": "scale_shift",
}
SUPER_RES = {
    "sample_size": 32,
    "in_channels": 6,
    "out_channels": 3,
    "layers_per_block": 1,
    "block_out_channels": (8, 16, 24, 32),
    "norm_num_groups": 4,
    "down_block_types": ["ResnetDownsampleBlock2D"] * 4,
    "up_block_types": ["ResnetUpsampleBlock2D"] * 4,
    "add_attention": False,
}
CLIP_TEXT = {
    "hidden_size": 40,
    "intermediate_size": 80,
    "projection_dim": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 5,
    **TEXT_IDS,
}
CLIP_VISION = {
    "hidden_size": 48,
    "intermediate_size": 96,
    "projection_dim": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "image_size": 32,
    "patch_size": 8,
}
CLIP_PROJECTION = 24
SAFETY_TEXT = {
    "hidden_size": 8,
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "intermediate_size": 8,
    "vocab_size": 16,
    "projection_dim": 16,
}
SAFETY_VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "projection_dim": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
SAFETY_PROJECTION = 16
IMAGE_SIZE = 32


def image_processor():
    """The preprocessing of every tiny image tower: short side to 32, centre crop of 32."""
    return reference.ImageProcessor(
        size={"shortest_edge": IMAGE_SIZE}, crop_size={"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    )


def is_lookup_table(name):
    """Whether the parameter is a token, position or prd embedding."""
    others = ("proj", "time_embedding", "class_embedding", "patch_embedding")
    return "embedding" in name and not any(other in name for other in others)


def randomise(model, tag, gains=()):
    """Gives every parameter, also those that start as zeros or ones, a seeded value that is not trivial.

    Each depends on the seed, `tag` and its own name alone. `gains`: (part of a name, factor).
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            digest = hashlib.sha256(f"{SEED}/{tag}/{name}".encode()).digest()
            generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float32)
            if name.endswith("logit_scale"):
                value = torch.tensor(2.6592)
            elif "norm" in name and name.endswith("weight") and parameter.ndim == 1:
                value = 1 + 0.2 * noise
            elif name.endswith("clip_std"):
                value = 1 + 0.2 * noise
            elif name.endswith("_embeds_weights"):
                value = 0.5 + 0 * noise  # thresholds, set by arrange_safety_thresholds
            elif parameter.ndim == 1 and name.endswith("bias"):
                value = 0.1 * noise
            elif is_lookup_table(name):
                value = 0.5 * noise
            elif parameter.ndim <= 1 or name.endswith(("concept_embeds", "special_care_embeds", "clip_mean")):
                value = 0.5 * noise
            else:
                value = noise / (parameter[0].numel() ** 0.5)
            for pattern, gain in gains:
                if pattern in name:
                    value = value * gain
            parameter.copy_(value)
    return model.eval()


def publish_index(folder):
    """Renames component classes in model_index.json to those of the published Karlo repositories."""
    path = Path(folder) / "model_index.json"
    index = json.loads(path.read_text())
    index["text_proj"] = ["unclip", "UnCLIPTextProjModel"]
    if "feature_extractor" in index:
        index["feature_extractor"] = ["transformers", "CLIPImageProcessor"]
    path.write_text(json.dumps(index, indent=2))


def publish_safety_names(path):
    """Restores `vision_model.vision_model.`: transformers 5 drops one, the published safety checker has both."""

    def published(name):
        once = name.startswith("vision_model.") and not name.startswith("vision_model.vision_model.")
        return "vision_model." + name if once else name

    tensors = load_file(path)
    save_file({published(name): tensor for name, tensor in tensors.items()}, path, {"format": "pt"})


def arrange_safety_thresholds(checker, processor, images):
    """Sets the thresholds so that every branch of the checker is taken.

    Image 0: one concept over its threshold. Image 1: only over because of the +0.01 special-care adjustment.
    Image 2: over by 0.0004, which round(.., 3) turns into 0, so not flagged. Others: clean.
    """
    with torch.no_grad():
        pixels = torch.cat([processor(images=image, return_tensors="pt").pixel_values for image in images])
        embeds = checker.visual_projection(checker.vision_model(pixels)[1])
        normalise = torch.nn.functional.normalize
        special = normalise(embeds) @ normalise(checker.special_care_embeds).T
        concept = normalise(embeds) @ normalise(checker.concept_embeds).T
        special_threshold = special.max(0).values + 0.05
        concept_threshold = concept.max(0).values + 0.05
        best = int((special[1] - torch.cat([special[:1], special[2:]]).max(0).values).argmax())
        rest = [i for i in range(len(images)) if i != 1]
        assert special[1, best] > special[rest, best].max() + 0.02, "image 1 is not separable"
        special_threshold[best] = special[1, best] - 0.01

        def by_margin(i):
            """Concepts, those first by which image i stands out from the others."""
            others = [j for j in range(len(images)) if j != i]
            return (concept[i] - concept[others].max(0).values).sort(descending=True).indices.tolist()

        used = set()
        for i, delta in ((0, -0.02), (1, 0.005), (2, -0.0004)):
            chosen = next(j for j in by_margin(i) if j not in used)
            used.add(chosen)
            others = concept[[j for j in range(len(images)) if j != i], chosen].max()
            assert concept[i, chosen] + delta > others + 0.012, (i, chosen, "not separable")
            concept_threshold[chosen] = concept[i, chosen] + delta
        checker.special_care_embeds_weights.copy_(special_threshold)
        checker.concept_embeds_weights.copy_(concept_threshold)


def build_pipeline(out, tokenizer, vocabulary):
    """Writes pipeline/ and image_variation/; returns their networks by name."""
    text_config = CLIPTextConfig(
        **TEXT_ENCODER, vocab_size=vocabulary, max_position_embeddings=CONTEXT_LENGTH, hidden_act="quick_gelu"
    )
    text_encoder = randomise(CLIPTextModelWithProjection(text_config), "text_encoder")
    prior = randomise(PriorTransformer(**PRIOR), "prior")
    text_proj = randomise(
        reference.UnCLIPTextProjModel(**TEXT_PROJ), "text_proj", [("project_to_time", 0.5), ("embedding_proj", 0.5)]
    )
    decoder = randomise(UNet2DConditionModel(**DECODER), "decoder", [("time_emb_proj", 0.5)])
    super_res_first = randomise(UNet2DModel(**SUPER_RES), "super_res_first")
    super_res_last = randomise(UNet2DModel(**SUPER_RES), "super_res_last")
    prior_scheduler = UnCLIPScheduler(
        variance_type="fixed_small_log", prediction_type="sample", num_train_timesteps=1000, clip_sample_range=5.0
    )
    decoder_scheduler = UnCLIPScheduler(
        variance_type="learned_range", prediction_type="epsilon", num_train_timesteps=1000
    )
    super_res_scheduler = UnCLIPScheduler(
        variance_type="fixed_small_log", prediction_type="epsilon", num_train_timesteps=1000
    )
    shared = {
        "decoder": decoder,
        "text_encoder": text_encoder,
        "tokenizer": tokenizer,
        "text_proj": text_proj,
        "super_res_first": super_res_first,
        "super_res_last": super_res_last,
        "decoder_scheduler": decoder_scheduler,
        "super_res_scheduler": super_res_scheduler,
    }
    pipeline = UnCLIPPipeline(prior=prior, prior_scheduler=prior_scheduler, **shared)
    for name in (*reference.NETWORKS, "prior_scheduler", "decoder_scheduler", "super_res_scheduler"):
        getattr(pipeline, name).save_pretrained(str(out / "pipeline" / name))
    pipeline.save_config(str(out / "pipeline"))
    publish_index(out / "pipeline")

    feature_extractor = image_processor()
    image_encoder = randomise(CLIPVisionModelWithProjection(CLIPVisionConfig(**IMAGE_ENCODER)), "image_encoder")
    variation = UnCLIPImageVariationPipeline(feature_extractor=feature_extractor, image_encoder=image_encoder, **shared)
    image_encoder.save_pretrained(str(out / "image_variation" / "image_encoder"))
    feature_extractor.save_pretrained(str(out / "image_variation" / "feature_extractor"))
    variation.save_config(str(out / "image_variation"))
    publish_index(out / "image_variation")
    return {
        "prior": prior,
        "decoder": decoder,
        "text_encoder": text_encoder,
        "text_proj": text_proj,
        "sr_first": super_res_first,
        "image_encoder": image_encoder,
    }


def build_clip(out, pairs, vocabulary):
    """Writes clip/; returns the model."""
    text = {
        **CLIP_TEXT,
        "vocab_size": vocabulary,
        "max_position_embeddings": CONTEXT_LENGTH,
        "hidden_act": "quick_gelu",
    }
    config = CLIPConfig(text_config=text, vision_config=CLIP_VISION, projection_dim=CLIP_PROJECTION)
    clip = randomise(CLIPModel(config), "clip")
    clip.save_pretrained(str(out / "clip"))
    tokenizer_util.write(out / "clip", pairs, pad_token=tokenizer_util.EOS)
    image_processor().save_pretrained(str(out / "clip"))
    return clip


def build_safety_checker(out, images):
    """Writes safety_checker/; returns the model."""
    config = CLIPConfig(text_config=SAFETY_TEXT, vision_config=SAFETY_VISION, projection_dim=SAFETY_PROJECTION)
    checker = randomise(StableDiffusionSafetyChecker(config), "safety")
    processor = image_processor()
    arrange_safety_thresholds(checker, processor, images)
    checker.save_pretrained(str(out / "safety_checker"))
    processor.save_pretrained(str(out / "safety_checker"))
    publish_safety_names(out / "safety_checker" / "model.safetensors")
    return checker


def build(folder):
    """Writes folder/models and folder/images, replacing the models that are there."""
    folder = Path(folder)
    out = folder / "models"
    all_pairs = tokenizer_util.read_merges()  # before the folder that holds them is replaced
    pairs = all_pairs[:PIPELINE_MERGES]
    vocabulary = len(tokenizer_util.clip_vocab(pairs))
    if out.is_dir():
        shutil.rmtree(out)
    out.mkdir(parents=True)

    tokenizer_util.write(out / "tokenizer_full", all_pairs, pad_token="!")
    (out / "tokenizer_full" / "tokenizer.json").unlink()  # as published for Karlo: vocab.json and merges.txt only
    tokenizer = tokenizer_util.write(out / "pipeline" / "tokenizer", pairs, pad_token="!")
    models = build_pipeline(out, tokenizer, vocabulary)
    models["clip"] = build_clip(out, pairs, vocabulary)
    models["safety"] = build_safety_checker(out, [image for _, image in testimg.write(folder / "images")])
    for name, model in models.items():
        print(f"{name:14s} {sum(parameter.numel() for parameter in model.parameters()):>9,d} parameters")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=reference.DEFAULT_OUT, help="folder to write to (%(default)s)")
    build(parser.parse_args().out)


if __name__ == "__main__":
    main()
