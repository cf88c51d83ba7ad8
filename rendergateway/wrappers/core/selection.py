"""Filter and order objects by their fields: no request, and no object if the texts are enough."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, TypeAlias

from rendergateway.model.tables.field_values import field_paths, field_values
from rendergateway.mutators import refuse_marked
from rendergateway.wrappers.core.listing import Listing

__all__ = ["Like", "in_words", "known_fields", "places_in_order", "places_that_fit"]

# Chooses positions of a listing; the function wraps its objects, if the texts are not enough.
Choice: TypeAlias = Callable[[Listing, Callable[[], Iterator[Any]]], list[int]]


class Like:
    """
    Match a text against a shell pattern: ``*`` for any letters, ``?`` for one.

    Examples
    --------
    >>> Like("*montage*")("v12_montage"), Like("v?")("v12")
    (True, False)
    """

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern

    def __call__(self, value: object) -> bool:
        """Return whether *value* matches."""
        return fnmatchcase(str(value), self._pattern)

    def __repr__(self) -> str:
        return repr(self._pattern)


def known_fields(wrapper_class: type[Any]) -> list[str]:
    """Return the fields that objects can be filtered by: those of the record and nested ones, and properties."""
    properties = [
        name
        for base in wrapper_class.__mro__
        for name, member in vars(base).items()
        if isinstance(member, property | cached_property) and not name.startswith("_")
    ]
    return list(dict.fromkeys([*field_paths(wrapper_class.RECORD), *properties]))


def places_that_fit(wrapper_class: type[Any], fields: Mapping[str, Any]) -> Choice:
    """Return a choice of the positions of the objects whose fields fit these values; see `Collection.filter`."""
    _refuse_unknown(wrapper_class, fields)
    tests = {name: _test_of(wanted) for name, wanted in fields.items()}

    def choose(listing: Listing, objects: Callable[[], Iterator[Any]]) -> list[int]:
        places: Iterable[int] = range(len(listing.ids))
        for name, fits in tests.items():
            values = _values(wrapper_class, listing, objects, name)
            places = [place for place in places if fits(values[place])]
        return list(places)

    return choose


def places_in_order(wrapper_class: type[Any], fields: Iterable[str]) -> Choice:
    """Return a choice of the positions of all objects, ordered by fields; see `Collection.order_by`."""
    orders = [(name.removeprefix("-"), name.startswith("-")) for name in map(_checked_name, fields)]
    _refuse_unknown(wrapper_class, [name for name, _ in orders])

    def choose(listing: Listing, objects: Callable[[], Iterator[Any]]) -> list[int]:
        places = list(range(len(listing.ids)))
        # The least important field first: sorting is stable.
        for name, is_descending in reversed(orders):
            values = _values(wrapper_class, listing, objects, name)
            present = [place for place in places if values[place] is not None]
            missing = [place for place in places if values[place] is None]
            try:
                places = sorted(present, key=values.__getitem__, reverse=is_descending) + missing
            except TypeError as error:
                raise TypeError(f"{wrapper_class.KIND} objects cannot be ordered by {name}: {error}") from error
        return places

    return choose


def _checked_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"order_by() takes field names, got {name!r}")
    return name


def _test_of(wanted: Any) -> Callable[[Any], bool]:
    """Return a predicate: equal to *wanted*, one of several values, or *wanted* itself if it is a function."""
    if callable(wanted):
        refuse_marked(wanted, "a function of filter()")
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
    """Return numpy and pandas values as plain ones, because their == returns arrays."""
    return wanted.tolist() if hasattr(wanted, "tolist") else wanted


def in_words(wanted: Any) -> str:
    """Return a wanted value for a message; of many values the first ones."""
    if isinstance(wanted, str):
        return repr(wanted)
    return getattr(wanted, "__name__", None) or reprlib.repr(_plain(wanted))


def _refuse_unknown(wrapper_class: type[Any], names: Iterable[str]) -> None:
    known = known_fields(wrapper_class)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise TypeError(
            f"unknown field {', '.join(unknown)} of a {wrapper_class.KIND}; known: {', '.join(sorted(known))}"
        )


def _values(wrapper_class: type[Any], listing: Listing, objects: Callable[[], Iterator[Any]], name: str) -> list[Any]:
    """Return one field of all objects: from the texts if it is a field of the record, else from each object."""
    path = field_paths(wrapper_class.RECORD).get(name)
    if path is not None and listing.texts is not None and not _is_overridden(wrapper_class, name):
        return field_values(wrapper_class.RECORD, path, listing.texts)
    if hasattr(wrapper_class, name) or path is None:
        return [getattr(wrapper, name) for wrapper in objects()]
    return [_nested(wrapper._obj, path) for wrapper in objects()]


def _is_overridden(wrapper_class: type[Any], name: str) -> bool:
    """Return whether a class outside this package defines the field."""
    where = next((base for base in wrapper_class.__mro__ if name in vars(base)), None)
    return where is not None and not where.__module__.startswith("rendergateway.")


def _nested(record: Any, path: Iterable[str]) -> Any:
    for name in path:
        if record is None:
            return None
        record = getattr(record, name)
    return record
