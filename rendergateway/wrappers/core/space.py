"""Identity map: one live wrapper per class and key, and its invalidation by writes."""

from __future__ import annotations

import itertools
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rendergateway.forks import new_lock
from rendergateway.model.records.json_slices import Raw
from rendergateway.model.records.record import Record
from rendergateway.mutators import changes_data
from rendergateway.wrappers.core.epochs import NOTHING_HELD, Epoch, Epochs, Seen
from rendergateway.wrappers.core.keys import Key, Scope
from rendergateway.wrappers.core.registry import DEFAULT, Registry, load_entry_points

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LiveObjects", "ObjectSpace", "Recent"]

# Dead references are swept when a table holds more references than this.
_SWEEP_FROM = 4096
# Most objects are prepared with no extra values; they share one mapping, which is never written to.
_NO_EXTRA: dict[str, Any] = {}
# Listings kept alive: enough for any page, and little beside what a script over a whole stack holds anyway.
_LIMIT_BYTES = 32 * 2**20
# Objects opened by name that are kept alive: a script works on a few stacks at a time.
_OPENED = 16


class LiveObjects(dict[Key, "weakref.ref[Any]"]):
    """
    The live objects of one class: key → weak reference, possibly dead.

    The references have no callbacks, which would cost more than the rest of wrapping.
    """

    __slots__ = ("_lock", "_sweep_at")

    def __init__(self) -> None:
        super().__init__()
        self._lock = new_lock()
        self._sweep_at = _SWEEP_FROM

    def find(self, key: Key) -> Any:
        """Return the live object of a key, or None."""
        ref = self.get(key)
        return ref() if ref is not None else None

    def settle(self, key: Key, new: Any) -> Any:
        """Register *new* under a key unless another thread was first; return the registered object."""
        ref = weakref.ref(new)
        if self.setdefault(key, ref) is ref:
            if len(self) > self._sweep_at:
                self._sweep()
            return new
        with self._lock:
            first = self.setdefault(key, ref)()
            if first is not None:
                return first
            # Dead references are only replaced or removed under the lock, so this one is still dead.
            self[key] = ref
            return new

    def _sweep(self) -> None:
        """Remove dead references; done when the table has doubled, so the cost per object is constant."""
        with self._lock:
            # dict.copy() is one step, and unlike a list of pairs it does not trigger the garbage collector.
            for key in [key for key, ref in self.copy().items() if ref() is None]:
                del self[key]
            self._sweep_at = max(_SWEEP_FROM, 2 * len(self))

    def objects(self) -> Iterator[Any]:
        """Yield the objects that are still alive."""
        for ref in self.copy().values():
            alive = ref()
            if alive is not None:
                yield alive


