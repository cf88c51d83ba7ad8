"""One endpoint: a path template with typed values, query values, body and answer."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import attrs

from rendergateway.errors import BadRequestError
from rendergateway.number_text import double_text, parse_boolean, parse_double, parse_integer

__all__ = ["STATES", "Endpoint", "QueryValue"]

STATES = ("LOADING", "COMPLETE", "READ_ONLY", "OFFLINE")

_PLACE = re.compile(r"\{(\w+)\}")
_CAPITAL = re.compile(r"([A-Z])")


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"invalid value: got {text!r}; use one of {', '.join(words)}")
        return text

    return parse


def _integer_text(value: Any) -> str:
    if int(value) != value:
        raise ValueError(f"integer expected: got {value!r}")
    return str(int(value))


# Parsing and formatting of values in paths and queries, by type.
_PARSERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "number": parse_double,
    "int": parse_integer,
    "bool": parse_boolean,
    "state": _one_of(*STATES),
    "layout": _one_of("KARSH", "SCHEFFER"),
    "method": _one_of("SIMPLE", "INTERPOLATE"),
}
_WRITERS: dict[str, Callable[[Any], str]] = {
    "number": double_text,
    "int": _integer_text,
    "bool": lambda value: "true" if value else "false",
}
# Types of path values; the default is text.
_PATH_TYPES: dict[str, str] = {
    **dict.fromkeys(("x", "y", "z", "scale", "min_z", "max_z"), "number"),
    **dict.fromkeys(("width", "height", "level", "row", "column"), "int"),
    "state": "state",
}


def _write(kind: str, value: Any) -> str:
    return _WRITERS.get(kind, str)(value)


def _path_text(name: str, value: Any) -> str:
    text = _write(_PATH_TYPES.get(name, "text"), value)
    # The service reads "a%2F" as "a", and "%2E%2E" may be resolved to the parent on the way: deleting the tile ".."
    # would delete its stack.
    if "/" in text or "\0" in text or text in ("", ".", ".."):
        reason = (
            "slashes are split even if quoted" if "/" in text
            else "NUL is refused" if "\0" in text
            else "such path segments are removed"
        )  # fmt: skip
        raise BadRequestError(f"{name} not allowed in a URL: got {text!r} ({reason}); find the object in a listing")
    return quote(text, safe="")


@attrs.frozen
class QueryValue:
    """One query value: Python name, wire name, type, and whether it is repeatable."""

    name: str
    wire_name: str
    kind: str
    repeated: bool

    def parse(self, texts: list[str]) -> Any:
        """Parse the value from its texts; unless it is repeatable, the first text counts."""
        parser = _PARSERS[self.kind]
        return [parser(text) for text in texts] if self.repeated else parser(texts[0])


@attrs.frozen
class Endpoint:
    """
    One endpoint of the service.

    Attributes
    ----------
    name : str
        ``<subject>.<verb>``, unique.
    method : str
        HTTP method.
    path : str
        Below ``/v1``; ``{name}`` is a value within one segment.
    body : {'none', 'json', 'text', 'verbatim', 'any'}
        Request body. *verbatim* is text declared as JSON; *any* is JSON with any content type.
    answer : {'list', 'object', 'scalar', 'text', 'bytes', 'empty'}
        Response body; *object* and *text* may be missing (204), which is None.
    effect : {'read', 'replace', 'change'}
        Effect on the data: none, idempotent, or not idempotent.
    tier : {'core', 'common', 'rare'}
        How commonly clients use it.
    query : str
        Names and types of the query values; a star marks a repeatable one.
    """

    name: str
    method: str
    path: str
    body: str
    answer: str
    effect: str
    tier: str
    query: str = attrs.field(default="", repr=False)

    @property
    def safe_to_repeat(self) -> bool:
        """Whether a request may be repeated if the outcome of the first one is unknown."""
        return self.effect != "change" and self.method != "POST"

    @property
    def names_another(self) -> bool:
        """Whether the body names another stack or match collection that changes, too."""
        return self.name.endswith(".rename")

    @property
    def subject(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]

    @functools.cached_property
    def path_values(self) -> tuple[str, ...]:
        """Names of the values in the path, in order."""
        return tuple(_PLACE.findall(self.path))

    @functools.cached_property
    def query_values(self) -> dict[str, QueryValue]:
        """
        Python name → query value.

        The name is the wire name in snake case, with prefix ``query_`` if the path has a value of that name.
        """
        values = {}
        for word in self.query.split():
            wire_name, kind = word.split(":")
            repeated = wire_name.endswith("*")
            wire_name = wire_name.rstrip("*")
            name = _CAPITAL.sub(lambda found: "_" + found[1].lower(), wire_name)
            name = f"query_{name}" if name in self.path_values else name
            values[name] = QueryValue(name, wire_name, kind, repeated)
        return values

    @functools.cached_property
    def pattern(self) -> re.Pattern[str]:
        """Pattern of a decoded path below ``/v1``."""
        pieces = _PLACE.split(self.path)
        literals, names = pieces[::2], pieces[1::2]
        places = [f"(?P<{name}>[^/]+?)" for name in names] + [""]
        return re.compile("".join(re.escape(a) + b for a, b in zip(literals, places, strict=True)))

    @property
    def literal_length(self) -> int:
        """Number of literal characters in the path."""
        return len(_PLACE.sub("", self.path))

    def url(self, values: Mapping[str, Any]) -> str:
        """
        Return path and query below ``/v1`` for *values*, every value quoted.

        Query values that are None are omitted.

        Raises
        ------
        TypeError
            If a path value is missing, or a value is unknown.
        ValueError
            If a value is not of its type.
        BadRequestError
            If a path value is empty, ``.`` or ``..``, or contains a slash or NUL: the service would read another value,
            or refuse it.
        """
        try:
            return self._url(values)
        except UnicodeEncodeError as error:
            raise BadRequestError(
                f"{self.name}: not allowed in a URL: got {error.object!r} ({error.reason})"
            ) from error

    def _url(self, values: Mapping[str, Any]) -> str:
        self._check_names(values)
        path = _PLACE.sub(lambda found: _path_text(found[1], values[found[1]]), self.path)
        if len(values) == len(self.path_values):
            return path
        query = urlencode(list(self._query_texts(values)), quote_via=quote, safe="")
        return f"{path}?{query}" if query else path

    def parse(self, path: str) -> dict[str, Any] | None:
        """
        Return the typed values in a decoded *path*; None if it does not match.

        Raises
        ------
        ValueError
            If the path matches, but a value is not of its type.
        """
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        return {name: _PARSERS[_PATH_TYPES.get(name, "text")](text) for name, text in found.groupdict().items()}

    def parse_query(self, texts: Mapping[str, list[str]]) -> dict[str, Any]:
        """
        Return the typed query values from *texts* (wire name → texts), by Python name.

        Raises
        ------
        ValueError
            If a value is not of its type.
        """
        return {
            value.name: value.parse(texts[value.wire_name])
            for value in self.query_values.values()
            if texts.get(value.wire_name)
        }

    def _check_names(self, values: Mapping[str, Any]) -> None:
        missing = [name for name in self.path_values if values.get(name) is None]
        if missing:
            raise TypeError(f"{self.name} needs {', '.join(missing)}")
        unknown = [name for name in values if name not in self.path_values and name not in self.query_values]
        if unknown:
            known = ", ".join((*self.path_values, *self.query_values))
            raise TypeError(f"{self.name} does not take {', '.join(unknown)}; it takes {known}")

    def _query_texts(self, values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        for name, value in self.query_values.items():
            given = values.get(name)
            if given is not None:
                for one in given if value.repeated and not isinstance(given, str) else [given]:
                    yield value.wire_name, _write(value.kind, one)
