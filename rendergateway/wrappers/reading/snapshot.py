"""Snapshot isolation by version: each answer is followed by a check of the stack's version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from rendergateway.errors import StackStateError, StaleStackError
from rendergateway.model.records.stacks import StackRecord
from rendergateway.wrappers.core.bound import Bound, Client
from rendergateway.wrappers.core.keys import StackKey

__all__ = ["StackVersionCheck", "place_in_time"]


def place_in_time(record: StackRecord) -> tuple[object, ...]:
    """Return version number and time of the last change: equal as long as a COMPLETE stack is unchanged."""
    return record.version_number, record.modified


@attrs.frozen
class StackVersionCheck:
    """
    Raises once a stack has changed; a client calls it after each request.

    Attributes
    ----------
    key : StackKey
        The stack.
    record : StackRecord
        As it was at the start.
    """

    key: StackKey
    record: StackRecord

    @classmethod
    def begin(cls, stack: Bound[StackKey]) -> StackVersionCheck:
        """
        Read the stack.

        Raises
        ------
        StackStateError
            If it is LOADING.

        Notes
        -----
        One request, ``stack.read``.
        """
        record = StackRecord.from_json(stack.fetch("stack.read"))
        if record.state == "LOADING":
            raise StackStateError(
                f"stack {stack} is LOADING: its tiles change without a trace, so it cannot be pinned; complete it first"
            )
        return cls(stack.key, record)

    def __call__(self, client: Client, endpoint: str, values: Mapping[str, Any], answer: bytes) -> None:
        """
        Check the stack after a request.

        Raises
        ------
        StaleStackError
            If the request was for this stack, and the stack has changed.

        Notes
        -----
        One request, ``stack.read``, unless that was the request.
        """
        stack = Bound(client, self.key)
        if tuple(values.get(name) for name in self.key._fields) != self.key:
            return
        # The answer may be from before or after a change: only a later request shows it.
        now = StackRecord.from_json(answer if endpoint == "stack.read" else stack.fetch("stack.read"))
        if place_in_time(now) != place_in_time(self.record):
            was, version = self.record, self.record.version_number
            raise StaleStackError(
                f"stack {stack} changed while it was pinned: version {version} of {was.modified} is now version "
                f"{now.version_number} of {now.modified}, {now.state}; earlier results belong to the old version"
            )
