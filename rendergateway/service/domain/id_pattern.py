"""Regular expressions of requests, matched in linear time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rendergateway.extras import needed_for
from rendergateway.service.base.refusals import Uncaught

with needed_for("the embedded service"):
    import re2

__all__ = ["id_pattern"]


def id_pattern(text: str) -> Callable[[bytes], object]:
    """
    Return a test whether a UTF-8 text contains a match of the regular expression *text*.

    The expression comes from outside: RE2 matches it in time proportional to the text, which a backtracking engine
    cannot promise. In return it has no backreferences and no look-around.

    Raises
    ------
    Uncaught
        If the expression is invalid, or needs backtracking.
    """
    options: Any = re2.Options()
    # The message of the refusal takes the place of a line on standard error.
    options.log_errors = False
    options.never_capture = True
    # As in PCRE, the expressions of the real service's database.
    options.dot_nl = False
    try:
        return re2.compile(text.encode(), options).search  # type: ignore[no-any-return]
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise Uncaught(f"invalid regular expression: got {text!r}: {reason}") from error
