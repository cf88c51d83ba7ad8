"""A stack that must not change while it is read: each answer is followed by a look at the stack's version."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from rendergateway.errors import ConfigurationError, StackStateError, StaleStackError
from rendergateway.model import StackRecord

if TYPE_CHECKING:
    from rendergateway.wrappers.core.keys import StackKey
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["pinned"]


@contextlib.contextmanager
def pinned(stack: StackWrapper) -> Iterator[StackWrapper]:
    """Give a stack whose requests are refused once it changes; see `StackChanges.pinned`."""
    record = StackRecord.from_json(stack._text("stack.read"))
    if record.state == "LOADING":
        raise StackStateError(
            f"{stack!r} is LOADING: its tiles change without a trace, so nothing holds it. Pin it when it is COMPLETE"
        )
    view: Any = stack._conn.using()
    view.__class__ = type(f"Pinned{type(view).__name__}", (_Pinned, type(view)), {})
    view._pin = (stack._key, _place_in_time(record))
    try:
        fixed: StackWrapper = view.wrap("stack", stack._key, record)
        yield fixed
    finally:
        # What was read stays readable; what was not, must not be read unchecked.
        view.close()


class _Pinned:
    """Looks at the stack after each request for it."""

    _pin: tuple[StackKey, tuple[object, ...]]

    def _send(self, endpoint: Any, body: Any, values: Mapping[str, Any]) -> Any:
        answer = super()._send(endpoint, body, values)  # type: ignore[misc]
        key, place = self._pin
        if tuple(values.get(name) for name in key._fields) == key:
            # The answer may be of before or after a change: only what is asked later tells.
            record = answer if endpoint.name == "stack.read" else self._send_plainly("stack.read", key)
            now = StackRecord.from_json(record.content)
            if _place_in_time(now) != place:
                raise StaleStackError(
                    f"stack {'/'.join(key)} changed while it was held: version {place[0]} of {place[1]} is now version "
                    f"{now.version_number} of {now.modified}, {now.state}; what was read before is of the old one"
                )
        return answer

    def _send_plainly(self, name: str, key: StackKey) -> Any:
        from rendergateway.endpoints import ENDPOINTS

        return super()._send(ENDPOINTS[name], None, key._asdict())  # type: ignore[misc]

    def __reduce__(self) -> NoReturn:
        raise ConfigurationError("what is pinned does not travel to another process; pin it there")


def _place_in_time(record: StackRecord) -> tuple[object, ...]:
    return record.version_number, record.modified
