"""The reference implementation's classes, wherever the installed versions of diffusers and transformers keep them.

Importing this module has side effects: nothing is downloaded, and transformers 4 is patched (see below).
"""

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import diffusers
import torch
import transformers
from diffusers import PriorTransformer, UNet2DConditionModel, UNet2DModel, UnCLIPPipeline, UnCLIPScheduler
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

try:  # diffusers <= 0.37
    import diffusers.pipelines.unclip.pipeline_unclip as text_to_image_module
    import diffusers.pipelines.unclip.pipeline_unclip_image_variation as variation_module
    from diffusers.pipelines.unclip.text_proj import UnCLIPTextProjModel
except ImportError:
    import diffusers.pipelines.deprecated.unclip.pipeline_unclip as text_to_image_module
    import diffusers.pipelines.deprecated.unclip.pipeline_unclip_image_variation as variation_module
    from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel

try:  # transformers >= 5 has two image processors; Pillow's is the classic one
    from transformers import CLIPImageProcessorPil as ImageProcessor
except ImportError:
    from transformers import CLIPImageProcessor as ImageProcessor

import diffusers.schedulers.scheduling_unclip as scheduler_module

DEFAULT_OUT = Path(__file__).resolve().parent.parent / "A"
NETWORKS = ("prior", "decoder", "text_encoder", "text_proj", "super_res_first", "super_res_last")

diffusers.utils.logging.set_verbosity_error()
transformers.logging.set_verbosity_error()

if int(transformers.__version__.split(".")[0]) < 5:
    # transformers 4 builds its float64 causal mask with a float32 torch.full, which overflows.
    _full = torch.full

    def _full_in_double(size, value, **options):
        if isinstance(value, float) and abs(value) > 1e300 and "dtype" not in options:
            options["dtype"] = torch.float64
        return _full(size, value, **options)

    torch.full = _full_in_double


def load_pipeline(folder):
    """`UnCLIPPipeline.from_pretrained(folder)`, component by component, without progress bars.

    diffusers >= 0.38 cannot resolve the library name "unclip" in model_index.json, which published Karlo folders use.
    """
    classes = {
        "prior": PriorTransformer,
        "decoder": UNet2DConditionModel,
        "text_proj": UnCLIPTextProjModel,
        "text_encoder": CLIPTextModelWithProjection,
        "tokenizer": CLIPTokenizer,
        "super_res_first": UNet2DModel,
        "super_res_last": UNet2DModel,
        "prior_scheduler": UnCLIPScheduler,
        "decoder_scheduler": UnCLIPScheduler,
        "super_res_scheduler": UnCLIPScheduler,
    }
    parts = {name: cls.from_pretrained(str(Path(folder) / name)) for name, cls in classes.items()}
    pipeline = UnCLIPPipeline(**parts)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
