"""Handler calls: arguments from the values and body of a request."""

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

__all__ = ["Call", "HandlerResult", "Later", "RequestContext"]

HandlerResult = bytes | str | None | Iterator[bytes] | ImageResult


@attrs.frozen
class Later:
    """
    The result of a long computation, which needs the database for reading only, and what stores it.

    Attributes
    ----------
    store : callable
        Stores it, in a transaction of its own; returns the answer.
    """

    store: Callable[[Store], HandlerResult]


# Endpoints of the real service that validate names outside their error handling: a bad name is an uncaught error.
_UNGUARDED = frozenset(
    {
        "coordinate.batch_world_from_local",
        "coordinate.section_world_from_local",
        "coordinate.batch_local_from_world",
        "coordinate.section_local_from_world",
    }
)
# Endpoints of the real service that validate the members of the body before the names.
_CHECKED_LATER = frozenset({"stack.pair_residuals"})


@attrs.frozen
class RequestContext:
    """Context that a handler may take besides the values of the request."""

    options: Options
    base_url: str
    conditions: Conditions


_CONTEXT_NAMES = {"options", "base_url", "conditions"}


def _decoded_first(body: Any) -> contextlib.AbstractContextManager[None]:
    """Report a malformed body before any other refusal: the real service decodes all of it first."""
    return _DecodedFirst(body) if isinstance(body, SentTiles) else _NOTHING_TO_DECODE


_NOTHING_TO_DECODE = contextlib.nullcontext()


@attrs.frozen
class _DecodedFirst(contextlib.AbstractContextManager[None]):
    body: SentTiles

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ServiceRefusal):
            for _ in tile_batches(self.body):
                pass


class Call:
    """
    The handler of an endpoint, with the arguments that it takes.

    Parameters
    ----------
    endpoint : Endpoint
    handler : callable
        Takes the store and, by keyword, ``stack`` or ``collection``, the values of path and query, ``body`` decoded
        to its annotated type, and any of ``options``, ``base_url``, ``conditions`` and ``endpoint``.
    """

    def __init__(self, endpoint: Endpoint, handler: Callable[..., HandlerResult | Later]) -> None:
        self.endpoint = endpoint
        self.handler = handler
        names = set(inspect.signature(handler).parameters)
        self.computes = inspect.signature(handler).return_annotation == Later.__name__
        self._context = names & _CONTEXT_NAMES
        self._takes_endpoint = "endpoint" in names
        self._body_kind = typing.get_type_hints(handler).get("body")
        self._unguarded = endpoint.answer == "bytes" or endpoint.name in _UNGUARDED

    def __call__(self, store: Store, arguments: dict[str, Any]) -> Any:
        """Call the handler; return its `HandlerResult`, or `Later` if it computes."""
        with _decoded_first(arguments.get("body")):
            return self.handler(store, **arguments)

    def arguments(
        self, values: dict[str, Any], body: bytes, context: Callable[[], RequestContext], deepest: int
    ) -> dict[str, Any]:
        """
        Return the arguments of the handler; the JSON of the body may be nested *deepest* levels.

        The body is decoded before the names are validated, as in the real service.

        Raises
        ------
        ServiceRefusal
            If the body is malformed or of another type, or a name is invalid.
        """
        arguments = dict(values)
        if self._body_kind is not None:
            arguments["body"] = self._decoded(body, deepest)
        with _decoded_first(arguments.get("body")):
            self._fold_ids(arguments)
        if self._context:
            given = context()
            arguments |= {name: getattr(given, name) for name in self._context}
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

    def _fold_ids(self, arguments: dict[str, Any]) -> None:
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
