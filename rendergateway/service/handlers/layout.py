"""Layout files for other programs, one line per tile (contract, 13)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rendergateway.number_text import double_text, truncated
from rendergateway.service.base.ids import StackId
from rendergateway.service.base.refusals import Uncaught
from rendergateway.service.domain.lookup import existing_stack, maybe_tiles
from rendergateway.service.domain.resolver import decoded_tile
from rendergateway.service.store import Store
from rendergateway.wire import Leaf, StackStatsJson, TileSpec, decode_stored

# Equal tiles remain in the order of their first save.
_ORDERS = {"KARSH": "z, min_y, min_x, id", "SCHEFFER": "z, id"}
_AFFINE_FIELDS = (0, 2, 4, 1, 3, 5)
# The real service keeps an empty field after a blank at the end, and counts it.
_BLANK = re.compile(r"\s+")
_NOT_IN_URIS = frozenset(' "<>\\^`{|}')


def stack_layout_file(
    store: Store,
    *,
    stack: StackId,
    base_url: str,
    min_z: float | None = None,
    max_z: float | None = None,
    format: str = "KARSH",
) -> Iterator[bytes]:
    """Return the layout of a stack."""
    row = existing_stack(store, stack)
    tiles = maybe_tiles(store, stack)
    limits = {name: value for name, value in (("min_z", min_z), ("max_z", max_z)) if value is not None}
    ids = tiles.ids(order=_ORDERS[format], **limits) if tiles else None
    specs = map(decoded_tile, tiles.stored(ids)) if tiles and ids else iter(())
    if format == "SCHEFFER":
        stats: StackStatsJson | None = decode_stored(row.stats or b"", StackStatsJson)
        lines = _scheffer(specs, stats)
    else:
        root = f"{base_url}/render-ws/v1/owner/{stack.owner}/project/{stack.project}/stack/{stack.stack}"
        lines = _karsh(specs, root)
    # An invalid image URL fails the request: before the first line is sent, not in the middle of the file.
    return iter([line.encode() for line in lines])


def section_layout_file(
    store: Store, *, stack: StackId, z: float, base_url: str, format: str = "KARSH"
) -> Iterator[bytes]:
    """Return the layout of a layer."""
    return stack_layout_file(store, stack=stack, base_url=base_url, min_z=z, max_z=z, format=format)


def stack_layout_file_of_range(
    store: Store, *, stack: StackId, min_z: float, max_z: float, base_url: str, format: str = "KARSH"
) -> Iterator[bytes]:
    """Return the layout of a range of layers."""
    return stack_layout_file(store, stack=stack, base_url=base_url, min_z=min_z, max_z=max_z, format=format)


def _karsh(tiles: Iterable[TileSpec], root: str) -> Iterator[str]:
    for tile in tiles:
        layout = tile.layout
        affine = _fields(tile)
        if affine is None and layout is not None:
            affine = ["1.0", "0.0", _text(layout.stageX), "0.0", "1.0", _text(layout.stageY)]
        members = (
            tile.section_id, tile.tileId, *(affine or ["null"]),
            layout and layout.imageCol, layout and layout.imageRow, layout and layout.camera, _raw_path(tile),
            layout and layout.temca, layout and layout.rotation, tile.z,
            f"{root}/tile/{tile.tileId or ''}/render-parameters",
        )  # fmt: skip
        yield "\t".join(map(_text, members)) + "\n"


def _scheffer(tiles: Iterable[TileSpec], stats: StackStatsJson | None) -> Iterator[str]:
    box = stats.stackBounds if stats else None
    yield "BBOX " + (" ".join(map(_text, (box.minX, box.minY, box.maxX, box.maxY))) if box else "") + "\n"
    for tile in tiles:
        numbers = " ".join(_fields(tile) or ["null"])
        size = " ".join(_text(None if side is None else truncated(float(side))) for side in (tile.width, tile.height))
        yield f"TRANSFORM '{_raw_path(tile)}' {numbers} {size}\n"


def _text(value: object) -> str:
    if value is None:
        return "null"
    return double_text(value) if isinstance(value, float) else str(value)


def _fields(tile: TileSpec) -> list[str] | None:
    """Return the numbers of the last transform, an affine by rows; None if it has fewer than six."""
    specs = tile.transforms.specList if tile.transforms else []
    last = specs[-1] if specs else None
    if isinstance(last, Leaf) and last.dataString is None:
        raise Uncaught
    fields = _BLANK.split(last.dataString or "") if isinstance(last, Leaf) else []
    if len(fields) < len(_AFFINE_FIELDS):
        return None
    if len(fields) > len(_AFFINE_FIELDS):
        return [str(len(fields)), *fields]
    return [fields[position] for position in _AFFINE_FIELDS]


def _raw_path(tile: TileSpec) -> str:
    level = next(iter(tile.pyramids[0].values()), None)
    url = level.imageUrl if level else None
    if url is None:
        return "null"
    if not _NOT_IN_URIS.isdisjoint(url):
        raise Uncaught(f"invalid image URL: got {url}")
    if url.startswith("file:/"):
        return "/" + url.removeprefix("file:").lstrip("/")
    return url
