"""
How objects show themselves: in a terminal, a notebook and an error message.

All of it is made from what is here already, without a request, and everything is bounded: a collection of a million
tiles shows its first twenty.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rendergateway.errors import RenderGatewayError, UnplannedRequestError
from rendergateway.model import Record
from rendergateway.transport import without_requests
from rendergateway.wrappers.core.blitz import OBJECT_ALIASES

if TYPE_CHECKING:
    from rich.tree import Tree

    from rendergateway.wrappers.core.collection import Collection
    from rendergateway.wrappers.core.object import ObjectWrapper

__all__ = ["ShownCollection", "ShownObject"]

_MOST_ROWS = 20
_MOST_LETTERS = 100
# Documented, although private by their names: Blitz Gateway's users look for them.
_RAW_NAMES = ("_conn", "_obj")


class ShownObject:
    """What a wrapper has for people: ``dir``, a notebook's table, trees for rich, and errors that help."""

    __slots__ = ()

    def __dir__(self) -> Iterable[str]:
        names = (name for name in super().__dir__() if not re.match("_[^_]", name) or name in _RAW_NAMES)
        return sorted(set(names) - set(OBJECT_ALIASES))

    def _repr_html_(self: ObjectWrapper[Any]) -> str:  # type: ignore[misc]
        facts, missing = _facts(self)
        rows = [f"<tr><th>{_escaped(name)}</th><td>{_escaped(value)}</td></tr>" for name, value in facts[:_MOST_ROWS]]
        if missing:
            rows.append(f'<tr><td colspan="2"><em>not loaded: {_escaped(", ".join(missing))}</em></td></tr>')
        return f"<table><caption>{_escaped(type(self).__name__)}</caption>{''.join(rows)}</table>"

    def __rich_repr__(self: ObjectWrapper[Any]) -> Iterator[tuple[str, Any]]:  # type: ignore[misc]
        yield from _facts(self)[0]

    def __rich__(self: ObjectWrapper[Any]) -> Tree:  # type: ignore[misc]
        return _tree(self, _MOST_ROWS)

    if not TYPE_CHECKING:
        # Type checkers shall go on to find names that are not there.

        def __getattr__(self, name: str) -> Any:
            """Say what may have been meant; a property that failed fails again, as an error of another kind."""
            return _not_found(self, name, _no_attribute)


