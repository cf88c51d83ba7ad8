"""Files of tile specs for an upload: one set, or each file by itself in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from rendergateway.model.files.spec_set import SpecSet, gather_specs, listed_sources
from rendergateway.model.files.specs import SpecSource, read_specs
from rendergateway.wrappers.editing.batches import Batch

__all__ = ["disjoint_runs", "sets_of_files"]

# Tile ids of a run in memory.
_MOST_IDS = 100_000


def sets_of_files(
    files: SpecSource | Iterable[SpecSource],
    transforms: SpecSource | Iterable[SpecSource],
    z: float | None,
    *,
    together: bool,
    allow_nan: bool,
) -> Iterator[SpecSet]:
    """
    Yield the checked specs of files: of all together, or of each file, which is read when its turn comes.

    Unless they are together, files without tiles are skipped, and the last of several tiles of one id counts.

    Parameters
    ----------
    files, transforms, z, together, allow_nan
        As for `StackEdit.load`.
    """
    shared = [read_specs(source) for source in listed_sources(transforms)]
    if together:
        yield gather_specs(files, transforms=shared, z=z, allow_nan=allow_nan)
        return
    for source in listed_sources(files):
        file = read_specs(source)
        if file.tiles:
            last = list({found.id: found for found in file.tiles}.values())
            yield gather_specs(attrs.evolve(file, tiles=last), transforms=shared, z=z, allow_nan=allow_nan)


def disjoint_runs(sets: Iterable[tuple[set[str], list[Batch]]]) -> Iterator[Iterator[Batch]]:
    """
    Yield the batches of sets of tiles in runs that contain no tile twice, so that each may be saved concurrently.

    Parameters
    ----------
    sets : iterable of (set of str, list of Batch)
        Tile ids and batches of each set, consumed lazily.
    """
    left = iter(sets)
    ahead = next(left, None)

    def run() -> Iterator[Batch]:
        nonlocal ahead
        seen: set[str] = set()
        while ahead is not None and len(seen) < _MOST_IDS and seen.isdisjoint(ahead[0]):
            seen |= ahead[0]
            yield from ahead[1]
            ahead = next(left, None)

    while ahead is not None:
        yield run()