class Recent:
    """
    Strong references to objects that were just listed from or opened by name.

    The identity map is weak: a page that loops twice over sections and their tiles keeps no reference in between, and
    without this the second loop would repeat the requests of the first.

    Parameters
    ----------
    limit_bytes : int
        Approximate total size of the listings; the last one is kept whatever its size.
    """

    def __init__(self, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._listed: deque[tuple[object, int]] = deque()
        self._size = 0
        self._opened: deque[object] = deque(maxlen=_OPENED)
        self._lock = new_lock()

    @changes_data
    def keep_listed(self, holder: object, size: int) -> None:
        """Keep the holder of a listing of *size* bytes; drop the oldest ones above the limit."""
        with self._lock:
            self._listed.append((holder, size))
            self._size += size
            while self._size > self._limit_bytes and len(self._listed) > 1:
                self._size -= self._listed.popleft()[1]

    @changes_data
    def keep_opened(self, opened: object) -> None:
        """Keep an object until `_OPENED` others have been opened by name."""
        if not self._opened or self._opened[-1] is not opened:
            self._opened.append(opened)


class ObjectSpace:
    """
    The objects of one gateway.

    Parameters
    ----------
    client : Gateway
        Passed to every object that is made.
    registry : Registry, optional
        Which class represents which kind; a new one over the default registry unless given.
    epochs : Epochs, optional
        Shared by the gateways that share a connection, so that a write through one invalidates the reads of all.

    Attributes
    ----------
    epochs : Epochs
        Which readings are stale.
    registry : Registry
        Looked up at every wrap.
    recent : Recent
        Strong references that are kept for a while.
    """

    def __init__(self, client: Any, registry: Registry | None = None, epochs: Epochs | None = None) -> None:
        load_entry_points()
        self.epochs = epochs or Epochs()
        self.registry = registry or Registry(DEFAULT)
        self.recent = Recent()
        self._client = client
        self._serials = itertools.count(1)
        self._live: dict[type[Any], LiveObjects] = {}

    def beside(self, client: Any) -> Self:
        """Return the space of another gateway over the same connection: same registry and epochs, own objects."""
        return type(self)(client, self.registry, self.epochs)

    def __repr__(self) -> str:
        return f"<ObjectSpace of {self._client!r}>"

    # Wrapping

    @changes_data
    def wrap(self, kind: str, key: Key, record: Record | None = None, **extra: Any) -> Any:
        """Return the object of that kind and key: the live one, or a new one of the registered class."""
        return self.wrap_as(self.registry[kind], key, record, **extra)

    @changes_data
    def wrap_as(self, wrapper_class: type[Any], key: Key, record: Record | None = None, **extra: Any) -> Any:
        """Return the object of that class and key, as `wrap` does."""
        live = self._live_of(wrapper_class)
        found = live.find(key)
        if found is None:
            found = live.settle(key, wrapper_class(self._client, key=key, **extra))
        if record is not None and found._held[0].is_over:
            found._take(record, self.epoch(found._scope), self.next_serial())
        return found

    @changes_data
    def wrap_listed(self, wrapper_class: type[Any], key: Key, text: Raw | bytes | None, seen: Seen) -> Any:
        """Return the object of one item of a listing; of two listings the later one updates a live object."""
        live = self._live.get(wrapper_class)
        if live is None:
            live = self._live_of(wrapper_class)
        ref = live.get(key)
        found = ref() if ref is not None else None
        if found is None:
            new = object.__new__(wrapper_class)
            # A copy of the text: one tile that is kept must not keep the whole answer.
            held = NOTHING_HELD if text is None else (seen.epoch, seen.known, bytes(text), seen.serial)
            new._set_up(self._client, key, held, _NO_EXTRA, seen.above)
            found = live.settle(key, new)
            if found is new:
                return new
        if text is not None and (found._serial < seen.serial or found._held[0].is_over):
            found._take(bytes(text), seen.epoch, seen.serial, seen.known)
        return found

    def opened(self, kind: str, key: Key) -> Any:
        """Return an object opened by name, and keep it for a while, so that a repeated chain finds it again."""
        found = self.wrap(kind, key)
        self.recent.keep_opened(found)
        return found

    def live_objects(self) -> Iterator[Any]:
        """Yield the objects that are referred to from anywhere."""
        for live in list(self._live.values()):
            yield from live.objects()

    def _live_of(self, wrapper_class: type[Any]) -> LiveObjects:
        live = self._live.get(wrapper_class)
        return live if live is not None else self._live.setdefault(wrapper_class, LiveObjects())

    # Invalidation

    @changes_data
    def next_serial(self) -> int:
        """Return a number larger than all before: of two reads the later one has the larger serial."""
        return next(self._serials)

    @changes_data
    def epoch(self, scope: Scope) -> Epoch:
        """Return the current epoch of a scope."""
        return self.epochs.of(scope)

    @changes_data
    def wrote(self, values: Mapping[str, Any]) -> None:
        """End the epochs of everything that a write with these path and query values may have changed."""
        above = [str(values.get(name)) for name in ("owner", "project")]
        scopes: list[Scope] = []
        if "stack" in values:
            scopes.append((*above, values["stack"]))
        if "to_stack" in values:
            scopes.append((above[0], values.get("to_project") or above[1], values["to_stack"]))
        if "collection" in values:
            scopes.append((above[0], values["collection"]))
        # A write to a project or an owner deletes stacks and match collections of other ones, too.
        for scope in scopes or [()]:
            self.epochs.end(scope, written=True)
