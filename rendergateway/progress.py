"""How far a long work is: told to a function, or shown on a terminal where there is one."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

__all__ = ["Progress", "tracking"]

# None: a bar on a terminal once the work takes a second. True: at once. False: never. Or a function of what is done.
Progress: TypeAlias = "bool | Callable[[int], object] | None"

_DELAY_S = 1.0


@contextlib.contextmanager
def tracking(progress: Progress, what: str, total: int | None = None) -> Iterator[Callable[[int], object]]:
    """
    Show how far a work is.

    Parameters
    ----------
    progress : bool or callable, optional
        A function is called with how many are done. True shows a bar on a terminal, None one that appears after a
        second, False nothing. Without a terminal, or without rich, there is no bar.
    what : str
        Said before the bar.
    total : int, optional
        How many there are, where that is known.

    Yields
    ------
    callable
        Takes how many are done; to be called from one thread.

    Examples
    --------
    >>> told = []
    >>> with tracking(told.append, "Saving tiles", 2) as tell:
    ...     tell(1), tell(2)
    (None, None)
    >>> told
    [1, 2]
    """
    if callable(progress):
        yield progress
    elif progress is False or not _can_show():
        yield lambda done: None
    else:
        bar = _Bar(what, total, 0.0 if progress else _DELAY_S)
        try:
            yield bar.tell
        finally:
            bar.close()


def _can_show() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and importlib.util.find_spec("rich") is not None


class _Bar:
    """A bar that appears after a while, and goes when the work is done."""

    def __init__(self, what: str, total: int | None, delay_s: float) -> None:
        self._what = what
        self._total = total
        self._shown_from = time.monotonic() + delay_s
        self._bar: Any = None

    def tell(self, done: int) -> None:
        if self._bar is None:
            if time.monotonic() < self._shown_from:
                return
            self._bar, self._task = self._open()
        self._bar.update(self._task, completed=done)

    def _open(self) -> tuple[Any, Any]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        bar = Progress(*columns, console=Console(stderr=True), transient=True)
        bar.start()
        return bar, bar.add_task(self._what, total=self._total)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
