"""Stack version metadata: update in place or as a new version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from rendergateway.errors import NotFoundError
from rendergateway.model.records.stacks import StackVersion
from rendergateway.wrappers.core.arguments import as_count
from rendergateway.wrappers.core.bound import Bound
from rendergateway.wrappers.core.keys import StackKey

__all__ = ["KEEP", "check_names", "new_version", "still_exists", "update_one"]

# Default of a parameter that accepts None as a value.
KEEP: Any = type("Keep", (), {"__repr__": lambda self: "unchanged"})()


def _unchanged(value: Any) -> Any:
    return value


_NUMBERS = {
    "resolution_nm": "three numbers: nanometres per pixel in x and y, and section thickness",
    "cycle": "two numbers: cycle and step",
}


def _numbers(name: str, value: Any, count: int) -> list[Any]:
    if not isinstance(value, Iterable) or isinstance(value, str) or len(numbers := list(value)) != count:
        raise TypeError(f"{name} must be {_NUMBERS[name]}; got {value!r}")
    return numbers


def _resolution(value: Sequence[float | None]) -> list[float | None]:
    return _numbers("resolution_nm", value, 3)


def _cycle(value: tuple[int, int]) -> dict[str, int]:
    number, step = (as_count(one, "cycle", 0) for one in _numbers("cycle", value, 2))
    return {"number": number, "stepNumber": step}


# Name → the common ending of its endpoints, and the encoding of its value.
_FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "resolution_nm": ("resolution", _resolution),
    "cycle": ("cycle", _cycle),
    "default_channel": ("default_channel", _unchanged),
    "box_root_path": ("box_root", _unchanged),
    "path_builder": ("path_builder", _unchanged),
}


def check_names(others: Mapping[str, Any]) -> None:
    """
    Refuse fields that cannot be updated in place.

    Raises
    ------
    TypeError
        If there are any.
    """
    for name in others:
        if name in StackVersion.FIELDS:
            raise TypeError(
                f"{name} of a stack can only change with a new version, which reopens it: stack.new_version({name}=…)"
            )
        raise TypeError(f"unknown field {name!r} of a stack; update() takes {', '.join(_FIELDS)}")


def update_one(stack: Bound[StackKey], name: str, value: Any) -> None:
    """Update one field of the current version; None clears it."""
    ending, encoded = _FIELDS[name]
    if value is None:
        stack.call(f"stack.clear_{ending}")
    else:
        stack.call(f"stack.set_{ending}", body=encoded(value))


def still_exists(stack: Bound[StackKey]) -> bool:
    """Return whether the service has the stack now, ignoring caches; one request, ``stack.read``."""
    try:
        stack.fetch("stack.read")
    except NotFoundError:
        return False
    return True


def new_version(
    notes: str | None,
    resolution_nm: Sequence[float | None] | None,
    cycle: tuple[int, int] | None = None,
    *,
    of: StackVersion | None = None,
) -> StackVersion:
    """
    Return a version created now; fields that are not given are copied from another version, or missing.

    Parameters
    ----------
    notes, resolution_nm, cycle
        As for `StackWrapper.new_version`.
    of : StackVersion, optional
        The other version.

    Raises
    ------
    TypeError
        If *resolution_nm* or *cycle* have the wrong number of values.
    """
    fields: dict[str, Any] = {"created": datetime.now(timezone.utc)}
    if notes is not None:
        fields["notes"] = notes
    if resolution_nm is not None:
        fields |= zip(
            ("resolution_x_nm", "resolution_y_nm", "resolution_z_nm"), _resolution(resolution_nm), strict=True
        )
    if cycle is not None:
        fields |= zip(("cycle_number", "cycle_step_number"), _numbers("cycle", cycle, 2), strict=True)
    return (of or StackVersion()).evolve(**fields)
