"""Settings of a service."""

from __future__ import annotations

from pathlib import Path

import attrs

from rendergateway.errors import ConfigurationError
from rendergateway.rendering.filters.lists import FILTER_LISTS, FilterLists
from rendergateway.wire import DEEPEST

__all__ = ["GIB", "LIKE_2019", "TILE_LIMIT", "Options", "checked_like"]

GIB = 2**30
# Maximum number of tiles per answer of the real service.
TILE_LIMIT = 50_001
# The year whose behaviour a service may have.
LIKE_2019 = 2019


def checked_like(year: int | str | None) -> int | None:
    """
    Return the year whose behaviour a service has; None for that of today.

    Raises
    ------
    ConfigurationError
        If the behaviour of that year is not known.
    """
    if year is None:
        return None
    if str(year) != str(LIKE_2019):
        raise ConfigurationError(f"like must be {LIKE_2019}: got {year!r}; leave it out for the behaviour of today")
    return LIKE_2019


@attrs.frozen
class Options:
    """
    Settings of one service.

    Parameters
    ----------
    tile_limit : int, optional
        Maximum number of tiles per answer; a larger result is refused as "query too broad". None: unlimited.
    read_only : bool
        Refuse every request that changes data.
    images : tuple of Path
        Folders below which images are read. None: any file that the user can read (embedded service only).
    remote_images : tuple of str
        ``HOST`` or ``HOST:PORT`` of ``http:`` and ``https:`` images.
    allow_origin : tuple of str
        Origins of web pages, besides those of this machine, that may read answers; ``*`` allows all.
    body_limit : int
        Maximum size of a request body in bytes, uncompressed.
    nesting_limit : int
        Maximum nesting depth of lists and objects in the JSON of a request.
    filter_lists : mapping
        Named filter lists; their classes are known to the service, besides those of the real one.
    hosts : tuple of str, optional
        Host names, besides loopback, that requests may be sent to: a web page must not reach the service through a
        name of its own that resolves to this machine. None: any name (embedded service only).
    like : int, optional
        2019: answers have no ``matchCount``, tile recipes are one pixel wider and higher, and the last column and row
        of images are drawn, as by the services of that year. None: as by those of today.
    """

    tile_limit: int | None = None
    read_only: bool = False
    images: tuple[Path, ...] | None = ()
    remote_images: tuple[str, ...] = ()
    allow_origin: tuple[str, ...] = ()
    body_limit: int = GIB
    nesting_limit: int = DEEPEST
    filter_lists: FilterLists = attrs.field(default=FILTER_LISTS, eq=False)
    hosts: tuple[str, ...] | None = None
    like: int | None = attrs.field(default=None, converter=checked_like)

    @property
    def is_like_2019(self) -> bool:
        """Whether it behaves as the services of 2019."""
        return self.like == LIKE_2019
