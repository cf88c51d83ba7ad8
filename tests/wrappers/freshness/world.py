"""A service with one object of each kind, and the gateways that read and write it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rendergateway import Gateway, Layout, MatchRecord, TileRecord
from rendergateway.model import PathBuilder
from rendergateway.transforms import AffineModel2D, TransformReference

__all__ = ["OBJECTS", "World", "match", "tier_of", "tile"]

_LENS = AffineModel2D([[1, 0, 1], [0, 1, 2]], id="lens")
_CORNERS = [[90, 0], [99, 0], [90, 79]]

# Kind → the object whose readings are tried.
OBJECTS: dict[str, Callable[[Gateway], Any]] = {
    "gateway": lambda gateway: gateway,
    "owner": lambda gateway: gateway.owner(),
    "project": lambda gateway: gateway.project(),
    "stack": lambda gateway: gateway.stack("montage"),
    "section": lambda gateway: gateway.stack("montage").section(1),
    "tile": lambda gateway: gateway.stack("montage").tile("a"),
    "tile_group": lambda gateway: gateway.stack("montage").tile_group("marked"),
    "transform": lambda gateway: gateway.stack("montage").shared_transform("lens"),
    "match_collection": lambda gateway: gateway.match_collection("dmesh"),
    "match_group": lambda gateway: gateway.match_collection("dmesh").group("1.0"),
    "match_pair": lambda gateway: gateway.match_collection("dmesh").pair(("1.0", "a"), ("1.0", "b")),
    "merged matches": lambda gateway: gateway.match_collection("dmesh").merged_with("more"),
    "merged pair": lambda gateway: (
        gateway.match_collection("dmesh").merged_with("more").pair(("1.0", "a"), ("1.0", "b"))
    ),
    "other project": lambda gateway: gateway.project("elsewhere"),
    "other stack": lambda gateway: gateway.stack("elsewhere/copy"),
    "other matches": lambda gateway: gateway.match_collection("renamed"),
}


def tile(tile_id: str, z: float, x: float, **fields: Any) -> TileRecord:
    """A tile of 100 × 80 pixels with the lens, shifted to *x*."""
    return TileRecord(
        tile_id=tile_id,
        z=z,
        width=100,
        height=80,
        image_url=f"file:/images/{tile_id}.png",
        layout=Layout(section_id=f"{z:.1f}"),
        transforms=[TransformReference("lens"), AffineModel2D([[1.0, 0.0, x], [0.0, 1.0, 0.0]])],
        **fields,
    )


class World:
    """
    A database with two sections of two tiles, their matches and a tier.

    Parameters
    ----------
    path : Path
        The database.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._gateways: list[Gateway] = []

    def gateway(self) -> Gateway:
        """Return another gateway to the service; it shares nothing with the others."""
        gateway = Gateway(f"embedded:{self.path}", owner="lab", project="cortex", progress=False)
        gateway.match_collection("dmesh", frame="raw")
        self._gateways.append(gateway)
        return gateway

    def copy(self, path: Path, state: str) -> World:
        """Return a copy; its stack has this state."""
        shutil.copy(self.path, path)
        world = World(path)
        if state != "COMPLETE":
            world.gateway().stack("montage").set_state(state)
        return world

    def close(self) -> None:
        """Close all gateways, so that the database is one file."""
        while self._gateways:
            self._gateways.pop().close()

    @classmethod
    def made(cls, path: Path) -> World:
        """Make the database."""
        world = cls(path)
        gateway = world.gateway()
        stack = gateway.create_stack("montage", resolution_nm=(4, 4, 40))
        tiles = [tile("a", 1, 0, group_id="marked"), tile("b", 1, 90), tile("c", 2, 0), tile("d", 2, 90)]
        with stack.editing() as edit:
            edit.put(tiles, transforms={"lens": _LENS})
        stack.update(
            cycle=(1, 2),
            default_channel="DAPI",
            box_root_path="/boxes",
            path_builder=PathBuilder(root_path="/levels", level_count=1, extension="png"),
        )
        for name in ("dmesh", "more"):
            gateway.match_collection(name).put([match("1.0", "a", "1.0", "b"), match("1.0", "a", "2.0", "c")])
        names = {"owner": "lab", "project": "tiers", "stack": "tier"}
        gateway.create_stack("tiers/tier")
        gateway.call("hierarchy.save", **names, body=tier_of("montage"))
        world.close()
        return world


def match(p_group: str, p_id: str, q_group: str, q_id: str) -> MatchRecord:
    """Three points of two tiles."""
    return MatchRecord(p_group=p_group, p_id=p_id, q_group=q_group, q_id=q_id, p=_CORNERS, q=_CORNERS)


def tier_of(stack: str) -> dict[str, Any]:
    """Hierarchical data of a stack that was aligned to *stack*."""
    names = {"owner": "lab", "project": "cortex"}
    return {
        "roughTilesStackId": {**names, "stack": "rough"},
        "parentTierStackId": {**names, "stack": "parent"},
        "alignedStackId": {**names, "stack": stack},
        "warpTilesStackId": {**names, "stack": "warp"},
        "tier": 1,
        "tierRow": 0,
        "tierColumn": 0,
        "totalTierRowCount": 1,
        "totalTierColumnCount": 1,
        "scale": 0.5,
        "fullScaleBounds": {"minX": 0, "minY": 0, "maxX": 400, "maxY": 300},
        "matchCollectionId": {"owner": "lab", "name": "dmesh"},
    }