class ShownCollection:
    """What a collection has for people: a notebook's table, a tree for rich, and errors that help."""

    __slots__ = ()

    def _repr_html_(self: Collection[Any]) -> str:  # type: ignore[misc]
        shown, more = _first(self, _MOST_ROWS)
        rows = [{"id": wrapper.id, **dict(_own_facts(wrapper))} for wrapper in shown]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        cells = [[f"<th>{_escaped(name)}</th>" for name in columns]]
        cells += [[f"<td>{_escaped(row.get(name, '…'))}</td>" for name in columns] for row in rows]
        body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells if row)
        return f"<table><caption>{_escaped(repr(self)[1:-1])}</caption>{body}</table>{more}"

    def __rich__(self: Collection[Any]) -> Tree:  # type: ignore[misc]
        return _tree_of_collection(self, _MOST_ROWS)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Say what may have been meant; a property that failed fails again, as an error of another kind."""
            return _not_found(self, name, _no_attribute_of_all)


class NoAttribute(AttributeError):  # noqa: N818
    """
    An AttributeError that looks for what was meant when it is shown, not when it is raised.

    The search costs a hundred times what ``hasattr`` may, which throws the error away.
    """

    def __init__(self, say: Callable[[Any, str], str], of: Any, missing: str) -> None:
        super().__init__()
        self._say = say
        self._of = of
        self._missing = missing

    def __str__(self) -> str:
        return self._say(self._of, self._missing)

    def __reduce__(self) -> tuple[Any, ...]:
        return AttributeError, (str(self),)


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _MOST_LETTERS else text[: _MOST_LETTERS - 1] + "…"


def _escaped(value: Any) -> str:
    """Return *value* as text for HTML, shortened."""
    import html

    return html.escape(_shortened(value))


def _facts(wrapper: ObjectWrapper[Any]) -> tuple[list[tuple[str, Any]], list[str]]:
    """Return what is known of an object by name, and the names of what would need a request."""
    facts = [(name, value) for name, value in wrapper._key._asdict().items() if value != ""]
    missing = []
    for name in wrapper.MARSHALLED:
        if name in wrapper._key._fields:
            continue
        try:
            with without_requests():
                facts.append((name, _plain(getattr(wrapper, name))))
        except UnplannedRequestError:
            missing.append(name)
        except Exception as error:
            # To show an object must not fail, whatever is wrong with it.
            facts.append((name, f"{type(error).__name__}: {error}"))
    return facts, missing


def _plain(value: Any) -> Any:
    return value.to_dict() if isinstance(value, Record) else value


def _own_facts(wrapper: ObjectWrapper[Any]) -> Iterator[tuple[str, Any]]:
    """Yield what is known of an object beside its key."""
    return ((name, value) for name, value in _facts(wrapper)[0] if name not in wrapper._key._fields)


def _first(collection: Collection[Any], rows: int) -> tuple[list[ObjectWrapper[Any]], str]:
    """Return the first objects, and how many more there are; none where the listing is not here."""
    try:
        with without_requests():
            count = len(collection)
            shown = [collection[place] for place in range(min(count, rows))]
    except UnplannedRequestError:
        return [], ""
    return shown, f"and {count - rows} more" if count > rows else ""


def _tree(wrapper: ObjectWrapper[Any], rows: int) -> Tree:
    """Return an object with what was listed of it; of deeper lists a quarter of the *rows* is shown."""
    from rich.text import Text
    from rich.tree import Tree

    # Text, not str: names in square brackets are no markup.
    tree = Tree(Text(repr(wrapper)))
    for name, value in _own_facts(wrapper) if rows == _MOST_ROWS else ():
        tree.add(Text(f"{name}: {_shortened(value)}"))
    children = _children(wrapper)
    if children is not None and rows:
        tree.add(_tree_of_collection(children, rows))
    return tree


def _tree_of_collection(collection: Collection[Any], rows: int) -> Tree:
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(repr(collection)))
    shown, more = _first(collection, rows)
    for wrapper in shown:
        tree.add(_tree(wrapper, rows // 4))
    if more:
        tree.add(Text(more))
    return tree


def _children(wrapper: ObjectWrapper[Any]) -> Collection[Any] | None:
    try:
        with without_requests():
            return wrapper.children() if wrapper.CHILD_KIND is not None else None
    except RenderGatewayError:
        return None


def _not_found(shown: Any, name: str, say: Callable[[Any, str], str]) -> Any:
    """Answer for an attribute that Python did not find: there is none, or it is a property that failed."""
    if name.startswith("_") and not isinstance(inspect.getattr_static(type(shown), name, None), property):
        raise AttributeError(f"{type(shown).__name__!r} object has no attribute {name!r}")
    if any(name in vars(base) for base in type(shown).__mro__):
        return _of_failed_property(shown, name)
    raise NoAttribute(say, shown, name)


def _of_failed_property(wrapper: Any, name: str) -> Any:
    """
    Read a property again of which an AttributeError came out; raise what template engines do not take for "not there".

    Python asks ``__getattr__`` where a property fails with an AttributeError, and has dropped that error by then.
    """
    try:
        return inspect.getattr_static(type(wrapper), name).__get__(wrapper, type(wrapper))
    except AttributeError as error:
        raise RenderGatewayError(f"{name} of {wrapper!r} failed: {error}") from error


def _no_attribute(wrapper: ObjectWrapper[Any], name: str) -> str:
    """Say what an object is, what may be meant and what is loaded of it."""
    record = wrapper._record
    loaded = f"loaded: {', '.join(list(record.members)[:_MOST_ROWS])}" if record is not None else "nothing loaded yet"
    return f"{wrapper!r} has no attribute {name!r}{_meant(wrapper, name)} ({loaded})"


def _meant(wrapper: ObjectWrapper[Any], name: str) -> str:
    if wrapper._record is not None and name in wrapper._record.members and not _close(name, dir(wrapper)):
        return f"; _obj.members[{name!r}] is the text of that member"
    nested = _nested(wrapper.RECORD)
    close = _close(name, dir(wrapper)) or [f"{nested[field]}.{field}" for field in _close(name, list(nested))]
    return f"; did you mean {' or '.join(repr(word) for word in close)}?" if close else ""


def _nested(record: type[Record]) -> dict[str, str]:
    """Return the fields of records in a record, and where they stand: ``camera_id`` in ``layout``."""
    inner = ((place, member.kind) for place, member in record.FIELDS.items() if issubclass(member.kind, Record))
    return {name: place for place, kind in inner for name in kind.FIELDS}


def _close(name: str, names: Sequence[str]) -> list[str]:
    """Return the names that *name* may stand for, also in the spelling of JSON or as Blitz Gateway's getter."""
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    bare = snake.removeprefix("get_").removeprefix("list_")
    public = [word for word in names if not word.startswith("_")]
    if bare in public:
        return [bare]
    import difflib

    return difflib.get_close_matches(bare, public, n=2, cutoff=0.7)


def _no_attribute_of_all(collection: Collection[Any], name: str) -> str:
    """Say that a collection is not one of its objects."""
    wrapper_class = collection._conn.registry[collection._kind]
    if hasattr(wrapper_class, name):
        return f"{collection!r} has no attribute {name!r}, each object in it has: [one.{name} for one in …]"
    close = _close(name, dir(type(collection)))
    meant = f"; did you mean {' or '.join(repr(word) for word in close)}?" if close else ""
    return f"{collection!r} has no attribute {name!r}{meant}"
