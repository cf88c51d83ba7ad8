"""
Representations of objects in terminals, notebooks and error messages.

Everything is made from loaded data, without a request, and bounded: a collection of a million tiles shows its first
twenty.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rendergateway.display import MAX_ROWS, html_table, shortened
from rendergateway.errors import RenderGatewayError, UnplannedRequestError
from rendergateway.model.records.record import Record
from rendergateway.transport import without_requests

if TYPE_CHECKING:
    from rich.tree import Tree

__all__ = [
    "facts_of",
    "guard_properties",
    "html_of_collection",
    "html_of_object",
    "missing_attribute",
    "no_attribute_of_collection",
    "no_attribute_of_object",
    "not_missing",
    "tree_of_collection",
    "tree_of_object",
]


def html_of_object(wrapper: Any) -> str:
    """Return a table of the known values of an object."""
    facts, missing = _facts(wrapper)
    after = f"not loaded: {', '.join(missing)}" if missing else ""
    return html_table(type(wrapper).__name__, (), facts, after=after)


def html_of_collection(collection: Any) -> str:
    """Return a table of the first objects of a collection."""
    shown, more = _first(collection, MAX_ROWS)
    rows = [{"id": wrapper.id, **dict(_own_facts(wrapper))} for wrapper in shown]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = ([row.get(name, "…") for name in columns] for row in rows)
    return html_table(repr(collection)[1:-1], columns, cells, after=more)


def tree_of_object(wrapper: Any, rows: int = MAX_ROWS) -> Tree:
    """Return an object with its listed children; deeper levels show a quarter of the *rows*."""
    from rich.text import Text
    from rich.tree import Tree

    # Text, not str: names in square brackets are not markup.
    tree = Tree(Text(repr(wrapper)))
    for name, value in _own_facts(wrapper) if rows == MAX_ROWS else ():
        tree.add(Text(f"{name}: {shortened(value)}"))
    children = _children(wrapper)
    if children is not None and rows:
        tree.add(tree_of_collection(children, rows))
    return tree


def tree_of_collection(collection: Any, rows: int = MAX_ROWS) -> Tree:
    """Return a collection with its first objects."""
    from rich.text import Text
    from rich.tree import Tree

    tree = Tree(Text(repr(collection)))
    shown, more = _first(collection, rows)
    for wrapper in shown:
        tree.add(tree_of_object(wrapper, rows // 4))
    if more:
        tree.add(Text(more))
    return tree


def facts_of(wrapper: Any) -> list[tuple[str, Any]]:
    """Return the known values of an object by name: the fields of its key, and loaded facts."""
    return _facts(wrapper)[0]


def _facts(wrapper: Any) -> tuple[list[tuple[str, Any]], list[str]]:
    """Return the known values of an object by name, and the names of those that would need a request."""
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
            # Displaying an object must not fail, whatever is wrong with it.
            facts.append((name, f"{type(error).__name__}: {error}"))
    return facts, missing


def _plain(value: Any) -> Any:
    return value.to_dict() if isinstance(value, Record) else value


def _own_facts(wrapper: Any) -> Iterator[tuple[str, Any]]:
    """Yield the known values of an object outside its key."""
    return ((name, value) for name, value in facts_of(wrapper) if name not in wrapper._key._fields)


def _first(collection: Any, rows: int) -> tuple[list[Any], str]:
    """Return the first objects, and how many more there are; none if the listing is not loaded."""
    try:
        with without_requests():
            count = len(collection)
            shown = [collection[place] for place in range(min(count, rows))]
    except UnplannedRequestError:
        return [], ""
    return shown, f"and {count - rows} more" if count > rows else ""


def _children(wrapper: Any) -> Any:
    try:
        with without_requests():
            return wrapper.children() if wrapper.CHILD_KIND is not None else None
    except RenderGatewayError:
        return None


# Attributes that do not exist


class NoAttribute(AttributeError):  # noqa: N818
    """
    An AttributeError that looks for similar names when it is shown, not when it is raised.

    The search costs a hundred times what ``hasattr`` should, which discards the error.
    """

    def __init__(self, message: Callable[[Any, str], str], of: Any, missing: str) -> None:
        super().__init__()
        self._message = message
        self._of = of
        self._missing = missing

    def __str__(self) -> str:
        return self._message(self._of, self._missing)

    def __reduce__(self) -> tuple[Any, ...]:
        return AttributeError, (str(self),)


@contextlib.contextmanager
def not_missing(what: Callable[[], str]) -> Iterator[None]:
    """
    Turn an AttributeError of this block into an error that templates do not take for "missing".

    Python would also call ``__getattr__`` for it if a property raised it, and drop it.
    """
    try:
        yield
    except AttributeError as error:
        raise RenderGatewayError(f"{what()} failed: {error}") from error


def guard_properties(wrapper_class: type[Any]) -> None:
    """Let the properties that a subclass defines raise their AttributeErrors at once, as `not_missing` does."""
    for name, member in list(vars(wrapper_class).items()):
        if type(member) is property and member.fget is not None:
            setattr(wrapper_class, name, member.getter(_guarded(name, member.fget)))
        elif type(member) is functools.cached_property:
            member.func = _guarded(name, member.func)


def _guarded(name: str, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @functools.wraps(read)
    def get(wrapper: Any) -> Any:
        with not_missing(lambda: f"{name} of {wrapper!r}"):
            return read(wrapper)

    return get


def missing_attribute(shown: Any, name: str, message: Callable[[Any, str], str]) -> Any:
    """Answer for an attribute that Python did not find: it does not exist, or it is a property that failed."""
    if name.startswith("_") and not isinstance(inspect.getattr_static(type(shown), name, None), property):
        raise AttributeError(f"{type(shown).__name__!r} object has no attribute {name!r}")
    if any(name in vars(base) for base in type(shown).__mro__):
        return _of_failed_property(shown, name)
    raise NoAttribute(message, shown, name)


def _of_failed_property(wrapper: Any, name: str) -> Any:
    """
    Read a property again that raised an AttributeError; raise an error that templates do not take for "missing".

    Python calls ``__getattr__`` when a property raises an AttributeError, and has dropped that error by then.
    """
    try:
        return inspect.getattr_static(type(wrapper), name).__get__(wrapper, type(wrapper))
    except AttributeError as error:
        raise RenderGatewayError(f"{name} of {wrapper!r} failed: {error}") from error


def no_attribute_of_object(wrapper: Any, name: str) -> str:
    """Return the message for a missing attribute of an object: similar names, and the loaded values."""
    record = wrapper._record
    loaded = f"loaded: {', '.join(list(record.members)[:MAX_ROWS])}" if record is not None else "nothing loaded yet"
    return f"{wrapper!r} has no attribute {name!r}{_suggestion(wrapper, name)} ({loaded})"


def _suggestion(wrapper: Any, name: str) -> str:
    if wrapper._record is not None and name in wrapper._record.members and not _close(name, dir(wrapper)):
        return f"; _obj.members[{name!r}] is the text of that member"
    nested = _nested(wrapper.RECORD)
    close = _close(name, dir(wrapper)) or [f"{nested[field]}.{field}" for field in _close(name, list(nested))]
    return f"; did you mean {' or '.join(repr(word) for word in close)}?" if close else ""


def _nested(record: type[Record]) -> dict[str, str]:
    """Return the fields of nested records, and the field that holds each: ``camera_id`` → ``layout``."""
    inner = ((place, member.kind) for place, member in record.FIELDS.items() if issubclass(member.kind, Record))
    return {name: place for place, kind in inner for name in kind.FIELDS}


def _close(name: str, names: Sequence[str]) -> list[str]:
    """Return the names that *name* may mean, also in the spelling of JSON or as a getter of Blitz Gateway."""
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    bare = snake.removeprefix("get_").removeprefix("list_")
    public = [word for word in names if not word.startswith("_")]
    if bare in public:
        return [bare]
    import difflib

    return difflib.get_close_matches(bare, public, n=2, cutoff=0.7)


def no_attribute_of_collection(collection: Any, name: str) -> str:
    """Return the message for a missing attribute of a collection, which is often one of its objects."""
    if name == "ndim":
        return f"{collection!r} is not an array; table().to_pandas() returns a frame"
    if hasattr(collection._class, name):
        return f"{collection!r} has no attribute {name!r}, each object in it has: [one.{name} for one in …]"
    close = _close(name, dir(type(collection)))
    meant = f"; did you mean {' or '.join(repr(word) for word in close)}?" if close else ""
    return f"{collection!r} has no attribute {name!r}{meant}"
