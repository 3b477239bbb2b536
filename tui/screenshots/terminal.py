"""A program in a pseudo-terminal: keys go in, and what its screen shows comes out."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import termios
import time
from pathlib import Path

import pyte

# Only a storyboard that waits for what never comes waits so long.
PATIENCE = 120.0

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "tab": "\t",
    "space": " ",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    **{f"ctrl-{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"},
}


class Terminal:
    """A program with a terminal of `columns` x `lines` cells, all of whose output is kept with its times."""

    def __init__(self, command, columns, lines, folder, environment):
        self.columns, self.lines = columns, lines
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.output = []
        self.process, self.master = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.kill(self.process, signal.SIGWINCH)
        self.began = time.monotonic()

    def read(self, seconds):
        """Takes in what the program writes for that long; false once it has ended."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            ready, _, _ = select.select([self.master], [], [], left)
            if not ready:
                break
            try:
                written = os.read(self.master, 65536)
            except OSError:  # the other end is closed
                written = b""
            if not written:
                return False
            self.output.append((time.monotonic() - self.began, written))
            self.stream.feed(written)
        return True

    def shows(self):
        """The screen as text."""
        return "\n".join(self.screen.display)

    def wait(self, text):
        """Reads until the screen shows a text."""
        until = time.monotonic() + PATIENCE
        while text not in self.shows():
            if time.monotonic() > until or not self.read(0.02):
                raise SystemExit(f"{text!r} does not come:\n{self.shows()}")

    def press(self, key):
        """Presses a key by its name, or types a text."""
        os.write(self.master, KEYS.get(key, key).encode())

    def end(self):
        """Waits for the end of the program, and says its exit status."""
        until = time.monotonic() + PATIENCE
        while self.read(0.1):
            if time.monotonic() > until:
                os.kill(self.process, signal.SIGKILL)
        os.close(self.master)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def write_cast(self, path: Path, title):
        """Writes all output as an asciicast, version 2 (https://docs.asciinema.org/manual/asciicast/v2/)."""
        head = {"version": 2, "width": self.columns, "height": self.lines, "title": title}
        lines = [json.dumps(head)]
        rest = b""
        for at, written in self.output:
            # A character can be torn by the end of a read.
            text, rest = whole_characters(rest + written)
            if text:
                lines.append(json.dumps([round(at, 3), "o", text], ensure_ascii=False))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def whole_characters(data):
    """The text that `data` begins with, and the bytes of a character that is not whole yet."""
    for torn in range(min(4, len(data) + 1)):
        whole = data[: len(data) - torn]
        try:
            return whole.decode(), data[len(whole) :]
        except UnicodeDecodeError:
            continue
    return data.decode(errors="replace"), b""
