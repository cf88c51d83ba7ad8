"""A stack opened for writing, and closed: LOADING, COMPLETE, or left LOADING with a sentence."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import TYPE_CHECKING

from rendergateway.errors import StaleStackError, add_note
from rendergateway.model import StackRecord, StackVersion

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["OpenStack"]

_log = logging.getLogger("rendergateway")


class OpenStack:
    """
    A context in which a stack is LOADING.

    Parameters
    ----------
    stack : StackWrapper
        What is opened.
    complete : bool
        Whether the stack becomes COMPLETE when the block ends without an error.
    version : StackVersion, optional
        What the stack's next version is; without one a COMPLETE stack keeps what is said of it.

    Attributes
    ----------
    saved : int
        Tiles that were saved in the block so far.

    Notes
    -----
    A service says of a stack how often it was opened, and when last. So two edits at once, and an edit of what others
    changed since it was read, are seen; what others put into a stack that is LOADING anyway is not.
    """

    def __init__(self, stack: StackWrapper, *, complete: bool = True, version: StackVersion | None = None) -> None:
        self.stack = stack
        self.complete = complete
        self.saved = 0
        self._version = version
        self._number = 0
        self._remarks: list[str] = []

    def remark(self, sentence: str) -> None:
        """Let an error in the block say this too."""
        self._remarks.append(sentence)

    def __enter__(self) -> Self:
        known = self.stack._record if self.stack.is_loaded else None
        found = self._ask()
        if known is not None and _place_in_time(known) != _place_in_time(found):
            raise StaleStackError(
                f"{self._words} was changed by others since it was read here: then {_said(known)}, now {_said(found)}. "
                "stack.reload() and what is made of it shows what they did; then edit"
            )
        self._number = found.version_number or 0
        if self._version is not None:
            _log.info("%s, %s, is opened for its next version", self._words, found.state)
            self.stack._call("stack.create", body=self._version)
            self._number += 1
        elif found.state != "LOADING":
            self.stack._call("stack.set_state", state="LOADING")
            self._number += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            add_note(error, self._left_loading())
        elif self.complete:
            try:
                self._finish()
            except Exception as failure:
                add_note(failure, self._left_loading())
                raise

    def _finish(self) -> None:
        now = self._ask()
        if (now.version_number or 0) != self._number:
            raise StaleStackError(
                f"{self._words} was opened again, or made anew, by others while it was edited here: expected version "
                f"{self._number}, found {_said(now)}. It was not completed here; look at both edits"
            )
        if now.state != "COMPLETE":
            self.stack._call("stack.set_state", state="COMPLETE")

    def _ask(self) -> StackRecord:
        """Read what the service says of the stack now, whatever was read before."""
        return StackRecord.from_json(self.stack._text("stack.read"))

    def _left_loading(self) -> str:
        stored = f"the {self.saved} tiles put before this error are stored" if self.saved else "no tile was put"
        return "; ".join([f"stack {self.stack} was left LOADING", stored, *self._remarks])

    @property
    def _words(self) -> str:
        return f"stack {'/'.join(self.stack._key)}"


def _place_in_time(record: StackRecord) -> tuple[object, ...]:
    return record.version_number, record.modified


def _said(record: StackRecord) -> str:
    return f"{record.state}, version {record.version_number} of {record.modified}"
