"""Draws the screen of a terminal as a picture."""

from PIL import Image, ImageDraw, ImageFont

# The colours that terminals call by name or number; those above 15 pyte tells as RGB.
NAMED = {
    "black": "1b1d23",
    "red": "e06c75",
    "green": "98c379",
    "brown": "e5c07b",
    "blue": "61afef",
    "magenta": "c678dd",
    "cyan": "56b6c2",
    "white": "d7dae0",
    "brightblack": "7f848e",
    "brightred": "f08b93",
    "brightgreen": "b1d89a",
    "brightbrown": "f0d399",
    "brightyellow": "f0d399",
    "brightblue": "8cc6f5",
    "brightmagenta": "d7a1e6",
    "brightcyan": "7fd0da",
    "brightwhite": "ffffff",
}
GROUND, TEXT = "16181d", "d7dae0"

# Parts of a cell that block characters fill: left, top, right, bottom, as parts of 8.
BLOCKS = {
    "█": (0, 0, 8, 8),
    "▀": (0, 0, 8, 4),
    "▐": (4, 0, 8, 8),
    "▔": (0, 0, 8, 1),
    "▕": (7, 0, 8, 8),
    **{chr(0x2580 + eighths): (0, 8 - eighths, 8, 8) for eighths in range(1, 8)},
    **{chr(0x2590 - eighths): (0, 0, eighths, 8) for eighths in range(1, 8)},
}

# Where the strokes of a line character go from the middle of its cell: left, up, right, down.
STROKES = {
    **dict.fromkeys("─━╌┄", (1, 0, 1, 0)),
    **dict.fromkeys("│┃╎┆", (0, 1, 0, 1)),
    **dict.fromkeys("┌┏╭", (0, 0, 1, 1)),
    **dict.fromkeys("┐┓╮", (1, 0, 0, 1)),
    **dict.fromkeys("└┗╰", (0, 1, 1, 0)),
    **dict.fromkeys("┘┛╯", (1, 1, 0, 0)),
    **dict.fromkeys("├┣┠", (0, 1, 1, 1)),
    **dict.fromkeys("┤┫┨", (1, 1, 0, 1)),
    **dict.fromkeys("┬┳", (1, 0, 1, 1)),
    **dict.fromkeys("┴┻", (1, 1, 1, 0)),
    **dict.fromkeys("┼╋", (1, 1, 1, 1)),
    "╴": (1, 0, 0, 0),
    "╵": (0, 1, 0, 0),
    "╶": (0, 0, 1, 0),
    "╷": (0, 0, 0, 1),
}
HEAVY = set("━┃┏┓┗┛┣┫┳┻╋")


class Painter:
    """Draws with a font, and with fonts for the characters that it lacks."""

    def __init__(self, fonts, bold, size):
        self.fonts = [ImageFont.truetype(str(font), size) for font in fonts]
        self.bold = ImageFont.truetype(str(bold), size)
        self.width = round(self.fonts[0].getlength("M"))
        ascent, descent = self.fonts[0].getmetrics()
        self.height = ascent + descent
        self.blank = self.fonts[0].getmask("\U0010ffff")

    def picture(self, screen):
        """The screen of a `pyte.Screen`."""
        width, height = self.width, self.height
        picture = Image.new("RGB", (screen.columns * width, screen.lines * height), f"#{GROUND}")
        draw = ImageDraw.Draw(picture)
        for y in range(screen.lines):
            for x in range(screen.columns):
                self.cell(draw, screen.buffer[y][x], x * width, y * height)
        return picture

    def cell(self, draw, cell, x, y):
        text, ground = colour(cell.fg, TEXT), colour(cell.bg, GROUND)
        if cell.reverse:
            text, ground = ground, text
        box = (x, y, x + self.width - 1, y + self.height - 1)
        if ground != f"#{GROUND}":
            draw.rectangle(box, fill=ground)
        character = cell.data
        if not character.strip():
            return
        if character in BLOCKS:
            left, top, right, bottom = BLOCKS[character]
            across, down = self.width / 8, self.height / 8
            edges = (x + round(left * across), y + round(top * down))
            ends = (x + round(right * across) - 1, y + round(bottom * down) - 1)
            draw.rectangle((*edges, *ends), fill=text)
        elif character in STROKES:
            self.strokes(draw, character, x, y, text)
        else:
            draw.text((x, y), character, font=self.font(character, cell.bold), fill=text)
        if cell.underscore:
            draw.line((x, y + self.height - 2, x + self.width - 1, y + self.height - 2), fill=text)

    def strokes(self, draw, character, x, y, text):
        left, up, right, down = STROKES[character]
        thickness = 3 if character in HEAVY else 1
        half = thickness // 2
        middle, centre = x + self.width // 2, y + self.height // 2
        if left or right:
            begin = x if left else middle - half
            end = x + self.width - 1 if right else middle + half
            draw.rectangle((begin, centre - half, end, centre + half), fill=text)
        if up or down:
            begin = y if up else centre - half
            end = y + self.height - 1 if down else centre + half
            draw.rectangle((middle - half, begin, middle + half, end), fill=text)

    def font(self, character, is_bold):
        """The first that has the character."""
        for font in [self.bold] * is_bold + self.fonts:
            mask = font.getmask(character[0])
            if bytes(mask) != bytes(self.blank):
                return font
        return self.fonts[0]


def colour(name, default):
    """As Pillow writes a colour that pyte tells."""
    return f"#{default if name == 'default' else NAMED.get(name, name)}"
