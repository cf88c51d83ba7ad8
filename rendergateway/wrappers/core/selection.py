"""Objects chosen and ordered by their fields, here: no request, and no object where the texts say enough."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from rendergateway.model.tables.field_values import field_paths, field_values

if TYPE_CHECKING:
    from rendergateway.wrappers.core.collection import Collection
    from rendergateway.wrappers.core.listing import Loaded
    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["Like", "in_words", "known_fields", "places_in_order", "places_that_fit"]

Choice: TypeAlias = "Callable[[Collection[Any], Loaded], list[int]]"


class Like:
    """
    Tells whether a text matches a pattern of the shell: ``*`` for any letters, ``?`` for one.

    Examples
    --------
    >>> Like("*montage*")("v12_montage"), Like("v?")("v12")
    (True, False)
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def __call__(self, value: object) -> bool:
        """Tell whether *value* matches."""
        return fnmatchcase(str(value), self._pattern)

    def __repr__(self) -> str:
        return repr(self._pattern)


def known_fields(wrapper_class: type[ObjectWrapper[Any]]) -> list[str]:
    """Return what objects can be chosen by: fields of the record and of those in it, and properties of the class."""
    properties = [
        name
        for base in wrapper_class.__mro__
        for name, member in vars(base).items()
        if isinstance(member, property | cached_property) and not name.startswith("_")
    ]
    return list(dict.fromkeys([*field_paths(wrapper_class.RECORD), *properties]))


def places_that_fit(wrapper_class: type[ObjectWrapper[Any]], fields: Mapping[str, Any]) -> Choice:
    """Return what finds the places of the objects whose fields fit these values; see `Collection.filter`."""
    _refuse_unknown(wrapper_class, fields)
    tests = {name: _test_of(wanted) for name, wanted in fields.items()}

    def choose(collection: Collection[Any], loaded: Loaded) -> list[int]:
        places: Iterable[int] = range(len(loaded.listing.ids))
        for name, fits in tests.items():
            values = _values(collection, loaded, name)
            places = [place for place in places if fits(values[place])]
        return list(places)

    return choose


def places_in_order(wrapper_class: type[ObjectWrapper[Any]], fields: Iterable[str]) -> Choice:
    """Return what finds the places of all objects in the order of fields."""
    orders = [(name.removeprefix("-"), name.startswith("-")) for name in map(_text, fields)]
    _refuse_unknown(wrapper_class, [name for name, _ in orders])

    def choose(collection: Collection[Any], loaded: Loaded) -> list[int]:
        places = list(range(len(loaded.listing.ids)))
        # The least important first: sorting keeps the order of what is equal.
        for name, is_descending in reversed(orders):
            values = _values(collection, loaded, name)
            there = [place for place in places if values[place] is not None]
            missing = [place for place in places if values[place] is None]
            try:
                places = sorted(there, key=values.__getitem__, reverse=is_descending) + missing
            except TypeError as error:
                raise TypeError(f"a {wrapper_class.KIND} has no order by {name}: {error}") from error
        return places

    return choose


def _text(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"objects are ordered by names of fields, not by {name!r}")
    return name


def _test_of(wanted: Any) -> Callable[[Any], bool]:
    """Return what tells whether a value is *wanted*, is one of several that are, or is what a function says."""
    if callable(wanted):
        return lambda value: value is not None and bool(wanted(value))
    wanted = _plain(wanted)
    if isinstance(wanted, str | bytes) or not isinstance(wanted, Iterable):
        return lambda value: bool(value == wanted)
    several = list(wanted)
    try:
        known = frozenset(several)
    except TypeError:
        known = None

    def is_among(value: Any) -> bool:
        # A list may also be the value of a field, as labels are.
        if value == wanted:
            return True
        return value in (several if known is None or isinstance(value, list) else known)

    return is_among


def _plain(wanted: Any) -> Any:
    """Return what stands in numbers and arrays of numpy and pandas, whose == gives arrays."""
    return wanted.tolist() if hasattr(wanted, "tolist") else wanted


def in_words(wanted: Any) -> str:
    """Return what is wanted of a field as a sentence names it: of many values the first ones."""
    if isinstance(wanted, str):
        return repr(wanted)
    return getattr(wanted, "__name__", None) or reprlib.repr(_plain(wanted))


def _refuse_unknown(wrapper_class: type[ObjectWrapper[Any]], names: Iterable[str]) -> None:
    known = known_fields(wrapper_class)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise TypeError(f"a {wrapper_class.KIND} has no field {', '.join(unknown)}; it has {', '.join(sorted(known))}")


def _values(collection: Collection[Any], loaded: Loaded, name: str) -> list[Any]:
    """Return one field of all objects: of the texts where it is a field of the record, else of each object."""
    wrapper_class, listing = collection._class, loaded.listing
    path = field_paths(wrapper_class.RECORD).get(name)
    if path is not None and listing.texts is not None and not _is_own(wrapper_class, name):
        return field_values(wrapper_class.RECORD, path, listing.texts)
    if hasattr(wrapper_class, name) or path is None:
        return [getattr(wrapper, name) for wrapper in collection._objects(loaded)]
    return [_inner(wrapper._obj, path) for wrapper in collection._objects(loaded)]


def _is_own(wrapper_class: type[ObjectWrapper[Any]], name: str) -> bool:
    """Whether a class of somebody else says what the field is."""
    where = next((base for base in wrapper_class.__mro__ if name in vars(base)), None)
    return where is not None and not where.__module__.startswith("rendergateway.")


def _inner(record: Any, path: Iterable[str]) -> Any:
    for name in path:
        if record is None:
            return None
        record = getattr(record, name)
    return record
