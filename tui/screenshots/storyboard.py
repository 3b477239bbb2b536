"""What is done in front of the camera: arguments, columns and lines, and steps."""

PROMPT = "prompt=a rocket on a blue background"
# Whatever the terminal of whoever makes the pictures can do: a screen of cells is drawn.
BLOCKS = ["--pictures", "blocks"]

# A sweep over two inputs of the decoder, from the list of its inputs on.
SWEEP = [
    *[("key", "down")] * 5,
    ("key", "S"),
    ("type", "1, 3, 6"),
    ("key", "enter"),
    ("type", "seed"),
    ("key", "enter"),
    ("type", "0..2"),
    ("key", "enter"),
    ("key", "enter"),
    ("wait", "9 of 9 runs are over"),
    ("look", 1.0),
]

LEAVE = [("key", "esc"), ("key", "esc"), ("key", "q")]

PICTURES = [
    (
        ["workflows/text_to_image.ron", "--set", PROMPT, *BLOCKS],
        (132, 40),
        [("wait", "Tokenizer"), ("key", "r"), ("wait", "done in"), ("picture", "run"), *LEAVE],
    ),
    (
        ["workflows/text_to_image.ron", "--set", PROMPT, *BLOCKS],
        (132, 44),
        [
            ("wait", "Tokenizer"),
            ("key", "/"),
            ("type", "decoder"),
            ("key", "enter"),
            ("key", "tab"),
            *SWEEP,
            ("picture", "sweep"),
            *LEAVE,
        ],
    ),
]

CAST = (
    ["workflows/text_to_image.ron", "--set", PROMPT, *BLOCKS],
    (120, 40),
    [
        ("wait", "Tokenizer"),
        ("look", 1.0),
        ("key", "r"),
        ("wait", "done in"),
        ("look", 3.0),
        ("key", "t"),
        ("look", 3.0),
        ("key", "esc"),
        # By its name: along the wires, a node with several of them asks which one, and takes what follows for the answer.
        ("key", "/"),
        ("type", "decoder"),
        ("key", "enter"),
        ("key", "1"),
        *SWEEP,
        ("look", 3.0),
        ("key", "esc"),
        ("key", "6"),
        ("look", 3.0),
        *LEAVE,
    ],
)
