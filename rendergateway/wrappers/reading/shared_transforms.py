"""Shared transforms of a stack, stored once for many tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rendergateway.forks import new_lock
from rendergateway.model.records.json_slices import Text, copy_of, decode
from rendergateway.mutators import changes_data
from rendergateway.transforms import Transform, from_spec

__all__ = ["SharedTransforms"]


class SharedTransforms(Mapping[str, Transform]):
    """
    Id → transform, each read on first use.

    The service does not list shared transforms; iteration covers those read so far.

    Parameters
    ----------
    fetch : callable
        Makes a request for the stack by endpoint name; returns the text of the answer.

    Raises
    ------
    NotFoundError
        On look-up of an id that the stack does not have.
    """

    def __init__(self, fetch: Callable[..., Text]) -> None:
        self._fetch = fetch
        self._texts: dict[str, bytes] = {}
        self._transforms: dict[str, Transform] = {}
        self._lock = new_lock()

    @changes_data
    def add(self, texts: Mapping[str, Text]) -> None:
        """Keep the transforms that came with tiles; they are decoded on first use."""
        for transform_id, text in texts.items():
            self._texts[transform_id] = copy_of(text)
            self._transforms.pop(transform_id, None)

    def text(self, transform_id: str) -> bytes:
        """Return a transform as JSON text, as stored, for an upload of tiles that refer to it."""
        if transform_id not in self._texts:
            with self._lock:
                if transform_id not in self._texts:
                    self._texts[transform_id] = copy_of(self._fetch("transform.read", transform_id=transform_id))
        return self._texts[transform_id]

    def __getitem__(self, transform_id: str) -> Transform:
        transform = self._transforms.get(transform_id)
        if transform is None:
            transform = self._transforms[transform_id] = from_spec(decode(self.text(transform_id)))
        return transform

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __repr__(self) -> str:
        return f"<SharedTransforms {', '.join(self._texts) or '(none read yet)'}>"
