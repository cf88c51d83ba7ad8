"""What is wrong with a record, or with many: every problem with its place, what stands there and what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from rendergateway.errors import RecordError, TransformError
from rendergateway.model.record import Member, Record
from rendergateway.model.slices import copy_of
from rendergateway.transforms import Transform

__all__ = ["Problem", "check_all", "problems_of"]

_SHOWN = 60
_EXPECTED: dict[type[Any], str] = {
    str: "a text",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    datetime: "a date like 2024-05-06T07:08:09.123Z",
}


@attrs.frozen
class Problem:
    """
    One thing that is wrong.

    Attributes
    ----------
    path : str
        Where, from the record: ``$.layout.stageX``; in bulk from the table: ``$[17].z``.
    value : str
        What stands there, as JSON, long ones cut; empty where nothing does.
    expected : str
        What should.
    """

    path: str
    value: str
    expected: str

    @property
    def text(self) -> str:
        """One sentence."""
        return f"{self.path} is {self.value or 'missing'}; expected {self.expected}"

    def __str__(self) -> str:
        return self.text


def problems_of(record: Record, path: str = "$") -> Iterator[Problem]:
    """Yield what is wrong with a record and the records in it."""
    try:
        members = record.members
    except RecordError:
        yield Problem(path, _shown(record.to_json()), "an object")
        return
    for name, member in record.FIELDS.items():
        place = f"{path}.{member.wire_name}"
        text = members.get(member.wire_name)
        shown = "" if text is None else _shown(copy_of(text))
        try:
            value = getattr(record, name)
        except (RecordError, TransformError) as error:
            yield Problem(place, shown, _expectation(member, error))
            continue
        yield from _inside(value, place)
    yield from record._problems(path)


def _inside(value: object, place: str) -> Iterator[Problem]:
    """Yield the problems of records in a field."""
    if isinstance(value, Record):
        yield from problems_of(value, place)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            if isinstance(item, Record):
                yield from problems_of(item, f"{place}[{number}]")
    if isinstance(value, Mapping) and isinstance(value, Record):
        for key in value:
            yield from _inside(value[key], f'{place}["{key}"]')


def check_all(records: Sequence[Record] | Iterable[Record], *, id_field: str | None = None) -> list[Problem]:
    """
    Return what is wrong with many records.

    Parameters
    ----------
    records : iterable of Record
        A table, or any records.
    id_field : str, optional
        Name of a field whose values must differ.
    """
    problems: list[Problem] = []
    first: dict[Any, int] = {}
    for row, record in enumerate(records):
        found = list(problems_of(record, f"$[{row}]"))
        problems += found
        if id_field is None:
            continue
        place = f"$[{row}].{record.FIELDS[id_field].wire_name}"
        if any(problem.path in (place, f"$[{row}]") for problem in found):
            continue
        name = getattr(record, id_field)
        if first.setdefault(name, row) != row:
            problems.append(Problem(place, repr(name), f"an id of its own; $[{first[name]}] has this one"))
    return problems


def _expectation(member: Member[Any], error: Exception) -> str:
    if issubclass(member.kind, Transform):
        return f"a transform ({error})"
    if issubclass(member.kind, Record):
        return "an object"
    return _EXPECTED.get(member.kind, member.kind.__name__)


def _shown(text: bytes) -> str:
    return text[:_SHOWN].decode("utf-8", "replace") + ("…" if len(text) > _SHOWN else "")
