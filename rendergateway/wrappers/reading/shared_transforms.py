"""Shared transforms of a stack, stored once for many tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from rendergateway.forks import new_lock
from rendergateway.model.records.json_slices import Text, copy_of, decode
from rendergateway.mutators import changes_data
from rendergateway.visible_text import visible

if TYPE_CHECKING:
    from rendergateway.transforms import Transform

__all__ = ["SharedTransforms", "TransformCache"]


class TransformCache:
    """Shared transforms read so far: as text, and decoded."""

    def __init__(self) -> None:
        self.texts: dict[str, bytes] = {}
        self.transforms: dict[str, Transform] = {}
        self.lock = new_lock()


class SharedTransforms(Mapping[str, "Transform"]):
    """
    Id → transform, each read on first use.

    The service does not list shared transforms; iteration covers those read so far.

    Parameters
    ----------
    fetch : callable
        Makes a request for the stack by endpoint name; returns the text of the answer.
    cache : callable, optional
        Returns the current cache; one of its own by default.

    Raises
    ------
    NotFoundError
        On look-up of an id that the stack does not have.
    """

    def __init__(self, fetch: Callable[..., Text], cache: Callable[[], TransformCache] | None = None) -> None:
        self._fetch = fetch
        own = TransformCache()
        self._cache = cache or (lambda: own)

    @changes_data
    def add(self, texts: Mapping[str, Text]) -> None:
        """Keep the transforms that came with tiles; they are decoded on first use."""
        cache = self._cache()
        for transform_id, text in texts.items():
            cache.texts[transform_id] = copy_of(text)
            cache.transforms.pop(transform_id, None)

    def text(self, transform_id: str) -> bytes:
        """Return a transform as JSON text, as stored, for an upload of tiles that refer to it."""
        return self._text(self._cache(), transform_id)

    def _text(self, cache: TransformCache, transform_id: str) -> bytes:
        if transform_id not in cache.texts:
            with cache.lock:
                if transform_id not in cache.texts:
                    cache.texts[transform_id] = copy_of(self._fetch("transform.read", transform_id=transform_id))
        return cache.texts[transform_id]

    def __getitem__(self, transform_id: str) -> Transform:
        cache = self._cache()
        transform = cache.transforms.get(transform_id)
        if transform is None:
            from rendergateway.transforms import from_spec

            transform = cache.transforms[transform_id] = from_spec(decode(self._text(cache, transform_id)))
        return transform

    def __iter__(self) -> Iterator[str]:
        return iter(self._cache().texts)

    def __len__(self) -> int:
        return len(self._cache().texts)

    def __repr__(self) -> str:
        return visible(f"<SharedTransforms {', '.join(self._cache().texts) or '(none read yet)'}>")
