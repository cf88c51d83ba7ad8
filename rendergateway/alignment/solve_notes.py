"""The notes of a solved stack: where its tiles and matches come from, and what the solve reached."""

from __future__ import annotations

import re

import attrs

__all__ = ["SolveNotes"]

_TEXT = re.compile(r"solved from (?P<stack>.+?) with matches (?P<matches>.+?): (?P<lines>.+)", re.DOTALL)


@attrs.frozen
class SolveNotes:
    """
    Notes of a solve.

    Attributes
    ----------
    stack : str
        The stack that was solved, ``owner/project/stack``.
    matches : tuple of str
        Names of its match collections.
    lines : tuple of str
        Counts, residuals and options.

    Examples
    --------
    >>> notes = SolveNotes("lab/cortex/raw", ("points",), ("3d affine, 48 tiles", "residuals before: 8 px"))
    >>> str(notes)
    'solved from lab/cortex/raw with matches points: 3d affine, 48 tiles; residuals before: 8 px'
    >>> SolveNotes.of(str(notes)) == notes, SolveNotes.of("by hand")
    (True, None)
    """

    stack: str
    matches: tuple[str, ...]
    lines: tuple[str, ...]

    @classmethod
    def of(cls, notes: str | None) -> SolveNotes | None:
        """Read the notes of a stack; None unless they are those of a solve."""
        found = _TEXT.fullmatch(notes or "")
        if found is None:
            return None
        return cls(found["stack"], tuple(found["matches"].split(" + ")), tuple(found["lines"].split("; ")))

    def __str__(self) -> str:
        return f"solved from {self.stack} with matches {' + '.join(self.matches)}: {'; '.join(self.lines)}"
