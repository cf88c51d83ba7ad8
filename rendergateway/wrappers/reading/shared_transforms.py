"""The transforms that a stack stores once for many tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from rendergateway.forks import new_lock
from rendergateway.model.records.json_slices import Text, copy_of, decode
from rendergateway.transforms import Transform, from_spec

__all__ = ["SharedTransforms"]


class SharedTransforms(Mapping[str, Transform]):
    """
    Id → transform, read one by one when asked for.

    The service lists no shared transforms; what this iterates over is those that were met so far.

    Parameters
    ----------
    fetch : callable
        Makes a request for the stack, by name of the endpoint, and returns the text of the answer.

    Raises
    ------
    NotFoundError
        When an id is looked up that the stack does not have.
    """

    def __init__(self, fetch: Callable[..., Text]) -> None:
        self._fetch = fetch
        self._texts: dict[str, bytes] = {}
        self._transforms: dict[str, Transform] = {}
        self._lock = new_lock()

    def add(self, texts: Mapping[str, Text]) -> None:
        """Remember the transforms that came with tiles; they are read when asked for."""
        for transform_id, text in texts.items():
            self._texts[transform_id] = copy_of(text)
            self._transforms.pop(transform_id, None)

    def text(self, transform_id: str) -> bytes:
        """Return a transform as JSON text, as it is stored: what an upload of tiles that refer to it must carry."""
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
        return f"<SharedTransforms {', '.join(self._texts) or 'none met yet'}>"
