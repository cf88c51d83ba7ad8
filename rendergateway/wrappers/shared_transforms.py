"""The transforms that a stack stores once for many tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rendergateway.model.slices import Text, decode, encode
from rendergateway.transforms import Transform, from_spec

__all__ = ["SharedTransforms"]


class SharedTransforms(Mapping[str, Transform]):
    """
    Id → transform, read one by one when asked for.

    The service lists no shared transforms; what this iterates over is those that were met so far.

    Parameters
    ----------
    call : callable
        Makes a request for the stack, by name of the endpoint.

    Raises
    ------
    NotFoundError
        When an id is looked up that the stack does not have.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self._texts: dict[str, bytes] = {}
        self._transforms: dict[str, Transform] = {}

    def add(self, texts: Mapping[str, Text]) -> None:
        """Remember the transforms that came with a listing of tiles; they are read when asked for."""
        self._texts.update((transform_id, bytes(text)) for transform_id, text in texts.items())  # type: ignore[arg-type]

    def text(self, transform_id: str) -> bytes:
        """Return a transform as JSON text: what an upload of tiles that refer to it must carry."""
        if transform_id not in self._texts:
            self._texts[transform_id] = encode(self._call("transform.read", transform_id=transform_id))
        return self._texts[transform_id]

    def __getitem__(self, transform_id: str) -> Transform:
        if transform_id not in self._transforms:
            self._transforms[transform_id] = from_spec(decode(self.text(transform_id)))
        return self._transforms[transform_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __repr__(self) -> str:
        return f"<SharedTransforms {', '.join(self._texts) or 'none met yet'}>"
