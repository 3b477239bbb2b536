#!/usr/bin/env python3
"""Stage 5: the prior, which predicts the normalised CLIP image embedding from the text.

Input: train.npz, held.npz, clip.pt, emb_train.pt, emb_held.pt. Output: checkpoints/prior.pt (pr): averaged weights.
"""

import random

import models
import numpy as np
import torch
import torch.nn.functional as F
from captions import caption, full_caption
from common import (
    ALPHAS_CUMPROD,
    Budget,
    MovingAverage,
    Stage,
    adamw,
    cosine_rate,
    noised,
    set_rate,
    stratified_timesteps,
)
from paths import training_parser

SEED = 2
WEIGHT_DECAY = 0.02
AVERAGE = 0.998
NO_TEXT = 0.1  # share of the samples
HELD_OUT = 256  # captions judged
JUDGE_STEPS = 25
SAVE_EVERY = 90  # seconds


@torch.no_grad()
def judge(stage, prior, text_encoder, samples, truth, mean, spread, guidance=1.0):
    """One line: how near sampled embeddings of held-out captions are to those of their pictures [n, 128]."""
    prior.eval()
    device = stage.device
    samples, truth = samples[:HELD_OUT], truth[:HELD_OUT]
    scheduler = models.schedulers()[0]
    scheduler.set_timesteps(JUDGE_STEPS)
    z = torch.randn(HELD_OUT, models.EMBEDDING, generator=torch.Generator().manual_seed(0)).to(device)

    def encode(texts):
        ids, mask = (tensor.to(device) for tensor in stage.tokens(texts))
        return text_encoder(ids), mask

    cond = encode([full_caption(stage.concepts, sample) for sample in samples])
    uncond = encode([""] * HELD_OUT)

    def predict(t, text, mask):
        return prior(z, t, text.text_embeds, text.last_hidden_state, mask).predicted_image_embedding

    for index, t in enumerate(scheduler.timesteps):
        predicted = predict(t, *cond)
        if guidance != 1:
            without = predict(t, *uncond)
            predicted = without + guidance * (predicted - without)
        previous = scheduler.timesteps[index + 1] if index < JUDGE_STEPS - 1 else None
        generator = torch.Generator().manual_seed(index)
        z = scheduler.step(predicted, t, z, prev_timestep=previous, generator=generator).prev_sample
    prior.train()
    sampled = prior.post_process_latents(z).cpu()
    cosine = F.cosine_similarity(sampled, truth).mean()
    centred = F.cosine_similarity(sampled - mean, truth - mean).mean()
    norm = z.cpu().norm(dim=-1).mean()
    true_norm = ((truth - mean) / spread).norm(dim=-1).mean()
    return (
        f"held-out, guidance {guidance}: cosine to the true embedding {cosine:.3f} (centred {centred:.3f}), "
        f"norm {norm:.2f}, true {true_norm:.2f}"
    )


def main():
    parser = training_parser(__doc__)
    parser.add_argument("--batch", type=int, default=192, help="samples per step (%(default)s)")
    parser.add_argument("--rate", type=float, default=1.2e-3, help="peak learning rate (%(default)s)")
    args = parser.parse_args()
    stage = Stage(args)
    device, batch = stage.device, args.batch
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    _, samples = stage.pictures("train")
    _, held_samples = stage.pictures("held")
    embeddings, held_embeddings = stage.embeddings("train"), stage.embeddings("held")
    mean, spread = embeddings.mean(0, keepdim=True), embeddings.std(0, keepdim=True)

    text_encoder = stage.trained_text_encoder().requires_grad_(False)
    prior = models.prior()
    state = stage.resumed("prior.pt")
    with torch.no_grad():
        torch.nn.init.normal_(prior.positional_embedding, std=0.02)
        torch.nn.init.normal_(prior.prd_embedding, std=0.02)
        if state:
            prior.load_state_dict(state["pr"])
        prior.clip_mean.copy_(mean)
        prior.clip_std.copy_(spread)
    prior.clip_mean.requires_grad_(False)
    prior.clip_std.requires_grad_(False)
    prior.to(device)
    text_encoder.to(device)
    parameters = [parameter for parameter in prior.parameters() if parameter.requires_grad]
    optimizer = adamw(parameters, WEIGHT_DECAY, lr=1e-3, betas=(0.9, 0.98))
    average = MovingAverage([prior], AVERAGE)
    normalised = (embeddings - mean) / spread
    null_ids, null_mask = stage.tokens([""])

    def report(guidance=1.0):
        print(judge(stage, prior, text_encoder, held_samples, held_embeddings, mean, spread, guidance), flush=True)

    budget = Budget(args.seconds)
    step, losses = 0, []
    while budget.left():
        step += 1
        set_rate(optimizer, cosine_rate(budget.fraction(), args.rate, warm=0.04, end=0.01))
        chosen = torch.randint(0, len(samples), (batch,))
        x0 = normalised[chosen].to(device)
        ids, mask = stage.tokens([caption(rng, stage.concepts, samples[i]) for i in chosen.tolist()])
        no_text = torch.rand(batch) < NO_TEXT
        ids[no_text] = null_ids[0]
        mask[no_text] = null_mask[0]
        with torch.no_grad():
            text = text_encoder(ids.to(device))
        t = stratified_timesteps(batch)
        xt = noised(x0, torch.randn_like(x0), ALPHAS_CUMPROD[t][:, None].to(device))
        with stage.bfloat16():
            predicted = prior(
                xt, t.to(device), text.text_embeds, text.last_hidden_state, mask.to(device)
            ).predicted_image_embedding
        loss = ((predicted.float() - x0) ** 2).mean()

        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        average.step()
        losses.append(loss.item())
        if step % 100 == 0:
            print(f"step {step}, {budget.elapsed():.0f} s: loss {np.mean(losses[-100:]):.4f}", flush=True)
        if budget.every(SAVE_EVERY):
            with average:
                stage.save("prior.pt", pr=prior)
                report()
    with average:
        stage.save("prior.pt", pr=prior)
        for guidance in (1.0, 1.5, 2.0, 4.0):
            report(guidance)
    print("steps:", step)


if __name__ == "__main__":
    main()
