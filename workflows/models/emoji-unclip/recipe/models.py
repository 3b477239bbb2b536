"""The architectures of emoji-unclip; all are stock classes of diffusers and transformers."""

import os
from dataclasses import dataclass

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from bpe import CONTEXT_LENGTH
from diffusers import PriorTransformer, UNet2DConditionModel, UNet2DModel, UnCLIPScheduler
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPVisionConfig, CLIPVisionModelWithProjection

try:  # diffusers <= 0.37
    from diffusers.pipelines.unclip.text_proj import UnCLIPTextProjModel
except ImportError:
    from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel

EMBEDDING = 128  # of CLIP's common space
CROSS_ATTENTION = 128
CLIP_IMAGE_SIZE = 32  # pixels
SUPER_RES_SIZE = 128  # pixels
EXTRA_TOKENS = 4  # of the image embedding, before the text tokens
TRAIN_STEPS = 1000
ALPHAS_CUMPROD = UnCLIPScheduler().alphas_cumprod  # [TRAIN_STEPS] float32


@dataclass(frozen=True)
class Shape:
    """What the command line may change about the networks."""

    decoder_size: int = 24
    decoder_channels: tuple = (48, 64, 128)
    super_res_channels: tuple = (24, 48, 64)


def text_encoder(vocabulary):
    """Ids [batch, 24] -> text embedding [batch, 128] and hidden states [batch, 24, 128]."""
    config = CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        intermediate_size=512,
        projection_dim=EMBEDDING,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT_LENGTH,
        hidden_act="quick_gelu",
        bos_token_id=vocabulary - 2,
        eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1,
    )
    return CLIPTextModelWithProjection(config)


def image_encoder():
    """Normalised pixels [batch, 3, 32, 32] -> image embedding [batch, 128]."""
    config = CLIPVisionConfig(
        hidden_size=160,
        intermediate_size=640,
        projection_dim=EMBEDDING,
        num_hidden_layers=4,
        num_attention_heads=5,
        image_size=CLIP_IMAGE_SIZE,
        patch_size=8,
        hidden_act="quick_gelu",
    )
    return CLIPVisionModelWithProjection(config)


def prior():
    return PriorTransformer(
        num_attention_heads=6,
        attention_head_dim=32,
        num_layers=4,
        embedding_dim=EMBEDDING,
        num_embeddings=CONTEXT_LENGTH,
        additional_embeddings=4,
    )


def text_proj(shape):
    return UnCLIPTextProjModel(
        clip_extra_context_tokens=EXTRA_TOKENS,
        clip_embeddings_dim=EMBEDDING,
        time_embed_dim=4 * shape.decoder_channels[0],
        cross_attention_dim=CROSS_ATTENTION,
    )


def decoder(shape):
    """Predicts 3 channels of noise and 3 of variance. Only the two lowest levels attend."""
    plain = max(1, len(shape.decoder_channels) - 2)
    attending = len(shape.decoder_channels) - plain
    return UNet2DConditionModel(
        sample_size=shape.decoder_size,
        in_channels=3,
        out_channels=6,
        down_block_types=["ResnetDownsampleBlock2D"] * plain + ["SimpleCrossAttnDownBlock2D"] * attending,
        up_block_types=["SimpleCrossAttnUpBlock2D"] * attending + ["ResnetUpsampleBlock2D"] * plain,
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        class_embed_type="identity",
        resnet_time_scale_shift="scale_shift",
        layers_per_block=1,
        block_out_channels=shape.decoder_channels,
        norm_num_groups=8,
        cross_attention_dim=CROSS_ATTENTION,
        attention_head_dim=32,
    )


def super_res(shape):
    """Takes the noisy picture and the upscaled small one, 3 channels each."""
    levels = len(shape.super_res_channels)
    return UNet2DModel(
        sample_size=SUPER_RES_SIZE,
        in_channels=6,
        out_channels=3,
        down_block_types=["ResnetDownsampleBlock2D"] * levels,
        up_block_types=["ResnetUpsampleBlock2D"] * levels,
        add_attention=False,
        layers_per_block=1,
        block_out_channels=shape.super_res_channels,
        norm_num_groups=8,
    )


def schedulers():
    """Those of prior, decoder and super resolution, as in Karlo."""
    return (
        UnCLIPScheduler(
            variance_type="fixed_small_log",
            prediction_type="sample",
            num_train_timesteps=TRAIN_STEPS,
            clip_sample_range=5.0,
        ),
        UnCLIPScheduler(variance_type="learned_range", prediction_type="epsilon", num_train_timesteps=TRAIN_STEPS),
        UnCLIPScheduler(variance_type="fixed_small_log", prediction_type="epsilon", num_train_timesteps=TRAIN_STEPS),
    )
