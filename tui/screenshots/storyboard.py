"""What is done in front of the camera: arguments, columns and lines, and steps."""

ROCKET = 'a rocket on a blue background'

PICTURES = [
    (
        ["workflows/text_to_image.ron", "--set", f"prompt={ROCKET}"],
        (132, 40),
        [
            ("wait", "Tokenizer"),
            ("picture", "graph"),
            ("key", "r"),
            ("wait", "done in"),
            ("picture", "run"),
            ("key", "?"),
            ("picture", "help"),
            ("key", "esc"),
            ("key", "q"),
        ],
    ),
]

CAST = (
    ["workflows/text_to_image.ron", "--set", f"prompt={ROCKET}"],
    (120, 36),
    [
        ("wait", "Tokenizer"),
        ("look", 1.5),
        ("key", "r"),
        ("wait", "done in"),
        ("look", 3.0),
        ("key", "q"),
    ],
)
