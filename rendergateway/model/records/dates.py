"""Moments as the service writes them: UTC, milliseconds, a literal Z."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from rendergateway.errors import RecordError

__all__ = ["date_text", "epoch_ms_text", "parse_date"]

_FORM = "%Y-%m-%dT%H:%M:%S"


def date_text(moment: datetime) -> str:
    """
    Return an aware *moment* as ``2024-05-06T07:08:09.123Z``.

    Raises
    ------
    RecordError
        If the moment does not know its time zone: a local time written with a Z is wrong by hours.
    """
    if moment.utcoffset() is None:
        raise RecordError(f"{moment!r} has no time zone; use datetime.now(timezone.utc)")
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_date(text: str) -> datetime:
    """
    Return the aware UTC moment that *text* stands for.

    The digits after the point are a number of milliseconds, as they are for the service: ``.5Z`` is 5 ms.

    Raises
    ------
    RecordError
        If *text* is no such date.
    """
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    try:
        moment = datetime.strptime(seconds, _FORM).replace(tzinfo=timezone.utc)
        return moment.replace(microsecond=int(fraction or 0) * 1000)
    except ValueError as error:
        raise RecordError(f"expected a date like 2024-05-06T07:08:09.123Z, not {text!r}") from error


def epoch_ms_text(milliseconds: int) -> str:
    """Return the moment so many milliseconds after 1970 as the service writes it."""
    seconds, rest = divmod(milliseconds, 1000)
    return date_text(datetime.fromtimestamp(seconds, timezone.utc) + timedelta(milliseconds=rest))
