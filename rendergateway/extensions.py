"""Transform classes, image loaders and filters that a lab registers under their names in tile specs."""

from __future__ import annotations

import contextlib
import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar, cast

from rendergateway.errors import RegistrationError
from rendergateway.forks import new_lock

__all__ = ["Extensions", "kept", "portable", "receive"]

T = TypeVar("T")
V = TypeVar("V")

# Kind → name → registered values, the one in use last. Apart from the tables, so that a gateway can be pickled with
# them without importing rendering.
_registered: dict[str, dict[str, tuple[Any, ...]]] = {}
_lock = new_lock()


class Extensions(Mapping[str, T]):
    """
    Name → value: the values of the package, and over them those that a lab registers, for the whole process.

    Parameters
    ----------
    kind : str
        For messages.
    built_in : mapping
        The values of the package.

    Attributes
    ----------
    changes : int
        Number of changes so far, of all kinds of names: for the keys of caches.

    Examples
    --------
    >>> words = Extensions("word", {"one": 1})
    >>> with words.registered("two", 2):
    ...     dict(words)
    {'one': 1, 'two': 2}
    >>> "two" in words
    False
    """

    changes: ClassVar[int] = 0

    def __init__(self, kind: str, built_in: Mapping[str, T]) -> None:
        self._kind = kind
        self._built_in = built_in
        self._own = _registered.setdefault(kind, {})

    def __getitem__(self, name: str) -> T:
        own: tuple[T, ...] = self._own.get(name, ())
        return own[-1] if own else self._built_in[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([*self._built_in, *self._own]))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def register(self, name: str, value: T, *, replace: bool = False) -> None:
        """
        Register *value* under *name*.

        Parameters
        ----------
        name : str
            As in the JSON.
        value
            The function or class.
        replace : bool
            Whether the name may have a value. The same function or class, defined again in a notebook cell, may always
            follow itself.

        Raises
        ------
        RegistrationError
            If the name is empty, or has another value and *replace* is false.
        """
        self._check(name)
        with _lock:
            present = self.get(name)
            if present is not None and not replace and _origin(present) != _origin(value):
                raise RegistrationError(
                    f"{self._kind} {name!r} is registered already, as {present!r}; use another name, or replace=True"
                )
            self._own[name] = (*self._own.get(name, ()), value)
            Extensions.changes += 1

    def _check(self, name: object) -> None:
        if not isinstance(name, str) or not name.strip():
            raise RegistrationError(f"{self._kind} must have a name: got {name!r}; pass the one in tile specs")

    def decorator(self, name: str, *, replace: bool = False) -> Callable[[V], V]:
        """Return a decorator that registers a function under *name*; see `register`."""
        self._check(name)

        def register(value: V) -> V:
            self.register(name, cast("T", value), replace=replace)
            return value

        return register

    @contextlib.contextmanager
    def registered(self, name: str, value: T, *, replace: bool = False) -> Iterator[None]:
        """Register *value* until the block ends; registrations by others are kept."""
        self.register(name, value, replace=replace)
        try:
            yield
        finally:
            with _lock:
                left = list(self._own.get(name, ()))
                last = max(place for place, one in enumerate(left) if one is value)
                del left[last]
                self._own[name] = tuple(left)
                if not left:
                    del self._own[name]
                Extensions.changes += 1


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Restore all registered values when the block ends, so that the registrations of a test end with it."""
    before = {kind: dict(own) for kind, own in _registered.items()}
    try:
        yield
    finally:
        with _lock:
            for kind, own in _registered.items():
                own.clear()
                own.update(before.get(kind, {}))
            Extensions.changes += 1


def _origin(value: Any) -> object:
    """Return module and qualified name of a function or class; of any other value itself."""
    name = getattr(value, "__qualname__", "<")
    return value if "<lambda>" in name or name == "<" else (value.__module__, name)


def portable() -> dict[str, dict[str, bytes]]:
    """Return the registered values for another process, pickled; those that cannot be pickled are left out."""
    kinds: dict[str, dict[str, bytes]] = {}
    for kind, own in list(_registered.items()):
        for name, values in list(own.items()):
            with contextlib.suppress(Exception):  # pickling calls code of the value
                kinds.setdefault(kind, {})[name] = pickle.dumps(values[-1])
    return kinds


def receive(kinds: Mapping[str, Mapping[str, bytes]]) -> None:
    """Register values from another process; names that this process has registered itself keep their values."""
    for kind, texts in kinds.items():
        own = _registered.setdefault(kind, {})
        for name, text in texts.items():
            if name in own:
                continue
            try:
                # Loading it may import a module that registers it.
                own.setdefault(name, (pickle.loads(text),))
            except Exception as error:  # code of a lab
                warnings.warn(f"{kind} {name!r} cannot be used in this process: {error!r}", stacklevel=2)
            Extensions.changes += 1
