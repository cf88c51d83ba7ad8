"""Timestamps in the format of the service: UTC, milliseconds, a literal Z."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from rendergateway.errors import RecordError

__all__ = ["date_text", "epoch_ms_text", "parse_date"]

_FORM = "%Y-%m-%dT%H:%M:%S"


def date_text(moment: datetime) -> str:
    """
    Format the aware datetime *moment* as ``2024-05-06T07:08:09.123Z``.

    Raises
    ------
    RecordError
        If *moment* is naive: a local time labelled Z would be wrong by hours.
    """
    if moment.utcoffset() is None:
        raise RecordError(f"{moment!r} has no time zone; use datetime.now(timezone.utc)")
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_date(text: str) -> datetime:
    """
    Parse a timestamp as an aware UTC datetime.

    Digits after the point count milliseconds, as in the service: ``.5Z`` is 5 ms.

    Raises
    ------
    RecordError
        If *text* has another format.
    """
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    try:
        moment = datetime.strptime(seconds, _FORM).replace(tzinfo=timezone.utc)
        return moment.replace(microsecond=int(fraction or 0) * 1000)
    except ValueError as error:
        raise RecordError(f"expected a date like 2024-05-06T07:08:09.123Z, not {text!r}") from error


def epoch_ms_text(milliseconds: int) -> str:
    """Format a Unix timestamp in milliseconds."""
    seconds, rest = divmod(milliseconds, 1000)
    return date_text(datetime.fromtimestamp(seconds, timezone.utc) + timedelta(milliseconds=rest))
