"""A request for each endpoint with an effect."""

from __future__ import annotations

from typing import Any

import attrs

from rendergateway import Gateway
from rendergateway.model import PathBuilder, ResolvedTiles
from rendergateway.model.records.record import to_text
from rendergateway.transforms import AffineModel2D
from tests.wrappers.freshness.world import match, tier_of, tile

__all__ = ["WRITES", "Write"]

_NOW = "2026-01-02T03:04:05.000Z"


@attrs.frozen
class Write:
    """
    A request that changes something.

    Attributes
    ----------
    values : dict
        Path and query values, besides owner, project, stack and collection.
    body : object
        The body.
    state : str
        State of the stack before.
    is_seen : bool
        Whether a reading shows the change.
    is_accepted : bool
        Whether the embedded service accepts it.
    """

    values: dict[str, Any] = attrs.field(factory=dict)
    body: Any = None
    state: str = "COMPLETE"
    is_seen: bool = True
    is_accepted: bool = True

    def make(self, gateway: Gateway, endpoint: str) -> None:
        """Make the request."""
        place = {"owner": "lab", "project": "cortex", "stack": "montage", "collection": "dmesh"}
        path = next(known for known in gateway.endpoints() if known.name == endpoint).path_values
        values = {**{name: value for name, value in place.items() if name in path}, **self.values}
        gateway.call(endpoint, body=self.body, **values)


def _saved() -> bytes:
    moved = tile("a", 1, 300).evolve(labels=["seen"], width=64)
    texts = {one.tile_id: one.to_json() for one in (moved, tile("new", 5, 0))}
    return ResolvedTiles(texts, {"lens": to_text(AffineModel2D([[1, 0, 50], [0, 1, 60]], id="lens"))}).to_json()


WRITES = {
    "service.clear_image_cache": Write(is_seen=False),
    "stack.rename": Write(body={"owner": "lab", "project": "elsewhere", "stack": "copy"}),
    "stack.clone": Write({"to_stack": "copy", "to_project": "elsewhere"}, {"createTimestamp": _NOW}),
    "stack.create": Write(body={"createTimestamp": _NOW, "versionNotes": "next"}),
    "stack.delete": Write(),
    "stack.set_resolution": Write(body=[8, 8, 80]),
    "stack.clear_resolution": Write(),
    "stack.set_box_root": Write(body="/elsewhere"),
    "stack.clear_box_root": Write(),
    "stack.set_path_builder": Write(body=PathBuilder(root_path="/elsewhere", level_count=2, extension="png")),
    "stack.clear_path_builder": Write(),
    "stack.set_default_channel": Write(body="TdTomato"),
    "stack.clear_default_channel": Write(),
    "stack.set_cycle": Write(body={"number": 3, "stepNumber": 4}),
    "stack.clear_cycle": Write(),
    "stack.set_state": Write({"state": "LOADING"}),
    "stack.save_tiles": Write({"derive_data": True}, _saved(), "LOADING"),
    "section.delete": Write({"z": 1}, state="LOADING"),
    "section.take_tiles": Write({"z": 1}, ["c"], "LOADING"),
    "section.save_tiles": Write(
        {"z": 1, "derive_data": True},
        ResolvedTiles({"b": tile("b", 1, 40).evolve(transforms=[]).to_json()}).to_json(),
        "LOADING",
    ),
    "section_id.delete": Write({"section_id": "1.0"}, state="LOADING"),
    "section_id.set_z": Write({"section_id": "1.0"}, 7.0, "LOADING"),
    "tile.delete": Write({"tile_id": "a"}, state="LOADING"),
    "match.delete_with_tile": Write({"group": "1.0", "id": "a"}),
    "match.delete_between_tiles": Write({"p_group": "1.0", "p_id": "a", "q_group": "1.0", "q_id": "b"}),
    "match.delete_between_groups": Write({"p_group": "1.0", "q_group": "1.0"}),
    "match.delete_with_p_group": Write({"p_group": "1.0"}),
    "match.delete_outside_group": Write({"group": "1.0"}),
    "match.save": Write(body=[match("1.0", "a", "1.0", "b").evolve(p=[[1, 2]], q=[[3, 4]], weights=[0.5])]),
    "match.update_counts": Write({"p_group": "1.0"}, is_seen=False),
    "match.delete": Write(),
    "match.rename": Write(body={"owner": "lab", "name": "renamed"}),
    "trial.run": Write(body={}, is_seen=False, is_accepted=False),
    "trial.delete": Write({"trial_id": "1"}, is_seen=False, is_accepted=False),
    "hierarchy.delete_tier": Write({"project": "tiers"}),
    "hierarchy.save": Write(body=tier_of("rough")),
    "hierarchy.delete": Write(is_seen=False),
}
