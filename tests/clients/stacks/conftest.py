"""Clients run in this process against a database file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rendergateway import Gateway, Layout, StackWrapper, TileRecord
from rendergateway.clients.base.command import main
from rendergateway.transforms import AffineModel2D

__all__ = ["Ended", "Run"]


class Ended(NamedTuple):
    """The end of a client."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway to the database that the clients use."""
    with Gateway(f"embedded:{tmp_path / 'render.db'}", owner="lab", project="cortex", create=True) as gateway:
        yield gateway


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a client for owner lab and project cortex, or for a match collection."""

    def run(client: str, *words: Any, collection: str | None = None) -> Ended:
        where = ["--project", "cortex"] if collection is None else ["--collection", collection]
        service = ["--baseDataUrl", f"embedded:{tmp_path / 'render.db'}", "--owner", "lab", *where]
        capsys.readouterr()
        code = main(["1G", f"org.janelia.render.client.{client}", *service, *map(str, words)])
        return Ended(code, *capsys.readouterr())

    return run


def tile(tile_id: str, z: float, x: float, row: int = 0, column: int = 0, section_id: str | None = None) -> TileRecord:
    """A tile of 100 × 80 pixels at x."""
    return TileRecord(
        tile_id=tile_id,
        z=z,
        width=100,
        height=80,
        layout=Layout(section_id=section_id or f"{z}", image_row=row, image_col=column, stage_x=x, stage_y=500),
        transforms=[AffineModel2D([[1.0, 0.0, x], [0.0, 1.0, 20.0]])],
    )


@pytest.fixture
def stack(gateway: Gateway) -> StackWrapper:
    """Three tiles in a row in section 1, two in section 2; COMPLETE."""
    stack = gateway.create_stack("acquire", resolution_nm=(4, 4, 40))
    tiles = [
        tile(f"t{z}_{column}", float(z), 100.0 * (column + 1), z, column) for z in (1, 2) for column in range(4 - z)
    ]
    with stack.editing() as edit:
        edit.put(tiles)
    return stack


def layout(stack: StackWrapper) -> dict[float, list[str]]:
    """The tile ids of each section, as stored now."""
    stack.reload()
    return {section.z: list(section.tiles().ids) for section in stack.sections()}
