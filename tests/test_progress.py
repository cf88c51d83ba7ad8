"""Progress bars."""

from __future__ import annotations

import io

import pytest

from rendergateway.progress import tracking


class Terminal(io.StringIO):
    """Standard error of a terminal."""

    def isatty(self) -> bool:
        return True


def test_bar__label(monkeypatch: pytest.MonkeyPatch) -> None:
    """The label of a bar is shown as it is, square brackets too; control characters are escaped."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")

    with tracking(True, "Saving [/red] \x1b]0;title\x07", 2) as report:
        report(2)

    assert r"Saving [/red] \x1b]0;title\x07" in terminal.getvalue()
    assert "\x1b]" not in terminal.getvalue()
