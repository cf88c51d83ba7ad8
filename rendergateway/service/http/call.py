"""From a request's values to the arguments of the handler that answers it."""

from __future__ import annotations

import contextlib
import inspect
import typing
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from rendergateway.endpoints import Endpoint
from rendergateway.errors import RecordError
from rendergateway.service.base.ids import CollectionId, StackId
from rendergateway.service.base.options import Options
from rendergateway.service.base.refusals import BadBody, ServiceRefusal, Uncaught
from rendergateway.service.domain.tile_upload import tile_batches
from rendergateway.service.http.conditions import Conditions, ImageResult
from rendergateway.service.store import Store
from rendergateway.wire import SentTiles, decode_body

__all__ = ["Call", "Circumstances", "HandlerResult"]

HandlerResult = bytes | str | None | Iterator[bytes] | ImageResult

# Where the real service makes the id outside of what it guards, a bad name is an uncaught error.
_UNGUARDED = frozenset(
    {
        "coordinate.batch_world_from_local",
        "coordinate.section_world_from_local",
        "coordinate.batch_local_from_world",
        "coordinate.section_local_from_world",
    }
)
# Where the real service looks at the body's members before it looks at the names.
_CHECKED_LATER = frozenset({"stack.pair_residuals"})


@attrs.frozen
class Circumstances:
    """What a handler may ask for besides the values of the request."""

    options: Options
    base_url: str
    conditions: Conditions


_CIRCUMSTANCES = {"options", "base_url", "conditions"}


def _unreadable_first(body: Any) -> contextlib.AbstractContextManager[None]:
    """Let a body that cannot be read count before what else is wrong: the real service reads it first, and whole."""
    return _ReadFirst(body) if isinstance(body, SentTiles) else _NOTHING_TO_READ


_NOTHING_TO_READ = contextlib.nullcontext()


@attrs.frozen
class _ReadFirst(contextlib.AbstractContextManager[None]):
    body: SentTiles

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ServiceRefusal):
            for _ in tile_batches(self.body):
                pass


class Call:
    """
    An endpoint's handler, and which arguments it takes.

    Parameters
    ----------
    endpoint : Endpoint
        What is asked for.
    handler : callable
        Takes the store and, by name, ``stack`` or ``collection``, the values of path and query, ``body`` decoded as
        its annotation says, and ``options``, ``base_url``, ``conditions`` and ``endpoint`` where it
        names them.
    """

    def __init__(self, endpoint: Endpoint, handler: Callable[..., HandlerResult]) -> None:
        self.endpoint = endpoint
        self.handler = handler
        names = set(inspect.signature(handler).parameters)
        self._circumstances = names & _CIRCUMSTANCES
        self._takes_endpoint = "endpoint" in names
        self._body_kind = typing.get_type_hints(handler).get("body")
        self._unguarded = endpoint.answer == "bytes" or endpoint.name in _UNGUARDED

    def __call__(self, store: Store, arguments: dict[str, Any]) -> HandlerResult:
        """Do what the endpoint does."""
        with _unreadable_first(arguments.get("body")):
            return self.handler(store, **arguments)

    def arguments(
        self, values: dict[str, Any], body: bytes, circumstances: Callable[[], Circumstances], deepest: int
    ) -> dict[str, Any]:
        """
        Return the handler's arguments; the body may be nested *deepest* levels.

        The body is read first, then the names are checked, as in the real service.

        Raises
        ------
        ServiceRefusal
            If the body is not what the handler takes, or a name is not allowed.
        """
        arguments = dict(values)
        if self._body_kind is not None:
            arguments["body"] = self._decoded(body, deepest)
        with _unreadable_first(arguments.get("body")):
            self._fold_names(arguments)
        if self._circumstances:
            around = circumstances()
            arguments |= {name: getattr(around, name) for name in self._circumstances}
        if self._takes_endpoint:
            arguments["endpoint"] = self.endpoint
        return arguments

    def _decoded(self, body: bytes, deepest: int) -> Any:
        if self._body_kind is bytes:
            return body
        try:
            return decode_body(body, self._body_kind, deepest)
        except RecordError as error:
            raise BadBody(str(error)) from error

    def _fold_names(self, arguments: dict[str, Any]) -> None:
        try:
            if "stack" in arguments:
                names = (arguments.pop("owner"), arguments.pop("project"), arguments.pop("stack"))
                stack = StackId(*names)
                arguments["stack"] = stack if self.endpoint.name in _CHECKED_LATER else stack.checked()
                if "collection" in arguments:
                    arguments["matches"] = arguments.pop("collection")
            elif "collection" in arguments:
                arguments["collection"] = CollectionId(arguments.pop("owner"), arguments.pop("collection")).checked()
        except ServiceRefusal as refusal:
            if self._unguarded:
                raise Uncaught(str(refusal)) from refusal
            raise
