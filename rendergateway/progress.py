"""Progress reporting: a callback, or a bar on a terminal."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from rendergateway.mutators import refuse_marked
from rendergateway.visible_text import visible

__all__ = ["Progress", "tracking"]

# None: a bar on a terminal after one second. True: at once. False: never. Or a callback for the number of items done.
Progress: TypeAlias = "bool | Callable[[int], object] | None"

_DELAY_S = 1.0


@contextlib.contextmanager
def tracking(progress: Progress, what: str, total: int | None = None) -> Iterator[Callable[[int], object]]:
    """
    Report the progress of a long operation.

    Parameters
    ----------
    progress : bool or callable, optional
        A callable receives the number of finished items. True shows a bar on a terminal at once, None after one
        second, False shows none. The bar needs a terminal and the package rich.
    what : str
        Label of the bar.
    total : int, optional
        Number of items, if known.

    Yields
    ------
    callable
        Takes the number of finished items; not thread-safe.

    Examples
    --------
    >>> counts = []
    >>> with tracking(counts.append, "Saving tiles", 2) as report:
    ...     report(1), report(2)
    (None, None)
    >>> counts
    [1, 2]
    """
    if callable(progress):
        refuse_marked(progress, "progress=")
        yield progress
    elif progress is False or not _can_show():
        yield lambda done: None
    else:
        bar = _Bar(what, total, 0.0 if progress else _DELAY_S)
        try:
            yield bar.show
        finally:
            bar.close()


def _can_show() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and importlib.util.find_spec("rich") is not None


class _Bar:
    """A progress bar that appears after a delay and is removed when the work is done."""

    def __init__(self, what: str, total: int | None, delay_s: float) -> None:
        self._what = what
        self._total = total
        self._shown_from = time.monotonic() + delay_s
        self._bar: Any = None

    def show(self, done: int) -> None:
        if self._bar is None:
            if time.monotonic() < self._shown_from:
                return
            self._bar, self._task = self._open()
        self._bar.update(self._task, completed=done)

    def _open(self) -> tuple[Any, Any]:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        bar = Progress(*columns, console=Console(stderr=True), transient=True)
        bar.start()
        return bar, bar.add_task(visible(self._what), total=self._total)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
