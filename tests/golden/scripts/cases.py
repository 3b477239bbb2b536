"""What the goldens are made from: texts, settings of the runs, scheduler steps."""

CONTEXT_LENGTH = 77
LONG_PROMPT = (
    "a highly detailed oil painting of a lighthouse on a rocky cliff during a violent thunderstorm at night, "
    "with towering waves crashing against the stones, lightning illuminating the dark purple clouds, a small wooden "
    "boat struggling in the foreground, seagulls scattered by the wind, dramatic chiaroscuro lighting in the style of "
    "a nineteenth century romantic master, intricate brush strokes, cinematic composition, warm glow from the lantern "
    "room window, salt spray, ropes, barrels, broken masts, and a distant glimpse of the quiet harbour village beyond"
)
PROMPTS = ["a photo of an astronaut riding a horse on mars", "teddy bears mixing sparkling chemicals, steampunk!"]
TOKENIZER_TEXTS = [
    "",
    " ",
    "a",
    "a photo of a cat",
    "A Photo Of A CAT",
    "hello world!",
    "wow!!! it's   spaced\tout\nnewline",
    "don't can't we've I'm they'll he'd 's",
    "naïve café ÉCOLE — “quotes”",
    "北京 日本語 한국어",
    "emoji 🐱👩‍🚀🏳️‍🌈",
    "1234567890 3.14159 2024-01-01",
    "e=mc^2 #hashtag @user $100 50% a_b-c/d\\e",
    "<|endoftext|> inside <|startoftext|> text",
    "ﬁ ligature ǅ İstanbul ß STRASSE",
    "e\u0301 combining vs \u00e9",
    "zero\u200bwidth\u00a0nbsp\u3000ideographic",
    LONG_PROMPT,
]
ZERO_SHOT_LABELS = [
    "a photo of a cat",
    "a photo of a dog",
    "a diagram of a very complicated machine with many gears",
    "teddy bear",
    "an astronaut riding a horse!",
]
# Seed, steps and guidance scales of the whole runs; the variants take fewer steps.
RUN = {"seed": 4321, "prior_steps": 25, "decoder_steps": 25, "sr_steps": 7, "prior_g": 4.0, "decoder_g": 8.0}
SHORT_RUN = {**RUN, "prior_steps": 5, "decoder_steps": 4, "sr_steps": 3}

# (timestep, previous timestep or None for the one below): the first step, inner steps and every kind of last step.
SCHEDULER_STEPS = [(999, 957), (999, None), (500, 458), (166, 0), (42, 0), (1, 0), (1, None), (0, None)]
# (variance type, prediction type, whether x0 is clipped, to what range)
SCHEDULER_KINDS = [
    ("fixed_small_log", "sample", True, 5.0),
    ("learned_range", "epsilon", True, 1.0),
    ("fixed_small_log", "epsilon", True, 1.0),
    ("learned_range", "sample", True, 2.0),
    ("fixed_small_log", "epsilon", False, 1.0),
]
