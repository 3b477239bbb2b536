"""What can be wrong: every message says what, where and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """Something that must be mended before the kernels can be used."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n    {self.remedy}"


class BuildError(Exception):
    """The build cannot go on; the text is meant for whoever started it."""
