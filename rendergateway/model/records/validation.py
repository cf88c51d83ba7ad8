"""Validation of records: each problem with its path, value and expectation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from rendergateway.errors import RecordError, TransformError
from rendergateway.model.records.json_slices import shown
from rendergateway.model.records.record import Member, Record, expectation
from rendergateway.transforms import Transform, TransformList

__all__ = ["OF_NUMBERS", "Problem", "check_all", "problems_of"]

_FINITE, _ALL_FINITE, _TRANSFORM = "a finite number", "finite parameters", "a transform"
# How the expectations begin that a number which is not finite, or a malformed transform, does not meet.
OF_NUMBERS = (_FINITE, _ALL_FINITE, _TRANSFORM)


@attrs.frozen
class Problem:
    """
    One validation problem.

    Attributes
    ----------
    path : str
        Path from the record, ``$.layout.stageX``, or from a table, ``$[17].z``.
    value : str
        The value as JSON, truncated; empty if missing.
    expected : str
        Description of a valid value.
    """

    path: str
    value: str
    expected: str

    @property
    def text(self) -> str:
        """The problem as one sentence."""
        return f"{self.path} is {self.value or 'missing'}; expected {self.expected}"

    def __str__(self) -> str:
        return self.text


def problems_of(record: Record, path: str = "$") -> Iterator[Problem]:
    """Yield the problems of a record and of nested records."""
    try:
        members = record.members
    except RecordError:
        yield Problem(path, shown(record.to_json()), "an object")
        return
    for name, member in record.FIELDS.items():
        place = f"{path}.{member.wire_name}"
        text = members.get(member.wire_name)
        try:
            value = getattr(record, name)
        except (RecordError, TransformError) as error:
            yield Problem(place, "" if text is None else shown(text), _expectation(member, error))
            continue
        yield from _inside(value, place)
    yield from record._problems(path)


def _inside(value: object, place: str) -> Iterator[Problem]:
    """Yield the problems of the records in a field."""
    if isinstance(value, Record):
        yield from problems_of(value, place)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            if isinstance(item, Record):
                yield from problems_of(item, f"{place}[{number}]")
    elif isinstance(value, float) and not np.isfinite(value):
        yield Problem(place, str(value), _FINITE)
    elif isinstance(value, Transform) and not value.is_finite:
        yield from _not_finite(value, place)
    if isinstance(value, Mapping) and isinstance(value, Record):
        for key in value:
            yield from _inside(value[key], f'{place}["{key}"]')


def _not_finite(transform: Transform, place: str) -> Iterator[Problem]:
    """Yield the transforms of a list with parameters that are not finite."""
    if isinstance(transform, TransformList):
        for number, part in enumerate(transform):
            yield from _not_finite(part, f"{place}.specList[{number}]")
    elif not transform.is_finite:
        yield Problem(place, shown(repr(transform)), _ALL_FINITE)


def check_all(
    records: Iterable[Record], *, id_fields: Sequence[str] = (), key: Callable[[tuple[str, ...]], object] = tuple
) -> list[Problem]:
    """
    Return the problems of many records.

    Parameters
    ----------
    records : iterable of Record
        A table, or any records.
    id_fields : sequence of str
        Fields that together must be unique.
    key : callable
        Called with the values of these fields; records with equal results are duplicates.
    """
    problems: list[Problem] = []
    first: dict[Any, int] = {}
    for row, record in enumerate(records):
        found = list(problems_of(record, f"$[{row}]"))
        problems += found
        members = [record.FIELDS[name].wire_name for name in id_fields]
        places = {f"$[{row}]", *(f"$[{row}].{member}" for member in members)}
        if not id_fields or any(problem.path in places for problem in found):
            continue
        names = tuple(getattr(record, name) for name in id_fields)
        if first.setdefault(key(names), row) != row:
            expected = f"a unique id; $[{first[key(names)]}] has the same"
            problems.append(Problem(f"$[{row}].{'/'.join(members)}", ", ".join(map(repr, names)), expected))
    return problems


def _expectation(member: Member[Any], error: Exception) -> str:
    if issubclass(member.kind, Transform):
        return f"{_TRANSFORM} ({error.__cause__ or error})"
    return "an object" if issubclass(member.kind, Record) else expectation(member.kind)
