"""The objects of a gateway that live: one for each class and key, and how fresh each is."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from rendergateway.model import Record
from rendergateway.model.records.json_slices import Raw
from rendergateway.wrappers.core.freshness import NOTHING_HELD, Epoch, Seen
from rendergateway.wrappers.core.identity import Living
from rendergateway.wrappers.core.keys import Key, Scope, StackKey
from rendergateway.wrappers.core.recent import Recent
from rendergateway.wrappers.core.registry import DEFAULT, ClassT, Registry, load_entry_points

if TYPE_CHECKING:
    from typing_extensions import Self

    from rendergateway.gateway import Gateway
    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["LivingObjects"]

Wrapper: TypeAlias = "ObjectWrapper[Any]"

# Most objects are prepared with nothing; one mapping stands for that, and nobody writes to it.
_NOTHING_EXTRA: dict[str, Any] = {}


class LivingObjects:
    """
    Wrapping, identity and freshness.

    Attributes
    ----------
    registry : Registry
        Which classes stand for which kinds here.
    """

    # What a pickle of a gateway leaves behind.
    _STAYS: tuple[str, ...] = ("_epochs", "_living", "_recent", "_serials")

    def __init__(self, registry: Registry | None) -> None:
        load_entry_points()
        self.registry = registry or Registry(DEFAULT)
        self._epochs: dict[Scope, Epoch] = {}
        self._begin_living()

    def _begin_living(self) -> None:
        """Begin with no objects; epochs are kept, for those who share them."""
        self._serials = itertools.count(1)
        self._living: dict[type[Wrapper], Living] = {}
        self._recent = Recent()

    def register(self, wrapper_class: ClassT, *, replace: bool = False) -> ClassT:
        """
        Let a subclass of a wrapper stand for its kind in this gateway, from the next wrap on; it decorates.

        Parameters and errors are those of `Registry.register`.
        """
        return self.registry.register(wrapper_class, replace=replace)

    @contextlib.contextmanager
    def registered(self, *wrapper_classes: type[Wrapper], replace: bool = False) -> Iterator[Self]:
        """Let classes stand for their kinds while the block runs."""
        with self.registry.kept():
            for wrapper_class in wrapper_classes:
                self.register(wrapper_class, replace=replace)
            yield self

    def wrap(self, kind: str, key: Key, record: Record | None = None, **extra: Any) -> Any:
        """Return the object of that kind and key: the one that lives, else a new one of the registered class."""
        return self.wrap_as(self.registry[kind], key, record, **extra)

    def wrap_as(self, wrapper_class: type[Wrapper], key: Key, record: Record | None = None, **extra: Any) -> Any:
        """Return the object of that class and key, as `wrap` does."""
        living = self._living_of(wrapper_class)
        alive = living.find(key)
        if alive is None:
            alive = living.settle(key, wrapper_class(cast("Gateway", self), key=key, **extra))
        if record is not None and not alive.is_loaded:
            alive._take(record, self.epoch(alive._scope), self.next_serial())
        return alive

    def wrap_listed(self, wrapper_class: type[Wrapper], key: Key, text: Raw | bytes | None, seen: Seen) -> Any:
        """Return the object of a listing's item; what a later listing says of an object that lives counts."""
        living = self._living.get(wrapper_class)
        if living is None:
            living = self._living_of(wrapper_class)
        ref = living.get(key)
        alive = ref() if ref is not None else None
        if alive is None:
            new = wrapper_class.__new__(wrapper_class)
            # A copy: one tile that is kept must not keep the answer that it came in.
            held = NOTHING_HELD if text is None else (seen.epoch, seen.known, bytes(text), seen.serial)
            # No cast: the call of one is a twentieth of what wrapping a tile costs.
            new._set_up(self, key, held, _NOTHING_EXTRA, seen.above)  # type: ignore[arg-type]
            alive = living.settle(key, new)
            if alive is new:
                return new
        if text is not None and (alive._serial < seen.serial or not alive.is_loaded):
            alive._take(bytes(text), seen.epoch, seen.serial, seen.known)
        return alive

    def living_objects(self) -> Iterator[Wrapper]:
        """Yield the objects that somebody holds."""
        for living in list(self._living.values()):
            yield from living.objects()

    def _living_of(self, wrapper_class: type[Wrapper]) -> Living:
        living = self._living.get(wrapper_class)
        return living if living is not None else self._living.setdefault(wrapper_class, Living())

    def next_serial(self) -> int:
        """Return a number larger than all before: what was read later has the larger one."""
        return next(self._serials)

    def epoch(self, scope: Scope) -> Epoch:
        """Return the time until this gateway's next write to a stack or collection, or below an owner or project."""
        epoch = self._epochs.get(scope)
        return epoch if epoch is not None else self._epochs.setdefault(scope, Epoch())

    def _wrote(self, values: Mapping[str, Any]) -> None:
        owner, project = values.get("owner"), values.get("project")
        stacks = [StackKey(str(owner), str(project), values["stack"])] if "stack" in values else []
        if "to_stack" in values:
            stacks.append(StackKey(str(owner), str(values.get("to_project") or project), values["to_stack"]))
        scopes: set[Scope] = {stack[:size] for stack in stacks for size in range(4)}
        if "collection" in values:
            scopes |= {(str(owner), values["collection"]), (str(owner),), ()}
        for scope in scopes or {(), (str(owner),), (str(owner), str(project))}:
            ended = self._epochs.pop(scope, None)
            if ended is not None:
                ended.end()
