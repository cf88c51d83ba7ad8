"""What is said of a stack: changed where it stands, or with the stack's next version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from rendergateway.errors import NotFoundError
from rendergateway.model import StackVersion

if TYPE_CHECKING:
    from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["KEEP", "check_names", "is_there", "new_version", "set_one"]

# Stands for a value that is not given, where None is one.
KEEP: Any = type("Keep", (), {"__repr__": lambda self: "as it is"})()


def _as_it_is(value: Any) -> Any:
    return value


_NUMBERS = {
    "resolution_nm": "three numbers: nanometres a pixel in x and y, and the thickness of a section",
    "cycle": "two numbers: of the cycle and of the step in it",
}


def _numbers(name: str, value: Any, count: int) -> list[Any]:
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str) or len(value) != count:
        raise TypeError(f"{name} is {_NUMBERS[name]}, not {value!r}")
    return list(value)


def _resolution(value: Sequence[float | None]) -> list[float | None]:
    return _numbers("resolution_nm", value, 3)


def _cycle(value: tuple[int, int]) -> dict[str, int]:
    number, step = _numbers("cycle", value, 2)
    return {"number": number, "stepNumber": step}


# Name, the endpoints' common ending, and how the value is sent.
_PARTS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "resolution_nm": ("resolution", _resolution),
    "cycle": ("cycle", _cycle),
    "default_channel": ("default_channel", _as_it_is),
    "box_root_path": ("box_root", _as_it_is),
    "path_builder": ("path_builder", _as_it_is),
}


def check_names(others: Mapping[str, Any]) -> None:
    """
    Refuse what cannot be changed by itself.

    Raises
    ------
    TypeError
        If anything is named.
    """
    for name in others:
        if name in StackVersion.FIELDS:
            raise TypeError(
                f"a service changes {name} of a stack only with its next version, which reopens it: "
                f"stack.new_version({name}=…)"
            )
        raise TypeError(f"of a stack one sets {', '.join(_PARTS)}; {name!r} is none of these")


def set_one(stack: StackWrapper, name: str, value: Any) -> None:
    """Change one thing that is said of a stack; None forgets it."""
    ending, sent = _PARTS[name]
    if value is None:
        stack._call(f"stack.clear_{ending}")
    else:
        stack._call(f"stack.set_{ending}", body=sent(value))


def is_there(stack: StackWrapper) -> bool:
    """Ask the service whether it knows the stack, whatever was read before; one request, ``stack.read``."""
    try:
        stack.reload()
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
    Return a version that begins now; what is not given is that of another version, or missing.

    Parameters
    ----------
    notes, resolution_nm, cycle
        As in `StackChanges.set`.
    of : StackVersion, optional
        The other version.

    Raises
    ------
    TypeError
        If these are not as many numbers as they should be.
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
