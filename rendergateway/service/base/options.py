"""What may be set when a service is started."""

from __future__ import annotations

from pathlib import Path

import attrs

from rendergateway.wire import DEEPEST

__all__ = ["GIB", "Options"]

GIB = 2**30


@attrs.frozen
class Options:
    """
    Settings of one service.

    Parameters
    ----------
    tile_limit : int, optional
        Most tiles in one answer; more are refused as "query too broad". None: no limit.
    read_only : bool
        Refuse every request that would change something.
    images : tuple of Path
        Folders below which images are read; None: any file that the user may read (in process only).
    allow_origin : tuple of str
        Origins of pages, besides those on this machine, that may read answers; ``*`` for all.
    body_limit : int
        Most bytes of a request's body, unpacked.
    nesting_limit : int
        Most levels of lists and objects within one another in a request's JSON.
    hosts : tuple of str, optional
        Names, besides those of this machine's loopback, under which requests are answered: a page elsewhere must not
        reach in by a name of its own that points here. None: any name (in process only).
    """

    tile_limit: int | None = None
    read_only: bool = False
    images: tuple[Path, ...] | None = ()
    allow_origin: tuple[str, ...] = ()
    body_limit: int = GIB
    nesting_limit: int = DEEPEST
    hosts: tuple[str, ...] | None = None
