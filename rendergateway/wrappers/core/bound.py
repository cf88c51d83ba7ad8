"""A key and the client that reaches it: all that features need of an object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import attrs

from rendergateway.model.records.json_slices import Text
from rendergateway.wrappers.core.bulk import Bulk
from rendergateway.wrappers.core.keys import CollectionKey, Key
from rendergateway.wrappers.core.space import ObjectSpace

if TYPE_CHECKING:
    from rendergateway.transport.answer import Sink

__all__ = ["Bound", "Client"]

K = TypeVar("K", bound=Key, covariant=True)
L = TypeVar("L", bound=Key)
S = TypeVar("S", bound="Sink")


class Client(Protocol):
    """
    What objects need of a gateway.

    Attributes
    ----------
    bulk : Bulk
        Defaults of long work.
    image_paths, remote_images
        Where images are opened by this process, see `Gateway`.
    match_frames : dict
        Coordinate frames of match collections.
    """

    image_paths: dict[str, str]
    remote_images: bool
    match_frames: dict[CollectionKey, str]
    bulk: Bulk

    @property
    def server(self) -> str:
        """The base URL of the service, or ``embedded:PATH``."""
        ...

    @property
    def service_id(self) -> str:
        """Identifies the service: two private embedded ones share one address."""
        ...

    @property
    def image_base_url(self) -> str:
        """The base URL of images for web pages."""
        ...

    @property
    def objects(self) -> ObjectSpace:
        """The objects of this client."""
        ...

    def call(self, name: str, /, *, body: Any = None, **values: Any) -> Any:
        """Make one request; return the parsed answer."""
        ...

    def call_raw(self, name: str, /, *, body: Any = None, **values: Any) -> bytes:
        """Make one request; return the bytes of the answer."""
        ...

    def call_into(self, name: str, sink: Callable[[], S], /, **values: Any) -> S:
        """Make one request; write the answer to a sink piece by piece."""
        ...

    def stack(self, name: str, *, owner: str | None = None, project: str | None = None) -> Any:
        """Return the stack of that name."""
        ...

    def match_collection(self, name: str, *, owner: str | None = None, frame: str | None = None) -> Any:
        """Return the match collection of that name."""
        ...

    def in_frame(self, collection: CollectionKey, frame: str) -> Client:
        """Return a second client with the frame of one match collection set."""
        ...

    def create_stack(self, name: str, *, owner: str | None = None, project: str | None = None) -> Any:
        """Create an empty stack."""
        ...

    def pinned(self, after_request: Callable[[Any, str, Mapping[str, Any], bytes], object]) -> Client:
        """Return a second client that calls *after_request* after each request."""
        ...

    def close(self) -> None:
        """Make no more requests."""
        ...


@attrs.frozen
class Bound(Generic[K]):
    """
    A key and the client that reaches it.

    Attributes
    ----------
    client : Client
        Makes the requests.
    key : Key
        Its fields are path values of the endpoints.
    """

    client: Client
    key: K

    def call(self, endpoint: str, /, *, body: Any = None, **values: Any) -> Any:
        """Make one request for the key; return the parsed answer, see `Gateway.call`."""
        return self.client.call(endpoint, body=body, **self.key._asdict(), **values)

    def fetch(self, endpoint: str, /, *, body: Any = None, **values: Any) -> Text:
        """Make one request for the key; return the bytes of the answer."""
        return self.client.call_raw(endpoint, body=body, **self.key._asdict(), **values)

    def fetch_into(self, endpoint: str, sink: Callable[[], S], /, **values: Any) -> S:
        """Make one request for the key; write the answer, a JSON list, to a sink piece by piece."""
        return self.client.call_into(endpoint, sink, **self.key._asdict(), **values)

    def at(self, key: L) -> Bound[L]:
        """Return another key of the same client."""
        return Bound(self.client, key)

    def __str__(self) -> str:
        return "/".join(map(str, self.key))
