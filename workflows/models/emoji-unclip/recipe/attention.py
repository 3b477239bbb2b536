"""The decoder's attention, computed faster on a CPU while it trains: same weights and result up to rounding."""

import torch
import torch.nn.functional as F


class LowPrecisionAttention:
    """Like diffusers' AttnAddedKVProcessor, but the softmax stays in the precision of autocast.

    On a CPU the backward passes of both are faster than the fused attention's.
    """

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None):
        batch, channels, height, width = hidden_states.shape

        def heads(x):
            return x.view(batch, -1, attn.heads, x.shape[-1] // attn.heads).transpose(1, 2)

        pixels = attn.group_norm(hidden_states.flatten(2)).transpose(1, 2)
        query = heads(attn.to_q(pixels))
        key = torch.cat([heads(attn.add_k_proj(encoder_hidden_states)), heads(attn.to_k(pixels))], 2)
        value = torch.cat([heads(attn.add_v_proj(encoder_hidden_states)), heads(attn.to_v(pixels))], 2)
        with torch.autocast(hidden_states.device.type, enabled=False):
            scores = (query * attn.scale) @ key.transpose(2, 3)
            if attention_mask is not None:  # of the text alone: pixels see all pixels
                mask = F.pad(attention_mask, (0, key.shape[2] - attention_mask.shape[-1]))
                scores = scores + mask.view(batch, 1, 1, -1).to(scores.dtype)
            seen = scores.softmax(-1) @ value
        seen = attn.to_out[0](seen.transpose(1, 2).flatten(2))
        return seen.transpose(1, 2).reshape(batch, channels, height, width) + hidden_states
